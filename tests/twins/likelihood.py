"""Rates by likelihood with dense matrices, ramp by ramp: specifies kernels/likelihood."""

import numpy as np

from jwst_cal.kernels.slope import Rates


def best(d, matrix, extra=()):
    """Rate, its variance and chi squared, with a free term for each difference in extra."""
    design = np.column_stack([np.ones(len(d)), *(np.eye(len(d))[k] for k in extra)])
    inverse = np.linalg.inv(matrix)
    cov = np.linalg.inv(design.T @ inverse @ design)
    fit = cov @ design.T @ inverse @ d
    rest = d - design @ fit
    return fit[0], cov[0, 0], rest @ inverse @ rest


def matrix_of(rate, gain, noise, use, k):
    alpha = rate / gain * k["alpha_photon"] + noise**2 * k["alpha_read"]
    beta = rate / gain * k["beta_photon"] + noise**2 * k["beta_read"]
    return (np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1))[np.ix_(use, use)]


def without_jumps(d, use, gain, noise, k):
    guess = max(np.median(d), 0)
    use, rate, first = list(use), np.nan, True
    while first or len(use) > 3:
        matrix = matrix_of(guess, gain, noise, use, k)
        base = best(d[use], matrix)
        rate, first = base[0] if first else rate, False
        if len(use) < 3:
            break
        trials = [(base[2] - best(d[use], matrix, [j])[2] - k["one"], (j,))
                  for j in range(len(use))]
        if len(use) > 3:
            trials += [(base[2] - best(d[use], matrix, [j, j + 1])[2] - k["two"], (j, j + 1))
                       for j in range(len(use) - 1)
                       if use[j + 1] == use[j] + 1 and k["pair"][use[j]]]
        gain_of_it, out = max(trials)
        if gain_of_it <= 0:
            break
        rate = best(d[use], matrix, out)[0]
        use = [u for j, u in enumerate(use) if j not in out]
    return use, rate


def fit_ramp(d, use, gain, noise, dark, k):
    """Slope, var_poisson, var_rnoise, err, chi squared, and the differences that were used."""
    if not len(use):
        return np.nan, np.nan, np.nan, np.nan, np.nan, use
    use, rate = without_jumps(d, use, gain, noise, k)
    rate = max(rate, 0) + dark
    matrix = matrix_of(rate, gain, noise, use, k)
    slope, variance, chi_squared = best(d[use], matrix)
    w = variance * np.linalg.inv(matrix).sum(axis=0)
    photons = matrix_of(rate, gain, 0.0, use, k)
    return slope, w @ photons @ w, w @ (matrix - photons) @ w, variance**0.5, chi_squared, use


def combine(slopes, vp, vr):
    if len(slopes) == 1:
        return slopes[0], vp[0], vr[0]
    with np.errstate(all="ignore"):
        slope = np.nan if np.isnan(slopes).all() else np.nanmedian(slopes)
        for _ in range(2):
            ratio = slope / slopes
            photons = vp * np.where(np.isfinite(ratio) & (ratio >= 0), ratio, 0)
            w = 1 / (photons + vr)
            w = w / np.nansum(w)
            slope = np.nansum(w * slopes) / (np.nansum(w) or np.nan)
    return slope, np.nansum(w**2 * photons), np.nansum(w**2 * vr)


def differences(y, q, zero, k):
    if k["first_frames"] > 1:
        n = np.float32(k["first_frames"])
        y = np.concatenate([[zero, (y[0] * n - zero) / (n - 1)], y[1:]])
        q = np.concatenate([q[:1], q])
    d = np.diff(y).astype(float) / k["interval"]
    good = ((q[1:] | q[:-1]) == 0) & np.isfinite(d)
    return np.where(np.isfinite(d), d, 0), np.flatnonzero(good)


def likelihood(data, groupdq, pixeldq, gain, read_noise, *, flags, interval, alpha_photon,
               alpha_read, beta_photon, beta_read, pair, one, two, dark_current=None,
               zeroframe=None, first_frames=0, n_threads=None):
    k = {"interval": interval, "alpha_photon": alpha_photon, "alpha_read": alpha_read, "one": one,
         "beta_photon": beta_photon, "beta_read": beta_read, "pair": pair, "two": two,
         "first_frames": first_frames}
    n_ints, _, n_rows, n_cols = data.shape
    parts = np.empty((5, n_ints + 1, n_rows, n_cols))
    dq = np.repeat(pixeldq[None], n_ints + 1, axis=0)
    for at in np.ndindex(n_rows, n_cols):
        for i in range(n_ints):
            q = groupdq[(i, slice(None), *at)]
            d, use = differences(data[(i, slice(None), *at)], q,
                                 zeroframe[(i, *at)] if first_frames > 1 else 0.0, k)
            *parts[(slice(None), i, *at)], kept = fit_ramp(
                d, use, float(gain[at]), float(read_noise[at]) / np.sqrt(2),
                0.0 if dark_current is None else float(dark_current[at]), k)
            dq[(i, *at)] |= np.bitwise_or.reduce(q) & (flags.jump | flags.saturated)
            dq[(i, *at)] |= flags.jump if len(kept) < len(use) else 0
            unfit = ((q & (flags.do_not_use | flags.saturated)) != 0).all() or not len(use)
            dq[(i, *at)] |= flags.do_not_use if unfit else 0
        slope, vp, vr = combine(*parts[(slice(0, 3), slice(0, n_ints), *at)])
        err = parts[(3, 0, *at)] if n_ints == 1 else np.sqrt(vp + vr)
        parts[(slice(None), -1, *at)] = slope, vp, vr, err, parts[(4, slice(0, -1), *at)].sum()
    dq[-1] = np.bitwise_or.reduce(dq[:-1]) & ~np.uint32(flags.do_not_use)
    dq[-1] |= np.bitwise_and.reduce(dq[:-1]) & np.uint32(flags.do_not_use)
    slope, vp, vr, err, chi_squared = parts.astype(np.float32)
    return (Rates(slope[-1], dq[-1], vp[-1], vr[-1], err[-1]),
            Rates(slope[:-1], dq[:-1], vp[:-1], vr[:-1], err[:-1]), chi_squared[-1])
