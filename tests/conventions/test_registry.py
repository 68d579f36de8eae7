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
