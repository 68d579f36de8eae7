"""What holds for every step and pipeline, checked against the facts of the reference release."""

import ast
import inspect
import json
from pathlib import Path

import pytest

from jwst_cal import registry
from jwst_cal.errors import ParameterError
from jwst_cal.framework import GroupStep, Pipeline, Step

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "steps.json").read_text("utf-8"))
EARLIER = json.loads((Path(__file__).parents[1] / "facts" / "earlier.json").read_text("utf-8"))
ROWS = [row for row in registry.ROWS if row.exists]
STEPS = [row for row in ROWS if not row.is_pipeline]

every_class = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.alias)
every_step = pytest.mark.parametrize("row", STEPS, ids=lambda row: row.alias)

KINDS = {
    "boolean": "bool", "integer": "int", "float": "float", "string": "str", "option": "str",
    "list": "list", "force_list": "list", "int_list": "list[int]", "float_list": "list[float]",
    "string_list": "list[str]", "input_file": "str", "output_file": "str",
}


def the(row):
    return registry.load(row.alias)


def _declared(parameter):
    """A declaration in the form of the facts."""
    found = {"name": parameter.name, "kind": parameter.kind, "default": parameter.default}
    low, high = (parameter.ge, parameter.le)
    if parameter.is_list:
        low, high = parameter.min_length, parameter.max_length
    return found | {"min": low, "max": high, "choices": parameter.choices and
                    sorted(parameter.choices)}


def _expected(fact):
    choices = fact.get("choices")
    return {"name": fact["name"], "kind": KINDS[fact["type"]], "default": fact["default"],
            "min": fact.get("min"), "max": fact.get("max"),
            "choices": choices and sorted(map(str, choices))}


def test_universal_parameters_are_those_of_the_reference_release():
    ours = [(p.name, p.default) for p in Step.parameters().values()]
    assert ours == [(fact["name"], fact["default"]) for fact in FACTS["universal"]]


def test_every_step_of_stage_1_is_there_with_the_parameters_of_the_reference_release():
    """`TestEveryClass` compares the parameters of what is there."""
    rows = [row for row in registry.ROWS
            if row.module.startswith("detector.")
            or row.module in ("pipelines.detector1", "pipelines.dark", "pipelines.guider")]
    assert len(rows) == 24
    assert all(row.exists and row.class_name in FACTS["steps"] for row in rows)


@every_class
class TestEveryClass:
    def test_has_the_name_and_alias_of_its_row(self, row):
        cls = the(row)
        assert cls.__name__ == row.class_name
        assert cls.class_alias == row.alias
        assert issubclass(cls, Pipeline if row.is_pipeline else Step)

    def test_has_the_parameters_of_the_reference_release(self, row):
        facts = FACTS["steps"][row.class_name]
        ours = [_declared(p) for p in the(row).parameters(own=True).values()]
        earlier = EARLIER["steps"].get(row.class_name, {"parameters": []})
        expected = [_expected(fact) for fact in facts["parameters"] + earlier["parameters"]]
        kinds = {fact["name"]: fact["type"] for fact in facts["parameters"]}
        for mine, theirs in zip(ours, expected, strict=True):
            if kinds.get(mine["name"]) == "force_list" and mine["kind"].startswith("list["):
                mine["kind"] = "list"
            assert mine == theirs

    def test_redefines_the_universal_defaults_of_the_reference_release(self, row):
        parameters = the(row).parameters()
        expected = {fact["name"]: fact["default"] for fact in FACTS["universal"]}
        expected |= FACTS["steps"][row.class_name]["redefined"]
        assert {name: parameters[name].default for name in expected} == expected

    def test_says_what_each_parameter_means(self, row):
        bare = [p.name for p in the(row).parameters().values() if len(p.help) < 8]
        assert not bare

    def test_refuses_an_invalid_value_of_each_parameter(self, row):
        step = the(row)()
        for parameter in step.parameters(own=True).values():
            with pytest.raises(ParameterError, match=f"'{parameter.name}'"):
                setattr(step, parameter.name, object())

    def test_has_a_docstring_of_one_line_first(self, row):
        first = (inspect.getdoc(the(row)) or "").partition("\n")[0]
        assert first.endswith(".")
        assert len(first) <= 88


