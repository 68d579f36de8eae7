#include "segments.h"

#include "check.h"

/* Segments that are rectangles of the image, or parts of one; connected unless told. */
static jc_segments draw_segments(int n_labels)
{
    jc_segments in = {.n_rows = pick(1, 20), .n_cols = pick(1, 40), .n_labels = n_labels,
                      .n_pixels = pick(1, 6), .connectivity = pick(1, 2) * 4};
    size_t n = (size_t) in.n_rows * in.n_cols;
    int32_t *segment = room(n * sizeof *segment);
    int width = in.n_cols / (n_labels + 1) + 1;
    for (size_t k = 0; k < n; k++) {
        int col = (int) (k % (size_t) in.n_cols);
        segment[k] = col % width < width - 1 ? (col / width + 1) % (n_labels + 1) : 0;
    }
    in.segment = segment;
    in.image = pick(0, 1) ? floats(n, 0, 10, 0.1) : floats(n, 0, 3, 0);
    if (pick(0, 1))
        for (size_t k = 0; k < n; k++)
            ((float *) in.image)[k] = roundf(in.image[k]);
    return in;
}

static void any_labels(void)
{
    jc_segments in = draw_segments(pick(0, 4));
    size_t n = (size_t) in.n_rows * in.n_cols;
    for (size_t k = 0; k < n; k++)
        ((int32_t *) in.segment)[k] = pick(0, in.n_labels);
    jc_segment *found = room(((size_t) in.n_labels + 1) * sizeof *found);
    CHECK(jc_survey(&in, team, found) == JC_OK);
    result(found, (size_t) in.n_labels * sizeof *found);
}

static void any_division(void)
{
    const int n_labels = pick(1, 4), n_levels = pick(1, 9);
    jc_segments in = draw_segments(n_labels);
    size_t n = (size_t) in.n_rows * in.n_cols, n_steps = (size_t) (n_labels * n_levels);
    jc_segment *found = room((size_t) n_labels * sizeof *found);
    int32_t *which = room((size_t) n_labels * sizeof *which), *segment = room(n * sizeof *segment);
    double *levels = doubles(n_steps, 0, 10), *second = doubles(n_steps, 0, 10);
    CHECK(jc_survey(&in, team, found) == JC_OK);
    jc_division what = {.in = in, .found = found, .n_levels = n_levels, .which = which,
                        .levels = levels, .second = second, .contrast = uniform(0, 0.3)};
    for (int label = 1; label <= n_labels; label++) {
        if (!found[label - 1].n_pixels) continue;
        which[what.n_which++] = label;
        for (int i = 0; pick(0, 3) && i < n_levels; i++)
            levels[(what.n_which - 1) * n_levels + i] = 10. * i / n_levels;
    }
    CHECK(jc_take_apart(&what, team, segment) == JC_OK);
    int32_t most = 0;
    for (size_t k = 0; k < n; k++) {
        CHECK((segment[k] > 0) == (in.segment[k] > 0));
        if (segment[k] > most) most = segment[k];
    }
    CHECK(most >= what.n_which);
    result(segment, n * sizeof *segment);
}

static void test_saddle(void)
{
    const float image[5] = {3, 4, 1, 5, 6};
    int32_t segment[5] = {1, 1, 1, 1, 1};
    jc_segment found;
    jc_segments in = {1, 5, 1, 2, 8, image, segment};
    CHECK(jc_survey(&in, 1, &found) == JC_OK && found.divisible == 1);
    CHECK(found.n_pixels == 5 && found.low == 1 && found.high == 6 && found.sum == 19);
    in.n_pixels = 3;
    CHECK(jc_survey(&in, 1, &found) == JC_OK && found.divisible == 0);
    segment[0] = 2;
    REFUSED(jc_survey(&in, 1, &found));
    segment[0] = 1;
    in.connectivity = 5;
    REFUSED(jc_survey(&in, 1, &found));
}

static void test_division(void)
{
    const float image[6] = {3, 4, 1, 2, 6, 5};
    int32_t segment[6] = {1, 1, 1, 1, 1, 2}, divided[6];
    const int32_t known[6] = {2, 2, 2, 3, 3, 1}, which[1] = {1}, wrong[1] = {3};
    const double level[1] = {2.5};
    jc_segment found[2];
    jc_segments in = {1, 6, 2, 1, 4, image, segment};
    CHECK(jc_survey(&in, 2, found) == JC_OK);
    jc_division what = {in, found, 1, 1, which, level, level, 0.1};
    CHECK(jc_take_apart(&what, 2, divided) == JC_OK && !memcmp(divided, known, sizeof known));
    what.contrast = 0.5; /* the part of 8 has exactly half of 16, and stays */
    CHECK(jc_take_apart(&what, 2, divided) == JC_OK && divided[0] == 2 && divided[4] == 3);
    what.contrast = 0.6;
    CHECK(jc_take_apart(&what, 2, divided) == JC_OK && divided[0] == 1 && divided[4] == 1);
    what.contrast = 2;
    REFUSED(jc_take_apart(&what, 1, divided));
    what.contrast = 0;
    what.which = wrong;
    REFUSED(jc_take_apart(&what, 1, divided));
    what.which = which;
    segment[4] = 2; /* less than the survey found, more, others */
    REFUSED(jc_take_apart(&what, 1, divided));
    segment[4] = 1;
    found[0].n_pixels = 4;
    REFUSED(jc_take_apart(&what, 1, divided));
    found[0].n_pixels = 5;
    segment[5] = 3;
    REFUSED(jc_take_apart(&what, 1, divided));
    segment[5] = 2;
    found[0].n_cols = 9;
    REFUSED(jc_take_apart(&what, 1, divided));
}

int main(void)
{
    for_each_team("any labels", any_labels, 60);
    for_each_team("any division", any_division, 100);
    test_saddle();
    test_division();
    return finish();
}
