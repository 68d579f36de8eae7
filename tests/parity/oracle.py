"""Runs of both packages. Official ones are computed once for each set of inputs, then kept."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from jwst_cal.simulate import nirspec_optics
from tests.parity import driver, setup
from tests.parity import run_step as run_step_program

#: Tells the official package's environment where NIRSpec's optics are: see tests/spectra.py.
OPTICS = {"JWST_CAL_OPTICS": nirspec_optics.__file__}


class Run(NamedTuple):
    """One run: its folder, and what ``run.json`` tells."""

    folder: Path
    record: dict

    def product(self, suffix):
        """Return the path of a product."""
        (path,) = self.folder.glob(f"jw*_{suffix}.fits")
        return path

    def status(self, step):
        """Return what the product says about a step; None if the pipeline does not have it."""
        return next((r["status"] for r in self.record["steps"] if r["step"] == step), None)

    def after(self, step):
        """Return the files kept after a step, two for the fit."""
        return [self.folder / name for row in self.record["steps"] if row["step"] == step
                for name in row["files"]]

    def before(self, step):
        """Return the ramp that a step got, as the last one kept; None for the exposure itself."""
        found = None
        for row in self.record["steps"]:
            if row["step"] == step:
                return found
            if row["files"]:
                found = self.folder / row["files"][0]
        raise LookupError(step)


def load(folder):
    """Return the run in a folder."""
    return Run(folder, json.loads((folder / "run.json").read_text()))


def ours(exposure, folder, *, pipeline="Detector1Pipeline", overrides=None, steps=None, keep=None):
    """
    Run our pipeline in this process; arguments as for :func:`official`.

    Returns
    -------
    Run
        The run.
    """
    driver.main({"package": "jwst_cal", "pipeline": pipeline, "exposure": str(exposure),
                 "folder": str(folder), "overrides": dict(overrides or {}),
                 "steps": dict(steps or {}), "keep": keep})
    return load(folder)


def digest(path):
    """Return the sha256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def official(exposure, *, pipeline="Detector1Pipeline", overrides=None, crds=None, chosen=None,
             steps=None, keep=None):
    """
    Run the official pipeline on an exposure, or take the result from the cache.

    Parameters
    ----------
    exposure : path
        The raw exposure.
    pipeline : str
        Class name.
    overrides : dict, optional
        Paths by reference type; the types left out are N/A.
    crds : dict, optional
        Environment that points crds at a cache, instead of overrides.
    chosen : dict, optional
        With `crds`, what its rules choose for this exposure: paths by reference type, or N/A.
    steps : dict, optional
        Parameters by step.
    keep : list of str, optional
        Steps after which the model is kept; all that do something by default.

    Returns
    -------
    Run
        The run.
    """
    overrides, crds, steps = dict(overrides or {}), dict(crds or {}), dict(steps or {})
    if bool(crds) != bool(chosen):
        raise ValueError("crds and chosen come together: results are kept by the references used")
    if any("n/a" in str(path).lower() for path in [*overrides.values(), *crds.values()]
           if path != "N/A"):
        raise ValueError("the official package takes a reference path with 'n/a' in it for N/A")
    python, reason = setup.find()
    if python is None:
        raise FileNotFoundError(reason)
    key = json.dumps([
        setup.VERSION, digest(driver.__file__), pipeline, digest(exposure), Path(exposure).name,
        steps,
        {k: v if v == "N/A" else digest(v) for k, v in overrides.items()},
        {k: v if v == "N/A" else [Path(v).name, digest(v)] for k, v in (chosen or {}).items()},
        {k: v for k, v in crds.items() if k != "CRDS_PATH"}, keep,
    ], sort_keys=True)
    results = setup.cache_folder() / "oracle-results"
    results.mkdir(parents=True, exist_ok=True)
    final = results / hashlib.sha256(key.encode()).hexdigest()[:24]
    with _alone(final):
        if not (final / "run.json").exists():
            _make(final, python, crds, {
                "package": "jwst", "pipeline": pipeline, "exposure": str(Path(exposure).resolve()),
                "overrides": overrides, "steps": steps, "keep": keep,
            })
    return load(final)


@contextlib.contextmanager
def _alone(final):
    """Keep other processes from making the same results."""
    with open(final.with_name(f".{final.name}.lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(final, python, crds, spec):
    making = Path(tempfile.mkdtemp(prefix=".making", dir=final.parent))
    try:
        _run(python, making, crds, {**spec, "folder": str(making)})
        shutil.rmtree(final, ignore_errors=True)
        making.rename(final)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _run(python, folder, crds, spec, program=driver):
    (folder / "spec.json").write_text(json.dumps(spec))
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith(("CRDS_", "PYTHON", "STPIPE_"))}
    environment.update({k: str(v) for k, v in (crds or empty_cache(folder)).items()})
    environment |= {"STPIPE_DISABLE_CRDS_STEPPARS": "True", **OPTICS}
    done = subprocess.run([str(python), program.__file__, "spec.json"], env=environment, cwd=folder,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the official package failed on {json.dumps(spec)[:500]}:\n"
                           f"{done.stderr[-4000:]}")


def run_steps(folder, runs):
    """
    Run official steps or pipelines that ask for no references.

    Parameters
    ----------
    folder : Path
        Working directory.
    runs : list of (str, sequence of str or Path, Path, dict[, bool])
        Dotted name of the class, input files, folder for the products, parameters for ``call``
        with references as overrides, and whether the step gets open models.
    """
    python, reason = setup.find()
    if python is None:
        raise FileNotFoundError(reason)
    _run(python, folder, None, [
        {"class": class_name, "input": [str(name) for name in inputs], "folder": str(target),
         "parameters": parameters, "open": any(opened)}
        for class_name, inputs, target, parameters, *opened in runs
    ], run_step_program)


def run_program(folder, program, spec):
    """
    Run a program of this folder in the environment of the official package.

    Parameters
    ----------
    folder : Path
        Working directory.
    program : module
        What to run: its file, with the name of a file of `spec` as the argument.
    spec : dict or list
        What it is to do.
    """
    python, reason = setup.find()
    if python is None:
        raise FileNotFoundError(reason)
    _run(python, folder, {"CRDS_MODE": "local"}, spec, program)


def serverless(root, context):
    """Return the environment that has crds read a cache and ask no server."""
    return {"CRDS_PATH": root, "CRDS_SERVER_URL": "https://jwst-serverless.stsci.edu",
            "CRDS_CONTEXT": context, "CRDS_MODE": "local", "CRDS_READONLY_CACHE": "1"}


def empty_cache(folder):
    """Make a cache without rules; crds asks it for the name of the context even so."""
    root = folder / "crds"
    (root / "config" / "jwst").mkdir(parents=True)
    (root / "config" / "jwst" / "server_config").write_text(repr({
        "observatory": "jwst", "operational_context": "jwst_0000.pmap",
        "latest_context": "jwst_0000.pmap", "last_synced": "2026-01-01", "connected": False,
        "status": "cache", "bad_files_list": [], "bad_files": "", "force_remote_mode": False,
        "crds_version": {"str": "0"}, "context_for_jwst_versions": {},
    }))
    for below in ("mappings", "references"):
        (root / below / "jwst").mkdir(parents=True)
    return serverless(root, "jwst_0000.pmap") | OPTICS
