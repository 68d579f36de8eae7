"""Parameter files: reading, writing, and which value wins.

A configuration is a plain nested mapping, whatever it was read from::

    {"class": "jwst.pipeline.Detector1Pipeline", "name": "Detector1Pipeline",
     "save_calibrated_ramp": True, "steps": {"jump": {"rejection_threshold": 5.5}}}

Two file formats are told apart by their content: ASDF (the current layout and the older one with
everything below ``parameters``) and the INI-like ``.cfg`` with nested ``[steps] [[jump]]``
sections. Values of a ``.cfg`` file and of the command line are texts and share one lexer,
:func:`lex`; the parameter's declaration converts them. ASDF files that hold nothing but a tree,
as parameter files do, are read without the asdf library.

Precedence, lowest first: coded default, parameter references (of a step, of its pipeline), the
file named by a sub-step's ``config_file``, the local file, the command line or keywords.
"""

from __future__ import annotations

import datetime
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from jwst_cal import registry
from jwst_cal.errors import ParameterError, UnknownStepError
from jwst_cal.framework.parameters import nearest

__all__ = [
    "Layer",
    "Setting",
    "beside",
    "check_class",
    "class_name",
    "explain",
    "interpolate",
    "lex",
    "merge",
    "parse_cfg",
    "plain",
    "read",
    "settings",
    "to_asdf",
    "to_cfg",
    "write",
]

Section = dict[str, Any]

#: Entries of a section that are no parameters.
IDENTITY = ("class", "name", "config_file")


# ---- texts ------------------------------------------------------------------------------------


_ITEM = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s'",#][^,#]*?)?\s*(,|\#|\Z)""")


def lex(text: str) -> str | list[str]:
    """
    Read the value part of a line of a ``.cfg`` file, or of an option of the command line.

    Parameters
    ----------
    text : str
        One level of quotes is removed; an unquoted ``#`` starts a comment; an unquoted comma
        makes a list, with a trailing comma a list of one; a single comma is the empty list.

    Returns
    -------
    str or list of str
        The value; the empty text when there is none.

    Raises
    ------
    ParameterError
        If a quote is not closed, or text follows it, or an element of a list is missing.
    """
    items: list[str] = []
    at, is_list = 0, False
    while True:
        match = _ITEM.match(text, at)
        if match is None:
            raise ParameterError(f"cannot read the value {text!r}: a quote is open or misplaced")
        item, ending = match.groups()
        at = match.end()
        if item is not None:
            items.append(item[1:-1] if item[0] in "'\"" else item)
        elif ending == "," and (items or text[at:].partition("#")[0].strip()):
            raise ParameterError(f"cannot read the value {text!r}: an element is missing")
        if ending == ",":
            is_list = True
            continue
        if is_list:
            return items
        return items[0] if items else ""


_FIELD = re.compile(r"%\(([^)]*)\)s")


def interpolate(
    value: Any, scopes: Sequence[Mapping[str, Any]], _seen: tuple[str, ...] = ()
) -> Any:
    """
    Replace each ``%(name)s`` by the value of that name.

    Parameters
    ----------
    value : object
        A text or a list of texts; anything else is returned as it is.
    scopes : sequence of mapping
        Where to look, nearest section first.

    Returns
    -------
    object
        The value, filled in.

    Raises
    ------
    ParameterError
        If a name is unknown or refers to itself.
    """
    if isinstance(value, list):
        return [interpolate(item, scopes, _seen) for item in value]
    if not isinstance(value, str) or "%(" not in value:
        return value

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in _seen:
            raise ParameterError(f"%({name})s refers to itself")
        for scope in scopes:
            found = scope.get(name, scope.get("DEFAULT", {}).get(name))
            if isinstance(found, (str, int, float)):
                return str(interpolate(found, scopes, (*_seen, name)))
        raise ParameterError(f"%({name})s: there is no value named '{name}'")

    return _FIELD.sub(fill, value)


# ---- cfg files --------------------------------------------------------------------------------

_HEADER = re.compile(r"(\[+)\s*(\"[^\"]*\"|'[^']*'|[^'\"\]]*?)\s*(\]+)\s*(#.*)?$")
_ENTRY = re.compile(r"(\"[^\"]*\"|'[^']*'|[^'\"=][^=]*?)\s*=\s*(.*)$", re.DOTALL)