def _attributes(tree, name):
    """Attributes of a variable that a source file reads."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name) and node.value.id == name}


def _handed_on(cls, tree):
    """Parameters that ``self.options_for(function)`` passes."""
    found = set()
    for node in ast.walk(tree):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                and node.func.attr == "options_for"):
            function = eval(ast.unparse(node.args[0]), vars(inspect.getmodule(cls)))
            found |= set(inspect.signature(function).parameters)
    return found


def _algorithms_of(cls, tree):
    """Files of the underscored modules and packages that a step imports from its own package."""
    package = Path(inspect.getfile(cls)).parent
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for name in (alias.name for alias in node.names if alias.name.startswith("_")):
                yield from package.glob(f"{name}.py")
                yield from package.glob(f"{name}/*.py")


@every_step
class TestEveryStep:
    def test_uses_each_of_its_parameters(self, row):
        cls = the(row)
        tree = ast.parse("".join(inspect.getsource(inspect.getmodule(c)) for c in cls.__mro__
                                 if c in (cls, GroupStep)))
        used = _attributes(tree, "self") | _attributes(tree, "step") | _handed_on(cls, tree)
        accepted = set(getattr(cls, "accepted", ()))
        unused = set(cls.parameters(own=True)) - used - accepted
        assert not unused

    def test_declares_the_references_of_the_reference_release(self, row):
        earlier = EARLIER["steps"].get(row.class_name, {"references": []})
        assert sorted(the(row).references) == sorted(
            FACTS["steps"][row.class_name]["references"] + earlier["references"])

    def test_uses_each_of_its_references(self, row):
        cls = the(row)
        tree = ast.parse(inspect.getsource(inspect.getmodule(cls)))
        texts = {node.value for node in ast.walk(tree)
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        declared = set(cls.references)
        used = _attributes(tree, "refs") | set(getattr(cls, "accepted", ()))
        for file in _algorithms_of(cls, tree):
            used |= _attributes(ast.parse(file.read_text("utf-8")), "refs")
        calls = {argument.value for node in ast.walk(tree) if isinstance(node, ast.Call)
                 for argument in node.args if isinstance(argument, ast.Constant)}
        assert not declared - used - (calls & texts)

    def test_records_its_status_under_the_name_of_the_reference_release(self, row):
        cls = the(row)
        expected = FACTS["steps"][row.class_name]["cal_step_attribute"]
        assert (cls.cal_step or cls.class_alias) == expected

    def test_skipped_by_its_pipeline_returns_its_input_unchanged(self, row, small_ramp):
        step = the(row)(parent=Pipeline())
        step.skip = True
        before = small_ramp.copy()
        result = step.run(small_ramp)
        assert result is small_ramp or (result[0] is small_ramp and set(result[1:]) == {None})
        assert getattr(small_ramp.meta.cal_step, cls_status(step)) == "SKIPPED"
        for name in ("data", "groupdq", "pixeldq"):
            assert (getattr(small_ramp, name) == getattr(before, name)).all()

    def test_has_a_test_file_under_its_alias(self, row):
        package, _, name = row.module.rpartition(".")
        file = Path(__file__).parents[1] / package / f"test_{name}.py"
        assert file.exists()


def cls_status(step):
    return step.cal_step or step.class_alias


def test_nothing_of_stage_1_is_missing():
    pipelines = ("Detector1Pipeline", "DarkPipeline", "GuiderPipeline")
    wanted = {alias for name in pipelines for alias in FACTS["steps"][name]["steps"]}
    exist = {row.alias for row in ROWS}
    assert len(wanted) == 22
    assert wanted <= exist
    assert {"calwebb_detector1", "calwebb_dark", "calwebb_guider"} <= exist


PIPELINES = [row for row in ROWS if row.is_pipeline]


@pytest.mark.parametrize("row", PIPELINES, ids=lambda row: row.alias)
class TestEveryPipeline:
    def test_has_the_steps_of_the_reference_release(self, row):
        cls, facts = the(row), FACTS["steps"][row.class_name]
        assert sorted(cls.step_defs) == sorted(facts["steps"])
        assert {a: c.__name__ for a, c in cls.step_defs.items()} == {
            alias: registry.by_alias[alias].class_name if alias in registry.by_alias else None
            for alias in cls.step_defs
        }

    def test_wants_the_references_of_the_reference_release(self, row):
        facts = FACTS["steps"][row.class_name]
        missing = [alias for alias in facts["steps"] if not registry.by_alias[alias].exists
                   and not facts["steps"][alias]]
        if missing:
            pytest.skip(f"this release lacks {', '.join(missing)}")
        wanted = the(row)().wanted_references()
        assert sorted(wanted) == facts["prefetch_types_at_default_skips"]
