#include "decimals.h"

#include "check.h"

static void any_numbers(void)
{
    int n = pick(0, 200);
    double *value = doubles((size_t) n + 1, -1000, 1000);
    for (int k = 0; k < n; k++) {
        uint64_t bits = (uint64_t) draw() << 32 | draw();
        if (pick(0, 1)) memcpy(value + k, &bits, sizeof bits);
        if (pick(0, 9) == 0) value[k] = odd_number();
    }
    size_t bytes = (size_t) n * JC_DECIMAL_WIDTH;
    char *text = room(bytes + 1);
    CHECK(jc_decimals(n, value, team, text) == JC_OK);
    for (int k = 0; k < n; k++) {
        char told[JC_DECIMAL_WIDTH + 1] = {0};
        memcpy(told, text + (size_t) k * JC_DECIMAL_WIDTH, JC_DECIMAL_WIDTH);
        double again = strtod(told, NULL);
        CHECK(isnan(value[k]) ? isnan(again) : again == value[k]);
    }
    result(text, bytes);
}

static void test_some_numbers(void)
{
    const double value[] = {0.1, -1e-5, 1e16, 123, 5e-324, -0.0};
    const char *told[] = {"0.1", "-1e-05", "1e+16", "123.0", "5e-324", "-0.0"};
    char text[6 * JC_DECIMAL_WIDTH];
    CHECK(jc_decimals(6, value, 1, text) == JC_OK);
    for (int k = 0; k < 6; k++)
        CHECK(strcmp(text + k * JC_DECIMAL_WIDTH, told[k]) == 0);
    REFUSED(jc_decimals(-1, value, 1, text));
    REFUSED(jc_decimals(6, value, 0, text));
}

int main(void)
{
    for_each_team("any numbers", any_numbers, 200);
    test_some_numbers();
    return finish();
}
