"""Reference pixels of NIRSpec IRS2 on arrays full of corner cases, here and officially."""

import json
import subprocess

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal import flags
from jwst_cal.detector import _irs2
from jwst_cal.detector.refpix import RefPixStep
from tests.parity import irs2, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.xdist_group("irs2"),
]

BAD, DNU = flags.pixel["BAD_REF_PIXEL"], flags.pixel["DO_NOT_USE"]
#: Rows of NRS1: reference pixels that the mask flags; noisy ones; of the image; and a reference
#: pixel of the last output.
FLAGGED, NOISY, IMAGE, NAN = (648, 649, 650, 651), (1350, 1351), 1000, 2569


def made(n_ints, n_groups, detector="NRS1", spoiled=False, masks=None, **options):
    """Noise common to all outputs and of each pixel, drifts, jumps; bad pixels of every kind."""
    rng = np.random.default_rng(n_ints + 10 * n_groups)
    shape = (n_ints, n_groups, 3200, 2048)
    data = rng.normal(0, 10, shape) + 20 * np.sin(np.arange(2048) / 99)
    data += 40 * np.arange(n_groups)[:, None, None] + rng.normal(0, 200, shape[2:])
    data[:, -1, rng.random(shape[2:]) < 0.001] += 20000
    data[:, :, NOISY[0]] += rng.normal(0, 60, shape[:2] + shape[3:])
    data[-1, :, 2888] += 500
    data[0, 0, 100, 100:120] = data.mean(axis=1)[0, 100, 100:120]
    pixeldq = np.zeros(shape[2:], np.uint32)
    pixeldq[list(FLAGGED), 7] = BAD
    for row in (5, 20):  # the reference output
        pixeldq[row if detector == "NRS1" else -1 - row, 9] = BAD
    pixeldq[rng.random(shape[2:]) < 0.01] |= DNU
    if spoiled:  # the first output, and the last
        pixeldq[IMAGE, 3] |= BAD
        data[0, 1, NAN, 77] = np.nan
    groupdq = rng.integers(0, 8, shape).astype(np.uint8)
    return {"data": data.astype(np.float32), "groupdq": groupdq, "pixeldq": pixeldq}, {
        "detector": detector, "masks": masks or {}, **options}


CASES = {
    # Three turns in a row, of both parities: replaced by one side, by the other parity, by nothing.
    "nrs1": {"n_ints": 1, "n_groups": 3, "masks": {"11": 0b11100, "12": 0b11000, "22": 1 << 31}},
    "nrs2-means": {"n_ints": 2, "n_groups": 2, "detector": "NRS2", "irs2_mean_subtraction": True,
                   "ovr_corr_mitigation_ftr": 2.0, "siglimit": 2.5,
                   "masks": {"31": 0b110, "32": 0b10, "42": 0b1}},
    "nrs2-preserve": {"n_ints": 1, "n_groups": 2, "detector": "NRS2",
                      "irs2_mean_subtraction": True, "odd_even_columns": False,
                      "preserve_irs2_refpix": True},
    "one-group": {"n_ints": 1, "n_groups": 1, "preserve_irs2_refpix": True},
    "spoiled": {"n_ints": 1, "n_groups": 2, "spoiled": True},
}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("irs2")
    for name, options in CASES.items():
        arrays, options = made(**options)
        np.savez(folder / f"{name}.npz", **arrays, options=json.dumps(options))
    subprocess.run([str(setup.find()[0]), irs2.__file__, str(folder)], check=True,
                   capture_output=True)
    filters, results = irs2.table(), {}
    for name, options in CASES.items():
        arrays, options = made(**options)
        ramp = irs2.exposure(datamodels, detector=options.pop("detector"), **arrays)
        reference = datamodels.IRS2Model(irs2_table=filters,
                                         dq_table=irs2.bad_pixels(options.pop("masks")))
        ours = RefPixStep(override_refpix=reference, override_sirskernel="N/A",
                          **options).run(ramp)
        with np.load(folder / f"{name}.out.npz") as official:
            results[name] = ours, dict(official)
    return results


@pytest.mark.parametrize("name", [name for name in CASES if name != "spoiled"])
def test_same_numbers(both, name):
    """Both transform in float32; the largest samples are 20000 DN, and lose 0.002 by it."""
    ours, official = both[name]
    np.testing.assert_array_equal(ours.groupdq, official["groupdq"])
    np.testing.assert_array_equal(ours.pixeldq, official["pixeldq"])
    difference = ours.data - official["data"]
    np.testing.assert_allclose(ours.data, official["data"], rtol=1e-5, atol=0.005)
    assert difference.std() < 1e-4
    changed = CASES[name]["n_groups"] > 1
    assert np.count_nonzero(ours.pixeldq & BAD) > 0 or ours.data.shape[2] == 2048
    assert (np.abs(difference).max() > 0) == changed


def test_a_flag_in_the_image_costs_no_row_of_it(both):
    """There the row is replaced by those 20 before and after, and flagged."""
    ours, official = both["spoiled"]
    layout = _irs2.Layout()
    at = np.flatnonzero(layout.image_rows == IMAGE).item()
    flagged = official["pixeldq"] & DNU > 0
    assert flagged[at].all()
    assert (ours.pixeldq[at] & DNU > 0).mean() < 0.05
    given = made(**CASES["spoiled"])[0]["data"].mean(axis=1)[0]  # means of the groups stay
    np.testing.assert_allclose(official["data"].mean(axis=1)[0, at],
                               given[[IMAGE - 20, IMAGE + 20]].mean(axis=0), atol=0.02)
    np.testing.assert_allclose(ours.data.mean(axis=1)[0, at], given[IMAGE], atol=0.02)
    others = np.arange(2048) != at
    np.testing.assert_array_equal(ours.pixeldq[others], official["pixeldq"][others])
    others[1536:] = False
    np.testing.assert_allclose(ours.data[:, :, others], official["data"][:, :, others], atol=0.05)


def test_a_reference_pixel_that_is_no_number_costs_no_output(both):
    ours, official = both["spoiled"]
    assert np.isnan(official["data"][:, :, 1536:]).all()
    assert np.isfinite(official["data"][:, :, :1536]).all()
    assert np.isfinite(ours.data).all()
