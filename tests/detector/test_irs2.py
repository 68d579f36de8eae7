"""Reference pixels of NIRSpec IRS2 in the refpix step: noise, bad pixels, layouts, refusals."""

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst.datamodels import IRS2Model, RampModel

from jwst_cal import flags
from jwst_cal.detector import _irs2, _irs2_reference, _refpix
from jwst_cal.detector.refpix import RefPixStep
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.simulate import irs2, references
from jwst_cal.simulate.detectors import Window

BAD, DNU = flags.pixel["BAD_REF_PIXEL"], flags.pixel["DO_NOT_USE"]
LAYOUT = _irs2.Layout()
#: Hz; noise above is left to the reference output.
BANDS = [(0, 10), (10, 100), (100, 350), (350, 5000), (5000, 50000)]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The simulated reference file."""
    row = next(row for row in references.REFERENCES.values()
               if (row.reftype, row.detector) == ("refpix", "NRS1"))
    path = tmp_path_factory.mktemp("irs2") / row.basename
    references.write(row, path)
    return str(path)


@pytest.fixture(scope="module")
def white():
    """White noise of 10 DN on fixed levels, two groups."""
    rng = np.random.default_rng(1)
    data = rng.standard_normal((1, 2, 3200, 2048), dtype=np.float32)
    data *= 10
    data += rng.normal(1000, 100, (3200, 1)).astype(np.float32)
    return data


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(2, 3, 6, 4), (3, 6, 4), (6, 4)])
def test_rows_are_kept_in_place(shape, dtype):
    array = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    for rows in ([0, 1, 4], [5], [], range(6)):
        given = array.copy()
        kept = _irs2.keep_rows(given, list(rows))
        np.testing.assert_array_equal(kept, array[..., np.array(rows, int), :])
        assert kept.flags.c_contiguous
        assert np.shares_memory(kept, given) == (len(rows) > 0)


def exposure(data, pixeldq=None, detector="NRS1"):
    ramp = RampModel(data=data)
    ramp.pixeldq = np.zeros(data.shape[2:], np.uint32) if pixeldq is None else pixeldq
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "NIRSPEC", detector
    told = ramp.meta.exposure
    told.readpatt, told.nrs_normal, told.nrs_reference = "NRSIRS2RAPID", 16, 4
    ramp.meta.filename = f"x_{detector.lower()}_uncal.fits"
    return ramp


def run(ramp, refpix, **parameters):
    return RefPixStep(override_refpix=refpix, override_sirskernel="N/A", **parameters).run(ramp)


# ------------------------------------------------------------------------------------ layout


@pytest.mark.parametrize("backwards", [False, True])
def test_layout_is_that_of_the_simulated_readout(backwards):
    layout = _irs2.Layout(backwards)
    is_pixel = irs2.is_pixel()[:: -1 if backwards else 1]
    np.testing.assert_array_equal(layout.image_rows, np.flatnonzero(is_pixel))
    np.testing.assert_array_equal(layout.image_rows, _irs2.science_rows(
        3200, normal=16, reference=4, reverse=backwards))
    for output in range(5):
        columns = 3199 - layout.rows[output] if backwards else layout.rows[output]
        ascending = np.sort(columns)
        assert (ascending == np.arange(640 * output, 640 * output + 640)).all()
        assert (columns == ascending[:: 1 if output % 2 else -1]).all()
        np.testing.assert_array_equal(np.sort(columns[layout.is_reference]),
                                      irs2.place(output)[1])
    assert layout.slots[-1] + 9 == irs2.SAMPLES  # eight samples to the next line
    gaps = np.flatnonzero(np.diff(layout.slots) == 2)
    np.testing.assert_array_equal(gaps % 20, np.tile([7, 11], 32))


# ------------------------------------------------------------------------------------ noise


def power(image, layout):
    """Power of an image's noise in the bands, as it was read; mean over the outputs."""
    seen, frequency = ~layout.is_reference, np.fft.rfftfreq(2048 * 712, 1e-5)
    found = np.zeros(len(BANDS))
    for rows in layout.rows[1:, seen]:
        stream = np.zeros((2048, 712), np.float32)
        stream[:, layout.slots[seen]] = image[np.searchsorted(layout.image_rows, rows)].T
        if layout.backwards:
            stream = stream[::-1]
        spectrum = np.abs(np.fft.rfft(stream.ravel())) ** 2 / 2048 / 512
        found += [spectrum[(frequency > low) & (frequency <= high)].mean() / 4
                  for low, high in BANDS]
    return found


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_noise_power_before_and_after(detector, reference):
    """Simulated electronics; the slow noise goes, the fast stays what it was."""
    window = Window(detector, "FULL", "IRS2")
    electronics = irs2.Electronics(window, 5, 0)
    level = np.float32(1000)
    data = np.array([electronics.complete(electronics.frame(k) + level) for k in range(2)])[None]
    layout = _irs2.Layout(detector == "NRS2")
    before = data[0][:, layout.image_rows]
    result = run(exposure(data, detector=detector), reference)
    ratio = (power(before[1] - before.mean(axis=0), layout)
             / power(result.data[0, 1] - result.data[0].mean(axis=0), layout))
    assert ratio[0] > 300
    assert ratio[1] > 8
    assert ratio[2] > 2
    assert ratio[3] > 2
    assert 0.9 < ratio[4] < 3
    np.testing.assert_allclose(result.data.mean(axis=1), before.mean(axis=0)[None], atol=0.01)
    assert result.data.shape == result.groupdq.shape == (1, 2, 2048, 2048)
    assert result.pixeldq.shape == (2048, 2048)
    assert result.meta.cal_step.refpix == "COMPLETE"


