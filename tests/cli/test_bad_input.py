"""Wrong input from the shell: one line that names the file and the reason, and nothing is left."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from jwst_cal.cli import strun
from jwst_cal.simulate import exposures

HEAD = ("#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n"
        "--- !core/asdf-1.1.0\n")
UNCAL = "jw01234001001_02101_00001_nrca1_uncal.fits"


@pytest.fixture(scope="session")
def exposure(tmp_path_factory):
    """A small raw exposure, made once."""
    return exposures.simulate("NIRCAM", "SUB64P", n_groups=4, n_ints=1).write(
        tmp_path_factory.mktemp("exposure"))


@pytest.fixture
def folder(exposure, tmp_path, monkeypatch):
    """A working folder with an exposure in it."""
    shutil.copy(exposure, tmp_path / UNCAL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder):
    """Every file below a folder and the hash of what is in it."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def check(folder, capfd):
    """Run strun, which must end with one line of error and leave the folder as it was."""
    def check(*words, mentions, status=1):
        before = content(folder)
        capfd.readouterr()
        assert strun.main(list(words)) == status
        said = capfd.readouterr()
        assert "Traceback" not in said.out + said.err
        lines = said.err.splitlines()
        assert len(lines) == 1, said.err
        assert lines[0].startswith("strun: error: ")
        for text in mentions:
            assert text in lines[0]
        assert content(folder) == before
    return check


# ---- the exposure -------------------------------------------------------------------------------


def test_missing_file(check):
    check("calwebb_detector1", "none_uncal.fits", mentions=["none_uncal.fits", "no such file"])


def test_directory_for_a_file(check, folder):
    (folder / "dir_uncal.fits").mkdir()
    check("calwebb_detector1", "dir_uncal.fits", mentions=["dir_uncal.fits", "directory"])


def test_empty_file(check, folder):
    (folder / "empty_uncal.fits").touch()
    check("calwebb_detector1", "empty_uncal.fits", mentions=["empty_uncal.fits", "empty"])


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_truncated_file(check, folder, keep):
    whole = (folder / UNCAL).read_bytes()
    (folder / "cut_uncal.fits").write_bytes(whole[: int(keep * len(whole))])
    check("calwebb_detector1", "cut_uncal.fits", mentions=["cut_uncal.fits"])


def test_file_cut_within_its_first_header(check, folder):
    (folder / "cut_uncal.fits").write_bytes((folder / UNCAL).read_bytes()[:1000])
    check("calwebb_detector1", "cut_uncal.fits", mentions=["cut_uncal.fits"])


def test_no_fits_file(check, folder):
    (folder / "text_uncal.fits").write_text("not a FITS file\n" * 300)
    check("calwebb_detector1", "text_uncal.fits", mentions=["text_uncal.fits", "FITS"])


def test_fits_file_that_is_no_jwst_exposure(check, folder):
    fits.writeto(folder / "hst_raw.fits", np.zeros((10, 10)), fits.Header([("TELESCOP", "HST")]))
    check("calwebb_detector1", "hst_raw.fits", mentions=["hst_raw.fits", "JWST"])


def test_jwst_file_without_data(check, folder):
    with fits.open(folder / UNCAL) as whole:
        fits.HDUList([whole[0].copy()]).writeto(folder / "head_uncal.fits")
    check("calwebb_detector1", "head_uncal.fits", mentions=["head_uncal.fits"])


def test_image_for_a_ramp(check, folder):
    with fits.open(folder / UNCAL) as whole:
        whole["SCI"].data = whole["SCI"].data[0, 0].copy()
        whole.writeto(folder / "image_uncal.fits")
    check("calwebb_detector1", "image_uncal.fits", mentions=["image_uncal.fits"])


def association(path, *names):
    """Write an association of science members."""
    members = [{"expname": name, "exptype": "science"} for name in names]
    path.write_text(json.dumps({"products": [{"name": "p", "members": members}]}))


@pytest.mark.parametrize("step", ["calwebb_detector1", "calwebb_image2", "jump", "calwebb_dark"])
def test_association_that_names_missing_files_lists_all_of_them(check, folder, step):
    association(folder / "a_asn.json", "one_rate.fits", UNCAL, "two_rate.fits")
    check(step, "a_asn.json", mentions=["a_asn.json: 2 of its members do not exist: "
                                          "one_rate.fits, two_rate.fits"])


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"products": []}'])
@pytest.mark.parametrize("step", ["calwebb_detector1", "calwebb_image2"])
def test_file_that_is_no_association(check, folder, step, text):
    (folder / "a_asn.json").write_text(text)
    check(step, "a_asn.json", mentions=["a_asn.json: no association: "])


