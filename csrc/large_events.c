/* csrc/large_events.c: see large_events.h. Regions are found from runs of flagged pixels in a row,
 * joined to the runs of the row above that they touch. */
#include "large_events.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define PI 3.14159265358979323846
#define MOST_AXIS 1e6 /* beyond any detector, and safe to round */

typedef struct {
    int row, start, end, region; /* columns start..end-1 */
    int next;                    /* run of the same region; negative for the last */
} run;

typedef struct {
    int parent; /* the region it belongs to; itself for the first of its pixels */
    int first, last; /* runs */
    int top, bottom, left, right;
    int64_t n, x, y; /* sums over its pixels */
} region;

/* Scratch memory of one thread. */
typedef struct {
    run *runs;
    region *regions;
    uint8_t *mask;
    int *stack;
    double *columns;
    size_t n_runs, runs_room, n_regions, regions_room, mask_room, stack_room, columns_room;
    jc_ellipses jumps, cores, next_cores;
} finder;

typedef struct {
    int64_t *items;
    size_t n, room;
} pixels;

/* Room for one more (or `need`) elements; 0 when there is no memory. */
static int make_room(void **items, size_t *room, size_t need, size_t size)
{
    if (need <= *room) return 1;
    size_t wanted = *room ? *room : 256;
    while (wanted < need)
        wanted *= 2;
    void *grown = realloc(*items, wanted * size);
    if (!grown) return 0;
    *items = grown;
    *room = wanted;
    return 1;
}

/* ---------------------------------------------------------------- regions ------------------ */

static int root_of(region *all, int k)
{
    while (all[k].parent != k)
        k = all[k].parent = all[all[k].parent].parent;
    return k;
}

static int add_run(finder *f, int row, int start, int end, size_t *above, size_t above_end)
{
    if (!make_room((void **) &f->runs, &f->runs_room, f->n_runs + 1, sizeof *f->runs) ||
        !make_room((void **) &f->regions, &f->regions_room, f->n_regions + 1, sizeof *f->regions))
        return 0;
    int mine = -1;
    while (*above < above_end && f->runs[*above].end < start)
        ++*above;
    for (size_t k = *above; k < above_end && f->runs[k].start <= end; k++) {
        int other = root_of(f->regions, f->runs[k].region);
        if (mine < 0 || other == mine) {
            mine = other;
        } else { /* the earlier one keeps its place */
            int early = other < mine ? other : mine, late = other < mine ? mine : other;
            f->regions[late].parent = early;
            mine = early;
        }
    }
    if (mine < 0) {
        mine = (int) f->n_regions++;
        f->regions[mine] = (region){.parent = mine, .top = row, .left = start};
    }
    f->runs[f->n_runs++] = (run){row, start, end, mine, -1};
    return 1;
}

/* Runs of the pixels of one row with the bit set in `now` and not in `before` (may be NULL). */
static int add_row(finder *f, const uint8_t *now, const uint8_t *before, int n_cols, uint8_t bit,
                   int row, size_t above, size_t above_end)
{
    const uint64_t everywhere = 0x0101010101010101u * (uint64_t) bit;
    for (int col = 0; col < n_cols;) {
        while (col + 8 <= n_cols) { /* eight pixels without the bit */
            uint64_t here, past = 0;
            memcpy(&here, now + col, 8);
            if (before) memcpy(&past, before + col, 8);
            if (here & ~past & everywhere) break;
            col += 8;
        }
        while (col < n_cols && !(now[col] & bit && !(before && before[col] & bit)))
            col++;
        int start = col;
        while (col < n_cols && now[col] & bit && !(before && before[col] & bit))
            col++;
        if (col > start && !add_run(f, row, start, col, &above, above_end)) return 0;
    }
    return 1;
}

static void sum_runs(finder *f)
{
    for (size_t k = 0; k < f->n_runs; k++) {
        const run *r = f->runs + k;
        region *g = f->regions + root_of(f->regions, r->region);
        int64_t a = r->start, b = r->end, n = b - a;
        if (g->n == 0) {
            g->first = (int) k;
            g->left = r->start;
            g->right = r->end;
        } else {
            f->runs[g->last].next = (int) k;
        }
        g->last = (int) k;
        g->left = r->start < g->left ? r->start : g->left;
        g->right = r->end > g->right ? r->end : g->right;
        g->bottom = r->row + 1;
        g->n += n;
        g->x += (a + b - 1) * n / 2;
        g->y += n * r->row;
    }
}

