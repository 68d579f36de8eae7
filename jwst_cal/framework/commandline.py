"""The command line of ``strun``: what is asked for, the options, the help, the run.

The options come from the declarations of the class, so the class is found first: it is the first
word that is no option. Options may stand anywhere and be shortened as long as they stay unique.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from jwst_cal import registry
from jwst_cal.errors import (
    ExitStatus,
    InputError,
    OutputError,
    ParameterError,
    UnknownStepError,
)
from jwst_cal.framework import building, configuration, logs, products
from jwst_cal.framework.configuration import Layer
from jwst_cal.framework.parameters import Parameter, nearest
from jwst_cal.framework.step import Step

__all__ = ["Request", "help_text", "overview", "parse", "run", "version_text"]


class BuiltIn(NamedTuple):
    """An option of strun itself; without a metavar it is a switch."""

    names: tuple[str, ...]
    metavar: str
    help: str

    @property
    def dest(self) -> str:
        """Attribute of the parsed options."""
        return self.names[-1].lstrip("-").replace("-", "_")


BUILT_INS = (
    BuiltIn(("-h", "--help"), "", "Show this help; after a class or file, its parameters"),
    BuiltIn(("--version",), "", "Show the versions"),
    BuiltIn(("--explain",), "", "Show each final parameter and where it came from; do not run"),
    BuiltIn(("--save-parameters",), "FILE", "Write the final parameters as an ASDF file (or .cfg)"),
    BuiltIn(("--replay",), "PRODUCT", "Run again what made a product: its parameters and rules"),
    BuiltIn(("--quicklook",), "", "Make a picture of each product and a page of the run"),
    BuiltIn(("--disable-crds-steppars",), "", "Do not ask CRDS for parameter files"),
    BuiltIn(("--threads",), "N", "Threads of the compiled kernels [all CPUs granted]"),
    BuiltIn(("--jobs",), "N", "Run each of many inputs, N at a time [as many as CPUs]"),
    BuiltIn(("--memory-limit",), "SIZE", "Memory that a run may use, as 1GB [no limit]"),
    BuiltIn(("-v", "--verbose"), "", "Log everything (level DEBUG)"),
    BuiltIn(("--log-level",), "LEVEL", "Lowest level that is logged, a name or a number [INFO]"),
    BuiltIn(("--log-file",), "FILE", "Log into this file, too"),
    BuiltIn(("--log-stream",), "STREAM", "Where log lines go: stdout, stderr or null [stdout]"),
    BuiltIn(("--logcfg",), "FILE", "Log configuration file; the --log options beat it"),
    BuiltIn(("--debug",), "", "After an error show the traceback and, on a terminal, the debugger"),
)
_RESERVED = frozenset(name for option in BUILT_INS for name in option.names)


class Request(NamedTuple):
    """What the command line asks for."""

    cls: type[Step]
    local: Layer | None
    file: str | None
    options: argparse.Namespace
    inputs: list[str]
    given: configuration.Section


class _Parser(argparse.ArgumentParser):
    """Parser that raises instead of exiting, and suggests names."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2]
        if unknown:
            name = unknown.split()[0].partition("=")[0].lstrip("-")
            known = [option[2:] for option in self._option_string_actions if option[:2] == "--"]
            message += nearest(name, known).replace("'", "'--", 1)
        elif " could match " in message:
            first, _, matches = message.partition(" could match ")
            some = matches.split(", ")
            message = f"{first} could match {', '.join(some[:4])}{', ...' if some[4:] else ''}"
        raise ExitStatus(1 if unknown else 2, message)


# ---- what is asked for --------------------------------------------------------------------------


def _is_switch(word: str) -> bool | None:
    """Whether a word is a switch (True) or a valued option (False) of strun; None for neither."""
    name = word.partition("=")[0]
    found = [
        option for option in BUILT_INS if any(
            known == name or (len(name) > 2 and known.startswith(name)) for known in option.names
        )
    ]  # fmt: skip
    return not found[0].metavar if len(found) == 1 else None


