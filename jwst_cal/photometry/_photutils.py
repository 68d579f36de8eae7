"""photutils, imported without what its plots and its masks of sources need.

At import it looks through the files of every installed package for its own name, and loads
``scipy.signal`` and ``scipy.stats`` for one function that enlarges masks; with each table it
imports matplotlib and others to write down their versions. That takes more processor time than to
make a catalogue of a thousand sources.
"""

import functools
import importlib
import importlib.metadata
import sys
import types

from jwst_cal.models import _schemas

__all__ = ["loaded", "versions"]

PARTS = ("aperture", "detection", "segmentation")
#: Libraries whose versions photutils tells, and what they are installed as.
LIBRARIES = {name: name for name in ("photutils", "astropy", "numpy", "scipy", "skimage",
                                     "matplotlib", "gwcs", "bottleneck")}
LIBRARIES["skimage"] = "scikit-image"


@functools.cache
def loaded():
    """Import what is used of photutils."""
    with _schemas.uncollected():
        names, stand_in = importlib.metadata.packages_distributions, None
        importlib.metadata.packages_distributions = dict  # then it takes the name it has
        if "scipy.signal" not in sys.modules:
            stand_in = sys.modules["scipy.signal"] = types.ModuleType("scipy.signal")
            stand_in.fftconvolve = _fftconvolve
        try:
            for part in PARTS:
                importlib.import_module(f"photutils.{part}")
        finally:
            importlib.metadata.packages_distributions = names
            if stand_in is not None:
                del sys.modules["scipy.signal"]
    misc = sys.modules.get("photutils.utils._misc")
    if hasattr(misc, "_get_version_info"):
        misc._get_version_info = lambda: dict(versions())


def _fftconvolve(*args, **options):
    from scipy.signal import fftconvolve

    return fftconvolve(*args, **options)


@functools.cache
def versions():
    """
    Tell the versions that photutils tells, without importing what they are of.

    Returns
    -------
    dict of str to str or None
        By library; None if it is not installed.
    """
    found = {"Python": sys.version.split()[0]}
    for name, distribution in LIBRARIES.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
