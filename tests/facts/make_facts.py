"""Write the facts about the reference release that tests are generated from.

Usage: python tests/facts/make_facts.py FOLDER, where FOLDER holds the full steps.json that
introspection of jwst 3.0.0 gave. Only what tests read is kept.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def _parameter(entry):
    kept = {key: entry[key] for key in ("name", "type", "default")}
    kept |= {key: float(value) for key, value in entry.get("kwargs", {}).items()
             if key in ("min", "max")}
    if "args" in entry:
        kept["choices"] = entry["args"]
    return kept


def _step(entry):
    kept = {
        "class_name": entry["class_name"],
        "references": entry.get("reference_file_types", []),
        "parameters": [_parameter(p) for p in entry["params"]],
        "redefined": {p["name"]: p["default"] for p in entry["universal_overrides"]},
        "prefetch": entry.get("prefetch_references", True),
    }
    for key in ("cal_step_attribute", "prefetch_types_at_default_skips", "execution_order"):
        if key in entry:
            kept[key] = entry[key]
    if "step_defs" in entry:
        kept["steps"] = {s["name"]: s["skipped_by_default"] for s in entry["step_defs"]}
    return kept


def main(folder):
    """Read the full facts, write the trimmed ones."""
    full = json.loads(Path(folder, "steps.json").read_text(encoding="utf-8"))
    facts = {
        "source": "jwst 3.0.0",
        "universal": [_parameter(p) for p in full["universal_parameters"]],
        "steps": {s["class_name"]: _step(s) for s in (*full["steps"], *full["pipelines"])},
    }
    text = json.dumps(facts, indent=1, sort_keys=True)
    (HERE / "steps.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
