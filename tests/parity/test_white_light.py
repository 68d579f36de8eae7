"""Light curves of spectra beside the official step."""

import numpy as np
import pytest
from astropy.table import QTable

from jwst_cal.photometry import WhiteLightStep
from tests.parity import oracle, setup
from tests.spectral_series import ranges, spectra

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Mode, tables, parameters.
CASES = {
    "soss": ("NIS_SOSS", [(1, None)], {}),
    "soss-orders": ("NIS_SOSS", [(1, None), (2, None), (3, None)],
                    {"min_wavelength": 0.7, "max_wavelength": 2.0}),
    "soss-own-ranges": ("NIS_SOSS", [(1, None), (2, None)], {}),
    "bots": ("NRS_BRIGHTOBJ", [(1, "NRS1"), (1, "NRS2")], {}),
    "bots-one-detector": ("NRS_BRIGHTOBJ", [(1, "NRS2")], {"max_wavelength": 1.7}),
    "grism": ("NRC_TSGRISM", [(1, "NRCALONG")], {}),
    "unsorted": ("NRC_TSGRISM", [(1, "NRCALONG")], {}),
}
#: Where only ours puts each flux in its place.
CORRECTED = ("soss-own-ranges", "unsorted")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectra")
    reference = folder / "jwst_niriss_wavelengthrange_0001.asdf"
    ranges().save(reference)
    names = {}
    for seed, (case, (kind, parts, _)) in enumerate(CASES.items()):
        model = spectra(kind, parts, seed=seed, n_ints=6)
        times = model.spec[0].spec_table["MJD-AVG"]
        if case == "unsorted":
            times[:] = times[::-1].copy()
        else:
            times[2], times[4] = np.nan, times[3]
        names[case] = folder / f"jw00001001001_04101_00001_{case}_x1dints.fits"
        model.save(names[case])
    return names, str(reference)


@pytest.fixture(scope="module")
def tables(inputs, tmp_path_factory):
    """Ours and theirs."""
    names, reference = inputs
    folders = [tmp_path_factory.mktemp(who) for who in ("ours", "theirs")]
    options = {case: {**parameters, "override_wavelengthrange": reference}
               for case, (_, _, parameters) in CASES.items()}
    oracle.run_steps(folders[1], [
        ("jwst.white_light.WhiteLightStep", [names[case]], folders[1], options[case])
        for case in CASES])
    for case in CASES:
        WhiteLightStep.call(str(names[case]), save_results=True, output_dir=str(folders[0]),
                            **options[case])
    return {case: [QTable.read(folder / names[case].name.replace("x1dints.fits", "whtlt.ecsv"))
                   for folder in folders] for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_same_columns_and_header(case, tables):
    ours, theirs = tables[case]
    assert list(ours.columns) == list(theirs.columns)
    assert dict(ours.meta) == dict(theirs.meta)
    for name in theirs.columns:
        assert ours[name].unit == theirs[name].unit, name


@pytest.mark.parametrize("case", [case for case in CASES if case not in CORRECTED])
def test_same_numbers(case, tables):
    ours, theirs = tables[case]
    for name in theirs.columns:
        assert np.array_equal(np.asarray(ours[name]), np.asarray(theirs[name]), equal_nan=True), \
            name


def test_only_ours_counts_the_wavelengths_of_each_order(tables):
    """There the range of the first order is that of all."""
    ours, theirs = tables["soss-own-ranges"]
    name = "whitelight_flux_order_{}".format
    assert np.array_equal(ours[name(1)], theirs[name(1)], equal_nan=True)
    model = spectra(*CASES["soss-own-ranges"][:2], seed=2, n_ints=6)
    table = model.spec[1].spec_table
    for found, low, high in ((ours, 0.64, 0.83), (theirs, 0.93, 2.82)):
        inside = (table["WAVELENGTH"] >= low) & (table["WAVELENGTH"] <= high)
        assert np.allclose(found[name(2)].value,
                           np.nansum(np.where(inside, table["FLUX"], 0), axis=1))


def test_only_ours_puts_unsorted_fluxes_beside_their_times(tables):
    ours, theirs = tables["unsorted"]
    assert np.array_equal(ours["MJD_UTC"], theirs["MJD_UTC"])
    assert np.array_equal(ours["whitelight_flux"], theirs["whitelight_flux"][::-1])
