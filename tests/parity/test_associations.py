"""asn_generate beside the official one, on the pools of the official tests."""

import json

import pytest

from jwst_cal.associations import _rules, asn_generate
from jwst_cal.associations import pool as pools
from tests.parity import associations_driver, oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Those that have images, but for the three that take the official package most of a minute each.
POOLS = ("jw00632_dups", "jw09505_20251216t202003_pool", "jw87800_20180412T163456_pool",
         "pool_002_image_miri", "pool_003_image_nircam", "pool_006_spec_nirspec",
         "pool_019_niriss_wfss", "pool_020_00009_image_miri", "pool_021_tso",
         "pool_033_wfs_jitter", "pool_duplicate")
RULES = {rule.name for rule in (*_rules.LEVEL2, *_rules.LEVEL3)}
#: Exposure types of time series of spectra, which are not associated yet.
SPECTRA = ("mir_lrs-slitless", "nis_soss", "nrs_brightobj", "nrc_tsgrism")


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pools")
    oracle.run_program(folder, associations_driver, {"pools": POOLS, "folder": str(folder)})
    return folder


def _told(asn):
    """What must be equal."""
    keys = ("asn_type", "asn_rule", "asn_id", "program", "target", "asn_pool", "code_version",
            "version_id", "degraded_status", "products")
    return {key: asn[key] for key in keys}


@pytest.mark.parametrize("name", POOLS)
def test_associations_of_images(official, name):
    pool = official / f"{name}.csv"
    expected = {}
    for path in pool.with_suffix("").glob("*_asn.json"):
        asn = json.loads(path.read_text())
        if asn["asn_rule"].partition("_")[2] in RULES:
            expected[path.name] = asn
    items = pools.read(pool)
    by_name = {item["filename"].replace("_uncal", "_calints"): item["exp_type"] for item in items}
    expected = {key: asn for key, asn in expected.items() if asn["asn_type"] != "tso3" or
                by_name[asn["products"][0]["members"][0]["expname"]] not in SPECTRA}
    made = {asn.filename: asn for asn in asn_generate.generate(items, pool_name=pool.name)}
    assert len(expected) > 0
    assert set(made) == set(expected)
    for key, asn in made.items():
        assert _told(asn) == _told(expected[key]), key
