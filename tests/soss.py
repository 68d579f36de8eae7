"""A time series of NIRISS SOSS, and its reference files: traces and templates of the sky."""

import numpy as np
from stdatamodels.jwst import datamodels

__all__ = ["LIGHT_CURVE", "centre", "scene", "templates", "traces"]

#: How bright the target is in each integration.
LIGHT_CURVE = np.array([1.0, 0.9, 1.15, 1.05, 0.95, 0.85])


def traces(n_cols=300):
    """Two spectra, one of them steep, for a detector of so many columns: a PASTASOSS reference."""
    model, step = datamodels.PastasossModel(), 4.0 if n_cols < 2048 else 1.0
    meta, x = model.meta, np.arange(0.0, n_cols, step)
    meta.pwcpos_cmd, meta.pwcpos_bounds = 245.76, [245.51, 246.01]
    meta.wavemap_wlmin, meta.wavemap_wlmax, meta.wavemap_nwl = 0.5, 5.5, 5001
    meta.subarray_ymin, meta.soss_xdim, meta.soss_ydim = 1792, 2048, 300
    for order, y in ((1, centre(x, n_cols)), (2, 90 + 0.6 * x * 300 / n_cols)):
        model.traces.append({"spectral_order": order, "trace": np.stack([x, y], axis=1),
                             "pivot_x": n_cols / 2, "pivot_y": 100.0})
        model.wavecal_models.append({
            "spectral_order": order,
            "coefficients": [2.6 / order, -1.7 / order, 0.02, 0.1, 0.01, 0.003],
            "scale_extents": [[0.0, -0.25], [n_cols - 1.0, 0.25]]})
    return model


def centre(x, n_cols=2048):
    """Row of SUBSTRIP256 in which the first spectrum is."""
    return 80 + 0.0002 * (x * 300 / n_cols - 120) ** 2


def templates():
    """Skies [template, row, col] that differ in their step, which leans, and in their slope."""
    rows, cols = np.indices((256, 2048))
    right = cols > 700 + 8 * np.sin(rows / 40)
    return np.stack([4 + 0.4 * number + (0.2 + 0.4 * number) * right + 2e-4 * (number - 1) * cols
                     for number in range(3)]).astype(np.float32)


def scene(integration, shape):
    """Draw a scaled sky and the first spectrum, which is narrow in SUBSTRIP96, in DN/s."""
    sky = templates()[1] * np.where(np.arange(2048) > 700, 0.98, 1.1)
    first, width = (10, 2) if shape[0] == 96 else (0, 8)
    away = (np.arange(256)[:, None] - centre(np.arange(2048))) / width
    whole = sky + LIGHT_CURVE[integration] * 40 * np.exp(-away**4)
    return whole[first : first + shape[0], : shape[1]]
