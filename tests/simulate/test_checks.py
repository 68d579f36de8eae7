"""Results beside the truth: the numbers are those that were put in."""

import numpy as np
import pytest

from jwst_cal import flags
from jwst_cal.errors import InputError
from jwst_cal.simulate import checks
from jwst_cal.simulate.exposures import Truth
from jwst_cal.simulate.ramps import JUMP

ROWS, COLS = 60, 50


@pytest.fixture
def truth():
    jumps = np.zeros(3, JUMP)
    # 40 DN entirely at group 3; 40 DN split evenly between groups 4 and 5; 6 DN at group 2
    jumps["group"], jumps["row"], jumps["col"] = (3, 4, 2), (10, 20, 30), (11, 21, 31)
    jumps["dn"], jumps["share"] = (40, 40, 6), (1, 0.5, 1)
    return Truth(
        rate=np.full((ROWS, COLS), 5, np.float32), dark_rate=np.zeros((ROWS, COLS), np.float32),
        gain=np.full((ROWS, COLS), 2, np.float32),
        cds_noise=np.full((ROWS, COLS), 1, np.float32),
        bad_pixels=np.zeros((ROWS, COLS), np.uint32), flawed=np.zeros((ROWS, COLS), bool),
        jumps=jumps, saturated_group=np.full((1, ROWS, COLS), 255, np.uint8),
        group_time=0.0,  # no shot noise: the noise of a difference is 1 DN
        n_frames=1,
    )


def test_rates_with_a_known_offset_and_errors(truth):
    rng = np.random.default_rng(1)
    err = np.full((ROWS, COLS), 0.1, np.float32)
    rate = (truth.rate + 0.05 + 0.2 * rng.standard_normal((ROWS, COLS))).astype(np.float32)
    rate[10, 11] = 999  # a pixel that was hit is counted apart
    rate[0, 0] = np.nan
    dq = np.zeros((ROWS, COLS), np.uint32)
    dq[1, 1], rate[1, 1] = flags.pixel["DO_NOT_USE"], 999
    truth.bad_pixels[2, 2], rate[2, 2] = 1, 999
    truth.saturated_group[0, 3, 3], rate[3, 3] = 5, 999
    result = checks.check_rate(rate, err, dq, truth)
    assert result.n_pixels == ROWS * COLS - 7
    assert result.n_nan == 1
    assert result.bias == pytest.approx(0.05, abs=0.02)
    assert result.pull_sigma == pytest.approx(2, rel=0.1)
    assert result.true_median == 5
    assert result.hit_bias == pytest.approx(0.05, abs=0.7)


def test_perfect_jump_flags(truth):
    groupdq = np.zeros((1, 8, ROWS, COLS), np.uint8)
    for group, row, col in ((3, 10, 11), (4, 20, 21), (5, 20, 21), (2, 30, 31)):
        groupdq[0, group, row, col] = flags.group["JUMP_DET"]
    result = checks.check_jumps(groupdq, truth)
    assert (result.bright, result.bright_found) == (3, 1.0)  # 40, 20 and 20 sigma
    assert (result.faint, result.faint_found) == (1, 1.0)  # 6 sigma
    assert result.false == 0


def test_missed_and_false_jump_flags(truth):
    groupdq = np.zeros((1, 8, ROWS, COLS), np.uint8)
    groupdq[0, 3, 10, 11] = flags.group["JUMP_DET"]
    groupdq[0, 6, 40, 40] = flags.group["JUMP_DET"]
    groupdq[0, 6, 10, 12] = flags.group["JUMP_DET"]  # a neighbour of a hit pixel is not false
    result = checks.check_jumps(groupdq, truth)
    assert result.bright_found == pytest.approx(1 / 3)
    assert result.faint_found == 0
    assert result.false == pytest.approx(1 / (7 * (ROWS * COLS - 15)))


def test_jumps_in_unusable_groups_do_not_count(truth):
    groupdq = np.zeros((1, 8, ROWS, COLS), np.uint8)
    groupdq[0, 2:, 10, 11] = flags.group["SATURATED"]
    assert checks.check_jumps(groupdq, truth).bright == 2


def test_saturation_flags(truth):
    truth.saturated_group[0, 5:7, 5] = 4
    groupdq = np.zeros((1, 8, ROWS, COLS), np.uint8)
    groupdq[0, 4:, 5, 5] = flags.group["SATURATED"]
    result = checks.check_jumps(groupdq, truth)
    assert (result.saturated, result.saturated_found) == (2, 0.5)


def test_another_shape_is_refused(truth):
    with pytest.raises(InputError, match=r"rate: shape \(3, 3\) where the truth has \(60, 50\)"):
        checks.check_rate(np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3), np.uint32), truth)
    with pytest.raises(InputError, match="groupdq: shape"):
        checks.check_jumps(np.zeros((1, 8, 3, 3), np.uint8), truth)
