"""Write docs/parity_images.rst: stages 2 and 3 of images beside the official package.

    python -m tests.parity.report_images

Both packages get the inputs of tests/parity/test_image2.py and test_image3.py.
"""

import tempfile
from pathlib import Path

import numpy as np
from astropy.table import QTable
from stdatamodels.jwst import datamodels

import jwst_cal
from jwst_cal.pipelines import Image2Pipeline, Image3Pipeline
from tests import images, mosaics
from tests.parity import oracle, report, setup

PAGE = Path(__file__).parents[2] / "docs" / "parity_images.rst"
HEAD = """\
Parity of images with jwst 3.0.0
================================

Written by ``python -m tests.parity.report_images``, with jwst_cal {ours} and jwst {official}.

Both packages work on the same simulated images with the same reference files. **Difference** is
the largest relative difference of the values that are finite in both, relative to 1e-3 of the
largest value at least; **NaN** and **flags** count the pixels that differ in them; **places** is
the largest distance of two coordinates, in pixels. Of combined images the outermost four rows and
columns are left out, where the official drizzle loses pixels (:doc:`differences`). The tests of
tests/parity check all of it, and the steps by themselves.

"""
ARRAYS = ("data", "err", "var_poisson", "var_rnoise", "var_flat", "wht")


def measure(ours, theirs):
    """Compare two images or cubes: difference, NaN, flags, places."""
    with datamodels.open(ours) as a, datamodels.open(theirs) as b:
        combined = getattr(b, "wht", None) is not None and np.size(b.wht) > 0
        inner = (slice(4, -4), slice(4, -4)) if combined else (Ellipsis,)
        largest = nan = flags = 0
        for name in ARRAYS:
            one, two = getattr(a, name, None), getattr(b, name, None)
            if two is None or not np.size(two):
                continue
            one, two = (np.asarray(x, np.float64)[inner] for x in (one, two))
            nan += int(np.count_nonzero(np.isnan(one) != np.isnan(two)))
            both = np.isfinite(one) & np.isfinite(two)
            size = np.maximum(np.abs(two), 1e-3 * np.abs(two[both]).max(initial=0))[both]
            far = np.abs(one - two)[both] / np.where(size, size, 1)
            largest = max(largest, far.max(initial=0))
        for name in ("dq", "con"):
            one, two = getattr(a, name, None), getattr(b, name, None)
            if two is not None and np.size(two) and not (combined and name == "dq"):
                flags += int(np.count_nonzero((one != two)[(..., *inner)] if combined
                                              else one != two))
        y, x = np.mgrid[0:a.data.shape[-2]:9, 0:a.data.shape[-1]:9]
        mine, theirs = (  # the inverse is not exact, for both alike
            np.array(b.meta.wcs.invert(*wcs(x, y, with_bounding_box=False),
                                       with_bounding_box=False))
            for wcs in (a.meta.wcs, b.meta.wcs))
        return largest, nan, flags, float(np.abs(mine - theirs).max())


def image2_cases(folder):
    """Run stage 2 of each instrument, and of integrations; yield label and pairs of products."""
    runs, found = [], []
    for instrument, n_ints in [("NIRCAM", None), ("NIRCAM", 3), ("NIRISS", None), ("MIRI", None),
                               ("FGS", None)]:
        label = f"{instrument}{' integrations' if n_ints else ''}"
        place = folder / label.replace(" ", "-")
        for name in ("ours", "official"):
            (place / name).mkdir(parents=True)
        rate = images.image(instrument, n_ints=n_ints)
        rate.save(place / rate.meta.filename)
        steps = images.overrides(Image2Pipeline, images.references(instrument, place))
        Image2Pipeline.call(str(place / rate.meta.filename), steps=steps, save_results=True,
                            output_dir=str(place / "ours"))
        runs.append(("jwst.pipeline.Image2Pipeline", [place / rate.meta.filename],
                     place / "official", {"steps": steps}))
        found.append((label, place))
    oracle.run_steps(folder, runs)
    return found


def image3_case(folder):
    """Run stage 3 on a small dithered set."""
    (folder / "set").mkdir()
    mosaic = mosaics.make(folder / "set", subarray="SUB160", detectors=["NRCB1"], n_dithers=3,
                          stars=60, n_groups=5, seed=4)
    steps = images.overrides(Image3Pipeline, mosaic.references)
    steps["tweakreg"]["minobj"] = 6
    for name in ("ours", "official"):
        (folder / name).mkdir()
    Image3Pipeline.call(mosaic.asn, steps=steps, save_results=True,
                        output_dir=str(folder / "ours"))
    oracle.run_steps(folder, [("jwst.pipeline.Image3Pipeline", [mosaic.asn], folder / "official",
                               {"steps": steps})])
    return [("NIRCAM, three dithers", folder)]


def rows_of(label, place):
    """Rows of the table for all products of a case."""
    for theirs in sorted((place / "official").glob("*.fits")):
        if theirs.name.endswith("_segm.fits"):
            continue
        largest, nan, flags, places = measure(place / "ours" / theirs.name, theirs)
        kind = theirs.stem.rpartition("_")[2]
        yield (label, f"``{kind}``", f"{largest:.1e}" if largest else "0", str(nan), str(flags),
               f"{places:.1e}")


def catalogue(place):
    """Say how the catalogues of the sources differ."""
    (theirs,) = (place / "official").glob("*_cat.ecsv")
    a, b = QTable.read(place / "ours" / theirs.name), QTable.read(theirs)
    apart = a["sky_centroid"].separation(b["sky_centroid"]).to_value("mas")
    flux = np.abs(a["aper_total_flux"] / b["aper_total_flux"] - 1).value
    return (f"Catalogue: {len(a)} and {len(b)} sources, the same {len(a.colnames)} columns; "
            f"positions differ by {np.nanmax(apart):.1g} mas at most (median "
            f"{np.nanmedian(apart):.1g}), total fluxes by {np.nanmax(flux):.1g} (median "
            f"{np.nanmedian(flux):.1g}).\n")


def main():
    """Write the page."""
    rows = [("Exposures", "Product", "Difference", "NaN", "Flags", "Places")]
    with tempfile.TemporaryDirectory() as folder:
        two, three = Path(folder, "2"), Path(folder, "3")
        two.mkdir()
        three.mkdir()
        for label, place in [*image2_cases(two), *image3_case(three)]:
            rows += rows_of(label, place)
        told = catalogue(three)
    text = HEAD.format(ours=jwst_cal.__version__.split("+")[0], official=setup.VERSION)
    PAGE.write_text(text + report.table(rows) + "\n" + told)


if __name__ == "__main__":
    main()
