"""Source catalogue beside the official step: rows, columns, units, segments."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from stdatamodels.jwst import datamodels

from jwst_cal.photometry.source_catalog import SourceCatalogStep
from tests import star_fields
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Image and parameters.
CASES = {
    "plain": ("NIRCAM", {}),
    "iraf": ("NIRCAM", {"starfinder": "iraf", "snr_threshold": 8.0, "roundhi": 0.4}),
    "dao": ("NIRCAM", {"starfinder": "dao", "roundlo": -0.6, "roundhi": 0.6, "brightest": 20,
                       "minsep_fwhm": 2.0, "kernel_fwhm": 3.5}),
    "apertures": ("NIRCAM", {"aperture_ee1": 20, "aperture_ee2": 50, "aperture_ee3": 80,
                             "ci1_star_threshold": 2.4, "ci2_star_threshold": 1.5,
                             "kernel_fwhm": 4.0, "bkg_boxsize": 60}),
    "segments": ("NIRCAM", {"npixels": 8, "connectivity": "4", "nlevels": 12, "contrast": 0.02,
                            "multithresh_mode": "sinh", "snr_threshold": 2.0,
                            "localbkg_width": 12, "apermask_method": "mask"}),
    "linear": ("NIRCAM", {"multithresh_mode": "linear", "contrast": 0.0, "nlevels": 8,
                          "localbkg_width": 9, "apermask_method": "correct", "kernel_fwhm": 1.2,
                          "kron_params": [2.0, 1.0]}),
    "joined": ("NIRCAM", {"deblend": False, "kernel_fwhm": 0.8, "localbkg_width": 6,
                          "apermask_method": "none"}),
    "miri": ("MIRI", {}),
    "niriss": ("NIRISS", {"npixels": 15}),
    "fgs": ("FGS", {}),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Image and references by instrument."""
    made = {}
    for instrument in star_fields.KINDS:
        folder = tmp_path_factory.mktemp(instrument.lower())
        stars = star_fields.sky()
        if instrument == "NIRCAM":  # pairs that overlap
            ra, dec, flux = (np.append(part, part[:12]) for part in stars)
            ra[-12:] += np.linspace(4e-5, 1e-4, 12)
            flux[-12:] *= np.linspace(0.2, 1.5, 12)
            stars = ra, dec, flux
        image = star_fields.mosaic(instrument, stars)
        image.data[300:, 340:] = 4.0  # something that reaches the corner
        image.save(folder / image.meta.filename)
        made[instrument] = (folder / image.meta.filename,
                            star_fields.catalogue_references(instrument, folder))
    return made


def parameters(inputs, name):
    instrument, given = CASES[name]
    return {**given, **{f"override_{kind}": path for kind, path in inputs[instrument][1].items()}}


@pytest.fixture(scope="module")
def official(inputs, tmp_path_factory):
    """Folders of the official products."""
    targets = {name: tmp_path_factory.mktemp(f"official-{name}") for name in CASES}
    oracle.run_steps(tmp_path_factory.mktemp("official"), [
        ("jwst.source_catalog.SourceCatalogStep", [inputs[CASES[name][0]][0]], targets[name],
         parameters(inputs, name)) for name in CASES])
    return targets


@pytest.fixture(scope="module", params=CASES)
def products(request, inputs, official, tmp_path_factory):
    """Our folder and the official one."""
    ours = tmp_path_factory.mktemp("ours")
    SourceCatalogStep.call(str(inputs[CASES[request.param][0]][0]), save_results=True,
                           output_dir=str(ours), **parameters(inputs, request.param))
    assert ({path.name for path in ours.iterdir()}
            == {path.name for path in official[request.param].iterdir()})
    return ours, official[request.param]


def test_catalogues_agree(products):
    ours, official = (QTable.read(folder / "mosaic_cat.ecsv") for folder in products)
    assert ours.colnames == official.colnames
    assert len(ours) == len(official) > 10
    for name in official.colnames:
        a, b = ours[name], official[name]
        assert a.info.description == b.info.description, name
        assert a.info.format == b.info.format, name
        if isinstance(b, SkyCoord):
            np.testing.assert_array_equal(np.isnan(a.ra), np.isnan(b.ra))
            assert np.nanmax(a.separation(b).to_value("arcsec")) < 1e-6
            continue
        assert getattr(a, "unit", None) == getattr(b, "unit", None), name
        a, b = (np.asarray(getattr(column, "value", column)) for column in (a, b))
        assert a.dtype == b.dtype, name
        if name == "nn_label":  # of neighbours as far away the tree of scipy takes any
            places = np.stack([np.asarray(official[axis]) for axis in ("xcentroid", "ycentroid")],
                              axis=1)
            row = {label: k for k, label in enumerate(official["label"])}
            away = [np.hypot(*(places - places[[row[label] for label in labels]]).T)
                    for labels in (a, b)]
            np.testing.assert_allclose(*away, rtol=1e-9)
        elif name.endswith("orientation"):  # of what is symmetric only rounding tells which end
            np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
            assert np.abs((a - b + 90) % 180 - 90).max(initial=0, where=~np.isnan(a)) < 1e-3
        elif b.dtype.kind == "f":
            # roundness is a difference of sums in float32
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6 if name == "roundness" else 0,
                                       err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)
    assert {**ours.meta["aperture_params"]}.keys() == official.meta["aperture_params"].keys()
    for name, value in official.meta["aperture_params"].items():
        np.testing.assert_allclose(ours.meta["aperture_params"][name], value, rtol=1e-7)
    assert ours.meta["abvega_offset"] == official.meta["abvega_offset"]


def test_segments_agree(products):
    ours, official = (folder / "mosaic_segm.fits" for folder in products)
    if not official.exists():
        return
    with datamodels.open(ours) as a, datamodels.open(official) as b:
        np.testing.assert_array_equal(a.data, b.data)
        assert a.data.dtype == b.data.dtype
        mine, theirs = (model.to_flat_dict(include_arrays=False) for model in (a, b))
        own = ("meta.date", "meta.calibration_software", "meta.ref_file", "meta.provenance",
               "cal_logs", "meta.wcs.", "_fits_hash", "history", "asdf")
        different = {key: (mine.get(key), theirs.get(key)) for key in {*mine, *theirs}
                     if not key.startswith(own) and key != "meta.wcs"
                     and mine.get(key) != theirs.get(key)}
        assert not different
