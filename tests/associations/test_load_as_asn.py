"""Whatever a pipeline takes, as an association."""

import json
import subprocess
import sys

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import ImageModel

from jwst_cal.associations import load_as_level2_asn, load_as_level3_asn
from jwst_cal.associations.load_as_asn import LoadAsAssociation, LoadAsLevel2Asn
from jwst_cal.errors import InputError

ASN = {"products": [{"name": "p", "members": [{"expname": "a_rate.fits", "exptype": "science"}]}]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x_asn.json"
    path.write_text(json.dumps(ASN))
    return path


def model(name="jw01_nrca1_rate.fits"):
    found = ImageModel(data=np.zeros((2, 2), np.float32))
    found.meta.filename = name
    return found


def products(asn):
    return [(p["name"], [m["expname"] for m in p["members"]]) for p in asn["products"]]


@pytest.mark.parametrize("load", [load_as_level2_asn, load_as_level3_asn])
class TestAssociations:
    def test_file(self, load, file):
        for given in (file, str(file)):
            asn = load(given)
            assert products(asn) == [("p", ["a_rate.fits"])]
            assert asn.filename == str(file)
            assert asn["asn_pool"] == "none"

    def test_in_memory(self, load):
        asn = load(ASN)
        assert products(asn) == [("p", ["a_rate.fits"])]
        assert asn.filename == "singleton"
        asn["products"].clear()
        assert ASN["products"]

    @pytest.mark.parametrize("name", ["none_asn.json", "none.yaml"])
    def test_missing_one_is_no_exposure(self, load, name):
        with pytest.raises(InputError, match=f"{name}: no association: No such file"):
            load(name)

    def test_broken_one(self, load, tmp_path):
        (tmp_path / "b.json").write_text("{")
        with pytest.raises(InputError, match=r"b.json: no association: not JSON"):
            load(tmp_path / "b.json")


class TestLevel2:
    def test_file(self):
        asn = load_as_level2_asn("d/a_rate.fits")
        assert products(asn) == [("a", ["d/a_rate.fits"])]
        assert (asn.filename, asn["asn_pool"], asn["asn_id"]) == ("singleton", "singleton", "a3001")
        assert asn["asn_rule"] == "DMSLevel2bBase"

    def test_open_models_stay_open(self):
        one, two = model(), model("jw01_nrca2_rate.fits")
        asn = load_as_level2_asn([one, two])
        assert products(asn) == [("jw01_nrca1_rate", [one]), ("jw01_nrca2_rate", [two])]
        assert products(load_as_level2_asn(one)) == [("jw01_nrca1_rate", [one])]

    @pytest.mark.parametrize("items", [["a_rate.fits", "b_rate.fits"], [model(), model()]])
    def test_names_are_numbered(self, items):
        asn = load_as_level2_asn(items, basename="d/zed.fits")
        assert [p["name"] for p in asn["products"]] == ["zed", "zed_2"]

    def test_name_of_the_reference_release(self):
        assert products(LoadAsLevel2Asn.load("a_rate.fits", basename="q")) == [
            ("q", ["a_rate.fits"])]


class TestLevel3:
    def test_one_product_of_all(self):
        asn = load_as_level3_asn(["a_cal.fits", "b_cal.fits"], product_name="p")
        assert products(asn) == [("p", ["a_cal.fits", "b_cal.fits"])]
        assert (asn["asn_rule"], asn["asn_pool"]) == ("DMS_Level3_Base", "singleton")

    def test_named_after_the_first(self):
        assert products(load_as_level3_asn(("a_cal.fits", "b_cal.fits")))[0][0] == "a"
        one = model("q_cal.fits")
        assert products(LoadAsAssociation.load(one)) == [("q_cal", [one])]


def test_data_models_are_not_imported_for_files():
    code = ("import sys; from jwst_cal.associations import load_as_level2_asn as load; "
            "load('a_rate.fits'); print('stdatamodels' in sys.modules)")
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == "False"
