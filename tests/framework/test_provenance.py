"""What made a product is told by the product."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError
from jwst_cal.framework import Chain, Pipeline, Reference, SkipStep, Step, param, provenance


class WorkStep(Step):
    """Use a reference."""

    class_alias = "jump"
    references = {"gain": Reference("GainModel")}

    level: float = param(2.0, "A number")

    def process(self, ramp, *, refs):
        refs.path("gain")
        return ramp


class RestStep(Step):
    """Skip itself."""

    class_alias = "dark_current"

    def process(self, ramp, *, refs):
        raise SkipStep("not today")


class DayPipeline(Pipeline):
    """Work, rest."""

    class_alias = "calwebb_day"

    pace: int = param(3, "A number")
    day = Chain(WorkStep, RestStep)

    def process(self, ramp):
        return self.day(self.prepare_output(ramp))


@pytest.fixture
def gain(tmp_path):
    path = tmp_path / "gain.fits"
    path.write_bytes(b"not looked into")
    return str(path)


@pytest.fixture(autouse=True)
def sums(tmp_path, monkeypatch):
    fresh = provenance.Sums(str(tmp_path / "cache" / "sha1.tsv"))
    monkeypatch.setattr(provenance, "sums", fresh)
    return fresh


def test_of_a_pipeline(small_ramp, gain):
    pipe = DayPipeline(pace=4, steps={"jump": {"override_gain": gain, "level": 7}})
    told = provenance.read(pipe.run(small_ramp))["calwebb_day"]
    assert told["class"].endswith("DayPipeline")
    assert told["input"] == "jw00001001001_02101_00001_nrca1_uncal.fits"
    assert told["parameters"]["pace"] == 4
    work, rest = told["steps"]
    assert (work["name"], work["status"]) == ("jump", "COMPLETE")
    assert work["parameters"]["level"] == 7.0
    assert work["overrides"] == {"gain": "gain.fits"}
    total = hashlib.sha1(b"not looked into").hexdigest()
    assert work["references"] == [{"type": "gain", "name": "gain.fits", "sha1": total}]
    assert (rest["status"], rest["reason"]) == ("SKIPPED", "not today")
    assert told["software"]["reproduces_jwst"] == "3.0.0"
    assert told["software"]["threads"] >= 1


class TestPaths:
    """No absolute path of the machine is told, and a replay finds the files."""

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path, monkeypatch):
        for name in ("home/me", "work"):
            (tmp_path / name).mkdir(parents=True)
        monkeypatch.setenv("HOME", str(tmp_path / "home" / "me"))
        monkeypatch.chdir(tmp_path / "work")

    @pytest.mark.parametrize(("given", "told"), [
        ("{}/work/out", "out"), ("{}/work/d/x.fits", "d/x.fits"), ("{}/work", "."),
        ("{}/home/me/refs/x.fits", "~/refs/x.fits"), ("{}/home/me", "~"),
        ("{}/elsewhere/x.fits", "x.fits"), ("{}/elsewhere/run1/", "run1"),
        ("/x.fits", "x.fits"), ("/", "/"), ("out", "out"), ("../x.fits", "../x.fits"),
        ("{}/home/mean/x.fits", "x.fits"), ("{}/my data/x.fits", "x.fits"), ("N/A", "N/A"),
        ("crds://x.fits", "crds://x.fits"),
    ])
    def test_portable(self, given, told, tmp_path):
        assert provenance.portable(given.format(tmp_path)) == told

    def test_hooks_stay_commands(self, small_ramp, tmp_path):
        hooks = [f"/bin/true {tmp_path}/home/me/x {{0}}", "echo a/b"]
        product = RestStep(pre_hooks=hooks).run(small_ramp)
        told = provenance.read(product)["dark_current"]["steps"][0]["parameters"]["pre_hooks"]
        assert told == ["/bin/true ~/x {0}", "echo a/b"]

    def test_product_tells_none(self, small_ramp, gain, tmp_path):
        pipe = DayPipeline(output_dir=str(tmp_path / "out"), steps={
            "jump": {"override_gain": gain, "output_file": str(tmp_path / "work" / "j")},
            "dark_current": {"pre_hooks": [lambda ramp: None]}})
        product = pipe.run(small_ramp)
        text = product.meta.provenance.calwebb_day
        assert str(tmp_path) not in text
        assert '"output_dir": "out"' in text
        assert '"output_file": "j"' in text

    def test_reason_of_a_skip_tells_none(self, small_ramp, monkeypatch):
        def process(self, ramp, *, refs):
            raise SkipStep("'/data/of mine/x.fits': too small, and /data/y.fits")

        monkeypatch.setattr(RestStep, "process", process)
        told = provenance.read(RestStep().run(small_ramp))["dark_current"]
        assert told["steps"][0]["reason"] == "'x.fits': too small, and y.fits"

    @pytest.mark.parametrize("place", ["home/me", "work", "products"])
    def test_override_is_found_again(self, small_ramp, tmp_path, place):
        (tmp_path / "products").mkdir()
        override = tmp_path / place / "my_gain.fits"
        override.write_bytes(b"x")
        product = str(tmp_path / "products" / "day.fits")
        DayPipeline(steps={"jump": {"override_gain": str(override)}}).run(small_ramp).save(product)
        found = provenance.recipe(product).config["steps"]["jump"]["override_gain"]
        assert os.path.samefile(os.path.expanduser(found), override)


def test_reason_of_a_skip_by_parameter(small_ramp, gain):
    pipe = DayPipeline(steps={"jump": {"override_gain": gain, "skip": True}})
    told = provenance.read(pipe.run(small_ramp))["calwebb_day"]
    assert told["steps"][0]["reason"] == "skip = True"


def test_of_a_step_run_alone(small_ramp, gain):
    told = provenance.read(WorkStep(override_gain=gain).run(small_ramp))["jump"]
    assert [step["name"] for step in told["steps"]] == ["WorkStep"]


def test_survives_the_file_and_later_steps_add_their_own(small_ramp, gain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DayPipeline(output_file="first", suffix="ramp",
                steps={"jump": {"override_gain": gain}}).run(small_ramp)
    WorkStep(output_file="second", suffix="jump", override_gain=gain).run("first_ramp.fits")
    assert list(provenance.read("second_jump.fits")) == ["calwebb_day", "jump"]


def test_models_of_another_origin_have_none(small_ramp):
    with pytest.raises(InputError, match="holds no record of how it was made"):
        provenance.read(small_ramp)


def test_file_of_another_origin_has_none(uncal_file):
    with pytest.raises(InputError, match="holds no record of how it was made"):
        provenance.read(uncal_file)


class TestSums:
    def test_are_remembered(self, sums, gain, monkeypatch, tmp_path):
        first = sums.of(gain)
        from jwst_cal.framework import reference_store

        monkeypatch.setattr(reference_store, "sha1", None)
        again = provenance.Sums(str(tmp_path / "cache" / "sha1.tsv"))
        assert again.of(gain) == first

    def test_of_a_changed_file_are_made_anew(self, sums, gain):
        first = sums.of(gain)
        Path(gain).write_bytes(b"something longer than that")
        assert sums.of(gain) != first

    def test_of_a_missing_file_is_none(self, sums, tmp_path):
        assert sums.of(str(tmp_path / "none")) is None

    def test_cache_that_cannot_be_written_is_done_without(self, gain, tmp_path):
        (tmp_path / "file").touch()
        blocked = provenance.Sums(str(tmp_path / "file" / "sha1.tsv"))
        assert blocked.of(gain) == hashlib.sha1(b"not looked into").hexdigest()

    def test_broken_cache_is_done_without(self, gain, tmp_path):
        path = tmp_path / "sums.tsv"
        path.write_bytes(b"\xff\xfe nonsense\nno tabs\n")
        assert provenance.Sums(str(path)).of(gain)


def test_open_model_as_override_is_named(small_ramp):
    model = datamodels.GainModel(data=np.ones((6, 8), np.float32))
    step = WorkStep(override_gain=model)
    told = provenance.read(step.run(small_ramp))["jump"]["steps"][0]
    assert told["overrides"] == {"gain": "<GainModel>"}
    assert told["references"] == [{"type": "gain", "name": "override://GainModel"}]


def test_default_place_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JWST_CAL_CACHE", str(tmp_path))
    assert provenance.Sums()._file() == os.path.join(tmp_path, "sha1.tsv")
