"""The files that NIRISS SOSS has: its traces, and templates of its sky."""

import numpy as np

from jwst_cal.simulate import soss
from jwst_cal.simulate.makers.pieces import sci

#: How far the pupil wheel may stand from its commanded position, degrees.
_REACH = 0.25


def pastasoss(window):
    """Traces and wavelengths of the orders."""
    x = np.arange(float(soss.SHAPE[1]))
    traces, wavelengths = [], []
    for number, order in soss.ORDERS.items():
        inside = soss.rows(number) < soss.SHAPE[0]
        traces.append({"spectral_order": number, "pivot_x": 1024.0, "pivot_y": 60.0,
                       "trace": np.stack([x, soss.rows(number)], axis=1)[inside]})
        c0, c1, c2 = order.wavelength  # of u = 2 x - 1, where x goes from 0 to 1
        wavelengths.append({
            "spectral_order": number, "polynomial_degree": 2,
            "coefficients": [c0 - c1 + c2, 2 * c1 - 4 * c2, 0.0, 4 * c2, 0.0, 0.0],
            "scale_extents": [[0.0, -_REACH], [x[-1], _REACH]]})
    meta = {"pwcpos_cmd": soss.ANGLE, "pwcpos_bounds": [soss.ANGLE - _REACH, soss.ANGLE + _REACH],
            "soss_xdim": soss.SHAPE[1], "soss_ydim": 300, "subarray_ymin": soss.FIRST_ROW,
            "wavemap_wlmin": 0.5, "wavemap_wlmax": 5.5, "wavemap_nwl": 5001}
    return {"traces": traces, "wavecal_models": wavelengths, "meta": meta}


def bkg(window):
    """Templates of the sky."""
    skies, (n_rows, n_cols) = soss.templates(), soss.SHAPE
    place = (("SUBARRAY", "SUBSTRIP256"), ("SUBSTRT1", 1), ("SUBSTRT2", soss.FIRST_ROW + 1),
             ("SUBSIZE1", n_cols), ("SUBSIZE2", n_rows),
             ("FASTAXIS", window.detector.fast_axis), ("SLOWAXIS", window.detector.slow_axis))
    return "SossBkgModel", place, [sci(skies), sci(np.full_like(skies, 0.01), "ERR")]


def wavelengthrange(window):
    """Wavelengths that make the light curve of an order."""
    ranges = [[number, "CLEAR", *order.band] for number, order in soss.ORDERS.items()]
    return {"wavelengthrange": ranges, "order": list(soss.ORDERS), "waverange_selector": ["CLEAR"],
            "meta": {"wavelength_units": "micron"}}


MAKERS = {"pastasoss": pastasoss, "bkg": bkg}
