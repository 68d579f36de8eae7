#include "labels.h"

#include "check.h"

static void any_image(void)
{
    jc_above in = {.n_rows = pick(1, 40), .n_cols = pick(1, 70), .n_pixels = pick(1, 6),
                   .connectivity = pick(1, 2) * 4, .times = (float) uniform(0, 2)};
    size_t n = (size_t) in.n_rows * in.n_cols;
    in.image = floats(n, 0, pick(2, 20), 0.1);
    in.threshold = floats(n, 0, 3, 0.1);
    in.masked = pick(0, 1) ? flags8(n, 255, 0.03) : NULL;
    int32_t *segment = room(n * sizeof *segment), n_segments = -1;
    CHECK(jc_label(&in, team, segment, &n_segments) == JC_OK);
    int32_t most = 0;
    for (size_t k = 0; k < n; k++) {
        CHECK(segment[k] >= 0 && segment[k] <= most + 1);
        if (segment[k] > most) most = segment[k];
    }
    CHECK(most == n_segments);
    result(segment, n * sizeof *segment);
}

static void test_known(void)
{
    const float image[12] = {9, 9, 1, 9, 1, 1, 9, 1, NAN, 1, 1, 9}, threshold[12] = {0};
    const int32_t with_8[12] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1};
    const int32_t above_2[12] = {1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1};
    const int32_t beside[12] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    float higher[12];
    int32_t segment[12], n = 0;
    for (int k = 0; k < 12; k++)
        higher[k] = 1;
    jc_above in = {3, 4, 1, 8, image, threshold, 1, NULL};
    CHECK(jc_label(&in, 1, segment, &n) == JC_OK && n == 1 && !memcmp(segment, with_8, sizeof segment));
    in.threshold = higher;
    in.times = 2;
    CHECK(jc_label(&in, 7, segment, &n) == JC_OK && n == 1);
    CHECK(!memcmp(segment, above_2, sizeof segment));
    in.connectivity = 4;
    in.n_pixels = 2;
    CHECK(jc_label(&in, 2, segment, &n) == JC_OK && n == 1 && !memcmp(segment, beside, sizeof segment));
    in.n_pixels = 0;
    REFUSED(jc_label(&in, 1, segment, &n));
    in.n_pixels = 1;
    in.connectivity = 6;
    REFUSED(jc_label(&in, 1, segment, &n));
}

int main(void)
{
    for_each_team("any image", any_image, 80);
    test_known();
    return finish();
}
