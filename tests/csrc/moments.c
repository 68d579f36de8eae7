#include "moments.h"

#include "check.h"

static void any_segments(void)
{
    jc_labelled s = {.n_rows = pick(1, 40), .n_cols = pick(1, 40), .n_labels = pick(0, 20)};
    size_t n = (size_t) s.n_rows * s.n_cols;
    int32_t *segment = room(n * sizeof *segment);
    uint8_t *uncovered = room(n);
    for (size_t k = 0; k < n; k++) {
        segment[k] = k && pick(0, 3) ? segment[k - 1] : pick(-1, s.n_labels + 1);
        uncovered[k] = pick(0, 9) == 0;
    }
    s.segment = segment;
    s.uncovered = uncovered;
    s.image = floats(n, -10, 1000, 0.05);
    s.error = floats(n, 0, 10, 0.05);
    s.smooth = floats(n, -10, 1000, 0.05);
    size_t n_labels = (size_t) s.n_labels;
    jc_box *box = room(n_labels * sizeof *box + 1);
    jc_measured *measured = room(n_labels * sizeof *measured + 1);
    CHECK(jc_moments(&s, team, box, measured) == JC_OK);
    result(box, n_labels * sizeof *box);
    result(measured, n_labels * sizeof *measured);
}

static void test_a_segment(void)
{
    const int32_t segment[6] = {0, 1, 1, 0, 1, 3};
    const float image[6] = {9, 1, 2, 9, 3, 9}, error[6] = {9, 1, 2, 9, 2, 9};
    const float smooth[6] = {9, 1, 1, 9, 2, 9};
    const uint8_t uncovered[6] = {0};
    jc_labelled s = {2, 3, 2, segment, image, error, smooth, uncovered};
    jc_box box[2];
    jc_measured m[2];
    CHECK(jc_moments(&s, 1, box, m) == JC_OK);
    CHECK(box[0].left == 1 && box[0].right == 2 && box[0].bottom == 0 && box[0].top == 1);
    CHECK(box[1].left > box[1].right);
    CHECK(m[0].area == 3 && m[0].flux == 6 && m[0].variance == 9 && m[0].mass == 4);
    CHECK(m[1].area == 0 && isnan(m[1].x));
    CHECK_NEAR(m[0].x, 1.25, 0);
    CHECK_NEAR(m[0].y, 0.5, 0);
    CHECK_NEAR(m[0].xx, 3.0 / 16, 1e-16);
    CHECK_NEAR(m[0].xy, -0.125, 1e-16);
    CHECK_NEAR(m[0].yy, 0.25, 1e-16);
    s.n_labels = -1;
    REFUSED(jc_moments(&s, 1, box, m));
    s.n_labels = 2;
    REFUSED(jc_moments(&s, 0, box, m));
}

int main(void)
{
    for_each_team("any segments", any_segments, 60);
    test_a_segment();
    return finish();
}
