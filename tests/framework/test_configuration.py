"""Parameter files: the lexer, both formats, round trips, precedence, and wrong files."""

import contextlib
import math
import string

import asdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwst_cal.errors import ParameterError
from jwst_cal.framework import configuration as c
from jwst_cal.framework.configuration import Layer, Setting, lex, merge, parse_cfg, plain

# -- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", "5"),
        ("  a b  ", "a b"),
        ("", ""),
        ("   ", ""),
        ('"quoted, comma"', "quoted, comma"),
        ("'single'", "single"),
        ('"it\'s"', "it's"),
        ("it's", "it's"),
        ("''", ""),
        ("5 # comment", "5"),
        ("a#b", "a"),
        ('"a#b" # comment', "a#b"),
        ("# only a comment", ""),
        ("a, b", ["a", "b"]),
        ("a,", ["a"]),
        (",", []),
        ("'a,b', c", ["a,b", "c"]),
        ("a, # comment", ["a"]),
        ("[1, 2]", ["[1", "2]"]),
        ("None", "None"),
    ],
)
def test_lex(text, value):
    assert lex(text) == value


@pytest.mark.parametrize("text", ["'open", '"a" b', "a,,b", ",a", "a, 'b"])
def test_lex_refuses(text):
    with pytest.raises(ParameterError, match="cannot read the value"):
        lex(text)


# -- cfg ----------------------------------------------------------------------------------------

CFG = """
# a comment
name = "Detector1Pipeline"
class = "jwst.pipeline.Detector1Pipeline"
save_calibrated_ramp = true     # trailing
root = /data
output_dir = %(root)s/run3
  [steps]
    [[jump]]
      rejection_threshold = 5.5
    [[linearity]]
      skip = True
      override_linearity = %(root)s/lin.fits
    [["dark_current"]]
      config_file = my_dark_current.cfg
      pre_hooks = pkg.func,
"""


def test_cfg_of_the_documentation():
    assert parse_cfg(CFG) == {
        "name": "Detector1Pipeline",
        "class": "jwst.pipeline.Detector1Pipeline",
        "save_calibrated_ramp": "true",
        "root": "/data",
        "output_dir": "/data/run3",
        "steps": {
            "jump": {"rejection_threshold": "5.5"},
            "linearity": {"skip": "True", "override_linearity": "/data/lin.fits"},
            "dark_current": {"config_file": "my_dark_current.cfg", "pre_hooks": ["pkg.func"]},
        },
    }


def test_triple_quotes_join_lines():
    assert parse_cfg("a = '''one\n  two'''  # end\nb = \"\"\"x\"\"\"") == {
        "a": "one\n  two",
        "b": "x",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("just words", "line 1: 'just words' is no 'name = value'"),
        ("\n\na = 'open", "line 3: cannot read the value"),
        ("a = 1\na = 2", "line 2: 'a' is given twice"),
        ("[steps]\n[steps]", "line 2: 'steps' is given twice"),
        ("[steps]\n[[[jump]]]", "line 2: section 'jump' is nested too deep"),
        ("[steps", "line 1: '\\[steps' is no 'name = value'"),
        ("[[steps]", "line 1: .*brackets do not match"),
        ("a = %(b)s", "there is no value named 'b'"),
        ("a = %(a)s", "refers to itself"),
        ("a = '''open", "line 1: ''' is not closed"),
    ],
)
def test_cfg_refuses(text, problem):
    with pytest.raises(ParameterError, match=problem):
        parse_cfg(text)


# -- ASDF ---------------------------------------------------------------------------------------

