"""Images combined in numpy: the specification of kernels/combine."""

import numpy as np


def add_variances(weight, sums, totals, weights, *, first_col=0, weigh_by=None, image_weight=1.0,
                  n_threads=None):
    if first_col < 0 or first_col + weight.shape[1] > totals[0].shape[1]:
        raise ValueError("first_col: an argument is out of its range")
    window = slice(None), slice(first_col, first_col + weight.shape[1])
    with np.errstate(all="ignore"):
        values = [np.square(total / weight).astype(np.float32) for total in sums]
        of_image = np.full(weight.shape, float(image_weight))
        if weigh_by is not None:
            of_image = 1.0 / values[weigh_by].astype(np.float64)
            of_image[~(of_image < np.inf)] = 0
        for value, total, of_total in zip(values, totals, weights, strict=True):
            usable = (value < np.inf) & (of_image > 0)
            total[window][usable] += (value * of_image**2)[usable]
            of_total[window][usable] += of_image[usable]


def add_sums(weight, values, total_weight, total, *, first_col=0, context=None, bit=0,
             n_threads=None):
    if first_col < 0 or first_col + weight.shape[1] > total.shape[1]:
        raise ValueError("first_col: an argument is out of its range")
    window = slice(None), slice(first_col, first_col + weight.shape[1])
    total_weight[window] += weight
    total[window] += values
    if context is not None:
        context[window] |= np.where(weight != 0, np.uint32(bit), np.uint32(0))


def weighted_mean(total, weight, mean, of_weight, *, fill=0.0, n_threads=None):
    with np.errstate(all="ignore"):
        mean[:] = np.where(weight != 0, total / weight, fill)
        of_weight[:] = weight


def mean_variances(totals, weights, variances, err, *, factor=1.0, n_threads=None):
    known = np.zeros(err.shape, bool)
    err[:] = 0
    with np.errstate(all="ignore"):
        for total, weight, variance in zip(totals, weights, variances, strict=True):
            variance[:] = np.nan if total is None else total * factor / weight / weight
            err[:] += np.where(np.isnan(variance), 0, variance)
            known |= ~np.isnan(variance)
        err[:] = np.where(known, np.sqrt(err), np.nan)
