#include "linearity.h"

#include "check.h"

enum { NO_CORRECTION = 1 << 20 };

static uint32_t *coefficients(int n_terms, size_t image, double share)
{
    uint32_t *bits = room(n_terms * image * sizeof *bits);
    for (int term = 0; term < n_terms; term++) {
        float *plane = floats(image, -1, 1, share);
        for (size_t x = 0; x < image; x++) {
            float value = term == 1 ? 1 + 0.1f * plane[x] : plane[x] / powf(1e5f, term - 1.0f);
            memcpy(bits + term * image + x, &value, sizeof value);
        }
    }
    return bits;
}

static void any_exposure(void)
{
    int reads = pick(0, 1);
    jc_linearity_input in = {.n_ints = pick(1, 3), .n_groups = pick(1 + reads, 7),
                             .n_rows = pick(1, 7), .n_cols = pick(1, 50), .saturated = 2,
                             .n_terms = pick(2, 6), .swapped = pick(0, 1),
                             .no_correction = NO_CORRECTION};
    size_t image = (size_t) in.n_rows * in.n_cols, n = image * in.n_ints * in.n_groups;
    in.groupdq = flags8(n, 3, 0.1);
    in.coeffs = coefficients(in.n_terms, image, 0.02);
    in.dq = flags32(image, NO_CORRECTION | 1, 0.05);
    float *data = ramps(in.n_ints, in.n_groups, image, 0.03);
    uint32_t *pixeldq = flags32(image, 1, 0.1);
    float *zeroframe = floats(in.n_ints * image, 0, 60000, 0.1);
    float *zero = draw() % 2 ? zeroframe : NULL;
    if (reads) {
        jc_inverse_linearity inverse = {.n_terms = pick(2, 5), .swapped = pick(0, 1),
                                        .n_reads = pick(1, 4)};
        inverse.coeffs = coefficients(inverse.n_terms, image, 0.02);
        double *position = room(in.n_groups * inverse.n_reads * sizeof *position);
        for (int k = 0; k < in.n_groups * inverse.n_reads; k++)
            position[k] = 1 + k + k / inverse.n_reads;
        inverse.reads = position;
        CHECK(jc_linearity_reads(&in, &inverse, team, data, pixeldq, zero) == JC_OK);
    } else
        CHECK(jc_linearity(&in, team, data, pixeldq, zero) == JC_OK);
    result(data, n * sizeof *data);
    result(pixeldq, image * sizeof *pixeldq);
    result(zeroframe, in.n_ints * image * sizeof *zeroframe);
}

/* 1 + 2 x + 0.5 x^2, kept from a saturated group. */
static void test_polynomial(void)
{
    const float terms[3] = {1, 2, 0.5f};
    const uint8_t groupdq[2] = {0, 2};
    const uint32_t dq = 0;
    uint32_t bits[3], pixeldq = 0;
    float data[2] = {4, 4};
    memcpy(bits, terms, sizeof bits);
    jc_linearity_input in = {1, 2, 1, 1, groupdq, 2, 3, bits, 0, &dq, NO_CORRECTION};
    CHECK(jc_linearity(&in, 1, data, &pixeldq, NULL) == JC_OK);
    CHECK(data[0] == 17 && data[1] == 4 && pixeldq == 0);
    in.n_terms = 1;
    REFUSED(jc_linearity(&in, 1, data, &pixeldq, NULL));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 80);
    test_polynomial();
    return finish();
}
