#include "stored_flags.h"

/* Elements converted at a time: the pieces that threads share. */
#define PIECE 65536
/* Elements looked at together: most pixels have no flag. */
#define GLANCE 16

JC_INLINE uint32_t word_at(const unsigned char *stored, size_t k)
{
    uint32_t word;
    __builtin_memcpy(&word, stored + 4 * k, sizeof word);
    return __builtin_bswap32(word) ^ 0x80000000u;
}

JC_INLINE uint32_t translate(uint32_t word, const uint32_t *meaning)
{
    uint32_t flags = 0;
    for (; word; word &= word - 1) flags |= meaning[__builtin_ctz(word)];
    return flags;
}

JC_CLONES
static void convert(const unsigned char *stored, size_t n, const uint32_t *meaning, uint32_t *flags)
{
    size_t k = 0;
    for (; k + GLANCE <= n; k += GLANCE) {
        uint32_t any = 0;
        for (size_t i = 0; i < GLANCE; i++) any |= flags[k + i] = word_at(stored, k + i);
        if (any)
            for (size_t i = 0; i < GLANCE; i++) flags[k + i] = translate(flags[k + i], meaning);
    }
    for (; k < n; k++) flags[k] = translate(word_at(stored, k), meaning);
}

jc_status jc_stored_flags(const unsigned char *stored, size_t n, const uint32_t *meaning,
                          int n_threads, uint32_t *flags)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    long n_pieces = (long) ((n + PIECE - 1) / PIECE);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (long piece = 0; piece < n_pieces; piece++) {
        size_t from = (size_t) piece * PIECE;
        size_t length = n - from < PIECE ? n - from : PIECE;
        convert(stored + 4 * from, length, meaning, flags + from);
    }
    return JC_OK;
}
