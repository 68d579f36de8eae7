"""strun --replay, and jwst-cal explain."""

import os

import pytest

from jwst_cal.cli import explain
from jwst_cal.cli.strun import main
from jwst_cal.framework import provenance

PIPE = "demo_steps.DemoPipeline"


@pytest.fixture
def product(folder, capsys):
    words = ["--steps.one.save_results=true", "--output_file=foo", "--log-stream=null"]
    assert main([PIPE, "X_rate.fits", *words]) == 0
    return next(name for name in sorted(os.listdir()) if name.startswith("foo_cal"))


def _told(product):
    told = provenance.read(product)
    last = list(told.values())[-1]
    return last["parameters"], [(s["name"], s["status"], s["parameters"]) for s in last["steps"]]


class TestReplay:
    def test_makes_the_same_products(self, product):
        made = sorted(os.listdir())
        before = _told(product)
        for name in made:
            if name.startswith("foo"):
                os.rename(name, f"old_{name}")
        assert main(["--replay", f"old_{product}", "--log-stream=null"]) == 0
        assert sorted(name for name in os.listdir() if not name.startswith("old_")) == made
        assert _told(product) == before

    @pytest.mark.parametrize("form", [["--replay={}"], ["--replay", "{}"]])
    def test_input_may_be_named_and_options_beat_the_record(self, product, form):
        os.rename("X_rate.fits", "Y_rate.fits")
        words = [word.format(product) for word in form]
        assert main([*words, "Y_rate.fits", "--output_file=bar", "--log-stream=null"]) == 0
        assert any(name.startswith("bar_cal") for name in os.listdir())

    def test_missing_input_is_named(self, product, capsys):
        os.remove("X_rate.fits")
        assert main(["--replay", product, "--log-stream=null"]) == 1
        assert "its input 'X_rate.fits' is neither beside it" in capsys.readouterr().err

    def test_file_of_another_origin(self, folder, capsys):
        assert main(["--replay", "X_rate.fits", "--log-stream=null"]) == 1
        assert "X_rate.fits: holds no record of how it was made" in capsys.readouterr().err

    def test_missing_product(self, folder, capsys):
        assert main(["--replay=none.fits", "--log-stream=null"]) == 1
        assert "none.fits: no such file" in capsys.readouterr().err

    def test_missing_word(self, folder, capsys):
        assert main(["--replay"]) == 2
        assert "--replay: expected one argument" in capsys.readouterr().err


class TestExplain:
    def test_tells_steps_and_parameters(self, product, capsys):
        assert explain.main(["explain", product]) == 0
        out = capsys.readouterr().out
        assert f"{product}:" in out
        assert "on X_rate.fits" in out
        assert "one: COMPLETE" in out
        assert "    save_results = True" in out

    def test_file_of_another_origin(self, folder, capsys):
        assert explain.main(["explain", "X_rate.fits"]) == 1
        assert "jwst-cal: error: X_rate.fits: holds no record" in capsys.readouterr().err

    @pytest.mark.parametrize("words", [[], ["explain"], ["tell", "x"]])
    def test_wrong_usage(self, words, capsys):
        assert explain.main(words) == 2
        assert "usage: jwst-cal explain" in capsys.readouterr().err

    def test_help(self, capsys):
        assert explain.main(["--help"]) == 0
        assert "usage: jwst-cal explain" in capsys.readouterr().out


class TestRecipe:
    def test_open_model_cannot_be_used_again(self, product, monkeypatch):
        told = provenance.read(product)
        alias, last = list(told.items())[-1]
        last["steps"][0]["overrides"] = {"gain": "<GainModel>"}
        monkeypatch.setattr(provenance, "read", lambda product: {alias: last})
        with pytest.raises(ValueError, match="override_gain of one was an open model"):
            provenance.recipe(product)

    def test_rules_are_used_again(self, monkeypatch):
        monkeypatch.setenv("CRDS_CONTEXT", "jwst_0001.pmap")
        provenance.Recipe({}, "x", "", "jwst_1322.pmap", "p").use_rules()
        assert os.environ["CRDS_CONTEXT"] == "jwst_1322.pmap"

    def test_rules_of_another_release_are_refused(self):
        with pytest.raises(ValueError, match=r"made with the rules jwst_embedded_0.pmap"):
            provenance.Recipe({}, "x", "", "jwst_embedded_0.pmap", "p").use_rules()