def _unquote(text: str) -> str:
    return text[1:-1] if text[:1] in ("'", '"') else text


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines without blanks and comments; triple quotes join lines."""
    lines = iter(enumerate(text.split("\n"), 1))
    for number, raw in lines:
        line = raw.lstrip()
        if not line or line.startswith("#"):
            continue
        match = re.match(r"[^=]*=\s*('''|\"\"\")", line)
        if match is None:
            yield number, line.rstrip()
            continue
        quote, rest = match[1], line[match.end() :]
        while quote not in rest:
            following = next(lines, None)
            if following is None:
                raise ParameterError(f"line {number}: {quote} is not closed")
            rest += "\n" + following[1]
        yield number, f"{match[0]}{rest}"


def parse_cfg(text: str, *, raw: bool = False) -> Section:
    """
    Parse the text of a ``.cfg`` file.

    Parameters
    ----------
    text : str
        Entries ``name = value``, sections ``[a]``, subsections ``[[b]]``, comments after ``#``.
    raw : bool
        Leave ``%(name)s`` as it stands.

    Returns
    -------
    dict
        Nested sections; the leaves are texts and lists of texts, ``%(name)s`` filled in.

    Raises
    ------
    ParameterError
        With the line number, if a line is no entry and no section, or a name occurs twice.
    """
    root: Section = {}
    stack = [root]
    for number, line in _logical_lines(text):
        try:
            header = _HEADER.match(line) if line.startswith("[") else None
            if header is not None:
                _open_section(stack, header)
                continue
            entry = _ENTRY.match(line)
            if entry is None:
                raise ParameterError(f"{line!r} is no 'name = value' and no [section]")
            name, value = _unquote(entry[1]), entry[2]
            if name in stack[-1]:
                raise ParameterError(f"'{name}' is given twice")
            stack[-1][name] = _entry_value(value)
        except ParameterError as error:
            raise ParameterError(f"line {number}: {error}") from None
    return root if raw else _filled(root, ())


def _entry_value(text: str) -> str | list[str]:
    for quote in ("'''", '"""'):
        if text.startswith(quote):
            inner, _, rest = text[3:].partition(quote)
            if rest.partition("#")[0].strip():
                raise ParameterError(f"text follows {quote}")
            return inner
    return lex(text)


def _open_section(stack: list[Section], header: re.Match[str]) -> None:
    depth, name = len(header[1]), _unquote(header[2])
    if depth != len(header[3]) or not name:
        raise ParameterError(f"{header[0]!r} is no section: brackets do not match")
    if depth > len(stack):
        raise ParameterError(f"section '{name}' is nested too deep")
    del stack[depth:]
    if name in stack[-1]:
        raise ParameterError(f"'{name}' is given twice")
    stack[-1][name] = {}
    stack.append(stack[-1][name])


def _filled(section: Section, outer: tuple[Section, ...]) -> Section:
    scopes = (section, *outer)
    return {
        name: _filled(value, scopes) if isinstance(value, dict) else interpolate(value, scopes)
        for name, value in section.items()
    }


def _quote(text: str, quotes: Sequence[str] = ('"', "'", '"""', "'''")) -> str:
    for quote in quotes:
        one_line = len(quote) == 3 or "\n" not in text
        if one_line and quote not in text and not text.endswith(quote[0]) and "%(" not in text:
            return f"{quote}{text}{quote}"
    raise ParameterError(f"a .cfg file cannot hold the text {text!r}; write an ASDF file")


def _cfg_value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        items = [_quote(item, ('"', "'")) if isinstance(item, str) else str(item) for item in value]
        return ", ".join(items) + ("," if len(items) < 2 else "")
    return _quote(value) if isinstance(value, str) else str(value)


def to_cfg(config: Mapping[str, Any]) -> str:
    """
    Write a configuration as the text of a ``.cfg`` file.

    Parameters
    ----------
    config : mapping
        The format has no ``None``: such entries become comments.

    Returns
    -------
    str
        Name and class first, then parameters in alphabetical order, then the steps.
    """
    return "\n".join(_cfg_lines(config, 0)) + "\n"


