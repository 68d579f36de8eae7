"""Parameters: every type, every way to set them, every refusal."""

import numpy as np
import pytest

from jwst_cal.errors import ParameterError
from jwst_cal.framework import Step, param
from jwst_cal.framework.parameters import split_list


class SampleStep(Step):
    """Has a parameter of each type."""

    flag: bool = param(True, "A boolean")
    count: int = param(3, "An integer", ge=0, le=9)
    level: float = param(4.0, "A number", gt=0)
    limit: float | None = param(None, "A number or None")
    method: str = param("mean", "A choice", choices=("mean", "median", "None", "8"))
    label: str = param("x", "A text")
    title: str | None = param(None, "A text or None")
    box: list[int] | None = param(None, "Two integers", min_length=2, max_length=2)
    freqs: list[float] = param([], "Numbers", ge=0)
    names: list[str] = param(["a"], "Texts")
    slits: list[str] = param([], "Texts, or one", scalar=True)
    table: str | None = param(None, "A file", path="input")
    product: str | None = param(None, "A file", path="output")
    store: str | None = param(None, "A file, or whether", switch=True)


GOOD = [
    *[("store", value, "true") for value in (True, "True", "on", np.True_)],
    *[("store", value, "false") for value in (False, "FALSE", "no")],
    *[("store", value, value) for value in ("windows.asdf", None)],
    *[("flag", text, True) for text in ("true", "On", "1", "YES", True, 1, np.True_)],
    *[("flag", text, False) for text in ("false", "OFF", "0", "no", False, 0, np.bool_(0))],
    ("count", "7", 7), ("count", " +2 ", 2), ("count", np.int64(9), 9), ("count", 0, 0),
    ("level", "2.5e1", 25.0), ("level", 3, 3.0), ("level", np.float32(0.5), 0.5),
    ("limit", None, None), ("limit", "None", None), ("limit", "-1", -1.0),
    ("method", "median", "median"), ("method", "None", "None"), ("method", 8, "8"),
    ("label", "", ""), ("label", "None", "None"), ("title", None, None),
    ("title", "None", "None"),
    ("box", "3,4", [3, 4]), ("box", (3, 4), [3, 4]), ("box", None, None), ("box", "None", None),
    ("box", np.array([1, 2]), [1, 2]), ("box", ["1", "2"], [1, 2]),
    ("freqs", "1, 2.5", [1.0, 2.5]), ("freqs", "", []), ("freqs", "3,", [3.0]),
    ("names", "a,'b,c'", ["a", "b,c"]), ("names", [], []),
    ("slits", "S200A1", ["S200A1"]), ("slits", "a, b", ["a", "b"]), ("slits", ("a",), ["a"]),
]


@pytest.mark.parametrize(("name", "given", "value"), GOOD, ids=repr)
def test_converts(name, given, value):
    step = SampleStep()
    setattr(step, name, given)
    result = getattr(step, name)
    assert result == value
    assert type(result) is type(value)


def test_not_a_number_is_a_number():
    step = SampleStep(limit="nan")
    assert np.isnan(step.limit)


BAD = [
    ("flag", "maybe"), ("flag", 2), ("flag", 0.0), ("flag", None), ("flag", ""),
    ("count", "3.0"), ("count", "0x10"), ("count", 3.0), ("count", True), ("count", -1),
    ("count", 10), ("count", "ten"), ("count", None), ("count", [1]),
    ("level", "five"), ("level", 0.0), ("level", "1_000"), ("level", True), ("level", 1j),
    ("level", np.ones(2)), ("level", "None"),
    ("method", "mode"), ("method", "MEAN"), ("method", None),
    ("label", 5), ("label", None), ("label", ["x"]), ("label", b"x"),
    ("box", "3"), ("box", [1, 2, 3]), ("box", [1]), ("box", "1,x"), ("box", 7),
    ("freqs", [-1.0]), ("freqs", "a,b"), ("freqs", 2.0), ("freqs", "2.0"),
    ("names", "single"), ("names", [1]), ("names", None),
    ("product", 3),
]


@pytest.mark.parametrize(("name", "given"), BAD, ids=repr)
def test_refuses(name, given):
    step = SampleStep()
    before = getattr(step, name)
    with pytest.raises(ParameterError) as error:
        setattr(step, name, given)
    assert f"'{name}' of SampleStep" in str(error.value)
    assert step.parameters()[name].allowed in str(error.value)
    assert "\n" not in str(error.value)
    assert getattr(step, name) == before


