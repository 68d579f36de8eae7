# The structures of csrc/slope.h, which likelihood shares.
from jwst_cal.kernels._glue cimport jc_status, uint8_t, uint32_t


cdef extern from "slope.h" nogil:
    ctypedef struct jc_slope_ramps:
        int n_ints, n_groups, n_rows, n_cols
        int first, used
        const float *data
        const uint8_t *groupdq
        const uint32_t *pixeldq
        const void *gain
        const void *read_noise
        const float *dark_current
        const float *zeroframe
        int gain_swapped, noise_swapped
    ctypedef struct jc_slope_options:
        double group_time, frame_time, first_time, pedestal_groups
        int n_frames, suppress_one_group, clear_first_jump
        uint32_t do_not_use, saturated, jump, persistence, charge_loss, no_gain
    ctypedef struct jc_slope_image:
        float *slope
        uint32_t *dq
        float *var_poisson
        float *var_rnoise
        float *err
    ctypedef struct jc_slope_segments:
        int n_segments, n_jumps
        float *slope
        float *sigslope
        float *var_poisson
        float *var_rnoise
        float *yint
        float *sigyint
        float *weights
        float *pedestal
        float *jump_size
    jc_status jc_slope_extent(const jc_slope_ramps *ramps, const jc_slope_options *options,
                              int n_threads, int *n_segments, int *n_jumps)
    jc_status jc_slope(const jc_slope_ramps *ramps, const jc_slope_options *options,
                       int n_threads, const jc_slope_image *rate, const jc_slope_image *rateints,
                       size_t step,
                       const jc_slope_segments *segments)


cdef jc_slope_image image_of(rates) except *
