#include "neighbours.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    double x, y;
    int32_t index;
} place;

static int by_y(const void *a, const void *b)
{
    const place *one = a, *other = b;
    if (one->y != other->y) return one->y < other->y ? -1 : 1;
    return (one->index > other->index) - (one->index < other->index);
}

#define NONE (-1)

typedef struct {
    double square;
    int32_t index;
} neighbour;

/* Look at those that follow in one direction, as long as y alone does not put them too far. */
JC_INLINE void look(const place *places, int k, int step, int end, neighbour *best)
{
    for (int j = k + step; j != end; j += step) {
        double x = places[j].x - places[k].x, y = places[j].y - places[k].y;
        if (y * y > best->square) return;
        double square = x * x + y * y;
        if (square < best->square ||
            (square == best->square && best->index != NONE && places[j].index < best->index))
            *best = (neighbour) {square, places[j].index};
    }
}

jc_status jc_neighbours(int n, const double *position, int n_threads, int32_t *nearest,
                        double *distance)
{
    if (n < 0 || n_threads < 1) return JC_BAD_ARGUMENT;
    place *places = malloc(((size_t) n + 1) * sizeof *places);
    if (!places) return JC_NO_MEMORY;
    int m = 0;
    for (int k = 0; k < n; k++) {
        nearest[k] = -1;
        distance[k] = NAN;
        places[m] = (place) {position[2 * (size_t) k], position[2 * (size_t) k + 1], k};
        m += isfinite(places[m].x) && isfinite(places[m].y);
    }
    qsort(places, (size_t) m, sizeof *places, by_y);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int k = 0; k < m; k++) {
        neighbour best = {INFINITY, NONE};
        look(places, k, 1, m, &best);
        look(places, k, -1, -1, &best);
        if (best.index == NONE) continue;
        nearest[places[k].index] = best.index;
        distance[places[k].index] = sqrt(best.square);
    }
    free(places);
    return JC_OK;
}
