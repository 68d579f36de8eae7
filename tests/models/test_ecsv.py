"""Tables as ECSV: the bytes are those of astropy."""

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io.ascii.ecsv import EcsvData
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jwst_cal import models
from jwst_cal.models import _ecsv

ODD = [np.nan, np.inf, -np.inf, -0.0, 1e-320, 1e16, 9.999999999999999e15, 1e-4, 9.99e-5, 0.1, 1e22,
       1 / 3, 5e-324, 1.7976931348623157e308]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
TEXTS |= st.sampled_from(
    ["", " ", "a b", 'say "so"', "'", " led", "ends ", "#no", "a\tb", "a\nb", "a\r\n", "a,b", "nan",
     '""', "\\", "é"])
KINDS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f4", ">f8", ">i4"]


def same(table, folder):
    ours, theirs = folder / "ours.ecsv", folder / "theirs.ecsv"
    before = repr(table.meta)
    models.save_table(table, ours)
    assert repr(table.meta) == before
    table.write(theirs, format="ascii.ecsv", overwrite=True)
    assert ours.read_bytes() == theirs.read_bytes()


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_table(tmp_path, data):
    n = data.draw(st.integers(0, 6))
    table = QTable(meta={"text": data.draw(TEXTS), "numbers": [1, 2.5]})
    for k in range(data.draw(st.integers(1, 6))):
        kind = data.draw(st.sampled_from([*KINDS, "U"]))
        if kind == "U":
            values = np.array(data.draw(st.lists(TEXTS, min_size=n, max_size=n)), "U5")
        else:
            values = data.draw(arrays.arrays(np.dtype(kind), n))
        if kind != "f2" and data.draw(st.booleans()):
            mask = data.draw(arrays.arrays(bool, n))
            table[f"c{k}"] = MaskedColumn(values, mask=mask)
        else:
            table[f"c{k}"] = Column(values)
        if values.dtype.kind == "f" and values.dtype.itemsize > 2 and data.draw(st.booleans()):
            table[f"c{k}"] = values << units.Jy
        table[f"c{k}"].info.description = data.draw(st.sampled_from([None, "what", 'a "b": c']))
        table[f"c{k}"].info.format = None if kind == "U" else data.draw(
            st.sampled_from([None, ".3e"]))
    same(table, tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_odd_numbers(tmp_path, dtype):
    with np.errstate(over="ignore", under="ignore"):
        values = np.array(ODD).astype(dtype)
    rng = np.random.default_rng(1)
    kind = np.dtype(f"u{values.itemsize}")
    bits = rng.integers(0, np.iinfo(kind).max, 3000, kind, endpoint=True)
    same(Table({"x": np.concatenate([values, -values, bits.view(dtype)])}), tmp_path)


def test_places_times_and_meta(tmp_path):
    table = QTable({"label": np.arange(3, dtype=np.int32), "flux": [1, np.nan, -0.0] * units.Jy,
                    "sky": SkyCoord([1, 2, np.nan], [3, 4, 5], unit="deg"),
                    "time": Time([59000.1, 59000.2, 59000.3], format="mjd"),
                    "name": ["a b", "", 'c"d']})
    table.meta["version"] = {"a": "1", "b": [1, np.float32(2)]}
    table["flux"].info.format = ".6e"
    same(table, tmp_path)
    same(table[:0], tmp_path)
    found = QTable.read(tmp_path / "theirs.ecsv")
    assert len(found) == 0


@pytest.mark.parametrize("table", [
    Table({"wide": np.arange(6).reshape(3, 2)}), Table({"any": np.array([{"a": 1}, None], object)}),
    Table({"bytes": [b"a", b"b c"]}), Table(), Table({" led": [1, 2]}), Table({"#first": [1.5]}),
    Table({"none": np.ma.masked_all(3)})])
def test_what_is_unusual(tmp_path, table):
    try:
        table.write(tmp_path / "theirs.ecsv", format="ascii.ecsv")
    except Exception as reason:  # what astropy does not write is not written
        with pytest.raises(type(reason)):
            _ecsv.write(table, str(tmp_path / "ours.ecsv"))
        return
    same(table, tmp_path)


def test_simple_columns_do_not_go_through_astropy(tmp_path, monkeypatch):
    table = Table({"x": np.arange(5.0), "name": ["a", "b c", "", "d", "e"]})
    table.write(tmp_path / "theirs.ecsv", format="ascii.ecsv")
    rows, whole = [], EcsvData.str_vals
    monkeypatch.setattr(EcsvData, "str_vals", lambda self: (
        rows.append(len(self.cols[0])), whole(self))[1])
    _ecsv.write(table, str(tmp_path / "ours.ecsv"))
    assert rows == [0]
    assert (tmp_path / "ours.ecsv").read_bytes() == (tmp_path / "theirs.ecsv").read_bytes()