/* Pixels of a region with its holes: those that cannot be reached from outside by steps in eight
 * directions. Negative when there is no memory. */
static int64_t filled_area(finder *f, const region *g)
{
    const int wide_by = g->right - g->left + 2, high_by = g->bottom - g->top + 2;
    const size_t size = (size_t) wide_by * high_by;
    int depth = 0;
    int64_t outside = 1;
    if (!make_room((void **) &f->mask, &f->mask_room, size, 1) ||
        !make_room((void **) &f->stack, &f->stack_room, size, sizeof *f->stack))
        return -1;
    memset(f->mask, 0, size);
    for (int k = g->first; k >= 0; k = f->runs[k].next) {
        const run *r = f->runs + k;
        memset(f->mask + (size_t) (r->row - g->top + 1) * wide_by + r->start - g->left + 1, 1,
               r->end - r->start);
    }
    /* The box has a margin of one pixel, and its first corner is outside. */
    f->mask[0] = 2;
    f->stack[depth++] = 0;
    while (depth > 0) {
        int at = f->stack[--depth], row = at / wide_by, col = at % wide_by;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int y = row + dy, x = col + dx;
                if (y < 0 || x < 0 || y >= high_by || x >= wide_by) continue;
                uint8_t *m = f->mask + (size_t) y * wide_by + x;
                if (*m) continue;
                *m = 2;
                outside++;
                f->stack[depth++] = y * wide_by + x;
            }
    }
    return (int64_t) size - outside;
}

/* Larger and smaller eigenvalue of [a b; b c], by the steps of LAPACK's dlae2. */
static void eigenvalues(double a, double b, double c, double *large, double *small)
{
    double sum = a + c, far = fabs(a - c), twice = fabs(b + b), root;
    double most = fabs(a) > fabs(c) ? a : c, least = fabs(a) > fabs(c) ? c : a;
    if (far > twice)
        root = far * sqrt(1.0 + (twice / far) * (twice / far));
    else if (far < twice)
        root = twice * sqrt(1.0 + (far / twice) * (far / twice));
    else
        root = twice * sqrt(2.0);
    *large = 0.5 * (sum + root);
    *small = *large > 0.0 ? (most / *large) * least - (b / *large) * b : 0.0;
    if (*small < 0.0) *small = 0.0;
}

/* Central moments over the pixels: of x and x, y and y, x and y. Summed down each column, then
 * over the columns with fused multiply-adds, which is how the matrix product that the reference
 * uses comes out on a CPU that has them: the last bits turn a circle, and turning a circle decides
 * whether the four pixels at its tips are in it. 0 when there is no memory. */
static int moments(finder *f, const region *g, double *xx, double *yy, double *xy)
{
    const int width = g->right - g->left;
    const double x = (double) (g->x - g->n * g->left) / (double) g->n;
    const double y = (double) (g->y - g->n * g->top) / (double) g->n;
    if (!make_room((void **) &f->columns, &f->columns_room, 3 * (size_t) width,
                   sizeof *f->columns))
        return 0;
    double *count = f->columns, *first = count + width, *second = first + width;
    memset(count, 0, 3 * (size_t) width * sizeof *count);
    for (int k = g->first; k >= 0; k = f->runs[k].next) {
        const run *r = f->runs + k;
        double d = (r->row - g->top) - y, d2 = d * d;
        for (int col = r->start - g->left; col < r->end - g->left; col++) {
            count[col] += 1.0;
            first[col] += d;
            second[col] += d2;
        }
    }
    *xx = *yy = *xy = 0.0;
    for (int col = 0; col < width; col++) {
        double d = col - x;
        *yy += second[col];
        *xx = fma(count[col], d * d, *xx);
        *xy = fma(first[col], d, *xy);
    }
    return 1;
}

static int ellipse_about(finder *f, const region *g, jc_ellipse *out)
{
    const double n = (double) g->n;
    double xx, yy, xy, large, small, tilt;
    if (!moments(f, g, &xx, &yy, &xy)) return 0;
    double along_x = (yy + xx - yy) / n, along_y = (yy + xx - xx) / n, b = -xy / n;
    eigenvalues(along_x, b, along_y, &large, &small);
    if (along_x - along_y == 0.0)
        tilt = b < 0 ? PI / 4.0 : -PI / 4.0;
    else
        tilt = 0.5 * atan2(-2.0 * b, along_y - along_x);
    *out = (jc_ellipse){(double) g->x / n, (double) g->y / n, 4.0 * sqrt(small) - 1.0,
                        4.0 * sqrt(large) - 1.0, tilt * (180.0 / PI)};
    return 1;
}