@pytest.mark.parametrize("step", ["dq_init", "jump", "calwebb_detector1", "calwebb_dark",
                                  "calwebb_guider"])
def test_association_for_one_exposure(check, folder, step):
    association(folder / "a_asn.json", UNCAL, UNCAL)
    check(step, "a_asn.json", mentions=["a_asn.json: ", "this is ModelContainer; give it one "
                                          "exposure at a time"])


def test_missing_association(check):
    check("calwebb_image2", "none_asn.json", mentions=["none_asn.json", "no such file"])


@pytest.mark.parametrize("step", ["jump", "ramp_fit", "calwebb_detector1", "calwebb_dark"])
def test_rate_for_a_ramp(check, folder, step):
    from stdatamodels.jwst import datamodels

    with fits.open(folder / UNCAL) as raw:
        header = raw[0].header
    with datamodels.ImageModel(np.zeros((64, 64), np.float32)) as rate:
        rate.meta.telescope, rate.meta.exposure.type = "JWST", "NRC_IMAGE"
        rate.meta.instrument.name, rate.meta.instrument.detector = "NIRCAM", "NRCA1"
        rate.meta.observation.date, rate.meta.observation.time = "2024-07-01", "00:00:00"
        rate.meta.subarray.name, rate.meta.exposure.readpatt = header["SUBARRAY"], "RAPID"
        rate.save(folder / "x_rate.fits")
    check(step, "x_rate.fits", mentions=["x_rate.fits: ", "RampModel", "this is ImageModel"])


# ---- steps and parameters -----------------------------------------------------------------------


def test_unknown_step(check):
    check("jumpp", UNCAL, mentions=["jumpp", "did you mean 'jump'?"])


def test_unknown_parameter(check):
    check("jump", UNCAL, "--rejection_treshold=5",
            mentions=["--rejection_treshold", "did you mean '--rejection_threshold'?"])


def test_unknown_step_of_a_pipeline(check):
    check("calwebb_detector1", UNCAL, "--steps.jmp.skip=true",
            mentions=["--steps.jmp.skip"])


@pytest.mark.parametrize(("option", "mentions"), [
    ("--rejection_threshold=five", ["rejection_threshold", "'five'", "number"]),
    ("--flag_4_neighbors=maybe", ["flag_4_neighbors", "'maybe'", "true or false"]),
    ("--max_cores_none=1.5", ["--max_cores_none"]),
    ("--minimum_groups=2.5", ["minimum_groups", "'2.5'", "integer"]),
])
def test_value_of_the_wrong_type(check, option, mentions):
    check("jump", UNCAL, option, mentions=mentions)


def test_value_that_is_no_choice(check):
    check("ramp_fit", UNCAL, "--algorithm=BEST", mentions=["algorithm", "BEST", "OLS_C"])


@pytest.mark.parametrize(("file", "text", "mentions"), [
    ("x.asdf", HEAD + "data: [1, 2]\n...\n", ["'x.asdf'", "is no parameter file"]),
    ("x.asdf", HEAD + "parameters: {a: 1}\n...\n", ["'x.asdf'", "without 'class'"]),
    ("x.asdf", "#ASDF 1.0.0\n--- [\n", ["'x.asdf'", "line "]),
    ("x.cfg", "class = jump\nrejection_threshold\n", ["'x.cfg'", "line 2"]),
    ("x.cfg", "", ["'x.cfg'", "it holds no parameters"]),
    ("x.cfg", "class = nosuch.Step\n", ["'x.cfg'", "nosuch.Step"]),
    ("x.cfg", "class = calwebb_detector1\n[steps]\n[[linearity]]\nclass = jump\nskip = true\n",
     ["linearity, which is a LinearityStep, are for JumpStep", "'x.cfg'"]),
])
def test_wrong_parameter_file(check, folder, file, text, mentions):
    (folder / file).write_text(text)
    check(file, UNCAL, mentions=mentions)


def test_parameter_file_of_another_step(check, folder):
    (folder / "jump.cfg").write_text("class = jwst.jump.JumpStep\nskip = true\n")
    check("calwebb_detector1", UNCAL, "--steps.linearity.config_file=jump.cfg",
            mentions=["linearity, which is a LinearityStep, are for JumpStep", "jump.cfg'"])


