"""Hooks: what runs before and after a step's ``process``.

``pre_hooks`` and ``post_hooks`` are lists, run in order. An element is a function, a Step class or
instance, the dotted path of one of these, a class path with arguments (``pkg.mod.MyStep(par=3)``),
or a shell command in which ``{0}`` stands for the first argument. A hook gets the result of the
one before it; when it returns ``None`` the data stay as they are.
"""

from __future__ import annotations

import ast
import importlib
import logging
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from jwst_cal import registry
from jwst_cal.errors import CommandError, ParameterError
from jwst_cal.framework.configuration import beside
from jwst_cal.framework.parameters import nearest

if TYPE_CHECKING:
    from jwst_cal.framework.step import Step

__all__ = ["Hook", "after", "before", "check", "make"]

log = logging.getLogger(__name__)

#: Hooks being run, outermost first: a step that is its own hook is found by it.
_running: ContextVar[tuple[str, ...]] = ContextVar("running", default=())

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
_CALL = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\s*\((.*)\)$", re.DOTALL)


_PROGRAM = re.compile(r"[\w./+-]+$")


class Hook(NamedTuple):
    """One hook, ready to run."""

    name: str
    call: Callable[..., Any]


def check(step: Step) -> None:
    """
    Look for the hooks of a step and of its sub-steps, before anything is computed.

    Parameters
    ----------
    step : Step
        The step; it and sub-steps that are skipped are looked at, too: their hooks run.

    Raises
    ------
    ParameterError
        If one does not exist.
    """
    for one in step._family():
        for when in ("pre", "post"):
            for number, given in enumerate(getattr(one, f"{when}_hooks")):
                hook = make(one, when, number, given)
                if isinstance(hook.call, _Command):
                    hook.call.check(f"{when}_hooks of {one.name}")