static int find_ellipses(finder *f, const uint8_t *now, const uint8_t *before, int n_rows,
                         int n_cols, uint8_t bit, double min_area, jc_ellipses *found)
{
    size_t above = 0;
    f->n_runs = f->n_regions = found->n = 0;
    for (int row = 0; row < n_rows; row++) {
        const size_t at = (size_t) row * n_cols, here = f->n_runs;
        if (!add_row(f, now + at, before ? before + at : NULL, n_cols, bit, row, above, here))
            return 0;
        above = here;
    }
    sum_runs(f);
    for (size_t k = 0; k < f->n_regions; k++) {
        const region *g = f->regions + k;
        if (g->n == 0) continue; /* part of another */
        if (!((double) g->n >= min_area)) {
            double box = (double) (g->right - g->left) * (g->bottom - g->top);
            if (g->n < 8 || box < min_area) continue; /* no hole that would help */
            int64_t area = filled_area(f, g);
            if (area < 0) return 0;
            if ((double) area < min_area) continue;
        }
        if (!make_room((void **) &found->items, &found->room, found->n + 1, sizeof *found->items))
            return 0;
        if (!ellipse_about(f, g, found->items + found->n++)) return 0;
    }
    return 1;
}

static void dismiss(finder *f)
{
    free(f->runs);
    free(f->regions);
    free(f->mask);
    free(f->stack);
    free(f->columns);
    jc_ellipses_free(&f->jumps);
    jc_ellipses_free(&f->cores);
    jc_ellipses_free(&f->next_cores);
}

/* ---------------------------------------------------------------- drawing ------------------ */

/* Part of a plane, and the pixels of an ellipse in it: mask[row - top][col - left]. */
typedef struct {
    int top, left, n_rows, n_cols;
    uint8_t *mask;
} drawing;

static double modulo_pi(double x)
{
    double rest = fmod(x, PI);
    if (rest == 0.0) return 0.0;
    return rest < 0 ? rest + PI : rest;
}

/* Draw an ellipse with given full axes; 0 when there is no memory. */
static int draw(finder *f, const jc_cube *cube, const jc_ellipse *e, double minor, double major,
                drawing *out)
{
    const int x = (int) lrint(e->x), y = (int) lrint(e->y);
    const int rx = (int) lrint(fmin(minor, MOST_AXIS) / 2);
    const int ry = (int) lrint(fmin(major, MOST_AXIS) / 2);
    const int reach = (rx > ry ? rx : ry) + 2;
    const int left = x - reach > 0 ? x - reach : 0, top = y - reach > 0 ? y - reach : 0;
    const int right = x + reach + 1 < cube->n_cols ? x + reach + 1 : cube->n_cols;
    const int bottom = y + reach + 1 < cube->n_rows ? y + reach + 1 : cube->n_rows;
    *out = (drawing){top, left, 0, 0, NULL};
    if (rx == 0 || ry == 0 || right <= left || bottom <= top) return 1;
    const size_t size = (size_t) (right - left) * (bottom - top);
    if (!make_room((void **) &f->mask, &f->mask_room, size, 1)) return 0;
    *out = (drawing){top, left, bottom - top, right - left, f->mask};
    memset(f->mask, 0, size);
    const double turn = modulo_pi(e->angle * (PI / 180.0)), again = modulo_pi(turn);
    const double high = fabs(ry * cos(turn)) + rx * sin(turn);
    const double broad = ry * sin(turn) + fabs(rx * cos(turn));
    const double s = sin(again), c = cos(again);
    const int row0 = (int) fmax(ceil(y - top - high), 0.0);
    const int row1 = (int) fmin(floor(y - top + high), out->n_rows - 1.0);
    const int col0 = (int) fmax(ceil(x - left - broad), 0.0);
    const int col1 = (int) fmin(floor(x - left + broad), out->n_cols - 1.0);
    for (int row = row0; row <= row1; row++)
        for (int col = col0; col <= col1; col++) {
            double dy = row - (y - top), dx = col - (x - left);
            double p = (dy * c + dx * s) / ry, q = (dy * s - dx * c) / rx;
            if (p * p + q * q < 1.0) f->mask[(size_t) row * out->n_cols + col] = 1;
        }
    return 1;
}

