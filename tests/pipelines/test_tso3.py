"""Stage 3 of time series: segments, names, tables, what is refused."""

import numpy as np
import pytest
from astropy.table import QTable

from jwst_cal.associations import io
from jwst_cal.associations.asn_from_list import asn_from_list
from jwst_cal.errors import InputError
from jwst_cal.pipelines import Image2Pipeline, Tso3Pipeline
from tests import images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two segments of three integrations each, the third of them with a cosmic ray."""
    folder = tmp_path_factory.mktemp("series")
    paths = images.references("NIRCAM", folder)
    names = []
    for segment in (1, 2):
        first = 1 + 3 * (segment - 1)
        rates = images.time_series(3, 5000 + 10.0 * np.arange(first, first + 3), first=first,
                                   seed=segment)
        rates.meta.filename = rates.meta.filename.replace("seg001", f"seg00{segment}")
        rates.data[1, 20, 30] += 500
        (cube,) = Image2Pipeline.call(rates, steps=images.overrides(Image2Pipeline, paths))
        cube.save(folder / cube.meta.filename)
        names.append(cube.meta.filename)
    asn = asn_from_list(names, product_name="jw00001-o001_t001_nircam_f200w")
    asn["asn_id"] = "a3001"
    io.write(asn, folder / "asn.json")
    return folder


def run(given, **parameters):
    return Tso3Pipeline.call(given, steps={
        "tso_photometry": {"override_gain": "N/A", "radius": 6.0},
    }, **parameters)


def test_one_table_of_all_segments(folder, tmp_path):
    table = run(str(folder / "asn.json"), save_results=True, output_dir=str(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "jw00001-o001_t001_nircam_f200w_phot.ecsv",
        "jw00001001001_02101_00001-seg001_nrca1_a3001_crfints.fits",
        "jw00001001001_02101_00001-seg002_nrca1_a3001_crfints.fits"]
    saved = QTable.read(tmp_path / "jw00001-o001_t001_nircam_f200w_phot.ecsv")
    assert saved.meta["number_of_integrations"] == len(saved) == len(table) == 6
    assert (np.diff(saved["MJD"]) > 0).all()
    assert np.allclose(np.diff(saved["net_aperture_sum"].value) /
                       saved["net_aperture_sum"].value[0], 0.002, atol=0.002)


def test_nothing_is_written_unless_asked_for(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(run(str(folder / "asn.json"))) == 6
    assert not list(tmp_path.iterdir())


def test_one_exposure(folder):
    path = next(folder.glob("*seg002*_calints.fits"))
    assert np.allclose(run(str(path))["MJD"], 60300 + 0.001 * (np.arange(4, 7) + 0.5))


@pytest.mark.parametrize(("kind", "tso", "message"), [
    ("NRC_IMAGE", False, "no time series"),
    ("NRS_BRIGHTOBJ", True, "time series of images only"),
])
def test_refused(kind, tso, message):
    cube = images.time_series(2)
    cube.meta.exposure.type, cube.meta.visit.tsovisit = kind, tso
    with pytest.raises(InputError, match=message):
        run(cube)
