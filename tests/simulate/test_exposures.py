"""Synthetic exposures: genuine format, known truth, clear refusals."""

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal import modes
from jwst_cal.errors import InputError, OutputError, ParameterError
from jwst_cal.simulate import interference, irs2
from jwst_cal.simulate.detectors import DETECTORS, Window
from jwst_cal.simulate.exposures import Kind, Truth, configurations, simulate, truth_path
from jwst_cal.simulate.guide_stars import stacked

SMALL = [("NIRCAM", "SUB64P"), ("NIRCAM", "SUB160"), ("NIRCAM", "SUB320"), ("MIRI", "SUB64"),
         ("MIRI", "SUB256"), ("MIRI", "SLITLESSPRISM"), ("NIRISS", "SUB80"),
         ("NIRISS", "SUBSTRIP96"), ("NIRSPEC", "SUB512"), ("NIRSPEC", "ALLSLITS"),
         ("FGS", "SUB128LL")]

NEEDED = """
INSTRUME DETECTOR FILTER EXP_TYPE READPATT NINTS NGROUPS NFRAMES GROUPGAP FRMDIVSR TFRAME TGROUP
NOUTPUTS ZEROFRAM INTSTART INTEND NSAMPLES DRPFRMS1 NRSTSTRT NRESETS EFFINTTM EFFEXPTM SUBARRAY
SUBSTRT1 SUBSTRT2 SUBSIZE1 SUBSIZE2 FASTAXIS SLOWAXIS TSOVISIT DATE-OBS TIME-OBS EXPSTART
"""


