#include "counts.h"
#include "keeper.h"

/* Elements converted at a time: the pieces that threads share. */
#define PIECE 65536

JC_CLONES
static void convert(const unsigned char *stored, size_t n, float *counts)
{
    for (size_t k = 0; k < n; k++) {
        unsigned int word = (unsigned int) stored[2 * k] << 8 | stored[2 * k + 1];
        counts[k] = (float) (int) (word ^ 0x8000u);
    }
}

jc_status jc_counts(const unsigned char *stored, size_t n, int n_threads, float *counts)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    long n_pieces = (long) ((n + PIECE - 1) / PIECE);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (long piece = 0; piece < n_pieces; piece++) {
        size_t from = (size_t) piece * PIECE;
        size_t length = n - from < PIECE ? n - from : PIECE;
        convert(stored + 2 * from, length, counts + from);
        jc_settle(PIECE * 6 / 65536); /* both sides, in pieces of 64 kB */
    }
    return JC_OK;
}
