"""Parameters of a step: declared once, typed, checked whenever they are set.

A class derived from :class:`Parameterised` declares them with annotations::

    class JumpStep(Step):
        rejection_threshold: float = param(4.0, "Threshold of the difference, in sigma", gt=0)
        maximum_cores: str = param("1", "Number of processes to create")
        time_masked_after_jump: list[float] = param([], "...", min_length=2)

The declaration is inherited and may be redefined. From it come the options of ``strun``, its help,
the tables of the docs, the parameter files and the text of the historical configspec.

Texts (command line, ``.cfg`` files) convert as the reference release converts them:

========  =======================================================================================
bool      ``true on 1 yes`` and ``false off 0 no``, in any case
int       digits with a sign; no decimals, no hexadecimal
float     the usual forms, ``nan`` and ``inf`` included
str       as it is
list[x]   separated by commas; a trailing comma makes a list of one
choices   exactly one of the listed texts
========  =======================================================================================

``None`` is allowed where the annotation says ``| None``; for numbers, booleans and lists the text
``None`` then means it, too.
"""

from __future__ import annotations

import difflib
import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from jwst_cal.errors import ParameterError

__all__ = ["Parameter", "Parameterised", "nearest", "param", "split_list"]

_TRUE = frozenset({"true", "on", "1", "yes"})
_FALSE = frozenset({"false", "off", "0", "no"})
_SCALARS = ("bool", "int", "float", "str")
_NAMES = {"bool": "true or false", "int": "an integer", "float": "a number", "str": "a text",
          "any": "any value"}
_CONFIGSPEC = {"bool": "boolean", "int": "integer", "float": "float", "str": "string",
               "any": "any"}

PathRole = Literal["input", "output"]


def split_list(text: str) -> list[str]:
    """
    Split a text at its commas; one trailing comma is dropped, one level of quotes is removed.

    Parameters
    ----------
    text : str
        For instance ``a, b`` or ``'a,b',c``.

    Returns
    -------
    list of str
        The elements, without surrounding blanks.
    """
    if not text.strip():
        return []
    parts = [part.strip() for part in re.findall(r"""((?:"[^"]*"|'[^']*'|[^,])*)(?:,|$)""", text)]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return [p[1:-1] if len(p) > 1 and p[0] == p[-1] and p[0] in "'\"" else p for p in parts]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for a misspelt name, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


