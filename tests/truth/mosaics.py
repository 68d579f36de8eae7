"""How close mosaics of simulated sets come to the truth: python -m tests.truth.mosaics TABLE.csv.

Makes the default set of each instrument, takes it from raw counts to mosaic and catalogue, and
writes one row for it.
"""

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.table import Table

from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline, Image3Pipeline
from jwst_cal.pointing import attitude
from jwst_cal.simulate import dithers

#: Instrument, and its pixel in milliarcsec.
SETS = {"NIRCAM": 31, "NIRISS": 65, "MIRI": 110, "FGS": 69}


def run(folder, instrument):
    """Take a set from raw counts to the catalogue; return it."""
    made = dithers.dithers(folder, instrument)
    out = {"save_results": True, "output_dir": str(folder)}
    for path in made.exposures:
        Detector1Pipeline.call(str(path), **out)
    Image2Pipeline.call(str(made.level2), **out, steps={"resample": {"skip": True}})
    Image3Pipeline.call(str(made.level3), **out, steps={
        "tweakreg": {"abs_refcat": str(made.sources)},
        "skymatch": {"skymethod": "match", "subtract": True}})
    return made


def _spread(values):
    return 1.4826 * float(np.nanmedian(np.abs(np.array(values) - np.nanmedian(values))))


def measure(folder, made):
    """Return the differences to the truth by column."""
    from stdatamodels.jwst import datamodels

    sources, places = Table.read(made.sources), Table.read(made.places)
    truth = Table.read(made.pointings)
    before, after, sky = [], [], []
    for row, path in zip(truth, made.exposures, strict=True):
        seen = places[places["file"] == path.name]
        true = sources[seen["id"] - 1]
        for suffix, found in (("cal", before), ("o001_crf", after)):
            with datamodels.open(folder / path.name.replace("uncal", suffix)) as image:
                ra, dec = image.meta.wcs(seen["x"], seen["y"], with_bounding_box=False)
                if suffix != "cal":
                    sky.append(image.meta.background.level - row["sky_mjysr"])
            around = attitude.attitude(0, 0, float(np.mean(ra)), float(np.mean(dec)), 0)
            off = np.array(attitude.to_telescope(around, ra, dec)) - np.array(
                attitude.to_telescope(around, true["RA"], true["DEC"]))
            found.append(1e3 * np.hypot(*off.mean(axis=1)))
    (path,) = folder.glob("*_cat.ecsv")
    catalogue = Table.read(path)
    where, stars = catalogue["sky_centroid"], sources[sources["kind"] == "star"]
    east, north, magnitude = [], [], []
    for star in stars:
        dx = (where.ra.deg - star["RA"]) * np.cos(np.radians(star["DEC"])) * 3.6e6
        dy = (where.dec.deg - star["DEC"]) * 3.6e6
        k = np.hypot(dx, dy).argmin()
        if np.hypot(dx[k], dy[k]) < 200:
            east.append(dx[k])
            north.append(dy[k])
            magnitude.append(catalogue["aper_total_abmag"][k] - star["abmag"])
    level = truth["sky_mjysr"].mean()
    return {
        "pointing errors, mas": f"{np.max(before):.0f}",
        "after alignment, mas": f"{np.max(after):.1f}",
        "sky steps, % of the sky": f"{100 * np.ptp(sky) / level:.1f}",
        "stars": len(east),
        "places, mas": f"{np.hypot(np.median(east), np.median(north)):.1f} +- "
                       f"{max(_spread(east), _spread(north)):.1f}",
        "magnitudes": f"{np.nanmedian(magnitude):+.3f} +- {_spread(magnitude):.3f}",
    }


def main(path):
    """Write the table."""
    rows = []
    for instrument, pixel in SETS.items():
        with tempfile.TemporaryDirectory() as name:
            made = run(Path(name), instrument)
            rows.append({"set": instrument, "pixel, mas": pixel, **measure(Path(name), made)})
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1])