def assert_same(data, wanted):
    """But for the few samples that equal the mean of their ramp in one of the two."""
    assert (np.abs(data - wanted) > 2e-3).mean() < 1e-5


def test_signal_on_the_image_stays(reference, white):
    """The correction of a frame does not depend on the image between the first and last lines."""
    data = white.copy()
    with_signal = data.copy()
    rng = np.random.default_rng(2)
    signal = rng.exponential(500, (2048, 2048)).astype(np.float32)
    signal[:, :4] = signal[:, -4:] = 0
    with_signal[0, 1, LAYOUT.image_rows] += signal
    plain, lit = run(exposure(data), reference), run(exposure(with_signal), reference)
    assert_same(lit.data[0, 1] - plain.data[0, 1], signal)
    assert_same(lit.data[0, 0], plain.data[0, 0])


def test_nrs2_is_nrs1_turned(reference, white):
    dq = np.zeros((3200, 2048), np.uint32)
    dq[648, 3] = BAD
    one = run(exposure(white.copy(), dq.copy()), reference)
    turned = np.ascontiguousarray(white[..., ::-1, ::-1])
    other = run(exposure(turned, dq[::-1, ::-1].copy(), "NRS2"), reference)
    np.testing.assert_allclose(other.data[..., ::-1, ::-1], one.data, atol=1e-3)
    np.testing.assert_array_equal(other.pixeldq[::-1, ::-1], one.pixeldq)


@pytest.mark.parametrize("n_threads", [2, 7])
def test_bytes_do_not_depend_on_threads(n_threads, reference, white):
    table = fits.getdata(reference, "IRS2")
    results = []
    for team in (1, n_threads):
        filters = _irs2_reference.read_filters(table, n_threads=team)
        results.append(_irs2_reference.subtract(white.copy(), filters, LAYOUT, n_threads=team))
    np.testing.assert_array_equal(*results)


