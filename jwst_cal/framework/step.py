"""The step: parameters, references, a `process`, and everything around running it.

A step of this package declares ``process(self, model, *others, refs)``. It owns ``model`` and may
change it; the framework opens files, copies what the caller holds, finds the references, records
the status and saves. A step whose ``process`` has no ``refs`` is one of the older style: it gets
what ``run`` was given and does all that itself, with ``prepare_output``, ``get_reference_file``...
"""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from jwst_cal import clock
from jwst_cal.errors import ParameterError, ReferenceFileError, SkipStep
from jwst_cal.framework import logs, products
from jwst_cal.framework.parameters import Parameter, Parameterised, nearest, param
from jwst_cal.framework.references import Reference, References

__all__ = ["Step"]

log = logging.getLogger(__name__)


class Override:
    """The attribute ``override_<type>``: a path, an open data model, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.__dict__.get(self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if not (value is None or isinstance(value, str) or hasattr(value, "meta")):
            raise ParameterError(
                f"Parameter '{self.name}' of {instance.name}: {value!r} is not a file name, an "
                "open data model or None"
            )
        instance.__dict__[self.name] = value


class Step(Parameterised):
    """
    One correction, or any other operation on a product.

    Parameters
    ----------
    name : str, optional
        Name in messages and file names; the class name by default.
    parent : Step, optional
        The pipeline that it belongs to.
    config_file : str or path, optional
        Parameter file that its values came from; relative names in it start there.
    **parameters
        Values of declared parameters and ``override_<type>``.

    Raises
    ------
    ParameterError
        If a parameter is unknown or its value is not allowed.
    """

    pre_hooks: list[Any] = param([], "Functions, steps or commands to run before this step")
    post_hooks: list[Any] = param([], "Functions, steps or commands to run after this step")
    output_file: str | None = param(None, "File to save the result in", path="output")
    output_dir: str | None = param(None, "Directory of the output files")
    output_ext: str | None = param(".fits", "Extension of the output files: .fits or .asdf")
    output_use_model: bool = param(False, "Name the output after the model that is saved")
    output_use_index: bool = param(True, "Number the outputs when there are several")
    save_results: bool = param(False, "Save the result of this step")
    skip: bool = param(False, "Skip this step")
    suffix: str | None = param(None, "Suffix of the output file")
    search_output_file: bool = param(True, "Take output_file from the pipeline if not set here")
    input_dir: str | None = param(None, "Directory of the input files")

    #: Nickname: the name in ``strun`` and in ``meta.cal_step``.
    class_alias: ClassVar[str | None] = None
    #: Attribute of ``meta.cal_step``, where it differs from the alias.
    cal_step: ClassVar[str | None] = None
    #: Reference types and how they are opened.
    references: ClassVar[dict[str, Reference]] = {}
    #: Reference types of a step of the older style.
    reference_file_types: ClassVar[Sequence[str]] = ()
    #: Whether a pipeline looks up the references of this step before it starts.
    prefetch_references: ClassVar[bool] = True
    #: Names of the products, for a step that returns several.
    produces: ClassVar[tuple[str, ...]] = ()
    #: Data model classes that ``process`` takes, containers included; empty for any.
    takes: ClassVar[tuple[str, ...]] = ()

    #: Whether ``process`` works on light models (:mod:`jwst_cal.models.light`) as well. A class
    #: with a ``process`` of its own says so itself.
    takes_light: ClassVar[bool] = False

    #: Parameters without effect, kept because old parameter files name them.
    accepted: ClassVar[tuple[str, ...]] = ()

    _native: ClassVar[bool] = False
    _declared_process: ClassVar[Any] = None

    #: Declarations in the historical language, for steps of the older style.
    spec: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        if cls.__dict__.get("spec"):
            from jwst_cal.framework import legacy

            for name, parameter in legacy.parse_spec(cls.spec, cls.__name__).items():
                if not name.startswith("override_"):
                    setattr(cls, name, parameter)
        super().__init_subclass__(**options)
        if "references" in cls.__dict__:
            cls.reference_file_types = tuple(cls.references)
        for reftype in cls.reference_file_types:
            attribute = f"override_{reftype}"
            if not hasattr(cls, attribute):
                override = Override()
                override.__set_name__(cls, attribute)
                setattr(cls, attribute, override)
        if "process" in cls.__dict__:
            cls._native = "refs" in inspect.signature(cls.process).parameters
            cls._declared_process = cls.process
            if "takes_light" not in cls.__dict__:
                cls.takes_light = False

    def __init__(
        self,
        name: str | None = None,
        parent: Step | None = None,
        config_file: str | os.PathLike[str] | None = None,
        **parameters: Any,
    ) -> None:
        self.name = name or type(self).__name__
        self.parent = parent
        self.config_file = None if config_file is None else os.fspath(config_file)
        self._running = False
        self._primary_input: str | None = None
        self._input_folder: str | None = None
        self._references_used: list[tuple[str, str]] = []
        self._log_records: list[str] = []
        self._status_set: list[Any] = []
        self._reference_paths: dict[str, str] = {}
        self._reason: str | None = None
        self._outcome = "COMPLETE"
        self._history: list[dict[str, Any]] = []
        self.set_parameters(parameters)

    # parameters ---------------------------------------------------------------------------------

    @classmethod
    def _universal(cls) -> Mapping[str, Parameter]:
        return Step._parameters

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """
        Set parameters and overrides by name; unknown names are refused.

        Parameters
        ----------
        values : mapping
            Values by name.

        Raises
        ------
        ParameterError
            If a name is unknown or a value not allowed.
        """
        overrides = [f"override_{reftype}" for reftype in self.reference_file_types]
        known = {*self._parameters, *overrides}
        for name, value in values.items():
            if name not in known:
                raise ParameterError(
                    f"{self.name} has no parameter '{name}'{nearest(name, sorted(known))}"
                )
            setattr(self, name, value)

    def get_pars(self, full_spec: bool = True) -> dict[str, Any]:
        """
        Return the effective parameters.

        Parameters
        ----------
        full_spec : bool
            Include those that every step has.

        Returns
        -------
        dict
            Values by name; overrides are not among them.
        """
        return {name: getattr(self, name) for name in self.parameters(own=not full_spec)}

    def update_pars(self, parameters: Mapping[str, Any]) -> None:
        """Set the known ones of the given parameters; others are ignored."""
        for name, value in parameters.items():
            if name in self._parameters:
                setattr(self, name, value)

    @contextmanager
    def preserve_step_pars(self, step: Step | None = None) -> Iterator[None]:
        """Restore all parameters of a step (this one by default) at the end of the block."""
        step = self if step is None else step
        kept = step.get_pars()
        try:
            yield
        finally:
            step.update_pars(kept)

    def options_for(self, function: Any) -> dict[str, Any]:
        """
        Return the parameters that a function takes as keyword-only arguments.

        Parameters
        ----------
        function : callable
            For instance an algorithm behind the step.

        Returns
        -------
        dict
            Values by name, to be passed with ``**``.
        """
        wanted = (p.name for p in inspect.signature(function).parameters.values()
                  if p.kind is p.KEYWORD_ONLY)
        return {name: getattr(self, name) for name in wanted if name in self._parameters}

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name[0] == "_" or name in self.__dict__ or hasattr(type(self), name)):
            close = nearest(name, self._parameters)
            if close and name not in _PLAIN:
                log.warning("%s has no parameter '%s'%s The attribute has no effect",
                            self.name, name, close)
        object.__setattr__(self, name, value)

    # names --------------------------------------------------------------------------------------

    @property
    def qualified_name(self) -> str:
        """Name with those of the parents: ``stpipe.Detector1Pipeline.jump``."""
        above = "stpipe" if self.parent is None else self.parent.qualified_name
        return f"{above}.{self.name}"

    @property
    def log(self) -> logging.Logger:
        """Logger of this step, for steps of the older style."""
        return logging.getLogger(self.qualified_name)

    @property
    def log_records(self) -> list[str]:
        """Formatted log lines of the last run."""
        return self._log_records

    @property
    def primary_input(self) -> str | None:
        """File name of the primary input; products are named after it."""
        return self._primary_input

    def default_suffix(self) -> str:
        """Return the suffix of the output file when none is set."""
        return self.name.lower()

    def default_output_file(self, input_file: str | None = None) -> str:
        """Return the name that outputs are made from: the given one, or that of the input."""
        if isinstance(input_file, str):
            return input_file
        known = self.search_attr("primary_input")
        return str(known or f"step_{self.name}{self.output_ext or '.fits'}")

    @staticmethod
    def remove_suffix(name: str) -> tuple[str, str]:
        """Take a known suffix off a name; return what is left and the separator."""
        return products.remove_suffix(name)

    def search_attr(self, attribute: str, default: Any = None, parent_first: bool = False) -> Any:
        """
        Find the first value that is not None, going up the parents.

        Parameters
        ----------
        attribute : str
            Name of an attribute.
        default : object
            Result when there is none.
        parent_first : bool
            Begin with the outermost parent.

        Returns
        -------
        object
            The value.
        """
        chain: list[Step] = []
        step: Step | None = self
        while step is not None:
            chain.append(step)
            step = step.parent
        for step in reversed(chain) if parent_first else chain:
            value = getattr(step, attribute, None)
            if value is not None:
                return value
        return default

    def make_output_path(
        self,
        basepath: str | os.PathLike[str] | None = None,
        ext: str | None = None,
        suffix: products.Suffix = None,
        **components: Any,
    ) -> str:
        """
        Name an output file.

        Parameters
        ----------
        basepath : str or path, optional
            Name that the output is made from; the input's by default.
        ext : str, optional
            Extension, ``output_ext`` by default.
        suffix : str, False or None
            Suffix; ``False`` for none, ``None`` for the step's.
        **components
            Parts inserted before the suffix.

        Returns
        -------
        str
            The path.
        """
        return products.output_path(
            products.names_of(self), basepath, suffix=suffix, ext=ext, **components
        )

    # input --------------------------------------------------------------------------------------

    @property
    def _inside(self) -> bool:
        """Whether this runs as part of a running pipeline."""
        return self.parent is not None and (self.parent._running or self.parent._inside)

    def make_input_path(self, name: Any) -> Any:
        """Put ``input_dir`` before a bare file name; anything else is returned as it is."""
        if not isinstance(name, str | os.PathLike):
            return name
        path = os.path.expandvars(os.path.expanduser(os.fspath(name)))
        folder = self.search_attr("input_dir") or self.search_attr("_input_folder")
        if folder and not os.path.dirname(path):
            inside = os.path.join(folder, path)
            if os.path.exists(inside) or not os.path.exists(path):
                return inside
        return path

    def set_primary_input(self, thing: Any, exclusive: bool = True) -> None:
        """Remember the file that products are named after, unless a parent has one."""
        if exclusive and self.parent is not None and self.parent.search_attr("primary_input"):
            return
        name = _file_name(thing)
        if name:
            self._primary_input = name
            folder = os.path.dirname(name)
            self._input_folder = folder or None

    def open_model(self, init: Any, **options: Any) -> Any:
        """Open a file as a data model, with ``input_dir`` before a bare name."""
        from jwst_cal import models

        return models.open(self.make_input_path(init), **options)

    def prepare_output(
        self,
        init: Any,
        make_copy: bool | None = None,
        open_models: bool = True,
        open_as_type: Any = None,
        open_as_ramp: bool = False,
        **options: Any,
    ) -> Any:
        """
        Open the input, or copy it when the caller holds it.

        Parameters
        ----------
        init : str, path, data model, list, container or library
            The input.
        make_copy : bool, optional
            Copy or not. By default an open model or container is copied, unless this step runs
            inside a pipeline, which already did; a library never is.
        open_models : bool
            Open file names.
        open_as_type : type, optional
            Data model class to open with.
        open_as_ramp : bool
            Make a raw exposure a ramp. It is made one in any case.
        **options
            Handed to the opening function.

        Returns
        -------
        data model, container or library
            The input, to be changed at will.
        """
        from jwst_cal import models
        from jwst_cal.models import _files

        ours = False
        result = init
        if isinstance(init, str | os.PathLike):
            if not open_models:
                return init
            path = self.make_input_path(init)
            if open_as_type is not None:
                result, ours = open_as_type(path, **options), True
            elif os.fspath(path).lower().endswith(".json"):
                result, ours = models.ModelContainer(path, **options), True
            else:
                result, ours = models.open_exposure(path, light=self._works_light), True
        elif (isinstance(init, list | tuple) and init and open_models) or (
                isinstance(init, Mapping) and "products" in init):
            result = models.ModelContainer(list(init) if isinstance(init, list | tuple) else init)
        elif open_as_type is not None and type(init) is not open_as_type:
            result = open_as_type(init, **options)
        self._check_kind(result)
        if make_copy is None:
            make_copy = not ours and not self._inside and _is_copied(result)
        if make_copy:
            if not hasattr(result, "copy"):
                raise TypeError(f"{type(result).__name__}: input of this type cannot be copied")
            result = result.copy()
        if _files.is_model(result):
            if not self._inside:
                _files.note_groups(result)
            result = _files.as_ramp(result)
        if not self._native:
            self._check_input(result, init)
        return result

    def _check_kind(self, result: Any) -> None:
        """Refuse what is no model and holds none."""
        if not hasattr(result, "map_function") and not any(True for _ in _members(result)):
            from jwst_cal.errors import InputError

            given = f"an empty {type(result).__name__}" if isinstance(
                result, Sequence) and not len(result) else f"of type {type(result).__name__}"
            raise InputError(f"{self.name} takes a file name, an open data model, a container or "
                             f"an association; the input is {given}")

    # references ---------------------------------------------------------------------------------

    def wanted_types(self) -> tuple[str, ...]:
        """Return the reference types that a run with the present parameters needs."""
        return tuple(self.reference_file_types)

    def get_ref_override(self, reftype: str) -> Any:
        """Return the override of a reference type: absolute path, open model, '' or None."""
        value = getattr(self, f"override_{reftype}", None)
        if isinstance(value, str) and value not in ("", "N/A"):
            return os.path.abspath(os.path.expanduser(value))
        return value

    def get_reference_file(self, model: Any, reftype: str) -> Any:
        """
        Find a reference file: the override, else the one that CRDS selects.

        Parameters
        ----------
        model : data model, str or path
            The exposure.
        reftype : str
            Reference type.

        Returns
        -------
        str or data model
            Path of the file, ``'N/A'``, or the open model given as override.

        Raises
        ------
        ReferenceFileError
            If the override does not exist or the selection fails.
        """
        override = self.get_ref_override(reftype)
        if override is None:
            from jwst_cal.framework import reference_store

            found = reference_store.find(model, reftype)
            name = "N/A" if found == "N/A" else f"crds://{os.path.basename(found)}"
            self.record_reference(reftype, name, found)
            return found
        if not isinstance(override, str):
            self.record_reference(reftype, f"override://{type(override).__name__}")
            return override
        if override:
            self.check_override(reftype)
            self.record_reference(reftype, override, override)
        return override

    def record_reference(self, reftype: str, name: str, path: str | None = None) -> None:
        """
        Note a reference that this run uses, for the product.

        Parameters
        ----------
        reftype : str
            Reference type.
        name : str
            What is recorded.
        path : str, optional
            The file, where it is one.
        """
        self._references_used.append((reftype, name))
        if path is not None:
            self._reference_paths[name] = path

    def check_override(self, reftype: str) -> None:
        """Raise ReferenceFileError when the override of a type names no readable file."""
        override = self.get_ref_override(reftype)
        if not isinstance(override, str) or override in ("", "N/A"):
            return
        if not os.path.isfile(override):
            problem = "is a directory" if os.path.isdir(override) else "no such file"
            raise ReferenceFileError(f"{override}: {problem} (override_{reftype} of {self.name})")
        if not os.access(override, os.R_OK):
            raise ReferenceFileError(
                f"{override}: cannot be read (override_{reftype} of {self.name})"
            )

    # status -------------------------------------------------------------------------------------

    @property
    def _status_name(self) -> str | None:
        return self.cal_step or self.class_alias

    def record_step_status(self, model: Any, step: str | None = None, success: bool = True,
                           status: str | None = None) -> None:
        """
        Write a step's status into ``meta.cal_step``.

        Parameters
        ----------
        model : data model, container or library
            Where to write; each member of a container.
        step : str, optional
            Attribute of ``meta.cal_step``; that of this step by default.
        success : bool
            COMPLETE or SKIPPED.
        status : str, optional
            Any other status, FAILED for instance.
        """
        name = step or self._status_name
        if name is None:
            return
        text = status or ("COMPLETE" if success else "SKIPPED")
        noted = step is None or step == self._status_name
        if hasattr(model, "later"):
            model.later(lambda member: setattr(member.meta.cal_step, name, text))
            if noted:
                self.statuses_set(model)  # of models on disk none is kept
            return
        for member in _members(model):
            setattr(member.meta.cal_step, name, text)
            if noted:
                self._status_set.append(member)

    def statuses_set(self, models: Any) -> None:
        """Tell that the status of each model of a container or library has been written."""
        self._status_set.append(models)

    def query_step_status(self, model: Any, step: str | None = None) -> str | None:
        """
        Read a step's status; for several models COMPLETE if any, else FAILED if any, else SKIPPED.

        Parameters
        ----------
        model : data model, container or library
            Where to read.
        step : str, optional
            Attribute of ``meta.cal_step``; that of this step by default.

        Returns
        -------
        str or None
            The status, None where it was never set.
        """
        name = step or self._status_name or ""
        found = {getattr(member.meta.cal_step, name, None) for member in _members(model)}
        return next((text for text in ("COMPLETE", "FAILED", "SKIPPED") if text in found), None)

    # running ------------------------------------------------------------------------------------

    def process(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work of the step; every step has its own."""
        raise TypeError(f"{type(self).__name__} has no process()")

    def run(self, *args: Any) -> Any:
        """
        Run the step with its present parameters: hooks, references, process, status, saving.

        Parameters
        ----------
        *args
            Input: a file name, an open model, or what ``process`` takes.

        Returns
        -------
        data model, or what ``process`` returns
            The result. The input that the caller holds is never changed.
        """
        result = self.run_light(*args)
        parent = self.parent
        if parent is not None and parent._running and parent._works_light:
            return result
        return _full(result)

    @property
    def _works_light(self) -> bool:
        """Whether light models may be given to ``process``, which nobody has replaced."""
        cls = type(self)
        return (self.takes_light and cls.process is cls._declared_process
                and "process" not in self.__dict__)

    def run_light(self, *args: Any) -> Any:
        """
        Run the step for the framework itself: models of the result may be light ones.

        Parameters
        ----------
        *args
            As for :meth:`run`.

        Returns
        -------
        object
            The result.
        """
        started = time.perf_counter()
        if self.pre_hooks or self.post_hooks or not (self._works_light or self.skip):
            args = _full(args)
        with self._recording():
            logs.status(self.qualified_name.removeprefix("stpipe.").replace(".", ": "))
            if self.parent is None or not self.skip:
                log.info("Step %s running with args %s.", self.name, args)
            if self.parent is None:
                log.info("Step %s parameters are:%s", self.name, _as_yaml(self._telling_pars()))
                if self.skip:
                    log.info("Step run as standalone, so skip set to False")
                    self.skip = False
            self._check_required()
            if self.parent is None:
                self._check_hooks()
            self._prepare(args)
            try:
                self._running = True
                result = self._with_hooks(args)
            except SkipStep:
                raise
            except Exception as error:
                _annotate(error, self, args)
                raise
            finally:
                self._running = False
            self._remember(clock.elapsed(started))
            self._finish(result)
            if not self.skip:
                if self.save_results:
                    self._save_all(result)
                if self._reason is None:
                    log.info("Step %s done (%.2f s)", self.name, clock.elapsed(started))
            if self.parent is None:
                self._tell_versions()
            self._references_used = []
            self._status_set = []  # else the models live as long as the step
        return result

    def _check_hooks(self) -> None:
        if any(step.pre_hooks or step.post_hooks for step in self._family()):
            from jwst_cal.framework import hooks

            hooks.check(self)

    def _family(self) -> Iterator[Step]:
        """Yield the step and those below it."""
        yield self
        for name in getattr(self, "step_defs", None) or ():
            yield from getattr(self, name)._family()

    def _telling_pars(self) -> dict[str, Any]:
        """The parameters, those that every step has only where they are not the default."""
        usual = Step.parameters()
        return {name: value for name, value in self.get_pars().items()
                if name not in usual or value != usual[name].default}

    def _tell_versions(self) -> None:
        from jwst_cal import __version__, reproduces
        from jwst_cal.framework import reference_store

        context = reference_store.used().context
        if context is not None:
            log.info("Results used CRDS context: %s", context)
        log.info("Results used jwst_cal version: %s (reproduces jwst %s)", __version__, reproduces)

    def _remember(self, seconds: float) -> None:
        """Add this run to the record of the outermost step."""
        from jwst_cal.framework import provenance

        references = [(kind, name, None if name == "N/A" else self._reference_paths.get(name))
                      for kind, name in self._references_used]
        entry = provenance.record(
            self, status=self._outcome, reason=self._reason, seconds=seconds,
            references=references,
        )
        root = self._root
        if root is not self or not getattr(self, "step_defs", None):
            root._history.append(entry)

    @property
    def _root(self) -> Step:
        """The outermost step that is running."""
        step: Step = self
        while step.parent is not None and step._inside:
            step = step.parent
        return step

    def __call__(self, *args: Any) -> Any:
        """Run the step; the same as :meth:`run`."""
        return self.run(*args)

    def run_other(self, alias: str, model: Any, *, recommended: bool = False) -> Any:
        """
        Run another step for this step's own use, inside ``process``.

        It has its coded defaults, or what CRDS recommends, and the reference overrides of the
        pipeline. Its results tell the references used; otherwise nothing is recorded, nor saved.

        Parameters
        ----------
        alias : str
            Which step.
        model : data model
            Its input, of which it gets the arrays themselves and a copy of the metadata: for steps
            that leave the arrays of their input alone.
        recommended : bool
            Take parameters from its parameter reference, where CRDS has one.

        Returns
        -------
        object
            What its ``process`` returns.
        """
        from jwst_cal import registry
        from jwst_cal.framework import building
        from jwst_cal.models import _files

        cls = registry.load(alias)
        merged = building.assemble(cls, model if recommended else None)
        other = building.make(cls, merged, name=alias, parent=self)
        for reftype in other.reference_file_types:
            override = self.search_override(reftype)
            if override is not None:
                setattr(other, f"override_{reftype}", override)
        result = other._processed((_files.shallow_copy(model),))
        other._finish(result)
        return result

    def search_override(self, reftype: str) -> Any:
        """Return the override of a reference type, this step's or else of the pipeline; or None."""
        step: Step | None = self
        while step is not None:
            found = step.get_ref_override(reftype)
            if found is not None:
                return found
            step = step.parent
        return None

    def _check_required(self) -> None:
        for name, parameter in self._parameters.items():
            if parameter.required and self.__dict__.get(name) is None:
                raise ParameterError(f"Parameter '{name}' of {self.name}: missing, "
                                     f"{parameter.allowed} is needed")

    def _prepare(self, args: tuple[Any, ...]) -> None:
        self._references_used = []
        self._status_set = []
        self._reason, self._outcome = None, "COMPLETE"
        self._history = []
        if args:
            self.set_primary_input(args[0])
        if self.output_file is not None:
            self.save_results = True
        if self.output_dir:
            folder = os.path.expandvars(os.path.expanduser(self.output_dir))
            _make_folder(folder)
        if self.suffix is None:
            self.suffix = self.default_suffix()

    def _with_hooks(self, args: tuple[Any, ...]) -> Any:
        if not (self.pre_hooks or self.post_hooks):
            return self._skipped(args) if self.skip else self._processed(args)
        from jwst_cal.framework import hooks

        args = hooks.before(self, args)
        result = self._skipped(args) if self.skip else self._processed(args)
        return hooks.after(self, _full(result))

    def _shape(self, result: Any) -> Any:
        """Give the unchanged input the shape that the step's result has."""
        if self._native and len(self.produces) > 1:
            return (result, *[None] * (len(self.produces) - 1))
        return result

    def _skipped(self, args: tuple[Any, ...]) -> Any:
        log.info("Step %s skipped.", self.name)
        self._reason, self._outcome = "skip = True", "SKIPPED"
        if not args:
            return None
        self.record_step_status(args[0], success=False)
        return self._shape(args[0])

    def _processed(self, args: tuple[Any, ...]) -> Any:
        self._prefetch(args)
        if not self._native:
            return self.process(*args)
        if not args:
            raise TypeError(f"{self.name} needs an input")
        model = self.prepare_output(args[0])
        self._check_input(model, args[0])
        first = next(iter(_members(model)), model) if self.references else model
        with References(self, first) as refs:
            try:
                result = self.process(model, *args[1:], refs=refs)
            except SkipStep as reason:
                log.log(logging.INFO if reason.expected else logging.WARNING,
                        "Step %s %s: %s", self.name, reason.status.lower(), reason)
                self._reason = str(reason) or "no reason given"
                self._outcome = reason.status
                self.record_step_status(model, status=reason.status)
                return self._shape(model)
        for product in result if isinstance(result, list | tuple) else [result]:
            if any(product is done for done in self._status_set):
                continue
            if hasattr(product, "later") and not self._status_set:
                self.record_step_status(product)
                continue
            for member in _members(product):
                if not any(member is done for done in self._status_set):
                    self.record_step_status(member)
        return result

    def _check_input(self, model: Any, given: Any) -> None:
        kind = type(model).__name__
        if self.takes and kind not in self.takes:
            from jwst_cal.errors import InputError

            many = "" if hasattr(model, "meta") else "; give it one exposure at a time"
            raise InputError(f"{_file_name(given) or 'the input'}: {self.name} takes "
                             f"{' or '.join(self.takes)}, this is {kind}{many}")

    def prefetch(self, *args: Any) -> None:
        """Look up all references of the sub-steps; a plain step has none to look up."""

    def _prefetch(self, args: tuple[Any, ...]) -> None:
        if self.prefetch_references and args:
            self.prefetch(*args)

    # result -------------------------------------------------------------------------------------

    def _finish(self, result: Any) -> None:
        """Record versions, references and the log in each model of the result."""
        used, inside = list(self._references_used), self._inside

        def finish(member: Any) -> None:
            self.finalize_result(member, used)
            if not inside:
                # off while steps run (models._files); the user gets the model as usual
                member._validate_on_assignment = True

        for product in result if isinstance(result, list | tuple) else [result]:
            if hasattr(product, "later"):
                product.later(finish)
                continue
            for member in _members(product):
                finish(member)

    def finalize_result(self, model: Any, references: Sequence[tuple[str, str]]) -> None:
        """
        Record versions, references used and log lines in a product.

        Parameters
        ----------
        model : data model
            The product.
        references : sequence of (type, name)
            References used in this run.
        """
        from jwst_cal import __version__

        model.meta.calibration_software_version = __version__
        model.meta.calibration_software_revision = "RELEASE"
        if references:
            from jwst_cal.framework import reference_store

            recorded = model.meta.ref_file
            for reftype, name in references:
                if hasattr(recorded, reftype):
                    getattr(recorded, reftype).name = name
            version, context = reference_store.used()
            if version is not None:
                recorded.crds.sw_version = version
            if context is not None:
                recorded.crds.context_used = context
        if not self._inside:
            self._attach_log(model)

    def _attach_log(self, model: Any) -> None:
        """Put log lines and record so far into the product, under the outermost step's alias."""
        from jwst_cal.framework import provenance

        root = self._root
        alias = root.class_alias or self.class_alias
        if alias:
            if not hasattr(model, "cal_logs"):
                model.cal_logs = {}
            setattr(model.cal_logs, alias, list(root._log_records))
        provenance.attach(model, root, root._history)

    @contextmanager
    def _recording(self) -> Iterator[None]:
        """Collect log lines; the outermost run does it for all."""
        if self._inside:
            assert self.parent is not None
            self._log_records = self.parent._log_records
            yield
            return
        from jwst_cal.framework import reference_store
        from jwst_cal.models import _schemas

        with (reference_store.fresh(), logs.recording() as self._log_records,
              _schemas.parsed_once()):
            yield

    def _save_all(self, result: Any) -> None:
        from jwst_cal.models import _files

        found = list(result) if isinstance(result, list | tuple) else [result]
        for index, product in enumerate(found):
            idx = None if len(found) <= 1 else index
            if _is_model_like(product):
                self.save_model(product, idx=idx)
            elif hasattr(product, "save"):
                path = self.make_output_path(idx=idx)
                log.info("Saving file %s", path)
                product.save(path, overwrite=True)
                _files.note(path)

    def save_model(
        self,
        model: Any,
        suffix: products.Suffix = None,
        idx: int | None = None,
        output_file: str | None = None,
        force: bool = False,
        **components: Any,
    ) -> Any:
        """
        Save a model under the name that the rules give it.

        Parameters
        ----------
        model : data model, container or library
            What to save.
        suffix : str, False or None
            Suffix, the step's by default.
        idx : int, optional
            Number among several results.
        output_file : str, optional
            Base name, this step's ``output_file`` or the input's by default.
        force : bool
            Save even if neither ``save_results`` nor a file name asks for it.
        **components
            Parts of the name before the suffix.

        Returns
        -------
        str, list of str, or None
            The path; for a container one per member; None if nothing was to be saved.
        """
        if model is None or not (force or self.save_results or output_file or self.output_file):
            return None
        if hasattr(model, "map_function"):  # one after the other: they may be on disk
            return [self._save_one(member, suffix, at, output_file, components)
                    for at, member in enumerate(_members(model))]
        members = list(_members(model))
        if len(members) == 1 and members[0] is model:
            return self._save_one(model, suffix, idx, output_file, components)
        indices = products.result_indices(len(members), container=True)
        return [
            self._save_one(member, suffix, at, output_file, components)
            for member, at in zip(members, indices, strict=True)
        ]

    def _save_one(self, model: Any, suffix: products.Suffix, idx: int | None,
                  output_file: str | None, components: Mapping[str, Any]) -> str:
        from jwst_cal import models

        path = products.model_path(
            products.names_of(self), model.meta.filename,
            output_file=output_file, suffix=suffix, idx=idx, **components,
        )
        folder = os.path.dirname(path)
        if folder:
            _make_folder(folder)
        self._attach_log(model)
        models.save(model, path)
        model.meta.filename = os.path.basename(path)
        log.info("Saved model in %s", path)
        return path

    # classes ------------------------------------------------------------------------------------

    @classmethod
    def call(cls, *args: Any, **parameters: Any) -> Any:
        """
        Make a step with parameters from CRDS, a file and keywords, and run it.

        Parameters
        ----------
        *args
            Input, as for :meth:`run`.
        **parameters
            Parameters, those of sub-steps as ``steps={"jump": {...}}``. Also ``config_file``, a
            parameter file; ``logcfg``, a log configuration; ``configure_log=False``, which leaves
            logging alone.

        Returns
        -------
        object
            The result. It is saved only with ``save_results`` or ``output_file``.
        """
        from contextlib import ExitStack

        from jwst_cal.framework import building

        logcfg = parameters.pop("logcfg", None)
        configure = parameters.pop("configure_log", True)
        config_file = parameters.pop("config_file", None)
        local = building.local_layer(config_file)
        if local is not None:
            logcfg = logcfg or building.take_logcfg(local)
        with ExitStack() as stack:
            if configure or logcfg:
                stack.enter_context(logs.applied(logs.choose(logcfg=logcfg)))
            else:
                stack.enter_context(logs.recording())
            step = building.build(cls, args[0] if args else None, local=local, given=parameters)
            return step.run(*args)

    @classmethod
    def from_config_file(cls, path: str | os.PathLike[str], parent: Step | None = None,
                         name: str | None = None) -> Step:
        """
        Make a step from a parameter file; CRDS is not asked.

        Parameters
        ----------
        path : str or path
            An ASDF or ``.cfg`` file.
        parent : Step, optional
            Pipeline that it belongs to.
        name : str, optional
            Name in the place of the file's.

        Returns
        -------
        Step
            An instance of the class that the file names.

        Raises
        ------
        ParameterError
            If the file is missing, for another class, or holds what the class does not know.
        """
        from jwst_cal.framework import building

        local = building.local_layer(path)
        assert local is not None
        building.take_logcfg(local)
        return building.from_layer(cls, local, os.fspath(path), parent=parent, name=name)

    @classmethod
    def from_config_section(cls, section: Mapping[str, Any], parent: Step | None = None,
                            name: str | None = None,
                            config_file: str | os.PathLike[str] | None = None) -> Step:
        """
        Make a step from a mapping of parameters.

        Parameters
        ----------
        section : mapping
            Parameters, with ``class``, ``name`` and, for a pipeline, ``steps``.
        parent, name
            As for :meth:`from_config_file`.
        config_file : str or path, optional
            File that the section came from; relative names start there.

        Returns
        -------
        Step
            The step.
        """
        from jwst_cal.framework import building, configuration

        file = None if config_file is None else os.fspath(config_file)
        folder = None if file is None else os.path.dirname(os.path.abspath(file))
        layer = configuration.Layer(dict(section), "section", folder)
        return building.from_layer(cls, layer, file, parent=parent, name=name)

    @classmethod
    def from_cmdline(cls, arguments: Sequence[str]) -> Any:
        """
        Do what ``strun`` does with these arguments.

        Parameters
        ----------
        arguments : list of str
            Class or parameter file, input, options.

        Returns
        -------
        Step
            The step, after running.
        """
        from jwst_cal.framework import commandline

        return commandline.run(list(arguments))

    @classmethod
    def get_config_from_reference(cls, dataset: Any, disable: bool | None = None,
                                  crds_observatory: str | None = None) -> dict[str, Any]:
        """
        Return the parameters that CRDS has for an exposure.

        Parameters
        ----------
        dataset : str, path, data model or mapping
            The exposure; a mapping holds its metadata.
        disable : bool, optional
            Do not ask; by default the environment decides (``STPIPE_DISABLE_CRDS_STEPPARS``).
        crds_observatory : str, optional
            For compatibility; it is ``jwst``.

        Returns
        -------
        dict
            Parameters with ``class`` and ``name``; empty when there are none.
        """
        from jwst_cal.framework import building

        return building.reference_config(cls, dataset, disable)

    def export_config(self, path: str | os.PathLike[str], include_metadata: bool = False) -> None:
        """
        Write the parameters as a file that ``strun`` and ``call`` read.

        Parameters
        ----------
        path : str or path
            The file; the ending ``.cfg`` asks for that format, any other for ASDF.
        include_metadata : bool
            Add the metadata to fill in before the file goes to CRDS.
        """
        from jwst_cal.framework import building, configuration

        configuration.write(building.config_of(self), path, metadata=include_metadata)

    @classmethod
    def get_config_reftype(cls) -> str:
        """Return the reference type of this class's parameter files."""
        return f"pars-{cls.__name__.lower()}"

    @classmethod
    def print_configspec(cls) -> None:
        """Print the declarations in the historical language."""
        print(cls.configspec())

    @classmethod
    def configspec(cls) -> str:
        """Return the declarations in the historical language, one a line."""
        return "\n".join(f"{name} = {p.configspec} # {p.help}".rstrip(" #")
                         for name, p in cls._parameters.items())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


