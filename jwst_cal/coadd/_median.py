"""The median of a stack of images that may be larger than memory."""

import tempfile

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels.clipping import clip, sort_chosen
from jwst_cal.kernels.median import median
from jwst_cal.kernels.pixels import leave_out

__all__ = ["Stack", "without_low_weights"]


def without_low_weights(data, weight, maskpt):
    """
    Leave out values of low weight.

    Parameters
    ----------
    data : float32 [row, col]
        Values, changed in place: NaN where the weight is too low.
    weight : float32 [row, col]
        Weights.
    maskpt : float
        Limit, in units of the mean of the weights that are not 0, clipped at 3 standard
        deviations from their median up to five times.

    Returns
    -------
    float
        The limit; NaN when nothing has weight, and then nothing is left out.
    """
    limit, *_ = clip(sort_chosen(weight, weight != 0), sigma=3.0, max_passes=5)
    limit *= maskpt
    leave_out(data, weight, limit)
    return limit


class Stack:
    """
    Images whose median will be asked for.

    Parameters
    ----------
    n_images : int
        How many there will be.
    shape : (int, int)
        Their rows and columns.
    in_memory : bool
        Keep them in memory, else in a file without a name in the working directory.
    budget : int, optional
        Bytes of the images that are in memory at a time when they are on disk; at least one row
        of each. The size of one image by default.
    """

    def __init__(self, n_images, shape, in_memory, budget=None):
        self._shape = (n_images, *shape)
        self._count = 0
        self._size = 4 * shape[0] * shape[1]
        self._budget = self._size if budget is None else budget
        self._images = np.empty(self._shape, np.float32) if in_memory else None
        self._file = None
        if not in_memory:
            self._file = tempfile.TemporaryFile(dir=".", prefix="median_")  # noqa: SIM115

    def room(self):
        """
        Make room for an image that is going to be added.

        Returns
        -------
        float32 [row, col]
            Its content is undefined; in memory, it is where the image will be kept.
        """
        if self._images is not None:
            return self._images[self._count]
        return memory.empty(self._shape[1:], np.float32)

    def add(self, image):
        """
        Add an image.

        Parameters
        ----------
        image : float32 [row, col]
            The image; not copied if it lies where `room` said.

        Raises
        ------
        ValueError
            If it has another shape than the stack.
        """
        if image.shape != self._shape[1:]:
            raise ValueError(f"an image of shape {image.shape} where {self._shape[1:]} is needed")
        if self._images is not None:
            self._images[self._count] = image  # by numpy: nothing to do if it is the same memory
        else:
            np.ascontiguousarray(image, np.float32).tofile(self._file)
        self._count += 1

    @property
    def rows_at_a_time(self):
        """Rows of all images that are in memory together."""
        n_images, n_rows, n_cols = self._shape
        if self._images is not None:
            return n_rows
        return max(1, min(n_rows, self._budget // (4 * n_images * n_cols)))

    def median(self):
        """
        Give the median, and forget the images.

        Returns
        -------
        float32 [row, col]
            Median of what is not NaN; NaN where there is nothing.
        """
        if self._images is not None:
            result, self._images = median(self._images[:self._count]), None
            return result
        n_rows, n_cols = self._shape[1:]
        result = np.empty((n_rows, n_cols), np.float32)
        height = self.rows_at_a_time
        part = np.empty((self._count, height, n_cols), np.float32)
        with self._file as file:
            for row in range(0, n_rows, height):
                here = min(height, n_rows - row)
                if here < height:
                    part = np.empty((self._count, here, n_cols), np.float32)
                for number in range(self._count):
                    file.seek(number * self._size + 4 * row * n_cols)
                    file.readinto(part[number])
                result[row:row + here] = median(part)
        return result
