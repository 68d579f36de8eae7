"""Write docs/parity.rst: how far our results are from the official package's, step by step.

    python -m tests.parity.report [CASE ...]

With cases, only their sections are written anew.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from astropy.io import fits

import jwst_cal
from tests.parity import cases, compare, setup

#: Why there is a difference, by the first step that makes one.
REASONS = {
    "ramp_fit": "float32: sums of the fit in another order",
    "products": "float32: sums of the fit in another order",  # of which no step was kept
    "emicorr": "two spline libraries",
    "refpix": "float32: Fourier transforms of another order",
    "clean_flicker_noise": "float32: Fourier transforms of another order",
    "guider_cds": "float32: means in another order",
}

PAGE = Path(__file__).parents[2] / "docs" / "parity.rst"

HEAD = """\
Parity with jwst 3.0.0
======================

Written by ``python -m tests.parity.report``, with jwst_cal {ours} and jwst {official}.

Both packages run a pipeline on the same simulated exposure, each choosing its reference files from
the embedded cache through ``crds`` (those of guide-star exposures are given). After every step
the model is compared: **difference** is the largest relative difference of any float (data, errors,
variances) that is finite in both, **NaN** the number of values that are finite in one only,
**flags** the number of DQ values that differ. Steps that both skip are left out. Headers and
metadata of the products are the same keyword by keyword but for

{allowed}

and ``tests/parity/test_pipelines.py`` checks all of it, each step also alone, on the official
package's result of the step before.