def test_parameter_files_that_name_each_other(check, folder):
    for name, other in (("a", "b"), ("b", "a")):
        (folder / f"{name}.cfg").write_text(f"class = jump\nconfig_file = {other}.cfg\n")
    check("calwebb_detector1", UNCAL, "--steps.jump.config_file=a.cfg",
            mentions=["config_file leads back to itself: a.cfg -> b.cfg -> a.cfg"])


# ---- reference files ----------------------------------------------------------------------------


def reference(path, shape, model="SuperBiasModel"):
    """Write a small reference file."""
    from stdatamodels.jwst import datamodels

    made = getattr(datamodels, model)(shape)
    made.meta.instrument.name, made.meta.instrument.detector = "NIRCAM", "NRCA1"
    made.meta.subarray.xstart = made.meta.subarray.ystart = 1
    made.save(path)


def test_missing_overrides_are_all_named_before_anything_is_computed(check, capfd):
    check("calwebb_detector1", UNCAL, "--steps.jump.override_gain=no.fits",
            "--steps.linearity.override_linearity=.",
            mentions=["no.fits: no such file (override_gain of jump)",
                      "is a directory (override_linearity of linearity)"])
    assert "group_scale" not in capfd.readouterr().out


def test_missing_reference(check):
    check("superbias", UNCAL, "--override_superbias=none.fits", mentions=["none.fits"])


def test_reference_of_the_wrong_shape(check, folder):
    reference(folder / "bias.fits", (10, 12))
    check("superbias", UNCAL, "--override_superbias=bias.fits",
            mentions=["bias.fits", "(10, 12)", "(64, 64)"])


def test_reference_of_the_wrong_shape_in_a_pipeline(check, folder):
    reference(folder / "bias.fits", (10, 12))
    check("calwebb_detector1", UNCAL, "--steps.superbias.override_superbias=bias.fits",
            mentions=["bias.fits", "(10, 12)", "(64, 64)"])


def test_reference_that_is_no_fits_file(check, folder):
    (folder / "bias.fits").write_text("nothing")
    check("superbias", UNCAL, "--override_superbias=bias.fits", mentions=["bias.fits"])


def test_truncated_reference(check, folder):
    reference(folder / "bias.fits", (64, 64))
    whole = (folder / "bias.fits").read_bytes()
    (folder / "bias.fits").write_bytes(whole[:9000])
    check("superbias", UNCAL, "--override_superbias=bias.fits", mentions=["bias.fits"])


# ---- the output ---------------------------------------------------------------------------------


def test_file_in_place_of_the_output_folder(check, folder):
    (folder / "out").write_text("a file")
    check("superbias", UNCAL, "--output_dir=out", mentions=["out"])


@contextlib.contextmanager
def mounted(folder, size, read_only=False):
    """A small file system, or a reason to skip."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
                          capture_output=True, text=True, check=False) if (
        shutil.which("mount")) else None
    if made is None or made.returncode:
        pytest.skip("a file system cannot be mounted here (that needs root)")
    try:
        if read_only:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_unwritable_output_folder(check, folder):
    with mounted(folder / "locked", "1m", read_only=True):
        check("superbias", UNCAL, "--output_dir=locked", mentions=["locked"])


def test_full_disk(check, folder):
    with mounted(folder / "full", "64k"):
        check("superbias", UNCAL, "--output_dir=full", mentions=["full", "the disk is full"])
        assert os.listdir(folder / "full") == []


def test_full_disk_leaves_an_older_product_as_it_was(check, folder):
    with mounted(folder / "full", "64k"):
        (folder / "full" / UNCAL.replace("_uncal", "_superbias")).write_text("older")
        check("superbias", UNCAL, "--output_dir=full", mentions=["full", "the disk is full"])


# ---- the process --------------------------------------------------------------------------------


def shell(folder, *words):
    return subprocess.run([sys.executable, "-P", "-m", "jwst_cal.cli.strun", *words], cwd=folder,
                          capture_output=True, text=True, check=False)


def test_exit_status_and_one_line_from_a_shell(folder):
    done = shell(folder, "calwebb_detector1", "none_uncal.fits")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_debug_shows_the_traceback(folder):
    done = shell(folder, "calwebb_detector1", "none_uncal.fits", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "none_uncal.fits: no such file" in done.stderr
