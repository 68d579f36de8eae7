/* csrc/ipc.h: charge that neighbouring pixels see of each other, undone by a small convolution.
 *
 * value(y, x) = sum over j, i of kernel(j, i) data(y + r, x + c), where r = n - 1 - j - n / 2 for the
 * n rows of the kernel and c likewise for its columns; in float32, the middle term last, as the
 * reference release adds them. Pixels outside of the region (reference pixels) are neither
 * changed nor used. With a kernel of each pixel, that of the result's pixel is taken.
 *
 * `rows` tells which row of the data holds a row of the image (NIRSpec IRS2). In place: a thread
 * keeps as many original rows as the kernel has. Planes are shared among the threads. */
#ifndef JC_IPC_H
#define JC_IPC_H

#include "jwst_cal.h"

typedef struct {
    int n_planes, n_data_rows, n_cols;
    int n_rows;          /* of the image */
    const int32_t *rows; /* [row], row of the data; NULL: the same */
    int row_from, row_to, col_from, col_to; /* region, the ends excluded */
    int n_kernel_rows, n_kernel_cols;
    int of_pixel;        /* whether each pixel has a kernel of its own */
    const float *kernel; /* [j][i], or [j][i][row][col] */
} jc_ipc_input;

jc_status jc_ipc(const jc_ipc_input *input, int n_threads,
                 float *data /* IN OUT [plane][data row][col], DN */);

#endif
