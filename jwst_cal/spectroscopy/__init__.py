"""Which light belongs to which source."""

from jwst_cal._lazy import step_names

__getattr__, __dir__ = step_names(__name__)
