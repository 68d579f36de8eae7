#include "moments.h"

#include <math.h>
#include <stdlib.h>

static const jc_box NOWHERE = {INT32_MAX, -1, INT32_MAX, -1};

JC_INLINE void widen(jc_box *box, int left, int right, int bottom, int top)
{
    box->left = left < box->left ? left : box->left;
    box->right = right > box->right ? right : box->right;
    box->bottom = bottom < box->bottom ? bottom : box->bottom;
    box->top = top > box->top ? top : box->top;
}

/* Widen the boxes of the segments that are in a row, run by run. */
static void look_at_row(const jc_labelled *in, int row, jc_box *box)
{
    const int32_t *segment = in->segment + (size_t) row * in->n_cols;
    for (int col = 0; col < in->n_cols; col++) {
        int32_t label = segment[col];
        if (label < 1 || label > in->n_labels) continue;
        int first = col;
        while (col + 1 < in->n_cols && segment[col + 1] == label)
            col++;
        widen(box + label - 1, first, col, row, row);
    }
}

static jc_measured measure(const jc_labelled *in, int32_t label, jc_box box)
{
    jc_measured m = {0};
    double moment_x = 0, moment_y = 0; /* from the corner of the box, where numbers are small */
    for (int row = box.bottom; row <= box.top; row++) {
        size_t start = (size_t) row * in->n_cols;
        for (int col = box.left; col <= box.right; col++) {
            size_t at = start + col;
            if (in->segment[at] != label || in->uncovered[at]) continue;
            if (isfinite(in->image[at])) {
                m.area++;
                m.flux += in->image[at];
                m.variance += (double) in->error[at] * in->error[at];
            }
            if (isfinite(in->smooth[at]) && in->smooth[at] > 0) {
                m.mass += in->smooth[at];
                moment_x += (double) in->smooth[at] * (col - box.left);
                moment_y += (double) in->smooth[at] * (row - box.bottom);
            }
        }
    }
    double x = moment_x / m.mass, y = moment_y / m.mass;
    for (int row = box.bottom; row <= box.top; row++) {
        size_t start = (size_t) row * in->n_cols;
        double dy = row - box.bottom - y;
        for (int col = box.left; col <= box.right; col++) {
            size_t at = start + col;
            if (in->segment[at] != label || in->uncovered[at]) continue;
            if (!isfinite(in->smooth[at]) || !(in->smooth[at] > 0)) continue;
            double dx = col - box.left - x;
            m.xx += in->smooth[at] * dx * dx;
            m.xy += in->smooth[at] * dx * dy;
            m.yy += in->smooth[at] * dy * dy;
        }
    }
    m.x = x + box.left;
    m.y = y + box.bottom;
    m.xx /= m.mass;
    m.xy /= m.mass;
    m.yy /= m.mass;
    return m;
}

jc_status jc_moments(const jc_labelled *in, int n_threads, jc_box *box, jc_measured *measured)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_labels < 0 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    int failed = 0;
    for (int k = 0; k < in->n_labels; k++)
        box[k] = NOWHERE;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        jc_box *mine = malloc(((size_t) in->n_labels + 1) * sizeof *mine);
        failed |= mine == NULL;
        for (int k = 0; mine && k < in->n_labels; k++)
            mine[k] = NOWHERE;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            if (mine) look_at_row(in, row, mine);
#pragma omp critical
        for (int k = 0; mine && k < in->n_labels; k++)
            widen(box + k, mine[k].left, mine[k].right, mine[k].bottom, mine[k].top);
        free(mine);
#pragma omp barrier
#pragma omp for schedule(dynamic, 8)
        for (int k = 0; k < in->n_labels; k++)
            measured[k] = measure(in, k + 1, box[k]);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}
