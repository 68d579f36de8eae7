"""The one owner of the memory limit.

In order: ``set_limit``, ``JWST_CAL_MEMORY_LIMIT``; by default there is none. Under a limit, the
large arrays of an exposure lie in files without a name in the folder for temporary files, and a
thread lets go of their pages before the process has more resident than the limit allows
(csrc/keeper.h). The steps work on them as on any other arrays, so that the bytes of the result are
the same.

Without a limit, the memory of a large array that is gone is kept for the next one of its size: the
next exposure finds pages that the system need not clear for it. The system may take them back when
it runs short. They are given back before room is made for an array that they do not suit, and when
another pipeline runs.
"""

import contextlib
import math
import mmap
import os
import re
import tempfile
import threading

import numpy as np

from jwst_cal.kernels.keeper import Keeper, Mapped

__all__ = [
    "copied",
    "empty",
    "folder",
    "forget",
    "keep_freed",
    "keeper",
    "keeper_address",
    "limit",
    "limited",
    "long_rows",
    "map_file",
    "parse",
    "require",
    "set_limit",
    "zeros",
]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
          "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
#: Part of the limit that is kept free, and at least so many bytes of it, for what is touched before
#: the keeper looks again.
_RESERVE, _LEAST_RESERVE = 8, 64_000_000
#: Arrays of a smaller part of the limit stay in memory.
_SMALL = 32

#: Bytes that an exposure takes in memory: for each sample, and pixel, and to work with ...
_PER_SAMPLE, _WITH_RESULTS, _SCRATCH = 5, 80, 30_000_000
#: ... and where its ramps and results lie in files: for each pixel, and for what is worked on.
_WITHOUT, _WINDOW = 20, 110_000_000

#: The memory of arrays of so many bytes is kept for others, which may be smaller by one in so many.
_LENT, _SPARE = 1 << 22, 16
#: Kept is what has one in so many of the bytes of the largest array, or more: ramps, their flags.
_WORTH = 4

#: Advice about memory that the system may take.
_MAY_TAKE = getattr(mmap, "MADV_FREE", None)

#: Pixels of a row whose pages are brought in for that row alone.
_LONG_ROW = 2048

#: Options of the allocator of glibc: how much freed memory it keeps, and from where on it maps.
_KEEP_FREED, _MAP_FROM = -1, -3
#: What it is told: arrays over some rows of an image are below the second.
_KEPT, _MAPPED = 1 << 26, 1 << 22
#: What it does by itself.
_DEFAULT = 1 << 17

_chosen: int | None = None
_keeper: Keeper | None = None
_keeps_freed = False
_lock = threading.Lock()
_unused: list[mmap.mmap] = []
_user: str | None = None


def keep_freed():
    """
    Have the allocator keep freed memory for the next array: for the process of a command.

    Without it, each array over a few rows of an image gets new pages, which the system has to
    clear: a sixth of the time of an image. Choices made in the environment (``MALLOC_...``) stand,
    and under a memory limit nothing is kept. Does nothing where the allocator is not glibc's.
    """
    global _keeps_freed
    if limit() is None and not any(name.startswith("MALLOC_") for name in os.environ):
        _tell_allocator(_KEPT, _MAPPED)
        _keeps_freed = True


def _tell_allocator(kept, mapped):
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        choose = ctypes.CDLL(None).mallopt
        choose(_KEEP_FREED, kept)
        choose(_MAP_FROM, mapped)


