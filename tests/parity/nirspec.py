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
    "nothing-to-see": ("NRS_BRIGHTOBJ", "G140M", "NRS1", {}, {}),
}


def prepared(name, folder):
    """What a run of either package needs: the model, references by type, parameters."""
    kind, grating, detector, options, parameters = CASES[name]
    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a reference should tell about itself
        paths = spectra.references(folder, grating)
    return spectra.exposure(kind, grating, detector, **options), paths, parameters


def run(step_class, name, folder):
    """Run a step and save its product; else, save what it says."""
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
    result.save(folder / "result.fits")


def main(folder):
    """Run the official step on all cases."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    step_class = importlib.import_module("jwst.step").AssignWcsStep
    for name in CASES:
        run(step_class, name, Path(folder) / name)


if __name__ == "__main__":
    main(sys.argv[1])