static void grow(const jc_ellipse *e, double factor, double most, double *minor, double *major)
{
    /* as many pixels on the major axis as on the minor, lest long tracks become wide */
    double a = e->minor * factor, b = e->major + (factor - 1.0) * e->minor;
    *minor = 2.0 * lrint(fmax(fmin(a, most), -MOST_AXIS) / 2);
    *major = 2.0 * lrint(fmax(fmin(b, most), -MOST_AXIS) / 2);
}

static int flag_ellipse(finder *f, const jc_cube *cube, const jc_ellipse *e, double factor,
                        double max_diameter, int group, int n_later, uint8_t jump,
                        uint8_t saturated, uint8_t *planes)
{
    drawing d;
    double minor, major;
    grow(e, factor, max_diameter, &minor, &major);
    if (!draw(f, cube, e, minor, major, &d)) return 0;
    for (int g = group; g <= group + n_later && g < cube->n_groups; g++)
        for (int row = 0; row < d.n_rows; row++) {
            uint8_t *m = d.mask + (size_t) row * d.n_cols;
            uint8_t *q = planes + ((size_t) g * cube->n_rows + d.top + row) * cube->n_cols + d.left;
            for (int col = 0; col < d.n_cols; col++) {
                if (q[col] & saturated) m[col] = 0;
                if (m[col]) q[col] |= jump;
            }
        }
    return 1;
}

/* ---------------------------------------------------------------- snowballs ---------------- */

/* Whether the centre of one of the cores lies in the ellipse. */
static int holds_a_core(const jc_ellipse *e, const jc_ellipses *cores)
{
    const double turn = (180.0 - e->angle) * (PI / 180.0), c = cos(turn), s = sin(turn);
    const double major = e->major * 0.5, minor = e->minor * 0.5;
    for (size_t k = 0; k < cores->n; k++) {
        double x = cores->items[k].x - e->x, y = cores->items[k].y - e->y;
        double p = x * c - y * s, q = x * s + y * c;
        if (p * p / (major * major) + q * q / (minor * minor) <= 1.0) return 1;
    }
    return 0;
}

static int near_edge(const jc_cube *cube, const jc_ellipse *e, int edge)
{
    int right = cube->n_cols - edge, top = cube->n_rows - edge;
    return e->x < edge || e->y < edge || e->x > (right > 0 ? right : 0) ||
           e->y > (top > 0 ? top : 0);
}

static int grow_core(finder *f, const jc_cube *cube, const jc_snowball_rule *r, int group,
                     const jc_ellipse *e, uint8_t *planes, pixels *core)
{
    const size_t size = (size_t) cube->n_rows * cube->n_cols;
    drawing d;
    if (!(e->minor > r->min_core_diameter)) return 1;
    if (!draw(f, cube, e, fmin(e->minor + r->core_growth, r->max_diameter),
              fmin(e->major + r->core_growth, r->max_diameter), &d))
        return 0;
    for (int g = group; g < cube->n_groups; g++)
        for (int row = 0; row < d.n_rows; row++)
            for (int col = 0; col < d.n_cols; col++)
                if (d.mask[(size_t) row * d.n_cols + col])
                    planes[g * size + (size_t) (d.top + row) * cube->n_cols + d.left + col] =
                        r->saturated;
    if (r->next_groups < 1) return 1;
    if (!draw(f, cube, e, e->minor, e->major, &d)) return 0;
    for (int row = 0; row < d.n_rows; row++)
        for (int col = 0; col < d.n_cols; col++) {
            if (!d.mask[(size_t) row * d.n_cols + col]) continue;
            if (!make_room((void **) &core->items, &core->room, core->n + 1, sizeof *core->items))
                return 0;
            core->items[core->n++] = (int64_t) (d.top + row) * cube->n_cols + d.left + col;
        }
    return 1;
}

