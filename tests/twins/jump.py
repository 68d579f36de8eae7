"""The jump kernel in numpy: the specification, after the manual in csrc/jump.h."""

import numpy as np


def _middle(values):
    return np.nan if values.size == 0 else float(np.median(values.astype(float)))


def _sigma(median, noise):
    sigma = np.sqrt(abs(median) + noise)
    return np.nan if sigma == 0 else sigma


def _clipped_median(values):
    """Of absolute differences: without the largest of four or more, the smaller of two."""
    if values.size < 2:
        return np.nan
    if values.size == 2:
        return float(values.min())
    return _middle(values[values != values.max()] if values.size > 3 else values)


def clip(diffs, noise, thresholds):
    """Iterative clipping of one pixel; True where a difference is a jump."""
    left = np.abs(diffs)
    jumps = np.zeros(left.shape, bool)
    again = False
    while (usable := ~np.isnan(left)).sum() >= 2:
        median = _clipped_median(left[usable])
        median = float(np.float32(median)) if again else median
        excess = np.abs((left - median).astype(np.float32)).astype(float)
        ratio = excess / _sigma(median, noise)
        if np.isnan(ratio).all() or not np.nanmax(ratio) > thresholds[min(usable.sum(), 4)]:
            break
        worst = ratio == np.nanmax(ratio)
        jumps |= worst
        left[worst] = np.nan
        again = True
    return jumps


def single_pass(diffs, noise, thresholds):
    """One comparison with the median; True where a difference is a jump."""
    median = _middle(diffs[~np.isnan(diffs)])
    return np.isfinite(diffs) & (np.abs(diffs - median) / _sigma(median, noise) > thresholds[4])


def sigma_clip(diffs, noise, thresholds):
    """At most five rounds of clipping about the median, by the standard deviation."""
    kept = diffs[np.isfinite(diffs)]
    low, high = -np.inf, np.inf
    for _ in range(5):
        if kept.size == 0:
            break
        median, scatter = _middle(kept), kept.std()
        low, high = median - thresholds[4] * scatter, median + thresholds[4] * scatter
        inside = kept[(kept >= low) & (kept <= high)]
        if inside.size == kept.size:
            break
        kept = inside
    return np.isfinite(diffs) & ((diffs < low) | (diffs > high))


def _by_group(find):
    """Apply a rule to one group after the other, over the integrations."""
    def found(diffs, noise, thresholds):
        return np.stack([find(d, noise, thresholds) for d in diffs.T], axis=1)
    return found


RULES = {"clip": clip, "single_pass": single_pass, "sigma_all": sigma_clip,
         "sigma_ints": _by_group(sigma_clip)}


def _neighbours(diffs, medians, sigmas, jumps, low, high):
    ratio = np.abs(diffs - medians) / sigmas
    source = jumps & (ratio < high) & (ratio > low)
    grown = source.copy()
    grown[..., 1:, :] |= source[..., :-1, :]
    grown[..., :-1, :] |= source[..., 1:, :]
    grown[..., 1:] |= source[..., :-1]
    grown[..., :-1] |= source[..., 1:]
    return grown


def _afterglow(diffs, medians, jumps, electrons, groups):
    with np.errstate(invalid="ignore"):
        large = jumps & (diffs - medians >= electrons)
    flagged = np.zeros_like(jumps)
    for later in range(groups + 1):
        if later < jumps.shape[1]:
            flagged[:, later:] |= large[:, : jumps.shape[1] - later]
    return flagged


def jump(data, groupdq, *, gain, read_noise, n_frames, method, threshold, threshold_three,
         threshold_two, flag_neighbors, min_neighbor, max_neighbor, after_electrons, after_groups,
         jump, unusable, do_not_use, n_threads=None):
    """Flag the jumps of one exposure in place; same signature as the kernel."""
    thresholds = {2: threshold_two, 3: threshold_three, 4: threshold}
    electrons = np.where(groupdq & unusable, np.float32(np.nan), data * gain)
    noise = np.square(read_noise * gain).astype(float) / n_frames
    diffs = np.diff(electrons, axis=1).astype(float)
    later = groupdq[:, 1:]
    for row, col in np.ndindex(gain.shape):
        found = RULES[method](diffs[..., row, col], noise[row, col], thresholds)
        later[..., row, col] |= np.where(found, np.uint8(jump), np.uint8(0))
    if method.startswith("sigma"):
        lost = ((groupdq & (jump | do_not_use)) != 0).all(axis=(2, 3), keepdims=True)
        groupdq[lost & (groupdq == jump)] = 0
    n_found = np.count_nonzero(groupdq & jump)
    pixels = diffs.reshape(-1, gain.size).T
    medians = np.reshape([_middle(p[~np.isnan(p)]) for p in pixels], gain.shape)
    sigmas = np.sqrt(np.abs(medians) + noise)
    sigmas[sigmas == 0] = np.nan
    usable = (later & unusable) == 0
    if flag_neighbors:
        grown = _neighbours(diffs, medians, sigmas, later & jump != 0, min_neighbor, max_neighbor)
        later[usable & grown] |= jump
    flagged = later & jump != 0
    for e, n in zip(after_electrons, after_groups, strict=True):
        later[usable & _afterglow(diffs, medians, flagged, e, n)] |= jump
    groupdq[(groupdq & unusable) != 0] &= ~np.uint8(jump)
    return n_found
