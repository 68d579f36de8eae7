"""The files of NIRCam's grism time series: where light falls, orders, apertures."""

import numpy as np

#: Micron of undeviated light and for a pixel; where spectra begin and end, pixels from there.
_STRAIGHT, _PER_PIXEL = 3.95, 0.001
_REACH = -1600.0, 1200.0
#: Micron that the filters let through.
_RANGES = {"F322W2": (2.4, 4.1), "F444W": (3.8, 5.0)}
KIND = "NRC_TSGRISM"


def specwcs(window):
    """Displacement of light along rows and its wavelength, from 0 to 1 along the spectrum."""
    from astropy.modeling.models import Polynomial1D

    low, high = _REACH
    first, last = (_STRAIGHT + _PER_PIXEL * end for end in _REACH)

    def line(start, end):
        """From 0 and 1 to two values, and back."""
        return (Polynomial1D(1, c0=start, c1=end - start),
                Polynomial1D(1, c0=-start / (end - start), c1=1 / (end - start)))

    along, wavelength = line(low, high), line(first, last)
    kind = {key.lower(): value for key, value in window.detector.cards}
    return {
        "displ": [wavelength[0]], "invdispl": [wavelength[1]],
        "dispx": [along[0]], "invdispx": [along[1]],
        "dispy": [Polynomial1D(1, c0=0.0, c1=0.0)], "invdispy": [Polynomial1D(1, c0=0.0, c1=0.0)],
        "orders": [1],
        "meta": {"input_units": "micron", "output_units": "micron", "reftype": "specwcs",
                 "exposure": {"type": KIND},
                 "instrument": {**kind, "pupil": "GRISMR"}},
    }


def wavelengthrange(window):
    """Wavelengths and orders of the filters."""
    return {
        "wavelengthrange": [[1, "GRISMR", name, *ends] for name, ends in _RANGES.items()],
        "waverange_selector": list(_RANGES), "order": [1],
        "extract_orders": [[name, [1]] for name in _RANGES],
        "meta": {"wavelength_units": "micron", "exposure": {"type": KIND}},
    }


def extract1d(window):
    """Aperture about the row of the star, and regions of background on both sides."""
    (mode,) = (mode for mode in window.instrument.modes
               if mode.exp_type == KIND and "XREF_SCI" in dict(mode.cards))
    row = dict(mode.cards)["YREF_SCI"] - 1
    regions = np.array([[-24, -14], [14, 24]]) + row
    return {"exp_type": KIND, "apertures": [{
        "id": KIND, "region_type": "target", "dispaxis": 1, "xstart": 4, "xstop": 2043,
        "ystart": row - 8, "ystop": row + 8, "extract_width": 17, "bkg_order": 0,
        "bkg_coeff": [[float(limit)] for limit in regions.ravel()]}]}


MAKERS = {"specwcs": specwcs, "extract1d": extract1d}