#: Attributes that are no parameters and may be set freely without a remark.
_PLAIN = frozenset({"name", "parent", "config_file"})


def _make_folder(folder: str) -> None:
    from jwst_cal.errors import OutputError

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the output folder cannot be made: "
                          f"{error.strerror or error}") from error


def _full(thing: Any) -> Any:
    """The same with the data models of ``stdatamodels`` in the place of light ones."""
    from jwst_cal.models import _files

    if isinstance(thing, tuple):
        found = [_files.full(item) for item in thing]
        return type(thing)(*found) if hasattr(thing, "_fields") else tuple(found)
    if isinstance(thing, list):
        return [_files.full(item) for item in thing]
    if hasattr(thing, "make_full"):
        return thing.make_full()
    return _files.full(thing)


def _is_model_like(thing: Any) -> bool:
    from jwst_cal.models import _files

    return _files.is_model(thing) or any(True for _ in _members(thing))


def _is_copied(thing: Any) -> bool:
    """Whether a caller-held input is copied: models and containers are, libraries are not."""
    from jwst_cal.models import _files

    return _files.is_model(thing) or type(thing).__name__ == "ModelContainer"


def _members(thing: Any) -> Iterator[Any]:
    """The models in a result: itself, or the members of a container or library."""
    from jwst_cal.models import _files

    if _files.is_model(thing):
        yield thing
    elif hasattr(thing, "map_function"):
        yield from thing.map_function(lambda model, index: model)
    elif hasattr(thing, "models_grouped") or isinstance(thing, list | tuple):
        for member in thing:
            if _files.is_model(member):
                yield member


def _file_name(thing: Any) -> str | None:
    if isinstance(thing, str | os.PathLike):
        return os.fspath(thing)
    meta = getattr(thing, "meta", None)
    if meta is not None:
        name = getattr(meta, "filename", None)
        return str(name) if name else None
    table = getattr(thing, "asn_table_name", None) or getattr(thing, "asn_file_path", None)
    if table:
        return str(table)
    if isinstance(thing, Sequence) and thing:
        return _file_name(thing[0])
    return None


def _annotate(error: Exception, step: Step, args: tuple[Any, ...]) -> None:
    name = _file_name(args[0]) if args else None
    note = f"in step {step.name}" + (f", input {name}" if name else "")
    if not any(text.startswith("in step ") for text in getattr(error, "__notes__", ())):
        error.add_note(note)


def _as_yaml(values: Mapping[str, Any], indent: str = "  ") -> str:
    """Lay out parameters as indented YAML with Python's True, False and None."""
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            lines.append(f"\n{indent}{name}:{_as_yaml(value, indent + '  ')}")
        else:
            shown = repr(value) if isinstance(value, str) and not value.isidentifier() else value
            lines.append(f"\n{indent}{name}: {shown}")
    return "".join(lines)
