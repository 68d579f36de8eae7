"""Groups from which on charge spills, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.charge_migration import charge_migration as twin

from jwst_cal.kernels.charge_migration import charge_migration

BOTH = pytest.mark.parametrize("run", [charge_migration, twin])
DNU, FLAGS = 1, 128 | 1
OPTIONS = {"threshold": 25000, "unused": DNU, "flags": FLAGS}


@BOTH
def test_a_pixel_and_its_four_neighbours_are_flagged_from_the_group_on(run):
    data, groupdq = np.ones((2, 4, 6, 7), np.float32), np.zeros((2, 4, 6, 7), np.uint8)
    data[0, 1, 2, 3] = 25001
    data[0, 3, 0, 0] = 25000
    data[1, 2, 5, 6] = 30000
    assert run(data, groupdq, **OPTIONS) == 2
    cross = [(1, 3), (2, 2), (2, 3), (2, 4), (3, 3)]
    wanted = [(0, g, *at) for g in (1, 2, 3) for at in cross]
    wanted += [(1, g, *at) for g in (2, 3) for at in [(4, 6), (5, 5), (5, 6)]]
    assert [tuple(at) for at in np.argwhere(groupdq == FLAGS)] == wanted
    assert np.count_nonzero(groupdq) == len(wanted)


@BOTH
def test_a_group_that_is_only_unused_does_not_start_it(run):
    data, groupdq = np.ones((1, 3, 4, 5), np.float32), np.zeros((1, 3, 4, 5), np.uint8)
    data[0, 0, 1, 1] = data[0, 2, 2, 3] = 40000
    groupdq[0, 0, 1, 1], groupdq[0, 2, 2, 3] = DNU, DNU | 2
    assert run(data, groupdq, **OPTIONS) == 1
    assert groupdq[0, :, 1, 1].tolist() == [DNU, 0, 0]
    assert groupdq[0, 2, 2, 3] == FLAGS | 2


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("size", [(33, 70), (1, 9), (9, 1)])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_threads, size):
    results = []
    for run in (charge_migration, twin):
        rng = np.random.default_rng(2)
        data = (rng.lognormal(8, 1, (3, 1, *size)) * np.arange(1, 6)[:, None, None])
        data = data.astype(np.float32)
        data[rng.random(data.shape) < 0.02] = np.nan
        groupdq = rng.choice(np.array([0, 0, DNU, 4], np.uint8), data.shape)
        results.append((groupdq, run(data, groupdq, n_threads=n_threads, **OPTIONS)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1] > 0


@pytest.mark.parametrize(
    ("data", "groupdq", "error", "message"),
    [
        (np.ones((1, 2, 3, 4), np.float32), np.zeros((1, 2, 3, 5), np.uint8), ValueError,
         "groupdq: shape"),
        (np.ones((2, 3, 4), np.float32), np.zeros((2, 3, 4), np.uint8), ValueError, "data: shape"),
        (np.ones((1, 2, 3, 4), np.float32), np.zeros((1, 2, 3, 4), int), TypeError,
         "groupdq: dtype int64"),
    ],
    ids=["wide groupdq", "flat data", "int64 groupdq"],
)
def test_refuses(data, groupdq, error, message):
    with pytest.raises(error, match=message):
        charge_migration(data, groupdq, **OPTIONS)
