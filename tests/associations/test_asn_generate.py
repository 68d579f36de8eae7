"""Associations from pools: what belongs together, what comes twice, names, bad pools."""

import json

import pytest

from jwst_cal.associations import asn_generate
from jwst_cal.associations import pool as pools
from jwst_cal.errors import InputError, ParameterError

NAMES = ("filename", "program", "obs_num", "instrume", "detector", "filter", "pupil", "subarray",
         "exp_type", "targetid", "pntgtype", "visitype", "bkgdtarg", "tsovisit", "is_psf",
         "is_imprt", "patttype", "obs_id", "act_id", "exposerr", "asn_candidate")


def row(number, candidates=(("o001", "observation"),), **given):
    """An image of NIRCam."""
    usual = {"filename": f"jw00001001001_02101_{number:05d}_nrca1_uncal.fits", "program": "1",
             "obs_num": "1", "instrume": "nircam", "detector": "nrca1", "filter": "f200w",
             "pupil": "clear", "subarray": "full", "exp_type": "nrc_image", "targetid": "1",
             "pntgtype": "science", "visitype": "prime_targeted_fixed", "exposerr": "null"}
    return {**dict.fromkeys(NAMES, "null"), **usual, "asn_candidate": str(list(candidates)),
            **given}


def made(rows, **options):
    return asn_generate.generate(rows, **options)


def brief(asn):
    """Rule, candidate, product, members as role and number."""
    (product,) = asn["products"]
    return (asn["asn_rule"].partition("Asn_")[2], asn["asn_id"], product["name"],
            [(member["exptype"], int(member["expname"].split("_")[2]))
             for member in product["members"]])


def test_images_of_an_observation():
    found = made([row(1), row(2), row(3, filter="f115w")])
    assert sorted(map(brief, found)) == [
        ("Lv2Image", "o001", "jw00001001001_02101_00001_nrca1", [("science", 1)]),
        ("Lv2Image", "o001", "jw00001001001_02101_00002_nrca1", [("science", 2)]),
        ("Lv2Image", "o001", "jw00001001001_02101_00003_nrca1", [("science", 3)]),
        ("Lv3Image", "o001", "jw00001-o001_t001_nircam_clear-f115w", [("science", 3)]),
        ("Lv3Image", "o001", "jw00001-o001_t001_nircam_clear-f200w",
         [("science", 1), ("science", 2)]),
    ]
    assert sorted(asn.filename for asn in found if asn["asn_type"] == "image3") == [
        "jw00001-o001_image3_00001_asn.json", "jw00001-o001_image3_00002_asn.json"]
    names = [m["expname"] for asn in found for m in asn["products"][0]["members"]]
    assert {name.rpartition("_")[2] for name in names} == {"rate.fits", "cal.fits"}


def test_backgrounds_come_with_their_science():
    both = [("o001", "observation"), ("c1000", "background")]
    other = [("o002", "observation"), ("c1000", "background")]
    found = made([row(1, both), row(2, both),
                  row(3, other, bkgdtarg="t", obs_num="2", targetid="2")], discover=False)
    assert sorted(map(brief, found)) == [
        ("Lv2Image", "c1000", "jw00001001001_02101_00001_nrca1",
         [("science", 1), ("background", 3)]),
        ("Lv2Image", "c1000", "jw00001001001_02101_00002_nrca1",
         [("science", 2), ("background", 3)]),
        ("Lv2ImageSpecial", "o002", "jw00001001001_02101_00003_nrca1", [("science", 3)]),
        ("Lv3Image", "o001", "jw00001-o001_t001_nircam_clear-f200w",
         [("science", 1), ("science", 2)]),
        ("Lv3ImageBackground", "o002", "jw00001-o002_t002_nircam_clear-f200w", [("science", 3)]),
    ]


def test_candidates_of_several_observations():
    def rows(kind):
        return [row(number, [(f"o00{number}", "observation"), ("c1000", kind)], obs_num=str(number),
                    targetid=str(number if kind == "mosaic" else 1)) for number in (1, 2)]

    by_rule = {brief(asn)[0]: brief(asn) for asn in made(rows("mosaic"), ids=["c1000"],
                                                         discover=False)}
    assert by_rule == {"Lv3ImageMosaic": (
        "Lv3ImageMosaic", "c1000", "jw00001-c1000_t000_nircam_clear-f200w",
        [("science", 1), ("science", 2)])}
    ids = [brief(asn)[:2] for asn in made(rows("group")) if "Lv3" in asn["asn_rule"]]
    assert sorted(ids) == [("Lv3Image", "c1000"), ("Lv3Image", "o001"), ("Lv3Image", "o002")]
    one = [row(1, [("o001", "observation"), ("c1000", "group")])]
    assert {asn["asn_id"] for asn in made(one)} == {"o001"}


