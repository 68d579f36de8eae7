"""Directives that write a step's or pipeline's declarations into its page.

``.. step:: jump``
    First sentence, class, how to run it, and the keyword that records it.
``.. step-parameters:: jump``
    A table of the parameters, their types, defaults and meaning.
``.. step-references:: jump``
    A table of the reference types, with the data model and whether the step can do without.
``.. pipeline:: calwebb_detector1``
    The same as ``step``, and the chains in order.

Nothing is written twice: all of it comes from the class.
"""

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from stdatamodels.jwst.datamodels import JwstDataModel

from jwst_cal import registry
from jwst_cal.framework import Chain, Step


def status_keyword(step):
    """Return the FITS keyword that records the step, ``S_JUMP`` for instance, or None."""
    name = step.cal_step or step.class_alias
    schema = JwstDataModel().schema
    found = []

    def search(part):
        if isinstance(part, dict):
            cal_step = part.get("cal_step")
            if isinstance(cal_step, dict):
                found.append(cal_step.get("properties", {}).get(name, {}).get("fits_keyword"))
            for value in part.values():
                search(value)
        elif isinstance(part, list):
            for value in part:
                search(value)

    search(schema)
    return next((word for word in found if word), None)


def table(header, rows, widths):
    """Lay out a list-table."""
    lines = [".. list-table::", "   :header-rows: 1",
             f"   :widths: {' '.join(map(str, widths))}", ""]
    for row in (header, *rows):
        for k, cell in enumerate(row):
            lines.append(("   * - " if k == 0 else "     - ") + str(cell))
    return [*lines, ""]


def literal(value):
    """Show a value as code; an empty text in quotes."""
    return f"``{value!r}``" if isinstance(value, str) else f"``{value}``"


def allowed(parameter):
    """Return type and range of a parameter as text."""
    if parameter.choices:
        return ", ".join(f"``{choice}``" for choice in parameter.choices)
    bounds = [f"{sign} {value:g}" for sign, value in (
        (">=", parameter.ge), (">", parameter.gt), ("<=", parameter.le), ("<", parameter.lt),
    ) if value is not None]
    text = parameter.kind + ("".join(f", {bound}" for bound in bounds))
    return text + (" or None" if parameter.optional else "")


def head(step):
    """Describe a class in a few lines."""
    first = (step.__doc__ or "").strip().splitlines()[0]
    alias = step.class_alias
    lines = [first, "", f":Class: ``{step.__module__}.{step.__name__}``",
             f":Run it alone: ``strun {alias} FILE``"]
    word = status_keyword(step)
    if word:
        lines.append(f":Recorded in: ``{word}``")
    return [*lines, ""]


def own_parameters(step):
    """Parameters of the class, and universal ones with a default of its own."""
    universal = Step.parameters()
    return [p for name, p in step.parameters().items()
            if name not in universal or p.default != universal[name].default]


class Generated(Directive):
    """Insert lines made from the class whose alias is the argument."""

    required_arguments = 1

    def run(self):
        """Parse the lines."""
        step = registry.load(self.arguments[0])
        text = StringList(self.lines(step), source=f"declarations of {step.__name__}")
        holder = nodes.Element()
        self.state.nested_parse(text, self.content_offset, holder)
        return holder.children


class StepHead(Generated):
    """``.. step::``."""

    def lines(self, step):
        """Return the head."""
        return head(step)


class StepParameters(Generated):
    """``.. step-parameters::``."""

    def lines(self, step):
        """Return the table, or a sentence."""
        rows = [(f"``{p.name}``", allowed(p), literal(p.default), p.help)
                for p in own_parameters(step)]
        if not rows:
            return ["None of its own."]
        return table(("Parameter", "Type", "Default", "Meaning"), rows, (25, 18, 15, 42))


class StepReferences(Generated):
    """``.. step-references::``."""

    def lines(self, step):
        """Return the table, or a sentence."""
        rows = []
        for reftype, reference in step.references.items():
            rows.append((f"``{reftype}``", f"``{reference.model_class.__name__}``",
                         "step is skipped" if reference.required else "step does without"))
        if not rows:
            return ["None."]
        return table(("Type", "Data model", "If there is none (N/A)"), rows, (25, 35, 40))


class PipelineHead(Generated):
    """``.. pipeline::``."""

    def lines(self, step):
        """Return the head and the chains in order of the class body."""
        rows = [(f"``{name}``", " → ".join(f"``{alias}``" for alias in chain.aliases()))
                for name, chain in vars(step).items() if isinstance(chain, Chain)]
        return [*head(step), "Steps in their order:", "",
                *table(("Chain", "Steps"), rows, (20, 80))]


def setup(app):
    """Register the directives."""
    app.add_directive("step", StepHead)
    app.add_directive("step-parameters", StepParameters)
    app.add_directive("step-references", StepReferences)
    app.add_directive("pipeline", PipelineHead)
    return {"version": "1", "parallel_read_safe": True}
