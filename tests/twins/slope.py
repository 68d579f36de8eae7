"""Slopes of ramps in numpy, pixel by pixel: the specification of kernels/slope."""

import itertools

import numpy as np

from jwst_cal.kernels.slope import Rates

SNR, POWER, LARGE = (5, 10, 20, 50, 100), np.float32([0, 0.4, 1, 3, 6, 10]), 1e6


def stored(variance):
    return 0.0 if variance >= LARGE else variance


def weighted_line(y, signal, noise):
    snr = signal / np.sqrt(noise**2 + signal) if signal > 0 else 0.0
    x = np.arange(len(y)) - (len(y) - 1) / 2
    w = np.float32(np.abs(x / x[-1])) ** POWER[np.searchsorted(SNR, snr, side="right")]
    return (w * x * y).sum() / (w * x * x).sum()


def runs(q, o):
    """Segments: good groups, and the jump just before them; single groups if there is no other."""
    good = q & ~o.persistence == 0
    found, at = [], 0
    for is_good, group in itertools.groupby(good):
        end = at + len(list(group))
        if is_good:
            found.append((at - (at > 0 and q[at - 1] & ~o.persistence == o.jump), end))
        at = end
    longer = [(a, b) for a, b in found if b - a > 1]
    return longer or found[:1]


def load(y, q, zero, o, k):
    """The ramp as it is fitted, and the time of a segment of one group (None if not alone)."""
    y = y.astype(float)
    charged = q & o.charge_loss != 0
    without = np.where(charged, q & ~(o.charge_loss | o.do_not_use), q)
    q = np.where(np.isnan(y), q | o.do_not_use, q)
    without = np.where(np.isnan(y), without | o.do_not_use, without)
    if k["suppress_one_group"] and (q & ~o.persistence == 0).sum() == 1:
        q = q | o.do_not_use
    if k["clear_first_jump"]:
        q[0] &= ~o.jump
    y[q & o.saturated != 0] = np.nan
    good, alone, seen = q & ~o.persistence == 0, None, np.bitwise_or.reduce(q)
    n_saturated = (q & o.saturated != 0).sum()
    if not k["suppress_one_group"] and good.sum() == 1 and good[0]:
        alone = k["first_time"]
    elif not k["suppress_one_group"] and not good.any() and zero is not None and zero > 0:
        n_saturated -= n_saturated == len(q)
        y[0], q[0], alone = zero, 0, k["frame_time"]
    return y, q, without, alone, seen, n_saturated


def median_rate(y, q, alone, o, k):
    unusable = q & (o.do_not_use | o.saturated) != 0
    use = ~unusable[1:] & ~unusable[:-1] & (q[1:] & o.jump == 0)
    if alone is None and use.any():
        return np.median(np.diff(y)[use]) / k["group_time"]
    return 0.0 if unusable[0] else y[0] / (alone or k["group_time"])


def variances(length, alone, rate, gain, noise, dark, k):
    n, time = max(length, 2), (alone or k["group_time"]) if length == 1 else k["group_time"]
    poisson = (max(rate, 0) + dark) / (time * gain * (n - 1))
    return poisson, 12 * (noise / time) ** 2 / ((n**3 - n) * gain**2)


