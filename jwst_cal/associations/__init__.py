"""Associations: which exposures are combined. Reading them, and making them from lists."""

from jwst_cal.associations import asn_from_list
from jwst_cal.associations.io import load_asn

__all__ = ["asn_from_list", "load_asn"]
