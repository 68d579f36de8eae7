#include "decimals.h"

/* The method is that of Raffaello Giulietti, "The Schubfach way to render doubles": the number and the
 * middles between it and its neighbours are multiplied by a power of ten, of which 128 bits are enough
 * for their integer parts, and which of the decimals next to the number are between the middles is
 * read from these. */

#define LEAST_POWER (-292)
#define MOST_POWER 324
#define N_POWERS (MOST_POWER - LEAST_POWER + 1)
#define N_WORDS 20

typedef struct {
    uint64_t high, low;
} power;

__extension__ typedef unsigned __int128 wide;

/* The highest 128 bits of a number, whose words begin with the lowest; rounded up if `inexact`, or if
 * bits are left out. */
static power top_of(const uint64_t *word, int inexact)
{
    int last = N_WORDS - 1, shift;
    while (!word[last])
        last--;
    shift = __builtin_clzll(word[last]);
    uint64_t part[3] = {0};
    for (int k = 0; k < 3 && last - k >= 0; k++)
        part[k] = word[last - k];
    power top = {part[0], part[1]};
    if (shift) {
        top.high = part[0] << shift | part[1] >> (64 - shift);
        top.low = part[1] << shift | part[2] >> (64 - shift);
    }
    inexact |= (part[2] << shift) != 0;
    for (int k = last - 3; k >= 0; k--)
        inexact |= word[k] != 0;
    if (inexact && ++top.low == 0) top.high++;
    return top;
}

static void find_powers(power *powers)
{
    uint64_t word[N_WORDS] = {1};
    for (int k = 0; k <= MOST_POWER; k++) {
        powers[k - LEAST_POWER] = top_of(word, 0);
        wide carry = 0;
        for (int j = 0; j < N_WORDS; j++) {
            carry += (wide) word[j] * 10;
            word[j] = (uint64_t) carry;
            carry >>= 64;
        }
    }
    memset(word, 0, sizeof word);
    word[N_WORDS - 1] = (uint64_t) 1 << 63;
    for (int k = -1; k >= LEAST_POWER; k--) {
        wide rest = 0;
        for (int j = N_WORDS - 1; j >= 0; j--) {
            rest = rest << 64 | word[j];
            word[j] = (uint64_t) (rest / 10);
            rest %= 10;
        }
        powers[k - LEAST_POWER] = top_of(word, 1);
    }
}

/* Integer parts of logarithms, for the exponents of doubles. */
JC_INLINE int log10_of_power_of_2(int e) { return (e * 1262611) >> 22; }
JC_INLINE int log10_of_three_quarters(int e) { return (e * 1262611 - 524031) >> 22; }
JC_INLINE int log2_of_power_of_10(int e) { return (e * 1741647) >> 19; }

/* The integer part of a product, odd if there is more behind it. */
JC_INLINE uint64_t times(power p, uint64_t factor)
{
    wide low = (wide) p.low * factor, high = (wide) p.high * factor + (uint64_t) (low >> 64);
    return (uint64_t) (high >> 64) | ((uint64_t) high > 1);
}

typedef struct {
    uint64_t digits;
    int exponent; /* of ten */
} decimal;

/* Of a number that is finite and not zero. */
static decimal shortest(uint64_t fraction, int exponent, const power *powers)
{
    uint64_t c = exponent ? fraction | (uint64_t) 1 << 52 : fraction;
    int q = exponent ? exponent - 1075 : -1074;
    int uneven = fraction == 0 && exponent > 1; /* the neighbour below is nearer */
    int k = uneven ? log10_of_three_quarters(q) : log10_of_power_of_2(q);
    int h = q + log2_of_power_of_10(-k) + 1;
    power p = powers[-k - LEAST_POWER];
    uint64_t at = times(p, (4 * c) << h), odd = c & 1; /* in quarters */
    uint64_t below = times(p, (4 * c - 2 + (uint64_t) uneven) << h) + odd;
    uint64_t above = times(p, (4 * c + 2) << h) - odd;
    uint64_t s = at / 4, tens = s / 10;
    if (s >= 10) {
        int down = below <= 40 * tens, up = 40 * tens + 40 <= above;
        if (down != up) return (decimal) {tens + (uint64_t) up, k + 1};
    }
    int down = below <= 4 * s, up = 4 * s + 4 <= above;
    if (down == up) up = at > 4 * s + 2 || (at == 4 * s + 2 && (s & 1));
    return (decimal) {s + (uint64_t) up, k};
}

/* Write a decimal as Python does. */
static char *write_decimal(decimal d, char *to)
{
    char digit[20];
    int n = 0;
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    for (uint64_t left = d.digits; left; left /= 10)
        n++;
    for (int k = n - 1; k >= 0; k--, d.digits /= 10)
        digit[k] = (char) ('0' + d.digits % 10);
    int point = n + d.exponent; /* before which digit */
    if (point > 16 || point < -3) {
        *to++ = digit[0];
        if (n > 1) *to++ = '.';
        memcpy(to, digit + 1, (size_t) n - 1);
        to += n - 1;
        int e = point - 1;
        *to++ = 'e';
        *to++ = e < 0 ? '-' : '+';
        e = abs(e);
        if (e >= 100) *to++ = (char) ('0' + e / 100);
        *to++ = (char) ('0' + e / 10 % 10);
        *to++ = (char) ('0' + e % 10);
        return to;
    }
    if (point <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int k = point; k < 0; k++)
            *to++ = '0';
        memcpy(to, digit, (size_t) n);
        return to + n;
    }
    for (int k = 0; k < n || k <= point; k++) {
        if (k == point) *to++ = '.';
        *to++ = k < n ? digit[k] : '0';
    }
    return to;
}

static void write_number(double value, const power *powers, char *to)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & (((uint64_t) 1 << 52) - 1);
    int exponent = (int) (bits >> 52 & 2047);
    memset(to, 0, JC_DECIMAL_WIDTH);
    if (exponent == 2047 && fraction) {
        memcpy(to, "nan", 3);
        return;
    }
    if (bits >> 63) *to++ = '-';
    if (exponent == 2047)
        memcpy(to, "inf", 3);
    else if (!exponent && !fraction)
        memcpy(to, "0.0", 3);
    else
        write_decimal(shortest(fraction, exponent, powers), to);
}

jc_status jc_decimals(int64_t n, const double *value, int n_threads, char *text)
{
    if (n < 0 || n_threads < 1) return JC_BAD_ARGUMENT;
    power powers[N_POWERS];
    find_powers(powers);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t k = 0; k < n; k++)
        write_number(value[k], powers, text + k * JC_DECIMAL_WIDTH);
    return JC_OK;
}
