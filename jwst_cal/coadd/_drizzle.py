"""Images added up in an output frame, with their variances."""

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels.combine import add_variances
from jwst_cal.kernels.drizzle import drizzle

__all__ = ["Combination", "Source", "error"]

#: Rows of an output pixel's neighbourhood that a kernel may reach, beside half a pixel.
_REACH = {"square": 1, "turbo": 1, "point": 1, "gaussian": 2, "lanczos2": 3, "lanczos3": 4}


class Source:
    """
    One image to be combined.

    Parameters
    ----------
    data, weight : float32 [row, col]
        Values and weights.
    variances : dict of str to float32 [row, col]
        Variances by name.
    image_weight : float or str
        Weight of the image when variances are combined: a number, or the name of the variance
        whose inverse it is.
    pixel_map : PixelMap
        Where its pixels lie in the output.
    dq : uint32 [row, col], optional
        Flags, where they are joined.
    """

    def __init__(self, data, weight, variances, image_weight, pixel_map, dq=None):
        self.data, self.weight, self.dq = data, weight, dq
        self.variances, self.image_weight = variances, image_weight
        self.pixel_map = pixel_map
        self._low, self._high, self.columns = pixel_map.limits()

    def rows_at(self, start, stop, margin):
        """
        Find the rows that lie near rows of the output.

        Parameters
        ----------
        start, stop : int
            Rows of the output.
        margin : float
            What counts as near, in rows.

        Returns
        -------
        (int, int) or None
            First row and the one after the last.
        """
        near = np.flatnonzero((self._high >= start - margin) & (self._low <= stop + margin))
        return (int(near[0]), int(near[-1]) + 1) if near.size else None


class Combination:
    """
    Sums of images over some rows of an output frame.

    Parameters
    ----------
    rows : (int, int)
        First row of the output, and the one after the last.
    n_cols : int
        Columns of the output.
    kernel, pixfrac, scale_ratio
        As for :func:`jwst_cal.kernels.drizzle.drizzle`.
    variances : sequence of str
        Names of the variances that are carried along.
    n_images : int
        Images to come, for the context; 0 for none.
    flags : bool
        Join the flags of all pixels that enter.

    Notes
    -----
    The variance of the output is that of a weighted mean: an image's is the square of its
    standard deviation spread as the values are, and those of several images are added with the
    square of the images' weights. Correlations between output pixels are not in it. Source:
    documentation of the resample step of jwst 3.0.0.
    """

    def __init__(self, rows, n_cols, *, kernel="square", pixfrac=1.0, scale_ratio=1.0,
                 variances=(), n_images=0, flags=False):
        self.rows, self.shape = rows, (rows[1] - rows[0], n_cols)
        self._spread = {"kernel": kernel, "pixfrac": pixfrac, "scale_ratio": scale_ratio}
        self._margin = 2 + _REACH[kernel] / scale_ratio
        # under a memory limit they lie in files
        self._weight, self._total = (memory.zeros(self.shape, np.float64) for _ in range(2))
        self.context = (memory.zeros(((n_images + 31) // 32, *self.shape), np.int32)
                        if n_images else None)
        self.flags = memory.zeros(self.shape, np.uint32) if flags else None
        self._variances = dict.fromkeys(variances)

    def add(self, source, number):
        """
        Add an image.

        Parameters
        ----------
        source : Source
            The image.
        number : int
            Its number, for the context.
        """
        names = [name for name in self._variances if name in source.variances]
        found = source.columns and source.rows_at(*self.rows, self._margin)
        if not found:
            return
        first, last = found
        left = max(0, int(source.columns[0] - self._margin))
        right = min(self.shape[1], int(source.columns[1] + self._margin) + 1)
        if left >= right:
            return
        # a row more on either side, without weight: corners are interpolated between rows
        part = slice(max(0, first - 1), min(source.data.shape[0], last + 1))
        weight = source.weight[part].copy()
        weight[:first - part.start] = 0
        weight[last - part.start:] = 0
        with np.errstate(invalid="ignore"):
            planes = [source.data[part], *(np.sqrt(source.variances[name][part])
                                           for name in names)]
        size = (self.shape[0], right - left)
        sum_weight, sums = np.zeros(size), [np.zeros(size) for _ in planes]
        flagged = None if self.flags is None else np.zeros(size, np.uint32)
        drizzle(*source.pixel_map.rows(part.start, part.stop), weight, planes, sum_weight, sums,
                first=(self.rows[0], left), dq=None if flagged is None else source.dq[part],
                sum_dq=flagged, **self._spread)
        there = (slice(None), slice(left, right))
        self._weight[there] += sum_weight
        self._total[there] += sums[0]
        if self.context is not None:
            plane, bit = divmod(number, 32)
            self.context[plane][there] |= np.where(sum_weight != 0, np.uint32(1 << bit),
                                                   np.uint32(0)).view(np.int32)
        if flagged is not None:
            self.flags[there] |= flagged
        if names:
            self._add_variances(names, sum_weight, sums[1:], left, source.image_weight)

    def _add_variances(self, names, weight, sums, left, image_weight):
        for name in names:
            if self._variances[name] is None:
                self._variances[name] = tuple(memory.zeros(self.shape, np.float64)
                                              for _ in range(2))
        by = names.index(image_weight) if isinstance(image_weight, str) else None
        add_variances(weight, sums, *zip(*(self._variances[name] for name in names), strict=True),
                      first_col=left, weigh_by=by,
                      image_weight=image_weight if by is None else 1.0)

    def mean(self, data, weight):
        """
        Write the weighted mean.

        Parameters
        ----------
        data : float32 [row, col]
            Where; what nothing was added to stays as it is.
        weight : float32 [row, col]
            Where the sum of the weights goes.
        """
        np.divide(self._total, self._weight, out=data, where=self._weight != 0, casting="unsafe")
        weight[:] = self._weight

    def variance(self, name, out, factor=1.0):
        """
        Write a variance of the mean.

        Parameters
        ----------
        name : str
            Which.
        out : float32 [row, col]
            Where; NaN where there is none.
        factor : float
            What it is multiplied by.
        """
        if self._variances[name] is None:
            out[:] = np.nan
            return
        total, weight = self._variances[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            # divided twice: the square of a weight may not fit
            total = np.divide(total * factor, weight)
            np.divide(total, weight, out=out, casting="unsafe")


def error(variances, out):
    """
    Write the square root of a sum of variances.

    Parameters
    ----------
    variances : sequence of float32 [row, col]
        Variances; NaN counts as 0 unless all are.
    out : float32 [row, col]
        Where.
    """
    out[:] = 0
    known = np.zeros(out.shape, bool)
    for variance in variances:
        here = variance == variance
        np.add(out, variance, out=out, where=here)
        known |= here
    with np.errstate(invalid="ignore"):
        np.sqrt(out, out=out)
    out[~known] = np.nan
