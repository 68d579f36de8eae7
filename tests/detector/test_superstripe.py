"""Superstripe exposures: one stripe of the detector in each integration, put together by refpix."""

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal.detector import _superstripe
from jwst_cal.detector.dq_init import DQInitStep
from jwst_cal.detector.linearity import LinearityStep
from jwst_cal.detector.refpix import RefPixStep
from jwst_cal.detector.saturation import SaturationStep
from jwst_cal.detector.superbias import SuperBiasStep
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import stripes

DNU = datamodels.dqflags.pixel["DO_NOT_USE"]
SATURATED = datamodels.dqflags.pixel["SATURATED"]
REFERENCE = datamodels.dqflags.pixel["REFERENCE_PIXEL"]
KEYWORDS = ("multistripe_reads1", "multistripe_skips1", "multistripe_reads2",
            "multistripe_skips2", "repeat_stripe", "interleave_reads1", "superstripe_step",
            "num_superstripe")
#: Four reference rows, three stripes of six rows from row 10 of the detector on.
PLAIN = ((4, 6, 6, 0, 1, 0, 6, 3), 10)
#: Two reads of two rows a frame, each with a reference row.
REPEATED = ((1, 9, 2, 0, 1, 0, 2, 3), 6)
WIDTH = 12


def exposure(keywords, size, *, n_ints=2, fast=1, slow=2, start=1, groups=2, nframes=1):
    """Counts are the row of the detector, plus 100 a group and 1000 a whole integration."""
    n = keywords[-1]
    model = datamodels.SuperstripeRampModel()
    subarray, exposed = model.meta.subarray, model.meta.exposure
    for key, value in zip(KEYWORDS, keywords, strict=True):
        setattr(subarray, key, value)
    subarray.name, subarray.fastaxis, subarray.slowaxis = "SUB64P_SUPSTP008", fast, slow
    shape = (size, WIDTH) if abs(slow) == 2 else (WIDTH, size)
    subarray.ysize, subarray.xsize = shape
    subarray.xstart, subarray.ystart = (start, 101) if abs(slow) == 1 else (101, start)
    model.meta.instrument.name, model.meta.instrument.detector = "NIRCAM", "NRCA1"
    model.meta.filename = "jw1_uncal.fits"
    exposed.nints, exposed.ngroups, exposed.nframes = n * n_ints, groups, nframes
    exposed.groupgap, exposed.noutputs, exposed.zero_frame = 0, 1, False
    model.data = np.zeros((n * n_ints, groups, *shape), np.float32)
    model.pixeldq, model.groupdq = model.get_default("pixeldq"), model.get_default("groupdq")
    found = stripes.layout(model)
    for k in range(n * n_ints):
        rows = found.position[k % n]
        model.data[k] += rows[:, None] if abs(slow) == 2 else rows
        model.data[k] += 100 * np.arange(groups)[:, None, None] + 1000 * (k // n)
    model.int_times = np.zeros(n * n_ints, model.get_dtype("int_times"))
    for number, name in enumerate(model.int_times.dtype.names[1:]):
        model.int_times[name] = 60000 + np.arange(n * n_ints) + 0.1 * number
    return model


def whole(model_class, name="data", **arrays):
    """A reference of all rows, whose value is the row."""
    model = model_class()
    rows = np.arange(2048, dtype=np.float32)[:, None] + np.zeros(WIDTH, np.float32)
    if name:
        setattr(model, name, rows)
    for other, array in arrays.items():
        setattr(model, other, array)
    model.meta.subarray.xstart, model.meta.subarray.ystart = 101, 1
    return model


def none():
    return np.zeros((2048, WIDTH), np.uint32)


class TestDQInit:
    def test_each_superstripe_has_its_own_flags(self, tmp_path):
        dq = none()
        dq[10 + 6 + 2, 3] = DNU  # third row of the second stripe
        ramp = exposure(*PLAIN)
        given = np.zeros((3, 10, WIDTH), np.int32)
        given[2, 4, 5] = DNU
        fits.writeto(tmp_path / "mine.fits", given)
        result = DQInitStep(override_mask=whole(datamodels.MaskModel, None, dq=dq),
                            user_supplied_dq=str(tmp_path / "mine.fits")).run(ramp)
        assert np.argwhere(result.pixeldq).tolist() == [[1, 4 + 2, 3], [2, 4, 5]]
        flagged = [[k, g, *pixel] for k in range(6) for g in range(2)
                   for pixel in ([], [[6, 3]], [[4, 5]])[k % 3]]
        assert np.argwhere(result.groupdq == DNU).tolist() == flagged

    def test_refuses_flags_of_one_plane(self, tmp_path):
        fits.writeto(tmp_path / "mine.fits", np.zeros((10, WIDTH), np.int32))
        step = DQInitStep(override_mask=whole(datamodels.MaskModel, None, dq=none()),
                          user_supplied_dq=str(tmp_path / "mine.fits"))
        with pytest.raises(InputError, match=r"whole numbers of shape \(3, 10, 12\) are needed"):
            step.run(exposure(*PLAIN))


class TestSaturation:
    def test_each_superstripe_has_its_own_limit(self):
        ramp = exposure(*PLAIN)
        ramp.data += 1
        limit = whole(datamodels.SaturationModel, dq=none())
        limit.data = limit.data + 1 + 100  # the second group
        limit.data[14:] += 950  # of the second integration
        result = SaturationStep(override_saturation=limit, override_superbias="N/A",
                                n_pix_grow_sat=0).run(ramp)
        saturated = (result.groupdq & SATURATED != 0).all(axis=3)
        assert not saturated[:3, 0].any()
        assert saturated[0, 1].tolist() == [True] * 8 + [False] * 2  # rows 0-3, 10-13
        assert saturated[1, 1].tolist() == [True] * 4 + [False] * 6
        assert saturated[3, 0].tolist() == [True] * 8 + [False] * 2
        assert saturated[4:, 0, 4:].sum() == 0
        assert saturated[5, 1].tolist() == [True] * 10

    def test_zeroframe_and_a_single_superstripe(self):
        ramp = exposure((4, 6, 6, 0, 1, 0, 6, 1), 10, n_ints=3)
        ramp.zeroframe = ramp.data[:, 0] + 1
        ramp.meta.exposure.zero_frame = True
        limit = whole(datamodels.SaturationModel, dq=none())
        limit.data += 500
        result = SaturationStep(override_saturation=limit, override_superbias="N/A").run(ramp)
        assert result.zeroframe[0].all()
        assert not result.zeroframe[1:].any()
        assert result.pixeldq.shape == (1, 10, WIDTH)


class TestSuperBias:
    def test_each_superstripe_has_its_own_bias(self):
        ramp = exposure(*PLAIN)
        ramp.zeroframe = ramp.data[:, 0].copy()
        ramp.zeroframe[1, 5, 5] = 0
        ramp.meta.exposure.zero_frame = True
        dq = none()
        dq[2047] = 2
        dq[11] = 8
        result = SuperBiasStep(override_superbias=whole(datamodels.SuperBiasModel, dq=dq)).run(ramp)
        for k in range(6):
            np.testing.assert_array_equal(result.data[k, 1], 100 + 1000 * (k // 3))
            zero = np.full((10, WIDTH), 1000 * (k // 3))
            zero[5, 5] *= k != 1
            np.testing.assert_array_equal(result.zeroframe[k], zero)
        assert np.argwhere(result.pixeldq[..., 0]).tolist() == [[0, 5]]

    def test_refuses_one_that_lacks_rows(self):
        model = whole(datamodels.SuperBiasModel, dq=none()[:20])
        model.data = model.data[:20]
        with pytest.raises(ReferenceFileError, match="does not cover SUB64P_SUPSTP008"):
            SuperBiasStep(override_superbias=model).run(exposure(*PLAIN))


def assembled(model):
    return RefPixStep(override_refpix="N/A", override_sirskernel="N/A").run(model)


class TestAssembly:
    @pytest.mark.parametrize(("fast", "slow", "start"),
                             [(1, 2, 1), (1, -2, 2048), (2, 1, 1), (-2, -1, 2048)])
    def test_every_row_is_in_its_place(self, fast, slow, start):
        ramp = exposure(*PLAIN, fast=fast, slow=slow, start=start)
        result = assembled(ramp)
        assert type(result) is datamodels.RampModel
        data = result.data if abs(slow) == 2 else np.moveaxis(result.data, 3, 2)
        assert data.shape == (2, 2, 18, WIDTH)
        first = 10 if slow > 0 else 2048 - 28
        expected = (first + np.arange(18)[:, None] + 100 * np.arange(2)[:, None, None]
                    + 1000 * np.arange(2)[:, None, None, None])
        np.testing.assert_array_equal(data, np.broadcast_to(expected, data.shape))
        subarray = result.meta.subarray
        along, across = ((subarray.ystart, subarray.ysize), (subarray.xstart, subarray.xsize))
        if abs(slow) == 1:
            along, across = across, along
        assert (along, across) == ((first + 1, 18), (101, WIDTH))
        assert {getattr(subarray, key) for key in KEYWORDS} == {None}
        assert not result.pixeldq.any()
        assert not result.meta.exposure.read_times

    def test_soss_stripes_make_the_whole_length_of_the_detector(self):
        ramp = exposure((4, 0, 680, 0, 1, 1, 680, 3), 684, fast=-2, slow=-1, start=2048)
        ramp.meta.subarray.name = "SUB680STRIPE_SOSS"
        result = assembled(ramp)
        assert result.data.shape == (2, 2, WIDTH, 2048)
        never = np.isnan(result.data).all(axis=(0, 1, 2))
        assert np.flatnonzero(never).tolist() == [0, 1, 2, 3, 2044, 2045, 2046, 2047]
        np.testing.assert_array_equal(result.pixeldq[0], np.where(never, REFERENCE, 0))
        assert not result.groupdq.any()
        assert result.meta.subarray.xstart == 1

    def test_flags_follow_their_pixels(self):
        ramp = exposure(*PLAIN)
        ramp.pixeldq[1, 5, 7], ramp.groupdq[4, 1, 5, 7] = 64, 4
        ramp.pixeldq[:, :4] |= REFERENCE
        ramp.data[:, :, :4] = 0
        result = assembled(ramp)
        assert np.argwhere(result.pixeldq).tolist() == [[7, 7]]
        assert np.argwhere(result.groupdq).tolist() == [[1, 1, 7, 7]]

    def test_segments_keep_their_place(self):
        ramp = exposure(*PLAIN)
        ramp.meta.exposure.integration_start, ramp.meta.exposure.integration_end = 7, 12
        ramp.meta.exposure.nints = 24
        result = assembled(ramp)
        exposed = result.meta.exposure
        assert (exposed.integration_start, exposed.integration_end, exposed.nints) == (3, 4, 8)
        table, parts = result.int_times, result.int_times_stripe
        assert table["integration_number"].tolist() == [3, 4]
        assert parts["integration_number"].tolist() == [3, 3, 3, 4, 4, 4]
        assert parts["stripe_number"].tolist() == [1, 2, 3, 1, 2, 3]
        np.testing.assert_array_equal(parts["int_mid_BJD_TDB"], ramp.int_times["int_mid_BJD_TDB"])
        assert table["int_start_MJD_UTC"].tolist() == [60000, 60003]
        np.testing.assert_allclose(table["int_end_MJD_UTC"], [60002.2, 60005.2])
        np.testing.assert_allclose(table["int_mid_MJD_UTC"], [60001.1, 60004.1])

    def test_without_times(self):
        ramp = exposure(*PLAIN)
        ramp.int_times = None
        result = assembled(ramp)
        assert (len(result.data), result.meta.exposure.nints) == (2, 2)
        assert result.int_times is None or not len(result.int_times)

    def test_superstripes_that_make_no_whole_one_are_left_out(self, caplog):
        ramp = exposure(*PLAIN)
        ramp.data, ramp.groupdq = ramp.data[:5], ramp.groupdq[:5]
        ramp.int_times = ramp.int_times[:5]
        result = assembled(ramp)
        assert (len(result.data), len(result.int_times)) == (1, 1)
        assert "the last 2 are left out" in caplog.text

    def test_repeated_stripes_become_groups_with_times(self):
        ramp = exposure(*REPEATED, nframes=2)
        ramp.data[:, :, 3:] += 10  # the second time
        ramp.zeroframe = ramp.data[:, 0] - 5
        ramp.meta.exposure.zero_frame = True
        result = assembled(ramp)
        assert result.data.shape == (2, 4, 6, WIDTH)
        assert result.meta.exposure.ngroups == 4
        np.testing.assert_array_equal(result.data[0, :, 0, 0], [10, 20, 110, 120])
        np.testing.assert_array_equal(result.zeroframe[:, 5, 0], [15 - 5, 1015 - 5])
        row, frame = (WIDTH + 12) * 1e-5, (WIDTH + 12) * 8e-5
        reset, again = 5 * row, 3 * row
        first = 2 * frame + again + reset - frame
        np.testing.assert_allclose(result.meta.exposure.read_times, [
            [t, t + frame] for t in (reset, reset + again, first + reset, first + reset + again)
        ], rtol=0, atol=frame)
        steps = np.diff(np.array(result.meta.exposure.read_times)[:, 0])
        np.testing.assert_allclose(steps, [again, frame + reset, again])

    def test_refuses_keywords_without_which_the_times_are_unknown(self):
        ramp = exposure(*REPEATED)
        ramp.meta.exposure.noutputs = None
        with pytest.raises(InputError, match=r"jw1_uncal.fits: no NOUTPUTS, which the times"):
            assembled(ramp)

    def test_refuses_superstripes_without_the_other_keywords(self):
        ramp = exposure(*PLAIN)
        ramp.meta.subarray.multistripe_reads1 = None
        with pytest.raises(InputError, match="SSTR_NST=3, but MSTR_RD1 is missing"):
            _superstripe.assemble(ramp)


def test_each_superstripe_is_corrected_by_its_own_reference_pixels():
    rng = np.random.default_rng(1)
    ramp = exposure(*PLAIN)
    clean = ramp.data.copy()
    clean[:, :, :4] = 0
    drift = rng.normal(0, 20, (6, 2, 1, 2))[..., np.arange(WIDTH) % 2]
    ramp.data = (clean + drift).astype(np.float32)
    ramp.pixeldq[:, :4] = REFERENCE
    for stripe in range(3):  # another bad one in each
        ramp.pixeldq[stripe, stripe, stripe] |= DNU
        ramp.data[stripe::3, :, stripe, stripe] = 1e5
    expected = _superstripe.assemble(exposure(*PLAIN)).data
    np.testing.assert_allclose(assembled(ramp).data, expected, atol=1e-3)


def test_steps_start_from_a_saved_product(tmp_path):
    ramp = exposure(*PLAIN)
    ramp.zeroframe, ramp.meta.exposure.zero_frame = ramp.data[:, 0].copy(), True
    ramp.meta.telescope, ramp.meta.exposure.type = "JWST", "NRC_IMAGE"
    path = tmp_path / "jw1_dq_init.fits"
    ramp.save(path)
    bias = whole(datamodels.SuperBiasModel, dq=none())
    result = RefPixStep(override_refpix="N/A", override_sirskernel="N/A").run(
        SuperBiasStep(override_superbias=bias).run(str(path)))
    np.testing.assert_array_equal(result.data[:, 0, :, 0], [[0] * 18, [1000] * 18])


def test_later_steps_take_whole_integrations_only():
    with pytest.raises(InputError, match="LinearityStep takes RampModel, this is Superstripe"):
        LinearityStep(override_linearity="N/A").run(exposure(*PLAIN))