class Parameter:
    """
    One declared parameter; made by :func:`param`, found in ``Step.parameters()``.

    Attributes
    ----------
    name : str
        Name, as on the command line.
    kind : str
        ``bool``, ``int``, ``float``, ``str``, ``list`` or ``list[x]`` of these.
    optional : bool
        Whether ``None`` is a value.
    default : object
        Value of a new instance.
    help : str
        One line for the user.
    ge, gt, le, lt : float or None
        Bounds; for a list of numbers they hold for its elements.
    choices : tuple of str, or None
        The only values.
    min_length, max_length : int or None
        Bounds of a list's length.
    path : {'input', 'output'} or None
        The text is a file name: made absolute; an input must exist.
    scalar : bool
        A single value stands for a list of one.
    switch : bool
        A truth value, or a text that says one, is taken as ``true`` or ``false``.
    required : bool
        There is no coded default: a value must be given before the step runs.
    """

    def __init__(
        self,
        default: Any,
        help: str = "",
        *,
        ge: float | None = None,
        gt: float | None = None,
        le: float | None = None,
        lt: float | None = None,
        choices: Sequence[str] | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        path: PathRole | None = None,
        scalar: bool = False,
        switch: bool = False,
    ) -> None:
        self.name = ""
        self.owner = ""
        self.default = default
        self.help = help
        self.ge, self.gt, self.le, self.lt = ge, gt, le, lt
        self.choices = None if choices is None else tuple(choices)
        self.min_length, self.max_length = min_length, max_length
        self.path = path
        self.scalar = scalar
        self.switch = switch
        self.required = False
        self._kind = ""
        self._optional = False

    def declared_as(self, kind: str, *, optional: bool) -> None:
        """Give the type of a parameter that has no annotation."""
        self._kind, self._optional = kind, optional

    def bind(self, owner: type, name: str) -> None:
        """
        Take up the declaration: name, annotation, inherited help; check the default.

        Parameters
        ----------
        owner : type
            Class that declares the parameter.
        name : str
            Its name.

        Raises
        ------
        TypeError
            If the annotation is missing or of a type that parameters cannot have.
        ParameterError
            If the default is no allowed value.
        """
        self.name = name
        self.owner = owner.__name__
        if not self._kind:
            annotation = inspect.get_annotations(owner).get(name)
            if annotation is None:
                raise TypeError(f"{owner.__name__}.{name}: a parameter needs an annotation")
            self._kind, self._optional = _parse(annotation, f"{owner.__name__}.{name}")
        if self.choices is not None and self._element != "str":
            raise TypeError(f"{owner.__name__}.{name}: choices are texts; annotate it str")
        if not self.help:
            inherited = getattr(super(owner, owner), name, None)
            self.help = inherited.help if isinstance(inherited, Parameter) else ""
        self.default = self.check(self.default, self.owner, declared=True)

    @property
    def kind(self) -> str:
        """Type as text, ``None`` aside."""
        return self._kind

    @property
    def optional(self) -> bool:
        """Whether ``None`` is a value."""
        return self._optional

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return self._kind.startswith("list")

    @property
    def _element(self) -> str:
        return self._kind[5:-1] if self._kind.startswith("list[") else self._kind

    @property
    def type_name(self) -> str:
        """The type as it stands in tables: ``float``, ``list[str]``, ``int or None``."""
        return f"{self._kind} or None" if self._optional else self._kind

    @property
    def allowed(self) -> str:
        """What a value may be, as part of a sentence."""
        if self.choices is not None:
            text = "one of " + ", ".join(f"'{choice}'" for choice in self.choices)
        elif self.is_list:
            what = {"bool": "booleans", "int": "integers", "float": "numbers", "str": "texts"}
            text = f"a list of {what.get(self._element, 'values')}"
        else:
            text = _NAMES[self._kind]
        bounds = [f"{sign} {value:g}" for sign, value in
                  ((">=", self.ge), (">", self.gt), ("<=", self.le), ("<", self.lt))
                  if value is not None]
        if bounds:
            text += " " + " and ".join(bounds)
        if self.min_length is not None or self.max_length is not None:
            low, high = self.min_length or 0, self.max_length
            text += f" of length {low}" + ("" if high == low else f" to {high}" if high else " up")
        return text + (" or None" if self._optional else "")

    @property
    def configspec(self) -> str:
        """The declaration in the historical language: ``float(min=0, default=4.0)``."""
        if self.choices is not None:
            arguments = [f"'{choice}'" for choice in self.choices]
            kind = "option"
        elif self.path is not None:
            kind, arguments = f"{self.path}_file", []
        else:
            base = "list" if self._kind == "list" else _CONFIGSPEC[self._element]
            kind = {"integer": "int", "boolean": "bool"}.get(base, base) + "_list" \
                if self._kind.startswith("list[") else base
            kind = "force_list" if self.scalar else kind
            arguments = []
        low = self.min_length if self.is_list else self.ge
        high = self.max_length if self.is_list else self.le
        arguments += [f"min={low:g}"] if low is not None else []
        arguments += [f"max={high:g}"] if high is not None else []
        default = f"list({', '.join(map(repr, self.default))})" if isinstance(self.default, list) \
            else repr(self.default)
        if not self.required:
            arguments.append(f"default={default}")
        return f"{kind}({', '.join(arguments)})"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        values = instance.__dict__
        if self.name not in values:
            default = self.default
            values[self.name] = list(default) if isinstance(default, list) else default
        return values[self.name]

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.name] = self.check(value, _label(instance))

    def __delete__(self, instance: Any) -> None:
        instance.__dict__.pop(self.name, None)

    def check(self, value: Any, owner: str = "", *, declared: bool = False) -> Any:
        """
        Convert a value to the declared type and check it.

        Parameters
        ----------
        value : object
            A value, or its text.
        owner : str
            Step named in the message.
        declared : bool
            The value is the coded default; ``None`` is always one, files need not exist.

        Returns
        -------
        object
            The value as the step will see it.

        Raises
        ------
        ParameterError
            If it is of another type, out of bounds or none of the choices.
        """
        if value is None:
            if self._optional or declared:
                self._optional = True
                return None
            raise self._refuse(value, owner)
        if isinstance(value, str) and value == "None" and self._optional and self._kind != "str":
            return None
        if self.switch:
            value = _as_switch(value)
        try:
            if self.is_list:
                result: Any = self._convert_list(value)
            else:
                result = self._convert_one(value, self._kind)
                self._check_bounds(result)
        except (TypeError, ValueError, OverflowError):
            raise self._refuse(value, owner) from None
        if self.path is not None and not declared:
            result = self._check_path(result, owner)
        return result

    def _convert_list(self, value: Any) -> list[Any]:
        if isinstance(value, str):
            if "," not in value and value.strip() and not self.scalar:
                raise TypeError(value)
            value = split_list(value)
        elif hasattr(value, "tolist"):
            value = value.tolist()
        elif not isinstance(value, list | tuple):
            if not self.scalar or not isinstance(value, int | float):
                raise TypeError(value)
            value = [value]
        if self._kind == "list":
            result = list(value)
        else:
            result = [self._convert_one(item, self._element) for item in value]
        for item in result:
            self._check_bounds(item)
        if self.min_length is not None and len(result) < self.min_length:
            raise ValueError(value)
        if self.max_length is not None and len(result) > self.max_length:
            raise ValueError(value)
        return result

    def _convert_one(self, value: Any, kind: str) -> Any:
        if self.choices is not None and type(value) is int:
            value = str(value)  # choices that look like numbers are texts, too
        result = _CONVERT[kind](value)
        if self.choices is not None and result not in self.choices:
            raise ValueError(value)
        return result

    def _check_bounds(self, value: Any) -> None:
        if self.ge is self.gt is self.le is self.lt is None:
            return
        if (
            (self.ge is not None and value < self.ge)
            or (self.gt is not None and value <= self.gt)
            or (self.le is not None and value > self.le)
            or (self.lt is not None and value >= self.lt)
        ):
            raise ValueError(value)

    def _check_path(self, text: str, owner: str) -> str:
        absolute = os.path.abspath(os.path.expanduser(text))
        if self.path == "input" and not os.path.exists(absolute):
            raise ParameterError(f"Parameter '{self.name}' of {owner}: there is no '{absolute}'")
        return absolute

    def _refuse(self, value: Any, owner: str) -> ParameterError:
        given = f"'{value}'" if isinstance(value, str) else repr(value)
        hint = ("; a list of one ends with a comma" if self.is_list and isinstance(value, str)
                and not self.scalar else "")
        return ParameterError(f"Parameter '{self.name}' of {owner}: {_short(given)} is not "
                              f"{self.allowed}{hint}")

    def __repr__(self) -> str:
        return f"<Parameter {self.owner}.{self.name}: {self.type_name} = {self.default!r}>"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _label(instance: Any) -> str:
    name = instance.__dict__.get("name")
    return str(name) if name else type(instance).__name__


