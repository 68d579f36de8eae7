#include "median.h"

#include <math.h>

#include "network.h"

/* Copy some images of up to JC_LANES pixels, infinity in the place of NaN. */
JC_CLONES
static void gather(int n, int64_t n_pixels, int width, const float *from, float *lanes,
                   int32_t *known)
{
    for (int c = 0; c < JC_LANES; c++)
        known[c] = 0;
    for (int k = 0; k < n; k++, from += n_pixels, lanes += JC_LANES) {
        float row[JC_LANES] = {0};
        __builtin_memcpy(row, from, (size_t) width * sizeof *row);
        for (int c = 0; c < JC_LANES; c++) {
            int is_known = row[c] == row[c];
            lanes[c] = is_known ? row[c] : INFINITY;
            known[c] += is_known;
        }
    }
}

/* The median of a sorted lane. */
JC_INLINE float middle(const float *lanes, int lane, int n)
{
    double low = lanes[(size_t) ((n - 1) / 2) * JC_LANES + lane];
    double high = lanes[(size_t) (n / 2) * JC_LANES + lane];
    return n % 2 || low == high ? (float) low : (float) (0.5 * (low + high));
}

static void median_of(const jc_network *whole, const jc_network *some, int64_t n_pixels,
                      int width, const float *from, float *lanes, float *median)
{
    const int n = whole->n_values;
    int32_t known[JC_LANES];
    int complete = 1;
    gather(n, n_pixels, width, from, lanes, known);
    for (int c = 0; c < width; c++)
        complete &= known[c] == n;
    jc_network_sort(complete ? whole : some, lanes);
    for (int c = 0; c < width; c++)
        median[c] = known[c] ? middle(lanes, c, known[c]) : NAN;
}

JC_INLINE int lanes_at(int64_t block, int64_t n_pixels)
{
    const int64_t left = n_pixels - block * JC_LANES;
    return left < JC_LANES ? (int) left : JC_LANES;
}

jc_status jc_median(int n_images, int64_t n_pixels, const float *images, int n_threads,
                    float *median)
{
    jc_network whole, some;
    if (n_images < 1 || n_pixels < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    jc_status status = jc_network_make(&whole, n_images, (n_images - 1) / 2, n_images / 2);
    if (status != JC_OK) return status;
    /* with fewer values, those in the middle are lower */
    status = jc_network_make(&some, n_images, 0, n_images / 2);
    if (status == JC_OK) {
        const int64_t n_blocks = (n_pixels + JC_LANES - 1) / JC_LANES;
        int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
        {
            float *lanes = jc_room((size_t) n_images * JC_LANES, sizeof *lanes);
            failed |= lanes == NULL;
#pragma omp for schedule(static)
            for (int64_t b = 0; b < n_blocks; b++)
                if (lanes)
                    median_of(&whole, &some, n_pixels, lanes_at(b, n_pixels),
                              images + b * JC_LANES, lanes, median + b * JC_LANES);
            free(lanes);
        }
        status = failed ? JC_NO_MEMORY : JC_OK;
    }
    jc_network_free(&whole);
    jc_network_free(&some);
    return status;
}

/* Medians of all windows of up to JC_LANES pixels. `lanes` are the images, `window` is scratch. */
static void roll(const jc_network *network, int n, int64_t n_pixels, int lanes_used,
                 const float *lanes, float *window, float *median)
{
    const int width = network->n_values, last = n - width;
    for (int start = 0; start <= last; start++) {
        int32_t known[JC_LANES];
        float *out = median + (start + width / 2) * n_pixels;
        gather(width, JC_LANES, JC_LANES, lanes + (size_t) start * JC_LANES, window, known);
        jc_network_sort(network, window);
        for (int c = 0; c < lanes_used; c++)
            out[c] = known[c] == width ? middle(window, c, width) : NAN;
    }
    for (int k = 0; k < n; k++) {
        int full = k < width / 2 ? width / 2 : k > last + width / 2 ? last + width / 2 : k;
        if (full != k)
            __builtin_memcpy(median + k * n_pixels, median + full * n_pixels,
                             (size_t) lanes_used * sizeof *median);
    }
}

static void copy_lanes(int n, int64_t n_pixels, int lanes_used, const float *from, float *lanes)
{
    for (int k = 0; k < n; k++)
        __builtin_memcpy(lanes + (size_t) k * JC_LANES, from + k * n_pixels,
                         (size_t) lanes_used * sizeof *lanes);
}

jc_status jc_rolling_median(int n_images, int64_t n_pixels, const float *images, int width,
                            int n_threads, float *median)
{
    jc_network network;
    if (n_images < 1 || n_pixels < 1 || width < 1 || width > n_images || n_threads < 1)
        return JC_BAD_ARGUMENT;
    jc_status status = jc_network_make(&network, width, (width - 1) / 2, width / 2);
    if (status != JC_OK) return status;
    const int64_t n_blocks = (n_pixels + JC_LANES - 1) / JC_LANES;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *lanes = jc_room(((size_t) n_images + (size_t) width) * JC_LANES, sizeof *lanes);
        failed |= lanes == NULL;
#pragma omp for schedule(static)
        for (int64_t b = 0; b < n_blocks; b++) {
            if (!lanes) continue;
            const int used = lanes_at(b, n_pixels);
            copy_lanes(n_images, n_pixels, used, images + b * JC_LANES, lanes);
            roll(&network, n_images, n_pixels, used, lanes, lanes + (size_t) n_images * JC_LANES,
                 median + b * JC_LANES);
        }
        free(lanes);
    }
    jc_network_free(&network);
    return failed ? JC_NO_MEMORY : JC_OK;
}