@pytest.mark.parametrize(("instrument", "subarray"), SMALL)
def test_opens_as_level_1b(tmp_path, instrument, subarray):
    exposure = simulate(instrument, subarray, n_ints=2, n_groups=4)
    path = exposure.write(tmp_path)
    with datamodels.open(path) as model:
        assert type(model) is datamodels.Level1bModel
        model.validate()
        assert model.meta.instrument.name == instrument
        assert model.meta.subarray.name == subarray
        assert model.meta.exposure.ngroups == 4
        assert model.data.dtype == np.uint16
        assert_array_equal(model.data, exposure.data)
        assert len(model.int_times) == 2
        assert len(model.group) == 8
        assert (model.refout.shape[-1] if instrument == "MIRI" else None) == (
            exposure.data.shape[-1] // 4 if instrument == "MIRI" else None)
    with datamodels.RampModel(path) as ramp:
        assert ramp.data.dtype == np.float32
        assert ramp.groupdq.shape == exposure.data.shape
    with fits.open(path) as file:
        file.verify("exception")
        needed = set(NEEDED.split()) - ({"FILTER"} if instrument == "FGS" else set())
        assert needed <= set(file[0].header)
        assert file[-1].name == "ASDF"


@pytest.mark.parametrize(("instrument", "shape"), [
    ("NIRCAM", (1, 1, 2048, 2048)), ("MIRI", (1, 1, 1024, 1032)),
])
def test_full_frames(instrument, shape):
    exposure = simulate(instrument, "FULL", n_ints=1, n_groups=1)
    truth = exposure.truth
    assert exposure.data.shape == shape
    assert 0.97 < truth.good.mean() < 0.995
    assert truth.rate[truth.bad_pixels & 0x80000000 != 0].max() == 0
    # reference pixels show the electronics, the others the sky as well
    level = exposure.data[0, 0].astype(float) - exposure.window.bias
    reference = exposure.window.reference
    assert abs(np.median(level[reference])) < 60  # drift; MIRI: the reset anomaly, -35 DN
    assert np.median(level[truth.good]) > np.median(level[reference])


def test_averaged_frames_bring_a_zero_frame(tmp_path):
    exposure = simulate("NIRCAM", "SUB64P", readpatt="BRIGHT2", n_ints=2, n_groups=3)
    with datamodels.open(exposure.write(tmp_path)) as model:
        assert model.meta.exposure.zero_frame is True
        assert_array_equal(model.zeroframe, exposure.zeroframe)
        assert model.zeroframe.shape == (2, 64, 64)
    # one frame beside the mean of two
    assert abs(np.median(exposure.zeroframe.astype(float) - exposure.data[:, 0])) < 20


def test_five_frames_are_divided_by_four_on_board(tmp_path):
    options = {"light": 0.0, "cosmic_ray_rate": 0, "snowballs": 0, "n_ints": 1, "n_groups": 1}
    exposure = simulate("NIRSPEC", "FULL", readpatt="NRSIRS2", **options)
    assert ("FRMDIVSR", 4) in [card[:2] for card in exposure._primary_cards("x")]
    pixels = exposure.data[0, 0][np.flatnonzero(irs2.is_pixel())]
    good = exposure.truth.good
    ratio = np.median(pixels[good]) / np.median(exposure.window.bias[good])
    assert abs(ratio - 1.25) < 0.02


def test_zero_frame_is_absent_where_nothing_is_averaged_and_of_other_instruments():
    assert simulate("NIRCAM", "SUB64P").zeroframe is None
    assert simulate("NIRISS", "SUB128", readpatt="NIS", n_groups=2).zeroframe is None


@pytest.mark.parametrize(("instrument", "subarray"),
                         [("NIRCAM", "SUB64P"), ("MIRI", "SUB64"), ("NIRISS", "SUB80")])
def test_same_seed_same_bytes(tmp_path, instrument, subarray):
    files = []
    for name in ("a", "b"):
        path = simulate(instrument, subarray, seed=7).write(tmp_path / name)
        files.append((path.read_bytes(), truth_path(path).read_bytes()))
    assert files[0] == files[1]
    other = simulate(instrument, subarray, seed=8).write(tmp_path / "c")
    assert other.read_bytes() != files[0][0]


def test_the_detector_does_not_depend_on_the_seed():
    a, b = (simulate("NIRCAM", "SUB64P", seed=s).truth for s in (1, 2))
    assert_array_equal(a.gain, b.gain)
    assert_array_equal(a.bad_pixels, b.bad_pixels)
    assert not np.array_equal(a.rate, b.rate)


def test_truth_is_written_beside_and_read_back(tmp_path):
    exposure = simulate("MIRI", "SUB64")
    path = exposure.write(tmp_path / "new" / "folder" / "mine_uncal.fits")
    assert path.name == "mine_uncal.fits"
    read = Truth.load(tmp_path / "new" / "folder" / "mine_truth.npz")
    for name in ("rate", "dark_rate", "gain", "bad_pixels", "jumps", "saturated_group"):
        assert_array_equal(getattr(read, name), getattr(exposure.truth, name))
    assert read.n_frames == 1
    assert read.group_time == exposure.readout.group_time
    assert_array_equal(read.rate_electrons, read.rate * read.gain)


def test_a_slope_of_the_raw_counts_is_near_the_truth():
    exposure = simulate("NIRCAM", "SUB320", cosmic_ray_rate=0, snowballs=0)
    truth = exposure.truth
    good = (truth.bad_pixels == 0) & (truth.saturated_group == 255).all(0) & (truth.rate < 1000)
    ends = exposure.data[:, -1].astype(float) - exposure.data[:, 0]
    rate = ends.mean(0) / (7 * exposure.readout.group_time)
    assert abs(np.median((rate - truth.rate - truth.dark_rate)[good])) < 0.3
    bright = good & (truth.rate > 200)
    assert abs(np.median(rate[bright] / truth.rate[bright]) - 1) < 0.05


def test_every_instrument_is_simulated():
    kinds = configurations()
    assert kinds[0] == Kind("NIRCAM", "NRCA1", "FULL", "NRC_IMAGE", "BRIGHT2", 1, 10)
    assert {kind.instrument for kind in kinds} == set(modes.INSTRUMENTS)
    assert {kind.detector for kind in kinds} == set(DETECTORS)
    assert len({kind[:4] for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(("instrument", "subarray", "detector", "fast"), [
    ("NIRCAM", "SUB320", "NRCB1", 1), ("NIRCAM", "SUB320", "NRCA3", 1),
    ("NIRISS", "SUBSTRIP256", None, 0), ("NIRSPEC", "ALLSLITS", "NRS1", 0),
    ("NIRSPEC", "ALLSLITS", "NRS2", 0), ("FGS", "SUB128LL", "GUIDER2", 0),
])
def test_drift_runs_along_the_rows_that_are_read(instrument, subarray, detector, fast):
    """1/f noise is much alike along the fast axis, and less so along the slow one."""
    exposure = simulate(instrument, subarray, detector=detector, light=0.0, cosmic_ray_rate=0,
                        snowballs=0, n_ints=1, n_groups=2)
    difference = np.diff(exposure.data.astype(float), axis=1)[0, 0]
    difference[exposure.truth.bad_pixels != 0] = 0
    lines = [np.std(difference.mean(axis=k)) * np.sqrt(difference.shape[k]) for k in (0, 1)]
    assert lines[fast] > 1.5 * lines[1 - fast]


def test_irs2_keeps_its_pixels_between_the_others():
    exposure = simulate("NIRSPEC", "FULL", readpatt="NRSIRS2RAPID", n_ints=1, n_groups=1,
                        snowballs=0, cosmic_ray_rate=0, light=0.0)
    window = exposure.window
    assert exposure.data.shape == (1, 1, 3200, 2048)
    rows = np.flatnonzero(irs2.is_pixel())  # the fast axis of NRS1 runs up
    pixels = exposure.data[0, 0, rows].astype(float)
    clean = exposure.truth.bad_pixels == 0
    # drift of the outputs, reset noise and read noise remain
    assert np.std((pixels - window.bias)[clean]) < 30
    assert pixels.shape == (2048, 2048)
    cards = {card[0]: card[1] for card in exposure._primary_cards("x")}
    assert (cards["NRS_NORM"], cards["NRS_REF"], cards["NOUTPUTS"]) == (16, 4, 5)
    assert cards["SUBSIZE2"] == 2048


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_the_noise_of_irs2_is_in_its_reference_output(detector):
    window = Window(detector, "FULL", "IRS2")
    noise = irs2.Electronics(window, 1, 0)
    pixels = window.to_readout(noise.frame(0))
    whole = window.to_readout(noise.complete(np.zeros((2048, 2048), np.float32)))
    assert not whole[:, irs2.is_pixel()].any()
    output = whole[:, : irs2.WIDTH] - irs2.levels(window)[:, : irs2.WIDTH]
    slow = [image.mean(axis=1) for image in (pixels[:, :512], output)]
    assert np.corrcoef(*slow)[0, 1] > 0.6


GUIDE_STARS = {
    "FGS_ID-IMAGE": ("2048X64", (2, 2, 2048, 2024), ("planned_star_table", "flight_star_table"),
                     "id_1_image"),
    "FGS_ID-STACK": ("2048X64", (2, 2, 2048, 2304), ("planned_star_table", "flight_star_table"),
                     "id_1_stacked"),
    "FGS_ACQ1": ("128X128", (6, 2, 128, 128), (), "acq1_2024183031559"),
    "FGS_ACQ2": ("32X32", (5, 2, 32, 32), (), "acq2_2024183031559"),
    "FGS_TRACK": ("32X32", (40, 2, 32, 32),
                  ("pointing_table", "centroid_table", "track_sub_table"), "track_2024183031559"),
    "FGS_FINEGUIDE": ("8X8", (40, 8, 8, 8), ("pointing_table", "centroid_table"),
                      "fg_2024183031559"),
}


@pytest.mark.parametrize("exp_type", GUIDE_STARS)
def test_guide_stars_open_as_what_they_are(tmp_path, exp_type):
    subarray, shape, tables, name = GUIDE_STARS[exp_type]
    light = 500.0 if exp_type.startswith("FGS_ID") else None  # a field takes long to draw
    exposure = simulate("FGS", subarray, exp_type=exp_type, detector="GUIDER2", light=light)
    path = exposure.write(tmp_path)
    assert path.name == f"jw01234001001_gs-{name}_uncal.fits"
    with fits.open(path) as file:
        file.verify("exception")
        assert file[0].header["SUBSIZE1"] == shape[-1]
        assert file["SCI"].data.dtype == np.uint16
    with datamodels.GuiderRawModel(path) as model:
        model.validate()
        assert_array_equal(model.data, exposure.data)
        assert model.data.shape == shape
        assert model.meta.exposure.type == exp_type
        assert (model.meta.exposure.nints, model.meta.exposure.ngroups) == shape[:2]
        found = [n for n in model.schema["properties"] if n.endswith("_table") and model.hasattr(n)]
        assert set(found) == set(tables)
        for table in tables:
            assert getattr(model, table).dtype == model.get_dtype(table)
        truth = exposure.truth.rate
    step = exposure.data.astype(float)
    step = (step[:, -4:].mean(axis=(0, 1)) - step[:, :4].mean(axis=(0, 1)) if shape[1] == 8 else
            np.median(step[:, 1] - step[:, 0], axis=0))
    bright = (truth > 0.2 * truth.max()) & exposure.truth.good & (truth < 4e4 / 0.4)
    seen = np.median(step[bright] / truth[bright]) / exposure.readout.group_time
    assert abs(seen - 1) < 0.1


def test_strips_of_a_stack_overlap_by_eight_columns():
    image = np.arange(2024)[None, :]
    stack = stacked(image)
    assert stack.shape == (1, 36 * 64)
    assert stack[0, 64:72].tolist() == stack[0, 56:64].tolist() == list(range(56, 64))
    assert stack[0, -1] == 2023


def test_interference_repeats_with_its_period():
    window = Window("MIRIMAGE", "SLITLESSPRISM")
    one, two = (interference.of_frame(window, 1, 8.0, 10, i, f) for i, f in ((0, 9), (1, 0)))
    # the reset takes the time of a frame
    assert_array_equal(interference.of_frame(window, 1, 8.0, 10, 0, 11), two)
    assert not np.array_equal(one, two)
    assert 8 < np.abs(one).max() < 16
    assert_array_equal(one[:, 0::4], one[:, 3::4])
    exposures = [simulate("MIRI", "SLITLESSPRISM", n_ints=1, n_groups=2, emi=emi) for emi in (0, 8)]
    added = exposures[1].data.astype(float) - exposures[0].data
    assert_allclose(added[0, 1], interference.of_frame(window, 1, 8.0, 2, 0, 1), atol=1.01)


def test_neighbours_show_a_part_of_a_bright_pixel():
    light = np.zeros((128, 128), np.float32)
    light[64, 64] = 4e4
    dark, bright = (simulate("FGS", "SUB128CNTR", light=image, cosmic_ray_rate=0, n_ints=1,
                             n_groups=4).data[0].astype(float) for image in (0.0, light))
    gained = (bright - dark)[3]
    share = gained[64, 65] / gained[64, 64]
    assert abs(share - 0.006 / (1 - 4 * 0.006)) < 0.002
    assert abs(gained[60, 60]) < 2


def test_darks_see_nothing():
    exposure = simulate("NIRISS", "SUB128", exp_type="NIS_DARK", cosmic_ray_rate=0)
    assert not exposure.truth.rate.any()
    assert ("EXP_TYPE", "NIS_DARK", "Type of data in the exposure") in exposure._primary_cards("x")


def test_segments_are_parts_of_the_whole(tmp_path):
    whole = simulate("MIRI", "SLITLESSPRISM", n_ints=5, n_groups=3)
    parts = [simulate("MIRI", "SLITLESSPRISM", n_ints=5, n_groups=3, segment=(k, 2))
             for k in (1, 2)]
    assert_array_equal(np.concatenate([p.data for p in parts]), whole.data)
    assert_array_equal(np.concatenate([p.refout for p in parts]), whole.refout)
    assert_array_equal(np.concatenate([p.truth.saturated_group for p in parts]),
                       whole.truth.saturated_group)
    path = parts[1].write(tmp_path)
    assert path.name == "jw01234001001_02101_00001-seg002_mirimage_uncal.fits"
    with datamodels.open(path) as model:
        exposure = model.meta.exposure
        assert (exposure.nints, exposure.integration_start, exposure.integration_end) == (5, 3, 5)
        assert (exposure.segment_number, exposure.segment_total) == (2, 2)
        assert model.int_times["integration_number"].tolist() == [3, 4, 5]
        assert model.meta.visit.tsovisit is True


def test_a_time_series_dims_in_the_middle(tmp_path):
    exposure = simulate("NIRSPEC", "SUB512", n_ints=9, n_groups=12)
    truth = Truth.load(truth_path(exposure.write(tmp_path)))
    assert_array_equal(truth.light_curve, exposure.truth.light_curve)
    bright = (truth.rate > 0.3 * truth.rate.max()) & truth.good
    seen = (exposure.data[:, -1].astype(float) - exposure.data[:, 0])[:, bright]
    clean = np.median(seen, axis=1) / np.median(seen)
    assert np.corrcoef(clean, truth.light_curve)[0, 1] > 0.9


def test_rates_of_a_subarray_with_another_gain_are_told_apart(tmp_path):
    truth = Truth.load(truth_path(simulate("NIRSPEC", "SUB512").write(tmp_path)))
    assert truth.gain_factor == 1.4
    assert abs(np.median(truth.gain) / 1.4 - 1) < 0.1


@pytest.mark.parametrize(("options", "message"), [
    ({"instrument": "WFC3"}, "instrument 'WFC3' is not simulated: choose one of NIRCAM, MIRI, N"),
    ({"subarray": "SUB9"}, "subarray 'SUB9' is not simulated for NIRCAM: choose one of FULL"),
    ({"instrument": "MIRI", "subarray": "SUB64P"}, "not simulated for MIRI"),
    ({"detector": "NRS1"}, "detector 'NRS1' is not simulated for NIRCAM FULL: choose one of NRCA1"),
    ({"subarray": "SUB64P", "detector": "NRCA2"}, "detector 'NRCA2' is not simulated"),
    ({"subarray": "SUB64P", "exp_type": "MIR_MRS"}, "exposure type 'MIR_MRS' is not simulated"),
    ({"instrument": "NIRSPEC", "subarray": "SUB512", "readpatt": "NRSIRS2"},
     "'NRSIRS2' is not simulated for SUB512"),
    ({"subarray": "SUB64P", "n_ints": 2, "segment": (3, 3)}, "segment: 3 of 3 where 2"),
    ({"subarray": "SUB64P", "emi": 3.0}, "emi: 3.0 where only MIRI"),
    ({"instrument": "FGS", "subarray": "8X8", "n_groups": 2}, "n_groups: 2 where FINEGUIDE has 8"),
    ({"subarray": "SUB64P", "readpatt": "FASTR1"}, "readout pattern 'FASTR1' is not one of NIRCAM"),
    ({"subarray": "SUB64P", "n_groups": 0}, "n_groups: 0 where a whole number of at least 1"),
    ({"subarray": "SUB64P", "n_groups": 300}, "n_groups: 300 where at most 254"),
    ({"subarray": "SUB64P", "n_ints": 1.5}, "n_ints: 1.5 where a whole number"),
    ({"subarray": "SUB64P", "seed": -1}, "seed: -1 where"),
    ({"subarray": "SUB64P", "light": np.ones((3, 3))}, r"light: shape \(3, 3\) where \(64, 64\)"),
    ({"subarray": "SUB64P", "light": -1.0}, "no negative value"),
    ({"subarray": "SUB64P", "cosmic_ray_rate": -4.5}, "cosmic_ray_rate: -4.5"),
])
def test_refuses(options, message):
    with pytest.raises(ParameterError, match=message):
        simulate(**options)


def test_unwritable_folder(tmp_path):
    exposure = simulate("NIRCAM", "SUB64P", n_groups=2)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"below: cannot be made"):
        exposure.write(tmp_path / "file" / "below")
    with pytest.raises(OutputError, match="cannot be made"):
        exposure.write("/proc/nowhere/x_uncal.fits")


def test_no_partial_file_is_left_when_writing_fails(tmp_path, monkeypatch):
    exposure = simulate("NIRCAM", "SUB64P", n_groups=2)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jwst_cal.simulate._fits.os.replace", full_disk)
    with pytest.raises(OutputError, match=r"_uncal\.fits: .*No space left on device"):
        exposure.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_truth_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz: no truth file"):
        Truth.load(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(InputError, match="no truth file"):
        Truth.load(tmp_path / "other.npz")
