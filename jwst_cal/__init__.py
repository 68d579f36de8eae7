"""JWST calibration: raw exposures to science products, compiled and fast."""

try:
    from jwst_cal._version import version as __version__
except ImportError:  # a checkout that was never built
    __version__ = "0.0.0+unbuilt"

#: The release of the official package whose numbers and names this package reproduces.
reproduces = "3.0.0"

__all__ = ["__version__", "reproduces"]
