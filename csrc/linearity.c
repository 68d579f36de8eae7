#include "linearity.h"
#include "keeper.h"

#include <stdlib.h>

enum { BLOCK = 256 }; /* columns worked on at a time: their coefficients stay in the first cache */

JC_INLINE void copy_term(int n, const uint32_t *restrict coeffs, int swapped,
                         uint32_t no_correction, float *restrict usable, uint32_t *restrict bad)
{
    for (int x = 0; x < n; x++) {
        float c = jc_float32(coeffs[x], swapped);
        usable[x] = c;
        bad[x] |= c != c ? no_correction : 0;
    }
}

/* Copy the coefficients of n pixels; answer whether any pixel has none to use. */
JC_CLONES
static int copy_coefficients(int n, int n_terms, const uint32_t *coeffs, int swapped, size_t plane,
                             const uint32_t *restrict dq, uint32_t no_correction,
                             float *restrict usable, uint32_t *restrict bad)
{
    uint32_t any = 0;
    for (int x = 0; x < n; x++) bad[x] = dq[x] & no_correction;
    for (int k = 0; k < n_terms; k++)
        if (swapped)
            copy_term(n, coeffs + k * plane, 1, no_correction, usable + k * BLOCK, bad);
        else
            copy_term(n, coeffs + k * plane, 0, no_correction, usable + k * BLOCK, bad);
    for (int x = 0; x < n; x++) {
        bad[x] |= usable[BLOCK + x] == 0.0f ? no_correction : 0;
        any |= bad[x];
    }
    return any != 0;
}

/* The coefficients of n pixels, with the identity where there is no correction. */
JC_CLONES
static void prepare(int n, int n_terms, const uint32_t *coeffs, int swapped, size_t plane,
                    const uint32_t *dq, uint32_t no_correction,
                    float *usable /* OUT [term][BLOCK] */, uint32_t *pixeldq)
{
    uint32_t bad[BLOCK];
    if (copy_coefficients(n, n_terms, coeffs, swapped, plane, dq, no_correction, usable, bad))
        for (int k = 0; k < n_terms; k++)
            for (int x = 0; x < n; x++)
                if (bad[x]) usable[k * BLOCK + x] = k == 1 ? 1.0f : 0.0f;
    for (int x = 0; x < n; x++) pixeldq[x] |= dq[x] | bad[x];
}

/* c[0] + c[1] value + ... in the type of `value`, for one pixel of a block. */
#define POLYNOMIAL(type)                                              \
    type result = c[(n_terms - 1) * BLOCK] * value;                   \
    for (int k = n_terms - 2; k > 0; k--)                             \
        result = (result + c[k * BLOCK]) * value;                     \
    return result + c[0];

JC_INLINE float polynomial(int n_terms, const float *c, float value) { POLYNOMIAL(float) }
JC_INLINE double polynomial64(int n_terms, const float *c, double value) { POLYNOMIAL(double) }

/* The usual numbers of terms are compiled with that number, so that the terms are unrolled. */
#define FOR_EACH_COUNT(n_terms, call) \
    switch (n_terms) {                \
    case 2: call(2); break;           \
    case 3: call(3); break;           \
    case 4: call(4); break;           \
    case 5: call(5); break;           \
    case 6: call(6); break;           \
    case 7: call(7); break;           \
    case 8: call(8); break;           \
    case 9: call(9); break;           \
    case 10: call(10); break;         \
    default: call(n_terms);           \
    }

JC_INLINE void correct(int n, int n_terms, const float *restrict c,
                       const uint8_t *restrict groupdq, uint8_t saturated, float *restrict data)
{
    for (int x = 0; x < n; x++) {
        float linear = polynomial(n_terms, c + x, data[x]);
        data[x] = groupdq[x] & saturated ? data[x] : linear;
    }
}

JC_CLONES
static void correct_block(int n, int n_terms, const float *c, const uint8_t *groupdq,
                          uint8_t saturated, float *data)
{
#define CORRECT(count) correct(n, count, c, groupdq, saturated, data)
    FOR_EACH_COUNT(n_terms, CORRECT)
#undef CORRECT
}

JC_INLINE void evaluate(int n, int n_terms, const float *restrict c, double *restrict value)
{
    for (int x = 0; x < n; x++) value[x] = polynomial64(n_terms, c + x, value[x]);
}

