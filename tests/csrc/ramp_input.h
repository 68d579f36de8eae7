/* tests/csrc/ramp_input.h: random exposures for the fits. */
#ifndef RAMP_INPUT_H
#define RAMP_INPUT_H

#include "check.h"
#include "slope.h"

static inline jc_slope_ramps any_ramps(int least, int most)
{
    jc_slope_ramps in = {.n_ints = pick(1, 3), .n_groups = pick(least, most),
                         .n_rows = pick(1, 4), .n_cols = pick(1, 40)};
    size_t image = (size_t) in.n_rows * in.n_cols, n = image * in.n_ints * in.n_groups;
    in.used = in.n_groups;
    in.data = ramps(in.n_ints, in.n_groups, image, draw() % 2 ? 0.02 : 0);
    in.groupdq = flags8(n, draw() % 4 ? 7 : 0xa7, draw() % 3 ? 0.05 : 0.4);
    in.pixeldq = flags32(image, 1u | 1u << 19, 0.05);
    in.gain = floats(image, 1, 4, 0.05);
    in.read_noise = floats(image, 2, 20, 0.05);
    in.gain_swapped = pick(0, 1);
    in.noise_swapped = pick(0, 1);
    if (draw() % 2) in.dark_current = floats(image, 0, 1, 0.02);
    if (draw() % 2) in.zeroframe = floats(in.n_ints * image, 0, 3000, 0.1);
    return in;
}

static inline jc_slope_image image_of(size_t n)
{
    return (jc_slope_image){room(n * sizeof(float)), room(n * sizeof(uint32_t)),
                            room(n * sizeof(float)), room(n * sizeof(float)),
                            room(n * sizeof(float))};
}

static inline void image_result(const jc_slope_image *image, size_t n)
{
    result(image->slope, n * sizeof *image->slope);
    result(image->dq, n * sizeof *image->dq);
    result(image->var_poisson, n * sizeof *image->var_poisson);
    result(image->var_rnoise, n * sizeof *image->var_rnoise);
    result(image->err, n * sizeof *image->err);
}

#endif
