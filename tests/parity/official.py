"""Run the official stage 1 and keep the model after every step. Runs in the environment of jwst.

    python official.py SPEC.json

SPEC: exposure, folder (exists), overrides (reference type to path), steps (parameters by step),
keep_steps. Writes the products, ``NN_<step>.fits`` for each step that did something, ``run.json``.
"""

import json
import resource
import sys
import time
from pathlib import Path


def used():
    """CPU seconds of this process and its children."""
    return sum(r.ru_utime + r.ru_stime for r in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def main(spec):
    """Run it."""
    begin = time.perf_counter()
    import jwst
    from jwst.pipeline import Detector1Pipeline
    from stpipe import Step

    folder, overrides = Path(spec["folder"]), spec["overrides"]
    if overrides:
        # A step that makes another one by itself does not hand the overrides on.
        plain = Step.get_ref_override

        def get_ref_override(self, reftype):
            found = plain(self, reftype)
            return overrides.get(reftype, "N/A") if found is None else found

        Step.get_ref_override = get_ref_override

    steps = {}
    for name, step in Detector1Pipeline.step_defs.items():
        steps[name] = {f"override_{r}": overrides.get(r, "N/A") for r in step.reference_file_types
                       if overrides}
        steps[name].update(spec["steps"].get(name, {}))
    pipeline = Detector1Pipeline(steps=steps, save_results=True, output_dir=str(folder))
    record = []

    def watched(name, run):
        def wrapper(*args, **options):
            clock, cpu = time.perf_counter(), used()
            result = run(*args, **options)
            row = {"step": name, "wall": time.perf_counter() - clock, "cpu": used() - cpu}
            results = result if isinstance(result, tuple) else (result,)
            keyword = {"dark_current": "dark_sub"}.get(name, name)
            row["status"] = getattr(results[0].meta.cal_step, keyword, None)
            row["files"] = []
            if spec["keep_steps"] and row["status"] == "COMPLETE":
                for ints, model in zip(("", "ints"), results, strict=False):
                    if model is not None:
                        file = f"{len(record):02d}_{name}{ints}.fits"
                        with model.copy() as copy:
                            copy.save(str(folder / file))
                        row["files"].append(file)
            record.append(row)
            return result
        return wrapper

    for name in Detector1Pipeline.step_defs:
        step = getattr(pipeline, name)
        step.run = watched(name, step.run)

    loaded = time.perf_counter() - begin
    pipeline.run(spec["exposure"])
    (folder / "run.json").write_text(json.dumps({
        "jwst": jwst.__version__, "steps": record, "import": loaded,
        "wall": time.perf_counter() - begin, "cpu": used(),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }, indent=1))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
