#include "traps.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

/* One thread's memory: [col] unless said otherwise. */
typedef struct {
    float *differences; /* [difference][JC_LANES] */
    float *slope;       /* DN per group */
    float *rate;        /* of full, per second */
    double *decayed;    /* [family][col], in this integration so far */
    double *released;   /* by all families */
    float *jumped;      /* [family][col], filled by jumps */
    int32_t *n_above;
    uint8_t *touched;   /* pixel has been flagged */
} scratch;

static int make_scratch(scratch *s, const jc_traps_input *in)
{
    size_t n = in->n_cols, families = in->n_families;
    s->differences = malloc(in->n_groups * JC_LANES * sizeof *s->differences);
    s->slope = malloc(n * sizeof *s->slope);
    s->rate = malloc(n * sizeof *s->rate);
    s->decayed = malloc(families * n * sizeof *s->decayed);
    s->released = malloc(n * sizeof *s->released);
    s->jumped = malloc(families * n * sizeof *s->jumped);
    s->n_above = malloc(n * sizeof *s->n_above);
    s->touched = malloc(n);
    return s->differences && s->slope && s->rate && s->decayed && s->released && s->jumped &&
           s->n_above && s->touched;
}

static void free_scratch(scratch *s)
{
    free(s->differences);
    free(s->slope);
    free(s->rate);
    free(s->decayed);
    free(s->released);
    free(s->jumped);
    free(s->n_above);
    free(s->touched);
}

JC_INLINE size_t plane_size(const jc_traps_input *in)
{
    return (size_t) in->n_rows * in->n_cols;
}

/* Slopes of up to JC_LANES columns from x on: data and flags are those of the first group. */
JC_CLONES
static void slope_of_lanes(const jc_traps_input *in, const jc_network *network, const float *data,
                           const uint8_t *groupdq, int width, float *differences, float *slope)
{
    int32_t kept[JC_LANES] = {0};
    float sum[JC_LANES] = {0};
    size_t plane = plane_size(in);
    int n = in->n_groups - 1;
    for (int c = 0; c < width; c++)
        kept[c] = n - ((groupdq[c] & in->jump) != 0);
    for (int k = 0; k < n; k++) {
        const float *before = data + k * plane, *after = before + plane;
        const uint8_t *q = groupdq + (k + 1) * plane;
        float *d = differences + (size_t) k * JC_LANES;
        for (int c = 0; c < width; c++) {
            float difference = after[c] - before[c];
            int lost = (q[c] & in->saturated) || !(fabsf(difference) < INFINITY);
            kept[c] -= lost + ((q[c] & in->jump) != 0);
            d[c] = lost ? INFINITY : difference;
        }
        for (int c = width; c < JC_LANES; c++)
            d[c] = INFINITY;
    }
    jc_network_sort(network, differences);
    for (int k = 0; k < n; k++)
        for (int c = 0; c < JC_LANES; c++)
            sum[c] += k < kept[c] ? differences[(size_t) k * JC_LANES + c] : 0;
    for (int c = 0; c < width; c++)
        slope[c] = kept[c] > 0 ? sum[c] / (float) kept[c] : 0;
}

/* The line of each column before anything is taken off. */
static void fit_lines(const jc_traps_input *in, const jc_network *network, const float *data,
                      const uint8_t *groupdq, const float *full, scratch *s)
{
    float group_time = (float) in->group_time;
    if (in->n_groups == 1)
        for (int x = 0; x < in->n_cols; x++)
            s->slope[x] = fabsf(data[x]) < INFINITY ? data[x] : 0;
    else
        for (int x = 0; x < in->n_cols; x += JC_LANES) {
            int width = in->n_cols - x < JC_LANES ? in->n_cols - x : JC_LANES;
            slope_of_lanes(in, network, data + x, groupdq + x, width, s->differences,
                           s->slope + x);
        }
    for (int x = 0; x < in->n_cols; x++)
        s->rate[x] = full[x] == full[x] ? s->slope[x] / (full[x] * group_time) : 0;
}

/* One family, one group: traps that empty are added to what the pixel has released. */
JC_CLONES
static void release(float between, float decay, int n, float *restrict traps,
                    double *restrict decayed, double *restrict released)
{
    for (int x = 0; x < n; x++) {
        float filled = traps[x] - traps[x] * between;
        float now = filled * decay;
        decayed[x] += now;
        released[x] += decayed[x];
        traps[x] = filled - now;
    }
}

JC_CLONES
static void take_off(const jc_traps_input *in, const float *restrict full,
                     const double *restrict released, float *restrict data,
                     uint8_t *restrict touched, int32_t *restrict n_above)
{
    double cutoff = in->cutoff;
    for (int x = 0; x < in->n_cols; x++) {
        data[x] = (float) (data[x] - released[x]);
        touched[x] |= released[x] >= cutoff;
        n_above[x] += data[x] > full[x];
    }
}

