"""Images added up in an output frame, with their variances."""

import numpy as np

from jwst_cal.kernels import combine, memory
from jwst_cal.kernels.drizzle import drizzle

__all__ = ["BAND", "Combination", "Source"]

#: Rows of the output that are worked on at a time.
BAND = 64

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
    level : float
        Level of the sky, which is taken off the values.
    dq : uint32 [row, col], optional
        Flags, where they are joined.
    """

    def __init__(self, data, weight, variances, image_weight, pixel_map, level=0.0, dq=None):
        self.data, self.weight, self.dq, self.level = data, weight, dq, level
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
        self.context = (memory.zeros(((n_images + 31) // 32, *self.shape), np.uint32)
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
        if source.columns is None:
            return
        left = max(0, int(source.columns[0] - self._margin))
        right = min(self.shape[1], int(source.columns[1] + self._margin) + 1)
        if left >= right:
            return
        for start in range(*self.rows, BAND):
            self._add(source, number, start, min(start + BAND, self.rows[1]), left, right)

    def _add(self, source, number, start, stop, left, right):
        """Add what is in some rows and columns of the output."""
        found = source.rows_at(start, stop, self._margin)
        if found is None:
            return
        # a row more on either side: corners are interpolated between rows
        first = max(0, found[0] - 1)
        part = slice(first, min(source.data.shape[0], found[1] + 1))
        names = [name for name in self._variances if name in source.variances]
        sums = drizzle(
            *source.pixel_map.rows(part.start, part.stop), source.weight[part], source.data[part],
            (stop - start, right - left), level=source.level, first=(start, left),
            variances=[source.variances[name][part] for name in names],
            rows=(found[0] - first, found[1] - first),
            dq=None if self.flags is None else source.dq[part], **self._spread)
        here = slice(start - self.rows[0], stop - self.rows[0])
        plane, bit = divmod(number, 32)
        combine.add_sums(sums.weight, sums.values, self._weight[here], self._total[here],
                         first_col=left, bit=1 << bit,
                         context=None if self.context is None else self.context[plane][here])
        if self.flags is not None:
            self.flags[here, left:right] |= sums.dq
        if names:
            self._add_variances(names, sums, here, left, source.image_weight)

    def _add_variances(self, names, sums, here, left, image_weight):
        for name in names:
            if self._variances[name] is None:
                self._variances[name] = tuple(memory.zeros(self.shape, np.float64)
                                              for _ in range(2))
        totals, weights = zip(*(self._variances[name] for name in names), strict=True)
        by = names.index(image_weight) if isinstance(image_weight, str) else None
        combine.add_variances(sums.weight, sums.roots, [total[here] for total in totals],
                              [weight[here] for weight in weights], first_col=left, weigh_by=by,
                              image_weight=image_weight if by is None else 1.0)

    def mean(self, data, weight, fill=np.nan):
        """
        Write the weighted mean.

        Parameters
        ----------
        data : float32 [row, col]
            Where.
        weight : float32 [row, col]
            Where the sum of the weights goes.
        fill : float
            The mean of nothing.
        """
        combine.weighted_mean(self._total, self._weight, data, weight, fill=fill)

    def variances(self, out, err, factor=1.0):
        """
        Write the variances of the mean, and its error.

        Parameters
        ----------
        out : sequence of float32 [row, col]
            Where the variances go, in the order of their names; NaN where there is none.
        err : float32 [row, col]
            Where the root of their sum goes.
        factor : float
            What they are multiplied by.
        """
        sums = [sums or (None, None) for sums in self._variances.values()]
        combine.mean_variances(*zip(*sums, strict=True), out, err, factor=factor)
