"""Associations: which exposures are combined. Reading them, and making them from lists."""

from jwst_cal.associations import asn_from_list
from jwst_cal.associations.io import load_asn
from jwst_cal.associations.load_as_asn import load_as_level2_asn, load_as_level3_asn

__all__ = ["asn_from_list", "load_as_level2_asn", "load_as_level3_asn", "load_asn"]
