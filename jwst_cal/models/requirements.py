"""What steps ask of an image before they work on it."""

from __future__ import annotations

from typing import Any

from jwst_cal.errors import InputError

__all__ = ["image_of_the_sky"]


def image_of_the_sky(image: Any, alias: str) -> None:
    """
    Refuse what is no image with coordinates on the sky.

    Parameters
    ----------
    image : data model
        The image.
    alias : str
        Step that it is given to.

    Raises
    ------
    InputError
        If it has no data, is not 2-D, or its coordinates are missing or no celestial ones.
    """
    name = image.meta.filename or "the input"
    data = getattr(image, "data", None)
    if data is None and hasattr(image, "dq"):
        raise InputError(f"{name}: no data (SCI)")
    if data is None or data.ndim != 2:
        raise InputError(f"{name}: {alias} takes 2-D images, this is {type(image).__name__}")
    if image.meta.wcs is None:
        raise InputError(f"{name}: no coordinates; assign_wcs must come first")
    frame = image.meta.wcs.output_frame
    if not _is_celestial(frame):
        called = getattr(frame, "name", None) or frame
        raise InputError(f"{name}: its coordinates lead to '{called}', which is not the sky; "
                         f"{alias} needs right ascension and declination")


def _is_celestial(frame: Any) -> bool:
    """Whether a frame, light or of gwcs (not imported for that), is one of the sky."""
    kind = getattr(frame, "kind", None)
    if kind is not None:
        return bool(kind == "celestial_frame")
    return any(cls.__name__ == "CelestialFrame" for cls in type(frame).__mro__)
