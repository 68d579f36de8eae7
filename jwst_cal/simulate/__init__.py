"""Synthetic exposures with known truth, and reference files that fit them.

``exposures.simulate`` makes an exposure; ``cache`` is the embedded CRDS cache, whose reference
files describe the same detectors. Nothing here is imported before it is used.
"""

__all__ = ["cache", "exposures"]
