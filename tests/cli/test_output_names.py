"""The files that strun writes: the reference's examples, through real steps and files."""

import shutil

import pytest

from jwst_cal.cli.strun import main

QUIET = "--log-stream=null"


def files(folder):
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return sorted(found - {"X_rate.fits"})


def run(folder, *words):
    assert main([*words, QUIET]) == 0
    return files(folder)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "X_norefstep.fits"),
        (["--output_file=foo"], "foo_norefstep.fits"),
        (["--output_file=foo.fits"], "foo_norefstep.fits"),
        (["--output_file=foo_rate.fits"], "foo_norefstep.fits"),
        (["--output_file=foo.asdf"], "foo_norefstep.fits"),
        (["--output_file=foo_bar.fits"], "foo_bar_norefstep.fits"),
        (["--output_file=sub/foo.fits"], "foo_norefstep.fits"),
        (["--suffix=cal"], "X_cal.fits"),
        (["--suffix=weird"], "X_weird.fits"),
        (["--suffix="], "X_.fits"),
        (["--suffix=cal", "--output_file=z_crf"], "z_cal.fits"),
        (["--output_ext=asdf"], "X_norefstep.asdf"),
        (["--output_ext=.asdf"], "X_norefstep.asdf"),
        (["--output_dir=a/b"], "a/b/X_norefstep.fits"),
        (["--output_dir=$V/q"], "env/q/X_norefstep.fits"),
        (["--output_use_model=true", "--output_file=foo"], "X_norefstep.fits"),
        (["--save_results=false"], "X_norefstep.fits"),
    ],
    ids=str,
)
def test_step_alone(folder, words, expected):
    assert run(folder, "demo_steps.NoRefStep", "X_rate.fits", *words) == [expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data/X_rate.fits", "X_norefstep.fits"),
        ("x-cal.fits", "x-norefstep.fits"),
        ("a_b_dq_init.fits", "a_b_norefstep.fits"),
        ("a_fitopt.fits", "a_fitopt_norefstep.fits"),
        ("UP_RATE.fits", "UP_RATE_norefstep.fits"),
        ("rate.fits", "rate_norefstep.fits"),
        ("my.file_rate.fits", "my.file_norefstep.fits"),
    ],
)
def test_input_name(folder, name, expected):
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.move("X_rate.fits", name)
    assert run(folder, "demo_steps.NoRefStep", name) == sorted([name, expected])


def test_model_without_a_name(folder, monkeypatch):
    import demo_steps
    import numpy as np
    from stdatamodels.jwst import datamodels

    demo_steps.NoRefStep(save_results=True).run(datamodels.ImageModel(np.zeros((4, 4), "f4")))
    assert files(folder) == ["step_NoRefStep_norefstep.fits"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["X_0_multistep.fits", "X_1_multistep.fits", "X_2_multistep.fits"]),
        (["--kind=tuple", "--count=2"], ["X_0_multistep.fits", "X_1_multistep.fits"]),
        (["--count=1"], ["X_multistep.fits"]),
        (["--count=12"], sorted(f"X_{i}_multistep.fits" for i in range(12))),
        (["--kind=container"], [f"X_{i}_multistep.fits" for i in range(3)]),
        (["--kind=container", "--count=1"], ["X_0_multistep.fits"]),
        (["--kind=container", "--count=2", "--output_file=foo"],
         ["foo_0_multistep.fits", "foo_1_multistep.fits"]),
        (["--kind=container", "--count=2", "--output_use_model=true"],
         ["aa_multistep.fits", "bb_multistep.fits"]),
        (["--kind=none"], []),
        (["--kind=number"], []),
        (["--count=0"], []),
    ],
    ids=str,
)  # fmt: skip
def test_several_results(folder, words, expected):
    assert run(folder, "demo_steps.MultiStep", "X_rate.fits", *words) == expected


def test_separator_is_kept_behind_the_index(folder):
    shutil.move("X_rate.fits", "x-cal.fits")
    assert run(folder, "demo_steps.MultiStep", "x-cal.fits", "--count=2") == [
        "x-cal.fits",
        "x_0-multistep.fits",
        "x_1-multistep.fits",
    ]


SAVE = "--steps.one.save_results=true"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["X_cal.fits"]),
        (["--output_file=foo"], ["foo_cal.fits"]),
        ([SAVE], ["X_cal.fits", "X_one.fits"]),
        ([SAVE, "--output_file=foo"], ["foo_cal.fits", "foo_one.fits"]),
        (["--steps.one.output_file=bar"], ["X_cal.fits", "bar_one.fits"]),
        (["--steps.one.output_file=bar_rate"], ["X_cal.fits", "bar_one.fits"]),
        (["--steps.one.output_file=d/bar.fits"], ["X_cal.fits", "bar_one.fits"]),
        (["--output_file=foo", "--steps.one.output_file=bar"], ["bar_one.fits", "foo_cal.fits"]),
        (["--output_dir=pd", SAVE], ["pd/X_cal.fits", "pd/X_one.fits"]),
        (["--output_dir=pd", SAVE, "--steps.one.output_dir=sd"],
         ["pd/X_cal.fits", "sd/X_one.fits"]),
        ([SAVE, "--steps.one.suffix=uuu"], ["X_cal.fits", "X_uuu.fits"]),
        (["--suffix=uuu"], ["X_cal.fits"]),
        (["--output_ext=asdf", SAVE], ["X_cal.asdf", "X_one.fits"]),
        ([SAVE, "--steps.one.skip=true"], ["X_cal.fits"]),
        (["--output_file=foo", SAVE, "--steps.two.save_results=true",
          "--steps.two.search_output_file=false"],
         ["foo_cal.fits", "foo_one.fits", "foo_one_two.fits"]),
    ],
    ids=str,
)  # fmt: skip
def test_pipeline(folder, words, expected):
    assert run(folder, "demo_steps.DemoPipeline", "X_rate.fits", *words) == expected


def test_name_of_a_cfg_file_is_the_suffix(folder):
    (folder / "noname.cfg").write_text("class = demo_steps.NoRefStep\n")
    (folder / "named.cfg").write_text("name = dq_init\nclass = demo_steps.NoRefStep\n")
    run(folder, "noname.cfg", "X_rate.fits")
    assert run(folder, "named.cfg", "X_rate.fits") == [
        "X_dq_init.fits",
        "X_noname.fits",
        "named.cfg",
        "noname.cfg",
    ]


def test_input_dir_is_where_inputs_are_opened(folder):
    (folder / "data").mkdir()
    shutil.move("X_rate.fits", "data/X_rate.fits")
    found = run(folder, "demo_steps.NoRefStep", "X_rate.fits", "--input_dir=data")
    assert found == ["X_norefstep.fits", "data/X_rate.fits"]
