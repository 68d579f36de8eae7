"""Snowballs: kernel and numpy twin through one body, and what they must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import large_events as twin

from jwst_cal.kernels import large_events as kernel

DNU, SAT, JUMP = 1, 2, 4
RULES = {
    "min_jump_area": 5.0, "min_core_area": 1.0, "expand_factor": 2.0, "core_required": True,
    "min_core_diameter": 2.5, "core_growth": 4.0, "max_diameter": 400.0, "edge": 5,
    "next_groups": 0, "jump": JUMP, "saturated": SAT,
}
both = pytest.mark.parametrize("code", [kernel, twin], ids=["kernel", "twin"])


def disc(shape, x, y, radius, inner=-1.0):
    rows, cols = np.indices(shape)
    far = np.hypot(rows - y, cols - x)
    return (far <= radius) & (far > inner)


def snowball(shape=(2, 5, 60, 80), core=(40, 30), group=2, radius=8.0, core_radius=3.0):
    """A disc of jumps with a core that saturates in the same group."""
    dq = np.zeros(shape, np.uint8)
    x, y = core
    dq[0, group, disc(shape[2:], x, y, radius)] = JUMP
    dq[0, group:, disc(shape[2:], x, y, core_radius)] = SAT
    return dq


@both
def test_ellipse_of_a_disc(code):
    plane = disc((40, 50), 20, 15, 7).astype(np.uint8) * JUMP
    (x, y, minor, major, _), = code.find_ellipses(plane, bit=JUMP, min_area=1)
    assert (x, y) == pytest.approx((20, 15))
    assert minor == pytest.approx(major)
    assert major == pytest.approx(13, abs=0.5)


@both
@pytest.mark.parametrize("turn", [0, 30, 45, 90, 135])
def test_ellipse_of_a_bar(code, turn):
    rows, cols = np.indices((61, 61)) - 30
    t = np.radians(turn)
    along, across = rows * np.cos(t) + cols * np.sin(t), rows * np.sin(t) - cols * np.cos(t)
    plane = ((abs(along) <= 20) & (abs(across) <= 4)).astype(np.uint8)
    (x, y, minor, major, angle), = code.find_ellipses(plane, bit=1, min_area=1)
    assert (x, y) == pytest.approx((30, 30), abs=1e-9)
    assert minor < 0.4 * major
    assert (angle - turn + 90) % 180 == pytest.approx(90, abs=2)


@both
def test_regions_touch_at_corners(code):
    plane = np.eye(6, dtype=np.uint8)
    assert len(code.find_ellipses(plane, bit=1, min_area=6)) == 1
    assert len(code.find_ellipses(plane, bit=1, min_area=6.5)) == 0


@both
def test_regions_that_join_further_down_are_one(code):
    plane = np.zeros((5, 9), np.uint8)
    plane[:, [0, 4, 8]] = 1
    plane[4] = 1
    plane[2, 2] = 1
    found = code.find_ellipses(plane, bit=1, min_area=1)
    assert len(found) == 2
    assert found[1, :2].tolist() == [2, 2]


@both
def test_holes_count_as_area(code):
    plane = disc((30, 30), 15, 14, 9, inner=7).astype(np.uint8)
    plane[15, 14] = 1  # an island in the hole
    area = np.count_nonzero(disc((30, 30), 15, 14, 9))
    assert len(code.find_ellipses(plane, bit=1, min_area=area)) == 1
    assert len(code.find_ellipses(plane, bit=1, min_area=area + 1)) == 0
    plane[14, 16:] = 0  # a gap
    assert len(code.find_ellipses(plane, bit=1, min_area=area - 20)) == 0


@both
def test_other_bits_do_not_matter(code):
    plane = np.full((4, 9), 0xFF ^ JUMP, np.uint8)
    assert code.find_ellipses(plane, bit=JUMP, min_area=1).shape == (0, 5)
    plane[1, 3] = JUMP
    assert code.find_ellipses(plane, bit=JUMP, min_area=1).shape == (1, 5)


@both
def test_the_angle_of_a_circle_decides_about_pixels_at_its_radius(code):
    """A circle has no angle but what rounding makes of its moments."""
    rows, cols = np.indices((40, 40)) - 20
    flagged = {}
    for angle in (0.0, 10.0):
        dq = np.zeros((1, 1, 40, 40), np.uint8)
        code.flag_ellipses(dq, np.array([[20, 20, 10.0, 10.0, angle]]), integration=0, group=0,
                           n_later=0, factor=1.0, max_diameter=99.0, jump=JUMP, saturated=SAT)
        flagged[angle] = dq[0, 0] > 0
    assert not flagged[0.0][rows**2 + cols**2 >= 25].any()
    both = flagged[0.0] ^ flagged[10.0]
    assert both.sum() == 12
    assert (rows**2 + cols**2)[both].tolist() == [25] * 12


@both
def test_a_snowball_is_expanded_and_its_core_too(code):
    dq = snowball()
    assert code.flag_snowballs(dq, **RULES) == 1
    near = disc(dq.shape[2:], 40, 30, 13.5)
    core = disc(dq.shape[2:], 40, 30, 4.0)
    assert (dq[0, 2:, core] == SAT).all()
    assert (dq[0, 2, near & ~disc(dq.shape[2:], 40, 30, 5.5)] == JUMP).all()
    assert not dq[0, :2].any()
    assert not dq[0, 3:, ~disc(dq.shape[2:], 40, 30, 5.5)].any()
    assert not dq[1].any()


@both
def test_a_core_that_saturates_in_the_next_group_counts(code):
    dq = snowball()
    dq[0, 2][dq[0, 2] == SAT] = JUMP
    assert code.flag_snowballs(dq, **RULES) == 1
    assert (dq[0, 2, disc(dq.shape[2:], 40, 30, 12)] == JUMP).all()


@both
def test_an_event_without_core_is_left_alone(code):
    dq = snowball(core_radius=-1)
    before = dq.copy()
    assert code.flag_snowballs(dq, **RULES) == 0
    np.testing.assert_array_equal(dq, before)


@both
def test_an_event_without_core_is_expanded_when_none_is_required(code):
    dq = snowball(core_radius=-1)
    before = np.count_nonzero(dq)
    assert code.flag_snowballs(dq, **RULES | {"core_required": False}) == 1
    assert np.count_nonzero(dq) > 2 * before


@both
@pytest.mark.parametrize(("x", "y", "n"), [(3, 30, 1), (77, 30, 1), (40, 2, 1), (40, 57, 1),
                                           (60, 30, 0), (20, 30, 0)])
def test_near_the_edge_no_core_is_required(code, x, y, n):
    """Also at the right edge of a wide subarray; jwst 3.0.0 takes columns beyond 55 for edge."""
    dq = snowball(core=(x, y), radius=3, core_radius=-1)
    assert code.flag_snowballs(dq, **RULES) == n


@both
def test_small_events_and_small_cores_are_left_alone(code):
    dq = snowball(radius=1, core_radius=-1)
    before = dq.copy()
    assert code.flag_snowballs(dq, **RULES | {"min_jump_area": 6.0, "core_required": False}) == 0
    np.testing.assert_array_equal(dq, before)
    dq = snowball(core_radius=1)
    code.flag_snowballs(dq, **RULES)
    assert np.count_nonzero(dq[0, 3] & SAT) == 5


@both
def test_cores_are_flagged_in_the_next_integration(code):
    dq = snowball(shape=(3, 5, 60, 80))
    code.flag_snowballs(dq, **RULES | {"next_groups": 3})
    flagged = dq[1] == JUMP
    assert flagged[1:3].any(axis=(1, 2)).all()
    assert not flagged[[0, 3, 4]].any()
    np.testing.assert_array_equal(flagged[1], flagged[2])
    assert flagged[1, 30, 40]
    assert not flagged[1, 30, 45]
    assert not dq[2].any()


@both
def test_axes_are_limited(code):
    dq = snowball()
    code.flag_snowballs(dq, **RULES | {"max_diameter": 10.0})
    rows, cols = np.nonzero(dq[0, 2] & JUMP)
    assert np.hypot(rows - 30, cols - 40).max() <= 8


@both
def test_flags_of_a_shower_stop_at_saturation(code):
    dq = np.zeros((1, 5, 9, 9), np.uint8)
    dq[0, 2, 4, 4] = SAT
    code.flag_ellipses(dq, np.array([[4, 4, 4.0, 4.0, 0.0]]), integration=0, group=1, n_later=2,
                       factor=1.5, max_diameter=400, jump=JUMP, saturated=SAT)
    assert dq[0, :, 4, 5].tolist() == [0, JUMP, JUMP, JUMP, 0]
    assert dq[0, :, 4, 4].tolist() == [0, JUMP, SAT, 0, 0]


def clutter(seed, n_ints, n_groups, n_rows, n_cols):
    rng = np.random.default_rng(seed)
    dq = np.zeros((n_ints, n_groups, n_rows, n_cols), np.uint8)
    for _ in range(rng.poisson(2 * n_ints * n_groups)):
        i, g = rng.integers(n_ints), rng.integers(n_groups)
        x, y = rng.uniform(0, n_cols), rng.uniform(0, n_rows)
        radius = rng.uniform(0.5, 7)
        dq[i, g, disc((n_rows, n_cols), x, y, radius, rng.choice([-1, radius / 2]))] |= JUMP
        if rng.random() < 0.5:
            dq[i, g:, disc((n_rows, n_cols), x, y, radius * rng.uniform(0, 0.6))] |= SAT
    dq[rng.random(dq.shape) < 0.03] |= JUMP
    dq[(dq & SAT) != 0] &= ~np.uint8(JUMP)
    return dq


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4), st.integers(1, 40),
       st.integers(1, 40), st.booleans())
def test_kernel_and_twin_agree(seed, n_ints, n_groups, n_rows, n_cols, core_required):
    """Up to the pixels at which a circle, however turned, comes out as exactly 1."""
    dq = clutter(seed, n_ints, n_groups, n_rows, n_cols)
    rules = RULES | {"core_required": core_required, "next_groups": 2, "min_core_diameter": 1.0}
    wanted = dq.copy()
    assert kernel.flag_snowballs(dq, **rules) == twin.flag_snowballs(wanted, **rules)
    assert np.count_nonzero(dq != wanted) <= 0.005 * dq.size + 8


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    dq = clutter(5, 5, 4, 50, 70)
    wanted = dq.copy()
    rules = RULES | {"next_groups": 3}
    n_wanted = kernel.flag_snowballs(wanted, **rules, n_threads=1)
    assert n_wanted > 5
    assert kernel.flag_snowballs(dq, **rules, n_threads=n_threads) == n_wanted
    assert dq.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("dq", "error", "message"),
    [
        (np.zeros((3, 4, 5), np.uint8), ValueError, r"groupdq: shape \(3, 4, 5\)"),
        (np.zeros((1, 3, 4, 5), np.uint16), TypeError, "groupdq: dtype uint16"),
        (np.zeros((1, 3, 4, 0), np.uint8), ValueError, "is empty"),
    ],
    ids=["three axes", "not uint8", "empty"],
)
def test_snowballs_refuse(dq, error, message):
    with pytest.raises(error, match=message):
        kernel.flag_snowballs(dq, **RULES)


@pytest.mark.parametrize("where", [{"integration": 1}, {"group": -1}, {"group": 3},
                                   {"n_later": -1}])
def test_flagging_refuses_what_is_not_there(where):
    options = {"integration": 0, "group": 0, "n_later": 0, "factor": 1.0, "max_diameter": 9.0,
               "jump": JUMP, "saturated": SAT}
    with pytest.raises(ValueError, match="argument"):
        kernel.flag_ellipses(np.zeros((1, 3, 4, 5), np.uint8), np.ones((1, 5)), **options | where)


def test_finding_refuses_a_cube():
    with pytest.raises(ValueError, match=r"plane: shape \(3, 4, 5\)"):
        kernel.find_ellipses(np.zeros((3, 4, 5), np.uint8), bit=1, min_area=1)
