"""Dark current: regrouping, what is read of the file, dark current for the fit, refusals."""

import logging
import os

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal import flags
from jwst_cal.detector import _dark
from jwst_cal.detector.dark_current import DarkCurrentStep
from jwst_cal.errors import ReferenceFileError


def place(model, x=3, y=5, cols=8, rows=6):
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = x, y, cols, rows
    return model


def dark(n_frames=12, shape=(6, 8), nframes=1, groupgap=0, n_ints=None, rate=0.5):
    """A dark of `rate` DN a frame, times the integration's number for MIRI."""
    data = rate * np.arange(1, n_frames + 1, dtype=np.float32)[:, None, None] * np.ones(shape)
    if n_ints:
        data = data * np.arange(1, n_ints + 1)[:, None, None, None]
        model = datamodels.DarkMIRIModel(data=data.astype(np.float32))
        model.dq = np.zeros((n_ints, 1, *shape), np.uint32)
    else:
        model = datamodels.DarkModel(data=data.astype(np.float32))
        model.dq = np.zeros(shape, np.uint32)
    exposure = model.meta.exposure
    exposure.nframes, exposure.groupgap, exposure.ngroups = nframes, groupgap, n_frames
    model.meta.instrument.name = "MIRI" if n_ints else "NIRCAM"
    return place(model)


def saved(model, tmp_path, name="dark.fits"):
    model.meta.description, model.meta.author, model.meta.pedigree = "test", "test", "DUMMY"
    model.meta.useafter, model.meta.telescope = "2022-01-01T00:00:00", "JWST"
    model.save(tmp_path / name)
    return str(tmp_path / name)


def miri(ramp, n_ints=3):
    ramp.data = np.repeat(ramp.data, n_ints, axis=0)
    ramp.groupdq = np.zeros(ramp.data.shape, np.uint8)
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "MIRI", "MIRIMAGE"
    ramp.meta.exposure.nints = n_ints
    return ramp


def grouping(ramp, nframes, groupgap):
    ramp.meta.exposure.nframes, ramp.meta.exposure.groupgap = nframes, groupgap
    return ramp


@pytest.mark.parametrize("as_file", [True, False])
def test_subtracts_the_mean_of_the_frames_of_each_group(as_file, small_ramp, tmp_path):
    model = dark()
    model.dq[1, 2] = flags.pixel["UNRELIABLE_DARK"]
    model.data[0, 3, 4] = np.nan
    before = small_ramp.data.copy()
    override = saved(model, tmp_path) if as_file else model
    result = DarkCurrentStep(override_dark=override).run(grouping(small_ramp, 2, 1))
    change = before - result.data
    assert_allclose(change[0, :, 0, 0], [0.75, 2.25, 3.75], rtol=1e-5)
    assert_allclose(change[0, :, 3, 4], [0.5, 2.25, 3.75], rtol=1e-5)
    assert result.pixeldq[1, 2] == flags.pixel["UNRELIABLE_DARK"]
    assert result.meta.cal_step.dark_sub == "COMPLETE"
    assert np.isnan(model.data[0, 3, 4])


def test_a_full_frame_dark_is_cut_to_the_subarray(small_ramp, tmp_path):
    model = dark(shape=(12, 16))
    model.data[:] += np.arange(12 * 16).reshape(12, 16)
    model.dq[5, 4] = 1
    place(model, 1, 1, 16, 12)
    before = small_ramp.data.copy()
    wanted = before - model.data[:3, 4:10, 2:10]
    for override in (saved(model, tmp_path), model):
        result = DarkCurrentStep(override_dark=override).run(small_ramp)
        assert_array_equal(result.data, wanted)
        assert result.pixeldq[1, 2] == 1
    assert model.data.shape == (12, 12, 16)


def test_miri_integrations_take_their_own_dark_and_then_the_last(small_ramp, tmp_path):
    model = dark(n_ints=2)
    model.dq[0, 0, 1, 1], model.dq[1, 0, 2, 2] = 1, 1
    ramp = miri(small_ramp)
    result = DarkCurrentStep(override_dark=saved(model, tmp_path)).run(ramp)
    change = (ramp.data - result.data)[:, 1, 0, 0]
    assert_allclose(change, [1, 2, 2], rtol=1e-5)
    assert result.pixeldq[1, 1] == result.pixeldq[2, 2] == 1


@pytest.mark.parametrize("at_once", [1, 2 * 4 * 8 * 4, 2 * 3 * 6 * 8 * 4, 1 << 25])
def test_parts_between_which_pages_are_let_go_do_not_change_the_result(at_once, monkeypatch):
    monkeypatch.setattr(_dark, "AT_ONCE", at_once)
    monkeypatch.setattr(_dark, "BAND", 4)
    frames = np.random.default_rng(1).normal(size=(2, 9, 6, 8)).astype(np.float32)
    data, released = np.zeros((3, 4, 6, 8), np.float32), []
    out = _dark.subtract(data, frames, exposure=_dark.ReadPattern(4, 2, 0),
                         dark=_dark.ReadPattern(9, 1, 0), averaged=True,
                         release=lambda: released.append(1))
    assert_array_equal(out, frames[:, :8].reshape(2, 4, 2, 6, 8).mean(axis=2))
    assert_array_equal(data, -out[[0, 1, 1]])
    assert len(released) == {1: 8, 256: 8, 1152: 4, 1 << 25: 1}[at_once]


def test_a_later_miri_segment_takes_the_last_dark(small_ramp):
    ramp = miri(small_ramp, 1)
    ramp.meta.exposure.integration_start = 4
    result = DarkCurrentStep(override_dark=dark(n_ints=2)).run(ramp)
    assert_allclose((ramp.data - result.data)[0, 1, 0, 0], 2, rtol=1e-5)


