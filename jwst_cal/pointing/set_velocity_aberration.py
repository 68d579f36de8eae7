"""Velocity aberration of exposures; also the command ``set_velocity_aberration``."""

from __future__ import annotations

import argparse
import sys

from jwst_cal import models
from jwst_cal.errors import InputError, JwstCalError
from jwst_cal.pointing import velocity_aberration

__all__ = ["add_dva", "main"]


def add_dva(filename, force_level1bmodel=True):
    """
    Fill in VA_SCALE, VA_RA and VA_DEC from the telescope's velocity and RA_REF, DEC_REF.

    Parameters
    ----------
    filename : path-like
        An exposure. It is replaced when complete.
    force_level1bmodel : bool
        Open it as a raw exposure.

    Raises
    ------
    InputError
        If it cannot be opened, or a keyword is missing.
    OutputError
        If it cannot be replaced.
    """
    from stdatamodels.jwst import datamodels

    try:
        model = (datamodels.Level1bModel if force_level1bmodel else datamodels.open)(filename)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{filename}: cannot be opened as an exposure ({error})") from error
    with model:
        motion, info = model.meta.ephemeris, model.meta.wcsinfo
        values = {"JWST_DX": motion.velocity_x_bary, "JWST_DY": motion.velocity_y_bary,
                  "JWST_DZ": motion.velocity_z_bary, "RA_REF": info.ra_ref, "DEC_REF": info.dec_ref}
        missing = [key for key, value in values.items() if value is None]
        if missing:
            raise InputError(f"{filename}: {', '.join(missing)} missing")
        *velocity, ra, dec = values.values()
        effect = model.meta.velocity_aberration
        effect.scale_factor, effect.va_ra_ref, effect.va_dec_ref = velocity_aberration.aberration(
            velocity, ra, dec)
        models.save(model, filename)


def main(args=None):
    """Run the command, with the arguments of the process by default; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="set_velocity_aberration",
        description="Fill in VA_SCALE, VA_RA, VA_DEC from JWST_DX to JWST_DZ, RA_REF and DEC_REF.")
    parser.add_argument("filename", nargs="+", help="exposures, changed in place")
    parser.add_argument("-f", "--force_level1bmodel", type=int, choices=(1, 0), default=1,
                        help="open them as raw exposures (default 1)")
    options = parser.parse_args(args)
    status = 0
    for filename in options.filename:
        try:
            add_dva(filename, force_level1bmodel=bool(options.force_level1bmodel))
        except JwstCalError as error:
            print(f"set_velocity_aberration: error: {error}", file=sys.stderr)
            status = 1
    return status
