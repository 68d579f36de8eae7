"""The examples in the documentation do what the pages say.

Each block runs in a folder of its own that holds the files it names. A command is run when the
block shows the files it makes (``$ ls``); otherwise it is explained, which checks the options.
"""

import filecmp
import logging
import os
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from jwst_cal import registry
from jwst_cal.cli import collect_pipeline_cfgs, stpipe, strun
from jwst_cal.framework import commandline

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "running", "parameters", "outputs", "logging", "reference_files", "writing_a_step",
    "coming_from_jwst",
)  # fmt: skip
BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n((?:   :.*\n)*)\n((?:   .*\n|\n)+)", re.MULTILINE)


def blocks(page):
    """Yield kind, caption and text of each block of a page."""
    for kind, options, text in BLOCK.findall((DOCS / f"{page}.rst").read_text()):
        caption = re.search(r":caption: (\S+)", options)
        yield kind, caption and caption[1], textwrap.dedent(text).strip() + "\n"


FILES = {name: text for page in PAGES for _, name, text in blocks(page) if name}
EXAMPLES = [
    pytest.param(kind, text, id=f"{page}-{number}")
    for page in PAGES
    for number, (kind, name, text) in enumerate(blocks(page))
    if kind in ("console", "python") and name is None
]

needs_stage1 = pytest.mark.skipif(
    not all(registry.by_alias[name].exists for name in ("linearity", "jump", "ramp_fit")),
    reason="a step of stage 1 is not there yet",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Make a small exposure, and a linearity reference."""
    from jwst_cal.framework import reference_store
    from jwst_cal.simulate import exposures

    folder = tmp_path_factory.mktemp("inputs")
    exposures.simulate("NIRCAM", "SUB64P").write(folder / "X_uncal.fits")
    shutil.copy(folder / "X_uncal.fits", folder / "X_linearity.fits")
    found = reference_store.find(str(folder / "X_uncal.fits"), "linearity")
    shutil.copy(found, folder / "my_lin.fits")
    return folder


@pytest.fixture
def folder(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    for name in ("mysteps", "mypipeline"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("CRDS_PATH", "CRDS_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def provide(folder, inputs, text):
    """Write the files that a block names and does not make."""
    shutil.copy(inputs / "X_uncal.fits", folder)
    for name in ("X_linearity.fits", "my_lin.fits"):
        if re.search(
            rf"^\$ strun .*(?<!\w){re.escape(name)}|\(\"{re.escape(name)}", text, re.MULTILINE
        ):
            shutil.copy(inputs / name, folder)
    for name, content in FILES.items():
        shown = re.search(rf"^{re.escape(name)}$", text, re.MULTILINE)  # by ls, in a block of steps
        if shown or f"$ strun {name}" in text or f"={name}" in text or f'"{name}"' in text:
            (folder / name).write_text(content)


def run(words, explain):
    command, *rest = words
    if "--jobs" in rest or any(re.search(r"^@|[*/]", word) for word in rest[1:2]):
        assert commandline.parse(rest).inputs  # many, which tests/batch runs; here they are read
        return 0
    if command == "strun":
        files = ["--save-parameters", "--help", "--version"]
        extra = explain and not any(word.startswith(tuple(files)) for word in rest)
        return strun.main([*rest, *(["--explain"] if extra else [])])
    return {"stpipe": stpipe, "collect_pipeline_cfgs": collect_pipeline_cfgs}[command].main(rest)


@needs_stage1
@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_example(folder, inputs, kind, text, monkeypatch):
    provide(folder, inputs, text)
    if kind == "python":
        if "jwst_cal.compat" in text:
            pytest.skip("run in a process of its own by tests/compat")
        level = logging.getLogger("jwst_cal").level
        exec(compile(text, "example", "exec"), {})
        logging.getLogger("jwst_cal").setLevel(level)
        return
    explain = "$ ls" not in text and "$ cmp" not in text
    for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
        words = [word for word in shlex.split(command) if word != "PYTHONPATH=."]
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("="))
        elif words[0] == "mv":
            os.rename(*words[1:])
        elif words[0] == "cmp":
            assert filecmp.cmp(*words[1:3], shallow=False)
        elif words[0] == "ls":
            assert sorted(os.listdir(*words[1:])) == shown.split()
        else:
            assert run(words, explain) == 0, command


def test_there_are_examples():
    assert len(EXAMPLES) > 20
    assert {"jump.cfg", "jump.asdf", "pipeline-log.cfg"} <= set(FILES)


def test_the_table_of_names_is_true():
    text = (DOCS / "coming_from_jwst.rst").read_text()
    rows = re.findall(r"``from (jwst\S* import \w+)`` +``from (\S+ import \S+?)``", text)
    assert len(rows) > 3
    for theirs, ours in rows:
        name = theirs.split()[-1]
        exec(f"from {ours}" if "..." not in ours else f"from {ours.replace('...', name)}", {})
