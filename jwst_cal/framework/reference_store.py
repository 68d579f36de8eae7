"""Which reference file belongs to an exposure: answered by the ``crds`` client.

The cache is the user's, untouched, when ``CRDS_PATH`` or ``CRDS_SERVER_URL`` is set (or the default
site cache exists); otherwise the embedded one, which ``jwst_cal.simulate`` writes. The variable
``JWST_CAL_CRDS`` decides it: ``embedded`` or ``user``. The client is imported at the first
question. Types are asked for one at a time, so that one failure does not hide the others, and
whatever goes wrong ends as one :class:`ReferenceFileError`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jwst_cal.errors import JwstCalError, ParameterError, ReferenceFileError
from jwst_cal.framework import logs

__all__ = [
    "Choice",
    "LookupFailure",
    "context",
    "difference",
    "find",
    "find_parameters",
    "header_of",
    "name_of",
    "obtain",
    "place_of",
    "recorded",
    "rule_files",
    "sha1",
    "summary",
    "use_rules",
    "used",
]

log = logging.getLogger(__name__)

NOT_APPLICABLE = "N/A"
_OBSERVATORY = "jwst"
#: A name that contains this is never contacted by the client.
_SERVERLESS = "https://jwst-serverless.stsci.edu"
_SITE_CACHE = "/grp/crds/cache"
_TIMEOUT = "30"


class Choice(NamedTuple):
    """What the last questions were answered from."""

    version: str | None = None
    context: str | None = None


class _State:
    """What the client, whose settings are global to the process, is set to at present."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.settings: tuple[Any, ...] | None = None
        self.choice = Choice()
        #: Whether it was said that references are synthetic, and the recordings that have it.
        self.warned = False
        self.warned_in: weakref.WeakSet[Any] = weakref.WeakSet()


_state = _State()


def used() -> Choice:
    """Return the client's version and the context of the run's last choice, None before it."""
    return _state.choice


@contextlib.contextmanager
def fresh() -> Iterator[None]:
    """Forget, for the time of a run, what earlier ones used."""
    before, _state.choice = _state.choice, Choice()
    try:
        yield
    finally:
        if _state.choice == Choice():
            _state.choice = before


# the exposure -----------------------------------------------------------------------------------


def header_of(dataset: Any) -> dict[str, Any] | None:
    """
    Read the metadata that decide the choice.

    Parameters
    ----------
    dataset : mapping, data model, container, list, str or path
        The exposure; of an association the first science member, of a list the first element.

    Returns
    -------
    dict or None
        Texts, numbers and booleans by dotted name; None for anything else.

    Raises
    ------
    InputError
        If a file is missing or unreadable.
    """
    if isinstance(dataset, Mapping):
        if "products" in dataset:
            return _member_header(dataset, "")
        return {key: value for key, value in dataset.items()
                if isinstance(value, str | int | float | bool)}
    if hasattr(dataset, "get_crds_parameters"):
        return dict(dataset.get_crds_parameters())
    if isinstance(dataset, str | os.PathLike):
        name = os.fspath(dataset)
        from jwst_cal import models
        from jwst_cal.models import association_file

        if association_file.is_file_name(name):
            return _association_header(name)
        return models.read_header(name)
    if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__") and len(dataset):
        return header_of(dataset[0])
    return None


def _association_header(name: str) -> dict[str, Any] | None:
    from jwst_cal.models import association_file

    return _member_header(association_file.read(name), os.path.dirname(name))


def _member_header(association: Mapping[str, Any], folder: str) -> dict[str, Any] | None:
    for product in association.get("products") or ():
        for member in product.get("members") or ():
            if str(member.get("exptype", "")).lower() == "science":
                expname = member.get("expname")
                if isinstance(expname, str):
                    expname = os.path.join(folder, expname)
                return header_of(expname)
    return None


# which cache ------------------------------------------------------------------------------------


def _is_users() -> bool:
    wish = os.environ.get("JWST_CAL_CRDS", "").strip().lower()
    if wish in ("user", "embedded"):
        return wish == "user"
    if wish:
        raise ParameterError(f"JWST_CAL_CRDS: '{wish}' is not one of 'embedded', 'user'")
    if os.environ.get("CRDS_SERVER_URL") or os.environ.get("CRDS_PATH"):
        return True
    return os.path.exists(f"{_SITE_CACHE}/config/jwst/server_config")


def _embedded_settings() -> dict[str, str]:
    from jwst_cal.simulate import cache

    root = cache.ensure()
    settings = {f"CRDS_{kind}_URI": "none" for kind in ("CONFIG", "MAPPING", "REFERENCE", "PICKLE")}
    settings |= {
        "CRDS_PATH": str(root), "CRDS_CONTEXT": cache.CONTEXT, "CRDS_MODE": "local",
        "CRDS_READONLY_CACHE": "1", "CRDS_S3_ENABLED": "false", "CRDS_S3_RETURN_URI": "false",
        "CRDS_USE_PICKLED_CONTEXTS": "false",
    }
    _warn(cache.CONTEXT)
    return settings