def _cfg_lines(config: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name in [*(key for key in ("name", "class") if key in config), *_parameter_names(config)]:
        value = config[name]
        if value is None:
            yield f"{indent}# {name} = None"
        else:
            yield f"{indent}{name} = {_cfg_value(value)}"
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield f"{indent}{'[' * (depth + 1)}{name}{']' * (depth + 1)}"
            yield from _cfg_lines(value, depth + 1)


def _parameter_names(config: Mapping[str, Any]) -> list[str]:
    return sorted(
        name
        for name, value in config.items()
        if name not in ("class", "name") and not isinstance(value, Mapping)
    )


# ---- ASDF files -------------------------------------------------------------------------------

_ASDF_HEAD = """#ASDF 1.0.0
#ASDF_STANDARD 1.5.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
"""


def to_asdf(config: Mapping[str, Any], *, metadata: bool = False) -> str:
    """
    Write a configuration as the text of an ASDF file in the current layout.

    Parameters
    ----------
    config : mapping
        The configuration.
    metadata : bool
        Add the block of metadata to fill in before the file is sent to CRDS.

    Returns
    -------
    str
        The file's text, keys sorted.
    """
    import yaml

    tree = _to_tree(config)
    if metadata:
        now = datetime.datetime.now(datetime.UTC)
        fields = ("author", "origin", "pedigree", "reftype", "telescope", "useafter")
        tree["meta"] = dict.fromkeys(fields, "<SPECIFY>") | {
            "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
            "description": f"Parameters for calibration step {tree.get('class')}",
            "instrument": {"name": "<SPECIFY>"},
        }
    body = yaml.safe_dump(tree, sort_keys=True, allow_unicode=True, default_flow_style=False)
    return f"{_ASDF_HEAD}{body}...\n"


def _to_tree(config: Mapping[str, Any], name: str | None = None) -> Section:
    tree: Section = {"class": config.get("class"), "name": config.get("name", name)}
    tree = {key: value for key, value in tree.items() if value is not None}
    tree["parameters"] = {key: _yaml_value(config[key]) for key in _parameter_names(config)}
    if config.get("steps"):
        tree["steps"] = [_to_tree(section, step) for step, section in config["steps"].items()]
    return tree


def _yaml_value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_yaml_value(item) for item in value]
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    return value.item() if hasattr(value, "item") else str(value)