def before(step: Step, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """
    Run the pre-hooks of a step.

    Parameters
    ----------
    step : Step
        The step.
    args : tuple
        What its ``run`` was given.

    Returns
    -------
    tuple
        What ``process`` gets: any value that a hook returns replaces all arguments.
    """
    for hook in [make(step, "pre", n, given) for n, given in enumerate(step.pre_hooks)]:
        result = _call(step, "pre", hook, args)
        if result is not None:
            args = (result,)
    return args


def after(step: Step, result: Any) -> Any:
    """
    Run the post-hooks of a step.

    Parameters
    ----------
    step : Step
        The step.
    result : object
        What its ``process`` returned.

    Returns
    -------
    object
        The result, replaced by what a hook returns.
    """
    for hook in [make(step, "post", n, given) for n, given in enumerate(step.post_hooks)]:
        changed = _call(step, "post", hook, (result,))
        if changed is not None:
            result = changed
    return result


def _call(step: Step, when: str, hook: Hook, args: tuple[Any, ...]) -> Any:
    key = f"{hook.name} as {when}_hook of {step.name}"
    outer = _running.get()
    if key in outer:
        chain = " -> ".join([*outer[outer.index(key) :], key])
        raise ParameterError(f"circular hooks: {chain}")
    log.info("Running %s-hook %s of %s", when, hook.name, step.name)
    token = _running.set((*outer, key))
    try:
        return hook.call(*args)
    finally:
        _running.reset(token)


def make(step: Step, when: str, number: int, given: Any) -> Hook:
    """
    Turn an element of a hook list into something that runs.

    Parameters
    ----------
    step : Step
        The step it belongs to.
    when : {'pre', 'post'}
        Which list.
    number : int
        Position in the list.
    given : function, Step class or instance, or str
        The element.

    Returns
    -------
    Hook
        The hook.

    Raises
    ------
    ParameterError
        If the text names a module that lacks the attribute, something that is neither a
        function nor a Step, or arguments that are no literals.
    """
    name = f"{when}_hook{number}"
    where = f"{when}_hooks of {step.name}"
    if not isinstance(given, str):
        return _of_object(step, name, given, where)
    text = given.strip()
    call = _CALL.match(text)
    if call is not None:
        found = _import(call[1], where, step)
        if found is not None:
            made = _instance(step, found, call, where)
            return Hook(made.name, made.run)
    elif _PATH.match(text):
        found = _import(text, where, step)
        if found is not None:
            return _of_object(step, name, found, where)
    return Hook(text, _Command(step, name, text))


def _is_step(thing: Any) -> bool:
    from jwst_cal.framework.step import Step

    return isinstance(thing, type) and issubclass(thing, Step)


def _of_object(step: Step, name: str, found: Any, where: str) -> Hook:
    from jwst_cal.framework.step import Step

    if _is_step(found):
        made = found(found.class_alias or name, parent=step, output_ext=step.output_ext)
        return Hook(made.name, made.run)
    if isinstance(found, Step):
        found.name = found.class_alias or name
        return Hook(found.name, found.run)
    if callable(found) and not isinstance(found, type):
        return Hook(getattr(found, "__name__", name), found)
    raise ParameterError(f"{where}: {found!r} is no function, no Step and no command")


def _instance(step: Step, found: Any, call: re.Match[str], where: str) -> Any:
    if not _is_step(found):
        raise ParameterError(f"{where}: {call[1]} takes no arguments: it is no Step class")
    try:
        tree = ast.parse(f"f({call[2]})", mode="eval").body
        assert isinstance(tree, ast.Call)
        if tree.args or any(keyword.arg is None for keyword in tree.keywords):
            raise ValueError("only name=value is understood")
        options = {str(entry.arg): ast.literal_eval(entry.value) for entry in tree.keywords}
    except (ValueError, SyntaxError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise ParameterError(
            f"{where}: cannot read the arguments of '{call[0]}': {reason}"
        ) from None
    return found(**({"output_ext": step.output_ext} | options))


def _import(path: str, where: str, step: Step) -> Any:
    """Import what a dotted path names; None if its module does not exist."""
    module_name, _, attribute = registry.resolve(path).rpartition(".")
    try:
        with beside(step.config_file):
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name == missing or module_name.startswith(missing + "."):
            return None
        raise ParameterError(f"{where}: '{path}' cannot be imported: {error}") from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        hint = nearest(attribute, dir(module))
        raise ParameterError(f"{where}: '{module_name}' has no '{attribute}'{hint}") from None


class _Command:
    """A shell command; models are written to files first, output goes to the log."""

    def __init__(self, step: Step, name: str, text: str) -> None:
        self.step, self.name, self.text = step, name, text

    def check(self, where: str) -> None:
        """Raise ParameterError when its first word is the name of no program."""
        word = self.text.partition(" ")[0]
        if not _PROGRAM.match(word):
            return  # something that only the shell can judge
        known = subprocess.run(["/bin/sh", "-c", 'command -v "$0"', word], check=False,
                               capture_output=True)
        if known.returncode:
            raise ParameterError(f"{where}: '{word}' is no function, no Step and no command")

    def __call__(self, *args: Any) -> None:
        wanted = enumerate(args if "{" in self.text else ())  # else no file need be written
        fields = [self._field(number, value) for number, value in wanted]
        try:
            command = self.text.format(*fields)
        except (IndexError, KeyError, ValueError) as error:
            raise ParameterError(
                f"hook of {self.step.name}: cannot fill in '{self.text}': {error!r}"
            ) from None
        if not command.strip():
            raise ParameterError(f"hook of {self.step.name}: the command is empty")
        log.info("Running the command %r", command)
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        for stream, text in (("stdout", done.stdout), ("stderr", done.stderr)):
            if text.strip():
                log.info("%s of %r: %s", stream, command, text.strip())
        if done.returncode:
            reason = " (no such command, function or Step)" if done.returncode == 127 else ""
            raise CommandError(f"{command!r} returned error code {done.returncode}{reason}; it is "
                               f"a hook of {self.step.name}")

    def _field(self, number: int, value: Any) -> str:
        if isinstance(value, str | os.PathLike):
            return os.fspath(value)
        if not hasattr(value, "save"):
            return str(value)
        ext = (self.step.output_ext or ".fits").removeprefix(".")
        path = f"{self.step.qualified_name}.{self.name}.{number:04d}.{ext}"
        value.save(path)
        return shlex.quote(path)