"""


def numbers(pairs, stricter, scale):
    """Summarise comparisons of files: largest difference, NaN, flags, notes."""
    largest, nan, flags, notes = 0.0, 0, 0, []
    for ours, official in pairs:
        for found in compare.files(ours, official, stricter=stricter, scale=scale):
            largest = max(largest, found.largest)
            nan += found.n_nan
            flags += found.n_over if "DQ" in found.name else 0
            notes += [str(found)] if found.note else []
        if stricter:
            with fits.open(ours) as mine, fits.open(official) as theirs:
                only = compare.flagged_here(mine, theirs)
            if only is not None and only.any():
                notes.append(f"{only.sum()} ramps flagged and NaN here only")
    return largest, nan, flags, notes


class Result(NamedTuple):
    """What the page tells of a step, or of the products, of a case."""

    case: str
    step: str
    largest: float
    nan: int
    flags: int


def row(label, status, pairs, stricter, scale):
    """One row of a table."""
    if not pairs:
        return (label, "", "", "", status)
    largest, nan, flags, notes = numbers(pairs, stricter, scale)
    return (label, f"{largest:.1e}" if largest else "0", str(nan), str(flags), "; ".join(notes))


def table(rows):
    """Lay out a simple table with a head, one line a row; a last column of nothing is left out."""
    rows = [row[:-1] for row in rows] if not any(row[-1] for row in rows[1:]) else rows
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
             for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule]) + "\n"


def section(name, case):
    """One case as a table."""
    with tempfile.TemporaryDirectory() as folder:
        _, ours, official, _ = cases.run(case, Path(folder))
        rows = [("After", "Difference", "NaN", "Flags", "Remark")]
        for alias in dict.fromkeys(case.chain):
            pairs = list(zip(ours.after(alias), official.after(alias), strict=True))
            status = (f"both {official.status(alias)}" if official.status(alias) ==
                      ours.status(alias) else
                      f"{ours.status(alias)}, official {official.status(alias)}")
            if pairs or official.status(alias) != "SKIPPED" or ours.status(alias) != "SKIPPED":
                rows.append(row(f"``{alias}``", status, pairs, case.stricter, case.scale[0]))
        rows += [row(f"product ``{suffix}``", "",
                     [(ours.product(suffix), official.product(suffix))], case.stricter,
                     case.scale[1])
                 for suffix in case.products]
    exposure = ", ".join(f"{k} {v}" for k, v in case.exposure.items())
    parameters = "; ".join(f"{step}: " + ", ".join(f"{k}={v}" for k, v in pars.items())
                           for step, pars in case.steps.items())
    return "".join([
        f"{name}\n{'-' * len(name)}\n", f"{case.pipeline}, simulated with {exposure}.",
        f" Parameters: {parameters}." if parameters else " Default parameters.",
        f" Ramps are flagged here only because: {case.stricter}." if case.stricter else "",
        f" Differences are relative to {case.scale[0]:g} DN in ramps and {case.scale[1]:g} in "
        "products at least: Fourier transforms round." if any(case.scale) else "",
        "\n\n", table(rows), "\n",
    ])


def results(sections):
    """Read the tables of sections: what was compared, or was done by both where it was not."""
    found = []
    for name, text in sections.items():
        for label, step, numbers, status in re.findall(
                r"^(product )?``(\w+)`` +(?:(\S+ +\d+ +\d+)|(both COMPLETE))", text, re.MULTILINE):
            largest, nan, flags = numbers.split() if not status else ("0", "0", "0")
            found.append(Result(name, "products" if label else step, float(largest), int(nan),
                                int(flags)))
    return found


def steps_table(every):
    """The worst of all cases, step by step."""
    rows = [("Step", "Cases", "Difference", "NaN", "Flags", "Largest difference in")]
    for step in dict.fromkeys(s for chain in (cases.NEAR_INFRARED, cases.MID_INFRARED,
                                              cases.GUIDE_STAR, ("products",)) for s in chain):
        found = [r for r in every if r.step == step]
        worst = max(found, key=lambda r: r.largest, default=None)
        label = step if step == "products" else f"``{step}``"
        if worst is None:
            rows.append((label, "0", "", "", "", "no case, or not in this release"))
            continue
        rows.append((label, str(len({r.case for r in found})),
                     f"{worst.largest:.1e}" if worst.largest else "0",
                     str(sum(r.nan for r in found)), str(sum(r.flags for r in found)),
                     worst.case if worst.largest else ""))
    return table(rows)


def cases_table(every):
    """The worst of all steps, case by case, and why there is a difference at all."""
    rows = [("Case", "Exposure", "Difference", "NaN", "Flags", "Reason")]
    for name in dict.fromkeys(r.case for r in every):
        case, found = cases.CASES[name], [r for r in every if r.case == name]
        differs = [r.step for r in found if r.largest or r.nan or r.flags]
        reason = REASONS.get(differs[0], f"see {differs[0]}") if differs else ""
        rows.append((f"`{name}`_", kind(case), f"{max(r.largest for r in found):.1e}"
                     if any(r.largest for r in found) else "0", str(sum(r.nan for r in found)),
                     str(sum(r.flags for r in found)), reason))
    return table(rows)


def kind(case):
    """The exposure of a case in a few words."""
    asked = case.exposure
    if "mode" in asked:
        return asked["mode"]
    words = (asked["instrument"], asked.get("detector"), asked["subarray"], asked.get("readpatt"))
    return " ".join(word for word in words if word)


def main(names):
    """Write the page: the sections of the cases given, or all; others stay as they are."""
    chosen = names or list(cases.CASES)
    sections = _written() if names else {}
    allowed = "\n".join(f"* ``{k}``: {reason}" for k, reason in compare.ALLOWED.items())
    text = HEAD.format(ours=jwst_cal.__version__.split("+")[0], official=setup.VERSION,
                       allowed=allowed)
    for name in chosen:
        print(name, flush=True)
        sections[name] = section(name, cases.CASES[name])
    sections = {name: sections[name] for name in cases.CASES if name in sections}
    every = results(sections)
    text += "By step\n-------\n\n" + steps_table(every) + "\n"
    text += "By case\n-------\n\n" + cases_table(every) + "\n"
    PAGE.write_text((text + "".join(sections.values())).rstrip() + "\n")


def _written():
    """The sections that are on the page, by case."""
    text = PAGE.read_text() + "\n"
    places = {name: text.find(f"\n{name}\n{'-' * len(name)}\n") for name in cases.CASES}
    found = sorted((at + 1, name) for name, at in places.items() if at >= 0)
    ends = [at for at, _ in found[1:]] + [len(text)]
    return {name: text[at:end] for (at, name), end in zip(found, ends, strict=True)}


if __name__ == "__main__":
    main(sys.argv[1:])