def find_target(words: Sequence[str]) -> int | None:
    """
    Find the word that names the class or parameter file.

    Parameters
    ----------
    words : sequence of str
        The command line.

    Returns
    -------
    int or None
        Its position; None if there are only options.
    """
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif not word.startswith("-") or word == "-":
            return at
        elif word == "--":
            return at + 1 if at + 1 < len(words) else None
        else:
            skip = _is_switch(word) is False and "=" not in word
    return None


def load_target(name: str) -> tuple[type[Step], Layer | None, str | None]:
    """
    Load the class that a word of the command line names.

    Parameters
    ----------
    name : str
        Path of a parameter file, alias, class name or dotted path.

    Returns
    -------
    cls : type
        The step or pipeline class.
    local : Layer or None
        The parameter file.
    file : str or None
        Its path.

    Raises
    ------
    UnknownStepError
        If the name is none of these.
    ParameterError
        If the parameter file cannot be read.
    """
    if os.path.exists(name) and not (os.path.isdir(name) and name in registry.by_alias):
        if _is_fits(name):
            raise UnknownStepError(f"'{name}' is a FITS file; name a step or pipeline before it: "
                                   f"strun STEP {name}")
        local = Layer.of_file(name)
        with configuration.beside(name):
            cls = configuration.check_class(local.config, Step, name)
        if cls is Step:
            raise ParameterError(f"parameter file '{name}' names no class: add  class = ALIAS")
        return cls, local, name
    if name.endswith((".cfg", ".asdf")) or (os.sep in name and "." not in os.path.dirname(name)):
        raise UnknownStepError(f"there is no parameter file '{name}'")
    try:
        cls = registry.load(name)
    except (ImportError, SyntaxError) as error:
        missing = getattr(error, "name", None) or ""
        hint = "; pip install . builds it" if missing.startswith("jwst_cal.kernels.") else ""
        raise UnknownStepError(f"'{name}' cannot be imported: {error}{hint}") from None
    if not (isinstance(cls, type) and issubclass(cls, Step)) or not name:
        raise UnknownStepError(f"'{name}' is not a path to a config file or a Python Step class")
    return cls, None, None


