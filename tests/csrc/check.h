/* tests/csrc/check.h: what the C tests share: checks, random input of exactly the size needed, and
 * a driver that runs a case with teams of 1, 2 and 7 threads and compares the bytes of the results.
 *
 * A case draws its input, calls the kernel with `team` threads, and hands each result to `result`.
 * Its memory comes from `room`, whose ends the address sanitizer watches; the driver frees it. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jwst_cal.h"

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);           \
            failures++;                                                              \
        }                                                                            \
    } while (0)
#define CHECK_NEAR(a, b, tolerance) CHECK(fabs((double) (a) - (double) (b)) <= (tolerance))
#define REFUSED(call) CHECK((call) == JC_BAD_ARGUMENT)

static int failures;
static uint64_t state = 1, digest;
static int team;
static void *blocks[4096];
static int n_blocks;

static inline void *room(size_t bytes)
{
    void *block = malloc(bytes);
    if (!block || n_blocks == (int) (sizeof blocks / sizeof *blocks)) {
        printf("no memory for a test\n");
        exit(2);
    }
    memset(block, 0, bytes);
    blocks[n_blocks++] = block;
    return block;
}

static inline void free_rooms(void)
{
    while (n_blocks)
        free(blocks[--n_blocks]);
}

/* ---- random numbers (xorshift) ---- */
static inline uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t) (state >> 32);
}

static inline int pick(int low, int high) /* both included */
{
    return low + (int) (draw() % (uint32_t) (high - low + 1));
}

static inline double uniform(double low, double high)
{
    return low + (high - low) * draw() / 4294967296.0;
}

static inline float odd_number(void)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 3e38f, -3e38f, 1e-40f, -7.0f};
    return odd[draw() % (sizeof odd / sizeof *odd)];
}

/* Numbers of a range; a share of them is NaN, infinite, huge, tiny, zero or negative. */
static inline float *floats(size_t n, double low, double high, double share)
{
    float *values = room(n * sizeof *values);
    for (size_t k = 0; k < n; k++)
        values[k] = uniform(0, 1) < share ? odd_number() : (float) uniform(low, high);
    return values;
}

static inline double *doubles(size_t n, double low, double high)
{
    double *values = room(n * sizeof *values);
    for (size_t k = 0; k < n; k++)
        values[k] = uniform(low, high);
    return values;
}

/* Flags: each of the bits with a probability. */
static inline uint8_t *flags8(size_t n, uint8_t bits, double share)
{
    uint8_t *values = room(n);
    for (size_t k = 0; k < n; k++)
        for (int bit = 1; bit < 256; bit *= 2)
            if ((bits & bit) && uniform(0, 1) < share) values[k] |= (uint8_t) bit;
    return values;
}

static inline uint32_t *flags32(size_t n, uint32_t bits, double share)
{
    uint32_t *values = room(n * sizeof *values);
    for (size_t k = 0; k < n; k++)
        for (int bit = 0; bit < 32; bit++)
            if ((bits >> bit & 1) && uniform(0, 1) < share) values[k] |= (uint32_t) 1 << bit;
    return values;
}

/* Ramps [integration][group][pixel] that climb, with jumps, noise and odd numbers. */
static inline float *ramps(int n_ints, int n_groups, size_t n_pixels, double share)
{
    float *data = room((size_t) n_ints * n_groups * n_pixels * sizeof *data);
    for (int i = 0; i < n_ints; i++)
        for (size_t x = 0; x < n_pixels; x++) {
            double level = uniform(0, 100), rate = exp(uniform(0, 9));
            for (int g = 0; g < n_groups; g++) {
                level += rate + uniform(-20, 20) + (draw() % 16 ? 0 : uniform(0, 20000));
                float value = uniform(0, 1) < share ? odd_number() : (float) level;
                data[((size_t) i * n_groups + g) * n_pixels + x] = value;
            }
        }
    return data;
}

/* ---- driver ---- */
static inline void result(const void *bytes, size_t n)
{
    for (size_t k = 0; k < n; k++)
        digest = (digest ^ ((const uint8_t *) bytes)[k]) * 1099511628211u;
}

static inline void for_each_team(const char *name, void (*run)(void), int n_draws)
{
    static const int teams[] = {1, 2, 7};
    for (int k = 1; k <= n_draws; k++) {
        uint64_t first = 0;
        for (int t = 0; t < 3; t++) {
            state = (uint64_t) k * 0x9E3779B97F4A7C15u;
            digest = 14695981039346656037u;
            team = teams[t];
            run();
            free_rooms();
            if (t == 0) first = digest;
            if (digest != first) {
                printf("%s, draw %d: %d threads give other bytes than one\n", name, k, team);
                failures++;
            }
        }
    }
}

static inline int finish(void)
{
    free_rooms();
    if (failures) printf("%d failures\n", failures);
    return failures != 0;
}

#endif
