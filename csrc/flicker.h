/* csrc/flicker.h: medians of the lines and of the boxes of an image, and the equations of a fit in
 * Fourier space. */
#ifndef JC_FLICKER_H
#define JC_FLICKER_H

#include "jwst_cal.h"

/* Medians of the chosen values of each line of an image. A line is a row, or a column if `columns`;
 * it is cut into `n_parts` of equal length, whose number must divide it. A part without chosen
 * values is 0. The mean of two values in the middle is rounded to float32 as numpy does. */
typedef struct {
    int n_rows, n_cols, columns, n_parts;
    const float *image;    /* [row][col] */
    const uint8_t *chosen; /* [row][col] */
} jc_lines;

jc_status jc_line_medians(const jc_lines *lines, int n_threads, float *median /* OUT [part][line] */);

/* Medians and standard deviations of the chosen, finite values of each box of an image, after sigma
 * clipping (as of jc_clip, in clipping.h), and how many values are left. Boxes at the right and upper edge may be smaller. A
 * box without values is NaN. */
typedef struct {
    int n_rows, n_cols, box_rows, box_cols;
    const float *image;    /* [row][col] */
    const uint8_t *chosen; /* [row][col] */
    double sigma;
    int max_passes;
} jc_boxes;

jc_status jc_box_medians(const jc_boxes *boxes, int n_threads, float *median /* OUT [y][x] */,
                         float *std /* OUT [y][x] */, int32_t *count /* OUT [y][x] */);

/* Solve Hermitian positive definite systems. One whose pivot, relative to its largest diagonal
 * element, is not above `tolerance` is not determined: its solution is 0.
 * Complex numbers are pairs. */
typedef struct {
    int n_systems, size;
    const double *matrix; /* [system][row][col][2]; the lower triangle is read */
    const double *right;  /* [system][row][2] */
    double tolerance;
} jc_hermitian;

jc_status jc_hermitian_solve(const jc_hermitian *systems, int n_threads,
                             double *solution /* OUT [system][row][2] */,
                             uint8_t *determined /* OUT [system] */);

#endif
