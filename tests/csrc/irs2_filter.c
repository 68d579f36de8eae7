#include "irs2_filter.h"

#include "check.h"

enum { LINES = 256, SLOTS = JC_IRS2_SLOTS, LANES = JC_IRS2_LANES, BLOCKS = LINES / 32 + 1 };

/* Everything but the samples, with as many outputs, pixels and wanted slots. */
static jc_irs2_tables tables_of(int n_outputs, int n_reference, int n_wanted, const uint32_t *filters)
{
    size_t of_slots = (size_t) BLOCKS * SLOTS * LANES;
    float *turn = room(2 * of_slots * sizeof *turn), *passband = floats(of_slots, 0, 0.001, 0);
    float *weights = room(4 * of_slots * n_outputs * sizeof *weights);
    uint8_t *known = flags8(SLOTS, 1, 0.8);
    int32_t *put = room(2 * (size_t) n_reference * sizeof *put);
    int32_t *wanted = room((size_t) n_wanted * sizeof *wanted);
    for (int k = 0; k < 2 * n_reference; k++)
        put[k] = k * 7 % SLOTS;
    for (int k = 0; k < n_wanted; k++)
        wanted[k] = pick(0, SLOTS - 1);
    CHECK(jc_irs2_turns(LINES, team ? team : 1, turn) == JC_OK);
    CHECK(jc_irs2_weights(LINES, n_outputs, filters, pick(0, 1), team ? team : 1, weights) == JC_OK);
    result(weights, 4 * of_slots * n_outputs * sizeof *weights);
    jc_irs2_tables tables = {LINES, n_outputs, turn,        passband, weights, pick(0, 2),
                             known, n_reference, put, n_wanted, wanted};
    return tables;
}

static void any_samples(void)
{
    int n_outputs = pick(1, 3), n_reference = pick(1, 5), n_wanted = pick(1, 9);
    size_t n_filters = (size_t) 2 * SLOTS * LINES * 2 * n_outputs;
    uint32_t *filters = room(n_filters * sizeof *filters);
    for (size_t k = 0; k < n_filters; k++) {
        float value = (float) uniform(-1, 1);
        memcpy(filters + k, &value, sizeof value);
    }
    jc_irs2_tables tables = tables_of(n_outputs, n_reference, n_wanted, filters);
    size_t of_output = (size_t) SLOTS * LINES, size = (size_t) n_outputs * n_wanted * LINES;
    float *output = floats(of_output, -10, 10, pick(0, 1) * 1e-5);
    float *pixels = floats((size_t) n_outputs * n_reference * LINES, -10, 10, 0);
    float *completed = pick(0, 1) ? room(of_output * sizeof *completed) : NULL;
    float *noise = room(size * sizeof *noise);
    CHECK(jc_irs2_noise(&tables, output, pixels, team, completed, noise) == JC_OK);
    result(noise, size * sizeof *noise);
    if (completed)
        result(completed, of_output * sizeof *completed);
}

/* alpha 1 and beta 0: the reference output itself. */
static void known(void)
{
    size_t n_records = (size_t) 2 * SLOTS * LINES;
    float one = 1;
    uint32_t *filters = room(2 * n_records * sizeof *filters);
    for (size_t k = 0; k < n_records; k += 2)
        memcpy(filters + 2 * k, &one, sizeof one);
    float *weights = NULL;
    jc_irs2_tables tables = tables_of(1, 2, 5, filters);
    size_t of_weights = (size_t) 4 * BLOCKS * SLOTS * LANES;
    weights = room(of_weights * sizeof *weights);
    CHECK(jc_irs2_weights(LINES, 1, filters, 0, 1, weights) == JC_OK);
    tables.weights = weights;
    tables.n_repeats = 0;
    float *output = floats((size_t) SLOTS * LINES, -10, 10, 0), *noise = room(5 * LINES * 4);
    float *pixels = floats(2 * LINES, -10, 10, 0);
    CHECK(jc_irs2_noise(&tables, output, pixels, 1, NULL, noise) == JC_OK);
    for (int k = 0; k < 5; k++)
        for (int y = 0; y < LINES; y++)
            CHECK_NEAR(noise[k * LINES + y], output[tables.wanted[k] * LINES + y], 2e-5);
    /* refused */
    jc_irs2_tables bad = tables;
    bad.n_lines = 255;
    REFUSED(jc_irs2_noise(&bad, output, pixels, 1, NULL, noise));
    bad = tables;
    bad.n_repeats = -1;
    REFUSED(jc_irs2_noise(&bad, output, pixels, 1, NULL, noise));
    int32_t beyond[] = {0, 1, 2, SLOTS};
    bad = tables;
    bad.put = beyond;
    REFUSED(jc_irs2_noise(&bad, output, pixels, 1, NULL, noise));
    REFUSED(jc_irs2_noise(&tables, output, pixels, 0, NULL, noise));
    REFUSED(jc_irs2_turns(128, 1, noise));
    REFUSED(jc_irs2_turns(LINES, 0, noise));
    REFUSED(jc_irs2_weights(300, 1, filters, 0, 1, weights));
    REFUSED(jc_irs2_weights(LINES, 0, filters, 0, 1, weights));
    free_rooms();
}

int main(void)
{
    for_each_team("samples", any_samples, 3);
    known();
    return finish();
}