def test_regrouped_dark_of_a_later_miri_segment_is_subtracted(small_ramp):
    """In jwst 3.0.0 only the dark of the first integration is averaged; the last one is zero."""
    ramp = grouping(miri(small_ramp, 1), 2, 0)
    ramp.meta.exposure.integration_start = 4
    result = DarkCurrentStep(override_dark=dark(n_ints=2)).run(ramp)
    assert_allclose((ramp.data - result.data)[0, 1, 0, 0], 2 * 0.5 * 3.5, rtol=1e-4)


def test_a_short_dark_is_extrapolated_with_a_warning(small_ramp, caplog):
    ramp = grouping(small_ramp, 4, 0)
    with caplog.at_level(logging.WARNING):
        result = DarkCurrentStep(override_dark=dark(n_frames=5)).run(ramp)
    assert "has 5 frames, the exposure needs 12: 7 groups extrapolated" in caplog.text
    assert_allclose((ramp.data - result.data)[0, :, 0, 0], [1.25, 3.25, 5.25], rtol=1e-5)


def test_refuses_to_extrapolate_one_group(small_ramp):
    with pytest.raises(ReferenceFileError, match="1 frames where 3 are needed"):
        DarkCurrentStep(override_dark=dark(n_frames=1)).run(small_ramp)


@pytest.mark.parametrize(("nframes", "groupgap"), [(4, 0), (1, 2)])
def test_skipped_when_the_dark_is_coarser(nframes, groupgap, small_ramp):
    ramp = grouping(small_ramp, 2, 1)
    step = DarkCurrentStep(override_dark=dark(nframes=nframes, groupgap=groupgap))
    result = step.run(ramp)
    assert result.meta.cal_step.dark_sub == "SKIPPED"
    assert_array_equal(result.data, ramp.data)


def test_skipped_when_averaged_groups_cannot_be_regrouped(small_ramp):
    """In jwst 3.0.0 the groups of such a dark are taken for single frames."""
    ramp = grouping(small_ramp, 4, 1)
    result = DarkCurrentStep(override_dark=dark(nframes=2, groupgap=0, n_frames=30)).run(ramp)
    assert result.meta.cal_step.dark_sub == "SKIPPED"


def test_a_dark_grouped_as_the_exposure_is_used_as_it_is(small_ramp):
    ramp = grouping(small_ramp, 4, 1)
    result = DarkCurrentStep(override_dark=dark(nframes=4, groupgap=1)).run(ramp)
    assert_allclose((ramp.data - result.data)[0, :, 0, 0], [0.5, 1, 1.5], rtol=1e-4)


def test_dark_current_for_the_fit(small_ramp):
    model = dark()
    model.meta.exposure.average_dark_current = 0.25
    run = DarkCurrentStep(override_dark=model).run
    assert_array_equal(run(small_ramp).average_dark_current, np.full((6, 8), 0.25, np.float32))
    model.average_dark_current = np.full((6, 8), 0.75, np.float32)
    assert_array_equal(run(small_ramp).average_dark_current, np.full((6, 8), 0.75, np.float32))
    given = DarkCurrentStep(override_dark=model, average_dark_current=1.5).run(small_ramp)
    assert_array_equal(given.average_dark_current, np.full((6, 8), 1.5, np.float32))


def test_map_of_dark_current_of_another_shape_is_not_used(small_ramp, caplog):
    model = dark()
    model.average_dark_current = np.full((3, 3), 0.75, np.float32)
    result = DarkCurrentStep(override_dark=model).run(small_ramp)
    assert "shape (3, 3)" in caplog.text
    assert not np.any(result.average_dark_current)


def test_saves_the_dark_as_it_was_subtracted(small_ramp, tmp_path):
    step = DarkCurrentStep(override_dark=dark(), dark_output="used.fits",
                           output_dir=str(tmp_path))
    step.run(grouping(small_ramp, 2, 1))
    with datamodels.DarkModel(tmp_path / "used.fits") as used:
        assert_allclose(used.data[:, 0, 0], [0.75, 2.25, 3.75], rtol=1e-6)
        exposure = used.meta.exposure
        assert (exposure.ngroups, exposure.nframes, exposure.groupgap) == (3, 2, 1)


def test_skipped_without_a_reference(small_ramp):
    result = DarkCurrentStep(override_dark="N/A").run(small_ramp)
    assert result.meta.cal_step.dark_sub == "SKIPPED"


def test_refuses_a_truncated_file(small_ramp, tmp_path):
    path = saved(dark(n_frames=60, shape=(60, 80)), tmp_path)
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(ReferenceFileError, match=r"dark\.fits"):
        DarkCurrentStep(override_dark=path).run(small_ramp)


def test_refuses_a_dark_without_its_read_pattern(small_ramp):
    model = dark()
    model.meta.exposure.nframes = None
    with pytest.raises(ReferenceFileError, match="NFRAMES or GROUPGAP is missing"):
        DarkCurrentStep(override_dark=model).run(small_ramp)


@pytest.mark.parametrize(("exposure", "reference", "wanted"), [
    ((10, 2, 0), (20, 1, 0), 0),
    ((10, 2, 0), (19, 1, 0), 1),
    ((9, 8, 12), (108, 1, 0), 60),
    ((5, 4, 1), (3, 4, 1), 3),
])
def test_groups_to_add(exposure, reference, wanted):
    """The values of jwst 3.0.0, which adds one group too many to a dark with gaps."""
    patterns = _dark.ReadPattern(*exposure), _dark.ReadPattern(*reference)
    assert _dark.groups_to_add(*patterns) == wanted
