"""What the detector did to the ramp, undone: stage 1."""

from jwst_cal._lazy import step_names

__getattr__, __dir__ = step_names(__name__)
