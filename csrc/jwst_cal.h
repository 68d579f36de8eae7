/* csrc/jwst_cal.h: what every kernel shares: status codes and the numeric policy.
 *
 * Numbers: float32 stored, float64 accumulated; no fused multiply-add (-ffp-contract=off), no
 * -ffast-math; result bytes do not depend on the number of threads or on the CPU.
 *
 * Functions return a jc_status, take const inputs first and outputs (marked OUT) last, know no
 * DQ bit by number, and neither allocate nor fail inside a pixel loop. */
#ifndef JWST_CAL_H
#define JWST_CAL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef enum {
    JC_OK = 0,
    JC_BAD_ARGUMENT = 1, /* a size, count or option out of its range */
    JC_NO_MEMORY = 2     /* scratch memory could not be had */
} jc_status;

/* A static, constant sentence for a status. */
const char *jc_status_text(jc_status status);

/* JC_CLONES: compile a function for AVX-512, AVX2 and baseline x86-64; the loader picks one. The
 * mark goes on the plain function that holds the loop, never on one with an OpenMP region
 * (its outlined body would not be cloned). JC_INLINE helpers are cloned with their caller. */
#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#if __GNUC__ >= 12
#define JC_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define JC_CLONES __attribute__((target_clones("avx2", "default")))
#endif
#else
#define JC_CLONES
#endif

#define JC_INLINE static inline __attribute__((always_inline))

/* Zeroed scratch memory that starts with a cache line, so that no vector straddles two; NULL if
 * there is none. To be freed. */
JC_INLINE void *jc_room(size_t n, size_t size)
{
    const size_t line = 64, bytes = (n * size / line + 1) * line;
    void *room = aligned_alloc(line, bytes);
    return room ? memset(room, 0, bytes) : NULL;
}

/* Have memory brought into the cache that is read soon. A place beyond the end of an array does no
 * harm. */
JC_INLINE void jc_fetch(const void *from, size_t bytes)
{
    for (size_t k = 0; k < bytes; k += 64)
        __builtin_prefetch((const char *) from + k);
}

/* Copy what will not be read again soon past the caches, which saves reading the lines that it
 * overwrites. Each thread ends its copies with jc_stream_end, before others see them. */
JC_INLINE void jc_stream(void *to, const void *from, size_t bytes)
{
#ifdef __SSE2__
    if (((uintptr_t) to | (uintptr_t) from | bytes) % sizeof(__m128i) == 0) {
        for (size_t k = 0; k < bytes / sizeof(__m128i); k++)
            _mm_stream_si128((__m128i *) to + k, _mm_load_si128((const __m128i *) from + k));
        return;
    }
#endif
    memcpy(to, from, bytes);
}

JC_INLINE void jc_stream_end(void)
{
#ifdef __SSE2__
    _mm_sfence();
#endif
}

/* The float32 with the given bits, their bytes in the other order if `swapped`: the arrays of
 * reference files are read as they lie, big-endian. */
JC_INLINE float jc_float32(uint32_t bits, int swapped)
{
    float value;
    if (swapped) bits = __builtin_bswap32(bits);
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

/* Copy n float32 of a plane, from place `at` on, that are in the other byte order if `swapped`. */
JC_INLINE void jc_copy_plane(const void *plane, size_t at, int swapped, float *restrict to, int n)
{
    const uint32_t *restrict from = (const uint32_t *) plane + at;
    if (swapped)
        for (int k = 0; k < n; k++) to[k] = jc_float32(from[k], 1);
    else
        for (int k = 0; k < n; k++) to[k] = jc_float32(from[k], 0);
}

#endif
