"""The embedded CRDS cache: rules and reference files of the simulated detectors.

A genuine ``CRDS_PATH`` directory that the ``crds`` client reads with no server. Rules are written
at once (:func:`ensure`), a reference file when it is first needed (:func:`materialise`). The
directory's name holds a hash of everything its content depends on, so a stale one is never used.
Everything is written under a temporary name and then renamed: processes do not disturb each other.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from jwst_cal import modes, registry
from jwst_cal.errors import OutputError, ParameterError, ReferenceFileError

__all__ = ["CONTEXT", "directory", "ensure", "fingerprint", "materialise", "materialise_all",
           "prune", "reference_types"]

_SERIAL = "9001"
#: Name of the embedded rules, as recorded in products.
CONTEXT = f"jwst_embedded_{_SERIAL}.pmap"

#: Keywords of the rules.
_KEYWORDS = {
    "DETECTOR": "META.INSTRUMENT.DETECTOR", "FILTER": "META.INSTRUMENT.FILTER",
    "PUPIL": "META.INSTRUMENT.PUPIL", "CHANNEL": "META.INSTRUMENT.CHANNEL",
    "MODULE": "META.INSTRUMENT.MODULE",
    "BAND": "META.INSTRUMENT.BAND", "SUBARRAY": "META.SUBARRAY.NAME",
    "GRATING": "META.INSTRUMENT.GRATING",
    "READPATT": "META.EXPOSURE.READPATT", "EXP_TYPE": "META.EXPOSURE.TYPE",
    "NOUTPUTS": "META.EXPOSURE.NOUTPUTS", "SUBSTRT1": "META.SUBARRAY.XSTART",
    "SUBSTRT2": "META.SUBARRAY.YSTART", "SUBSIZE1": "META.SUBARRAY.XSIZE",
    "SUBSIZE2": "META.SUBARRAY.YSIZE",
}
_DATE = ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")

#: Every type that some step asks for; the ones without a rule are answered N/A.
_TYPES = """
abvegaoffset amplifier apcorr area badshutter barshadow bkg camera chromcorr collimator
cubepar dark dflat disperser distortion drizpars emicorr extract1d fflat filteroffset flat
fore fpa fringe fringefreq gain ifufore ifupost ifuslicer ipc lastframe linearity mask
mrsptcorr mrsxartcorr msa msaoper nrm ote pastasoss pathloss persat photom pictureframe psf
psfmask readnoise refpix regions reset resol rscd saturation sflat sirskernel speckernel
specprofile spectrace specwcs straymask superbias throughput trapdensity trappars tsophot v2v3
wavecorr wavelengthrange wavemap wcsregions wfssbkg
"""
#: Steps of earlier releases whose parameters old software may still ask for.
_RETIRED = """
AmiAverageStep CubeSkyMatchStep LinearPipeline MasterBackgroundNrsSlitsStep MRSIMatchStep
NSCleanStep OutlierDetectionScaledStep OutlierDetectionStackStep SubtractImagesStep
UndersampleCorrectionStep
"""


def reference_types():
    """
    List the types that the rules answer for.

    Returns
    -------
    list of str
        Reference types and parameter types, sorted.
    """
    steps = [row.class_name for row in registry.ROWS] + _RETIRED.split()
    return sorted({*_TYPES.split(), *(f"pars-{name.lower()}" for name in steps)})


# ---- where ------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=1)
def fingerprint():
    """
    Compute the hash that names the cache's directory.

    Returns
    -------
    str
        Depends on the sources of rules, files and detectors, the types, and the release of
        numpy, whose random streams may change.
    """
    digest = hashlib.sha1(".".join(np.__version__.split(".")[:2]).encode())
    digest.update(" ".join(reference_types()).encode())
    here = Path(__file__).parent
    for name in ("cache.py", "references.py", "detectors.py", "striped.py", "_fits.py", "psf.py",
                 "scenes.py", "soss.py", "nirspec_optics.py", "instruments/*.py", "makers/*.py",
                 "../pointing/siaf.*"):
        for path in sorted(here.glob(name)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def directory():
    """
    Name the directory of the embedded cache, whether or not it exists.

    Returns
    -------
    Path
        Below ``$JWST_CAL_CACHE``, or ``jwst_cal`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    chosen = os.environ.get("JWST_CAL_CACHE")
    if chosen:
        root = Path(chosen).expanduser()
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jwst_cal"
    return root.absolute() / f"crds-{fingerprint()}"


# ---- rules ------------------------------------------------------------------------------------
def _literal(value, indent=0):
    """A value as CRDS writes it: sorted keys, four spaces."""
    if not isinstance(value, dict):
        return repr(value)
    pad = "    " * indent
    rows = (f"{pad}    {k!r} : {_literal(v, indent + 1)},\n" for k, v in sorted(value.items()))
    return "{\n" + "".join(rows) + pad + "}"


def _mapping(name, header, selector):
    """The text of a mapping, with the SHA-1 of all its lines but the one that holds it."""
    header = {"name": name, "observatory": "JWST", "derived_from": "made by jwst_cal.simulate",
              **header}
    text = "header = {}\n\nselector = {}\n"
    lines = text.format(_literal({**header, "sha1sum": ""}), selector).splitlines(keepends=True)
    sha1 = hashlib.sha1("".join(x for x in lines if "sha1sum" not in x).encode()).hexdigest()
    return text.format(_literal({**header, "sha1sum": sha1}), selector)


def _rmap(instrument, reftype, rule, rows):
    """Rules of one type: its files by keyword, and N/A for the detectors that have none."""
    keywords = tuple(_KEYWORDS[name.rstrip("*")] for name in rule.keywords.split())
    cases = {row.match: row.basename for row in rows}
    cases.setdefault(("N/A",) * len(keywords), None)
    lines = ["Match({\n"]
    for match, basename in sorted(cases.items()):
        key = repr(match[0] if len(match) == 1 else match)
        if basename is None:
            lines.append(f"    {key} : 'N/A',\n")
        else:
            lines.append(f"    {key} : UseAfter({{\n        '1900-01-01 00:00:00' : "
                         f"{basename!r},\n    }}),\n")
    lines.append("})")
    header = {
        "mapping": "REFERENCE", "instrument": instrument, "filekind": reftype.upper(),
        "filetype": reftype.upper(), "file_ext": f".{rule.extension}", "suffix": reftype,
        "text_descr": reftype, "classes": ("Match", "UseAfter"), "parkey": (keywords, _DATE),
    }
    if _KEYWORDS["SUBARRAY"] in keywords:
        header["substitutions"] = {_KEYWORDS["SUBARRAY"]: {"GENERIC": "N/A"}}
    return header, "".join(lines)


def _mappings():
    """All mappings: name and text."""
    from jwst_cal.simulate.instruments import INSTRUMENTS
    from jwst_cal.simulate.references import REFERENCES

    imaps = {}
    for instrument in modes.INSTRUMENTS:
        low = instrument.lower()
        types = dict.fromkeys((t.upper() for t in reference_types()), "N/A")
        rules = INSTRUMENTS[instrument].references if instrument in INSTRUMENTS else {}
        for reftype, rule in rules.items():
            rows = [r for r in REFERENCES.values() if (r.instrument, r.reftype) ==
                    (instrument, reftype)]
            name = types[reftype.upper()] = f"jwst_{low}_{reftype}_{_SERIAL}.rmap"
            yield name, _mapping(name, *_rmap(instrument, reftype, rule, rows))
        name = imaps[instrument] = f"jwst_{low}_{_SERIAL}.imap"
        yield name, _mapping(
            name, {"mapping": "INSTRUMENT", "instrument": instrument, "parkey": ("REFTYPE",)},
            _literal(types),
        )
    yield CONTEXT, _mapping(
        CONTEXT,
        {"mapping": "PIPELINE", "parkey": ("META.INSTRUMENT.NAME",),
         "description": "Rules of the detectors that jwst_cal simulates"},
        _literal(imaps),
    )


def _server_config(mappings):
    """What a server would have said last: read by the client when it starts without one."""
    return _literal({
        "observatory": "jwst", "latest_context": CONTEXT, "operational_context": CONTEXT,
        "edit_context": CONTEXT, "versions_context": "", "bad_files_list": [], "bad_files": "",
        "last_synced": "2026-01-01 00:00:00", "force_remote_mode": False, "status": "server",
        "connected": False, "mappings": sorted(mappings), "crds_version": {"str": "14.0.3"},
        "server": f"embedded-{fingerprint()}",
    }) + "\n"


def _write_rules(root):
    for part in ("config", "mappings", "references"):
        (root / part / "jwst").mkdir(parents=True)
    mappings = dict(_mappings())
    for name, text in mappings.items():
        (root / "mappings" / "jwst" / name).write_text(text)
    config = root / "config" / "jwst"
    (config / "bad_files.txt").write_text("")
    (config / "ref_cache_subdir_mode").write_text("flat")
    (config / "server_config").write_text(_server_config(mappings))


def _is_current(root):
    with contextlib.suppress(OSError):
        return f"'embedded-{fingerprint()}'" in (root / "config/jwst/server_config").read_text()
    return False


def ensure(root=None):
    """
    Make sure that the embedded rules exist.

    Parameters
    ----------
    root : path-like, optional
        A directory of one's own, new or empty; by default :func:`directory`.

    Returns
    -------
    Path
        The directory, to be used as ``CRDS_PATH``.

    Raises
    ------
    OutputError
        If it cannot be written, or a directory of one's own holds something else.
    """
    target = directory() if root is None else Path(root).absolute()
    if root is None and (target / "config/jwst/server_config").exists():
        return target  # the name vouches for the content
    if _is_current(target):
        return target
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        temporary.chmod(0o755)
        _write_rules(temporary)
        os.rename(temporary, target)  # replaces an empty directory, and nothing else
        temporary = None
    except OSError as error:
        if not _is_current(target):  # else another process was faster
            reason = error.strerror or error
            raise OutputError(
                f"{target}: the embedded CRDS cache cannot be written there ({reason}); "
                "JWST_CAL_CACHE chooses another folder"
            ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return target


# ---- reference files --------------------------------------------------------------------------
def materialise(basename, root=None):
    """
    Make sure that one reference file exists.

    Parameters
    ----------
    basename : str
        Its name, as the rules give it.
    root : path-like, optional
        As for :func:`ensure`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ReferenceFileError
        If the embedded cache has no such file.
    OutputError
        If it cannot be written.
    """
    path = ensure(root) / "references" / "jwst" / basename
    if path.exists():
        return path
    from jwst_cal.simulate import references

    row = references.REFERENCES.get(basename)
    if row is None:
        raise ReferenceFileError(f"'{basename}' is no reference file of the embedded CRDS cache")
    references.write(row, path)
    return path


def materialise_all(root=None, detectors=None):
    """
    Make sure that all reference files exist.

    Parameters
    ----------
    root : path-like, optional
        As for :func:`ensure`.
    detectors : collection of str, optional
        Only those of these detectors, and what is common to their instruments.

    Returns
    -------
    Path
        The directory, complete for any software that reads a CRDS cache.

    Raises
    ------
    ParameterError
        If there is no such detector.
    """
    from jwst_cal.simulate.instruments import DETECTORS
    from jwst_cal.simulate.references import REFERENCES

    chosen = [name.upper() for name in detectors or DETECTORS]
    for name in chosen:
        if name not in DETECTORS:
            raise ParameterError(
                f"detector '{name}' is not simulated: choose one of {', '.join(DETECTORS)}")
    instruments = {DETECTORS[name].instrument for name in chosen}
    for basename, row in REFERENCES.items():
        if row.detector in chosen or (row.is_common and row.instrument in instruments):
            materialise(basename, root)
    return ensure(root)


def prune():
    """
    Remove the embedded caches of other versions.

    Returns
    -------
    list of Path
        The directories removed.
    """
    current = directory()
    stale = [p for p in sorted(current.parent.glob("crds-*")) if p.is_dir() and p != current]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    return stale
