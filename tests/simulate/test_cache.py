"""The embedded CRDS cache: complete, consistent, safe to write at once, never stale."""

import ast
import hashlib
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal import registry
from jwst_cal.errors import OutputError, ReferenceFileError
from jwst_cal.framework import reference_store
from jwst_cal.simulate import cache, references
from jwst_cal.simulate.detectors import DETECTORS, Window
from jwst_cal.simulate.exposures import configurations, simulate
from jwst_cal.simulate.instruments import INSTRUMENTS

MODELS = {
    "mask": datamodels.MaskModel, "saturation": datamodels.SaturationModel,
    "superbias": datamodels.SuperBiasModel, "linearity": datamodels.LinearityModel,
    "gain": datamodels.GainModel, "readnoise": datamodels.ReadnoiseModel,
    "dark": datamodels.DarkModel, "reset": datamodels.ResetModel, "rscd": datamodels.RSCDModel,
    "emicorr": datamodels.EmiModel, "trapdensity": datamodels.TrapDensityModel,
    "trappars": datamodels.TrapParsModel, "persat": datamodels.PersistenceSatModel,
    "ipc": datamodels.IPCModel, "flat": datamodels.FlatModel,
    "sirskernel": datamodels.SIRSKernelModel, "pictureframe": datamodels.PictureFrameModel,
    "distortion": datamodels.DistortionModel, "filteroffset": datamodels.FilteroffsetModel,
    "area": datamodels.PixelAreaModel, "photom": datamodels.MirImgPhotomModel,
    "apcorr": datamodels.MirImgApcorrModel, "abvegaoffset": datamodels.ABVegaOffsetModel,
    "bkg": datamodels.SossBkgModel, "pastasoss": datamodels.PastasossModel,
    "wavelengthrange": datamodels.WavelengthrangeModel,
    "disperser": datamodels.DisperserModel, "msa": datamodels.MSAModel,
    "camera": datamodels.CameraModel, "ifupost": datamodels.IFUPostModel,
}
#: Types whose files tell no place on the detector.
NO_PLACE = ("rscd", "emicorr", "trappars", "sirskernel", "ipc", "pictureframe", "distortion",
            "filteroffset", "area", "photom", "apcorr", "abvegaoffset", "pastasoss",
            "wavelengthrange", "disperser", "msa", "camera", "ifupost")
MIRI = [name for name, row in references.REFERENCES.items() if row.detector == "MIRIMAGE"]
NIRCAM = ["jwst_nircam_mask_9001.fits", "jwst_nircam_gain_9001.fits",
          "jwst_nircam_superbias_9004.fits", "jwst_nircam_dark_9004.fits",
          "jwst_nircam_trapdensity_9001.fits", "jwst_nircam_trappars_9001.fits",
          "jwst_nircam_persat_9001.fits"]
OTHERS = ["jwst_nircam_dark_9063.fits", "jwst_niriss_superbias_9004.fits",
          "jwst_nirspec_gain_9004.fits", "jwst_nirspec_dark_9004.fits",
          "jwst_nirspec_superbias_9063.fits", "jwst_fgs_dark_9062.fits", "jwst_fgs_ipc_9001.fits",
          "jwst_fgs_flat_9001.fits", "jwst_nirspec_pictureframe_9001.fits",
          "jwst_niriss_sirskernel_9001.asdf", "jwst_nircam_distortion_9241.asdf",
          "jwst_nircam_filteroffset_9241.asdf", "jwst_nircam_photom_9241.fits",
          "jwst_nircam_apcorr_9001.fits", "jwst_nircam_abvegaoffset_9001.asdf",
          "jwst_niriss_distortion_9001.asdf", "jwst_niriss_filteroffset_9001.asdf",
          "jwst_niriss_photom_9001.fits", "jwst_niriss_apcorr_9001.fits",
          "jwst_niriss_bkg_9001.fits", "jwst_niriss_pastasoss_9001.asdf",
          "jwst_niriss_wavelengthrange_9001.asdf", "jwst_nirspec_wavelengthrange_9001.asdf",
          "jwst_nirspec_disperser_9003.asdf", "jwst_nirspec_msa_9001.asdf",
          "jwst_nirspec_camera_9001.asdf", "jwst_nirspec_ifupost_9001.asdf",
          "jwst_fgs_distortion_9061.asdf", "jwst_fgs_photom_9061.fits", "jwst_fgs_apcorr_9001.fits",
          "jwst_fgs_abvegaoffset_9001.asdf", "jwst_fgs_area_9001.fits"]