def parse(text):
    """
    Read an amount of memory.

    Parameters
    ----------
    text : str or int
        A number of bytes, or a number with a unit: ``800MB``, ``1.5G`` (powers of 1000), ``2GiB``
        (powers of 1024).

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    ValueError
        If it is none, or less than a byte.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([KMGT]?I?)B?\s*", str(text).upper())
    amount = math.floor(float(match[1]) * _UNITS.get(match[2], 0)) if match else 0
    if amount < 1:
        raise ValueError(f"{text!r} where an amount of memory is needed, as 800MB, 1.5GB or 2GiB")
    return amount


def set_limit(amount):
    """
    Choose the memory limit of this process.

    Parameters
    ----------
    amount : str, int or None
        See :func:`parse`; ``None`` returns to the environment's choice.

    Raises
    ------
    ValueError
        If it is no amount of memory.
    """
    global _chosen, _keeps_freed
    _chosen = None if amount is None else parse(amount)
    if _keeps_freed and limit() is not None:
        _tell_allocator(_DEFAULT, _DEFAULT)
        _keeps_freed = False
    if _keeper is not None and limit() is not None:
        _keeper.set_most(_most())


@contextlib.contextmanager
def limited(amount):
    """
    Choose the memory limit for a while.

    Parameters
    ----------
    amount : str, int or None
        As for :func:`set_limit`; ``None`` leaves it as it is.

    Raises
    ------
    ValueError
        If it is no amount of memory.
    """
    before = _chosen
    if amount is not None:
        set_limit(amount)
    try:
        yield
    finally:
        set_limit(before)


def limit():
    """
    Return the memory limit.

    Returns
    -------
    int or None
        Bytes; None where there is no limit.

    Raises
    ------
    ValueError
        If ``JWST_CAL_MEMORY_LIMIT`` is no amount of memory.
    """
    if _chosen is not None:
        return _chosen
    text = os.environ.get("JWST_CAL_MEMORY_LIMIT", "").strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"JWST_CAL_MEMORY_LIMIT: {error}") from None


def _most():
    allowed = limit()
    return max(allowed - max(allowed // _RESERVE, _LEAST_RESERVE), 1)


def keeper():
    """
    Return the keeper of this process; its thread starts with it.

    Returns
    -------
    Keeper

    Raises
    ------
    OSError
        If the system does not tell how much memory a process has: it is not Linux.
    """
    global _keeper
    with _lock:
        if _keeper is None:
            try:
                _keeper = Keeper(_most())
            except ValueError:
                raise OSError("a memory limit needs Linux") from None
    return _keeper


def keeper_address():
    """
    Say where the keeper is that kernels call as they go along.

    Returns
    -------
    int
        0 as long as no array lies in a file.
    """
    return 0 if _keeper is None else _keeper.address


def long_rows(n_rows, n_cols, *limits):
    """
    Fold an image into longer rows, where arrays lie in files: for kernels of single pixels.

    Such a kernel goes through all planes of a cube for each row. Where rows are shorter than a page
    it would bring in each page many times.

    Parameters
    ----------
    n_rows, n_cols : int
        Of the image, whose rows follow each other in memory.
    *limits : int
        Rows at which the kernel begins or ends.

    Returns
    -------
    int
        How many rows make one.
    """
    common = math.gcd(n_rows, *limits)
    if not keeper_address() or n_cols * common <= 0:
        return 1
    return max(k for k in range(1, common + 1)
               if common % k == 0 and (k == 1 or k * n_cols <= _LONG_ROW))


def require(shape):
    """
    Check that the limit suffices to work on an exposure.

    Parameters
    ----------
    shape : tuple of int
        Of its ramps; the last two axes are those of the image.

    Raises
    ------
    ValueError
        If the limit is too small.
    """
    allowed = limit()
    if allowed is None:
        return
    n_pixels = math.prod(shape[-2:])
    in_memory = _PER_SAMPLE * math.prod(shape) + _WITH_RESULTS * n_pixels + _SCRATCH
    in_files = _WITHOUT * n_pixels + _WINDOW
    keeper().let_go()
    needed = keeper().resident + min(in_memory, in_files)
    if needed > allowed:
        raise ValueError(f"memory limit {allowed / 1e6:.0f} MB: an exposure of "
                         f"{shape[-2]} x {shape[-1]} pixels needs {math.ceil(needed / 1e6)} MB")


def folder():
    """
    Name the folder of the files that arrays lie in.

    Returns
    -------
    str
        ``TMPDIR`` if it is set; otherwise ``/var/tmp``, which is on a disk where ``/tmp`` may be in
        memory.
    """
    if not os.environ.get("TMPDIR") and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()


def empty(shape, dtype):
    """
    Make room for an array of an exposure: in memory or, under a limit, in a file if it is large.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Returns
    -------
    ndarray
        Its content is undefined.

    Raises
    ------
    OSError
        If the disk is full.
    """
    return _room(shape, dtype, np.empty)


def zeros(shape, dtype):
    """
    Make an array of zeros, as :func:`empty` does.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Returns
    -------
    ndarray

    Raises
    ------
    OSError
        If the disk is full.
    """
    return _room(shape, dtype, np.zeros)


def copied(array):
    """
    Copy an array into one that :func:`empty` makes.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    ndarray

    Raises
    ------
    OSError
        If the disk is full.
    """
    out = empty(array.shape, array.dtype)
    np.copyto(out, array)
    return out


class _Lent:
    """What an array refers to whose memory is kept when nothing refers to the array any more."""

    before, now = 0, 0  # bytes of the largest array of the run before, and of this one

    def __init__(self, block, n_bytes):
        self._block = block
        address = np.frombuffer(block, np.uint8).ctypes.data
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (n_bytes,),
                                    "data": (address, False)}

    def __del__(self, keep=_unused.append, may_take=_MAY_TAKE, worth=_WORTH):
        if len(self._block) * worth < max(self.before, self.now):
            return
        if may_take is not None:
            self._block.madvise(may_take)
        keep(self._block)


def _lend(n_bytes, is_zero):
    """Return bytes in memory that was used before, if there is any of about the size."""
    _Lent.now = max(_Lent.now, n_bytes)
    for block in list(_unused):
        if n_bytes <= len(block) <= n_bytes + n_bytes // _SPARE:
            with contextlib.suppress(ValueError):  # another thread was faster
                _unused.remove(block)
                lent = np.asarray(_Lent(block, n_bytes))
                if is_zero:
                    lent.fill(0)
                return lent
    if n_bytes * _WORTH >= max(_Lent.before, _Lent.now):
        _unused.clear()
    try:
        block = mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, OverflowError):
        raise MemoryError(f"no room for an array of {n_bytes / 1e6:.0f} MB") from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return np.asarray(_Lent(block, n_bytes))


def forget(unless=None):
    """
    Give back to the system the memory that is kept for arrays to come.

    Parameters
    ----------
    unless : str, optional
        What is going to use memory: nothing is given back if it was the same the last time.
    """
    global _user
    if unless is None or unless != _user:
        _unused.clear()
        _Lent.before = _Lent.now = 0
    else:  # the next run: blocks of an exposure before the last, if larger, will not be wanted
        _Lent.before, _Lent.now = _Lent.now, 0
        most = _Lent.before + _Lent.before // _SPARE
        _unused[:] = [block for block in _unused if len(block) <= most]
    _user = unless or _user


def _room(shape, dtype, in_memory):
    dtype, allowed = np.dtype(dtype), limit()
    n_bytes = math.prod(shape) * dtype.itemsize
    if allowed is None and n_bytes >= _LENT:
        return _lend(n_bytes, in_memory is np.zeros).view(dtype).reshape(shape)
    if allowed is None or n_bytes * _SMALL < allowed:
        return in_memory(shape, dtype)
    where = folder()
    try:
        with tempfile.TemporaryFile(dir=where) as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            room = Mapped(keeper(), file.fileno(), n_bytes, True)
    except OSError as error:
        raise OSError(
            error.errno, f"{error.strerror or error}: the memory limit of {allowed / 1e6:.0f} MB "
            f"needs a file of {n_bytes / 1e6:.0f} MB in {where} (TMPDIR)") from error
    return np.frombuffer(room, dtype).reshape(shape)


def map_file(file):
    """
    Map a file to be read.

    Parameters
    ----------
    file : file object
        An open file, not empty; it may be closed afterwards.

    Returns
    -------
    mmap or Mapped
        A buffer whose slices are bytes. Under a limit the keeper lets go of its pages, too.

    Raises
    ------
    OSError, ValueError
        If it cannot be mapped.
    """
    if limit() is None:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            # read in by large pages, also for the next exposure; small ones are dear to touch
            with contextlib.suppress(OSError):  # a kernel without them
                content.madvise(mmap.MADV_HUGEPAGE)
        return content
    return Mapped(keeper(), file.fileno(), os.fstat(file.fileno()).st_size, False)
