#include "charge_migration.h"
#include "keeper.h"

#include <stdlib.h>
#include <string.h>

#define NEVER 65535

JC_CLONES
static void note_exceeding(int n, const float *data, float threshold, const uint8_t *groupdq,
                           uint8_t unused, int group, uint16_t *first)
{
    for (int x = 0; x < n; x++) {
        uint16_t at = data[x] > threshold && groupdq[x] != unused ? (uint16_t) group : NEVER;
        first[x] = at < first[x] ? at : first[x];
    }
}

JC_CLONES
static void take_earlier(int n, const uint16_t *other, uint16_t *first)
{
    for (int x = 0; x < n; x++)
        first[x] = other[x] < first[x] ? other[x] : first[x];
}

JC_CLONES
static void flag_from(int n, const uint16_t *first, int group, uint8_t flags, uint8_t *groupdq)
{
    for (int x = 0; x < n; x++)
        groupdq[x] |= first[x] <= group ? flags : 0;
}

/* The first group that exceeds the threshold, of each pixel of a row; returns how many have one. */
static int64_t measure_row(const jc_charge_migration_input *in, const uint8_t *groupdq,
                           int integration, int row, uint16_t *first)
{
    int n = in->n_cols;
    int64_t found = 0;
    memset(first, 0xff, (size_t) n * sizeof *first); /* NEVER */
    for (int g = 0; g < in->n_groups; g++) {
        size_t at = (((size_t) integration * in->n_groups + g) * in->n_rows + row) * n;
        note_exceeding(n, in->data + at, (float) in->threshold, groupdq + at, in->unused, g, first);
    }
    for (int x = 0; x < n; x++)
        found += first[x] != NEVER;
    jc_settle(2 * in->n_groups);
    return found;
}

static void flag_row(const jc_charge_migration_input *in, int integration, int row,
                     const uint16_t *map, uint16_t *first, uint8_t *groupdq)
{
    int n = in->n_cols;
    const uint16_t *own = map + (size_t) row * n;
    memcpy(first, own, (size_t) n * sizeof *first);
    take_earlier(n - 1, own + 1, first);
    take_earlier(n - 1, own, first + 1);
    if (row > 0)
        take_earlier(n, own - n, first);
    if (row + 1 < in->n_rows)
        take_earlier(n, own + n, first);
    for (int g = 0; g < in->n_groups; g++)
        flag_from(n, first, g, in->flags,
                  groupdq + (((size_t) integration * in->n_groups + g) * in->n_rows + row) * n);
    jc_settle(in->n_groups);
}

jc_status jc_charge_migration(const jc_charge_migration_input *in, int n_threads, uint8_t *groupdq,
                              int64_t *n_found)
{
    if (in->n_ints < 1 || in->n_groups < 1 || in->n_groups >= NEVER || in->n_rows < 1 ||
        in->n_cols < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    uint16_t *map = malloc((size_t) in->n_rows * in->n_cols * sizeof *map);
    int failed = map == NULL;
    int64_t found = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed) reduction(+ : found)
    {
        uint16_t *first = malloc((size_t) in->n_cols * sizeof *first);
        int ready = map && first;
        failed |= !ready;
        for (int i = 0; i < in->n_ints; i++) {
#pragma omp for schedule(static)
            for (int row = 0; row < in->n_rows; row++)
                if (ready)
                    found += measure_row(in, groupdq, i, row, map + (size_t) row * in->n_cols);
#pragma omp for schedule(static)
            for (int row = 0; row < in->n_rows; row++)
                if (ready)
                    flag_row(in, i, row, map, first, groupdq);
        }
        free(first);
    }
    free(map);
    *n_found = found;
    return failed ? JC_NO_MEMORY : JC_OK;
}
