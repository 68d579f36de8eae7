#include "segments.h"

#include "check.h"

static void any_segments(void)
{
    jc_segments in = {.n_rows = pick(1, 20), .n_cols = pick(1, 30), .n_labels = pick(0, 4),
                      .n_pixels = pick(1, 6), .connectivity = pick(1, 2) * 4};
    size_t n = (size_t) in.n_rows * in.n_cols;
    int32_t *segment = room(n * sizeof *segment);
    for (size_t k = 0; k < n; k++)
        segment[k] = pick(0, in.n_labels);
    in.segment = segment;
    in.image = floats(n, 0, 10, 0.2);
    uint8_t *divisible = room((size_t) in.n_labels + 1);
    CHECK(jc_divisible(&in, team, divisible) == JC_OK);
    result(divisible, (size_t) in.n_labels + 1);
}

static void test_saddle(void)
{
    const float image[5] = {3, 4, 1, 5, 6};
    int32_t segment[5] = {1, 1, 1, 1, 1};
    uint8_t divisible = 7;
    jc_segments in = {1, 5, 1, 2, 8, image, segment};
    CHECK(jc_divisible(&in, 1, &divisible) == JC_OK && divisible == 1);
    in.n_pixels = 3;
    CHECK(jc_divisible(&in, 1, &divisible) == JC_OK && divisible == 0);
    segment[0] = 2;
    REFUSED(jc_divisible(&in, 1, &divisible));
    segment[0] = 1;
    in.connectivity = 5;
    REFUSED(jc_divisible(&in, 1, &divisible));
}

int main(void)
{
    for_each_team("any segments", any_segments, 60);
    test_saddle();
    return finish();
}