HEAD = "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n"
CURRENT = (
    HEAD
    + """--- !core/asdf-1.1.0
class: jwst.pipeline.Detector1Pipeline
name: Detector1Pipeline
parameters:
  save_calibrated_ramp: true
  output_dir: run3
steps:
- class: jwst.jump.jump_step.JumpStep
  name: jump
  parameters:
    rejection_threshold: 5.5
- class: jwst.linearity.linearity_step.LinearityStep
  name: linearity
  parameters: {skip: true}
...
"""
)
OLDER = (
    HEAD
    + """--- !core/asdf-1.1.0
parameters:
  class: jwst.pipeline.Detector1Pipeline
  name: Detector1Pipeline
  steps:
    jump: {class: jwst.jump.jump_step.JumpStep, rejection_threshold: 5.5}
...
"""
)


def test_current_layout(tmp_path):
    file = tmp_path / "pars.asdf"
    file.write_text(CURRENT)
    assert c.read(file) == {
        "class": "jwst.pipeline.Detector1Pipeline",
        "name": "Detector1Pipeline",
        "save_calibrated_ramp": True,
        "output_dir": "run3",
        "steps": {
            "jump": {
                "class": "jwst.jump.jump_step.JumpStep",
                "name": "jump",
                "rejection_threshold": 5.5,
            },
            "linearity": {
                "class": "jwst.linearity.linearity_step.LinearityStep",
                "name": "linearity",
                "skip": True,
            },
        },
    }


def test_older_layout(tmp_path):
    file = tmp_path / "pars.txt"  # the content decides, not the name
    file.write_text(OLDER)
    config = c.read(file)
    assert config["class"] == "jwst.pipeline.Detector1Pipeline"
    assert config["steps"]["jump"]["rejection_threshold"] == 5.5


def test_name_defaults_to_the_file_name(tmp_path):
    for name, text in (
        ("noname.cfg", "class = jump"),
        ("other.asdf", f"{HEAD}--- !core/asdf-1.1.0\nclass: jump\nparameters: {{}}\n...\n"),
    ):
        (tmp_path / name).write_text(text)
        assert c.read(tmp_path / name)["name"] == name.partition(".")[0]


def test_file_written_by_the_asdf_library(tmp_path):
    file = tmp_path / "pars.asdf"
    tree = {"class": "jump", "name": "jump", "parameters": {"a": [1.5, None], "b": "x"}}
    asdf.AsdfFile(tree).write_to(file)
    assert c.read(file) == {"class": "jump", "name": "jump", "a": [1.5, None], "b": "x"}


def test_file_with_an_array_falls_back_to_the_library(tmp_path):
    import numpy as np

    file = tmp_path / "pars.asdf"
    tree = {"class": "jump", "name": "jump", "parameters": {"a": np.arange(3.0)}}
    asdf.AsdfFile(tree).write_to(file)
    assert list(c.read(file)["a"]) == [0, 1, 2]


def test_reading_a_plain_tree_needs_no_asdf_library(tmp_path):
    import subprocess
    import sys

    file = tmp_path / "pars.asdf"
    file.write_text(CURRENT)
    code = (
        "import sys; from jwst_cal.framework import configuration as c; "
        f"c.read({str(file)!r}); print('asdf' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] == "False"


# -- wrong files --------------------------------------------------------------------------------


def wrong(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ParameterError) as caught:
        c.read(file)
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    return message


def asdf_bytes(body):
    return f"{HEAD}--- !core/asdf-1.1.0\n{body}\n...\n".encode()


def test_missing_file(tmp_path):
    with pytest.raises(ParameterError, match=r"there is no parameter file '.*no\.cfg'"):
        c.read(tmp_path / "no.cfg")


def test_directory(tmp_path):
    with pytest.raises(ParameterError, match="is a directory"):
        c.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"SIMPLE  =                    T", "a FITS file is no parameter file"),
        (b"", "it holds no parameters"),
        (b"\x89PNG\r\n\x1a\n\xff", "neither ASDF nor text"),
        (b"a = \0", "neither ASDF nor text"),
        (b'{"asn_rule": "x"}', "line 1"),
        (b"[other]\na = 1", "section \\[other\\] is not known"),
        (b"[steps]\njump = 1", "'steps' must hold one section"),
        (asdf_bytes("data: 1"), "without 'parameters'"),
        (asdf_bytes("parameters: {a: 1}"), "without 'class'"),
        (asdf_bytes("class: jump\nparameters: 3"), "without 'parameters'"),
        (asdf_bytes("class: jump\nparameters: {}\nsteps: {a: 1}"), "'steps' must be a list"),
        (asdf_bytes("class: jump\nparameters: {}\nsteps: [{a: 1}]"), "has no 'name'"),
        (asdf_bytes("class: jump\nparameters: {}\nsteps: [{name: a}, {name: a}]"), "'a' twice"),
        (asdf_bytes("class: [jump"), "line 7"),
    ],
)
def test_no_parameter_file(tmp_path, content, problem):
    import re

    assert re.search(problem, wrong(tmp_path, "x.cfg", content))