def _is_fits(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(9) == b"SIMPLE  ="
    except OSError:
        return False


# ---- options ------------------------------------------------------------------------------------


def _step_options(cls: Any, prefix: str = "") -> Iterator[tuple[str, Parameter | None]]:
    """Yield the options of a class and its sub-steps, with their declarations."""
    for name, parameter in cls.parameters().items():
        yield f"{prefix}{name}", parameter
    for kind in cls.reference_file_types:
        yield f"{prefix}override_{kind}", None
    for name, step in (getattr(cls, "step_defs", None) or {}).items():
        for extra in configuration.IDENTITY:
            yield f"{prefix}steps.{name}.{extra}", None
        yield from _step_options(step, f"{prefix}steps.{name}.")


def _parser(cls: type[Step]) -> _Parser:
    parser = _Parser(prog="strun", add_help=False)
    for option in BUILT_INS:
        if option.metavar:
            parser.add_argument(*option.names, dest=option.dest)
        else:
            parser.add_argument(*option.names, dest=option.dest, action="store_true")
    for name, _ in _step_options(cls):
        if f"--{name}" in _RESERVED:
            raise ParameterError(f"{cls.__name__}: a parameter cannot be called '{name}'")
        parser.add_argument(f"--{name}", dest=f"--{name}")
    parser.add_argument("words", nargs="*")
    return parser


def _given(options: argparse.Namespace, local: Layer | None) -> configuration.Section:
    """Read the parameter options into sections."""
    given: configuration.Section = {}
    texts = {name[2:]: text for name, text in vars(options).items()
             if name.startswith("--") and text is not None}  # fmt: skip
    for name, text in texts.items():
        *path, last = name.split(".")
        try:
            _section(given, path)[last] = configuration.lex(text)
        except ParameterError as error:
            raise ParameterError(f"--{name}: {error}") from None
    for name in texts:
        *path, last = name.split(".")
        roots: list[Mapping[str, Any]] = [given, *([] if local is None else [local.config])]
        depths = [path[:depth] for depth in range(len(path), -1, -1)]
        scopes = [found for depth in depths for root in roots if (found := _below(root, depth))]
        section = _section(given, path)
        try:
            section[last] = configuration.interpolate(section[last], scopes, (last,))
        except ParameterError as error:
            raise ParameterError(f"--{name}: {error}") from None
    return given


def _section(root: configuration.Section, path: Sequence[str]) -> configuration.Section:
    for name in path:
        root = root.setdefault(name, {})
    return root


def _below(root: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any] | None:
    for name in path:
        root = root.get(name) or {}
    return root or None


def parse(words: Sequence[str]) -> Request:
    """
    Read a command line that names a class or a parameter file.

    Parameters
    ----------
    words : sequence of str
        The arguments, without the program's name.

    Returns
    -------
    Request
        What is asked for.

    Raises
    ------
    ExitStatus
        With status 2: an unknown or shortened option that is not unique, a missing value.
    UnknownStepError, ParameterError
        If the class or file cannot be used.
    """
    words, product = _take_replay(words)
    if product is not None:
        return _replay(product, words)
    at = find_target(words)
    if at is None:
        raise ExitStatus(2, "name a step, a pipeline or a parameter file; strun --help lists them")
    cls, local, file = load_target(words[at])
    rest = [*words[:at], *words[at + 1 :]]
    options = _parser(cls).parse_intermixed_args(rest)
    return Request(cls, local, file, options, options.words, _given(options, local))


def _take_replay(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Take ``--replay PRODUCT`` out of a command line."""
    kept, product = list(words), None
    for at, word in enumerate(words):
        if word == "--":
            break
        if word == "--replay":
            if at + 1 == len(words) or words[at + 1].startswith("-"):
                raise ExitStatus(2, "argument --replay: expected one argument")
            product = words[at + 1]
            del kept[at : at + 2]
            break
        if word.startswith("--replay="):
            product = word.partition("=")[2]
            del kept[at]
            break
    return kept, product


def _replay(product: str, words: Sequence[str]) -> Request:
    """Ask for what made a product, with its parameters; options on the line still beat them."""
    from jwst_cal.framework import provenance

    recipe = provenance.recipe(product)
    recipe.use_rules()
    cls = load_target(recipe.config["class"])[0]
    options = _parser(cls).parse_intermixed_args(list(words))
    options.disable_crds_steppars = True
    local = Layer(recipe.config, f"product '{product}'")
    return Request(cls, local, None, options, options.words or recipe.inputs(),
                   _given(options, local))


# ---- help ---------------------------------------------------------------------------------------


def version_text() -> str:
    """Return the versions, one line each."""
    from importlib import metadata

    from jwst_cal import __version__, reproduces

    lines = [f"strun {__version__}", f"jwst_cal {__version__} (reproduces jwst {reproduces})"]
    for entry in sorted(metadata.entry_points(group="stpipe.steps"), key=lambda e: e.name):
        if entry.dist is not None and entry.dist.name != "jwst_cal":
            lines.append(f"{entry.dist.name} {entry.dist.version}")
    return "\n".join(lines)


def overview() -> str:
    """Return the help of strun without a class: what it is, its options, what it can run."""
    rows = [row for row in registry.ROWS if row.exists]
    absent = [row.alias for row in registry.ROWS if not row.exists]
    return "\n".join(
        [
            "usage: strun [options] STEP INPUT [--PARAMETER=VALUE ...]",
            "       strun STEP --help",
            "",
            "Run a step or a pipeline on a JWST exposure or association. STEP is an alias or class",
            "name from the lists below, a dotted class path, or a parameter file (.asdf, .cfg).",
            "",
            "options:",
            *_built_in_lines(),
            "",
            "pipelines:",
            *_columns([row.alias for row in rows if row.is_pipeline]),
            "",
            "steps:",
            *_columns([row.alias for row in rows if not row.is_pipeline]),
            *(["", "not in this release:", *_columns(absent)] if absent else []),
            "",
            "examples:",
            "  strun calwebb_detector1 jw01234_nrca1_uncal.fits --output_dir=calibrated",
            "  strun calwebb_detector1 X_uncal.fits --steps.jump.rejection_threshold=5",
            "  strun jump X_linearity.fits --override_gain=my_gain.fits",
        ]
    )


def _width() -> int:
    import shutil

    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))


def _columns(words: Sequence[str]) -> list[str]:
    import textwrap

    return textwrap.wrap("  ".join(words), _width() - 2, initial_indent="  ",
                         subsequent_indent="  ", break_on_hyphens=False)  # fmt: skip


def _line(left: str, right: str) -> list[str]:
    import textwrap

    column = 28
    wrapped = textwrap.wrap(right, _width() - column, break_on_hyphens=False) or [""]
    if len(left) > column - 2:
        return [left, *(" " * column + text for text in wrapped)]
    first = f"{left:<{column}}{wrapped[0]}".rstrip()
    return [first, *(" " * column + text for text in wrapped[1:])]


def _built_in_lines() -> Iterator[str]:
    for option in BUILT_INS:
        names = ", ".join(option.names)
        yield from _line(f"  {names} {option.metavar}".rstrip(), option.help)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) + ("," if len(value) == 1 else "")
    return str(value)


def _parameter_lines(
    parameters: Mapping[str, Parameter], prefix: str, config: Mapping[str, Any], source: str
) -> Iterator[str]:
    for name, parameter in parameters.items():
        value, origin = parameter.default, ""
        if config.get(name) is not None:
            value, origin = config[name], f" from {source}"
        text = parameter.allowed
        if value not in (None, "", []):
            text += f" [{_shown(value)}{origin}]"
        yield from _line(
            f"  --{prefix}{name}", f"{text}. {parameter.help}" if parameter.help else text
        )


def _usual_lines(
    universal: Mapping[str, Parameter], prefix: str, config: Mapping[str, Any], source: str
) -> Iterator[str]:
    """Tell the parameters that every step has, for a step of a pipeline: most of them in short."""
    usual = Step.parameters()
    told = {name: parameter for name, parameter in universal.items()
            if name in ("skip", "save_results") or config.get(name) is not None
            or parameter.default != usual[name].default}
    yield from _parameter_lines(told, prefix, config, source)
    yield from _line(f"  --{prefix}config_file", "a parameter file for this step")
    others = ",".join(name for name in universal if name not in told)
    yield from _columns([f"--{prefix}{{{others}}}".replace(",", ", "), "as above"])


def _class_lines(cls: Any, prefix: str, config: Mapping[str, Any], source: str) -> Iterator[str]:
    own = cls.parameters(own=True)
    universal = {name: p for name, p in cls.parameters().items() if name not in own}
    overrides = cls.reference_file_types
    label = f" of {prefix.removesuffix('.')}" if prefix else ""
    if own:
        yield from ("", f"parameters{label or ' of ' + cls.__name__}:")
        yield from _parameter_lines(own, prefix, config, source)
    if overrides:
        yield from ("", f"reference files{label}:")
        for kind in overrides:
            value = config.get(f"override_{kind}")
            given = "" if value is None else f" [{value} from {source}]"
            yield from _line(
                f"  --{prefix}override_{kind}",
                f"a file in the place of the {kind.upper()} reference, N/A for none{given}",
            )
    yield from ("", f"parameters that every step has{label and ',' + label[3:]}:")
    if prefix:
        yield from _usual_lines(universal, prefix, config, source)
    else:
        yield from _parameter_lines(universal, prefix, config, source)
    for name, step in (getattr(cls, "step_defs", None) or {}).items():
        below = (config.get("steps") or {}).get(name) or {}
        yield from _class_lines(step, f"{prefix}steps.{name}.", below, source)


def _description(cls: type[Step]) -> str:
    """Return a class's document text up to its first section."""
    text = inspect.getdoc(cls) or cls.__name__
    return re.split(r"\n\n[A-Z][A-Za-z ]*\n-+\n", text)[0].strip()


def help_text(cls: type[Step], local: Layer | None = None) -> str:
    """
    Describe a class: its document text, and every option with type, default and meaning.

    Parameters
    ----------
    cls : type
        Step or pipeline class.
    local : Layer, optional
        Parameter file whose values are shown in the place of the defaults.

    Returns
    -------
    str
        The help.
    """
    name = name_of(cls)
    config: Mapping[str, Any] = {} if local is None else local.config
    source = "" if local is None else local.source
    return "\n".join(
        [
            f"usage: strun [options] {name} INPUT [--PARAMETER=VALUE ...]",
            "",
            _description(cls),
            "",
            "options of strun:",
            *_built_in_lines(),
            *_class_lines(cls, "", config, source),
        ]
    )


# ---- running ------------------------------------------------------------------------------------


def run(words: Sequence[str], many: Callable[[Request], bool] | None = None) -> Step | None:
    """
    Do what a command line asks for.

    Parameters
    ----------
    words : sequence of str
        The arguments, without the program's name.
    many : callable, optional
        Runs a request for many inputs; returns whether it was one.

    Returns
    -------
    Step or None
        The step, after running; None when only help or a version was asked for.

    Raises
    ------
    ExitStatus
        To end with a status of its own, 2 for wrong usage.
    """
    if "--version" in words:
        print(version_text())
        return None
    at = find_target(words)
    if at is None and any(word in ("-h", "--help", "help") for word in words):
        print(overview())
        return None
    request = parse(words)
    if request.options.help:
        print(help_text(request.cls, request.local))
        return None
    if many is not None and many(request):
        return None
    logcfg = None if request.local is None else building.take_logcfg(request.local)
    options = request.options
    setup = logs.choose(
        logcfg=options.logcfg or logcfg, verbose=options.verbose, level=options.log_level,
        file=options.log_file, stream=options.log_stream,
    )  # fmt: skip
    _set_threads(options.threads)
    _set_memory_limit(options.memory_limit)
    with logs.applied(setup, *packages(request.cls)):
        try:
            return _run(request)
        except Exception as error:
            logs.to_files(f"{type(error).__name__}: {error}")
            raise


def name_of(cls: type[Step]) -> str:
    """Return the shortest name that strun knows a class by."""
    row = registry.by_class.get(cls.__name__)
    path = f"{cls.__module__}.{cls.__qualname__}"
    return row.alias if row is not None and row.path == path else path


def packages(cls: Any) -> set[str]:
    """Return the packages that a class and its sub-steps come from: their loggers are shown."""
    found = {base.__module__.partition(".")[0] for base in cls.__mro__}
    for step in (getattr(cls, "step_defs", None) or {}).values():
        found |= packages(step)
    return found


def number(text: str | None, option: str) -> int | None:
    """Read a number from 1 on; None for None."""
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ExitStatus(2, f"{option}: '{text}' where a number from 1 is needed")
    return int(text)


def _set_threads(text: str | None) -> None:
    count = number(text, "--threads")
    if count is None and "JWST_CAL_NUM_THREADS" not in os.environ:
        return
    from jwst_cal.kernels import threads

    threads.set_threads(count)
    try:
        threads.team_size()
    except ValueError as error:
        raise ExitStatus(2, str(error)) from None


def _set_memory_limit(text: str | None) -> None:
    if text is None and "JWST_CAL_MEMORY_LIMIT" not in os.environ:
        return
    from jwst_cal.kernels import memory

    try:
        memory.limit()
    except ValueError as error:
        raise ExitStatus(2, str(error)) from None
    try:
        memory.set_limit(text)
    except ValueError as error:
        raise ExitStatus(2, f"--memory-limit: {error}") from None


def check_file(step: Step, name: str) -> None:
    """Refuse a missing file before all that is logged of a run; other words are the step's."""
    from jwst_cal.models import _files

    if name.lower().endswith((".fits", ".fits.gz", ".asdf", ".json")):
        _files.check_file(step.make_input_path(name))


def _run(request: Request) -> Step:
    _check_count(request)
    options, inputs = request.options, request.inputs
    disable = options.disable_crds_steppars or None
    merged = building.assemble(
        request.cls, inputs[0] if inputs else None, local=request.local, given=request.given,
        source="command line", disable=disable,
    )  # fmt: skip
    if inputs:
        merged["save_results"] = configuration.Setting(True, "strun, which always saves")
    step = building.make(request.cls, merged, config_file=request.file)
    if inputs:
        step.set_primary_input(inputs[0])
    if options.save_parameters:
        step.export_config(options.save_parameters, include_metadata=True)
        print(f"Parameters saved in {options.save_parameters}")
    if options.explain:
        print("\n".join(explain_lines(merged, request.cls)))
    elif inputs:
        check_folder(step)
        check_file(step, inputs[0])
        if options.quicklook:
            _check_pictures()
        from jwst_cal.kernels import memory
        from jwst_cal.models import _files, _schemas

        if _schemas.is_command():
            memory.keep_freed()
        with logs.progress(step.name), _files.noting() as saved:
            step.run_light(*inputs)
        if options.quicklook:
            from jwst_cal import quicklook

            print(f"Quick look in {quicklook.of_run(step, saved)}")
    elif not options.save_parameters:
        name = request.file or name_of(request.cls)
        raise InputError(f"{name} needs an input: strun {name} INPUT")
    return step


def _check_pictures() -> None:
    """Refuse pictures that cannot be drawn before anything is computed."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ExitStatus(1, "--quicklook needs matplotlib: pip install 'jwst_cal[plot]'")


def most_inputs(cls: type[Step]) -> int | None:
    """Return how many inputs the ``process`` of a class takes; None for any number."""
    kinds = [parameter.kind for parameter in inspect.signature(cls.process).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    return sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
               for kind in kinds) - 1  # fmt: skip


def _check_count(request: Request) -> None:
    """Refuse more inputs than the step's process takes."""
    most = most_inputs(request.cls)
    if most is not None and len(request.inputs) > most:
        raise InputError(
            f"{request.cls.__name__} takes {most} input{'' if most == 1 else 's'}, "
            f"{len(request.inputs)} were given: {' '.join(request.inputs)}"
        )


def check_folder(step: Step) -> None:
    """Refuse an output folder that cannot be written to before anything is computed."""
    folder = products.output_dir(products.names_of(step)) or os.curdir
    if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: the output folder cannot be written to")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError(f"{folder}: the output folder is a file")


def explain_lines(merged: Mapping[str, Any], cls: type[Step]) -> Iterator[str]:
    """Lay out each parameter, its final value and where it came from."""
    rows = [
        (name, repr(value), source) for name, value, source in configuration.explain(merged, cls)
    ]
    names = max(len(name) for name, _, _ in rows)
    values = min(40, max(len(value) for _, value, _ in rows))
    for name, value, source in rows:
        yield f"{name:<{names}}  {value:<{values}}  {source}"


def describe(error: BaseException) -> str:
    """
    Put an error into one line.

    Parameters
    ----------
    error : BaseException
        Any error.

    Returns
    -------
    str
        File and reason where they are known; for an error that nobody foresaw its type, and the
        step and the input it happened in.
    """
    from jwst_cal.errors import JwstCalError

    text = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    if isinstance(error, JwstCalError):
        return text or type(error).__name__
    notes = [f" ({note})" for note in getattr(error, "__notes__", [])]
    if isinstance(error, OSError) and error.strerror:
        names = " -> ".join(str(name) for name in (error.filename, error.filename2) if name)
        return f"{names}: {error.strerror}" if names else f"{error.strerror}{''.join(notes)}"
    if isinstance(error, MemoryError):
        return f"out of memory{''.join(notes)}"
    return f"{type(error).__name__}: {text}{''.join(notes)}; --debug shows where"
