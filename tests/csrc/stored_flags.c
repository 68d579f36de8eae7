#include "stored_flags.h"

#include "check.h"

static void any_image(void)
{
    size_t n = (size_t) pick(1, 5000);
    unsigned char *stored = flags8(4 * n, 255, 0.1);
    for (size_t k = 0; k < n; k++) stored[4 * k] ^= 0x80; /* 0 is no flag */
    uint32_t *meaning = room(32 * sizeof *meaning);
    for (int bit = 0; bit < 32; bit++) meaning[bit] = draw();
    uint32_t *flags = room(n * sizeof *flags);
    CHECK(jc_stored_flags(stored, n, meaning, team, flags) == JC_OK);
    result(flags, n * sizeof *flags);
}

static void test_meanings(void)
{
    const unsigned char stored[16] = {0x80, 0, 0, 0, 0x80, 0, 0, 5, 0, 0, 0, 0, 0x7f, 255, 255, 255};
    uint32_t meaning[32] = {1u << 9, 7, 0}, flags[4];
    meaning[31] = 1;
    CHECK(jc_stored_flags(stored, 4, meaning, 1, flags) == JC_OK);
    CHECK(flags[0] == 0 && flags[1] == 1u << 9 && flags[2] == 1 && flags[3] == (1u << 9 | 7 | 1));
    REFUSED(jc_stored_flags(stored, 0, meaning, 1, flags));
    REFUSED(jc_stored_flags(stored, 4, meaning, 0, flags));
}

int main(void)
{
    for_each_team("any image", any_image, 20);
    test_meanings();
    return finish();
}
