"""Large events in numpy and scipy: the specification, after the manual in csrc/large_events.h."""

import numpy as np
from scipy import ndimage


def find_ellipses(plane, *, bit, min_area):
    """Ellipses about the regions that carry a bit; same signature as the kernel."""
    labels, _ = ndimage.label(plane & bit, np.ones((3, 3)))
    found = []
    for k, where in enumerate(ndimage.find_objects(labels), 1):
        mask = labels[where] == k
        if np.count_nonzero(ndimage.binary_fill_holes(mask, np.ones((3, 3)))) < min_area:
            continue
        y, x = np.argwhere(mask).T
        centre = np.array([x.mean() + where[1].start, y.mean() + where[0].start])
        (xx, xy), (_, yy) = np.cov(x, y, bias=True) if x.size > 1 else np.zeros((2, 2))
        tilt = 0.5 * np.arctan2(2 * xy, yy - xx) if abs(xx - yy) > 1e-12 * xx else (
            -np.pi / 4 if xy < 1e-12 * xx else np.pi / 4)
        eigen = np.clip(np.linalg.eigvalsh([[xx, xy], [xy, yy]]), 0, None)
        found.append([*centre, *(4 * np.sqrt(eigen) - 1), np.degrees(tilt)])
    return np.reshape(found, (-1, 5))


def drawn(shape, x, y, minor, major, angle):
    """Pixels of an ellipse about the nearest pixel, semi-axes rounded."""
    a, b = round(minor / 2), round(major / 2)
    if a == 0 or b == 0:
        return np.zeros(shape, bool)
    rows, cols = np.indices(shape)
    dy, dx, turn = rows - round(y), cols - round(x), np.radians(angle) % np.pi
    p = (dy * np.cos(turn) + dx * np.sin(turn)) / b
    q = (dy * np.sin(turn) - dx * np.cos(turn)) / a
    return p**2 + q**2 < 1


def _expanded(ellipse, factor, limit):
    x, y, minor, major, angle = ellipse
    return x, y, min(minor * factor, limit), min(major + (factor - 1) * minor, limit), angle


def flag_ellipses(groupdq, ellipses, *, integration, group, n_later, factor, max_diameter, jump,
                  saturated):
    """Grow ellipses and flag their unsaturated pixels; same signature as the kernel."""
    for ellipse in ellipses:
        mask = drawn(groupdq.shape[2:], *_expanded(ellipse, factor, max_diameter))
        for plane in groupdq[integration, group : group + n_later + 1]:
            mask &= (plane & saturated) == 0
            plane[mask] |= jump


def _inside(ellipse, cores):
    """Whether the centre of a core lies in the ellipse."""
    x, y, minor, major, angle = ellipse
    turn = np.radians(180 - angle)
    dx, dy = cores[:, 0] - x, cores[:, 1] - y
    p = dx * np.cos(turn) - dy * np.sin(turn)
    q = dx * np.sin(turn) + dy * np.cos(turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ((2 * p / major) ** 2 + (2 * q / minor) ** 2 <= 1).any()


def _near_edge(shape, ellipse, edge):
    x, y = ellipse[:2]
    return min(x, y) < edge or x > max(shape[1] - edge, 0) or y > max(shape[0] - edge, 0)


def flag_snowballs(groupdq, *, min_jump_area, min_core_area, expand_factor, core_required,
                   min_core_diameter, core_growth, max_diameter, edge, next_groups, jump,
                   saturated, n_threads=None):
    """Find snowballs and expand their flags in place; same signature as the kernel."""
    n_ints, n_groups, *shape = groupdq.shape
    persistent = np.zeros((n_ints, *shape), bool)
    found = 0
    for i, group in np.ndindex(n_ints, n_groups):
        if group == 0:
            continue
        full = groupdq[i] & saturated
        new = [full[g] & ~full[g - 1] for g in range(group, min(group + 2, n_groups))]
        events = find_ellipses(groupdq[i, group], bit=jump, min_area=min_jump_area)
        if core_required:
            here, *later = [find_ellipses(p, bit=saturated, min_area=min_core_area) for p in new]
            cores = np.concatenate([here, *later])
            events = [e for e in events if _near_edge(shape, e, edge) or _inside(e, cores)]
            for x, y, minor, major, angle in here[here[:, 2] > min_core_diameter]:
                axes = (min(a + core_growth, max_diameter) for a in (minor, major))
                groupdq[i, group:, drawn(shape, x, y, *axes, angle)] = saturated
                persistent[i] |= drawn(shape, x, y, minor, major, angle)
        flag_ellipses(groupdq, events, integration=i, group=group, n_later=0,
                      factor=expand_factor, max_diameter=max_diameter, jump=jump,
                      saturated=saturated)
        found += len(events)
    for i in range(1, n_ints):
        groupdq[i, 1:max(next_groups, 1), persistent[i - 1]] |= jump
    return found
