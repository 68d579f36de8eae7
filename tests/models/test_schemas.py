"""Schemas that are parsed once give the same products, and asdf is left as it was."""

import threading

import numpy as np
import pytest
from asdf import schema
from astropy.io import fits

from jwst_cal.models._schemas import parsed_once


def test_products_are_the_same(small_ramp, tmp_path):
    small_ramp.meta.date = "2026-01-01T00:00:00"
    small_ramp.save(tmp_path / "a.fits")
    with parsed_once():
        for _ in range(2):
            small_ramp.save(tmp_path / "b.fits")
    with fits.open(tmp_path / "a.fits") as a, fits.open(tmp_path / "b.fits") as b:
        for key in ("DATE", "FILENAME"):
            a[0].header[key] = b[0].header[key] = "x"
        assert [hdu.name for hdu in a] == [hdu.name for hdu in b]
        assert a[0].header == b[0].header
        for ours, theirs in zip(a[1:-1], b[1:-1], strict=True):
            assert (np.asarray(ours.data) == np.asarray(theirs.data)).all()


def test_wrong_values_are_still_refused(small_ramp):
    from stdatamodels.exceptions import ValidationWarning

    with parsed_once():
        for _ in range(2):
            with pytest.warns(ValidationWarning):
                small_ramp.meta.exposure.ngroups = "many"


def test_asdf_is_left_as_it_was():
    before = schema._make_schema_loader
    with parsed_once():
        with parsed_once():
            assert schema._make_schema_loader is not before
        assert schema._make_schema_loader is not before
    assert schema._make_schema_loader is before
    with pytest.raises(KeyError), parsed_once():
        raise KeyError
    assert schema._make_schema_loader is before


def test_blocks_of_several_threads_may_overlap():
    before = schema._make_schema_loader
    inside = threading.Barrier(3)

    def work():
        with parsed_once():
            inside.wait()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert schema._make_schema_loader is before


def test_another_asdf_is_left_alone(monkeypatch):
    monkeypatch.delattr(schema, "_make_schema_loader")
    with parsed_once():
        assert not hasattr(schema, "_make_schema_loader")