def _warn(context: str) -> None:
    """Say once in each recording what the references are: the log of every product tells it."""
    recorder = logs.current()
    if recorder is None:
        if _state.warned:
            return
    elif recorder in _state.warned_in:
        return
    else:
        _state.warned_in.add(recorder)
    _state.warned = True
    log.warning("Reference files are synthetic placeholders (%s): neither CRDS_PATH nor "
                "CRDS_SERVER_URL is set. The products are for trials, not for science.", context)


def use_rules(context: str | None) -> None:
    """
    Choose by the rules of a context from now on, in this process.

    Parameters
    ----------
    context : str or None
        As recorded in a product; None changes nothing.

    Raises
    ------
    ParameterError
        If they are embedded rules of another release.
    """
    if context is None:
        return
    if not context.startswith("jwst_embedded"):
        os.environ["CRDS_CONTEXT"] = context
        return
    from jwst_cal.simulate import cache

    if context != cache.CONTEXT:
        raise ParameterError(f"made with the rules {context}, this release has {cache.CONTEXT}")
    os.environ["JWST_CAL_CRDS"] = "embedded"


def _configure(server: str, settings: tuple[Any, ...]) -> None:
    """Make the client forget what it knows when its settings are not those of the last time."""
    logs.quiet_crds()
    if _state.settings == settings:
        return
    from crds.client import api
    from crds.core import config, utils
    from crds.jwst import locate

    locate.disable_fits_annotations()  # else each logged failure builds a data model
    config.CRDS_REF_SUBDIR_MODE = "None"
    api.set_crds_server(server)
    utils.clear_function_caches()
    _state.settings = settings


@contextlib.contextmanager
def _client() -> Iterator[bool]:
    """
    Set the client to the right cache for the block; tells whether it is the embedded one.

    The environment is left as it was found.
    """
    with _state.lock:
        if _is_users():
            os.environ.setdefault("CRDS_CLIENT_TIMEOUT_SECONDS", _TIMEOUT)
            import crds

            logging.getLogger("CRDS").addFilter(_is_not_about_jwst)
            names = ("CRDS_PATH", "CRDS_SERVER_URL", "CRDS_CONTEXT")
            _configure(os.environ.get("CRDS_SERVER_URL") or _SERVERLESS,
                       tuple(os.environ.get(name) for name in names))
            yield False
            return
        wanted = _embedded_settings()
        import crds  # noqa: F401  # writes the defaults of its settings to the environment

        kept = {key: value for key, value in os.environ.items() if key.startswith("CRDS_")}
        try:
            for key in list(os.environ):
                if key.startswith("CRDS_") and "PATH" in key:
                    del os.environ[key]
            os.environ.update(wanted)
            _configure(_SERVERLESS, ("embedded", wanted["CRDS_PATH"], wanted["CRDS_CONTEXT"]))
            yield True
        finally:
            for key in [key for key in os.environ if key.startswith("CRDS_")]:
                if key in kept:
                    os.environ[key] = kept[key]
                elif key in wanted:
                    del os.environ[key]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client's own error lines back: the exception says it, or it is none."""
    client = logging.getLogger("CRDS")
    client.addFilter(_is_no_error)
    try:
        yield
    finally:
        client.removeFilter(_is_no_error)


def _is_not_about_jwst(record: logging.LogRecord) -> bool:
    """The client misses a package called jwst, and takes the newest rules; products name them."""
    return "Calibration SW not found" not in record.getMessage()


def _is_no_error(record: logging.LogRecord) -> bool:
    return record.levelno < logging.ERROR


# choosing ---------------------------------------------------------------------------------------


def find(dataset: Any, reftype: str) -> str:
    """
    Find the reference file of an exposure.

    Parameters
    ----------
    dataset : mapping, data model, str or path
        The exposure, see :func:`header_of`.
    reftype : str
        Reference type.

    Returns
    -------
    str
        Path of an existing file, or ``'N/A'`` when the rules say that there is none.

    Raises
    ------
    ReferenceFileError
        If the rules cannot be read, do not cover the exposure, or the file cannot be had.
    """
    return _asked(dataset, reftype, _find)


def name_of(dataset: Any, reftype: str) -> str:
    """
    Tell which reference file belongs to an exposure, without fetching it.

    Parameters
    ----------
    dataset, reftype
        As for :func:`find`.

    Returns
    -------
    str
        Base name, or ``'N/A'`` when the rules say that there is none.

    Raises
    ------
    ReferenceFileError
        If the rules cannot be read or do not cover the exposure.
    """
    return _asked(dataset, reftype, lambda header, kind, embedded: _recommended(header, kind)[0])


