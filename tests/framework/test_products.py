"""Names of output files: every example of the reference's naming rules, and their properties."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwst_cal.framework import products
from jwst_cal.framework._suffixes import KNOWN, PRODUCTS, RETIRED, STEPS
from jwst_cal.framework.products import Names, fill, model_path, output_path, remove_suffix

# -- suffixes ---------------------------------------------------------------------------------


def test_the_reference_release_knows_159_suffixes():
    assert len(PRODUCTS | STEPS) == 159
    assert KNOWN == PRODUCTS | STEPS | RETIRED


@pytest.mark.parametrize(
    ("name", "root", "separator"),
    [
        ("jw_x_rate", "jw_x", "_"),
        ("jw-rate", "jw", "-"),
        ("x_dq_init", "x", "_"),
        ("x_residual_fringe", "x", "_"),
        ("jw_x_foo_bar", "jw_x_foo_bar", "_"),
        ("jw_x_uncal_rate", "jw_x_uncal", "_"),
        ("jw_x_RATE", "jw_x_RATE", "_"),
        ("rate", "rate", "_"),
        ("x_rate_o001", "x_rate_o001", "_"),
        ("x_ami-oi", "x", "_"),
        ("x_psf-ami-oi", "x_psf", "-"),
        ("x_fitopt", "x_fitopt", "_"),
        ("_rate", "_rate", "_"),
        ("__rate", "_", "_"),
        ("x_amiavg", "x", "_"),
        ("", "", "_"),
    ],
)
def test_one_known_suffix_is_removed(name, root, separator):
    assert remove_suffix(name) == (root, separator)


@given(
    st.text(string.ascii_lowercase + string.digits, min_size=1),
    st.sampled_from("_-"),
    st.sampled_from(sorted(KNOWN)),
)
def test_every_known_suffix_is_replaced_behind_any_root(root, separator, suffix):
    name = f"{root}{separator}{suffix}"
    assert remove_suffix(name) == (root, separator)
    assert products.replace_suffix(name, "cal") == f"{root}{separator}cal"


@given(st.text(string.ascii_letters + "_-.", min_size=1))
def test_nothing_but_a_known_suffix_is_removed(name):
    root, separator = remove_suffix(name)
    rest = name[len(root) :]
    assert root
    assert rest == "" or (rest[0] == separator and rest[1:] in KNOWN)


# -- a step run by itself ---------------------------------------------------------------------


STEP = Names("NoRefStep", primary_input="X_rate.fits")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "X_norefstep.fits"),
        ({"output_file": "foo"}, "foo_norefstep.fits"),
        ({"output_file": "foo.fits"}, "foo_norefstep.fits"),
        ({"output_file": "foo_rate.fits"}, "foo_norefstep.fits"),
        ({"output_file": "foo.asdf"}, "foo_norefstep.fits"),
        ({"output_file": "foo_bar.fits"}, "foo_bar_norefstep.fits"),
        ({"output_file": "sub/foo.fits"}, "foo_norefstep.fits"),
        ({"suffix": "cal"}, "X_cal.fits"),
        ({"suffix": "weird"}, "X_weird.fits"),
        ({"suffix": ""}, "X_.fits"),
        ({"suffix": "cal", "output_file": "z_crf"}, "z_cal.fits"),
        ({"output_ext": "asdf"}, "X_norefstep.asdf"),
        ({"output_ext": ".asdf"}, "X_norefstep.asdf"),
        ({"output_dir": "a/b"}, "a/b/X_norefstep.fits"),
        ({"output_dir": "$V/q"}, "env/q/X_norefstep.fits"),
        ({"output_dir": "~/q"}, "home/q/X_norefstep.fits"),
        ({"output_use_model": True, "output_file": "foo"}, "X_norefstep.fits"),
        ({"primary_input": "data/X_rate.fits"}, "X_norefstep.fits"),
        ({"primary_input": "x-cal.fits"}, "x-norefstep.fits"),
        ({"primary_input": "a_b_dq_init.fits"}, "a_b_norefstep.fits"),
        ({"primary_input": "a_fitopt.fits"}, "a_fitopt_norefstep.fits"),
        ({"primary_input": "UP_RATE.fits"}, "UP_RATE_norefstep.fits"),
        ({"primary_input": "rate.fits"}, "rate_norefstep.fits"),
        ({"primary_input": "my.file_rate.fits"}, "my.file_norefstep.fits"),
        ({"primary_input": "X_rate.fits.gz"}, "X_rate.fits_norefstep.fits"),
        ({"primary_input": None}, "step_NoRefStep_norefstep.fits"),
    ],
    ids=str,
)
def test_step_alone(settings, expected, monkeypatch):
    monkeypatch.setenv("V", "env")
    monkeypatch.setenv("HOME", "home")
    assert model_path((STEP._replace(**settings),), "X_rate.fits") == expected


def test_suffix_false_leaves_the_base_alone():
    assert output_path((STEP,), suffix=False) == "X_rate.fits"
    assert output_path((STEP,), "P_i2d.fits", suffix=False, ext="ecsv") == "P_i2d.ecsv"


# -- several results --------------------------------------------------------------------------


def several(step, files, *, container):
    indices = products.result_indices(len(files), container=container)
    return [model_path((step,), file, idx=idx) for file, idx in zip(files, indices, strict=True)]


MULTI = Names("MultiStep", primary_input="X_rate.fits")


@pytest.mark.parametrize(
    ("settings", "files", "container", "expected"),
    [
        ({}, ["a", "b", "c"], False,
         ["X_0_multistep.fits", "X_1_multistep.fits", "X_2_multistep.fits"]),
        ({}, ["a"], False, ["X_multistep.fits"]),
        ({}, ["a"] * 12, False, [f"X_{i}_multistep.fits" for i in range(12)]),
        ({}, ["a", "b", "c"], True, [f"X_{i}_multistep.fits" for i in range(3)]),
        ({}, ["a"], True, ["X_0_multistep.fits"]),
        ({"output_file": "foo"}, ["a", "b"], True,
         ["foo_0_multistep.fits", "foo_1_multistep.fits"]),
        ({"output_use_model": True}, ["aa_cal.fits", "bb_cal.fits"], True,
         ["aa_multistep.fits", "bb_multistep.fits"]),
        ({"output_use_model": True}, ["aa_cal.fits"] * 2, True, ["aa_multistep.fits"] * 2),
        ({"primary_input": "x-cal.fits"}, ["a", "b"], False,
         ["x_0-multistep.fits", "x_1-multistep.fits"]),
        ({"primary_input": None}, ["a"], True, ["step_MultiStep_0_multistep.fits"]),
        ({"output_use_index": False}, ["a", "b"], False, ["X_multistep.fits"] * 2),
        ({}, [], False, []),
        ({"name": "ramp_fit", "primary_input": "X_uncal.fits"}, ["a", "b"], False,
         ["X_0_ramp_fit.fits", "X_1_ramp_fit.fits"]),
    ],
)  # fmt: skip
def test_several_results(settings, files, container, expected):
    assert several(MULTI._replace(**settings), files, container=container) == expected


# -- pipelines --------------------------------------------------------------------------------


def run_pipeline(pipeline=None, one=None, two=None):
    """Files written by a pipeline of two sub-steps that sets its own suffix to cal."""
    outer = Names("Pipe", primary_input="X_rate.fits")._replace(**(pipeline or {}))
    outer = outer._replace(suffix="cal")
    files, model = [], "X_rate.fits"
    for name, settings in (("one", one), ("two", two)):
        settings = dict(settings or {})
        save, skip = settings.pop("save", False), settings.pop("skip", False)
        step = Names(name)._replace(**settings)
        if not skip and (save or step.output_file):
            files.append(model_path((step, outer), model))
            model = files[-1].rpartition("/")[2]
    return [*files, model_path((outer,), model)]


SAVED = {"save": True}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["X_cal.fits"]),
        ({"pipeline": {"output_file": "foo"}}, ["foo_cal.fits"]),
        ({"one": SAVED}, ["X_one.fits", "X_cal.fits"]),
        ({"one": SAVED, "pipeline": {"output_file": "foo"}}, ["foo_one.fits", "foo_cal.fits"]),
        ({"one": {"output_file": "bar"}}, ["bar_one.fits", "X_cal.fits"]),
        ({"one": {"output_file": "bar_rate"}}, ["bar_one.fits", "X_cal.fits"]),
        ({"one": {"output_file": "d/bar.fits"}}, ["bar_one.fits", "X_cal.fits"]),
        ({"one": {"output_file": "bar"}, "pipeline": {"output_file": "foo"}},
         ["bar_one.fits", "foo_cal.fits"]),
        ({"one": SAVED, "pipeline": {"output_dir": "pd"}}, ["pd/X_one.fits", "pd/X_cal.fits"]),
        ({"one": SAVED | {"output_dir": "sd"}, "pipeline": {"output_dir": "pd"}},
         ["sd/X_one.fits", "pd/X_cal.fits"]),
        ({"one": SAVED | {"suffix": "uuu"}}, ["X_uuu.fits", "X_cal.fits"]),
        ({"pipeline": {"suffix": "uuu"}}, ["X_cal.fits"]),
        ({"one": SAVED, "pipeline": {"output_ext": "asdf"}}, ["X_one.fits", "X_cal.asdf"]),
        ({"one": SAVED | {"skip": True}}, ["X_cal.fits"]),
        ({"one": SAVED, "two": SAVED | {"search_output_file": False},
          "pipeline": {"output_file": "foo"}},
         ["foo_one.fits", "foo_one_two.fits", "foo_cal.fits"]),
    ],
    ids=str,
)  # fmt: skip
def test_pipeline(settings, expected):
    assert run_pipeline(**settings) == expected


DETECTOR1 = Names("Detector1Pipeline", primary_input="X_uncal.fits")


@pytest.mark.parametrize(
    ("levels", "base", "given", "expected"),
    [
        ((DETECTOR1,), None, {"suffix": "rate"}, "X_rate.fits"),
        ((DETECTOR1,), None, {"suffix": "rateints"}, "X_rateints.fits"),
        ((DETECTOR1,), None, {"suffix": "ramp"}, "X_ramp.fits"),
        # save_opt is named from the model, whatever output_file says
        ((Names("ramp_fit"), DETECTOR1._replace(output_file="foo")), "X_uncal.fits",
         {"suffix": "fitopt"}, "X_fitopt.fits"),
        ((Names("gain_scale", suffix="gain_scale"), DETECTOR1), None, {}, "X_gain_scale.fits"),
        ((Names("gain_scale", suffix="gain_scaleints"), DETECTOR1), None, {},
         "X_gain_scaleints.fits"),
        ((Names("Image2Pipeline", suffix="cal", primary_input="X_rate.fits"),), None, {},
         "X_cal.fits"),
        ((Names("Image2Pipeline", suffix="calints", primary_input="X_rateints.fits"),), None, {},
         "X_calints.fits"),
        ((Names("Image2Pipeline", suffix="cal", output_file="P"),), None, {}, "P_cal.fits"),
        ((Names("Image2Pipeline", suffix="cal", output_file="P_rate.fits"),), None, {},
         "P_cal.fits"),
        ((Names("Image2Pipeline", suffix="cal", output_file="d/P"),), None, {}, "P_cal.fits"),
        ((Names("outlier_detection"), Names("Image3Pipeline", output_file="P")), "E_cal.fits",
         {"suffix": "crf", "asn_id": "a3001"}, "E_a3001_crf.fits"),
        ((Names("resample", suffix="i2d"), Names("Image3Pipeline", output_file="P")), None, {},
         "P_i2d.fits"),
    ],
)  # fmt: skip
def test_real_pipelines(levels, base, given, expected):
    assert output_path(levels, base, **given) == expected


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("jw1_{source_id}_nrs_{slit_name}", {"source_id": "s0001", "slit_name": "s200a1"},
         "jw1_s0001_nrs_s200a1"),
        ("jw1_{source_id}_nrs", {"source_id": "s0001", "slit_name": None}, "jw1_s0001_nrs"),
        ("jw1_nrs", {"source_id": "s0001"}, "jw1_nrs_s0001"),
        ("jw1_{opt_elem}_nrs", {"source_id": "s0001"}, "jw1_{opt_elem}_nrs_s0001"),
        ("plain", {}, "plain"),
    ],
)  # fmt: skip
def test_product_name_placeholders(template, values, expected):
    assert fill(template, **values) == expected


def test_names_of_collects_the_parents():
    class Thing:
        def __init__(self, name, parent=None, **settings):
            self.name, self.parent = name, parent
            vars(self).update(settings)

    pipe = Thing("Pipe", output_dir="pd", primary_input="X_rate.fits")
    levels = products.names_of(Thing("one", pipe))
    assert levels == (Names("one"), Names("Pipe", output_dir="pd", primary_input="X_rate.fits"))
    assert output_path(levels) == "pd/X_one.fits"


@given(
    st.text(string.ascii_letters + string.digits + "_-.", min_size=1).filter(
        lambda text: text.strip(".")
    ),
    st.sampled_from(sorted(KNOWN)),
    st.lists(st.integers(0, 99), max_size=2),
)
def test_naming_a_product_again_replaces_only_its_suffix(base, suffix, parts):
    levels = (Names("one", suffix=suffix),)
    components = {f"part{n}": part for n, part in enumerate(parts)}
    first = output_path(levels, f"{base}.fits", **components)
    assert first.endswith(f"{suffix}.fits")
    again = output_path(levels, first)
    assert again == first
