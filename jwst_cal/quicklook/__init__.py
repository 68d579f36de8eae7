"""Pictures of products, and a page that tells a run.

``strun ... --quicklook`` makes a picture beside each product and one page of the run;
``python -m jwst_cal.quicklook RATE.fits PICTURE.png [--ramp RAMP.fits] [--truth TRUTH.npz]`` shows
one count-rate product in more detail.
"""

from __future__ import annotations

import argparse
import sys

from jwst_cal.errors import JwstCalError
from jwst_cal.quicklook._page import of_run
from jwst_cal.quicklook._products import picture
from jwst_cal.quicklook._rates import PixelRamp, choose_pixel, draw, pixel_ramp

__all__ = ["PixelRamp", "choose_pixel", "draw", "main", "of_run", "picture", "pixel_ramp"]


def main(words=None):
    """
    Draw a picture from the shell.

    Parameters
    ----------
    words : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m jwst_cal.quicklook",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("rate", metavar="RATE", help="count-rate product")
    parser.add_argument("picture", metavar="PICTURE", help="file to write, .png for instance")
    parser.add_argument("--ramp", help="corrected ramp (strun ... --save_calibrated_ramp=true)")
    parser.add_argument("--truth", help="truth of a simulated exposure")
    parser.add_argument("--pixel", nargs=2, type=int, metavar=("ROW", "COL"))
    given = parser.parse_args(words)
    try:
        from jwst_cal import models

        truth = None
        if given.truth:
            from jwst_cal.simulate.exposures import Truth

            truth = Truth.load(given.truth)
        with models.open(given.rate) as rate:
            ramp = models.open(given.ramp) if given.ramp else None
            try:
                draw(rate, given.picture, ramp=ramp, truth=truth, pixel=given.pixel)
            finally:
                if ramp is not None:
                    ramp.close()
    except ModuleNotFoundError as error:
        print(f"quicklook: error: {error.name} is not installed: pip install 'jwst_cal[plot]'",
              file=sys.stderr)
        return 1
    except JwstCalError as error:
        print(f"quicklook: error: {error}", file=sys.stderr)
        return 1
    print(given.picture)
    return 0