LARGE = {f"jwst_miri_{name}.fits" for name in ("dark_9001", "reset_9001", "dark_9031",
                                               "reset_9031")}
SMALL = [n for n in MIRI + NIRCAM + OTHERS if n not in LARGE]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def root(shared, monkeypatch):
    """One cache for the tests that only add to it."""
    monkeypatch.setenv("JWST_CAL_CACHE", str(shared))
    monkeypatch.setenv("JWST_CAL_CRDS", "embedded")
    return cache.ensure()


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("JWST_CAL_CACHE", str(tmp_path / "empty"))
    return tmp_path / "empty"


def _parse(text):
    header, selector = (node.value for node in ast.parse(text).body)
    names = {c.value for c in ast.walk(selector) if isinstance(c, ast.Constant)
             and re.search(r"\.(imap|rmap|fits|asdf|json)$", str(c.value))}
    return ast.literal_eval(header), selector, names


# ---- rules --------------------------------------------------------------------------------------
def test_every_mapping_names_itself_and_has_the_right_checksum(root):
    paths = list((root / "mappings" / "jwst").iterdir())
    rules = sum(len(instrument.references) for instrument in INSTRUMENTS.values())
    assert len(paths) == 1 + 5 + rules
    for path in paths:
        text = path.read_text()
        header, _, _ = _parse(text)
        kept = "".join(x for x in text.splitlines(keepends=True) if "sha1sum" not in x)
        assert header["sha1sum"] == hashlib.sha1(kept.encode()).hexdigest()
        assert header["name"] == path.name


def test_everything_a_mapping_names_exists_or_can_be_made(root):
    known = {p.name for p in (root / "mappings" / "jwst").iterdir()} | set(references.REFERENCES)
    named = set()
    for path in (root / "mappings" / "jwst").iterdir():
        named |= _parse(path.read_text())[2]
    assert named | {cache.CONTEXT} == known


def test_every_instrument_answers_for_every_type(root):
    wanted = {t.upper() for t in cache.reference_types()}
    assert {f"PARS-{row.class_name.upper()}" for row in registry.ROWS} <= wanted
    assert {"SIRSKERNEL", "PICTUREFRAME", "PERSAT", "MASK", "RSCD"} <= wanted
    for instrument in ("fgs", "miri", "nircam", "niriss", "nirspec"):
        text = (root / "mappings" / "jwst" / f"jwst_{instrument}_9001.imap").read_text()
        selector = ast.literal_eval(_parse(text)[1])
        assert set(selector) == wanted
        assert all(v == "N/A" or v.endswith(".rmap") for v in selector.values())


def test_configuration_is_tagged_flat(root):
    config = root / "config" / "jwst"
    assert (config / "ref_cache_subdir_mode").read_text() == "flat"
    assert (config / "bad_files.txt").read_text() == ""
    info = ast.literal_eval((config / "server_config").read_text())
    assert info["observatory"] == "jwst"
    assert info["latest_context"] == cache.CONTEXT
    assert info["bad_files_list"] == []


HEADER = {"meta.observation.date": "2024-07-01", "meta.observation.time": "03:14:15.926",
          "meta.exposure.noutputs": 4, "meta.instrument.filter": "F770W"}