JC_CLONES
static void evaluate_block(int n, int n_terms, const float *c, double *value /* IN OUT */)
{
#define EVALUATE(count) evaluate(n, count, c, value)
    FOR_EACH_COUNT(n_terms, EVALUATE)
#undef EVALUATE
}

JC_INLINE void correct_first_read(int n, int n_terms, const float *restrict c,
                                  float *restrict zeroframe)
{
    for (int x = 0; x < n; x++) {
        float linear = polynomial(n_terms, c + x, zeroframe[x]);
        zeroframe[x] = zeroframe[x] == 0.0f ? 0.0f : linear;
    }
}

JC_CLONES
static void correct_zeroframe(int n, int n_terms, const float *c, float *zeroframe)
{
#define CORRECT(count) correct_first_read(n, count, c, zeroframe)
    FOR_EACH_COUNT(n_terms, CORRECT)
#undef CORRECT
}

/* One thread's scratch. */
typedef struct {
    float *usable;      /* [term][BLOCK] */
    float *inverse;     /* [term][BLOCK] */
    double *reads;      /* [read][BLOCK], non-linear counts of the reads of one group */
    double rate[BLOCK]; /* linear counts per read */
    double sum[BLOCK], offset[BLOCK];
    float first[BLOCK]; /* linear counts of the first group */
} jc_scratch;

/* Rate of each ramp between its first group and the last one safe from saturation. */
JC_CLONES
static void estimate_ramps(int n, const jc_linearity_input *in, const double *group_time,
                           const uint8_t *groupdq, const float *data, jc_scratch *s)
{
    size_t plane = (size_t) in->n_rows * in->n_cols;
    for (int x = 0; x < n; x++) {
        int unsaturated = 0;
        for (int g = 0; g < in->n_groups; g++)
            unsaturated += (groupdq[g * plane + x] & in->saturated) == 0;
        int last = unsaturated - 1 < 2 ? 1 : unsaturated - 2;
        float begin = data[x], end = data[last * plane + x];
        if (!(groupdq[x] & in->saturated)) begin = polynomial(in->n_terms, s->usable + x, begin);
        if (!(groupdq[last * plane + x] & in->saturated))
            end = polynomial(in->n_terms, s->usable + x, end);
        s->first[x] = begin;
        s->rate[x] = (double) (end - begin) / (group_time[last] - group_time[0]);
    }
}

JC_CLONES
static void correct_reads(int n, const jc_linearity_input *in, const jc_inverse_linearity *inverse,
                          const double *reads, double start, const uint8_t *groupdq, float *data,
                          jc_scratch *s)
{
    double *sum = s->sum, *offset = s->offset;
    for (int x = 0; x < n; x++) sum[x] = 0.0;
    for (int r = 0; r < inverse->n_reads; r++) {
        double since = reads[r] - start, *read = s->reads + r * BLOCK;
        for (int x = 0; x < n; x++) read[x] = s->first[x] + s->rate[x] * since;
        evaluate_block(n, inverse->n_terms, s->inverse, read);
        for (int x = 0; x < n; x++) sum[x] += read[x];
    }
    for (int x = 0; x < n; x++) {
        offset[x] = data[x] - sum[x] / inverse->n_reads;
        sum[x] = 0.0;
    }
    for (int r = 0; r < inverse->n_reads; r++) {
        double *read = s->reads + r * BLOCK;
        for (int x = 0; x < n; x++) read[x] += offset[x];
        evaluate_block(n, in->n_terms, s->usable, read);
        for (int x = 0; x < n; x++) sum[x] += read[x];
    }
    for (int x = 0; x < n; x++) {
        float linear = (float) (sum[x] / inverse->n_reads);
        data[x] = groupdq[x] & in->saturated ? data[x] : linear;
    }
}

