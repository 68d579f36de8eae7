"""NIRSpec exposures that get coordinates.

``python nirspec.py FOLDER`` runs the official step on all, in its environment; the test runs ours
on the same. Needs numpy, stdatamodels and astropy only.
"""

import importlib
import json
import logging
import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import spectra

#: By name: EXP_TYPE, grating, detector, what else `spectra.exposure` takes, parameters.
CASES = {
    "fixed-slit": ("NRS_FIXEDSLIT", "G395H", "NRS1", {"fixed_slit": "S400A1"}, {}),
    "fixed-slit-nrs2": ("NRS_FIXEDSLIT", "G395H", "NRS2", {},
                        {"slit_y_low": -0.4, "slit_y_high": 0.3}),
    "fixed-slit-prism": ("NRS_FIXEDSLIT", "PRISM", "NRS1", {"fixed_slit": "S200A1"}, {}),
    "one-slit": ("NRS_FIXEDSLIT", "G395H", "NRS1", {
        "subarray": "SUBS200A2", "shape": (64, 2048), "corner": (1, 1110)}, {}),
    "bright-object": ("NRS_BRIGHTOBJ", "PRISM", "NRS1", {
        "subarray": "SUB512", "shape": (2, 64, 512), "corner": (401, 1210)}, {}),
    "lamp": ("NRS_AUTOWAVE", "G395H", "NRS1", {
        "filter": "OPAQUE", "lamp_state": "LINE3", "lamp_mode": "FIXEDSLIT"}, {}),
    "shutters": ("NRS_MSASPEC", "G395H", "NRS1", {}, {}),
    "shutters-prism": ("NRS_MSASPEC", "PRISM", "NRS1", {"fixed": "S400A1"}, {"slit_y_low": -0.5}),
    "shutters-nrs2": ("NRS_MSASPEC", "G395H", "NRS2", {}, {}),
    "shutters-lamp": ("NRS_AUTOFLAT", "G395H", "NRS1", {
        "filter": "OPAQUE", "lamp_state": "FLAT3", "lamp_mode": "MSASPEC"}, {}),
    "no-list-of-shutters": ("NRS_MSASPEC", "G395H", "NRS1", {}, {}),
    "field-nrs2-by-slice": ("NRS_IFU", "G395H", "NRS2", {}, {"nrs_ifu_slice_wcs": True}),
    "field-prism": ("NRS_IFU", "PRISM", "NRS1", {}, {"slit_y_low": -0.5, "slit_y_high": 0.45}),
    "field-lamp": ("NRS_LAMP", "G395H", "NRS1", {
        "filter": "OPAQUE", "lamp_state": "FLAT3", "lamp_mode": "IFU"}, {}),
    "field-not-seen": ("NRS_IFU", "G140M", "NRS2", {}, {}),
    "nothing-to-see": ("NRS_BRIGHTOBJ", "G140M", "NRS1", {}, {}),
}

#: Quadrant, row, first and last column, and source of slitlets; some the detectors do not see.
SLITLETS = {1: (3, 228, 29, 31, 1), 2: (3, 228, 59, 61, -2), 3: (3, 100, 89, 90, 0),
            4: (1, 200, 100, 103, 2), 7: (4, 10, 3, 3, 0), 9: (2, 300, 140, 144, 1)}
#: Quadrant, row and column of shutters that do not close.
FAILED = [(3, 228, 120), (1, 20, 100), (4, 300, 60), (2, 350, 5)]


def open_shutters(model, folder, paths, fixed=None, *, listed=True):
    """Give an exposure its list of shutters, or the name of none, and those that do not close."""
    name = spectra.opened_shutters(folder, SLITLETS, fixed)
    name = name if listed else "of_another_exposure.fits"
    model.meta.instrument.msa_metadata_file = str(folder / name)
    model.meta.instrument.msa_metadata_id = 7
    paths["msaoper"] = spectra.failed_shutters(folder, FAILED)


def prepared(name, folder):
    """What a run of either package needs: the model, references by type, parameters."""
    kind, grating, detector, options, parameters = CASES[name]
    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a reference should tell about itself
        paths = spectra.references(folder, grating)
    options = dict(options)
    fixed = options.pop("fixed", None)
    model = spectra.exposure(kind, grating, detector, **options)
    if "shutters" in name:
        open_shutters(model, folder, paths, fixed, listed=not name.startswith("no-"))
    return model, paths, parameters


def run(step_class, flag_class, name, folder):
    """Run the steps and save their product; else, save what they say."""
    model, paths, parameters = prepared(name, folder)
    types = step_class.reference_file_types
    step = step_class(**spectra.overrides(paths, types), **parameters)
    try:
        result = step.run(model)
    except Exception as problem:
        told = {"status": getattr(problem, "exit_status", getattr(problem, "status", None)),
                "message": str(problem)}
        (folder / "problem.json").write_text(json.dumps(told))
        return
    if "msaoper" in paths:
        result = flag_class(override_msaoper=paths["msaoper"]).run(result)
    result.save(folder / "result.fits")


def main(folder):
    """Run the official step on all cases."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    steps = importlib.import_module("jwst.step")
    for name in CASES:
        run(steps.AssignWcsStep, steps.MSAFlagOpenStep, name, Path(folder) / name)


if __name__ == "__main__":
    main(sys.argv[1])
