"""A fixed time makes products that are the same byte for byte."""

import time

import numpy as np
import pytest

from jwst_cal import clock
from jwst_cal.errors import ParameterError


@pytest.fixture
def fixed(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def test_time_goes_by(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    started, before = time.perf_counter(), clock.now().timestamp()
    assert clock.fixed() is None
    assert clock.elapsed(started) > 0
    assert 0 <= clock.now().timestamp() - before < 3600


def test_fixed(fixed):
    assert f"{clock.now():%Y-%m-%dT%H:%M:%S}" == "2023-11-14T22:13:20"
    assert clock.elapsed(time.perf_counter() - 5) == 0


@pytest.mark.parametrize("text", ["soon", "1e30", "nan"])
def test_refuses(monkeypatch, text):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(ParameterError, match="SOURCE_DATE_EPOCH"):
        clock.fixed()


def test_products(fixed, tmp_path):
    """Models of both kinds, light and full, and lines of the log."""
    from stdatamodels.jwst.datamodels import ImageModel

    from jwst_cal import models
    from jwst_cal.framework import logs
    from jwst_cal.models.light import light_class

    path = str(tmp_path / "x.fits")
    for made in (ImageModel(np.zeros((4, 4), np.float32)), light_class("ImageModel")({})):
        models.save(made, path)
        assert models.read_header(path)["meta.date"] == "2023-11-14T22:13:20.000"
    with logs.recording() as lines:
        logs.log.warning("one")
    assert lines == ["2023-11-14T22:13:20.000 - jwst_cal.framework.logs - WARNING - one"]
