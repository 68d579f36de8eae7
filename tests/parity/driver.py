"""Run a pipeline for raw exposures of either package and keep the model after every step.

    python driver.py SPEC.json

SPEC: package (``jwst`` or ``jwst_cal``), pipeline (class name), exposure, folder (exists),
overrides (paths by reference type), steps (parameters by step), keep (steps whose result is kept,
or null for all). Writes the products, ``NN_<step>.fits`` after each step that did something, and
``run.json``. Runs in the environment of the package; needs nothing else.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path

PIPELINE = {"jwst": "jwst.pipeline", "jwst_cal": "jwst_cal.pipelines"}


def cpu_seconds():
    """CPU seconds of this process and its children."""
    return sum(r.ru_utime + r.ru_stime for r in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def hand_on_overrides(overrides):
    """Let a step of the official package that makes another one by itself find them too."""
    from stpipe import Step

    plain = Step.get_ref_override

    def get_ref_override(self, reftype):
        found = plain(self, reftype)
        return overrides.get(reftype, "N/A") if found is None else found

    Step.get_ref_override = get_ref_override


def watch(step, name, record, folder, keep):
    """Have a step note its time and status, and leave a copy of its result."""
    run = step.run

    def watched(*args, **options):
        clock, cpu = time.perf_counter(), cpu_seconds()
        result = run(*args, **options)
        results = result if isinstance(result, tuple) else (result,)
        keyword = {"dark_current": "dark_sub"}.get(name, name)
        row = {"step": name, "wall": time.perf_counter() - clock, "cpu": cpu_seconds() - cpu,
               "status": getattr(results[0].meta.cal_step, keyword, None), "files": []}
        for ints, model in zip(("", "ints"), results, strict=False):
            if keep and model is not None and row["status"] == "COMPLETE":
                row["files"].append(f"{len(record):02d}_{name}{ints}.fits")
                with model.copy() as copy:
                    copy.save(str(folder / row["files"][-1]))
        record.append(row)
        return result

    step.run = watched


def main(spec):
    """Run it."""
    begin, cpu = time.perf_counter(), cpu_seconds()
    pipeline_class = getattr(importlib.import_module(PIPELINE[spec["package"]]),
                             spec["pipeline"])
    folder, overrides = Path(spec["folder"]), spec["overrides"]
    if overrides and spec["package"] == "jwst":
        hand_on_overrides(overrides)
    steps = {}
    for name, step in pipeline_class.step_defs.items():
        steps[name] = {f"override_{r}": overrides.get(r, "N/A") for r in step.reference_file_types
                       if overrides}
        steps[name].update(spec["steps"].get(name, {}))
    pipeline = pipeline_class(steps=steps, save_results=True, output_dir=str(folder))
    record = []
    for name in pipeline_class.step_defs:
        keep = spec["keep"] is None or name in spec["keep"]
        watch(getattr(pipeline, name), name, record, folder, keep)
    pipeline.run(spec["exposure"])
    (folder / "run.json").write_text(json.dumps({
        "version": importlib.import_module(spec["package"]).__version__,
        "steps": record, "wall": time.perf_counter() - begin, "cpu": cpu_seconds() - cpu,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }, indent=1))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