/* Traps that the jumps of one group fill, where there are any. */
static void add_jumps(const jc_traps_input *in, int group, const float *data,
                      const uint8_t *groupdq, const float *density, scratch *s)
{
    const float *before = data - plane_size(in);
    for (int x = 0; x < in->n_cols; x++) {
        if (!(groupdq[x] & in->jump)) continue;
        float size = data[x] - before[x] - s->slope[x];
        float most = size > 0 && size < INFINITY ? density[x] * size : 0;
        for (int k = 0; k < in->n_families; k++) {
            float *jumped = s->jumped + (size_t) k * in->n_cols + x;
            *jumped = (float) (*jumped + most * in->hit[k * in->n_groups + group]);
        }
    }
}

/* Traps of one family that the integration has filled. */
static void capture(const jc_traps_input *in, int family, const double *ramp, const float *density,
                    const scratch *s, float *traps)
{
    const double *soak = in->soak + (size_t) family * (in->n_groups + 1);
    const float *jumped = s->jumped + (size_t) family * in->n_cols;
    double slow = in->slow[family], instant = in->instant[family];
    for (int x = 0; x < in->n_cols; x++) {
        float scale = density[x] * (s->rate[x] * s->rate[x]);
        int n = s->n_above[x];
        double filled = scale * ramp[n];
        if (n > 0) {
            if (n == in->n_groups) filled = density[x] * instant;
            double empty = density[x] * slow - (filled - density[x] * instant);
            filled += empty * soak[n];
        }
        traps[x] = (float) (traps[x] + (filled + jumped[x]));
    }
}

static void integration_of_row(const jc_traps_input *in, const jc_network *network, int integration,
                               int row, float *data, float *traps, float *persistence, scratch *s)
{
    size_t n = in->n_cols, plane = plane_size(in), at = row * n;
    size_t first = (size_t) integration * in->n_groups * plane + at;
    const float *density = in->density + at, *full = in->full + at;
    memset(s->decayed, 0, in->n_families * n * sizeof *s->decayed);
    memset(s->jumped, 0, in->n_families * n * sizeof *s->jumped);
    memset(s->n_above, 0, n * sizeof *s->n_above);
    fit_lines(in, network, data + first, in->groupdq + first, full, s);
    for (int g = 0; g < in->n_groups; g++) {
        size_t here = first + g * plane;
        memset(s->released, 0, n * sizeof *s->released);
        for (int k = 0; k < in->n_families; k++)
            release(integration && g == 0 ? in->between[k] : 0, in->decay[k], in->n_cols,
                    traps + k * plane + at, s->decayed + k * n, s->released);
        take_off(in, full, s->released, data + here, s->touched, s->n_above);
        if (persistence)
            for (size_t x = 0; x < n; x++)
                persistence[here + x] = (float) s->released[x];
        if (g > 0) add_jumps(in, g, data + here, in->groupdq + here, density, s);
    }
    for (int k = 0; k < in->n_families; k++) {
        size_t table = (size_t) (integration > 0) * in->n_families + k;
        capture(in, k, in->ramp + table * (in->n_groups + 1), density, s, traps + k * plane + at);
    }
}

jc_status jc_traps(const jc_traps_input *in, int n_threads, float *data, uint32_t *pixeldq,
                   float *traps, float *persistence, int64_t *n_flagged)
{
    if (in->n_ints < 1 || in->n_groups < 1 || in->n_rows < 1 || in->n_cols < 1 ||
        in->n_families < 1 || n_threads < 1 || !(in->group_time > 0))
        return JC_BAD_ARGUMENT;
    jc_network network;
    jc_status status = jc_network_make(&network, in->n_groups - 1, 0, in->n_groups);
    if (status != JC_OK) return status;
    int64_t flagged = 0;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed) reduction(+ : flagged)
    {
        scratch s;
        int ready = make_scratch(&s, in);
        failed |= !ready;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++) {
            if (!ready) continue;
            memset(s.touched, 0, in->n_cols);
            for (int i = 0; i < in->n_ints; i++) {
                integration_of_row(in, &network, i, row, data, traps, persistence, &s);
                jc_settle(2 * in->n_groups);
            }
            uint32_t *dq = pixeldq + (size_t) row * in->n_cols;
            for (int x = 0; x < in->n_cols; x++) {
                dq[x] |= s.touched[x] ? in->flag : 0;
                flagged += s.touched[x];
            }
        }
        free_scratch(&s);
    }
    jc_network_free(&network);
    *n_flagged = flagged;
    return failed ? JC_NO_MEMORY : JC_OK;
}