def _read_tree(path: str, content: bytes) -> Section:
    """Read the tree of an ASDF file, with the asdf library only when it holds more than YAML."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    def construct(loader: Any, suffix: str, node: Any) -> Any:
        if not suffix.startswith(("core/asdf-", "core/software-", "core/history_entry-",
                                  "core/extension_metadata-")):  # fmt: skip
            raise LookupError(suffix)
        return loader.construct_mapping(node, deep=True)

    Loader.add_multi_constructor("tag:stsci.edu:asdf/", construct)
    end = re.search(rb"^\.\.\.\r?$", content, re.MULTILINE)
    text = content[: end.end()] if end else content
    try:
        tree = yaml.load(text, Loader)  # a subclass of SafeLoader
    except (LookupError, yaml.constructor.ConstructorError):
        import asdf

        with asdf.open(path, memmap=False, lazy_load=False) as file:
            tree = dict(file.tree)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ParameterError(f"{where}{getattr(error, 'problem', None) or error}") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("parameters", {}), dict):
        raise ParameterError("an ASDF file without 'parameters' is no parameter file")
    return tree


def _from_tree(tree: Mapping[str, Any]) -> Section:
    """Turn the tree of an ASDF file, of either layout, into a configuration."""
    if "parameters" not in tree:
        raise ParameterError("an ASDF file without 'parameters' is no parameter file")
    parameters = dict(tree["parameters"] or {})
    if "class" not in tree and ("class" in parameters or "steps" in parameters):
        return _checked_steps(parameters)
    if "class" not in tree:
        raise ParameterError("an ASDF file without 'class' is no parameter file")
    config: Section = {key: tree[key] for key in ("class", "name") if key in tree} | parameters
    if "steps" in tree:
        config["steps"] = _named_steps(tree["steps"])
    return config


def _named_steps(steps: Any) -> Section:
    if not isinstance(steps, list):
        raise ParameterError("'steps' must be a list of entries with 'name' and 'parameters'")
    sections: Section = {}
    for entry in steps:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise ParameterError("an entry of 'steps' has no 'name'")
        name = entry["name"]
        if name in sections:
            raise ParameterError(f"'steps' names '{name}' twice")
        kept = {key: value for key, value in entry.items() if key in ("class", "name")}
        sections[name] = kept | dict(entry.get("parameters") or {})
    return sections


def _checked_steps(config: Section) -> Section:
    steps = config.get("steps")
    if steps is not None and not (
        isinstance(steps, dict) and all(isinstance(entry, dict) for entry in steps.values())
    ):
        raise ParameterError("'steps' must hold one section for each step")
    return config


# ---- files ------------------------------------------------------------------------------------


#: No parameter file is larger, in bytes.
_LIMIT = 1 << 24


def read(file: str | os.PathLike[str]) -> Section:
    """
    Read a parameter file.

    Parameters
    ----------
    file : str or path
        An ASDF or ``.cfg`` file; the content decides which, not the name.

    Returns
    -------
    dict
        The configuration; ``name`` defaults to the file's base name.

    Raises
    ------
    ParameterError
        If it does not exist, cannot be read, or is no parameter file; the message names it.
    """
    path = os.fspath(file)
    if os.path.isdir(path):
        raise ParameterError(f"'{path}' is a directory, not a parameter file")
    try:
        with open(path, "rb") as opened:
            content = opened.read(_LIMIT)
    except FileNotFoundError:
        raise ParameterError(f"there is no parameter file '{path}'") from None
    except OSError as error:
        raise ParameterError(f"cannot read the parameter file '{path}': {error.strerror}") from None
    try:
        config = _parse(path, content)
    except ParameterError as error:
        raise ParameterError(f"parameter file '{path}': {error}") from None
    config.setdefault("name", Path(path).stem)
    return config


def _parse(path: str, content: bytes) -> Section:
    if content.startswith(b"SIMPLE  ="):
        raise ParameterError("a FITS file is no parameter file")
    if len(content) == _LIMIT:
        raise ParameterError("it is too large to be a parameter file")
    if content.startswith(b"#ASDF"):
        return _from_tree(_read_tree(path, content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ParameterError("it is neither ASDF nor text") from None
    if "\0" in text:
        raise ParameterError("it is neither ASDF nor text")
    config = parse_cfg(text)
    if not config:
        raise ParameterError("it holds no parameters")
    sections = [name for name, value in config.items() if isinstance(value, dict)]
    odd = [name for name in sections if name != "steps"]
    if odd:
        raise ParameterError(f"section [{odd[0]}] is not known; sub-steps stand below [steps]")
    return _checked_steps(config)


def write(
    config: Mapping[str, Any], file: str | os.PathLike[str], *, metadata: bool = False
) -> None:
    """
    Write a parameter file; the name's ending ``.cfg`` asks for that format, any other for ASDF.

    Parameters
    ----------
    config : mapping
        The configuration.
    file : str or path
        An existing file is replaced, all of it or not at all.
    metadata : bool
        As for :func:`to_asdf`.
    """
    path = Path(file)
    text = to_cfg(config) if path.suffix == ".cfg" else to_asdf(config, metadata=metadata)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise ParameterError(
            f"cannot write the parameter file '{path}': {error.strerror}"
        ) from None
    finally:
        scratch.unlink(missing_ok=True)


def class_name(cls: type) -> str:
    """
    Name a class as parameter files do.

    Parameters
    ----------
    cls : type
        A step or pipeline.

    Returns
    -------
    str
        For a step of this package the name in the reference release, so that the file serves
        both; for any other class its dotted path.
    """
    row = registry.by_class.get(cls.__name__)
    if row is not None and row.path == f"{cls.__module__}.{cls.__qualname__}":
        return f"{row.jwst_module}.{row.class_name}"
    return f"{cls.__module__}.{cls.__qualname__}"


@contextmanager
def beside(file: str | os.PathLike[str] | None) -> Iterator[None]:
    """Let modules beside a parameter file be imported during a ``with`` block."""
    if file is None:
        yield
        return
    folder = os.path.dirname(os.path.abspath(file))
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


# ---- which value wins -------------------------------------------------------------------------


class Layer(NamedTuple):
    """One configuration and where it came from."""

    config: Mapping[str, Any]
    source: str
    folder: str | None = None
    lenient: bool = False

    @classmethod
    def of_file(cls, file: str | os.PathLike[str]) -> Layer:
        """Read a local parameter file as a layer; relative paths start at its folder."""
        path = os.fspath(file)
        return cls(read(path), f"file '{path}'", os.path.dirname(os.path.abspath(path)))

    def below(self, step: str) -> Layer:
        """Return the section of one sub-step, empty if there is none."""
        steps = self.config.get("steps") or {}
        return self._replace(config=steps.get(step) or {})


class Setting(NamedTuple):
    """A value, where it came from, and the folder its relative paths start at."""

    value: Any
    source: str
    folder: str | None = None
    lenient: bool = False


def merge(references: Sequence[Layer], given: Sequence[Layer]) -> Section:
    """
    Lay configurations over each other.

    Parameters
    ----------
    references : sequence of Layer
        Parameter references, lowest first: those of the steps, then the pipeline's.
    given : sequence of Layer
        What the user gave, lowest first: local file, command line or keywords. The files that
        sub-steps name by ``config_file`` lie between `references` and `given`.

    Returns
    -------
    dict
        The configuration with a :class:`Setting` in the place of each value.

    Raises
    ------
    ParameterError
        If a ``config_file`` cannot be read or leads back to itself.
    """
    merged: Section = {}
    for layer in (*references, *given):
        for name, value in layer.config.items():
            if name != "steps" and not isinstance(value, Mapping):
                merged[name] = Setting(value, layer.source, layer.folder, layer.lenient)
    steps = dict.fromkeys(
        step for layer in (*references, *given) for step in layer.config.get("steps") or {}
    )
    if steps:
        merged["steps"] = {step: _merge_step(step, references, given) for step in steps}
    return merged


def _merge_step(step: str, references: Sequence[Layer], given: Sequence[Layer]) -> Section:
    chosen = [layer.below(step) for layer in given]
    named = [layer for layer in chosen if layer.config.get("config_file")]
    files = list(_named_files(named[-1])) if named else []
    low = [layer.below(step) for layer in references]
    merged = merge(low, [*reversed(files), *chosen])
    merged.pop("config_file", None)
    if "name" in merged and any(merged["name"].source == file.source for file in files):
        del merged["name"]
    return merged


def _named_files(layer: Layer) -> Iterator[Layer]:
    """Follow ``config_file`` from file to file, nearest first."""
    chain: list[str] = []
    while layer.config.get("config_file"):
        path = os.path.abspath(os.path.join(layer.folder or "", layer.config["config_file"]))
        chain.append(path)
        if path in chain[:-1]:
            names = " -> ".join(os.path.basename(name) for name in chain)
            raise ParameterError(f"config_file leads back to itself: {names}")
        layer = Layer.of_file(path)
        yield layer


def plain(merged: Mapping[str, Any]) -> Section:
    """Return a merged configuration with values in the place of settings."""
    return {
        name: entry.value if isinstance(entry, Setting) else plain(entry)
        for name, entry in merged.items()
    }


def settings(merged: Mapping[str, Any], cls: Any, *, where: str = "") -> tuple[Section, list[str]]:
    """
    Check a merged configuration against a class and convert its values.

    Parameters
    ----------
    merged : mapping
        From :func:`merge`.
    cls : type
        The class; ``parameters()``, ``reference_file_types`` and ``step_defs`` are used.
    where : str
        Name of the sub-step, for messages.

    Returns
    -------
    values : dict
        Keyword arguments of the class; those of sub-steps below ``steps``.
    warnings : list of str
        What a parameter reference holds that the class does not know.

    Raises
    ------
    ParameterError
        If the user gave unknown names or values that the parameters may not have. The message
        tells all of them: the parameter, the value, what is allowed and where it was given.
    """
    found = _Findings([], [])
    values = _settings(merged, cls, where, found)
    if found.problems:
        raise ParameterError(_told(found.problems))
    return values, [_told([warning]) for warning in found.warnings]


class _Problem(NamedTuple):
    """What is wrong with one entry, where it was given, and perhaps what was meant."""

    text: str
    source: str
    hint: str = ""


def _told(problems: Sequence[_Problem]) -> str:
    """Tell problems in one line; a source that several in a row have is told once."""
    following = [*problems[1:], None]
    return "; ".join(
        problem.text + problem.hint if after is not None and after.source == problem.source
        else f"{problem.text} ({problem.source}){problem.hint}"
        for problem, after in zip(problems, following, strict=True)
    )


class _Findings(NamedTuple):
    """What is wrong in a configuration: what the user gave, and what a reference holds."""

    problems: list[_Problem]
    warnings: list[_Problem]

    def unknown(self, problem: str, name: str, known: Iterable[str], entry: Setting) -> None:
        """Note a name that does not exist."""
        found = _Problem(problem, entry.source, nearest(name, known))
        (self.warnings if entry.lenient else self.problems).append(found)


def _settings(merged: Mapping[str, Any], cls: Any, where: str, findings: _Findings) -> Section:
    parameters = cls.parameters()
    overrides = {f"override_{kind}" for kind in cls.reference_file_types}
    values: Section = {}
    for name, entry in merged.items():
        if name == "steps" or name in IDENTITY or (name == "logcfg" and not where):
            continue
        if name in overrides:
            values[name] = entry.value
        elif name not in parameters:
            problem = f"'{name}' is no parameter of {where or cls.__name__}"
            findings.unknown(problem, name, [*parameters, *overrides], entry)
        elif entry.value is not None or parameters[name].optional:
            try:
                values[name] = _converted(parameters[name], entry, where or cls.__name__)
            except ParameterError as error:
                findings.problems.append(_Problem(str(error), entry.source))
    steps = getattr(cls, "step_defs", None) or {}
    for name, section in (merged.get("steps") or {}).items():
        if name in steps:
            inner = f"{where}.{name}" if where else name
            _check_kind(section.get("class"), steps[name], inner, findings)
            below = _settings(section, steps[name], inner, findings)
            values.setdefault("steps", {})[name] = below
        else:
            for entry in [*_settings_of(section)][:1]:  # an empty section does no harm
                findings.unknown(f"'{name}' is no step of {cls.__name__}", name, steps, entry)
    return values


def _check_kind(entry: Setting | None, cls: Any, step: str, findings: _Findings) -> None:
    """Note that parameters of a step were given for another one that we know."""
    name = "" if entry is None else str(entry.value)
    row = registry.by_alias.get(name) or registry.by_class.get(name.rpartition(".")[2])
    if entry is not None and row is not None and not any(
        base.__name__ == row.class_name for base in cls.__mro__
    ):
        found = _Problem(f"the parameters given for {step}, which is a {cls.__name__}, are for "
                         f"{row.class_name}", entry.source)
        (findings.warnings if entry.lenient else findings.problems).append(found)


def _settings_of(section: Mapping[str, Any]) -> Iterator[Setting]:
    for entry in section.values():
        if isinstance(entry, Setting):
            yield entry
        else:
            yield from _settings_of(entry)


def _converted(parameter: Any, entry: Setting, owner: str) -> Any:
    value = entry.value
    if parameter.path is not None and entry.folder is not None and isinstance(value, str):
        value = os.path.join(entry.folder, value)
    return parameter.check(value, owner)


def check_class(config: Mapping[str, Any], expected: type, file: str) -> type:
    """
    Load the class that a parameter file names, which must be of the expected one.

    Parameters
    ----------
    config : mapping
        The file's configuration.
    expected : type
        The class through which the file was given.
    file : str
        Named in the message.

    Returns
    -------
    type
        The class; `expected` when the file names none.

    Raises
    ------
    ParameterError
        If the file is for another class.
    UnknownStepError
        If the class cannot be imported.
    """
    name = config.get("class")
    if not name:
        return expected
    try:
        cls = registry.load(str(name))
    except (UnknownStepError, ImportError) as error:
        raise UnknownStepError(f"parameter file '{file}': {error}") from None
    if not issubclass(cls, expected):
        raise ParameterError(
            f"parameter file '{file}' is for {cls.__name__}, not for {expected.__name__}"
        )
    return cls


def explain(
    merged: Mapping[str, Any], cls: Any, *, prefix: str = ""
) -> Iterator[tuple[str, Any, str]]:
    """
    List every parameter with its final value and where it came from.

    Parameters
    ----------
    merged : mapping
        From :func:`merge`.
    cls : type
        The step or pipeline class.
    prefix : str
        ``steps.jump.`` for a sub-step.

    Yields
    ------
    name : str
        As on the command line, without the dashes.
    value : object
        The final value.
    source : str
        ``default``, or the layer it came from.
    """
    parameters = cls.parameters()
    for name, parameter in parameters.items():
        entry = merged.get(name)
        if entry is None or (entry.value is None and not parameter.optional):
            yield f"{prefix}{name}", parameter.default, "default"
        else:
            yield f"{prefix}{name}", _converted(parameter, entry, cls.__name__), entry.source
    for kind in cls.reference_file_types:
        entry = merged.get(f"override_{kind}")
        if entry is not None:
            yield f"{prefix}override_{kind}", entry.value, entry.source
    for name, step in (getattr(cls, "step_defs", None) or {}).items():
        below = (merged.get("steps") or {}).get(name, {})
        yield from explain(below, step, prefix=f"{prefix}steps.{name}.")