@pytest.mark.parametrize(("instrument", "detector", "subarray", "reftype", "expected"), [
    ("NIRCAM", "NRCA1", "SUB64P", "superbias", "jwst_nircam_superbias_9004.fits"),
    ("NIRCAM", "NRCA1", "SUB64P", "dark", "jwst_nircam_dark_9004.fits"),
    ("NIRCAM", "NRCA1", "SUB64P", "gain", "jwst_nircam_gain_9001.fits"),
    ("NIRCAM", "NRCA1", "SUB64P", "ipc", "N/A"),
    ("NIRCAM", "NRCA1", "SUB64P", "reset", "N/A"),
    ("NIRCAM", "NRCA1", "SUB64P", "pars-jumpstep", "N/A"),
    ("NIRCAM", "NRCA1", "SUB640", "dark", "N/A"),
    ("NIRCAM", "NRCB4", "FULL", "gain", "jwst_nircam_gain_9481.fits"),
    ("NIRCAM", "NRCB5", "FULL", "gain", "N/A"),
    ("MIRI", "MIRIMAGE", "SUB64", "dark", "jwst_miri_dark_9003.fits"),
    ("MIRI", "MIRIMAGE", "SUB64", "reset", "jwst_miri_reset_9003.fits"),
    ("MIRI", "MIRIMAGE", "SUB64", "linearity", "jwst_miri_linearity_9001.fits"),
    ("MIRI", "MIRIMAGE", "SUB64", "rscd", "jwst_miri_rscd_9001.fits"),
    ("MIRI", "MIRIMAGE", "SUB64", "superbias", "N/A"),
    ("MIRI", "MIRIMAGE", "SUB64", "emicorr", "jwst_miri_emicorr_9001.asdf"),
    ("MIRI", "MIRIFULONG", "FULL", "rscd", "jwst_miri_rscd_9121.fits"),
    ("NIRISS", "NIS", "SUBSTRIP96", "dark", "jwst_niriss_dark_9003.fits"),
    ("NIRSPEC", "NRS2", "SUB512", "gain", "jwst_nirspec_gain_9064.fits"),
    ("NIRSPEC", "NRS1", "SUB512", "refpix", "N/A"),
    ("FGS", "GUIDER2", "SUB128LL", "superbias", "jwst_fgs_superbias_9062.fits"),
    ("NIRCAM", "NRCB4", "SUB160", "distortion", "jwst_nircam_distortion_9481.asdf"),
    ("NIRCAM", "NRCB4", "SUB160", "apcorr", "jwst_nircam_apcorr_9001.fits"),
    ("MIRI", "MIRIMAGE", "SUB64", "flat", "jwst_miri_flat_9001.fits"),
    ("MIRI", "MIRIFULONG", "FULL", "photom", "N/A"),
])
def test_crds_chooses(root, instrument, detector, subarray, reftype, expected):
    header = HEADER | {
        "meta.instrument.name": instrument, "meta.instrument.detector": detector,
        "meta.subarray.name": subarray,
        "meta.exposure.readpatt": {"MIRI": "FASTR1", "NIRSPEC": "NRSRAPID"}.get(
            instrument, "RAPID"),
        "meta.exposure.type": "MIR_IMAGE" if instrument == "MIRI" else "NRC_IMAGE",
    }
    found = reference_store.find(header, reftype)
    assert os.path.basename(found) == expected or found == expected
    if found != "N/A":
        assert os.path.exists(found)
    assert reference_store.used().context == cache.CONTEXT


@pytest.mark.parametrize("kind", configurations(), ids=lambda k: "-".join(k[1:4]))
def test_crds_chooses_files_of_the_same_detector_and_subarray(root, monkeypatch, kind):
    monkeypatch.setattr(cache, "materialise", lambda name: name)
    instrument = INSTRUMENTS[kind.instrument]
    detector = next(d for d in instrument.detectors if d.name == kind.detector)
    own = detector.subarray(kind.subarray).has_files
    header = HEADER | {
        "meta.instrument.name": kind.instrument, "meta.instrument.detector": kind.detector,
        "meta.subarray.name": kind.subarray, "meta.exposure.readpatt": kind.readpatt,
        "meta.exposure.type": kind.exp_type, "meta.instrument.grating": "G395H",
        **{f"meta.instrument.{key.lower()}": value for key, value in detector.cards},
    }
    for reftype, rule in instrument.references.items():
        found = reference_store.find(header, reftype)
        by_type = "EXP_TYPE" in rule.keywords.split()
        if (rule.speeds or (rule.own == "subarray" and not own)
                or (by_type and kind.exp_type not in rule.exp_types)
                or kind.detector not in (rule.detectors or [kind.detector])):
            assert found == "N/A", reftype
            continue
        row = references.REFERENCES[found]
        assert row.instrument == kind.instrument
        assert row.is_common or row.detector == kind.detector
        if rule.own == "channel":
            assert dict(DETECTORS[row.detector].cards) == dict(detector.cards)
        assert row.subarray == (kind.subarray if rule.own == "subarray" else "FULL")


