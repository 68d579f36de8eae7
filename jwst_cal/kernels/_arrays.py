"""The gate between Python arrays and the kernels: dtype, layout and shape are settled here."""

import numpy as np

__all__ = ["contiguous", "either_order", "image_rows", "in_place"]


def _check_shape(array, shape, name):
    if shape is None:
        return
    fits = len(array.shape) == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise ValueError(f"{name}: shape {array.shape} where {wanted} is needed")
    if array.size == 0:
        raise ValueError(f"{name}: shape {array.shape} is empty")


def contiguous(array, dtype, shape, name):
    """
    Return an input array as the kernels read it: native, C-ordered, of one dtype and shape.

    Parameters
    ----------
    array : array_like
        The input; returned unchanged when it already fits.
    dtype : dtype
        Wanted dtype. Only safe or same-kind casts are made.
    shape : tuple of (int or None), or None
        Wanted shape; ``None`` in it means any length.
    name : str
        Name used in messages.

    Returns
    -------
    ndarray
        The array, or a converted copy.

    Raises
    ------
    TypeError
        If a cast would lose information (float to integer, for instance).
    ValueError
        If the shape differs or the array is empty.
    """
    array = np.asarray(array)
    _check_shape(array, shape, name)
    dtype = np.dtype(dtype)
    if array.dtype != dtype and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"{name}: dtype {array.dtype} where {dtype} is needed")
    return np.ascontiguousarray(array, dtype=dtype)


def either_order(array, shape, name):
    """
    Return float32 input for a kernel that reads either byte order, as reference files have it.

    Parameters
    ----------
    array : array_like
        The input; returned unchanged when it is C-ordered float32 of any byte order.
    shape : tuple of (int or None), or None
        Wanted shape; ``None`` in it means any length.
    name : str
        Name used in messages.

    Returns
    -------
    bits : uint32 ndarray
        Bits of the float32 values.
    swapped : bool
        Whether their bytes are in the other order.

    Raises
    ------
    TypeError
        If a cast would lose information.
    ValueError
        If the shape differs or the array is empty.
    """
    array = np.asarray(array)
    if array.dtype.newbyteorder("=") == np.float32 and array.flags.c_contiguous:
        _check_shape(array, shape, name)
    else:
        array = contiguous(array, np.float32, shape, name)
    return array.view(np.uint32), not array.dtype.isnative


def image_rows(data, rows):
    """
    Return the shape of the image whose rows the data hold, and the table that says where.

    Parameters
    ----------
    data : array [..., data row, col]
        Has rows that are not of the image where an interleaved readout put them.
    rows : int32 [row] or None
        Row of the data that holds each row of the image; None when they are the same.

    Returns
    -------
    shape : (int, int)
        Rows and columns of the image.
    rows : int32 [row] or None
        The table as the kernels read it.

    Raises
    ------
    TypeError
        If the table does not hold integers.
    ValueError
        If it is empty or not of one axis.
    """
    if rows is None:
        return data.shape[-2:], None
    rows = contiguous(rows, np.int32, (None,), "rows")
    return (len(rows), data.shape[-1]), rows


def in_place(array, dtype, shape, name):
    """
    Check an array that a kernel changes in place; it is never copied.

    Parameters
    ----------
    array : ndarray
        The array to change.
    dtype : dtype
        Needed dtype, native byte order.
    shape : tuple of (int or None), or None
        Needed shape.
    name : str
        Name used in messages.

    Returns
    -------
    ndarray
        The same array.

    Raises
    ------
    TypeError
        If it is no array of that dtype.
    ValueError
        If the shape differs, or it is read-only, empty or not C-contiguous.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype):
        found = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"{name}: dtype {found} where {np.dtype(dtype)} is needed")
    _check_shape(array, shape, name)
    if not array.flags.c_contiguous:
        raise ValueError(f"{name}: not C-contiguous")
    if not array.flags.writeable:
        raise ValueError(f"{name}: read-only")
    return array