def test_integrations_apart_and_in_the_memory_of_the_data(reference, white):
    filters = _irs2_reference.read_filters(fits.getdata(reference, "IRS2"))
    two = np.concatenate([white, white + 50])
    result = _irs2_reference.subtract(two, filters, LAYOUT)
    assert np.shares_memory(result, two)
    assert result.flags.c_contiguous
    one = _irs2_reference.subtract(white.copy(), filters, LAYOUT)
    np.testing.assert_array_equal(result[0], one[0])
    assert_same(result[1], one[0] + 50)


def test_the_last_of_one_group_is_left_as_it_is(reference, white):
    """Without a second group there is nothing beside the mean."""
    result = run(exposure(white[:, :1].copy()), reference)
    np.testing.assert_array_equal(result.data, white[:, :1, LAYOUT.image_rows])


def test_samples_that_are_no_numbers_are_missing(reference, white):
    """In jwst 3.0.0 each makes its output NaN, and one of the reference output everything."""
    data = white.copy()
    data[0, 0, 100, 50] = data[0, 1, 651, 60] = np.nan
    image = LAYOUT.image_rows[700]
    data[0, 1, image, 2] = data[0, 0, image, 1000] = np.nan
    result, plain = run(exposure(data), reference), run(exposure(white.copy()), reference)
    assert np.count_nonzero(np.isnan(result.data)) == 4  # its ramps
    different = np.nan_to_num(np.abs(result.data - plain.data))
    assert different.max() < 30
    assert np.median(different) < 0.01


def test_reference_pixels_are_kept_on_demand(reference, white):
    data = white.copy()
    result = run(exposure(data), reference, preserve_irs2_refpix=True)
    assert result.data.shape == white.shape
    assert result.groupdq.shape == white.shape
    image = run(exposure(white.copy()), reference)
    np.testing.assert_array_equal(result.data[:, :, LAYOUT.image_rows], image.data)
    interleaved = LAYOUT.rows[1:, LAYOUT.is_reference].ravel()
    np.testing.assert_allclose(result.data[:, :, interleaved].mean(axis=1), 0, atol=2e-2)
    output = LAYOUT.rows[0, ~LAYOUT.is_reference]
    np.testing.assert_allclose(result.data[:, :, output].mean(axis=1),
                               white[:, :, output].mean(axis=1), atol=0.5)


@pytest.mark.parametrize("odd_even", [True, False])
@pytest.mark.parametrize("backwards", [False, True])
def test_means_of_the_ends_by_output_and_parity(odd_even, backwards):
    """Offsets of every output, and of odd pixels; interleaved ones are odd by pairs."""
    rng = np.random.default_rng(3)
    output, interleaved = _irs2.Layout(backwards).by_column
    column = np.arange(3200)
    odd = np.where(interleaved, column % 4 < 2, column % 2 == 0)
    offset = rng.normal(0, 50, 5)[output] + 7 * odd
    data = (offset[:, np.newaxis] + rng.normal(0, 1, (1, 2, 3200, 2048))).astype(np.float32)
    usable = np.ones((3200, 2048), bool)
    usable[644, :] = False
    data[:, :, 644] = 1e4
    turn = np.s_[..., ::-1, ::-1] if backwards else np.s_[...]
    data, usable = np.ascontiguousarray(data[turn]), usable[turn[1:] if backwards else turn]
    plan = _refpix.plan_irs2(usable, output, interleaved, backwards=backwards,
                             odd_even_columns=odd_even)
    _refpix.correct(data, plan)
    left = data[turn].mean(axis=(0, 1, 3))
    left = np.delete(left, 644)
    assert np.abs(left).max() < (0.2 if odd_even else 4.2)
    if not odd_even:
        assert np.ptp(left) > 6.5


def test_means_first_leave_the_same_noise(reference, white):
    """The correction removes what is common anyway; the mean level of the groups goes."""
    step = np.float32([-30, 30])[:, np.newaxis, np.newaxis]
    result = run(exposure(white + step), reference, irs2_mean_subtraction=True)
    assert abs(np.diff(result.data.mean(axis=(0, 2, 3)))[0]) < 0.5