@pytest.mark.parametrize(("name", "given"), BAD[:4], ids=repr)
def test_refuses_in_the_constructor(name, given):
    with pytest.raises(ParameterError, match=f"'{name}'"):
        SampleStep(**{name: given})


def test_message_names_parameter_value_and_what_is_allowed():
    with pytest.raises(ParameterError) as error:
        SampleStep(name="sample").count = "eleven"
    assert str(error.value) == (
        "Parameter 'count' of sample: 'eleven' is not an integer >= 0 and <= 9"
    )


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ParameterError, match="no parameter 'leval'; did you mean 'level'"):
        SampleStep(leval=3)


def test_misspelt_attribute_is_remarked(caplog):
    SampleStep().leval = 3
    assert "did you mean 'level'" in caplog.text


def test_free_attribute_is_not_remarked(caplog):
    SampleStep().zzz_mine = 3
    assert not caplog.records


def test_lists_are_not_shared():
    one, other = SampleStep(), SampleStep()
    one.names.append("b")
    assert other.names == ["a"]
    assert SampleStep.parameters()["names"].default == ["a"]


def test_input_file_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.fits").touch()
    assert SampleStep(table="t.fits").table == str(tmp_path / "t.fits")


def test_missing_input_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=r"'table' of SampleStep: there is no '/.*none.fits'"):
        SampleStep(table="none.fits")


def test_output_file_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert SampleStep(product="p.fits").product == str(tmp_path / "p.fits")


# inheritance ------------------------------------------------------------------------------------


class DerivedStep(SampleStep):
    """Redefines one of its own and a universal parameter."""

    count: int = param(5, ge=1)
    skip: bool = param(True)


def test_redefinition_keeps_place_and_help():
    base, derived = SampleStep.parameters(), DerivedStep.parameters()
    assert list(base) == list(derived)
    assert (derived["count"].default, derived["count"].help) == (5, base["count"].help)
    assert derived["skip"].default is True
    assert derived["skip"].help == base["skip"].help
    with pytest.raises(ParameterError):
        DerivedStep(count=0)


def test_own_parameters_leave_out_universal_ones():
    assert next(iter(SampleStep.parameters(own=True))) == "flag"
    assert "skip" not in DerivedStep.parameters(own=True)


def test_a_wrong_default_is_found_when_the_class_is_made():
    with pytest.raises(ParameterError, match="'n' of WrongStep"):
        type("WrongStep", (Step,), {"__annotations__": {"n": "int"}, "n": param("many")})


@pytest.mark.parametrize("annotation", ["dict", "int | str", "list[dict]", "set[int]"])
def test_an_unknown_annotation_is_found_when_the_class_is_made(annotation):
    with pytest.raises(TypeError, match="cannot be annotated"):
        type("WrongStep", (Step,), {"__annotations__": {"n": annotation}, "n": param(None)})


def test_a_missing_annotation_is_found_when_the_class_is_made():
    with pytest.raises(TypeError, match="needs an annotation"):
        type("WrongStep", (Step,), {"n": param(3)})


# introspection ----------------------------------------------------------------------------------


def test_introspection():
    found = SampleStep.parameters()
    assert found["box"].type_name == "list[int] or None"
    assert found["box"].allowed == "a list of integers of length 2 or None"
    assert found["method"].allowed == "one of 'mean', 'median', 'None', '8'"
    assert found["level"].allowed == "a number > 0"
    assert found["freqs"].allowed == "a list of numbers >= 0"


@pytest.mark.parametrize(("name", "text"), [
    ("flag", "boolean(default=True)"),
    ("count", "integer(min=0, max=9, default=3)"),
    ("limit", "float(default=None)"),
    ("method", "option('mean', 'median', 'None', '8', default='mean')"),
    ("box", "int_list(min=2, max=2, default=None)"),
    ("names", "string_list(default=list('a'))"),
    ("slits", "force_list(default=list())"),
    ("table", "input_file(default=None)"),
    ("product", "output_file(default=None)"),
])
def test_historical_declaration(name, text):
    assert SampleStep.parameters()[name].configspec == text


@pytest.mark.parametrize(("text", "parts"), [
    ("", []), ("a", ["a"]), ("a,", ["a"]), ("a, b", ["a", "b"]), ("'a,b', c", ["a,b", "c"]),
    ('"x"', ["x"]), ("a,,b", ["a", "", "b"]),
])
def test_split_list(text, parts):
    assert split_list(text) == parts
