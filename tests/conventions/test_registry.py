"""The registry holds every step and pipeline once and answers the reference release's names."""

import pytest

from jwst_cal import registry
from jwst_cal.errors import UnknownStepError


def test_counts():
    assert len(registry.ROWS) == 72  # 61 steps with an alias and 11 pipelines
    assert len(registry.by_alias) == len(registry.by_class) == 72


@pytest.mark.parametrize("row", registry.ROWS, ids=lambda row: row.alias)
def test_names_of_the_reference_release_resolve_to_ours(row):
    assert registry.resolve(f"{row.jwst_module}.{row.class_name}") == row.path
    package = row.jwst_module.rpartition(".")[0]
    assert registry.resolve(f"{package}.{row.class_name}") == row.path


def test_other_names_pass_through():
    assert registry.resolve("mypackage.steps.MyStep") == "mypackage.steps.MyStep"


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownStepError, match="did you mean 'jump'"):
        registry.load("jumpp")


class Plugin:
    """An entry point of another package."""

    group = "stpipe.steps"

    def __init__(self, package, *steps):
        self.name, self.steps = package, steps
        self.dist = type("Distribution", (), {"name": package, "version": "1.2"})

    def load(self):
        return lambda: list(self.steps)


@pytest.fixture
def plugins(monkeypatch):
    """Two packages that register steps, one of them the same alias twice."""
    from importlib import metadata

    path = "jwst_cal.framework.Step"
    found = [
        Plugin("first", (path, "shared", False), (path, "own", False), (path, "jump", False)),
        Plugin("second", (path, "shared", False)),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: found)


@pytest.mark.parametrize("name", ["own", "first::own", "second::shared"])
def test_steps_of_other_packages(plugins, name):
    from jwst_cal.framework import Step

    assert registry.load(name) is Step


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("shared", "registered by several packages; write first::shared or second::shared"),
        ("third::own", "package 'third' has no registered steps"),
        ("second::own", "is not a path to a config file or a Python Step class"),
    ],
)
def test_unknown_steps_of_other_packages(plugins, name, problem):
    with pytest.raises(UnknownStepError, match=problem):
        registry.load(name)


def test_an_alias_of_ours_is_ours(plugins):
    assert registry.load("jump").__module__ == "jwst_cal.detector.jump"
