"""Time series of a star's spectrum: coordinates, cutouts and spectra by case.

``python star_spectra.py FOLDER`` runs the official steps on all, in their environment; the test
runs ours on the same. Needs numpy, stdatamodels and astropy only.
"""

import importlib
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import star_series

GRISM, SLIT = star_series.KINDS
REGIONS = {"bkg_coeff": [[2.5], [18.5, 0.004], [45.5], [60.5]]}
#: Mode, what the aperture's rule says (None: no reference), parameters.
SPECTRA = {
    "grism": (GRISM, {}, {}),
    "grism-line": (GRISM, REGIONS | {"bkg_order": 1}, {}),
    "grism-mean": (GRISM, REGIONS | {"bkg_order": 2}, {"bkg_fit": "mean", "smoothing_length": 6}),
    "grism-median": (GRISM, REGIONS, {"bkg_fit": "median"}),
    "grism-median-smooth": (GRISM, REGIONS | {"smoothing_length": 5}, {
        "bkg_fit": "median", "position_offset": 1.3}),
    "grism-no-background": (GRISM, REGIONS, {"subtract_background": False}),
    "grism-polynomials": (GRISM, {"src_coeff": [[25.2, 1.1], [38.4, 0.9]],
                                  "independent_var": "wavelength"}, {"position_offset": 0.4}),
    "grism-rows": (GRISM, {"extract_width": None, "ystart": 28.4, "ystop": 40.7, "xstop": None},
                   {}),
    "grism-everything": (GRISM, None, {}),
    "slit": (SLIT, {}, {}),
    "slit-where-it-is": (SLIT, {"ystart": 8.2}, {"use_source_posn": False, "apply_apcorr": False}),
    "slit-calibrated": (SLIT, {"bkg_coeff": [[-0.5], [3.5], [20.5], [26.5]]}, {
        "bkg_order": 1, "save_profile": True, "save_scene_model": True,
        "save_residual_image": True}),
    "slit-extended": (SLIT, {"id": "ANY"}, {}),
    "slit-other-order": (SLIT, {"spectral_order": 2}, {}),
}
CUTOUTS = {
    "grism-cutout": (GRISM, {}), "slit-cutout": (SLIT, {}),
    "grism-low": (GRISM, {"tsgrism_extract_height": 40}),
    "grism-high": (GRISM, {"tsgrism_extract_height": 75, "extract_orders": [1]}),
    "slit-named": (SLIT, {"slit_names": ["S1600A1"]}),
}


def altered(case, cutout):
    """The cutout of a case: calibrated, or of an extended source."""
    cutout = cutout.copy()
    if case in ("slit-calibrated", "slit-extended"):
        cutout.source_type = "EXTENDED" if case == "slit-extended" else "POINT"
        cutout.meta.cal_step.photom = "COMPLETE"
        cutout.meta.photometry.pixelarea_steradians = 1e-13
        cutout.var_flat = (0.01 * cutout.data**2).astype(np.float32)
    return cutout


def run(steps, folder):
    """Run assign_wcs, extract_2d and extract_1d, one after the other; products by case."""
    folder = Path(folder)
    assign, cut, extract = steps
    placed, paths = {}, {}

    def done(step, case, model, given, parameters, of=None):
        of = of or paths[case]
        overrides = {f"override_{reftype}": of.get(reftype, "N/A")
                     for reftype in step.reference_file_types}
        target = folder / case
        target.mkdir(exist_ok=True)
        return step(**overrides, **parameters, output_dir=str(target), suffix=given,
                    save_results=True).run(model)

    for kind in star_series.KINDS:
        paths[kind] = star_series.references(kind, folder)
        placed[kind] = done(assign, kind, star_series.rates(kind), "wcs", {})
    cutouts = {case: done(cut, case, placed[kind], "cutout", parameters, paths[kind])
               for case, (kind, parameters) in CUTOUTS.items()}
    (path,) = (folder / GRISM).glob("jw*_wcs.fits")
    try:
        done(cut, "grism-file", str(path), "cutout", {}, paths[GRISM])
    except ValueError as problem:
        (folder / "grism-file" / "problem.txt").write_text(str(problem))
    for case, (kind, rule, parameters) in SPECTRA.items():
        cutout = altered(case, cutouts["grism-cutout" if kind == GRISM else "slit-cutout"])
        of = paths[kind] | {"extract1d": "N/A"}
        if rule is not None:
            of["extract1d"] = str(folder / f"{case}.json")
            star_series.write_apertures(of["extract1d"], kind, **rule)
        done(extract, case, cutout, "x1dints", parameters, of)


def main(folder):
    """Run the official steps on all cases."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    steps = importlib.import_module("jwst.step")
    run((steps.AssignWcsStep, steps.Extract2dStep, steps.Extract1dStep), folder)


if __name__ == "__main__":
    main(sys.argv[1])
