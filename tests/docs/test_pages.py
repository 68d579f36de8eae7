"""The documentation builds, and its tables say what the classes say."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the documentation needs sphinx")

DOCS = Path(__file__).parents[2] / "docs"

DEMO = '''
from stdatamodels.jwst.datamodels import GainModel
from jwst_cal.framework import Reference, Step, param

class DemoStep(Step):
    """Show what a page says about a step."""

    class_alias = "demo"
    references = {"gain": Reference(GainModel), "mask": Reference("MaskModel", required=False)}
    skip: bool = param(True, "Skip this step")
    threshold: float = param(4.5, "How far is too far, in sigma", gt=0)
    method: str = param("best", "Which way", choices=("best", "worst"))
    area: float | None = param(None, "Pixels")

    def process(self, model, *, refs):
        return model
'''
PAGE = """
demo
====
.. step:: demo.DemoStep

.. step-parameters:: demo.DemoStep

.. step-references:: demo.DemoStep
"""
CONF = """
import sys
sys.path[:0] = [{extensions!r}, {here!r}]
extensions = ["declarations"]
"""


def build(source, target, builder):
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-E", "-b", builder]
    return subprocess.run([*command, str(source), str(target)], capture_output=True, text=True,
                          check=False, cwd=target.parent)


def test_all_pages_build_without_a_warning(tmp_path):
    done = build(DOCS, tmp_path / "html", "html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "index.html").exists()


def test_a_page_shows_parameters_and_references_of_the_class(tmp_path):
    (tmp_path / "demo.py").write_text(DEMO)
    (tmp_path / "index.rst").write_text(PAGE)
    (tmp_path / "conf.py").write_text(
        CONF.format(extensions=str(DOCS / "_extensions"), here=str(tmp_path)))
    done = build(tmp_path, tmp_path / "text", "text")
    assert done.returncode == 0, done.stderr
    text = " ".join((tmp_path / "text" / "index.txt").read_text().split())
    for expected in ("Show what a page says about a step.", '"threshold"', "float, > 0", '"4.5"',
                     "How far is too far", '"best", "worst"', "float or None", '"skip"',
                     '"GainModel"', "step is skipped", '"MaskModel"', "step does without"):
        assert expected in text, text
    assert '"output_dir"' not in text  # as every step has it
