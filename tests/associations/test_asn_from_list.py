"""asn_from_list writes what the reference release's command writes, and refuses with one line."""

import json
import subprocess
import sys

import pytest

from jwst_cal.associations import asn_from_list, load_asn
from jwst_cal.errors import InputError, ParameterError

COMMON = {
    "asn_type": "None",
    "asn_rule": "DMS_Level3_Base",
    "version_id": None,
    "code_version": "3.0.0",
    "degraded_status": "No known degraded exposures in association.",
    "program": "noprogram",
    "constraints": "No constraints",
    "asn_id": "a3001",
}


def science(name):
    return {"expname": name, "exptype": "science"}


def test_stage_3_is_one_product(tmp_path):
    out = tmp_path / "l3_asn.json"
    status = asn_from_list.main(["-o", str(out), "--product-name", "prod", "a_cal.fits",
                                 "b_cal.fits"])
    assert status == 0
    wanted = {**COMMON, "target": "none", "asn_pool": "none",
              "products": [{"name": "prod",
                            "members": [science("a_cal.fits"), science("b_cal.fits")]}]}
    assert json.loads(out.read_text()) == wanted
    assert list(json.loads(out.read_text())) == list(wanted)
    assert out.read_text().startswith('{\n    "asn_type"')


def test_stage_2_is_a_product_per_file():
    table = asn_from_list.asn_from_list(["a_rate.fits", "b_rateints.fits"], rule="DMSLevel2bBase")
    assert table["products"] == [{"name": "a", "members": [science("a_rate.fits")]},
                                 {"name": "b", "members": [science("b_rateints.fits")]}]
    assert "target" not in table


def test_roles_join_each_science_item(tmp_path):
    out = tmp_path / "l2_asn.json"
    assert asn_from_list.main(["-o", str(out), "-r", "DMSLevel2bBase", "a_rate.fits",
                               "bkg_rate.fits,background"]) == 0
    (product,) = load_asn(out)["products"]
    assert product["members"][1] == {"expname": "bkg_rate.fits", "exptype": "background"}


def test_yaml_and_dump(tmp_path):
    out = tmp_path / "t_asn.yaml"
    assert asn_from_list.main(["-o", str(out), "-f", "yaml", "--product-name", "p", "a.fits"]) == 0
    assert load_asn(out)["products"][0]["name"] == "p"
    name, text = asn_from_list.asn_from_list(["a.fits"], product_name="p").dump()
    assert name == "p_asn.json"
    assert json.loads(text)["products"][0]["members"] == [science("a.fits")]


@pytest.mark.parametrize(("items", "options", "said"), [
    (["a.fits"], {}, "needs a product name"),
    (["a.fits"], {"rule": "Bogus"}, "'Bogus' where one of"),
    (["a.fits"], {"rule": "DMSLevel2bBase", "acid": "x1"}, "starts with o or c"),
    ([], {"product_name": "p"}, "no files"),
])
def test_refusals(items, options, said):
    with pytest.raises(ParameterError, match=said):
        asn_from_list.asn_from_list(items, **options)


def test_command_says_one_line(tmp_path):
    run = subprocess.run(
        [sys.executable, "-P", "-c",
         "import sys; from jwst_cal.associations.asn_from_list import main; "
         "sys.exit(main())", "-o", str(tmp_path / "no" / "x.json"), "--product-name", "p", "a"],
        capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "cannot be written" in run.stderr


@pytest.mark.parametrize(("text", "said"), [
    ("{", "not JSON"),
    ("[1, 2]", "no association"),
    ('{"members": []}', "no 'products'"),
    ('{"products": [{"name": "x"}]}', "product 0 has no 'members'"),
    ('{"products": [{"members": [{"expname": "a"}]}]}', "no 'exptype'"),
])
def test_no_association(tmp_path, text, said):
    table = tmp_path / "bad_asn.json"
    table.write_text(text)
    with pytest.raises(InputError, match=said):
        load_asn(table)


def test_missing_association_and_trailing_comma(tmp_path, caplog):
    with pytest.raises(InputError, match="No such file"):
        load_asn(tmp_path / "none_asn.json")
    table = tmp_path / "comma_asn.json"
    table.write_text('{"products": [{"members": [{"expname": "a", "exptype": "science"},]}]}')
    assert load_asn(table)["asn_pool"] == "none"
    assert "not valid JSON" in caplog.text
