"""The refpix step: known drifts are removed for every kind of readout; refusals."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import RampModel, SIRSKernelModel, dqflags

from jwst_cal.detector import _refpix
from jwst_cal.detector.refpix import RefPixStep
from jwst_cal.errors import InputError, ParameterError

REFERENCE, DNU = dqflags.pixel["REFERENCE_PIXEL"], dqflags.pixel["DO_NOT_USE"]
AXES = [(1, 2), (-1, 2), (1, -2), (2, 1), (-2, -1)]


def detector(axes, image):
    """Turn an image from the detector frame to that of the array."""
    fast, slow = axes
    if abs(fast) == 2:
        return image.T[:: np.sign(fast), :: np.sign(slow)]
    return image[:: np.sign(slow), :: np.sign(fast)]


def edges():
    flags = np.full((2048, 2048), REFERENCE, np.uint32)
    flags[4:-4, 4:-4] = 0
    return flags


def exposure(data, flags, axes=(1, 2), start=(1, 1), outputs=4, name="FULL"):
    ramp = RampModel(data=data.astype(np.float32))
    ramp.pixeldq = flags
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "NIRCAM", "NRCA1"
    ramp.meta.exposure.noutputs, ramp.meta.exposure.readpatt = outputs, "RAPID"
    subarray = ramp.meta.subarray
    subarray.fastaxis, subarray.slowaxis = axes
    subarray.name = name
    subarray.xstart, subarray.ystart = start
    subarray.ysize, subarray.xsize = data.shape[2:]
    ramp.meta.filename = "x_nrca1_uncal.fits"
    return ramp


def run(ramp, **parameters):
    none = {"override_refpix": "N/A", "override_sirskernel": "N/A"}
    return RefPixStep(**none | parameters).run(ramp)


def drifts(rng):
    """Offsets of amplifier and parity, and a slow drift along the rows, in the detector frame."""
    offsets = rng.normal(0, 30, (4, 2))
    fast = np.arange(2048)
    return offsets[fast // 512, fast % 2] + 8 * np.sin(np.arange(2048) / 150)[:, np.newaxis]


@pytest.mark.parametrize("axes", AXES)
def test_drifts_of_a_full_frame_are_removed(axes):
    rng = np.random.default_rng(1)
    drift = detector(axes, drifts(rng))
    data = drift + rng.normal(0, 0.5, (1, 2, 2048, 2048))
    result = run(exposure(data, edges(), axes))
    left = result.data[0, :, 4:-4, 4:-4]
    assert np.abs(left.mean(axis=(1, 2))).max() < 0.05
    assert left.std() < 0.55
    assert result.meta.cal_step.refpix == "COMPLETE"


def test_options_of_a_full_frame():
    """Without parity, sides or gain the part that they stand for stays."""
    rng = np.random.default_rng(1)
    offsets = np.where(np.arange(2048) % 2, 10.0, -10.0)
    rows = 8 * np.sin(np.arange(2048) / 150)[:, np.newaxis]
    ramp = exposure((offsets + rows + rng.normal(0, 0.5, (2048, 2048)))[None, None], edges())
    parity = run(ramp, odd_even_columns=False).data[0, 0, 4:-4, 4:-4]
    assert parity[:, ::2].mean() - parity[:, 1::2].mean() == pytest.approx(-20, abs=0.1)
    sides = run(ramp, use_side_ref_pixels=False).data[0, 0, 4:-4, 4:-4].mean(axis=1)
    assert sides.std() == pytest.approx(rows.std(), rel=0.02)
    half = run(ramp, side_gain=0.5).data[0, 0, 4:-4, 4:-4].mean(axis=1)
    assert half.std() == pytest.approx(rows.std() / 2, rel=0.02)


def test_bad_reference_pixels_do_not_count():
    rng = np.random.default_rng(1)
    data, flags = rng.normal(5, 1, (1, 1, 2048, 2048)), edges()
    bad = (rng.random(flags.shape) < 0.3) & (flags != 0)
    flags[bad] |= DNU
    data[0, 0, bad] = 4000
    assert run(exposure(data, flags)).data[0, 0, 4:-4, 4:-4].mean() == pytest.approx(0, abs=0.1)


def test_one_bad_value_does_not_cost_an_amplifier():
    """In jwst 3.0.0 a reference pixel that is NaN makes 512 columns NaN."""
    data = np.random.default_rng(1).normal(5, 1, (1, 1, 2048, 2048))
    data[0, 0, 2, 700] = np.nan
    result = run(exposure(data, edges()))
    assert np.count_nonzero(np.isnan(result.data)) == 1


@pytest.mark.parametrize("axes", AXES)
def test_subarray_of_one_output_uses_every_edge_it_touches(axes):
    rng = np.random.default_rng(2)
    parity = np.where(np.arange(2048) % 2, 12.0, -9.0)
    parity = detector(axes, np.broadcast_to(parity, (2048, 2048)))
    whole = parity + rng.normal(0, 0.5, (2048, 2048))
    window = np.s_[:64, 1968:]
    ramp = exposure(whole[window][None, None], edges()[window], axes, (1969, 1), 1, "SUB64")
    assert np.abs(run(ramp).data).max() < 4
    assert run(ramp).data.std() < 0.6
    assert run(ramp, odd_even_columns=False).data.std() == pytest.approx(10.5, rel=0.05)


@pytest.mark.parametrize("axes", [(-1, 2), (1, -2)])
@pytest.mark.parametrize("first", [0, 800, 1984])
def test_subarray_of_four_outputs_uses_its_sides_and_edges(axes, first):
    rng = np.random.default_rng(3)
    drift = drifts(rng)
    if first == 800:  # no reference rows: the sides only
        drift = np.tile(8 * np.sin(np.arange(2048.0) / 150), (2048, 1)).T
    whole = detector(axes, drift) + rng.normal(0, 0.5, (2048, 2048))
    window = np.s_[first : first + 64]
    ramp = exposure(whole[window][None, None], edges()[window], axes, (1, first + 1), 4, "SUB64")
    assert np.abs(run(ramp).data[..., 4:-4].mean()) < 0.3
    assert run(ramp).data[..., 4:-4].std() < 0.7


def test_stripes_are_corrected_by_amplifier_with_the_reference_rows_read_with_them():
    rng = np.random.default_rng(3)
    offsets = rng.normal(0, 30, (4, 2))[np.arange(2048) // 512, np.arange(2048) % 2]
    flags = np.zeros((41, 2048), np.uint32)
    flags[:4] = flags[20:22] = REFERENCE
    data = (offsets + rng.normal(0, 0.5, (41, 2048)))[None, None]
    ramp = exposure(data, flags, start=(1, 801), name="SUB41STRIPE1_DHS")
    ramp.meta.subarray.multistripe_reads1 = 4
    assert run(ramp).data.std() < 0.6


def test_nothing_is_subtracted_where_a_parity_has_no_usable_pixel():
    flags = np.zeros((8, 8), np.uint32)
    flags[:, 0] = flags[:, 2] = REFERENCE
    ramp = exposure(np.random.default_rng(1).normal(5, 1, (1, 2, 8, 8)), flags, outputs=1)
    np.testing.assert_array_equal(run(ramp).data, ramp.data)
    assert np.all(run(ramp, odd_even_columns=False).data != ramp.data)


def test_a_median_of_one_row_does_not_smooth():
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 9, (2048, 1)) + np.zeros(2048)
    ramp = exposure(rows[None, None], edges())
    assert np.abs(run(ramp, side_smoothing_length=1).data).max() < 1e-5
    assert np.abs(run(ramp).data).max() > 1


def test_edgeless_subarrays_take_columns_at_their_ends():
    rng = np.random.default_rng(3)
    data = rng.normal(7, 0.5, (1, 2, 32, 32))
    ramp = exposure(data, np.zeros((32, 32), np.uint32), (2, 1), (500, 900), 1, "SUB32")
    assert np.abs(run(ramp).data.mean()) < 0.1
    ramp.meta.subarray.name = "SUB64"
    result = run(ramp)
    np.testing.assert_array_equal(result.data, ramp.data)
    assert result.meta.cal_step.refpix == "COMPLETE"


def test_zeroframe_is_corrected_but_for_its_zeros():
    data = np.random.default_rng(1).normal(5, 1, (1, 1, 2048, 2048))
    ramp = exposure(data, edges())
    ramp.meta.exposure.zero_frame = True
    ramp.zeroframe = ramp.data[:, 0] + np.float32(100)
    ramp.zeroframe[0, 100, 100] = 0
    result = run(ramp)
    assert result.zeroframe[0, 100, 100] == 0
    assert np.abs(result.zeroframe.mean()) < 0.1


def miri(data, flags):
    ramp = exposure(data, flags)
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "MIRI", "MIRIMAGE"
    ramp.meta.subarray.name = "FULL" if data.shape[3] == 1032 else "SUB64"
    return ramp


@pytest.mark.parametrize("apart", [True, False])
def test_miri_drifts_since_the_first_group_are_removed(apart):
    rng = np.random.default_rng(5)
    first = rng.normal(5000, 300, (1024, 1032))
    values = rng.normal(0, 20, (2 if apart else 1, 4, 2))
    offsets = values[..., np.arange(1024) % values.shape[-1]][:, np.arange(1032) % 4]
    drift = np.concatenate([np.zeros((1, 1024, 1032)), offsets.transpose(0, 2, 1)])
    flags = np.zeros((1024, 1032), np.uint32)
    flags[:, :4] = flags[:, -4:] = REFERENCE
    flags[5, 0] |= DNU
    ramp = miri((first + drift + rng.normal(0, 0.5, drift.shape))[None], flags)
    result = run(ramp, odd_even_rows=apart)
    np.testing.assert_array_equal(result.data[0, 0], ramp.data[0, 0])
    left = result.data[0, 1:] - first
    assert left.std() < 0.6 if apart else left.std() > 5


def test_miri_subarrays_are_skipped():
    ramp = miri(np.ones((1, 2, 64, 72)), np.zeros((64, 72), np.uint32))
    assert run(ramp).meta.cal_step.refpix == "SKIPPED"


def test_miri_without_usable_pixels_of_one_amplifier_stays():
    flags = np.zeros((1024, 1032), np.uint32)
    flags[::2, 1] = DNU
    ramp = miri(np.random.default_rng(1).normal(5, 1, (1, 2, 1024, 1032)), flags)
    np.testing.assert_allclose(run(ramp).data, ramp.data, rtol=1e-6, atol=1e-6)


def kernels():
    """A kernel of one tap, 0.5 on each side, in each amplifier."""
    flat = np.full((4, 1025), 0.5 + 0j)
    return SIRSKernelModel({"nrca1": {"gamma": flat, "zeta": flat}})


def test_sirs_takes_the_convolved_sides_off():
    rng = np.random.default_rng(1)
    rows = 8 * np.sin(np.arange(2048) / 150)[:, np.newaxis]
    ramp = exposure((rows + rng.normal(0, 0.5, (2048, 2048)))[None, None], edges())
    reference = kernels()
    sirs = {"refpix_algorithm": "sirs", "override_sirskernel": reference, "gaussmooth": 3.0}
    result = run(ramp, **sirs).data[0, 0, 40:-40, 4:-4]
    assert result.mean(axis=1).std() < 0.3
    ramp.meta.instrument.detector = "NRCA2"
    np.testing.assert_array_equal(run(ramp, **sirs).data, run(ramp).data)
    np.testing.assert_array_equal(run(ramp, refpix_algorithm="sirs").data, run(ramp).data)


def test_sirs_kernels_are_smoothed():
    left, right = _refpix.sirs_kernels(*[np.ones((1, 129))] * 2, gaussmooth=2.0, halfwidth=10)
    taps = np.exp(-(np.arange(-10, 11) ** 2) / 8)
    np.testing.assert_allclose(left[0], taps / taps.sum(), atol=1e-12)
    np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("change", "parameters", "error", "message"),
    [
        ({"meta.subarray.fastaxis": None}, {}, InputError, "FASTAXIS=None SLOWAXIS=2"),
        ({"meta.subarray.slowaxis": 1}, {}, InputError, "FASTAXIS=1 SLOWAXIS=1"),
        ({"meta.subarray.xstart": None}, {}, InputError, "SUBSTRT1 or SUBSTRT2 is missing"),
        ({}, {"siglimit": 0.0}, ParameterError, "'siglimit' of RefPixStep: 0 where"),
        ({"meta.exposure.noutputs": 4}, {"side_smoothing_length": 0}, ParameterError,
         "'side_smoothing_length' of RefPixStep: 0"),
    ],
    ids=["no fast axis", "two fast axes", "no corner", "no sigma", "no window"],
)
def test_refuses(change, parameters, error, message):
    ramp = exposure(np.ones((1, 1, 8, 8)), np.full((8, 8), REFERENCE), outputs=1, name="SUB64")
    for name, value in change.items():
        ramp[name] = value
    with pytest.raises(error, match=message):
        run(ramp, **parameters)


def test_a_subarray_beyond_the_detector_is_skipped():
    ramp = exposure(np.ones((1, 1, 8, 8)), np.full((8, 8), REFERENCE), start=(2045, 1), outputs=1)
    assert run(ramp).meta.cal_step.refpix == "SKIPPED"


def test_irs2_is_refused_or_skipped_without_its_reference():
    from stdatamodels.jwst.datamodels import IRS2Model

    ramp = exposure(np.ones((1, 1, 16, 8)), np.zeros((16, 8), np.uint32))
    ramp.meta.instrument.name, ramp.meta.exposure.readpatt = "NIRSPEC", "NRSIRS2"
    assert run(ramp).meta.cal_step.refpix == "SKIPPED"
    ramp.meta.instrument.detector = "NRS1"
    with pytest.raises(InputError, match=r"x_nrca1_uncal\.fits: shape \(16, 8\)"):
        run(ramp, override_refpix=IRS2Model())
