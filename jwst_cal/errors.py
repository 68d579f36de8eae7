"""The exceptions of jwst_cal, and which to raise.

::

    Exception
     ├─ JwstCalError
     │   ├─ ParameterError (ValueError)    a parameter is unknown or has a value it may not have
     │   ├─ UnknownStepError (ValueError)  a name is no step, pipeline or parameter file
     │   ├─ InputError (ValueError)        an input is no file, no exposure, or one of another mode
     │   │   └─ ShutterFileError           the list of NIRSpec's open shutters is missing or wrong
     │   ├─ ReferenceFileError             a reference is missing, unreadable or of the wrong shape
     │   ├─ OutputError                    a product cannot be written
     │   ├─ CommandError (OSError)         a shell command that is a hook failed
     │   ├─ LoggedError                    a log line reached the break_level of the configuration
     │   └─ ExitStatus                     ends strun with a status of its own (64: no science data)
     └─ SkipStep                           not an error: ends a step, SKIPPED or FAILED is recorded

Messages say what was given, what is needed and which file, in one line. ``strun`` prints them
without a traceback. Kernels raise only ``ValueError``, ``TypeError`` and ``MemoryError``.
"""

__all__ = [
    "CommandError",
    "ExitStatus",
    "InputError",
    "JwstCalError",
    "LoggedError",
    "OutputError",
    "ParameterError",
    "ReferenceFileError",
    "ShutterFileError",
    "SkipStep",
    "UnknownStepError",
]


class JwstCalError(Exception):
    """Base of the errors that jwst_cal raises on purpose."""


class ParameterError(JwstCalError, ValueError):
    """A parameter is unknown, or its value is of the wrong type or out of range."""


class UnknownStepError(JwstCalError, ValueError):
    """A name is no step, no pipeline and no parameter file."""


class InputError(JwstCalError, ValueError):
    """An input is missing, unreadable, no JWST exposure, or of a mode the step does not take."""


class ShutterFileError(InputError):
    """The list of the shutters that NIRSpec opened is missing, unreadable or inconsistent."""


class ReferenceFileError(JwstCalError):
    """A reference file is missing, unreadable or of the wrong shape."""


class OutputError(JwstCalError):
    """A product cannot be written."""


class CommandError(JwstCalError, OSError):
    """A shell command that is the hook of a step failed or does not exist."""


class LoggedError(JwstCalError):
    """A log line reached the level at which the log configuration stops the run."""


class ExitStatus(JwstCalError):
    """
    End ``strun`` with a given exit status.

    Parameters
    ----------
    status : int
        Exit status; 64 means that there is no science data.
    message : str
        The reason.
    """

    def __init__(self, status, message):
        super().__init__(message)
        self.status = int(status)


class SkipStep(Exception):
    """
    Raised in ``process`` to end a step without changing its input.

    Parameters
    ----------
    reason : str
        Logged as a warning and recorded in the product.
    expected : bool
        There was nothing to correct: no warning, only a line.
    failed : bool
        The step was tried: FAILED is recorded, not SKIPPED.
    """

    def __init__(self, reason="", *, expected=False, failed=False):
        super().__init__(reason)
        self.expected = expected
        self.status = "FAILED" if failed else "SKIPPED"