def obtain(name: str) -> str:
    """
    Make sure that a reference file is in the cache.

    Parameters
    ----------
    name : str
        Base name, from :func:`name_of`.

    Returns
    -------
    str
        Its path.

    Raises
    ------
    ReferenceFileError
        If it cannot be had.
    """
    with _told(name) as embedded:
        import crds

        return _located(name, str(crds.get_context_name(_OBSERVATORY)), embedded)


@contextlib.contextmanager
def _told(what: str) -> Iterator[bool]:
    """Use the client; its errors become one of ours. Tells whether the cache is embedded."""
    try:
        with _quiet(), _client() as embedded:
            yield embedded
    except JwstCalError:
        raise
    except (Exception, SystemExit) as error:
        raise ReferenceFileError(f"{what}: {_reason(error)}") from error


def place_of(name: str) -> str:
    """
    Tell where the cache keeps a reference file, whether it has it or not.

    Parameters
    ----------
    name : str
        Base name.

    Returns
    -------
    str
        The path.

    Raises
    ------
    ReferenceFileError
        If there is no cache.
    """
    with _told(name) as embedded:
        if embedded:
            from jwst_cal.simulate import cache

            return str(cache.ensure() / "references" / "jwst" / name)
        import crds

        return str(crds.locate_file(name, _OBSERVATORY))


def rule_files() -> list[tuple[str, str]]:
    """
    List the files of the rules in force.

    Returns
    -------
    list of (str, str)
        Path of each, and where it lies in a cache: the mappings that the context names, and what
        the client needs to start without a server.

    Raises
    ------
    ReferenceFileError
        If they cannot be had.
    """
    with _told("the rules"):
        import crds
        from crds.core import config, heavy_client

        context = str(crds.get_context_name(_OBSERVATORY))
        # the client keeps the server's answers as files when it has asked for them
        heavy_client.get_config_info(_OBSERVATORY)
        names = crds.get_symbolic_mapping(context).mapping_names()
        found = [(config.locate_mapping(name, _OBSERVATORY),
                  os.path.join("mappings", _OBSERVATORY, name)) for name in names]
        folder = config.get_crds_cfgpath(_OBSERVATORY)
        if os.path.basename(folder) != _OBSERVATORY:
            folder = os.path.join(folder, _OBSERVATORY)
        found += [(os.path.join(folder, name), os.path.join("config", _OBSERVATORY, name))
                  for name in sorted(os.listdir(folder))
                  if os.path.isfile(os.path.join(folder, name))]
        return found


def difference(name: str, path: str) -> str | None:
    """
    Compare a reference file with what the server lists.

    Parameters
    ----------
    name, path : str
        Base name, and the file.

    Returns
    -------
    str or None
        What differs, empty when nothing does; None when the server does not tell, or there is
        none, as for the embedded cache.

    Raises
    ------
    ReferenceFileError
        If the client cannot be used.
    """
    with _told(name) as embedded:
        if embedded:
            return None
        from jwst_cal.framework import _downloads

        return _downloads.compare(name, path)


def _asked(dataset: Any, reftype: str,
           answer: Callable[[Mapping[str, Any], str, bool], str]) -> str:
    header = header_of(dataset)
    if header is None:
        raise ReferenceFileError(
            f"{reftype.upper()}: no reference can be chosen for a {type(dataset).__name__}"
        )
    try:
        with _quiet(), _client() as embedded:
            return answer(header, reftype, embedded)
    except JwstCalError:
        raise
    except (Exception, SystemExit) as error:
        raise LookupFailure(header, reftype, _reason(error)) from error


def _find(header: Mapping[str, Any], reftype: str, embedded: bool) -> str:
    name, context = _recommended(header, reftype)
    if name == NOT_APPLICABLE:
        return name
    try:
        return _located(name, context, embedded)
    except ReferenceFileError as error:
        raise LookupFailure(header, reftype, str(error), name) from error


def _recommended(header: Mapping[str, Any], reftype: str) -> tuple[str, str]:
    """Ask the rules; return the base name, or N/A, and the rules' own name."""
    import crds
    from crds.core import heavy_client

    context = str(crds.get_context_name(_OBSERVATORY))
    answer = heavy_client.getrecommendations(
        _asked_about(header), reftypes=(reftype,), context=context, observatory=_OBSERVATORY
    )
    _state.choice = Choice(str(crds.__version__), context)
    name = answer.get(reftype, "NOT FOUND n/a")  # a type that the rules omit is absent
    if name.strip().lower() == "not found n/a":
        return NOT_APPLICABLE, context
    if name.startswith("NOT FOUND"):
        raise LookupFailure(header, reftype, name[len("NOT FOUND"):].strip())
    return name, context