@pytest.mark.parametrize("readpatt", ["NRSIRS2RAPID", "NRSIRS2"])
@pytest.mark.parametrize("reftype", ["mask", "superbias", "dark", "refpix"])
def test_crds_chooses_by_speed(root, monkeypatch, readpatt, reftype):
    monkeypatch.setattr(cache, "materialise", lambda name: name)
    header = HEADER | {
        "meta.instrument.name": "NIRSPEC", "meta.instrument.detector": "NRS2",
        "meta.subarray.name": "FULL", "meta.exposure.readpatt": readpatt,
        "meta.exposure.type": "NRS_IFU",
    }
    assert references.REFERENCES[reference_store.find(header, reftype)].speed == "IRS2"


# ---- reference files ----------------------------------------------------------------------------
@pytest.mark.parametrize("basename", SMALL)
def test_opens_as_the_right_model(root, basename):
    row = references.REFERENCES[basename]
    path = cache.materialise(basename)
    expected = MODELS[row.reftype]
    special = {"jwst_miri_dark": datamodels.DarkMIRIModel,
               "jwst_nirspec_dark": datamodels.DarkNirspecModel,
               "jwst_nircam_photom": datamodels.NrcImgPhotomModel,
               "jwst_niriss_photom": datamodels.NisImgPhotomModel,
               "jwst_fgs_photom": datamodels.FgsImgPhotomModel,
               "jwst_nircam_apcorr": datamodels.NrcImgApcorrModel,
               "jwst_niriss_apcorr": datamodels.NisImgApcorrModel,
               "jwst_fgs_apcorr": datamodels.FgsImgApcorrModel}
    expected = special.get(basename[:-10], expected)
    if row.extension == "fits":
        with fits.open(path) as file:
            file.verify("exception")
    opened = datamodels.open(path) if row.extension == "fits" else expected(
        path, strict_validation=True)
    with opened as model:
        assert type(model) is expected
        model.validate()
        assert model.meta.instrument.name == row.instrument
        assert model.meta.instrument.detector == (
            row.detector if not row.is_common else "N/A" if row.extension == "fits" else None)
        assert model.meta.useafter == "1900-01-01T00:00:00"
        assert model.meta.filename == basename
        if row.reftype not in NO_PLACE:
            sub = model.meta.subarray
            array = model.dq if row.reftype == "mask" else (
                model.coeffs if row.reftype == "linearity" else model.data)
            assert array.shape[-2:] == (sub.ysize, sub.xsize)


def test_references_describe_the_detector_of_the_exposures(root):
    exposure = simulate("MIRI", "SUB64", n_groups=2)
    truth, window = exposure.truth, exposure.window
    cut = (slice(778, 842), slice(0, 72))
    with datamodels.open(cache.materialise("jwst_miri_gain_9001.fits")) as gain:
        usable = gain.data[cut] > 0
        assert_array_equal(gain.data[cut][usable], truth.gain[usable])
    with datamodels.open(cache.materialise("jwst_miri_mask_9001.fits")) as mask:
        assert_array_equal(mask.dq[cut], truth.bad_pixels)
    with datamodels.open(cache.materialise("jwst_miri_readnoise_9001.fits")) as readnoise:
        assert_array_equal(readnoise.data[cut], truth.cds_noise)
    with datamodels.open(cache.materialise("jwst_miri_dark_9003.fits")) as dark:
        times = np.arange(1, 53) * window.subarray.frame_time
        slope = (dark.data[0] - dark.data[0].mean(0)) * (times - times.mean())[:, None, None]
        slope = slope.sum(0) / ((times - times.mean()) ** 2).sum()
        good = truth.bad_pixels == 0
        assert_allclose(np.median((slope - truth.dark_rate)[good]), 0, atol=0.01)