def test_unreadable_file(tmp_path, monkeypatch):
    file = tmp_path / "x.cfg"
    file.write_text("class = jump")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ParameterError, match="Permission denied"):
        c.read(file)


# -- round trips --------------------------------------------------------------------------------

NAMES = st.text(string.ascii_lowercase + "_", min_size=1, max_size=9).map("p_".__add__)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False),
    TEXTS,
    st.none(),
    st.lists(TEXTS, max_size=3),
    st.lists(st.floats(allow_nan=False), max_size=3),
)
SECTIONS = st.dictionaries(NAMES, VALUES, max_size=4)
CONFIGS = st.builds(
    lambda own, steps: own | {"class": "a.B", "name": "b"} | ({"steps": steps} if steps else {}),
    SECTIONS,
    st.dictionaries(NAMES, SECTIONS, max_size=3),
)


def named(config):
    """Sections of an ASDF file carry the step's name."""
    steps = {name: {"name": name} | section for name, section in config.get("steps", {}).items()}
    return config | ({"steps": steps} if steps else {})


few = settings(max_examples=40, deadline=None)


@few
@given(CONFIGS)
def test_asdf_round_trip(tmp_path_factory, config):
    file = tmp_path_factory.mktemp("rt") / "x.asdf"
    c.write(config, file)
    assert c.read(file) == named(config)


@few
@given(CONFIGS)
def test_asdf_text_is_what_the_asdf_library_reads(tmp_path_factory, config):
    file = tmp_path_factory.mktemp("rt") / "x.asdf"
    c.write(config, file, metadata=True)
    with asdf.open(file) as opened:
        tree = opened.tree
        assert tree["class"] == "a.B"
        expected = {k: v for k, v in config.items() if k not in ("class", "name", "steps")}
        assert dict(tree["parameters"]) == expected
        assert tree["meta"]["description"] == "Parameters for calibration step a.B"
        assert tree["meta"]["instrument"]["name"] == "<SPECIFY>"


def texts(section):
    """What a cfg file can hold: texts, lists of texts; None is absent."""
    found = {}
    for name, value in section.items():
        if isinstance(value, dict):
            found[name] = texts(value)
        elif isinstance(value, list):
            found[name] = [str(item) for item in value]
        elif value is not None:
            found[name] = str(value)
    return found


@few
@given(CONFIGS)
def test_cfg_round_trip(tmp_path_factory, config):
    file = tmp_path_factory.mktemp("rt") / "x.cfg"
    with contextlib.suppress(ParameterError):  # a text that the format cannot hold
        c.write(config, file)
    if file.exists():
        assert c.read(file) == texts(config)
    else:
        assert any(quote in repr(config) for quote in "'\"")


@pytest.mark.parametrize("text", ["%(x)s", ["both ' and \""], "a\n'''\n\"\"\"b"])
def test_cfg_refuses_what_it_cannot_hold(text):
    with pytest.raises(ParameterError, match=r"a \.cfg file cannot hold"):
        c.to_cfg({"a": text})


def test_nan_survives(tmp_path):
    c.write({"class": "a.B", "name": "b", "p": math.nan}, tmp_path / "x.asdf")
    assert math.isnan(c.read(tmp_path / "x.asdf")["p"])