def fit_pixel(ramps, pixeldq, gain, noise, dark, o, k):
    """Rows of (slope, dq, var_poisson, var_rnoise, err): each integration's, then the rate's."""
    bad = o.do_not_use | o.saturated
    pixeldq |= 0 if gain > 0 else o.no_gain | o.do_not_use
    rate = np.mean([median_rate(y, q, alone, o, k) for y, q, _, alone, _, _ in ramps])
    rows, total, final, recharged = [], np.zeros(3), pixeldq, []
    for y, q, without, alone, seen, n_saturated in ramps:
        dq, sums = pixeldq | seen & (o.jump | o.persistence), np.zeros(4)
        final |= seen & (o.jump | o.persistence)
        full = bool(q[0] & o.saturated)
        for a, b in [] if full else runs(q, o):
            vp, vr = variances(b - a, alone, rate, gain, noise, dark, k)
            line = (y[a] / (alone or k["group_time"]) if b - a == 1 else weighted_line(
                y[a:b], (y[b - 1] - y[a]) * gain, noise) / k["group_time"])
            sums += (1 / vp if vp > 0 else 0, 1 / vr, line / vr, 1 / (vp + vr))
        dq |= (0 if sums[1] else o.do_not_use) | (bad if full else 0)
        dq |= o.saturated if n_saturated == len(q) else 0
        vp = 0 if dq & bad or not sums[0] else stored(1 / sums[0])
        vr = 0 if dq & bad else stored(1 / sums[1])
        err = 0 if dq & bad or 1 / sums[3] > LARGE else np.sqrt(1 / sums[3])
        rows.append([np.nan if dq & bad else sums[2] * vr, dq, vp, vr, err])
        total += sums[:3]
        recharged.append(1 / vr if vr > 0 else 0)
        if seen & o.charge_loss:
            recharged[-1] = sum(1 / variances(b - a, alone, 0, gain, noise, 0, k)[1]
                                for a, b in runs(without, o) if gain > 0)
            rows[-1][3] = stored(1 / recharged[-1]) if recharged[-1] else 0
    return rows + [exposure(rows, total, final, ramps, recharged, o, bad)]


def exposure(rows, total, dq, ramps, recharged, o, bad):
    dq |= bad & np.bitwise_and.reduce([row[1] for row in rows])
    vp = 0 if dq & bad or not total[0] else stored(1 / total[0])
    vr = 0 if dq & bad else stored(1 / total[1])
    slope = np.nan if dq & bad else total[2] * vr
    err = np.sqrt(vp + vr)
    if any(ramp[4] & o.charge_loss for ramp in ramps) and sum(recharged):
        vr = stored(1 / sum(recharged))
    for row, ramp in zip(rows, ramps, strict=True):
        row[1] |= o.saturated if ramp[5] else 0
        dq |= o.saturated if ramp[5] else 0
    return [slope, dq, vp, vr, err]


def slope(data, groupdq, pixeldq, gain, read_noise, *, flags, group_time, frame_time, first_time,
          n_frames, groups=None, dark_current=None, zeroframe=None, suppress_one_group=True,
          clear_first_jump=False, pedestal_groups=0.0, segments=False, in_place=False,
          n_threads=None):
    o = type(flags)(*(int(bit) for bit in flags))
    k = {"group_time": group_time, "frame_time": frame_time, "first_time": first_time,
         "suppress_one_group": suppress_one_group, "clear_first_jump": clear_first_jump}
    first, used = groups or (0, data.shape[1])
    n_ints, _, n_rows, n_cols = data.shape
    result = np.empty((5, n_ints + 1, n_rows, n_cols))
    gain = np.where(gain > 0, gain, np.nan).astype(float)
    noise = (read_noise * (gain / np.sqrt(2.0 * n_frames))).astype(np.float32).astype(float)
    for at in np.ndindex(n_rows, n_cols):
        pick = np.s_[first : first + used, at[0], at[1]]
        ramps = [load(y[pick], q[pick].astype(int),
                      None if zeroframe is None else zeroframe[(i, *at)], o, k)
                 for i, (y, q) in enumerate(zip(data, groupdq, strict=True))]
        dark = 0.0 if dark_current is None else float(dark_current[at])
        result[(..., *at)] = np.transpose(
            fit_pixel(ramps, int(pixeldq[at]), gain[at], noise[at], dark, o, k))
    kinds = (np.float32, np.uint32, np.float32, np.float32, np.float32)
    parts = [layer.astype(kind) for layer, kind in zip(result, kinds, strict=True)]
    return Rates(*(part[-1] for part in parts)), Rates(*(part[:-1] for part in parts)), None
