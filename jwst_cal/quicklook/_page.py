"""One page that tells a run: products, steps, references, parameters, warnings, log."""

from __future__ import annotations

import base64
import html
import os
import re

from jwst_cal import models
from jwst_cal.errors import JwstCalError, OutputError
from jwst_cal.framework import products, provenance
from jwst_cal.quicklook._products import picture

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em;
       color: #1c1c1c; background: #fff; }
h1 { font-size: 1.5em; margin-bottom: 0.2em; } h2 { font-size: 1.15em; margin-top: 2em; }
p.told { color: #555; margin-top: 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top;
       padding: 0.3em 0.8em 0.3em 0; border-bottom: 1px solid #e2e2e2; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { background: #9db7d5; height: 0.8em; display: inline-block; }
.SKIPPED { color: #888; } .FAILED { color: #c1272d; }
img { max-width: 100%; border: 1px solid #e2e2e2; }
pre, code { font: 12.5px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; }
.warning { background: #fff6dd; padding: 0.1em 0.6em; margin: 0.2em 0; }
summary { cursor: pointer; }
"""
WARNING = re.compile(r" - (WARNING|ERROR|CRITICAL) - ")
#: Lines of these loggers tell how exposures were put on each other.
ALIGNMENT = re.compile(r"jwst_cal\.(astrometry\.(tweakreg|_match|_catalogs)|background\.skymatch)")


def of_run(step, saved):
    """
    Draw the products of a run and write the page that tells it.

    Parameters
    ----------
    step : Step
        The outermost step or pipeline, after running.
    saved : list of str
        Its products.

    Returns
    -------
    str
        The page, ``<product>_quicklook.html`` in the folder of the products; of an association of
        several, ``<association>_quicklook.html``.

    Raises
    ------
    OutputError
        If a picture or the page cannot be written.
    """
    groups = _by_root(saved)
    shown = [(path, *_drawn(path)) for group in groups.values() for path, _ in group]
    told = provenance.told(step, step._history)
    text = "\n".join(_parts(step, told, shown))
    folder = os.path.dirname(saved[-1] if saved else step.make_output_path())
    path = os.path.join(folder, f"{_name(step, groups, told['input'])}_quicklook.html")
    return models.save_text(text, path)


def _split(path):
    """Root and suffix of a product's name."""
    name = os.path.splitext(os.path.basename(path))[0]
    root, _ = products.remove_suffix(name)
    return (root, name[len(root) + 1 :]) if root != name else name.rpartition("_")[::2]


def _by_root(saved):
    """Products, each with its suffix, by root, as they were made; those of all others first."""
    groups = {}
    for path in dict.fromkeys(saved):
        root, suffix = _split(path)
        groups.setdefault(root, []).append((path, suffix))
    *others, last = groups or [None]
    if others and _suffixes(groups[last]) != _suffixes(groups[others[-1]]):
        groups = {last: groups.pop(last)} | groups
    return groups


def _suffixes(group):
    return {suffix for _, suffix in group}


def _name(step, groups, given):
    """Name a page after its first products; those of several from one association, after that."""
    first, *others = groups.values() or [()]
    if others and _suffixes(first) == _suffixes(others[0]) and str(given).endswith(".json"):
        return _split(given)[0]
    return next(iter(groups), None) or _split(step.make_output_path())[0]


def _drawn(path):
    """The picture of a product, and why there is none."""
    try:
        return picture(path), None
    except OutputError:
        raise
    except JwstCalError as error:
        return None, str(error)


def _parts(step, told, shown):
    lines = list(step._log_records)
    warned = [line for line in lines if WARNING.search(line)]
    aligned = [line for line in lines if ALIGNMENT.search(line)]
    heading = f"{told['name']}: {told['input'] or 'an open model'}"
    yield (f"<!doctype html><html lang='en'><head><meta charset='utf-8'>"
           f"<meta name='viewport' content='width=device-width'>"
           f"<title>{_text(heading)}</title><style>{STYLE}</style></head><body>")
    yield f"<h1>{_text(heading)}</h1><p class='told'>{_text(_software(told))}</p>"
    if warned:
        yield f"<h2>Warnings ({len(warned)})</h2>"
        yield from (f"<div class='warning'><code>{_text(line)}</code></div>" for line in warned)
    yield "<h2>Products</h2>"
    yield from (_product(*row) for row in shown)
    if aligned:
        yield f"<h2>Alignment and sky</h2><pre>{_text(chr(10).join(aligned))}</pre>"
    yield f"<h2>Steps</h2>{_steps(told['steps'])}"
    yield f"<h2>References</h2>{_references(told['steps'])}"
    yield "<h2>Parameters</h2>"
    yield _parameters(told["name"], told["parameters"], opened=True)
    yield from (_parameters(row["name"], row["parameters"]) for row in told["steps"])
    yield (f"<h2>Log</h2><details><summary>{len(lines)} lines</summary>"
           f"<pre>{_text(chr(10).join(lines))}</pre></details></body></html>")


def _text(value):
    return html.escape(str(value))


def _software(told):
    return ", ".join(f"{name} {value}" for name, value in told["software"].items()
                     if value is not None)


def _product(path, drawn, problem):
    name = _text(os.path.basename(path))
    size = f"{os.path.getsize(path) / 1e6:.1f} MB" if os.path.exists(path) else ""
    if drawn is None:
        return f"<p><b>{name}</b> {size} {_text(problem or '')}</p>"
    with open(drawn, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    return (f"<details open><summary><b>{name}</b> {size}</summary>"
            f"<img alt='{name}' src='data:image/png;base64,{data}'></details>")


def _steps(rows):
    longest = max((row["seconds"] for row in rows), default=1) or 1
    lines = ["<table><tr><th>step</th><th>status</th><th>s</th><th></th></tr>"]
    for row in rows:
        reason = f": {_text(row['reason'])}" if "reason" in row else ""
        lines.append(
            f"<tr><td>{_text(row['name'])}</td>"
            f"<td class='{_text(row['status'])}'>{_text(row['status'])}{reason}</td>"
            f"<td class='number'>{row['seconds']:.2f}</td>"
            f"<td style='width:30%'><span class='bar' style='width:"
            f"{100 * row['seconds'] / longest:.1f}%'></span></td></tr>")
    return "".join(lines) + "</table>"


def _references(rows):
    lines = ["<table><tr><th>step</th><th>type</th><th>file</th><th>sha1</th></tr>"]
    for row in rows:
        used = [ref for ref in row.get("references", ()) if ref["name"] != "N/A"]
        for ref in used:
            lines.append(f"<tr><td>{_text(row['name'])}</td><td>{_text(ref['type'])}</td>"
                         f"<td>{_text(ref['name'])}</td>"
                         f"<td><code>{_text(ref.get('sha1') or '')}</code></td></tr>")
    return "".join(lines) + "</table>" if len(lines) > 1 else "<p>None was used.</p>"


def _parameters(name, values, opened=False):
    if not values:
        return ""
    rows = "".join(f"<tr><td>{_text(key)}</td><td><code>{_text(repr(value))}</code></td></tr>"
                   for key, value in values.items())
    return (f"<details{' open' if opened else ''}><summary>{_text(name)}</summary>"
            f"<table>{rows}</table></details>")
