"""From a class, an exposure, a file and keywords to a step that is ready to run.

Shared by ``Step.call``, ``Step.from_config_file`` and ``strun``; which value wins is
:mod:`~jwst_cal.framework.configuration`'s business.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.framework import configuration
from jwst_cal.framework.configuration import Layer

if TYPE_CHECKING:
    from jwst_cal.framework.step import Step

__all__ = [
    "assemble",
    "build",
    "config_of",
    "disabled",
    "from_layer",
    "local_layer",
    "make",
    "reference_config",
    "reference_layers",
    "take_logcfg",
]

log = logging.getLogger(__name__)

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})


def disabled() -> bool:
    """Whether the environment forbids parameter references."""
    return os.environ.get("STPIPE_DISABLE_CRDS_STEPPARS", "").strip().lower() in _TRUE


# layers -----------------------------------------------------------------------------------------


def local_layer(config_file: str | os.PathLike[str] | None) -> Layer | None:
    """Read a local parameter file as a layer; None for None."""
    return None if config_file is None else Layer.of_file(config_file)


def take_logcfg(layer: Layer) -> str | None:
    """Take the log configuration that a parameter file names out of it."""
    if not isinstance(layer.config, dict):
        return None
    name = layer.config.pop("logcfg", None)
    if name is None:
        return None
    return os.path.join(layer.folder or "", os.path.expanduser(str(name)))


def _reference_layer(cls: type[Step], header: Mapping[str, Any]) -> Layer | None:
    """Read the parameter reference of one class; None when there is none."""
    from jwst_cal.framework import reference_store

    reftype = cls.get_config_reftype()
    path = reference_store.find_parameters(header, reftype)
    if path is None:
        return None
    log.info("%s parameters found: %s", reftype.upper(), path)
    try:
        config = configuration.read(path)
    except ParameterError as error:
        log.warning("The parameter reference is not used: %s", error)
        return None
    if config.get("name") == os.path.splitext(os.path.basename(path))[0]:
        del config["name"]  # the file has none; its own name would end in those of the products
    return Layer(config, f"reference '{os.path.basename(path)}'", lenient=True)


def reference_layers(cls: type[Step], header: Mapping[str, Any]) -> list[Layer]:
    """
    Find the parameter references for an exposure, lowest first.

    Parameters
    ----------
    cls : type
        Step or pipeline class.
    header : mapping
        Metadata of the exposure.

    Returns
    -------
    list of Layer
        Those of the sub-steps, then the class's own.
    """
    layers = []
    for alias, step in (getattr(cls, "step_defs", None) or {}).items():
        for layer in reference_layers(step, header):
            below = {key: value for key, value in layer.config.items()
                     if key not in configuration.IDENTITY}
            layers.append(layer._replace(config={"steps": {alias: below}}))
    own = _reference_layer(cls, header)
    return [*layers, own] if own is not None else layers


def _header(dataset: Any, folder: str | None) -> dict[str, Any] | None:
    """Read the metadata of the input; None, with the reason in the log, if it has none."""
    from jwst_cal.framework import reference_store

    if isinstance(dataset, str | os.PathLike) and folder and not os.path.dirname(dataset):
        inside = os.path.join(folder, dataset)
        dataset = inside if os.path.exists(inside) else dataset
    try:
        header = reference_store.header_of(dataset)
    except InputError as error:
        log.debug("No parameter references: %s", error)
        return None
    if header is None:
        log.debug("No parameter references: a %s has no metadata", type(dataset).__name__)
    return header


def reference_config(cls: type[Step], dataset: Any, disable: bool | None = None) -> dict[str, Any]:
    """
    Return the parameters that CRDS has for an exposure, as one configuration.

    Parameters
    ----------
    cls : type
        Step or pipeline class.
    dataset : str, path, data model or mapping
        The exposure.
    disable : bool, optional
        Do not ask; by default :func:`disabled` decides.

    Returns
    -------
    dict
        The configuration; for a pipeline with ``steps``, one entry for each.
    """
    step_defs = getattr(cls, "step_defs", None) or {}
    empty: dict[str, Any] = {"steps": {}} if step_defs else {}
    if disabled() if disable is None else disable:
        return empty
    header = _header(dataset, None)
    layers = [] if header is None else reference_layers(cls, header)
    if not layers:
        return empty
    found = configuration.plain(configuration.merge(layers, []))
    found.setdefault("class", configuration.class_name(cls))
    found.setdefault("name", cls.__name__)
    if step_defs:
        found["steps"] = {alias: found.get("steps", {}).get(alias, {}) for alias in step_defs}
    return found


# building ---------------------------------------------------------------------------------------


def assemble(
    cls: type[Step],
    dataset: Any = None,
    *,
    local: Layer | None = None,
    given: Mapping[str, Any] | None = None,
    source: str = "keyword",
    disable: bool | None = None,
) -> configuration.Section:
    """
    Lay all parameters for one run over each other.

    Parameters
    ----------
    cls : type
        Step or pipeline class.
    dataset : object, optional
        The input; it decides the parameter references.
    local : Layer, optional
        Local parameter file.
    given : mapping, optional
        Keywords or options, those of sub-steps below ``steps``.
    source : str
        What `given` is called in messages.
    disable : bool, optional
        No parameter references; by default :func:`disabled` decides.

    Returns
    -------
    dict
        Settings, for :func:`make` and ``configuration.explain``.
    """
    given = given or {}
    references: list[Layer] = []
    if not (disabled() if disable is None else disable):
        if dataset is None:
            log.debug("No input: no parameter references")
        else:
            header = _header(dataset, given.get("input_dir"))
            references = [] if header is None else reference_layers(cls, header)
    layers = ([] if local is None else [local]) + [Layer(given, source)]
    return configuration.merge(references, layers)


def make(
    cls: type[Step],
    merged: Mapping[str, Any],
    *,
    name: str | None = None,
    parent: Step | None = None,
    config_file: str | None = None,
) -> Step:
    """
    Make a step from merged parameters.

    Parameters
    ----------
    cls : type
        Step or pipeline class.
    merged : mapping
        From :func:`assemble`.
    name : str, optional
        Name in the place of the configured one.
    parent : Step, optional
        Pipeline that it belongs to.
    config_file : str, optional
        Local parameter file.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    ParameterError
        If the user gave an unknown name or a value that is not allowed.
    """
    values, warnings = configuration.settings(merged, cls)
    for warning in warnings:
        log.warning("%s", warning)
    if name is None and "name" in merged:
        name = str(merged["name"].value)
    return cls(name=name, parent=parent, config_file=config_file, **values)


def build(
    cls: type[Step],
    dataset: Any = None,
    *,
    local: Layer | None = None,
    given: Mapping[str, Any] | None = None,
    disable: bool | None = None,
) -> Step:
    """Assemble the parameters and make the step; see :func:`assemble` and :func:`make`."""
    file = None
    if local is not None:
        file = local.source.removeprefix("file ").strip("'")
        cls = configuration.check_class(local.config, cls, file)
    merged = assemble(cls, dataset, local=local, given=given, disable=disable)
    return make(cls, merged, config_file=file)


def from_layer(
    cls: type[Step], layer: Layer, file: str | None, *, parent: Step | None, name: str | None
) -> Step:
    """Make a step from one layer, of the class that it names; no parameter references."""
    found = configuration.check_class(layer.config, cls, file or "section")
    return make(found, configuration.merge([], [layer]), name=name, parent=parent,
                config_file=file)


def config_of(step: Step) -> dict[str, Any]:
    """
    Return the effective parameters of a step as a configuration.

    Parameters
    ----------
    step : Step
        A step or pipeline.

    Returns
    -------
    dict
        With ``class`` and ``name``; for a pipeline ``steps``. Overrides are left out.
    """
    values = {name: getattr(step, name) for name in step.parameters()}
    config = {"class": configuration.class_name(type(step)), "name": step.name, **values}
    if getattr(step, "step_defs", None):
        config["steps"] = {alias: config_of(getattr(step, alias))
                           for alias in step.step_defs}  # type: ignore[attr-defined]
    return config
