"""The historical declarations: a class with a ``spec`` text, as third-party steps have.

::

    spec = '''
    threshold = float(min=0, default=3.0)        # Threshold, in sigma
    method = option('mean', 'median', default='mean')
    names = string_list(default=None)
    '''

Each line becomes a :class:`~jwst_cal.framework.parameters.Parameter`. Attributes beyond those may
be set freely, ``process`` takes what ``run`` was given, and ``self.log`` is a logger.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from jwst_cal.framework.parameters import Parameter

__all__ = ["parse_spec"]

_LINE = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*)$")
_KINDS = {
    "boolean": "bool", "integer": "int", "float": "float", "string": "str", "option": "str",
    "list": "list", "tuple": "list", "force_list": "list", "int_list": "list[int]",
    "float_list": "list[float]", "string_list": "list[str]", "bool_list": "list[bool]",
    "input_file": "str", "output_file": "str", "pass": "any", "any": "any",
    "is_string_or_datamodel": "any",
}


def parse_spec(text: str, where: str) -> dict[str, Parameter]:
    """
    Read a ``spec`` text.

    Parameters
    ----------
    text : str
        One declaration a line; ``#`` starts the help text.
    where : str
        Class named in messages.

    Returns
    -------
    dict of str to Parameter
        Declarations by name, not yet bound to a class.

    Raises
    ------
    TypeError
        If a line cannot be read.
    """
    found: dict[str, Parameter] = {}
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith(("#", "[")):
            continue
        match = _LINE.match(line)
        if match is None:
            raise TypeError(f"{where}.spec: cannot read the line {line!r}")
        name, rest = match.groups()
        declaration, comment = _split_comment(rest)
        try:
            found[name] = _parameter(declaration, comment)
        except (SyntaxError, ValueError, KeyError, TypeError) as error:
            raise TypeError(f"{where}.spec: cannot read {name} = {declaration}: {error}") from None
    return found


def _split_comment(text: str) -> tuple[str, str]:
    quote = ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#":
            return text[:at].strip(), text[at + 1 :].strip()
    return text.strip(), ""


def _value(node: ast.expr) -> Any:
    """Evaluate a literal; bare words are texts, ``list(a, b)`` is a list."""
    if isinstance(node, ast.Name):
        return {"True": True, "False": False, "None": None}.get(node.id, node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "list":
        return [_value(argument) for argument in node.args]
    return ast.literal_eval(node)


def _parameter(declaration: str, help: str) -> Parameter:
    tree = ast.parse(declaration, mode="eval").body
    if isinstance(tree, ast.Name):
        tree = ast.Call(tree, [], [])
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
        raise ValueError("a type with brackets is needed")
    checker = tree.func.id
    if checker not in _KINDS:
        raise ValueError(f"unknown type '{checker}'")
    kind = _KINDS[checker]
    options = {str(entry.arg): _value(entry.value) for entry in tree.keywords}
    choices = [str(_value(argument)) for argument in tree.args] if checker == "option" else None
    if checker != "option":
        for bound, argument in zip(("min", "max"), tree.args, strict=False):
            options.setdefault(bound, _value(argument))
    low, high = options.get("min"), options.get("max")
    numeric = kind in ("int", "float")
    parameter = Parameter(
        options.get("default"), help, choices=choices,
        ge=_number(low) if numeric else None, le=_number(high) if numeric else None,
        min_length=None if numeric or low is None else int(low),
        max_length=None if numeric or high is None else int(high),
        path={"input_file": "input", "output_file": "output"}.get(checker),  # type: ignore[arg-type]
        scalar=checker == "force_list",
    )
    parameter.required = "default" not in options
    if isinstance(parameter.default, str | int | float) and parameter.scalar:
        parameter.default = [parameter.default]
    parameter.declared_as(kind, optional=options.get("default") is None)
    return parameter


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
