/* csrc/pixel_map.h: smooth functions of the pixels, from their Chebyshev coefficients.
 *
 * value(row, col) = sum over l, k of coefficients(l, k) T_l(v(row)) T_k(u(col)), with u and v the
 * pixel's place from -1 to 1 in the window, both ends included. Every order of summation is
 * fixed: no library of linear algebra, whose last bits depend on the CPU. */
#ifndef JC_PIXEL_MAP_H
#define JC_PIXEL_MAP_H

#include "jwst_cal.h"

jc_status jc_pixel_map(int n_values /* functions, evaluated together */, int n_down, int n_across,
                       const double *coefficients /* [value][l][k] */, int n_rows, int n_cols,
                       int row_from, int row_to /* those wanted */, int n_threads,
                       double *value /* OUT [value][row - row_from][col] */);

#endif
