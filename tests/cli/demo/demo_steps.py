"""Small steps and a pipeline for the tests of strun and of file names."""

import logging

from jwst_cal.errors import ExitStatus
from jwst_cal.framework import Chain, Pipeline, Reference, Step, param

log = logging.getLogger(__name__)


class NoRefStep(Step):
    """
    Give back what came in.

    Notes
    -----
    Not shown in the help.
    """

    par: int = param(4, "A number from 0 to 10", ge=0, le=10)
    gain: float | None = param(None, "A factor")
    method: str = param("mean", "How", choices=("mean", "median"))
    names: list[str] = param([], "Some names")
    infile: str | None = param(None, "A file", path="input")

    def process(self, model, *, refs):
        log.info("par is %s, gain is %s", self.par, self.gain)
        return model


class MultiStep(Step):
    """Return several models."""

    count: int = param(3, "How many")
    kind: str = param("list", "In what", choices=("list", "tuple", "container", "none", "number"))

    def process(self, model):
        from jwst_cal import models

        if self.kind in ("none", "number"):
            return None if self.kind == "none" else 5
        opened = self.prepare_output(model)
        found = [opened.copy() for _ in range(self.count)]
        for number, copy in enumerate(found):
            copy.meta.filename = f"{'abcdefghijkl'[number] * 2}_cal.fits"
        if self.kind == "container":
            return models.ModelContainer(found)
        return tuple(found) if self.kind == "tuple" else found


class OneStep(Step):
    """The first of two."""

    class_alias = "one"
    references = {"dark": Reference("DarkModel", required=False)}
    gain: float = param(1.0, "A factor", ge=0)

    def process(self, model, *, refs):
        log.info("one has gain %s", self.gain)
        return model


class TwoStep(OneStep):
    """The second of two."""

    class_alias = "two"
    references = {}


class DemoPipeline(Pipeline):
    """Two steps; the code sets the suffix."""

    class_alias = "demo"
    prefetch_references = False
    chain = Chain(OneStep, TwoStep)

    def process(self, model):
        model = self.chain(self.prepare_output(model))
        self.suffix = "cal"
        return model


class FailStep(Step):
    """End in many ways."""

    how: str = param("zero", "How to fail")

    def process(self, model):
        if self.how.isdigit():
            raise ExitStatus(int(self.how), "no data on detector")
        if self.how == "exit":
            raise SystemExit(-1)
        if self.how == "interrupt":
            raise KeyboardInterrupt
        if self.how == "disk":
            raise OSError(28, "No space left on device", "X_fail.fits")
        return 1 / 0


class SpecStep(Step):
    """A step of the older style."""

    spec = """
    threshold = float(min=0, default=3.0)  # Threshold, in sigma
    """
    reference_file_types = ("gain",)

    def process(self, input):
        self.anything = 3
        self.log.info("threshold %s", self.threshold)
        return self.prepare_output(input)


class SelfStep(NoRefStep):
    """Its own hook."""

    class_alias = "self"
    pre_hooks: list = param(["demo_steps.SelfStep"], "Hooks")


def hook(model):
    """A hook."""
    log.info("the hook was called")