def _asked_about(header: Mapping[str, Any]) -> dict[str, Any]:
    """
    Leave out what a file tells about its making: the rules ask for metadata or keywords.

    The client would look for a keyword of that name in the schemas, which takes a second to read.
    """
    return {key: value for key, value in header.items()
            if key.lower().startswith("meta.") or (key.isupper() and "." not in key)}


def _located(name: str, context: str, embedded: bool) -> str:
    """Return the path of a file, which is fetched or made if it is not in the cache."""
    if embedded:
        from jwst_cal.simulate import cache

        return str(cache.materialise(name))
    import crds

    path = str(crds.locate_file(name, _OBSERVATORY))
    if os.path.exists(path):
        return path
    from jwst_cal.framework import _downloads

    return _downloads.fetch(name, path, context)


_CRDS = "crds://"


def recorded(name: str | None) -> str:
    """
    Find a reference file that a header names.

    Parameters
    ----------
    name : str or None
        What the header says: ``crds://`` and a name, or a path.

    Returns
    -------
    str
        Path of an existing file, or ``'N/A'`` when there is none.

    Raises
    ------
    ReferenceFileError
        If the file does not exist, and cannot be had.
    """
    if not name or name == NOT_APPLICABLE:
        return NOT_APPLICABLE
    if name.startswith(_CRDS):
        return obtain(name.removeprefix(_CRDS))
    if not os.path.isfile(name):
        raise ReferenceFileError(f"{name}: no such file, which the header of the exposure names")
    return name


def context() -> str:
    """
    Return the name of the rules that would be used now.

    Returns
    -------
    str
        For instance ``jwst_1364.pmap``.

    Raises
    ------
    ReferenceFileError
        If there are none to be had.
    """
    if not _is_users():
        from jwst_cal.simulate import cache

        return str(cache.CONTEXT)
    with _told("the CRDS context"):
        import crds

        return str(crds.get_context_name(_OBSERVATORY))


class LookupFailure(ReferenceFileError):
    """
    No reference of one type: the parts of the message, so that several can be told in one.

    ``name`` is the file that the rules name, when it is there that the failure lies.
    """

    def __init__(self, header: Mapping[str, Any], reftype: str, reason: str,
                 name: str | None = None) -> None:
        self.header, self.reftype, self.reason, self.name = header, reftype, reason, name
        super().__init__(summary([self]))


def summary(failures: Sequence[LookupFailure]) -> str:
    """
    Tell in one line which references could not be had, and why.

    Parameters
    ----------
    failures : sequence of LookupFailure
        For one exposure.

    Returns
    -------
    str
        The line; types that failed for the same reason are named together.
    """
    header = failures[0].header
    context = os.environ.get("CRDS_CONTEXT") or _state.choice.context
    values = ", ".join(f"{key.removeprefix('meta.')}={value}" for key, value in header.items()
                       if key in _TELLING)
    reasons: dict[str, list[str]] = {}
    for failure in failures:
        reasons.setdefault(failure.reason, []).append(failure.reftype.upper())
    told = "; ".join(f"no {', '.join(types)} reference file: {reason}"
                     for reason, types in reasons.items())
    rules = f", rules {context}" if context else ""
    return f"{header.get('meta.filename') or 'the exposure'}: {told} [{values}{rules}]"


def _reason(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return ("CRDS has neither server nor cache; set CRDS_SERVER_URL and CRDS_PATH (they are "
                f"'{os.environ.get('CRDS_SERVER_URL', '')}' and "
                f"'{os.environ.get('CRDS_PATH', '')}')")
    return str(error).strip().split("\n")[0] or type(error).__name__


#: The values that explain most failures.
_TELLING = frozenset({
    "meta.instrument.name", "meta.instrument.detector", "meta.exposure.type",
    "meta.exposure.readpatt", "meta.subarray.name", "meta.observation.date",
    "meta.instrument.filter", "meta.instrument.pupil", "meta.instrument.grating",
})


def find_parameters(dataset: Any, reftype: str) -> str | None:
    """
    Find a parameter file; that there is none is no news, that it cannot be had is a warning.

    Parameters
    ----------
    dataset : mapping, data model, str or path
        The exposure, see :func:`header_of`.
    reftype : str
        For instance ``pars-jumpstep``.

    Returns
    -------
    str or None
        Path of the file.
    """
    if not _is_users():
        return None  # the embedded rules have none; that is known without the client
    try:
        found = find(dataset, reftype)
    except ReferenceFileError as error:
        if isinstance(error, LookupFailure) and error.name is not None:
            log.warning("The parameters that the rules name are not used: %s", error)
        else:
            log.debug("No parameter file: %s", error)
        return None
    return None if found == NOT_APPLICABLE else found


def sha1(path: str) -> str:
    """Return the SHA-1 sum of a file, as CRDS lists it."""
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()