def test_dq_of_a_reference_is_translated_by_name(root):
    window = Window("MIRIMAGE")
    with datamodels.open(cache.materialise("jwst_miri_saturation_9001.fits")) as model:
        unchecked = model.dq & datamodels.dqflags.pixel["NO_SAT_CHECK"] != 0
        assert_array_equal(unchecked[window.reference], True)
        assert 0 < unchecked.mean() < 0.02


@pytest.mark.parametrize("basename", ["jwst_miri_dark_9003.fits", "jwst_nircam_superbias_9004.fits",
                                      "jwst_miri_rscd_9001.fits"])
def test_two_builds_are_the_same_bytes(tmp_path, basename):
    a, b = (cache.materialise(basename, tmp_path / name) for name in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()
    rules = [sorted((p.relative_to(tmp_path / n), p.read_bytes())
                    for part in ("config", "mappings")
                    for p in (tmp_path / n / part).rglob("*") if p.is_file()) for n in ("a", "b")]
    assert rules[0] == rules[1]


# ---- where and when -----------------------------------------------------------------------------
def test_the_directory_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("JWST_CAL_CACHE", str(tmp_path / "one"))
    assert cache.directory().parent == tmp_path / "one"
    monkeypatch.delenv("JWST_CAL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
    assert cache.directory().parent == tmp_path / "two" / "jwst_cal"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.directory().parent == tmp_path / "home" / ".cache" / "jwst_cal"


def test_a_cache_of_other_content_has_another_name(empty, monkeypatch):
    before = cache.ensure()
    monkeypatch.setattr(np, "__version__", "99.1.0")
    cache.fingerprint.cache_clear()
    try:
        after = cache.ensure()
    finally:
        monkeypatch.undo()
        cache.fingerprint.cache_clear()
    assert after != before
    assert before.exists()
    assert after.exists()


def test_caches_of_other_versions_are_removed_when_asked(empty):
    root = cache.ensure()
    (empty / "crds-000000000000" / "config").mkdir(parents=True)
    (empty / "mine").mkdir()
    assert cache.prune() == [empty / "crds-000000000000"]
    assert sorted(p.name for p in empty.iterdir()) == sorted([root.name, "mine"])


def test_an_existing_cache_is_not_written_again(empty):
    root = cache.ensure()
    stamp = root.stat().st_mtime_ns
    assert cache.ensure() == root
    assert root.stat().st_mtime_ns == stamp
    assert [p.name for p in empty.iterdir()] == [root.name]


FIRST_USE = """
import hashlib
from jwst_cal.simulate import cache
print(hashlib.sha1(cache.materialise("jwst_miri_dark_9003.fits").read_bytes()).hexdigest())
"""


def test_several_processes_may_use_it_first_at_once(empty):
    environment = {**os.environ, "JWST_CAL_CACHE": str(empty)}
    processes = [subprocess.Popen([sys.executable, "-P", "-c", FIRST_USE], env=environment,
                                  text=True, stdout=subprocess.PIPE) for _ in range(3)]
    found = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(set(found)) == 1
    assert [p.name for p in empty.iterdir()] == [cache.directory().name]
    assert [p.name for p in (cache.directory() / "references" / "jwst").iterdir()] == [
        "jwst_miri_dark_9003.fits"]


def test_unknown_reference_file(root):
    with pytest.raises(ReferenceFileError, match=r"'jwst_nircam_dark_0001\.fits' is no reference"):
        cache.materialise("jwst_nircam_dark_0001.fits")


def test_unwritable_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JWST_CAL_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot be written there \(.*JWST_CAL_CACHE chooses"):
        cache.ensure()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="cannot be written there"):
        cache.ensure(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_of_one_s_own_is_used(tmp_path):
    (tmp_path / "own").mkdir()
    assert cache.ensure(tmp_path / "own") == tmp_path / "own"
    assert cache.ensure(tmp_path / "own") == tmp_path / "own"
