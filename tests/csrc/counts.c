#include "counts.h"

#include "check.h"

static void any_image(void)
{
    size_t n = (size_t) pick(1, 5000);
    unsigned char *stored = flags8(2 * n, 255, 0.5);
    float *counts = room(n * sizeof *counts);
    CHECK(jc_counts(stored, n, team, counts) == JC_OK);
    result(counts, n * sizeof *counts);
}

static void test_extremes(void)
{
    const unsigned char stored[6] = {0x80, 0x00, 0x00, 0x01, 0x7f, 0xff};
    float counts[3];
    CHECK(jc_counts(stored, 3, 1, counts) == JC_OK);
    CHECK(counts[0] == 0 && counts[1] == 32769 && counts[2] == 65535);
    REFUSED(jc_counts(stored, 0, 1, counts));
    REFUSED(jc_counts(stored, 3, 0, counts));
}

int main(void)
{
    for_each_team("any image", any_image, 20);
    test_extremes();
    return finish();
}
