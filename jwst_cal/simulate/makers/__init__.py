"""
How the content of each reference type is made.

A maker is given the detector's maps, a ``Window``, and returns the name of the file's data model,
further cards of its primary header, and its extensions from ``_fits``; of an ASDF file, its tree.
Makers of files by grating are given that, too.
Each module has those of one kind in ``MAKERS``, by reference type.
"""

from jwst_cal.simulate.makers import common, grism, images, miri, nirspec, sirs, soss, traps

__all__ = ["MAKERS"]


def _wavelengthrange(window):
    """Wavelengths of the modes of each instrument that have them."""
    makers = {"NIRCAM": grism.wavelengthrange, "NIRISS": soss.wavelengthrange,
              "NIRSPEC": nirspec.wavelengthrange}
    return makers[window.detector.instrument](window)


MAKERS = {
    **common.MAKERS,
    **grism.MAKERS,
    **images.MAKERS,
    **miri.MAKERS,
    **nirspec.MAKERS,
    **sirs.MAKERS,
    **soss.MAKERS,
    **traps.MAKERS,
    "wavelengthrange": _wavelengthrange,
}
