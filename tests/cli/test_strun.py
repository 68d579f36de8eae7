"""strun: what it accepts, what it prints, how it ends."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import asdf
import pytest

import jwst_cal
from jwst_cal import registry
from jwst_cal.cli.strun import main
from jwst_cal.framework import Step, commandline, configuration

ROOT = Path(jwst_cal.__file__).parents[1]  # of the package under test, installed or not
DEMO = Path(__file__).with_name("demo")
NOREF = "demo_steps.NoRefStep"
PIPE = "demo_steps.DemoPipeline"


def shell(*words, **environment):
    """Run strun in a process of its own."""
    path = os.pathsep.join([str(ROOT), str(DEMO)])
    return subprocess.run(
        [sys.executable, "-P", "-m", "jwst_cal", *words],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def fails(capsys, *words, status=1):
    """Run strun, which must end with one line on stderr; return that line."""
    assert main([*words, "--log-stream=null"]) == status
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("strun: ")
    assert captured.out == ""
    return lines[0].removeprefix("strun: error: ")


# -- from a shell -------------------------------------------------------------------------------


def test_in_a_shell(folder):
    done = shell(NOREF, "X_rate.fits", "--par=5")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "demo_steps - INFO - par is 5, gain is None" in done.stdout
    assert (folder / "X_norefstep.fits").exists()


@pytest.mark.parametrize(
    ("how", "status", "message"),
    [
        ("64", 64, "no data on detector"),
        ("77", 77, "no data on detector"),
        ("disk", 1, "X_fail.fits: No space left on device"),
        ("exit", 1, "the run was ended from within, with status -1"),
        ("zero", 1, "ZeroDivisionError: division by zero (in step FailStep, input X_rate.fits); "
                    "--debug shows where"),
    ],
)  # fmt: skip
def test_exit_status_and_one_line(folder, capsys, how, status, message):
    assert fails(capsys, "demo_steps.FailStep", "X_rate.fits", f"--how={how}", status=status) \
        == message  # fmt: skip
    assert not list(folder.glob("*fail*"))


def test_interrupt(folder, capsys):
    words = ["demo_steps.FailStep", "X_rate.fits", "--how=interrupt", "--log-stream=null"]
    assert main(words) == 130
    assert capsys.readouterr().err == "strun: interrupted\n"


def test_debug_shows_the_traceback(folder):
    done = shell("demo_steps.FailStep", "X_rate.fits", "--debug")
    assert done.returncode == 1
    assert "strun: error: ZeroDivisionError" in done.stderr
    assert "Traceback" in done.stderr
    assert "Traceback" not in done.stdout


def test_output_into_a_closed_pipe():
    done = subprocess.run(
        f"{sys.executable} -P -m jwst_cal calwebb_detector1 -h | head -1",
        shell=True, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.startswith("usage: strun")
    assert done.stderr == ""


HEAVY = {"astropy", "asdf", "stdatamodels", "crds", "rich", "scipy"}


@pytest.mark.parametrize(("words", "most", "absent"), [
    (["--help"], 150, HEAVY | {"numpy"}), (["jump", "-h"], 300, HEAVY),
    (["calwebb_detector1", "-h"], 400, HEAVY)])
def test_help_opens_few_files_and_imports_little(words, most, absent):
    code = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: event == 'open' and opened.append(args[0]))\n"
        "from jwst_cal.cli.strun import main\n"
        f"main({words})\n"
        "print(len(opened), *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    count, *loaded = done.stderr.split()
    assert int(count) < most
    assert not absent & set(loaded)


# -- help and version ---------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_without_a_class_lists_everything(capsys, word):
    assert main([word]) == 0
    text = capsys.readouterr().out
    for row in registry.ROWS:
        assert re.search(rf"(?<!\S){re.escape(row.alias)}(?!\S)", text), row.alias
    for option in commandline.BUILT_INS:
        assert option.names[-1] in text


def test_nothing_at_all_is_wrong_usage(capsys):
    assert main([]) == 2
    assert "name a step, a pipeline or a parameter file" in capsys.readouterr().err


def test_version_anywhere(capsys):
    assert main(["bogus", "--version"]) == 0
    assert "reproduces jwst 3.0.0" in capsys.readouterr().out


def test_help_of_a_step(folder, capsys):
    assert main([NOREF, "-h"]) == 0
    text = capsys.readouterr().out
    assert "Give back what came in." in text
    assert "Not shown in the help" not in text
    assert re.search(r"--par +an integer >= 0 and <= 10 \[4\]\. A number from 0 to 10", text)
    assert re.search(r"--gain +a number or None\. A factor", text)
    assert re.search(r"--method +one of 'mean', 'median' \[mean\]\. How", text)
    assert "--save-parameters FILE" in text
    assert "--output_dir" in text


def test_help_of_a_pipeline_names_every_option(folder, capsys):
    assert main(["-h", PIPE]) == 0
    text = capsys.readouterr().out
    for name in ("--output_dir", "--steps.one.gain", "--steps.two.skip",
                 "--steps.one.override_dark", "--steps.one.config_file"):  # fmt: skip
        assert re.search(rf"  {re.escape(name)}\s", text), name


def test_help_of_a_pipeline_tells_what_every_step_has_once(folder, capsys):
    assert main(["-h", PIPE]) == 0
    text = capsys.readouterr().out
    words = " ".join(text.split())
    assert words.count("Functions, steps or commands to run before this step") == 1
    short = re.search(r"--steps\.two\.\{(.*?)\}\s+as above", text, re.DOTALL)[1]
    names = set(re.split(r",\s+", short)) | {"skip", "save_results"}
    assert names == set(Step.parameters())


def test_help_shows_the_values_of_a_file(folder, capsys):
    (folder / "x.cfg").write_text(
        f"class = {PIPE}\nsuffix = abc\n[steps]\n[[one]]\ngain = 2.5\noverride_dark = my.fits\n"
    )
    assert main(["x.cfg", "--help"]) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "[2.5 from file 'x.cfg']" in text
    assert "[abc from file 'x.cfg']" in text
    assert "[my.fits from file 'x.cfg']" in text


@pytest.mark.parametrize("row", [r for r in registry.ROWS if r.exists], ids=lambda r: r.alias)
def test_help_of_every_step_and_pipeline(row, capsys):
    assert main([row.alias, "-h"]) == 0
    text = capsys.readouterr().out
    for name, parameter in registry.load(row.alias).parameters(own=True).items():
        assert re.search(rf"--{name}\s", text)
        assert parameter.help, f"{row.alias}.{name} has no help"


# -- what may be written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        [NOREF, "X_rate.fits", "--par=5"],
        [NOREF, "X_rate.fits", "--par", "5"],
        [NOREF, "--par", "5", "X_rate.fits"],
        [NOREF, "--par=5", "X_rate.fits"],
        ["--par=5", NOREF, "X_rate.fits"],
        ["-v", NOREF, "X_rate.fits", "--par=5"],
        [NOREF, "-v", "X_rate.fits", "--par=5"],
        [NOREF, "X_rate.fits", "-v", "--par=5"],
        ["--log-level", "DEBUG", NOREF, "X_rate.fits", "--par=5"],
        ["--log-le", "DEBUG", NOREF, "X_rate.fits", "--par=5"],
        [NOREF, "X_rate.fits", "--par=3", "--par=5"],
        [NOREF, "X_rate.fits", "--par='5' # five"],
        [NOREF, "X_rate.fits", "--pa=5"],
        ["--", NOREF, "--par=5", "X_rate.fits"],
    ],
    ids=" ".join,
)
def test_options_anywhere_and_shortened(folder, capsys, words):
    assert main(words) == 0
    assert "par is 5," in capsys.readouterr().out


def test_sub_step_options_may_be_shortened(folder, capsys):
    assert main([PIPE, "X_rate.fits", "--steps.one.ga=5", "--steps.two.gain=7"]) == 0
    out = capsys.readouterr().out
    assert "one has gain 5.0" in out
    assert "one has gain 7.0" in out


def test_interpolation(folder, capsys):
    (folder / "x.cfg").write_text(f"class = {NOREF}\nnames = lo, hi\nmethod = median\npar = 7\n")
    assert main(["x.cfg", "X_rate.fits", "--names=a_%(par)s, b", "--explain"]) == 0
    assert "['a_7', 'b']  command line" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    ["jump", "jwst_cal::jump", "jwst::jump", "JumpStep", "jwst.jump.JumpStep",
     "jwst.jump.jump_step.JumpStep", "jwst.step.JumpStep", "jwst_cal.detector.jump.JumpStep"],
)  # fmt: skip
def test_names_of_a_step(name):
    if not registry.by_alias["jump"].exists:
        pytest.skip("jump is not there yet")
    assert commandline.load_target(name)[0] is registry.load("jump")


def test_python_m_and_script_are_the_same():
    assert shell("--version").stdout.startswith("strun ")


# -- wrong command lines ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--par"], "argument --par: expected one argument"),
        (["--skip"], "argument --skip: expected one argument"),
        (["--output=x"], "ambiguous option: --output=x could match --output_file, --output_dir, "
                         "--output_ext, --output_use_model, ..."),
        (["--threads=0"], "--threads: '0' where a number from 1 is needed"),
        (["--threads=x"], "--threads: 'x' where a number from 1 is needed"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(folder, capsys, words, message):
    assert fails(capsys, NOREF, "X_rate.fits", *words, status=2) == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([NOREF, "X_rate.fits", "--qqq=3"], "unrecognized arguments: --qqq=3"),
        ([NOREF, "X_rate.fits", "--methot=3"],
         "unrecognized arguments: --methot=3; did you mean '--method'?"),
        ([NOREF, "X_rate.fits", "--par=11"],
         "Parameter 'par' of NoRefStep: '11' is not an integer >= 0 and <= 10 (command line)"),
        ([NOREF, "X_rate.fits", "--par=abc"],
         "Parameter 'par' of NoRefStep: 'abc' is not an integer >= 0 and <= 10 (command line)"),
        ([NOREF, "X_rate.fits", "--method=zz"],
         "Parameter 'method' of NoRefStep: 'zz' is not one of 'mean', 'median' (command line)"),
        ([NOREF, "X_rate.fits", "--infile=no.txt"], "there is no '"),
        ([NOREF, "X_rate.fits", "--method='x"], "--method: cannot read the value"),
        ([NOREF, "X_rate.fits", "--method=%(nope)s"], "there is no value named 'nope'"),
        ([PIPE, "X_rate.fits", "--steps.one.gain=-1"],
         "Parameter 'gain' of one: '-1' is not a number >= 0 (command line)"),
        ([NOREF, "X_rate.fits", "--par=x", "--method=y"],
         "is not an integer >= 0 and <= 10; Parameter 'method' of NoRefStep: 'y' is not one of "
         "'mean', 'median' (command line)"),
        ([NOREF], "demo_steps.NoRefStep needs an input: strun demo_steps.NoRefStep INPUT"),
        ([NOREF, "missing.fits"], "missing.fits: no such file"),
        (["jumpp", "x.fits"],
         "'jumpp' is not a path to a config file or a Python Step class; did you mean 'jump'?"),
        (["X_rate.fits"], "'X_rate.fits' is a FITS file; name a step or pipeline before it: strun "
                          "STEP X_rate.fits"),
        (["no.cfg", "x.fits"], "there is no parameter file 'no.cfg'"),
        (["a/b.asdf", "x.fits"], "there is no parameter file 'a/b.asdf'"),
        ([".", "x.fits"], "'.' is a directory, not a parameter file"),
        (["", "x.fits"], "'' is not a path to a config file or a Python Step class"),
        (["demo_steps.hook", "x.fits"], "is not a path to a config file or a Python Step class"),
        (["demo_steps", "x.fits"], "is not a path to a config file or a Python Step class"),
        (["pathlib.Path", "x.fits"], "is not a path to a config file or a Python Step class"),
        (["no_such.module.Step", "x.fits"], "is not a path to a config file or a Python Step"),
        (["other::jump", "x.fits"], "package 'other' has no registered steps"),
        ([NOREF, "X_rate.fits", "--logcfg=no.cfg"], "there is no log configuration 'no.cfg'"),
        ([NOREF, "X_rate.fits", "--log-level=ZZZ"], "unknown log level 'ZZZ'"),
        ([NOREF, "X_rate.fits", "--log-file=no/x.log"], "cannot write the log file 'no/x.log'"),
        ([NOREF, "X_rate.fits", "--save-parameters=no/x.asdf"],
         "cannot write the parameter file 'no/x.asdf': No such file or directory"),
        ([PIPE, "X_rate.fits", "--steps.one.config_file=no.cfg"], "there is no parameter file '"),
        ([NOREF, "X_rate.fits", "--pre_hooks=demo_steps.hok,"],
         "pre_hooks of NoRefStep: 'demo_steps' has no 'hok'; did you mean 'hook'?"),
        ([NOREF, "X_rate.fits", "--pre_hooks=demo_steps.hook"],
         "is not a list of values; a list of one ends with a comma (command line)"),
        ([NOREF, "X_rate.fits", "--pre_hooks=false,"],
         "'false' returned error code 1; it is a hook of NoRefStep"),
        ([NOREF, "X_rate.fits", "--post_hooks=no.such.function,"],
         "post_hooks of NoRefStep: 'no.such.function' is no function, no Step and no command"),
        ([PIPE, "X_rate.fits", "--steps.two.pre_hooks=nosuchprogram -x {0},"],
         "pre_hooks of two: 'nosuchprogram' is no function, no Step and no command"),
        (["demo_steps.SelfStep", "X_rate.fits"], "circular hooks: "),
    ],
)  # fmt: skip
def test_errors_are_one_line(folder, capsys, words, message):
    if any(word.startswith("--logcfg") for word in words):
        assert main(words) == 1
        assert message in capsys.readouterr().err
        return
    assert message in fails(capsys, *words)
    assert sorted(path.name for path in folder.iterdir()) == ["X_rate.fits"]


@pytest.mark.parametrize("cut", [0, 100, 5000])
def test_truncated_input(folder, capsys, cut):
    content = (folder / "X_rate.fits").read_bytes()
    (folder / "cut.fits").write_bytes(content[:cut])
    assert "cut.fits" in fails(capsys, NOREF, "cut.fits")


def test_input_that_is_no_fits_file(folder, capsys):
    (folder / "text.fits").write_text("hello\n" * 1000)
    assert "text.fits" in fails(capsys, NOREF, "text.fits")


def test_output_folder_that_is_a_file(folder, capsys):
    message = fails(capsys, NOREF, "X_rate.fits", "--output_dir=X_rate.fits")
    assert message == "X_rate.fits: the output folder is a file"


def test_output_folder_that_cannot_be_written(folder, capsys, monkeypatch):
    (folder / "ro").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: "ro" not in os.fspath(path))
    message = fails(capsys, NOREF, "X_rate.fits", "--output_dir=ro")
    assert message == "ro: the output folder cannot be written to"


def test_option_with_the_name_of_a_built_in(folder, capsys, monkeypatch):
    import demo_steps

    parameters = demo_steps.NoRefStep.parameters()
    monkeypatch.setattr(
        demo_steps.NoRefStep, "parameters",
        classmethod(lambda cls, own=False: parameters | {"verbose": parameters["par"]}),
    )  # fmt: skip
    assert "a parameter cannot be called 'verbose'" in fails(capsys, NOREF, "X_rate.fits")


# -- parameter files ----------------------------------------------------------------------------


def test_cfg_file(folder, capsys):
    (folder / "sub").mkdir()
    (folder / "sub" / "one.cfg").write_text("class = one\ngain = 3\nskip = false\n")
    (folder / "sub" / "x.cfg").write_text(
        f"class = {PIPE}\n[steps]\n[[one]]\nconfig_file = one.cfg\n[[two]]\ngain = 4\n"
    )
    assert main(["sub/x.cfg", "X_rate.fits"]) == 0
    out = capsys.readouterr().out
    assert "one has gain 3.0" in out
    assert "one has gain 4.0" in out
    assert main(["sub/x.cfg", "X_rate.fits", "--steps.two.gain=9"]) == 0
    assert "one has gain 9.0" in capsys.readouterr().out


def test_import_that_fails(folder, capsys):
    (folder / "broken.py").write_text("import jwst_cal.kernels.nothing\n")
    (folder / "wrong.py").write_text("x = = 1\n")
    sys.path.insert(0, str(folder))
    try:
        message = fails(capsys, "broken.SomeStep", "X_rate.fits")
        assert message.endswith(
            "No module named 'jwst_cal.kernels.nothing'; pip install . builds it"
        )
        assert "cannot be imported: invalid syntax" in fails(capsys, "wrong.SomeStep")
    finally:
        sys.path.remove(str(folder))


def test_step_with_a_spec_text(folder, capsys):
    words = ["demo_steps.SpecStep", "X_rate.fits", "--threshold=4.5"]
    assert main(words) == 0
    assert "stpipe.SpecStep - INFO - threshold 4.5" in capsys.readouterr().out
    assert "'-1' is not a number >= 0" in fails(capsys, *words, "--threshold=-1")
    assert main([*words, "-h"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"--threshold +a number >= 0 \[3\.0\]\. Threshold, in sigma", out)
    assert "--override_gain" in out


def test_module_beside_the_parameter_file(folder, capsys):
    (folder / "d").mkdir()
    (folder / "d" / "beside_it.py").write_text(
        "from demo_steps import NoRefStep\n\n\nclass MineStep(NoRefStep):\n    'Mine.'\n"
    )
    (folder / "d" / "x.cfg").write_text("class = beside_it.MineStep\npar = 8\n")
    assert main(["d/x.cfg", "X_rate.fits"]) == 0
    assert "par is 8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("par = 3\n", "parameter file 'x.cfg' names no class"),
        ("class = no.such.Step\n", "parameter file 'x.cfg': 'no.such.Step' is not a path to"),
        ("class = pathlib.Path\n", "parameter file 'x.cfg' is for Path, not for Step"),
        (f"class = {NOREF}\nbogus = 1\n",
         "'bogus' is no parameter of NoRefStep (file 'x.cfg')"),
        (f"class = {NOREF}\ngian = 1\n",
         "'gian' is no parameter of NoRefStep (file 'x.cfg'); did you mean 'gain'?"),
        (f"class = {NOREF}\npar = x\n", "(file 'x.cfg')"),
        (f"class = {PIPE}\n[steps]\n[[twoo]]\ngain = 1\n",
         "'twoo' is no step of DemoPipeline (file 'x.cfg'); did you mean 'two'?"),
        (f"class = {PIPE}\n[steps]\n[[two]]\ngainz = 1\n",
         "'gainz' is no parameter of two (file 'x.cfg'); did you mean 'gain'?"),
        ("class = 'x\n", "parameter file 'x.cfg': line 1: cannot read the value"),
    ],
)  # fmt: skip
def test_wrong_parameter_file(folder, capsys, text, message):
    (folder / "x.cfg").write_text(text)
    assert message in fails(capsys, "x.cfg", "X_rate.fits")


def test_save_parameters_then_edit_then_rerun(folder, capsys):
    words = [PIPE, "X_rate.fits", "--steps.one.gain=2", "--save-parameters=p.asdf"]
    assert main([*words, "--log-stream=null"]) == 0
    with asdf.open("p.asdf") as file:
        assert file["class"] == PIPE
        assert file["parameters"]["save_results"] is True
        assert [step["name"] for step in file["steps"]] == ["one", "two"]
        assert file["meta"]["pedigree"] == "<SPECIFY>"
    text = (folder / "p.asdf").read_text()
    (folder / "p.asdf").write_text(text.replace("gain: 2.0", "gain: 6.5"))
    capsys.readouterr()
    assert main(["p.asdf", "X_rate.fits"]) == 0
    assert "one has gain 6.5" in capsys.readouterr().out


def test_save_parameters_needs_no_input(folder, capsys):
    assert main([NOREF, "--par=7", "--save-parameters=p.cfg"]) == 0
    config = configuration.read("p.cfg")
    assert config["par"] == "7"
    assert config["save_results"] == "False"


def test_save_parameters_is_written_even_if_the_run_fails(folder, capsys):
    fails_words = ["demo_steps.FailStep", "X_rate.fits", "--save-parameters=p.asdf"]
    assert main(fails_words) == 1
    assert configuration.read("p.asdf")["how"] == "zero"


def test_explain(folder, capsys):
    (folder / "one.cfg").write_text("gain = 3\n")
    (folder / "x.cfg").write_text(
        f"class = {PIPE}\noutput_dir = d\n[steps]\n[[one]]\nconfig_file = one.cfg\n"
    )
    assert main(["x.cfg", "X_rate.fits", "--explain", "--steps.two.gain=4"]) == 0
    lines = {tuple(line.split(None, 2)) for line in capsys.readouterr().out.splitlines()}
    assert ("output_dir", "'d'", "file 'x.cfg'") in lines
    assert ("steps.two.gain", "4.0", "command line") in lines
    assert ("steps.two.skip", "False", "default") in lines
    assert ("save_results", "True", "strun, which always saves") in lines
    gain = next(line for line in lines if line[0] == "steps.one.gain")
    assert gain[1] == "3.0"
    assert gain[2].endswith("one.cfg'")
    assert not (folder / "d").exists()


@pytest.fixture
def references(folder, monkeypatch):
    """Parameter references for the demo pipeline, as CRDS would give them."""
    from jwst_cal.framework import reference_store

    for name, text in (
        ("pars-onestep", "class = one\nname = one\ngain = 2\nskip = true\n"),
        ("pars-demopipeline",
         "class = x\nname = fromcrds\nobsolete = 1\n[steps]\n[[one]]\nskip = false\n"),
    ):  # fmt: skip
        (folder / f"{name}.cfg").write_text(text)

    def find(header, reftype):
        path = folder / f"{reftype}.cfg"
        return str(path) if path.exists() else None

    monkeypatch.setattr(reference_store, "find_parameters", find)
    monkeypatch.delenv("STPIPE_DISABLE_CRDS_STEPPARS")


def test_parameter_references_lie_below_everything(references, capsys):
    assert main([PIPE, "X_rate.fits", "--explain"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"steps\.one\.gain +2\.0 +reference 'pars-onestep\.cfg'", out)
    assert re.search(r"steps\.one\.skip +False +reference 'pars-demopipeline\.cfg'", out)
    assert re.search(r"steps\.two\.gain +1\.0 +default", out)
    assert "WARNING - 'obsolete' is no parameter of DemoPipeline" in out
    assert main([PIPE, "X_rate.fits", "--explain", "--steps.one.gain=5"]) == 0
    assert re.search(r"steps\.one\.gain +5\.0 +command line", capsys.readouterr().out)


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "True", "t", "yes", "y", "on"])
def test_parameter_references_can_be_disabled(references, capsys, monkeypatch, value):
    assert main([PIPE, "X_rate.fits", "--explain", "--disable-crds-steppars"]) == 0
    assert "reference '" not in capsys.readouterr().out
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", value)
    assert main([PIPE, "X_rate.fits", "--explain"]) == 0
    assert "reference '" not in capsys.readouterr().out


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_parameter_references_are_used_unless_disabled(references, capsys, monkeypatch, value):
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", value)
    assert main([PIPE, "X_rate.fits", "--explain"]) == 0
    assert "reference '" in capsys.readouterr().out


# -- logging ------------------------------------------------------------------------------------

LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - demo_steps - INFO - par is 4, gain is None"


def test_log_goes_to_stdout_at_info(folder, capsys):
    assert main([NOREF, "X_rate.fits"]) == 0
    captured = capsys.readouterr()
    assert re.search(LINE, captured.out)
    assert "DEBUG" not in captured.out
    assert captured.err == ""


def test_log_options(folder, capsys):
    assert main([NOREF, "X_rate.fits", "--log-stream=stderr", "--log-file=x.log"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(LINE, captured.err)
    assert re.search(LINE, (folder / "x.log").read_text())
    assert main([NOREF, "X_rate.fits", "--log-level=warning"]) == 0
    assert capsys.readouterr().out == ""


def test_errors_stand_in_the_log_file(folder, capsys):
    fails(capsys, "demo_steps.FailStep", "X_rate.fits", "--log-file=x.log")
    assert "ERROR - ZeroDivisionError: division by zero" in (folder / "x.log").read_text()


@pytest.mark.parametrize("how", ["option", "working directory", "parameter file"])
def test_log_configuration(folder, capsys, how):
    text = "handler = file:pipeline.log\nlevel = INFO\n"  # without [*], as old documents print it
    words = [NOREF, "X_rate.fits"]
    if how == "option":
        (folder / "my.cfg").write_text(f"[*]\n{text}")
        words.append("--logcfg=my.cfg")
    elif how == "working directory":
        (folder / "stpipe-log.cfg").write_text(text)
    else:
        (folder / "my-log.cfg").write_text(text)
        (folder / "x.cfg").write_text(f"class = {NOREF}\nlogcfg = my-log.cfg\n")
        words[0] = "x.cfg"
    assert main(words) == 0
    assert capsys.readouterr().out == ""
    assert re.search(LINE, (folder / "pipeline.log").read_text())
    assert main([*words, "--log-level=INFO"]) == 0  # the options beat any file
    assert re.search(LINE, capsys.readouterr().out)


def test_break_level(folder, capsys):
    (folder / "my.cfg").write_text("[*]\nhandler = null\nbreak_level = INFO\n")
    assert main([NOREF, "X_rate.fits", "--logcfg=my.cfg"]) == 1
    assert capsys.readouterr().err.startswith("strun: error: Step NoRefStep running")


def test_log_is_kept_in_the_product(folder):
    assert main([PIPE, "X_rate.fits", "--log-stream=null"]) == 0
    from stdatamodels.jwst import datamodels

    with datamodels.open("X_cal.fits") as model:
        lines = list(model.cal_logs.demo)
    assert any(line.endswith("demo_steps - INFO - one has gain 1.0") for line in lines)
    assert not any("/" in line.rpartition(" - ")[2] for line in lines)


# -- other --------------------------------------------------------------------------------------


def test_hooks_from_the_command_line(folder, capsys):
    assert main([NOREF, "X_rate.fits", "--pre_hooks=demo_steps.hook,"]) == 0
    assert "the hook was called" in capsys.readouterr().out


def test_threads(folder, monkeypatch):
    from jwst_cal.kernels import threads

    try:
        assert main([NOREF, "X_rate.fits", "--threads=3", "--log-stream=null"]) == 0
        assert threads.team_size() == 3
    finally:
        threads.set_threads(None)


def test_override_that_does_not_exist_stops_before_anything_is_computed(folder, capsys):
    import demo_steps

    words = [PIPE, "X_rate.fits", "--steps.one.override_dark=no.fits"]
    demo_steps.DemoPipeline.prefetch_references = True
    try:
        message = fails(capsys, *words)
    finally:
        demo_steps.DemoPipeline.prefetch_references = False
    assert "no.fits: no such file (override_dark of one)" in message
    assert sorted(path.name for path in folder.iterdir()) == ["X_rate.fits"]


def test_existing_files_are_replaced_and_inputs_untouched(folder):
    before = (folder / "X_rate.fits").read_bytes()
    for _ in range(2):
        assert main([NOREF, "X_rate.fits", "--log-stream=null"]) == 0
    assert (folder / "X_rate.fits").read_bytes() == before


def test_from_cmdline_returns_the_step(folder):
    from jwst_cal.framework import Step

    step = Step.from_cmdline([NOREF, "X_rate.fits", "--par=9", "--log-stream=null"])
    assert step.par == 9
    assert shutil.os.path.exists("X_norefstep.fits")