def test_the_zeroframe_loses_the_same_rows(reference, white):
    """In jwst 3.0.0 it keeps them, and linearity fails."""
    ramp = exposure(white[:, :1].copy())
    ramp.zeroframe, ramp.meta.exposure.zero_frame = white[:, 0].copy(), True
    result = run(ramp, reference)
    np.testing.assert_array_equal(result.zeroframe, white[:, 0, LAYOUT.image_rows])


# ------------------------------------------------------------------------------------ bad pixels


def test_pairs_that_stand_out_are_found(white):
    data = white.copy()
    rng = np.random.default_rng(4)
    data[0, :, 650] += rng.normal(0, 40, (2, 2048))  # differs from its partner
    data[0, :, 1348:1350] += 800  # high
    data[0, :, 2588:2590] *= 3  # noisy
    data[0, :, 28:30] -= 800  # low: not looked for
    data[0, :, 1000] += 5000  # of the image
    data[:, :, LAYOUT.reference_rows] -= white.mean(axis=(0, 1, 3))[LAYOUT.reference_rows, None]
    none = np.zeros(3200, bool)
    found = np.flatnonzero(_irs2_reference.find_bad(data, none, LAYOUT, n_sigma=5.0))
    np.testing.assert_array_equal(found, [650, 651, 1348, 1349, 2588, 2589])
    known = none.copy()
    known[[28, 650]] = True
    found = np.flatnonzero(_irs2_reference.find_bad(data, known, LAYOUT, n_sigma=5.0))
    np.testing.assert_array_equal(found, [28, 650, 1348, 1349, 2588, 2589])


def test_a_pair_bad_in_one_integration_is_bad(white):
    data = np.concatenate([white, white])
    data[1, :, 668:670] += 900
    data -= data.mean(axis=(0, 1, 3))[:, np.newaxis] * (np.arange(3200) != 668)[:, np.newaxis]
    found = _irs2_reference.find_bad(data, np.zeros(3200, bool), LAYOUT, n_sigma=6.0)
    assert found[[668, 669]].all()


def test_replacements_prefer_the_same_parity():
    bad = np.zeros(3200, bool)
    bad[[648, 668, 669, 688, 690, 670, 671, 1278, 1258]] = True
    chosen = dict(_irs2_reference.replacements(np.flatnonzero(bad), bad, LAYOUT))
    assert chosen[648] == (650,)  # the next of its parity is bad, and none before
    assert chosen[669] == (649, 689)
    assert chosen[668] == ()  # 648, 688, and both parities of its turn are bad
    assert chosen[688] == (708,)
    assert chosen[670] == (650,)
    assert chosen[1278] == ()  # of the image: no turn near
    other = dict(_irs2_reference.replacements([1350], np.isin(np.arange(3200), [1330, 1350, 1370]),
                                              LAYOUT))
    assert other[1350] == (1348,)
    assert dict(_irs2_reference.replacements([1349], np.isin(
        np.arange(3200), [1329, 1349, 1369]), LAYOUT, backwards=True))[1349] == (1351,)


def test_rows_are_replaced_by_means():
    data = np.arange(4, dtype=np.float32)[:, np.newaxis] * np.ones((1, 2, 4, 3), np.float32)
    _irs2_reference.replace(data, [(0, (1, 2)), (3, ()), (1, (2,))])
    np.testing.assert_array_equal(data[0, 1, :, 0], [1.5, 2, 2, 0])


def test_the_list_of_the_reference_file():
    """Bad columns of the simulated readout, as its reference file tells them."""
    outputs, parities, blocks = np.transpose(irs2.BAD)
    for layout in (LAYOUT, _irs2.Layout(backwards=True)):
        rows = _irs2_reference.listed_bad(outputs, parities, 1 << blocks, layout)
        columns = [3199 - np.array(r) if layout.backwards else np.array(r) for r in rows]
        np.testing.assert_array_equal([c.min() for c in columns], irs2.bad_columns())
        assert {len(r) for r in rows} == {2}
    assert _irs2_reference.listed_bad([1], [1], [np.uint32(0)], LAYOUT) == [[]]
    assert _irs2_reference.listed_bad([4], [1], [np.uint32(1 << 31)], LAYOUT) == [[3190, 3191]]


