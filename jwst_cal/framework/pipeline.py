"""Pipelines: steps in the order of their chains."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from jwst_cal.errors import ParameterError, ReferenceFileError
from jwst_cal.framework.parameters import Parameter, nearest, param
from jwst_cal.framework.step import Step

__all__ = ["Chain", "Pipeline"]

log = logging.getLogger(__name__)


class Chain:
    """
    Steps that run one after the other; an attribute of a pipeline class.

    On an instance ``self.<chain>(model)`` runs them. A step that several chains name is one
    instance with one set of parameters.

    Parameters
    ----------
    *steps : type or str
        Step classes, or their aliases (then imported at first use).
    """

    def __init__(self, *steps: type[Step] | str) -> None:
        self.steps = steps
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, pipeline: Any, owner: type | None = None) -> Any:
        return self if pipeline is None else BoundChain(pipeline, self)

    def __iter__(self) -> Iterator[type[Step]]:
        return iter(map(step_class, self.steps))

    def aliases(self) -> tuple[str, ...]:
        """Return the aliases in order."""
        return tuple(alias_of(step) for step in self.steps)


class BoundChain:
    """A chain of a pipeline at hand."""

    def __init__(self, pipeline: Pipeline, chain: Chain) -> None:
        self._pipeline = pipeline
        self._chain = chain

    def __call__(self, model: Any, *others: Any) -> Any:
        """Run the steps on a model; the last step's result is returned."""
        for alias in self._chain.aliases():
            model = getattr(self._pipeline, alias).run(model, *others)
        return model

    def __iter__(self) -> Iterator[Step]:
        return (getattr(self._pipeline, alias) for alias in self._chain.aliases())


def alias_of(step: type[Step] | str) -> str:
    """Return the name of a step in a pipeline."""
    return step if isinstance(step, str) else str(step.class_alias or step.__name__)


def step_class(step: type[Step] | str) -> type[Step]:
    """Return the class of a chain's entry; a stand-in for one that this release does not have."""
    if not isinstance(step, str):
        return step
    from jwst_cal import registry

    row = registry.by_alias[step]
    if not row.exists:
        return absent_step(row.alias, row.class_name)
    return registry.load(step)


class AbsentStep(Step):
    """A step of the reference release that this release does not have: it can only be skipped."""

    skip: bool = param(True, "Skip this step; this release cannot run it")

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "skip" and not self.skip:
            self.__dict__["skip"] = True
            raise ParameterError(
                f"step '{self.name}' is not part of this release of jwst_cal: it can only be "
                "skipped"
            )


def absent_step(alias: str, class_name: str) -> type[Step]:
    """Make the stand-in for a step that this release does not have."""
    return type(class_name, (AbsentStep,), {"class_alias": alias, "__doc__": AbsentStep.__doc__})


def _sections(steps: Any, pipeline: str) -> dict[str, Mapping[str, Any]]:
    """Check that parameters are given by step."""
    steps = {} if steps is None else steps
    if not isinstance(steps, Mapping) or not all(isinstance(v, Mapping) for v in steps.values()):
        raise ParameterError(f"steps of {pipeline}: {steps!r} where parameters by step are needed, "
                             "{'jump': {'rejection_threshold': 5}} for instance")
    return dict(steps)


