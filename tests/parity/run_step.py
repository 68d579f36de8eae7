"""Run official steps or pipelines: python run_step.py spec.json.

Runs in the environment of the official package; needs nothing else. The file holds a list of runs:
``class`` (dotted), ``input`` (file names), ``parameters``, ``folder``, into which products go, and
``open``: whether the step gets open models in the place of names.
"""

import importlib
import json
import os
import sys
import warnings


def main(path):
    """Run all, one after the other: importing the package takes longer than most runs."""
    warnings.simplefilter("ignore")
    with open(path) as file:
        runs = json.load(file)
    for run in runs:
        module, _, name = run["class"].rpartition(".")
        step = getattr(importlib.import_module(module), name)
        os.chdir(run["folder"])
        inputs = run["input"]
        if run.get("open"):
            from stdatamodels.jwst import datamodels

            inputs = [datamodels.open(name) for name in inputs]
        step.call(*inputs, **{"save_results": True, "output_dir": run["folder"],
                                    **run.get("parameters", {})})


if __name__ == "__main__":
    main(sys.argv[1])
