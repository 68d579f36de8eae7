"""The pointing of exposures from telemetry: recovered, planned, refused."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.pointing import attitude, set_telescope_pointing, set_velocity_aberration
from jwst_cal.simulate import dithers

KEYS = ("RA_V1", "DEC_V1", "PA_V3", "RA_REF", "DEC_REF", "ROLL_REF", "CRVAL1", "CRVAL2", "PC1_1",
        "PC1_2", "PC2_1", "PC2_2", "V2_REF", "V3_REF", "V3I_YANG", "VPARITY")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return dithers.dithers(tmp_path_factory.mktemp("set"), "MIRI", subarray="SUB64", n_dithers=2,
                           n_ints=1, n_groups=2, stars=1, field=(0.001, 47.0, 300.0))


@pytest.fixture
def exposure(made, tmp_path):
    """An exposure that knows nothing of its pointing."""
    path = tmp_path / made.exposures[1].name
    shutil.copy(made.exposures[1], path)
    with fits.open(path, mode="update") as file:
        for key in (*KEYS, "S_REGION", "VA_SCALE"):
            file["SCI"].header.remove(key, ignore_missing=True)
    return path


def edit(path, **cards):
    with fits.open(path, mode="update") as file:
        for key, value in cards.items():
            header = file["SCI"].header if key in file["SCI"].header else file[0].header
            if value is None:
                header.remove(key)
            else:
                header[key] = value


@pytest.mark.parametrize("control", ["FINEGUIDE", "COARSE", None])
def test_telemetry_of_the_simulation_gives_its_pointing(made, exposure, control):
    edit(exposure, PCS_MODE=control)
    set_telescope_pointing.add_wcs(exposure, made.telemetry)
    set_velocity_aberration.add_dva(exposure)
    true, found = (fits.getheader(path, "SCI") for path in (made.exposures[1], exposure))
    atol = 5e-7 if control == "FINEGUIDE" else 1e-10  # the first has guide stars in a plane
    for key in KEYS:
        difference = found[key] - true[key]
        assert_allclose((difference + 180) % 360 - 180, 0, atol=max(atol, 1e-10) * (
            300 if key in ("PA_V3", "ROLL_REF") else 1), err_msg=key)
    assert_allclose(found["VA_SCALE"], true["VA_SCALE"], rtol=1e-12)
    corners = [np.array(head["S_REGION"].split()[2:], float).reshape(4, 2).T
               for head in (true, found)]
    around = attitude.attitude(0, 0, true["RA_REF"], true["DEC_REF"], 0)
    assert_allclose(*(attitude.to_telescope(around, *part) for part in corners), atol=1e-3)
    quality = "TRACK" if control == "FINEGUIDE" else "COARSE"
    assert fits.getval(exposure, "ENGQLPTG") == f"CALCULATED_{quality}_TR_202111"


def test_time_series_get_the_place_of_the_source(made, exposure):
    edit(exposure, TSOVISIT=True, NINTS=2, XREF_SCI=None)
    set_telescope_pointing.add_wcs(exposure, made.telemetry)
    assert fits.getval(exposure, "XREF_SCI", "SCI") == fits.getval(made.exposures[1], "XREF_SCI", 1)


def test_planned_pointing(exposure):
    with pytest.raises(InputError, match="mnemonic SA_ZATTEST1 missing"):
        set_telescope_pointing.add_wcs(exposure, {})
    set_telescope_pointing.add_wcs(exposure, {}, allow_default=True, default_pa_v3=30.0)
    header = fits.getheader(exposure, "SCI")
    assert (header["RA_REF"], header["DEC_REF"]) == (0.001, 47.0)
    assert (header["RA_V1"], header["PA_V3"]) == (0.001, 30.0)
    assert header["ROLL_REF"] == 30.0 - header["V3I_YANG"]
    assert fits.getval(exposure, "ENGQLPTG") == "PLANNED"


def test_a_dry_run_changes_nothing(made, exposure):
    before = exposure.read_bytes()
    set_telescope_pointing.add_wcs(exposure, made.telemetry, dry_run=True)
    assert exposure.read_bytes() == before


def test_the_method_asked_for_is_used(made, exposure):
    set_telescope_pointing.add_wcs(exposure, made.telemetry, method="coarse_tr_202111")
    assert fits.getval(exposure, "ENGQLPTG") == "CALCULATED_COARSE_TR_202111"


@pytest.mark.parametrize(("cards", "message"), [
    ({"APERNAME": None}, "APERNAME missing"),
    ({"GS_RA": None}, "GS_RA or GS_DEC missing"),
    ({"EXPEND": None}, "EXPSTART or EXPEND missing"),
    ({"EXPSTART": 50000.0, "EXPEND": 50001.0}, "has no value from MJD 50000"),
    ({"EXP_TYPE": "FGS_TRACK"}, "coordinates of guide-star exposures"),
])
def test_refused(made, exposure, cards, message):
    edit(exposure, **cards)
    before = exposure.read_bytes()
    with pytest.raises(InputError, match=message):
        set_telescope_pointing.add_wcs(exposure, made.telemetry)
    assert exposure.read_bytes() == before


def test_unknown_aperture_and_method(made, exposure):
    edit(exposure, APERNAME="MIRIM_NOWHERE")
    with pytest.raises(ParameterError, match="aperture 'MIRIM_NOWHERE'"):
        set_telescope_pointing.add_wcs(exposure, made.telemetry)
    with pytest.raises(ParameterError, match="method: 'v1'"):
        set_telescope_pointing.add_wcs(exposure, made.telemetry, method="v1")


def test_telemetry_of_zeros(exposure):
    import json

    from jwst_cal.simulate import telemetry

    start = fits.getval(exposure, "EXPSTART")
    found = telemetry.mnemonics(np.eye(3), (0, 0, 0), start, start + 1e-3)
    found["SA_ZATTEST2"] = [[time, 0.0] for time, _ in found["SA_ZATTEST2"]]
    with pytest.raises(InputError, match="only zeros in SA_ZATTEST2"):
        set_telescope_pointing.add_wcs(exposure, json.loads(json.dumps(found)))


def test_commands(made, exposure, tmp_path, capsys):
    assert set_velocity_aberration.main([str(exposure)]) == 1
    assert "RA_REF, DEC_REF missing" in capsys.readouterr().err
    assert set_telescope_pointing.main(
        ["--engdb_url", str(made.telemetry), str(exposure), str(tmp_path / "none.fits")]) == 1
    error = capsys.readouterr().err
    assert "none.fits: cannot be opened as an exposure" in error
    assert error.count("\n") == 1
    with pytest.raises(SystemExit):
        set_telescope_pointing.main([str(exposure)])
    assert "no telemetry: give --engdb_url FILE" in capsys.readouterr().err
    assert set_velocity_aberration.main([str(exposure)]) == 0
    assert fits.getval(exposure, "VA_SCALE", "SCI") != 1