def test_keys_are_sorted():
    lines = c.to_asdf({"class": "a.B", "name": "b", "z": 1, "a": 2}).splitlines()
    assert lines[5:] == ["class: a.B", "name: b", "parameters:", "  a: 2", "  z: 1", "..."]


def test_unwritable_folder_is_one_clear_line(tmp_path):
    with pytest.raises(ParameterError, match=r"cannot write the parameter file '.*no/x\.asdf'"):
        c.write({"class": "a.B"}, tmp_path / "no" / "x.asdf")


# -- which value wins ---------------------------------------------------------------------------


def layer(source, folder=None, lenient=False, **config):
    return Layer(config, source, folder, lenient)


def test_precedence():
    references = [
        layer("pars-jumpstep", lenient=True, steps={"jump": {"a": 2, "b": 2, "c": 2, "d": 2}}),
        layer("pars-pipe", lenient=True, x=3, y=3, z=3, steps={"jump": {"b": 3, "c": 3, "d": 3}}),
    ]
    given = [
        layer("file", y=5, z=5, steps={"jump": {"c": 5, "d": 5}}),
        layer("command line", z=6, steps={"jump": {"d": 6}}),
    ]
    merged = merge(references, given)
    assert plain(merged) == {
        "x": 3,
        "y": 5,
        "z": 6,
        "steps": {"jump": {"a": 2, "b": 3, "c": 5, "d": 6}},
    }
    assert merged["z"] == Setting(6, "command line")
    assert merged["x"] == Setting(3, "pars-pipe", None, True)
    assert merged["steps"]["jump"]["a"].source == "pars-jumpstep"


@pytest.fixture
def jump_files(tmp_path):
    (tmp_path / "low.cfg").write_text("class = jump\nname = other\na = low\nb = low\nc = low")
    (tmp_path / "high.cfg").write_text("class = jump\na = high\nconfig_file = low.cfg")
    (tmp_path / "loop1.cfg").write_text("a = 1\nconfig_file = loop2.cfg")
    (tmp_path / "loop2.cfg").write_text("a = 1\nconfig_file = loop1.cfg")
    return tmp_path


def test_config_file_of_a_step_lies_between_references_and_what_is_given(jump_files):
    references = [layer("pars", steps={"jump": {"a": "crds", "d": "crds"}})]
    given = [
        layer("file", str(jump_files), steps={"jump": {"config_file": "low.cfg", "b": "given"}}),
    ]
    assert plain(merge(references, given))["steps"]["jump"] == {
        "class": "jump",
        "a": "low",
        "b": "given",
        "c": "low",
        "d": "crds",
    }


def test_explicit_values_beat_the_named_file_whichever_level_names_it(jump_files):
    given = [
        layer("file", str(jump_files), steps={"jump": {"a": "file"}}),
        layer("command line", steps={"jump": {"config_file": str(jump_files / "low.cfg")}}),
    ]
    assert plain(merge([], given))["steps"]["jump"] == {
        "class": "jump", "a": "file", "b": "low", "c": "low"}


def test_config_files_may_be_chained(jump_files):
    given = [layer("file", str(jump_files), steps={"jump": {"config_file": "high.cfg"}})]
    assert plain(merge([], given))["steps"]["jump"] == {
        "class": "jump", "a": "high", "b": "low", "c": "low"}


def test_circular_config_file(jump_files):
    given = [layer("file", str(jump_files), steps={"jump": {"config_file": "loop1.cfg"}})]
    with pytest.raises(ParameterError, match=r"loop1\.cfg -> loop2\.cfg -> loop1\.cfg"):
        merge([], given)


def test_missing_config_file(jump_files):
    given = [layer("file", str(jump_files), steps={"jump": {"config_file": "no.cfg"}})]
    with pytest.raises(ParameterError, match=r"there is no parameter file '.*no\.cfg'"):
        merge([], given)
