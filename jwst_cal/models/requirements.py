"""What steps ask of an image before they work on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from jwst_cal.errors import InputError

__all__ = ["changeable", "image_of_the_sky"]


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


def changeable(model: Any, name: str, dtype: Any = np.float32) -> Any:
    """
    Give an array of a model as a kernel can change it.

    Parameters
    ----------
    model : data model
        The model, which holds the array from then on.
    name : str
        Name of an array.
    dtype : dtype
        What the kernel takes.

    Returns
    -------
    array of that dtype, or None
        The model's own, or a copy where that is in another order or may not be written; None if
        the model has no such array or it is empty.
    """
    array = getattr(model, name, None)
    if array is None or not array.size:
        return None
    found = np.require(array, dtype, ["C", "W"])
    if found is not array:
        setattr(model, name, found)
    return found


def _is_celestial(frame: Any) -> bool:
    """Whether a frame, light or of gwcs (not imported for that), is one of the sky."""
    kind = getattr(frame, "kind", None)
    if kind is not None:
        return bool(kind == "celestial_frame")
    return any(cls.__name__ == "CelestialFrame" for cls in type(frame).__mro__)
