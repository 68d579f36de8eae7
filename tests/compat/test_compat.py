"""``import jwst`` answered by this package."""

import importlib
import importlib.util
import subprocess
import sys

import pytest

from jwst_cal import compat, registry

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jwst") is not None, reason="the official jwst is installed here"
)


@pytest.fixture(autouse=True)
def _installed():
    compat.install()
    yield
    compat.uninstall()


@pytest.mark.parametrize("row", [r for r in registry.ROWS if r.exists], ids=lambda r: r.alias)
def test_every_class_under_each_of_its_names(row):
    ours = registry.load(row.alias)
    package = row.jwst_module.rpartition(".")[0]
    for module in (row.jwst_module, package, *([] if row.is_pipeline else ["jwst.step"])):
        assert getattr(importlib.import_module(module), row.class_name) is ours


def test_the_imports_of_public_scripts():
    code = """
import jwst_cal.compat.jwst
import jwst
assert jwst.__version__ == "3.0.0"
from jwst.pipeline import calwebb_detector1
from jwst.pipeline.calwebb_detector1 import Detector1Pipeline
from jwst.pipeline import Detector1Pipeline as again
from jwst.jump import JumpStep
from jwst.jump.jump_step import JumpStep as same
from jwst.step import LinearityStep
from jwst import datamodels
from jwst.datamodels import ImageModel, dqflags
from jwst.datamodels import ModelContainer
from jwst.datamodels.dqflags import pixel
from jwst.stpipe import Step, Pipeline
from jwst.associations import asn_from_list
from jwst.associations import asn_from_list as afl
from jwst.associations.asn_from_list import asn_from_list as function
from jwst.associations.load_as_asn import LoadAsLevel2Asn
from jwst.associations import load_asn
from jwst.associations.lib.rules_level3_base import DMS_Level3_Base
from jwst.associations.lib.rules_level2_base import DMSLevel2bBase
import jwst_cal.framework
assert calwebb_detector1.Detector1Pipeline is Detector1Pipeline is again
assert JumpStep is same and issubclass(JumpStep, Step)
assert Step is jwst_cal.framework.Step
assert datamodels.open and pixel["DO_NOT_USE"] == 1 and dqflags.pixel is pixel
asn = function(["a_cal.fits"], rule=DMS_Level3_Base, product_name="p")
assert asn["products"][0]["name"] == "p"
assert LoadAsLevel2Asn.load("a_rate.fits")["products"][0]["name"] == "a"
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_import_of_all_names():
    scope = {}
    exec("from jwst.step import *\nfrom jwst.pipeline import *", scope)
    expected = {row.class_name for row in registry.ROWS if row.exists}
    assert {name for name in scope if not name.startswith("__")} == expected


def test_what_this_release_lacks_says_so():
    absent = next(row for row in registry.ROWS if not row.exists)
    with pytest.raises(registry.UnknownStepError, match="is not part of this release of jwst_cal"):
        exec(f"from {absent.jwst_module} import {absent.class_name}")


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys, jwst_cal.compat.jwst, jwst.pipeline, jwst.datamodels, jwst.jump.jump_step\n"
        "assert not {'numpy', 'stdatamodels', 'jwst_cal.framework'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_modules_behind_the_steps_are_not_there():
    with pytest.raises(ModuleNotFoundError, match="not for the modules behind them"):
        importlib.import_module("jwst.photom.photom")
    with pytest.raises(ImportError, match="cannot import name 'JumpStepp'"):
        exec("from jwst.jump import JumpStepp")


def test_without_the_hook_there_is_no_jwst():
    compat.uninstall()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("jwst")


def test_installing_twice_is_once():
    before = list(sys.meta_path)
    compat.install()
    assert sys.meta_path == before


def test_refuses_when_the_official_package_is_installed(tmp_path, monkeypatch):
    compat.uninstall()
    (tmp_path / "jwst").mkdir()
    (tmp_path / "jwst" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"a package named jwst is installed \(.*__init__\.py\)"):
        compat.install()
    assert "jwst" not in sys.modules


def test_dir_lists_the_names():
    import jwst.jump

    assert "JumpStep" in dir(jwst.jump)
    assert "jump_step" in dir(jwst.jump)