def test_across_candidates():
    rows = [row(number, [(f"o00{number}", "observation")], obs_num=str(number))
            for number in (1, 2)]
    (found,) = [asn for asn in made(rows) if asn["asn_id"] == "a3001"]
    assert found["asn_rule"] == "discover_Asn_Lv3Image"
    assert len(found["products"][0]["members"]) == 2
    assert not [asn for asn in made(rows, discover=False) if asn["asn_id"] == "a3001"]
    assert [asn["asn_id"] for asn in made(rows, candidates=False)] == ["a3001"]


def test_time_series():
    found = made([row(1, tsovisit="t"), row(2, exp_type="nrc_tsimage", subarray="sub64p")])
    rules = {brief(asn)[0] for asn in found}
    assert rules == {"Lv2ImageTSO", "Lv3TSO"}
    names = {m["expname"].rpartition("_")[2] for asn in found
             for m in asn["products"][0]["members"]}
    assert names == {"rateints.fits", "calints.fits"}
    assert {asn["asn_type"] for asn in found} == {"tso-image2", "tso3"}
    assert "jw00001-o001_t001_nircam_clear-f200w-sub64p" in {
        asn["products"][0]["name"] for asn in found}


def test_acquisition_goes_with_what_it_is_for():
    found = made([row(1), row(2, exp_type="nrc_tacq"), row(3, exp_type="nrc_tacq", obs_num="2")],
                 discover=False)
    (level3,) = [brief(asn) for asn in found if "Lv3" in asn["asn_rule"]]
    assert level3[3] == [("science", 1), ("target_acquisition", 2)]
    assert sorted(brief(asn)[3] for asn in found if "NonScience" in asn["asn_rule"]) == [
        [("science", 2)], [("science", 3)]]


def test_pairs_for_the_wavefront():
    common = {"visitype": "prime_wfsc_routine", "patttype": "wfsc", "obs_id": "v1", "act_id": "05"}
    found = made([row(1, **common), row(2, **common), row(3, **common | {"obs_id": "v2"})])
    pairs = [brief(asn) for asn in found if asn["asn_type"] == "wfs-image3"]
    assert [pair[2:] for pair in pairs] == [(
        "jw00001-o001_t001_nircam_clear-f200w-nrca1_{suffix}-05",
        [("science", 1), ("science", 2)])]
    assert [brief(asn)[0] for asn in found].count("Lv2WFSC") == 3


def test_exposures_with_errors():
    found = made([row(1, exposerr="suspect"), row(2)])
    level3 = next(asn for asn in found if asn["asn_type"] == "image3")
    assert level3["degraded_status"].startswith("One or more members")
    assert [m["exposerr"] for m in level3["products"][0]["members"]] == ["suspect", "null"]


def test_merged_and_tagged():
    found = made([row(1), row(2)], merge=True, version_id="20240101t000000", discover=False)
    assert sorted(asn.filename for asn in found) == [
        "jw00001-o001_20240101t000000_image2_00001_asn.json",
        "jw00001-o001_20240101t000000_image3_00001_asn.json"]
    assert sorted(len(asn["products"]) for asn in found) == [1, 2]


def test_spectra_and_empty_pools():
    assert made([row(1, exp_type="nrc_wfss", pupil="grismr")]) == []
    assert made([]) == []


def write(path, rows, delimiter="|"):
    lines = ["# a pool", "#", delimiter.join(name.upper() for name in NAMES)]
    lines += [delimiter.join(one[name].upper() for name in NAMES) for one in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_command(tmp_path, capsys):
    pool = write(tmp_path / "pool.csv", [row(1), row(2, exp_type="nrc_wfss")])
    out = tmp_path / "out"
    out.mkdir()
    assert asn_generate.main([str(pool), "-p", str(out), "--version-id", "-v"]) == 0
    said = capsys.readouterr()
    assert "candidate_Asn_Lv3Image, 1 products, 1 members" in said.out
    assert "1 of 2 exposures are no images" in said.err
    assert len(list(out.iterdir())) == 2
    asn = json.loads(next(out.glob("*image3*")).read_text())
    assert asn["asn_pool"] == "pool.csv"
    assert asn_generate.main([str(pool), "--dry-run", "-p", str(tmp_path / "none")]) == 0


@pytest.mark.parametrize(("text", "message"), [
    ("", "no pool: columns filename, program"),
    ("a,b\n1,2\n", r"columns are separated by '\|'"),
    ("filename|program|instrume|exp_type|asn_candidate\na|b\n", "row 1 has 2 cells where 5"),
])
def test_bad_pools(tmp_path, text, message, capsys):
    (tmp_path / "pool.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        pools.read(tmp_path / "pool.csv")
    assert asn_generate.main([str(tmp_path / "pool.csv")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_missing_pool_and_unknown_candidate(tmp_path):
    with pytest.raises(InputError, match="none: no pool: No such file"):
        pools.read(tmp_path / "none")
    with pytest.raises(ParameterError, match="ids: o009 not in the pool, which has o001"):
        made([row(1)], ids=["o009"])