def _parse(annotation: Any, where: str) -> tuple[str, bool]:
    """Read an annotation: the kind, and whether None is allowed."""
    text = annotation if isinstance(annotation, str) else (
        annotation.__name__ if type(annotation) is type else str(annotation))
    parts = [part.strip() for part in text.replace(" ", "").split("|")]
    kinds = [part for part in parts if part != "None"]
    kind = kinds[0] if len(kinds) == 1 else ""
    if kind == "list[Any]":
        kind = "list"
    known = kind == "list" or kind in _SCALARS or (
        kind.startswith("list[") and kind[5:-1] in _SCALARS)
    if not known:
        raise TypeError(f"{where}: a parameter cannot be annotated {text!r}")
    return kind, len(kinds) < len(parts)


def _to_bool(value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise ValueError(value)
    if value is True or value is False or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    if type(value) is int and value in (0, 1):
        return bool(value)
    raise TypeError(value)


def _as_switch(value: Any) -> Any:
    try:
        return "true" if _to_bool(value) else "false"
    except (TypeError, ValueError):
        return value


def _to_int(value: Any) -> int:
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?\d+\s*", value):
            raise ValueError(value)
        return int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(value)
    return int(value.__index__())


def _to_float(value: Any) -> float:
    if isinstance(value, str):
        if "_" in value:
            raise ValueError(value)
        return float(value)
    if isinstance(value, bool) or not hasattr(value, "__float__") or getattr(value, "shape", None):
        raise TypeError(value)
    return float(value)


def _to_str(value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise TypeError(value)
    return str(value)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "bool": _to_bool, "int": _to_int, "float": _to_float, "str": _to_str,
    "any": lambda value: value,
}


def param(default: Any, help: str = "", **options: Any) -> Any:
    """
    Declare a parameter of a step.

    Parameters
    ----------
    default : object
        Value of a new instance. ``None`` needs ``| None`` in the annotation.
    help : str
        One line for the user; when empty, that of the redefined parameter.
    **options
        ``ge``, ``gt``, ``le``, ``lt``, ``choices``, ``min_length``, ``max_length``, ``path``
        (``'input'`` or ``'output'``: a file name), ``scalar`` (one value stands for a list) and
        ``switch`` (a truth value is taken, too, as the text ``true`` or ``false``).

    Returns
    -------
    Parameter
        The declaration; on an instance the attribute is the value.
    """
    return Parameter(default, help, **options)


class Parameterised:
    """Base of everything that has declared parameters."""

    _parameters: ClassVar[dict[str, Parameter]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, value in cls.__dict__.items():
            if isinstance(value, Parameter):
                value.bind(cls, name)
        merged: dict[str, Parameter] = {}
        for base in reversed(cls.__mro__):
            for name, value in base.__dict__.items():
                if isinstance(value, Parameter):
                    merged[name] = value
        cls._parameters = merged

    @classmethod
    def parameters(cls, *, own: bool = False) -> dict[str, Parameter]:
        """
        Return the declared parameters by name.

        Parameters
        ----------
        own : bool
            Leave out those that every step has (redefined ones included).

        Returns
        -------
        dict of str to Parameter
            In order of declaration, the universal ones first.
        """
        if not own:
            return dict(cls._parameters)
        universal = cls._universal()
        return {name: p for name, p in cls._parameters.items() if name not in universal}

    @classmethod
    def _universal(cls) -> Mapping[str, Parameter]:
        return {}
