"""``collect_pipeline_cfgs DIR``: write a parameter file for each pipeline and step.

The files are in the ``.cfg`` format. A step's file holds its name and class; a pipeline's also
lists its steps, in order, to be filled in. Every value that is not listed is left to CRDS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["main", "write_all"]

SKIP = {"skip": True}


class Variant(NamedTuple):
    """A file that differs from the plain one of its class."""

    alias: str
    name: str | None = None
    parameters: Mapping[str, Any] = {}
    steps: Mapping[str, Mapping[str, Any]] = {}


#: Files by name; those of the other classes are called ``<alias>.cfg`` and hold nothing special.
VARIANTS = {
    "calwebb_dark": Variant("calwebb_dark", None, {"suffix": "dark"}, {"ipc": SKIP}),
    "calwebb_detector1": Variant("calwebb_detector1", None, {}, {"ipc": SKIP}),
    "calwebb_tso1": Variant(
        "calwebb_detector1",
        None,
        {"save_calibrated_ramp": True},
        dict.fromkeys(("ipc", "rscd", "firstframe", "lastframe", "persistence"), SKIP),
    ),
    "calwebb_spec2": Variant("calwebb_spec2", None, {"save_results": True}),
    "calwebb_nrslamp-spec2": Variant("calwebb_spec2", "Spec2NRSLamp"),
    "calwebb_tso-image2": Variant(
        "calwebb_image2",
        None,
        {"save_results": True},
        {"bkg_subtract": SKIP, "resample": SKIP},
    ),
    "calwebb_wfs-image2": Variant(
        "calwebb_image2", None, {"save_results": True}, {"resample": SKIP}
    ),
    "calwebb_tso-spec2": Variant(
        "calwebb_spec2",
        None,
        {"save_results": True},
        dict.fromkeys(
            (
                "bkg_subtract", "imprint_subtract", "msa_flagging", "master_background_mos",
                "straylight", "pathloss", "barshadow", "resample_spec", "cube_build",
            ),
            SKIP,
        ),
    ),
    "calwebb_tso3": Variant(
        "calwebb_tso3",
        None,
        {},
        {"outlier_detection": {"config_file": "outlier_detection_tso.cfg"}},
    ),
    "outlier_detection_tso": Variant(
        "outlier_detection", "outlier_detection", {"resample_data": False}
    ),
    "calwebb_wfs-image3": Variant("calwebb_wfs-image3", "WfsCombine"),
    "wfs_combine": Variant("calwebb_wfs-image3", "WfsCombine"),
    "stack_refs": Variant("stack_refs", "stackrefs"),
    "clean_noise": Variant("clean_flicker_noise"),
}  # fmt: skip


def configs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each file, without ``.cfg``, and what it holds."""
    from jwst_cal import registry

    plain = {row.alias: Variant(row.alias) for row in registry.ROWS}
    for name, variant in (plain | VARIANTS).items():
        row = registry.by_alias[variant.alias]
        if row.exists:
            cls = registry.load(row.alias)
            yield name, _config(cls, row, variant)


def _config(cls: Any, row: Any, variant: Variant) -> dict[str, Any]:
    from jwst_cal.framework import configuration

    name = variant.name or (row.class_name if row.is_pipeline else row.alias)
    config = {"name": name, "class": configuration.class_name(cls)}
    config |= {key: value for key, value in variant.parameters.items() if key in cls.parameters()}
    steps = getattr(cls, "step_defs", None) or {}
    if steps:
        config["steps"] = {step: dict(variant.steps.get(step, {})) for step in steps}
    return config


def write_all(folder: str) -> list[str]:
    """
    Write the files.

    Parameters
    ----------
    folder : str
        Where to; made if it does not exist.

    Returns
    -------
    list of str
        Paths of the files.

    Raises
    ------
    OSError, ParameterError
        If the folder cannot be made or a file not be written.
    """
    from jwst_cal.framework import configuration

    os.makedirs(folder, exist_ok=True)
    written = []
    for name, config in configs():
        written.append(os.path.join(folder, f"{name}.cfg"))
        configuration.write(config, written[-1])
    return written


def _confirmed(folder: str) -> bool:
    """Ask whether to write into an existing folder; without a terminal, yes."""
    if not (os.path.isdir(folder) and sys.stdin.isatty()):
        return True
    print(f"{folder} exists; parameter files in it will be replaced.")
    for _ in range(10):
        answer = input("Enter yes or no [yes] ").strip().lower()
        if answer in ("", "y", "yes", "n", "no"):
            return answer in ("", "y", "yes")
    return False


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, with the arguments of the process by default; return its exit status."""
    words = sys.argv[1:] if words is None else words
    if any(word in ("-h", "--help") for word in words):
        print("usage: collect_pipeline_cfgs DIR\n\nWrite a parameter file (.cfg) for each pipeline "
              "and step into the folder DIR.")  # fmt: skip
        return 0
    if len(words) != 1:
        problem = "too many arguments" if words else "missing argument (destination directory)"
        print(f"ERROR: {problem}", file=sys.stderr)
        return 1
    if not _confirmed(words[0]):
        return 1
    try:
        written = write_all(words[0])
    except (OSError, ValueError) as error:
        from jwst_cal.framework import commandline

        print(f"ERROR: {commandline.describe(error)}", file=sys.stderr)
        return 1
    print(f"{len(written)} files written in {words[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
