/* csrc/segments.h: which segments of an image may be several sources, and their division. */
#ifndef JC_SEGMENTS_H
#define JC_SEGMENTS_H

#include "jwst_cal.h"

typedef struct {
    int n_rows, n_cols, n_labels, n_pixels;
    int connectivity;       /* 4 or 8 neighbours */
    const float *image;     /* [row][col] */
    const int32_t *segment; /* [row][col], 0 (none) to n_labels */
} jc_segments;

/* A segment: the box that it fills, how many pixels it has, and its least and greatest value and
 * their sum (float32, in pairs as numpy adds), NaN left out. All 0 if it has no pixel.
 *
 * It may be divided if there is a level above which two parts of it, of at least `n_pixels` pixels
 * each, do not touch; not if fewer than two of its pixels have no brighter neighbour. Pixels are added from the brightest on (those that are equal in the order of
 * the array, NaN last), and the parts that a pixel joins are looked at: they may be larger than at
 * any level by pixels as bright as it, and those joined first count as one. */
typedef struct {
    int32_t row, col, n_rows, n_cols, n_pixels;
    float low, high, sum;
    int32_t divisible; /* whether it may be; not told of one without values */
} jc_segment;

jc_status jc_survey(const jc_segments *what, int n_threads, jc_segment *found /* OUT [label - 1] */);

/* Divide segments. Level by level, the parts of a marker that do not touch above the level take its
 * place, if they are two or more of at least `n_pixels`; more than JC_MANY_MARKERS are found again
 * with the second table of levels. From the markers the segment is flooded, brightest pixels first,
 * those that are equally bright in the order in which the flood came to them. While a part has less
 * than `contrast` of the sum, the faintest is given to the others, by another flood. The parts are
 * numbered after all segments that are not divided, in the order of the first pixels of their markers.
 * A segment that is not connected is refused.
 * Source: Bertin and Arnouts 1996, A&AS 117, 393 (levels, contrast); Meyer 1991, 8eme congres RFIA,
 * 847 (flooding by a queue). */
#define JC_MANY_MARKERS 200

typedef struct {
    jc_segments in;
    const jc_segment *found;        /* [label - 1], from jc_survey */
    int n_which, n_levels;
    const int32_t *which;           /* [which], labels to divide, ascending */
    const double *levels, *second;  /* [which][level] */
    double contrast;
} jc_division;

jc_status jc_take_apart(const jc_division *what, int n_threads, int32_t *segment /* OUT [row][col] */);

#endif
