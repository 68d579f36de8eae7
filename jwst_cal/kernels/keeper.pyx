"""Arrays in a file, and what keeps them out of memory: csrc/keeper.h. The policy is in memory.py."""

from cpython.buffer cimport PyBuffer_FillInfo

from jwst_cal.kernels._glue cimport check, jc_keeper, jc_status


cdef extern from "keeper.h" nogil:
    jc_status jc_keeper_new(size_t most, jc_keeper **keeper)
    void jc_keeper_free(jc_keeper *keeper)
    void jc_keeper_set(jc_keeper *keeper, size_t most)
    jc_status jc_keeper_map(jc_keeper *keeper, int file, size_t bytes, int writable,
                            void **memory)
    void jc_keeper_unmap(jc_keeper *keeper, void *memory)
    void jc_keeper_let_go(jc_keeper *keeper)
    size_t jc_keeper_resident(jc_keeper *keeper)
    int jc_reserve(int file, size_t bytes)


__all__ = ["Keeper", "Mapped", "reserve"]


def reserve(int file, size_t n_bytes):
    """
    Have the system find the room on the disk for a file that is going to be so long.

    Parameters
    ----------
    file : int
        Descriptor of an open file, to be written.
    n_bytes : int
        Its length, which it has from now on.

    Returns
    -------
    bool
        Whether it was possible: not for every kind of file system, and where there is room.
    """
    cdef int done
    with nogil:
        done = jc_reserve(file, n_bytes)
    return bool(done)


cdef class Keeper:
    """
    Keep the resident memory of the process within a limit, as far as it is mapped here.

    Parameters
    ----------
    most : int
        Bytes.

    Raises
    ------
    ValueError
        If the system does not tell how much memory the process has.
    MemoryError
        If no thread can be started.
    """

    cdef jc_keeper *keeper

    def __cinit__(self, size_t most):
        check(jc_keeper_new(most, &self.keeper))

    def __dealloc__(self):
        with nogil:
            jc_keeper_free(self.keeper)

    def set_most(self, size_t most):
        """
        Change the limit.

        Parameters
        ----------
        most : int
            Bytes.
        """
        with nogil:
            jc_keeper_set(self.keeper, most)

    def let_go(self):
        """Let go of all that is mapped."""
        with nogil:
            jc_keeper_let_go(self.keeper)

    @property
    def address(self):
        """Where it is, for the kernels of other modules."""
        return <size_t> self.keeper

    @property
    def resident(self):
        """Bytes of the process that are in memory."""
        return jc_keeper_resident(self.keeper)


cdef class Mapped:
    """
    Memory that is a file: a buffer. It is undone with the last array on it.

    Parameters
    ----------
    keeper : Keeper
        Whose thread lets go of it.
    file : int
        Descriptor of an open file, which may be closed afterwards.
    n_bytes : int
        How much of it, from its start.
    writable : bool
        What is written goes to the file.

    Raises
    ------
    ValueError
        If the file cannot be mapped so.
    """

    cdef Keeper owner
    cdef void *memory
    cdef size_t n_bytes
    cdef bint writable

    def __cinit__(self, Keeper keeper not None, int file, size_t n_bytes, bint writable):
        self.owner, self.n_bytes, self.writable = keeper, n_bytes, writable
        check(jc_keeper_map(keeper.keeper, file, n_bytes, writable, &self.memory))

    def __dealloc__(self):
        if self.memory != NULL:
            with nogil:
                jc_keeper_unmap(self.owner.keeper, self.memory)

    def __getitem__(self, where):
        return bytes(memoryview(self)[where])

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.memory, self.n_bytes, not self.writable, flags)

    def __releasebuffer__(self, Py_buffer *buffer):
        pass
