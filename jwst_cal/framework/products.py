"""Names of output files: pure functions from what the steps know to a path.

A product is named ``<root>[_<component>...]<separator><suffix>.<ext>`` in the nearest output
directory. The rules take :class:`Names`, one per step from the saving step outwards to the
outermost pipeline, and touch neither files nor models.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from os import path
from string import Formatter
from typing import Any, Literal, NamedTuple

from jwst_cal.framework._suffixes import KNOWN

__all__ = [
    "KNOWN",
    "Names",
    "fill",
    "model_path",
    "names_of",
    "output_dir",
    "output_path",
    "remove_suffix",
    "replace_suffix",
    "result_indices",
]

Suffix = str | Literal[False] | None


class Names(NamedTuple):
    """What one step knows about the names of its products; the fields are its parameters."""

    name: str
    suffix: Suffix = None
    output_file: str | None = None
    output_dir: str | None = None
    output_ext: str | None = ".fits"
    output_use_model: bool = False
    output_use_index: bool = True
    search_output_file: bool = True
    primary_input: str | None = None


def names_of(step: Any) -> tuple[Names, ...]:
    """
    Collect the settings that name products, from a step up through its parents.

    Parameters
    ----------
    step : Step
        Any object with a ``name``; missing attributes take the defaults of :class:`Names`.

    Returns
    -------
    tuple of Names
        The step's own first, the outermost pipeline's last.
    """
    found = []
    while step is not None:
        known = {field: getattr(step, field) for field in Names._fields if hasattr(step, field)}
        found.append(Names(**known))
        step = getattr(step, "parent", None)
    return tuple(found)


def remove_suffix(name: str) -> tuple[str, str]:
    """
    Take one known suffix off a name that has neither directory nor extension.

    Parameters
    ----------
    name : str
        For instance ``jw01_nrca1_rate``.

    Returns
    -------
    root : str
        The name without the longest known suffix; at least one character.
    separator : str
        What stood before it, ``_`` or ``-``; ``_`` when nothing was removed.
    """
    for at, character in enumerate(name):
        if at and character in "_-" and name[at + 1 :] in KNOWN:
            return name[:at], character
    return name, "_"


def replace_suffix(name: str, suffix: str) -> str:
    """Put `suffix` in the place of the known suffix of `name`, or append it."""
    root, separator = remove_suffix(name)
    return f"{root}{separator}{suffix}"


def _nearest(levels: Sequence[Names], field: str) -> Any:
    """First value that is set, from the saving step outwards."""
    values = (getattr(level, field) for level in levels)
    return next((value for value in values if value not in (None, "")), None)


def output_dir(levels: Sequence[Names]) -> str:
    """
    Find the directory that products go to.

    Parameters
    ----------
    levels : sequence of Names
        From the saving step outwards.

    Returns
    -------
    str
        The nearest ``output_dir`` with ``~`` and ``$VAR`` filled in; empty for the working
        directory.
    """
    return path.expandvars(path.expanduser(_nearest(levels, "output_dir") or ""))


def _base(levels: Sequence[Names]) -> str:
    """Base name of a product that the code did not name."""
    step = levels[0]
    chosen = _nearest(levels, "output_file") if step.search_output_file else None
    return (
        chosen
        or _nearest(levels, "primary_input")
        or f"step_{step.name}.{(step.output_ext or '').lstrip('.')}"
    )


def output_path(
    levels: Sequence[Names],
    base: str | os.PathLike[str] | None = None,
    *,
    suffix: Suffix = None,
    ext: str | None = None,
    **components: Any,
) -> str:
    """
    Name one product.

    Parameters
    ----------
    levels : sequence of Names
        From the saving step outwards.
    base : str or path, optional
        Name given by the code; its directory and last extension are dropped.
    suffix : str, False or None
        ``False`` leaves the suffix out and the base untouched; ``None`` takes the step's suffix,
        else its name in lower case.
    ext : str, optional
        Extension in the place of the step's ``output_ext``; a leading dot is optional.
    **components
        Parts inserted before the suffix, in order, where not ``None``: list index,
        association id.

    Returns
    -------
    str
        The path.
    """
    step = levels[0]
    root, old_ext = path.splitext(path.basename(os.fspath(base) if base else _base(levels)))
    if ext is None:
        ext = step.output_ext
    if ext is None:
        ext = old_ext or ".fits"
    if suffix is None:
        suffix = step.name.lower() if step.suffix is None else step.suffix
    ending = ""
    if suffix is not False:
        root, separator = remove_suffix(root)
        ending = f"{separator}{suffix}"
    inner = "".join(f"_{value}" for value in components.values() if value is not None)
    return path.join(output_dir(levels), f"{root}{inner}{ending}.{ext.removeprefix('.')}")


def model_path(
    levels: Sequence[Names],
    model_filename: str | None,
    *,
    output_file: str | None = None,
    suffix: Suffix = None,
    idx: Any = None,
    **components: Any,
) -> str:
    """
    Name the product that a model is saved as.

    Parameters
    ----------
    levels : sequence of Names
        From the saving step outwards.
    model_filename : str or None
        The model's ``meta.filename``.
    output_file : str, optional
        Base name given by the code.
    suffix : str, False or None
        As for :func:`output_path`.
    idx : object, optional
        Position of the model among several; left out when the name comes from the model, or
        when the step's ``output_use_index`` is false.
    **components
        As for :func:`output_path`.

    Returns
    -------
    str
        The path.
    """
    step = levels[0]
    base = output_file or step.output_file or None
    from_model = step.output_use_model or (base is None and not step.search_output_file)
    if from_model:
        base = model_filename
    if from_model or not step.output_use_index:
        idx = None
    return output_path(levels, base, suffix=suffix, idx=idx, **components)


def result_indices(count: int, *, container: bool) -> list[int | None]:
    """
    Number the models of one result.

    Parameters
    ----------
    count : int
        Number of models.
    container : bool
        Whether they come in a ModelContainer or ModelLibrary, whose members always have a
        number, or in a list or tuple, where a single one has none.

    Returns
    -------
    list of int or None
        One per model.
    """
    return [None] if count == 1 and not container else list(range(count))


class _Fields(Formatter):
    """Formatter that leaves unknown fields in place and remembers those it filled."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values, self.used = values, set[str]()

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> str:
        self.used.add(str(key))
        return self.values.get(str(key), f"{{{key}}}")


def fill(template: str, **values: Any) -> str:
    """
    Fill the placeholders of a product name.

    Parameters
    ----------
    template : str
        For instance ``jw01_o001_{source_id}_nirspec``.
    **values
        Values by placeholder. One without a placeholder is appended with ``_``, in
        alphabetical order of the names; ``None`` is ignored.

    Returns
    -------
    str
        The name; placeholders without a value stay.
    """
    fields = _Fields({key: str(value) for key, value in values.items() if value is not None})
    filled = fields.format(template)
    rest: Iterator[str] = (
        value for key, value in sorted(fields.values.items()) if key not in fields.used
    )
    return "_".join([filled, *rest])