static int snowballs_of_group(finder *f, const jc_cube *cube, const jc_snowball_rule *r, int group,
                              uint8_t *planes, pixels *core, int64_t *n_found)
{
    const size_t size = (size_t) cube->n_rows * cube->n_cols;
    uint8_t *now = planes + group * size;
    jc_settle(cube->n_rows);
    int ok = find_ellipses(f, now, NULL, cube->n_rows, cube->n_cols, r->jump, r->min_jump_area,
                           &f->jumps);
    size_t n = f->jumps.n;
    if (r->core_required && ok) {
        ok = find_ellipses(f, now, now - size, cube->n_rows, cube->n_cols, r->saturated,
                           r->min_core_area, &f->cores);
        f->next_cores.n = 0;
        if (ok && n > 0 && group < cube->n_groups - 1)
            ok = find_ellipses(f, now + size, now, cube->n_rows, cube->n_cols, r->saturated,
                               r->min_core_area, &f->next_cores);
        n = 0;
        for (size_t k = 0; k < f->jumps.n && ok; k++) {
            const jc_ellipse *e = f->jumps.items + k;
            if (near_edge(cube, e, r->edge) || holds_a_core(e, &f->cores) ||
                holds_a_core(e, &f->next_cores))
                f->jumps.items[n++] = *e;
        }
        for (size_t k = 0; k < f->cores.n && ok; k++)
            ok = grow_core(f, cube, r, group, f->cores.items + k, planes, core);
    }
    for (size_t k = 0; k < n && ok; k++)
        ok = flag_ellipse(f, cube, f->jumps.items + k, r->expand_factor, r->max_diameter, group, 0,
                          r->jump, r->saturated, planes);
    *n_found += (int64_t) n;
    return ok;
}

static int sizes_are_wrong(const jc_cube *c)
{
    return c->n_integrations < 1 || c->n_groups < 1 || c->n_rows < 1 || c->n_cols < 1;
}

jc_status jc_snowballs(const jc_cube *cube, const jc_snowball_rule *rule, int n_threads,
                       uint8_t *groupdq, int64_t *n_found)
{
    const size_t size = (size_t) cube->n_rows * cube->n_cols;
    int failed = 0;
    int64_t found = 0;
    if (sizes_are_wrong(cube) || n_threads < 1) return JC_BAD_ARGUMENT;
    if (n_threads > cube->n_integrations) n_threads = cube->n_integrations;
    pixels *cores = calloc(cube->n_integrations, sizeof *cores);
    if (!cores) return JC_NO_MEMORY;
#pragma omp parallel num_threads(n_threads) reduction(| : failed) reduction(+ : found)
    {
        finder f = {0};
#pragma omp for schedule(dynamic)
        for (int i = 0; i < cube->n_integrations; i++)
            for (int g = 1; g < cube->n_groups && !failed; g++)
                failed |= !snowballs_of_group(&f, cube, rule, g,
                                              groupdq + (size_t) i * cube->n_groups * size,
                                              cores + i, &found);
#pragma omp for schedule(static)
        for (int i = 1; i < cube->n_integrations; i++)
            for (int g = 1; g < rule->next_groups && g < cube->n_groups; g++)
                for (size_t k = 0; k < cores[i - 1].n; k++)
                    groupdq[((size_t) i * cube->n_groups + g) * size + cores[i - 1].items[k]] |=
                        rule->jump;
        dismiss(&f);
    }
    for (int i = 0; i < cube->n_integrations; i++)
        free(cores[i].items);
    free(cores);
    *n_found = found;
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* ---------------------------------------------------------------- pieces ------------------- */

jc_status jc_find_ellipses(const uint8_t *plane, int n_rows, int n_cols, uint8_t bit,
                           double min_area, jc_ellipses *found)
{
    finder f = {0};
    *found = (jc_ellipses){0};
    if (n_rows < 1 || n_cols < 1) return JC_BAD_ARGUMENT;
    int ok = find_ellipses(&f, plane, NULL, n_rows, n_cols, bit, min_area, found);
    dismiss(&f);
    return ok ? JC_OK : JC_NO_MEMORY;
}

void jc_ellipses_free(jc_ellipses *list)
{
    free(list->items);
    *list = (jc_ellipses){0};
}

jc_status jc_flag_ellipses(const jc_cube *cube, const jc_ellipse *ellipses, size_t n_ellipses,
                           int integration, int group, int n_later, double factor,
                           double max_diameter, uint8_t jump, uint8_t saturated, uint8_t *groupdq)
{
    finder f = {0};
    int ok = 1;
    if (sizes_are_wrong(cube) || integration < 0 || integration >= cube->n_integrations ||
        group < 0 || group >= cube->n_groups || n_later < 0)
        return JC_BAD_ARGUMENT;
    uint8_t *planes =
        groupdq + (size_t) integration * cube->n_groups * cube->n_rows * cube->n_cols;
    for (size_t k = 0; k < n_ellipses && ok; k++)
        ok = flag_ellipse(&f, cube, ellipses + k, factor, max_diameter, group, n_later, jump,
                          saturated, planes);
    dismiss(&f);
    return ok ? JC_OK : JC_NO_MEMORY;
}
