"""Saturation flags, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.saturation import saturation as twin

from jwst_cal.kernels.saturation import saturation

DNU, SATURATED, LOW, NO_CHECK = 1, 2, 64 | 1, 1 << 21
BITS = {"no_check": NO_CHECK, "unchecked_limit": 65536.0, "saturated": SATURATED, "low": LOW,
        "do_not_use": DNU}
BOTH = pytest.mark.parametrize("run", [saturation, twin])


class Exposure:
    """Ramps that climb to 6000 DN, in a limit of 50000 DN."""

    def __init__(self, shape=(1, 6, 7, 9)):
        steps = np.arange(1, shape[1] + 1, dtype=np.float32)
        self.data = np.broadcast_to(1000 * steps[:, None, None], shape).copy()
        self.groupdq = np.zeros(shape, np.uint8)
        self.pixeldq = np.zeros(shape[2:], np.uint32)
        self.limit = np.full(shape[2:], 50000, np.float32)
        self.limit_dq = np.zeros(shape[2:], np.uint32)

    def flag(self, run, rings=1, **options):
        return run(self.data, self.groupdq, self.pixeldq, self.limit, self.limit_dq, rings=rings,
                   **BITS, **options)


@BOTH
@pytest.mark.parametrize("rings", [0, 1, 2])
def test_a_pixel_and_its_rings_are_flagged_from_the_group_on(run, rings):
    e = Exposure()
    e.data[0, 3, 3, 4] = 50000  # reached, then below again
    count = e.flag(run, rings)
    wanted = np.zeros_like(e.groupdq)
    wanted[0, 3:, 3 - rings : 4 + rings, 4 - rings : 5 + rings] = SATURATED
    np.testing.assert_array_equal(e.groupdq, wanted)
    assert tuple(count) == ((2 * rings + 1) ** 2, 0)
    assert not e.pixeldq.any()


@BOTH
def test_growth_stops_at_the_edge_and_takes_the_earliest_neighbour(run):
    e = Exposure()
    e.data[0, 2:, 0, 0] = e.data[0, 4:, 0, 1] = 60000
    e.flag(run)
    first = np.argmax(e.groupdq[0] == SATURATED, axis=0)
    assert first[:2, :3].tolist() == [[2, 2, 4], [2, 2, 4]]
    assert np.count_nonzero(e.groupdq[0, 5]) == 6


@BOTH
def test_counts_of_zero_and_less_are_flagged_where_they_are(run):
    e = Exposure()
    e.data[0, 2, 1, 1], e.data[0, 3, 1, 1], e.data[0, 2, 5, 5] = 0, -1, np.nan
    assert tuple(e.flag(run)) == (0, 1)
    assert np.argwhere(e.groupdq).tolist() == [[0, 2, 1, 1], [0, 3, 1, 1]]
    assert set(e.groupdq[e.groupdq > 0]) == {LOW}


@BOTH
def test_unchecked_pixels_are_not_flagged_but_their_neighbours_may_flag_them(run):
    e = Exposure()
    e.data[0, 2:, 1, 1] = e.data[0, 2:, 1, 5] = 65535
    e.limit[1, 1], e.limit_dq[1, 5] = np.nan, NO_CHECK | 4
    e.data[0, 4:, 2, 2] = 65535
    e.flag(run)
    assert e.groupdq[0, :, 1, 1].tolist() == [0, 0, 0, 0, SATURATED, SATURATED]
    assert not e.groupdq[0, :, 1, 5].any()
    assert (e.pixeldq[1, 1], e.pixeldq[1, 5]) == (NO_CHECK, NO_CHECK | 4)


@BOTH
def test_each_integration_starts_anew(run):
    e = Exposure((2, 6, 7, 9))
    e.data[0, 1:, 3, 4] = 60000
    assert tuple(e.flag(run)) == (9, 0)
    assert not e.groupdq[1].any()


@BOTH
def test_the_group_before_a_late_saturation_is_not_used(run):
    """Four reads: group 2 (of 0...) is the mean of reads 9-12, of which 10.5/12 of the limit."""
    e = Exposure()
    e.data[0, 3:, 3, 4], e.data[0, 2, 3, 4] = 60000, 43760
    e.data[0, 3:, 3, 7], e.data[0, 2, 3, 7] = 60000, 43740
    e.flag(run, reads_per_group=4)
    assert (e.groupdq[0, 2, 2:5, 3:6] == DNU).all()
    assert np.count_nonzero(e.groupdq[0, 2]) == 9
    assert np.count_nonzero(e.groupdq[0, :2]) == 0


@BOTH
def test_a_second_group_that_jumps_towards_saturation_is_not_used(run):
    e = Exposure()
    e.data[0, :, 3, 4] = 2000, 16000, 60000, 60000, 60000, 60000  # 14000 > 48000 / 4
    e.data[0, :, 3, 7] = 2000, 13000, 60000, 60000, 60000, 60000  # less
    e.data[0, :, 6, 1] = 12000, 26000, 60000, 60000, 60000, 60000  # bright from the start
    e.flag(run, reads_per_group=4)
    assert np.argwhere(e.groupdq[0, :2] & DNU).tolist() == [[1, 3, 4]]


@BOTH
def test_the_superbias_counts_in_the_expected_third_group(run):
    e = Exposure()
    e.data[0, :, 3, 4] = 12000, 26000, 60000, 60000, 60000, 60000
    e.flag(run, reads_per_group=4, bias=np.full((7, 9), 11000, np.float32))
    assert np.argwhere(e.groupdq[0, :2] & DNU).tolist() == [[1, 3, 4]]


@BOTH
def test_interleaved_rows_are_neither_tested_nor_neighbours(run):
    """IRS2: row 3 of the data is none of the image; its second-group rule flags SATURATED."""
    e = Exposure((1, 6, 8, 9))
    rows = np.array([0, 1, 2, 4, 5, 6, 7], np.int32)
    e.limit, e.limit_dq = e.limit[rows], e.limit_dq[rows]
    e.data[0, :, 3] = 65535
    e.data[0, 3:, 2, 4] = 60000
    e.data[0, :, 6, 7] = 2000, 16000, 60000, 60000, 60000, 60000
    e.flag(run, reads_per_group=4, rows=rows, second_only=True)
    assert not e.groupdq[:, :, 3].any()
    assert (e.groupdq[0, 3:, [1, 2, 4], 3:6] == SATURATED).all()
    assert (e.groupdq[0, 1:, 5:8, 6:9] == SATURATED).all()
    assert np.count_nonzero(e.groupdq) == 9 * 3 + 9 * 5


@BOTH
def test_zeroframe_loses_saturated_and_low_values(run):
    e = Exposure()
    zeroframe = np.full((1, 7, 9), 900, np.float32)
    zeroframe[0, 1, 1], zeroframe[0, 5, 6], zeroframe[0, 6, 0] = 55000, -4, np.nan
    e.flag(run, zeroframe=zeroframe)
    wanted = np.full((7, 9), 900.0)
    wanted[:3, :3] = wanted[5, 6] = 0
    wanted[6, 0] = np.nan
    np.testing.assert_array_equal(zeroframe[0], wanted)
    assert not e.groupdq.any()


@BOTH
def test_flags_of_an_earlier_run_grow_in_their_group_only(run):
    e = Exposure()
    e.groupdq[0, 2, 3, 4] = SATURATED
    e.data[0, 4:, 3, 0] = 60000
    e.flag(run)
    assert (e.groupdq[0, 2, 2:5, 3:6] == SATURATED).all()
    assert np.count_nonzero(e.groupdq[0, :4]) == 9
    assert np.count_nonzero(e.groupdq[0, 4]) == 6


def awkward(rng):
    e = Exposure((2, 5, 41, 267))
    rate = rng.lognormal(8, 1.5, (2, 1, 41, 267))
    hits = np.where(rng.random(e.data.shape) < 0.03, rng.uniform(0, 6e4, e.data.shape), 0)
    e.data = (1000 + rate * np.arange(1, 6)[:, None, None] + hits.cumsum(axis=1)).astype(np.float32)
    e.data = np.minimum(e.data, np.float32(65535))
    e.data[rng.random(e.data.shape) < 0.01] = np.nan
    e.data[rng.random(e.data.shape) < 0.01] = 0
    e.limit = rng.uniform(3e4, 6e4, (41, 267)).astype(np.float32)
    e.limit[rng.random((41, 267)) < 0.02] = np.nan
    e.limit_dq[rng.random((41, 267)) < 0.02] = NO_CHECK
    e.groupdq[rng.random(e.data.shape) < 0.02] = DNU
    return e


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("reads", [None, 1, 4])
@pytest.mark.parametrize("rings", [0, 1, 3, 20])
@pytest.mark.parametrize("earlier", [False, True])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_threads, reads, rings, earlier):
    dtype = {1: "<f4", 2: ">f4", 7: ">f4"}[n_threads]  # the kernel reads references as they lie
    results = []
    for run, options in [(saturation, {"n_threads": n_threads}), (twin, {})]:
        rng = np.random.default_rng(3)
        e = awkward(rng)
        if earlier:
            e.groupdq[1, 2, 5, 6] = SATURATED
        zeroframe = e.data[:, 0].copy()
        bias = rng.normal(1000, 100, (41, 267)).astype(np.float32)
        if run is saturation:
            e.limit, bias = e.limit.astype(dtype), bias.astype(dtype)
        count = e.flag(run, rings, reads_per_group=reads, bias=bias, zeroframe=zeroframe, **options)
        results.append((e.groupdq, e.pixeldq, zeroframe, np.array(count)))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.count_nonzero(results[0][0] & SATURATED) > 1000


@pytest.mark.parametrize("rings", [0, 1, 2])
def test_kernel_is_its_twin_to_the_byte_with_interleaved_rows(rings):
    results = []
    for run in (saturation, twin):
        e = awkward(np.random.default_rng(3))
        rows = np.delete(np.arange(41, dtype=np.int32), [5, 6, 20])
        e.limit, e.limit_dq = e.limit[rows], e.limit_dq[rows]
        e.flag(run, rings, reads_per_group=5, rows=rows, second_only=True)
        results.append((e.groupdq, e.pixeldq))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n_groups", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_short_ramps_and_narrow_images(n_groups, size):
    results = []
    for run in (saturation, twin):
        e = Exposure((1, n_groups, *size))
        e.data[0, -1, 0, 0] = 60000
        e.flag(run, 2, reads_per_group=4)
        results.append(e.groupdq)
    np.testing.assert_array_equal(*results)
    assert results[0][0, -1].all() == (max(size) <= 3)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({"limit": np.ones((7, 8), np.float32)}, {}, ValueError, "limit: shape"),
        ({"limit_dq": np.zeros((6, 9), np.uint32)}, {}, ValueError, "limit_dq: shape"),
        ({"limit_dq": np.zeros((7, 9))}, {}, TypeError, "limit_dq: dtype float64"),
        ({"groupdq": np.zeros((1, 6, 7, 8), np.uint8)}, {}, ValueError, "groupdq: shape"),
        ({"pixeldq": np.zeros((7, 9), np.int32)}, {}, TypeError, "pixeldq: dtype int32"),
        ({}, {"bias": np.ones((7, 8), np.float32), "reads_per_group": 2}, ValueError,
         "bias: shape"),
        ({}, {"zeroframe": np.ones((7, 9), np.float32)}, ValueError, "zeroframe: shape"),
        ({}, {"reads_per_group": 0}, ValueError, "out of its range"),
        ({}, {"rings": -1}, ValueError, "out of its range"),
        ({}, {"rows": np.arange(1, 8, dtype=np.int32)}, ValueError, "out of its range"),
    ],
    ids=["narrow limit", "low limit_dq", "float limit_dq", "narrow groupdq", "signed pixeldq",
         "narrow bias", "flat zeroframe", "no reads", "negative rings", "rows beyond the data"],
)
def test_refuses(change, options, error, message):
    e = Exposure()
    vars(e).update(change)
    with pytest.raises(error, match=message):
        e.flag(saturation, **options)
