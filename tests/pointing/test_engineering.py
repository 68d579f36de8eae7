"""Telemetry from files: formats, times, what is missing."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jwst_cal.errors import InputError
from jwst_cal.pointing.engineering import Telemetry

ROWS = {"ONE": [[60000.25, 3.0], [60000.0, 1.0], [60000.125, 2.0]], "TWO": [[60000.0, -1.0]]}


def ecsv(folder):
    from astropy.table import Table

    path = folder / "t.ecsv"
    Table(rows=[(name, time, value) for name, rows in ROWS.items() for time, value in rows],
          names=("mnemonic", "time", "value")).write(path)
    return path


def csv(folder):
    path = folder / "t.csv"
    lines = ["Mnemonic,Time,Value"]
    for name, rows in ROWS.items():
        for time, value in rows:
            text = {60000.0: "2023-02-25 00:00:00", 60000.125: "2023-02-25T03:00:00Z",
                    60000.25: "2023-02-25T06:00:00.000"}[time]
            lines.append(f"{name},{text},{value}")
    path.write_text("\n".join(lines))
    return path


def as_json(folder):
    path = folder / "t.json"
    path.write_text(json.dumps(ROWS))
    return path


def cached(folder):
    for name, rows in ROWS.items():
        (folder / f"{name.lower()}_data.json").write_text(json.dumps({"Data": [
            {"ObsTime": f"/Date({round((time - 40587) * 86400e3)}+0000)/", "EUValue": value}
            for time, value in rows]}))
    return folder


@pytest.mark.parametrize("write", [ecsv, csv, as_json, cached, lambda folder: ROWS])
def test_formats(tmp_path, write):
    telemetry = Telemetry(write(tmp_path))
    found = telemetry.between("ONE", 60000.0, 60000.25, 0)
    assert_allclose(found.time, [60000.0, 60000.125, 60000.25], atol=1e-9)
    assert_allclose(found.value, [1, 2, 3])


def test_samples_around_an_observation_within_the_tolerance():
    telemetry = Telemetry(ROWS)
    found = telemetry.between("ONE", 60000.1, 60000.2, 0)
    assert_allclose(found.value, [2])
    found = telemetry.between("ONE", 60000.1, 60000.2, 86400 * 0.06)
    assert_allclose(found.value, [2, 3])
    found = telemetry.between("ONE", 60000.1, 60000.2, 86400 * 0.11)
    assert_allclose(found.value, [1, 2, 3])
    found = telemetry.between("ONE", 60000.0, 60000.2, 86400)
    assert_allclose(found.value, [1, 2])


def test_nothing_in_time():
    telemetry = Telemetry(ROWS)
    with pytest.raises(InputError, match=r"TWO has no value from MJD 60001\.000000 to 60002\.0"):
        telemetry.between("TWO", 60001.0, 60002.0, 60)
    with pytest.raises(InputError, match="mnemonic THREE missing"):
        telemetry.between("THREE", 60000.0, 60001.0, 60)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{\"A\": 3}", "{\"A\": [[1, 2, 3]]}", "a,b\n1,2\n",
                                  "mnemonic,time,value\nA,yesterday,2\n", "\x00"])
def test_something_else(tmp_path, text):
    path = tmp_path / "other"
    path.write_text(text)
    with pytest.raises(InputError, match="other: no telemetry"):
        Telemetry(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="missing: no telemetry"):
        Telemetry(tmp_path / "missing")


def test_an_empty_list_is_no_value():
    with pytest.raises(InputError, match="has no value"):
        Telemetry({"A": []}).between("A", 0, np.inf, 1)
