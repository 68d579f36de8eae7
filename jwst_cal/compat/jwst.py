"""Importing this module makes ``import jwst`` give jwst_cal; see :mod:`jwst_cal.compat`."""

from jwst_cal.compat import install

install()
