#include "network.h"

#include "check.h"

static int ascending(const void *a, const void *b)
{
    float x = *(const float *) a, y = *(const float *) b;
    return (x > y) - (x < y);
}

/* The wanted ranks of every lane against qsort. */
static void test_ranks(int n, int first, int last)
{
    jc_network network;
    CHECK(jc_network_make(&network, n, first, last) == JC_OK);
    float *lanes = room(n * JC_LANES * sizeof *lanes), *sorted = room(n * sizeof *sorted);
    float *given = room(n * JC_LANES * sizeof *given);
    for (int k = 0; k < n * JC_LANES; k++)
        given[k] = lanes[k] = draw() % 8 ? (float) pick(-9, 9) : INFINITY;
    jc_network_sort(&network, lanes);
    for (int c = 0; c < JC_LANES; c++) {
        for (int k = 0; k < n; k++)
            sorted[k] = given[k * JC_LANES + c];
        qsort(sorted, n, sizeof *sorted, ascending);
        for (int k = first; k <= last && k < n; k++)
            CHECK(lanes[k * JC_LANES + c] == sorted[k]);
    }
    jc_network_free(&network);
    jc_network_free(&network);
    free_rooms();
}

int main(void)
{
    jc_network network;
    for (int n = 1; n < 70; n++) {
        test_ranks(n, 0, n);
        test_ranks(n, (n - 1) / 2, n / 2);
    }
    test_ranks((1 << 15) + 1, 0, 40); /* beyond the longest network */
    CHECK(jc_network_make(&network, 0, 0, 0) == JC_OK);
    jc_network_free(&network);
    REFUSED(jc_network_make(&network, -1, 0, 0));
    REFUSED(jc_network_make(&network, 5, 3, 2));
    return finish();
}
