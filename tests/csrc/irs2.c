#include "irs2.h"

#include "check.h"

/* Some rows of the array, each once, to places each once. */
static jc_irs2_pixels pixels_of(int n_rows, int n_lines, int n_slots, int n_to)
{
    int most = n_rows < n_to ? n_rows : n_to, n = pick(1, most);
    int32_t *row = room(n * sizeof *row), *slot = room(n * sizeof *slot), *to = room(n * sizeof *to);
    float *line = floats(2 * (size_t) n, -1, 1, 0.01);
    for (int k = 0; k < n; k++) {
        row[k] = (k + n_rows / 2) % n_rows;
        slot[k] = pick(0, n_slots - 1);
        to[k] = n_to - 1 - k;
    }
    jc_irs2_pixels pixels = {n_rows, n_lines, n_slots, pick(0, 1), n, row, slot, to, line};
    return pixels;
}

static void any_samples(void)
{
    int n_rows = pick(1, 30), n_lines = pick(1, 70), n_slots = pick(1, 20), n_to = pick(1, 30);
    size_t size = (size_t) n_rows * n_lines;
    float *plane = floats(size, 0, 1000, 0.05);
    double *mean = doubles(size, 0, 1000);
    for (size_t k = 0; k < size; k += 7)
        mean[k] = plane[k];
    jc_irs2_pixels pixels = pixels_of(n_rows, n_lines, n_slots, n_to);
    size_t out_size = (size_t) n_to * n_lines, noise_size = (size_t) pixels.n_pixels * n_lines;
    float *stream = room(out_size * sizeof *stream), *out = room(out_size * sizeof *out);
    float *noise = floats(noise_size, -30, 30, 0.01);
    uint8_t *with_mean = flags8((size_t) pixels.n_pixels, 1, 0.5);
    CHECK(jc_irs2_stream(&pixels, plane, mean, team, n_to, stream) == JC_OK);
    for (size_t k = 0; k < out_size; k++)
        CHECK(isfinite(stream[k]));
    CHECK(jc_irs2_subtract(&pixels, plane, mean, with_mean, team, noise, n_to, out) == JC_OK);
    result(stream, out_size * sizeof *stream);
    result(out, out_size * sizeof *out);
}

static void any_gaps(void)
{
    int n_slots = pick(1, 40), n_lines = pick(1, 50), n_weights = 2 * pick(0, 40) + 1;
    size_t size = (size_t) n_slots * n_lines;
    float *stream = floats(size, -10, 10, 0.01), *filled = room(size * sizeof *filled);
    double *weights = doubles((size_t) n_weights, 0, 1);
    for (int k = 0; k < n_slots; k += pick(1, 5))
        memset(stream + (size_t) k * n_lines, 0, (size_t) n_lines * sizeof *stream);
    CHECK(jc_irs2_fill(n_slots, n_lines, stream, n_weights, weights, team, filled) == JC_OK);
    result(filled, size * sizeof *filled);
}

static void any_groups(void)
{
    int n_groups = pick(1, 5), n_rows = pick(2, 20), n_cols = pick(1, 70), n_pairs = pick(1, 9);
    size_t plane = (size_t) n_rows * n_cols;
    float *data = floats(n_groups * plane, 0, 100, 0.001);
    int32_t *first = room(n_pairs * sizeof *first);
    for (int k = 0; k < n_pairs; k++)
        first[k] = pick(0, n_rows - 2);
    double *found = room(3 * (size_t) n_pairs * sizeof *found), *mean = room(plane * sizeof *mean);
    CHECK(jc_irs2_pairs(n_groups, n_rows, n_cols, data, n_pairs, first, team, found) == JC_OK);
    CHECK(jc_irs2_mean(n_groups, plane, data, team, mean) == JC_OK);
    result(found, 3 * (size_t) n_pairs * sizeof *found);
    result(mean, plane * sizeof *mean);
}

/* Two rows, read backwards; the second goes to the first's place, on the data. */
static void known(void)
{
    float plane[] = {1, 2, 3, 14, 15, 16}, noise[] = {3, 2, 1}, line[] = {0, 0};
    double mean[] = {0, 0, 0, 10, 10, 16};
    int32_t row = 1, slot = 0, to = 0;
    uint8_t with_mean = 1;
    jc_irs2_pixels pixels = {2, 3, 1, 1, 1, &row, &slot, &to, line};
    CHECK(jc_irs2_subtract(&pixels, plane, mean, &with_mean, 1, noise, 1, plane) == JC_OK);
    CHECK(plane[0] == 13 && plane[1] == 13 && plane[2] == 13 && plane[3] == 14);
    float stream[] = {2, 0, 4}, filled[3];
    double weights[] = {1, 5, 1};
    CHECK(jc_irs2_fill(3, 1, stream, 3, weights, 1, filled) == JC_OK);
    CHECK(filled[0] == 2 && filled[1] == 3 && filled[2] == 4);
}

static void refused(void)
{
    float numbers[8] = {0}, line[2] = {0};
    double means[8] = {0}, found[3];
    int32_t row = 0, slot = 0, to = 0, first = 0;
    uint8_t with_mean = 0;
    jc_irs2_pixels good = {2, 4, 3, 0, 1, &row, &slot, &to, line}, bad = good;
    CHECK(jc_irs2_stream(&good, numbers, means, 1, 2, numbers) == JC_OK);
    int32_t beyond[] = {2, 3, 5, -1};
    for (int k = 0; k < 4; k++) {
        bad = good;
        if (k == 0 || k == 3) bad.row = beyond + k;
        if (k == 1) bad.slot = beyond + k;
        if (k == 2) bad.to = beyond + k;
        REFUSED(jc_irs2_stream(&bad, numbers, means, 1, 2, numbers));
        REFUSED(jc_irs2_subtract(&bad, numbers, means, &with_mean, 1, numbers, 2, numbers));
    }
    bad = good;
    bad.n_slots = 1 << 23;
    REFUSED(jc_irs2_stream(&bad, numbers, means, 1, 2, numbers));
    REFUSED(jc_irs2_stream(&good, numbers, means, 0, 2, numbers));
    REFUSED(jc_irs2_fill(2, 4, numbers, 2, means, 1, numbers));
    REFUSED(jc_irs2_fill(0, 4, numbers, 1, means, 1, numbers));
    REFUSED(jc_irs2_mean(0, 8, numbers, 1, means));
    REFUSED(jc_irs2_pairs(1, 2, 4, numbers, 1, beyond, 1, found));
    REFUSED(jc_irs2_pairs(0, 2, 4, numbers, 1, &first, 1, found));
}

int main(void)
{
    for_each_team("samples", any_samples, 60);
    for_each_team("gaps", any_gaps, 40);
    for_each_team("groups", any_groups, 40);
    known();
    refused();
    return finish();
}
