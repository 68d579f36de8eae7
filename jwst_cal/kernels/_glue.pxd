# What every kernel module needs: the status of a C function turned into an exception.
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t


cdef extern from "jwst_cal.h" nogil:
    ctypedef enum jc_status:
        JC_OK
        JC_BAD_ARGUMENT
        JC_NO_MEMORY
    const char *jc_status_text(jc_status status)


cdef extern from "keeper.h" nogil:
    ctypedef struct jc_keeper:
        pass
    void jc_keeper_use(jc_keeper *keeper)


cdef inline int team_of(n_threads, work) except -1:
    """The threads of a kernel that is about to run, which learns of the memory limit, too."""
    from jwst_cal.kernels.memory import keeper_address
    from jwst_cal.kernels.threads import team_size

    jc_keeper_use(<jc_keeper *> <size_t> keeper_address())
    return team_size(n_threads, work)


cdef inline int check(jc_status status) except -1:
    """Raise MemoryError or ValueError for a status other than JC_OK."""
    if status == JC_OK:
        return 0
    message = jc_status_text(status).decode()
    if status == JC_NO_MEMORY:
        raise MemoryError(message)
    raise ValueError(message)