def test_bad_rows_are_flagged_and_cost_the_image_nothing(reference, white):
    """A noisy reference pixel would leak into its output; rows of the image keep their flags."""
    data = white.copy()
    data[0, :, 1350:1352] += np.random.default_rng(5).normal(0, 3000, (2, 2, 2048))
    dq = np.zeros((3200, 2048), np.uint32)
    dq[649, 7] = dq[1000, 3] = BAD  # 1000 is of the image
    result = run(exposure(data, dq), reference, preserve_irs2_refpix=True)
    rows = np.flatnonzero((result.pixeldq & BAD > 0).all(axis=1))
    assert {649, 1350, 1351} <= set(rows)
    assert 1000 not in rows
    assert (result.pixeldq[rows] & DNU > 0).all()
    clean = run(exposure(white.copy()), reference, preserve_irs2_refpix=True)
    near = LAYOUT.image_rows[512:1024]
    change = result.data[:, :, near] - clean.data[:, :, near]
    assert change.std() < 1


# ------------------------------------------------------------------------------------ refusals


def test_without_a_reference_the_exposure_is_as_it_was(white):
    result = run(exposure(white.copy()), "N/A")
    assert result.meta.cal_step.refpix == "SKIPPED"
    np.testing.assert_array_equal(result.data, white)


def test_a_table_of_another_length_is_not_used(white, caplog):
    model = IRS2Model(irs2_table=np.zeros(8, IRS2Model().get_dtype("irs2_table")))
    result = run(exposure(white.copy()), model)
    assert result.meta.cal_step.refpix == "SKIPPED"
    assert "the open IRS2Model: no filters of IRS2: 8 rows where 2916352" in caplog.text


def test_an_open_model_does_like_a_file(reference, white):
    with IRS2Model(reference) as model:
        mine = run(exposure(white.copy()), model)
    np.testing.assert_array_equal(mine.data, run(exposure(white.copy()), reference).data)


def test_a_list_of_pixels_that_there_are_not(reference, white):
    with IRS2Model(reference) as model:
        model.dq_table["OUTPUT"][3] = 7
        with pytest.raises(ReferenceFileError, match="OUTPUT=7 ODD_EVEN=2: no reference pixels"):
            run(exposure(white[:, :, :].copy()), model)


def test_missing_keywords_have_the_usual_values(reference, white, caplog):
    ramp = exposure(white[:, :1].copy())
    ramp.meta.exposure.nrs_normal = ramp.meta.exposure.nrs_reference = None
    assert run(ramp, reference).meta.cal_step.refpix == "COMPLETE"
    assert "NRS_NORM is missing; 16 was taken" in caplog.text


@pytest.mark.parametrize(("change", "message"), [
    ({"normal": 32}, r"x_nrs1_uncal\.fits: .* NRS_NORM=32 NRS_REF=4 where"),
    ({"detector": "NRS3"}, "DETECTOR=NRS3 where NRS1 or NRS2"),
    ({"shape": (1, 1, 3200, 64)}, r"shape \(3200, 64\)"),
    ({"shape": (1, 1, 2048, 2048)}, r"shape \(2048, 2048\)"),
])
def test_refusals(change, message, reference):
    ramp = exposure(np.zeros(change.get("shape", (1, 1, 3200, 2048)), np.float32))
    ramp.meta.exposure.nrs_normal = change.get("normal", 16)
    if "detector" in change:
        ramp.meta.instrument.instance["detector"] = change["detector"]
    with pytest.raises(InputError, match=message):
        run(ramp, reference)