class Pipeline(Step):
    """
    Steps that belong together, with the code that connects them.

    Parameters
    ----------
    name, parent, config_file
        As for :class:`Step`.
    steps : mapping, optional
        Parameters by step: ``{"jump": {"rejection_threshold": 5}}``.
    **parameters
        Parameters of the pipeline itself.
    """

    memory_limit: str | None = param(
        None, "Memory that the run may use, as 1GB; large arrays lie in files then")

    #: Steps by name; made from the chains where a class does not say it.
    step_defs: ClassVar[Mapping[str, type[Step]]] = {}

    @classmethod
    def _universal(cls) -> Mapping[str, Parameter]:
        return {**super()._universal(), "memory_limit": Pipeline._parameters["memory_limit"]}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step_defs" not in cls.__dict__:
            found: dict[str, type[Step]] = dict(cls.step_defs)
            for value in cls.__dict__.values():
                if isinstance(value, Chain):
                    found.update({alias_of(step): step_class(step) for step in value.steps})
            cls.step_defs = found

    def __init__(
        self,
        name: str | None = None,
        parent: Step | None = None,
        config_file: str | os.PathLike[str] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(name, parent, config_file, **parameters)
        given = _sections(steps, self.name)
        for key in given:
            if key not in self.step_defs:
                raise ParameterError(f"{self.name} has no step '{key}'"
                                     f"{nearest(key, self.step_defs)}")
        for key, found in self.step_defs.items():
            options = {k: v for k, v in given.get(key, {}).items() if k not in ("class", "name")}
            setattr(self, key, found(name=key, parent=self, config_file=config_file, **options))

    @property
    def steps(self) -> dict[str, Step]:
        """The steps by name, as declared."""
        return {key: getattr(self, key) for key in self.step_defs}

    def run_light(self, *args: Any) -> Any:
        """
        Run the pipeline for the framework itself, within its memory limit if it has one.

        Parameters
        ----------
        *args
            Input, as for :meth:`Step.run`.

        Returns
        -------
        object
            The result.

        Raises
        ------
        ParameterError
            If the memory limit is no amount of memory.
        """
        from jwst_cal.kernels import memory

        try:
            given = None if self.memory_limit is None else memory.parse(self.memory_limit)
        except ValueError as error:
            raise ParameterError(f"Parameter 'memory_limit' of {self.name}: {error}") from None
        try:
            within = memory.limited(memory.limit() if given is None else given)
        except ValueError as error:
            raise ParameterError(str(error)) from None
        memory.forget(unless=self.class_alias)
        with within:
            return super().run_light(*args)

    def check_memory(self, exposure: Any) -> None:
        """
        Check that the memory limit, if there is one, suffices for an exposure.

        Parameters
        ----------
        exposure : data model
            An open exposure; the last two axes of its shape are those of the image.

        Raises
        ------
        ParameterError
            If the limit is too small, or no amount of memory.
        """
        from jwst_cal.kernels import memory

        try:
            memory.require(exposure.shape)
        except ValueError as error:
            raise ParameterError(f"{exposure.meta.filename}: {error}") from None

    def get_pars(self, full_spec: bool = True) -> dict[str, Any]:
        """Return the parameters of the pipeline and, under ``steps``, of its steps."""
        values = super().get_pars(full_spec)
        if values.get("memory_limit") is None:  # the official package does not know it
            values.pop("memory_limit", None)
        values["steps"] = {key: step.get_pars(full_spec) for key, step in self.steps.items()}
        return values

    def _telling_pars(self) -> dict[str, Any]:
        """The parameters of the pipeline and of its steps, without the usual ones."""
        values = {**super()._telling_pars()}
        values["steps"] = {key: step._telling_pars() for key, step in self.steps.items()}
        return values

    def update_pars(self, parameters: Mapping[str, Any]) -> None:
        """Set the known parameters of the pipeline and of its steps."""
        super().update_pars(parameters)
        for key, values in (parameters.get("steps") or {}).items():
            if key in self.step_defs:
                getattr(self, key).update_pars(values)

    def get_ref_override(self, reftype: str) -> Any:
        """Return the override of the first step that has one."""
        for step in self.steps.values():
            override = step.get_ref_override(reftype)
            if override is not None:
                return override
        return None

    def wanted_references(self) -> dict[str, Step]:
        """Return the reference types of the steps that will run, each with its first step."""
        wanted: dict[str, Step] = {}
        for step in self.steps.values():
            if isinstance(step, Pipeline):
                if not step.skip and step.prefetch_references:
                    wanted = {**step.wanted_references(), **wanted}
            elif not step.skip and step.prefetch_references:
                for reftype in step.wanted_types():
                    wanted.setdefault(reftype, step)
        return dict(sorted(wanted.items()))

    def prefetch(self, *args: Any) -> None:
        """
        Find all references of the steps that will run, before anything is computed.

        Parameters
        ----------
        *args
            Input; the first decides the choice.

        Raises
        ------
        ReferenceFileError
            If an override or a reference cannot be read; all of them are listed.
        """
        wanted = self.wanted_references()
        if not wanted or not args:
            return
        self._check_file(args[0])
        problems = []
        plain = []
        for reftype in wanted:
            override = self.get_ref_override(reftype)
            if override is None:
                plain.append(reftype)
                continue
            log.info("Override for %s reference file is '%s'.", reftype.upper(), override)
        for step in self.steps.values():
            for reftype in step.wanted_types() if not step.skip else ():
                try:
                    step.check_override(reftype)
                except ReferenceFileError as error:
                    problems.append(str(error))
        if plain and not problems:
            problems += self._look_up(args[0], plain)
        if problems:
            raise ReferenceFileError("; ".join(dict.fromkeys(problems)))

    def _check_file(self, dataset: Any) -> None:
        """Refuse an input file that cannot be opened before its references are looked for."""
        from jwst_cal.models import _files, association_file

        if not isinstance(dataset, str | os.PathLike):
            return
        path = os.fspath(self.make_input_path(dataset))
        if association_file.is_file_name(path):
            association = association_file.read(path)
            association_file.check_members(association, os.path.dirname(path), path)
        else:
            _files.check_exposure(path)

    def _look_up(self, dataset: Any, reftypes: list[str]) -> list[str]:
        from jwst_cal.framework import reference_store

        header = reference_store.header_of(self.make_input_path(dataset))
        if header is None:
            log.info("First argument %s does not appear to be a model", dataset)
            return []
        log.info("Prefetching reference files for dataset: %r reftypes = %s",
                 header.get("meta.filename"), reftypes)
        problems, failures = [], []
        for reftype in reftypes:
            try:
                path = reference_store.find(header, reftype)
            except reference_store.LookupFailure as failure:
                failures.append(failure)
            except ReferenceFileError as error:
                problems.append(str(error))
            else:
                log.info("Prefetch for %s reference file is '%s'.", reftype.upper(), path)
        return problems + ([reference_store.summary(failures)] if failures else [])