/* n pixels of one row, from element `at` of a plane, in every integration and group. */
static void correct_pixels(const jc_linearity_input *in, const jc_inverse_linearity *inverse,
                           const double *group_time, size_t at, int n, jc_scratch *s,
                           float *data, uint32_t *pixeldq, float *zeroframe)
{
    size_t plane = (size_t) in->n_rows * in->n_cols;
    jc_fetch(in->dq + at + n, n * sizeof *in->dq);
    jc_fetch(pixeldq + at + n, n * sizeof *pixeldq);
    prepare(n, in->n_terms, in->coeffs + at, in->swapped, plane, in->dq + at, in->no_correction,
            s->usable, pixeldq + at);
    if (inverse)
        prepare(n, inverse->n_terms, inverse->coeffs + at, inverse->swapped, plane, in->dq + at,
                in->no_correction, s->inverse, pixeldq + at);
    for (int i = 0; i < in->n_ints; i++) {
        size_t ramp = (size_t) i * in->n_groups * plane + at;
        if (inverse)
            estimate_ramps(n, in, group_time, in->groupdq + ramp, data + ramp, s);
        for (int g = 0; g < in->n_groups; g++) {
            size_t group = ramp + g * plane;
            if (i == 0) /* a few at a time: all at once they drive each other out of the cache */
                for (int k = g; k < in->n_terms; k += in->n_groups)
                    jc_fetch(in->coeffs + k * plane + at + n, n * sizeof *in->coeffs);
            jc_fetch(data + group + n, n * sizeof *data);
            jc_fetch(in->groupdq + group + n, (size_t) n);
            if (inverse)
                correct_reads(n, in, inverse, inverse->reads + (size_t) g * inverse->n_reads,
                              group_time[0], in->groupdq + group, data + group, s);
            else
                correct_block(n, in->n_terms, s->usable, in->groupdq + group, in->saturated,
                              data + group);
        }
        if (zeroframe) correct_zeroframe(n, in->n_terms, s->usable, zeroframe + i * plane + at);
        jc_settle(2 * in->n_groups);
    }
}

static jc_scratch *scratch_for(const jc_linearity_input *in, const jc_inverse_linearity *inverse)
{
    jc_scratch *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->usable = malloc((size_t) in->n_terms * BLOCK * sizeof *s->usable);
    if (inverse) {
        s->inverse = malloc((size_t) inverse->n_terms * BLOCK * sizeof *s->inverse);
        s->reads = malloc((size_t) inverse->n_reads * BLOCK * sizeof *s->reads);
    }
    return s;
}

static void release(jc_scratch *s)
{
    if (!s) return;
    free(s->usable);
    free(s->inverse);
    free(s->reads);
    free(s);
}

static jc_status correct_exposure(const jc_linearity_input *in,
                                  const jc_inverse_linearity *inverse, const double *group_time,
                                  int n_threads, float *data, uint32_t *pixeldq, float *zeroframe)
{
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        jc_scratch *s = scratch_for(in, inverse);
        int ready = s && s->usable && (!inverse || (s->inverse && s->reads));
        failed |= !ready;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            for (int from = 0; ready && from < in->n_cols; from += BLOCK) {
                int n = in->n_cols - from < BLOCK ? in->n_cols - from : BLOCK;
                correct_pixels(in, inverse, group_time, (size_t) row * in->n_cols + from, n, s,
                               data, pixeldq, zeroframe);
            }
        release(s);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

static int out_of_range(const jc_linearity_input *in, int n_threads)
{
    return in->n_ints < 1 || in->n_groups < 1 || in->n_rows < 1 || in->n_cols < 1 ||
           in->n_terms < 2 || n_threads < 1;
}

jc_status jc_linearity(const jc_linearity_input *in, int n_threads, float *data,
                       uint32_t *pixeldq, float *zeroframe)
{
    if (out_of_range(in, n_threads)) return JC_BAD_ARGUMENT;
    return correct_exposure(in, NULL, NULL, n_threads, data, pixeldq, zeroframe);
}

jc_status jc_linearity_reads(const jc_linearity_input *in, const jc_inverse_linearity *inverse,
                             int n_threads, float *data, uint32_t *pixeldq, float *zeroframe)
{
    if (out_of_range(in, n_threads) || in->n_groups < 2 || inverse->n_terms < 2 ||
        inverse->n_reads < 1)
        return JC_BAD_ARGUMENT;
    double *group_time = malloc(in->n_groups * sizeof *group_time); /* mean of the reads */
    if (!group_time) return JC_NO_MEMORY;
    for (int g = 0; g < in->n_groups; g++) {
        double sum = 0.0;
        for (int r = 0; r < inverse->n_reads; r++) sum += inverse->reads[g * inverse->n_reads + r];
        group_time[g] = sum / inverse->n_reads;
    }
    jc_status status =
        correct_exposure(in, inverse, group_time, n_threads, data, pixeldq, zeroframe);
    free(group_time);
    return status;
}
