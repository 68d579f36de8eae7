"""Run an official step or pipeline: python run_step.py spec.json.

Runs in the environment of the official package; needs nothing else. The file gives ``class``
(dotted), ``input`` (file names; one stands alone), ``parameters``. Products are written to the
working directory.
"""

import importlib
import json
import os
import sys
import warnings


def main(path):
    """Run it."""
    warnings.simplefilter("ignore")
    with open(path) as file:
        spec = json.load(file)
    module, _, name = spec["class"].rpartition(".")
    step = getattr(importlib.import_module(module), name)
    parameters = spec.get("parameters", {})
    parameters.setdefault("save_results", True)
    parameters.setdefault("output_dir", os.getcwd())
    step.call(*spec["input"], **parameters)


if __name__ == "__main__":
    main(sys.argv[1])
