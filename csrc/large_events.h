/* csrc/large_events.h: snowballs and other large events: connected flags and the ellipses about
 * them.
 *
 * A region is a set of pixels that touch, corners included. Its ellipse has the second moments of
 * its pixels: with eigenvalues l1 >= l2 of their covariance, the full axes are
 *     major = 4 sqrt(l1) - 1,   minor = 4 sqrt(l2) - 1                       [pixels]
 * and angle is that of the major axis from the row axis. Its area counts the holes in it.
 *
 * Ellipses are drawn about the nearest pixel, with semi-axes rounded to pixels, half to even; one
 * with a zero semi-axis is empty.
 *
 * Snowballs, group by group of an integration:
 *   - regions of jump bits with at least min_jump_area are candidates; one is a snowball when its
 *     centre is nearer to the edge than `edge`, or when the centre of a region of pixels that
 *     newly saturate in this group or the next, of at least min_core_area, lies within its
 *     ellipse;
 *   - regions that newly saturate and whose minor axis exceeds min_core_diameter are grown by
 *     core_growth (on the full axes) and flagged as saturated, and as nothing else, from this
 *     group on;
 *   - snowballs are grown: minor axis by the factor expand_factor, major axis by as many pixels,
 *     no axis beyond max_diameter; their pixels that are not saturated get the jump bit.
 * Pixels of cores (before they were grown) get the jump bit in groups 1..next_groups-1 of the next
 * integration.
 * Without core_required all candidates are snowballs and cores are left alone.
 *
 * Source: Regan 2023 (STScI), on showers and snowballs in JWST. */
#ifndef JWST_CAL_LARGE_EVENTS_H
#define JWST_CAL_LARGE_EVENTS_H

#include "jwst_cal.h"

typedef struct {
    double x, y;         /* centre, pixels */
    double minor, major; /* full axes, pixels */
    double angle;        /* degrees */
} jc_ellipse;

typedef struct {
    jc_ellipse *items;
    size_t n, room;
} jc_ellipses;

typedef struct {
    int n_integrations, n_groups, n_rows, n_cols;
} jc_cube;

typedef struct {
    double min_jump_area, min_core_area; /* pixels */
    double expand_factor;
    int core_required; /* 0 or 1 */
    double min_core_diameter;
    double core_growth, max_diameter; /* pixels, on the full axes */
    int edge;                         /* pixels */
    int next_groups;                  /* 0: the next integration is left alone */
    uint8_t jump, saturated;
} jc_snowball_rule;

/* Find and flag the snowballs of an exposure; n_found counts them. */
jc_status jc_snowballs(const jc_cube *cube, const jc_snowball_rule *rule, int n_threads,
                       uint8_t *groupdq /* INOUT [integration][group][row][col] */,
                       int64_t *n_found /* OUT */);

/* Ellipses of the regions of one plane that carry a bit, in the order of their first pixels.
 * Free them with jc_ellipses_free, also after a failure. */
jc_status jc_find_ellipses(const uint8_t *plane /* [row][col] */, int n_rows, int n_cols,
                           uint8_t bit, double min_area, jc_ellipses *found /* OUT */);

void jc_ellipses_free(jc_ellipses *list);

/* Grow ellipses by a factor as snowballs are and flag their unsaturated pixels in the planes
 * group..group+n_later of one integration; a pixel that is saturated in one of them is left alone
 * in the later ones, too. */
jc_status jc_flag_ellipses(const jc_cube *cube, const jc_ellipse *ellipses, size_t n_ellipses,
                           int integration, int group, int n_later, double factor,
                           double max_diameter, uint8_t jump, uint8_t saturated,
                           uint8_t *groupdq /* INOUT */);

#endif
