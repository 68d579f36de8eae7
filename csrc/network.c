/* csrc/network.c: see network.h. */
#include "network.h"

#include <stdlib.h>

/* Beyond this, lanes are sorted one by one: the list of operations would outgrow the data. */
enum { MOST_VALUES = 1 << 15 };

/* gcc makes two vector instructions of a compare-exchange only where it need not care for NaN and
 * signed zeros; otherwise it stores conditionally, several times slower. */
#if defined(__GNUC__) && !defined(__clang__)
#define NO_NAN __attribute__((optimize("finite-math-only", "no-signed-zeros")))
#else
#define NO_NAN
#endif

/* The operations of merge exchange in order; counts them where pairs is NULL. */
static size_t merge_exchange(int n, int32_t *pairs)
{
    size_t count = 0;
    int top = 1;
    while (2 * top < n)
        top *= 2;
    for (int p = top; p > 0; p /= 2)
        for (int q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
            for (int i = 0; i < n - d; i++) {
                if ((i & p) != r) continue;
                if (pairs) {
                    pairs[2 * count] = i * JC_LANES;
                    pairs[2 * count + 1] = (i + d) * JC_LANES;
                }
                count++;
            }
            if (q == p) break;
        }
    return count;
}

/* Drop the operations that do not bear on the wanted rows. */
static size_t prune(int32_t *pairs, size_t count, uint8_t *wanted)
{
    size_t kept = count;
    for (size_t k = count; k-- > 0;) {
        int a = pairs[2 * k] / JC_LANES, b = pairs[2 * k + 1] / JC_LANES;
        if (!wanted[a] && !wanted[b]) continue;
        wanted[a] = wanted[b] = 1;
        kept--;
        pairs[2 * kept] = a * JC_LANES;
        pairs[2 * kept + 1] = b * JC_LANES;
    }
    for (size_t k = 0; k < 2 * (count - kept); k++)
        pairs[k] = pairs[2 * kept + k];
    return count - kept;
}

jc_status jc_network_make(jc_network *network, int n_values, int first, int last)
{
    *network = (jc_network){.n_values = n_values};
    if (n_values < 0 || first < 0 || last < first) return JC_BAD_ARGUMENT;
    if (n_values < 2 || n_values > MOST_VALUES) return JC_OK;
    size_t count = merge_exchange(n_values, NULL);
    uint8_t *wanted = calloc(n_values, 1);
    network->pairs = malloc(2 * count * sizeof *network->pairs);
    if (!wanted || !network->pairs) {
        free(wanted);
        jc_network_free(network);
        return JC_NO_MEMORY;
    }
    for (int k = first; k <= last && k < n_values; k++)
        wanted[k] = 1;
    merge_exchange(n_values, network->pairs);
    network->n_pairs = prune(network->pairs, count, wanted);
    free(wanted);
    return JC_OK;
}

static void sort_one_lane(float *v, int n)
{
    int gap = 1;
    while (gap < n / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (int i = gap; i < n; i++) {
            float x = v[(size_t) i * JC_LANES];
            int j = i;
            for (; j >= gap && v[(size_t) (j - gap) * JC_LANES] > x; j -= gap)
                v[(size_t) j * JC_LANES] = v[(size_t) (j - gap) * JC_LANES];
            v[(size_t) j * JC_LANES] = x;
        }
}

NO_NAN JC_CLONES static void exchange(const int32_t *pairs, size_t n_pairs, float *lanes)
{
    for (size_t k = 0; k < n_pairs; k++) {
        float *restrict a = lanes + pairs[2 * k], *restrict b = lanes + pairs[2 * k + 1];
#pragma omp simd
        for (int c = 0; c < JC_LANES; c++) {
            float x = a[c], y = b[c];
            a[c] = x < y ? x : y;
            b[c] = x < y ? y : x;
        }
    }
}

void jc_network_sort(const jc_network *network, float *lanes)
{
    if (network->pairs)
        exchange(network->pairs, network->n_pairs, lanes);
    else
        for (int c = 0; c < JC_LANES; c++)
            sort_one_lane(lanes + c, network->n_values);
}

void jc_network_free(jc_network *network)
{
    free(network->pairs);
    network->pairs = NULL;
    network->n_pairs = 0;
}
