#include "dark.h"

#include "check.h"

static void any_exposure(void)
{
    jc_dark d = {.n_ints = pick(1, 3), .n_groups = pick(1, 5), .n_rows = pick(1, 7),
                 .n_cols = pick(1, 40), .n_dark_ints = pick(1, 2), .frames_per_group = pick(1, 4),
                 .extrapolate = pick(0, 1), .swapped = pick(0, 1)};
    d.group_step = d.frames_per_group + pick(0, 2);
    int needed = (d.n_groups - 1) * d.group_step + d.frames_per_group;
    d.n_frames = d.extrapolate ? pick(2, needed + 2) : needed + pick(0, 2);
    size_t image = (size_t) d.n_rows * d.n_cols, n = image * d.n_ints * d.n_groups;
    size_t padding = (size_t) pick(0, 1) * 4; /* rows and frames need not be contiguous */
    d.row_step = (ptrdiff_t) (d.n_cols * sizeof(float) + padding);
    d.frame_step = d.n_rows * d.row_step;
    d.integration_step = d.n_frames * d.frame_step;
    size_t bytes = (size_t) (d.n_dark_ints * d.integration_step);
    d.frames = (unsigned char *) floats(bytes / sizeof(float), -5, 200, 0.05);
    int32_t *which = room(d.n_ints * sizeof *which);
    for (int i = 0; i < d.n_ints; i++)
        which[i] = pick(0, d.n_dark_ints - 1);
    d.which = which;
    d.group_from = pick(0, d.n_groups - 1);
    d.group_to = pick(d.group_from, d.n_groups);
    d.row_from = pick(0, d.n_rows - 1);
    d.row_to = pick(d.row_from, d.n_rows);
    float *data = ramps(d.n_ints, d.n_groups, image, 0.05);
    float *averaged = room(image * d.n_dark_ints * d.n_groups * sizeof *averaged);
    CHECK(jc_subtract_dark(&d, team, data, draw() % 2 ? averaged : NULL) == JC_OK);
    result(data, n * sizeof *data);
    result(averaged, image * d.n_dark_ints * d.n_groups * sizeof *averaged);
}

/* Two groups of two frames, a frame dropped between: 1 2 (3) 4 5. */
static void test_average(void)
{
    const float frames[5] = {1, 2, 3, 4, 5};
    const int32_t first = 0, second = 1;
    float data[2] = {10, 20};
    jc_dark d = {1, 2, 1, 1, 1, 5, (const unsigned char *) frames, 20, 4, 4, 0, 2, 3, 0, &first,
                 0, 2, 0, 1};
    CHECK(jc_subtract_dark(&d, 1, data, NULL) == JC_OK);
    CHECK(data[0] == 8.5f && data[1] == 15.5f);
    d.n_frames = 4;
    REFUSED(jc_subtract_dark(&d, 1, data, NULL));
    d.extrapolate = 1; /* the fifth frame continues the line of the third and fourth */
    CHECK(jc_subtract_dark(&d, 1, data, NULL) == JC_OK);
    CHECK(data[1] == 11);
    d.group_from = 1; /* the second alone */
    CHECK(jc_subtract_dark(&d, 1, data, NULL) == JC_OK);
    CHECK(data[0] == 7 && data[1] == 6.5f);
    d.group_to = 3;
    REFUSED(jc_subtract_dark(&d, 1, data, NULL));
    d.group_to = 2;
    d.which = &second;
    REFUSED(jc_subtract_dark(&d, 1, data, NULL));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 60);
    test_average();
    return finish();
}
