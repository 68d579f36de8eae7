"""Light models read, say and write what those of stdatamodels do, and stay in the house."""

import json
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from stdatamodels.jwst import datamodels

from jwst_cal import flags, models
from jwst_cal.framework import Pipeline, Reference, Step
from jwst_cal.kernels import counts
from jwst_cal.models import _dictionary, _fits, _reading, _writing, light
from jwst_cal.simulate.exposures import simulate
from tests import images, star_fields

EXPOSURES = [("NIRCAM", "SUB64P", {"n_ints": 2, "n_groups": 4}),
             ("NIRCAM", "SUB64P", {"n_ints": 1, "n_groups": 3, "readpatt": "BRIGHT2"}),
             ("MIRI", "SUB64", {"n_ints": 2, "n_groups": 5})]


@pytest.fixture(scope="module", params=EXPOSURES, ids=lambda case: "-".join(map(str, case[:2])))
def exposure(request, tmp_path_factory):
    instrument, subarray, options = request.param
    path = tmp_path_factory.mktemp("light") / "jw00001001001_02101_00001_nrca1_uncal.fits"
    simulate(instrument, subarray, seed=3, **options).write(path)
    return str(path)


@pytest.fixture
def same_time(monkeypatch):
    """Both kinds of models are written at the same moment."""
    monkeypatch.setattr(_writing, "_now", lambda: "2026-01-02T03:04:05.678")
    monkeypatch.setattr(Time, "now", classmethod(lambda cls: cls("2026-01-02T03:04:05.678")))


def in_full(path, name="RampModel"):
    """The file as stdatamodels reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(datamodels, name)(path)


def assert_same(ours, theirs):
    """Two models have the same metadata and arrays."""
    assert type(ours) is type(theirs)
    flat = [model.to_flat_dict(include_arrays=False) for model in (ours, theirs)]
    for found in flat:
        found.pop("meta.date", None)
    assert flat[0] == flat[1]
    for name in light.light_class(type(ours).__name__)._about.arrays:
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert (mine is None) == (other is None), name
        if mine is not None:
            assert mine.dtype.newbyteorder("=") == other.dtype.newbyteorder("="), name
            np.testing.assert_array_equal(mine, other, err_msg=name)


# the dictionary -----------------------------------------------------------------------------------


def test_dictionary_is_that_of_the_installed_schemas():
    with open(_dictionary._FILE, encoding="utf-8") as file:
        assert json.load(file) == _dictionary.compile_schemas(), (
            "python -m jwst_cal.models._dictionary makes it anew")


def test_version_is_found_without_import():
    import asdf
    import stdatamodels

    assert _dictionary.installed_version("stdatamodels") == stdatamodels.__version__
    assert _dictionary.installed_version("asdf") == asdf.__version__
    assert _dictionary.installed_version("no_such_package") is None
    assert _dictionary.installed_version("json") is None


def test_another_release_of_the_schemas_goes_without(exposure, monkeypatch):
    monkeypatch.setattr(_dictionary, "installed_version", lambda package: "6.0.1")
    for cached in (_dictionary._read, _dictionary.schema_of, light.light_class):
        cached.cache_clear()
    try:
        model = models.open_exposure(exposure, light=True)
    finally:
        for cached in (_dictionary._read, _dictionary.schema_of, light.light_class):
            cached.cache_clear()
    assert type(model) is datamodels.RampModel


# cards --------------------------------------------------------------------------------------------

KEYWORDS = st.from_regex(r"[A-Z][A-Z0-9_]{0,7}", fullmatch=True).filter(
    lambda word: word not in ("END", "CONTINUE", "COMMENT", "HISTORY"))
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=150)
VALUES = st.one_of(
    WORDS.map(str.rstrip).filter(lambda text: not text.endswith("&")), st.booleans(),
    st.integers(-10**18, 10**18), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=400, deadline=None)
@given(KEYWORDS, VALUES, WORDS.map(lambda text: text[:60].strip()))
def test_cards_are_those_of_astropy(keyword, value, comment):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = fits.Card(keyword, value, comment).image
    assert _fits.as_card(keyword, value, comment) == theirs


@settings(max_examples=400, deadline=None)
@given(KEYWORDS, VALUES)
def test_values_come_back(keyword, value):
    card, = _fits._parse(_fits.header_text([_fits.as_card(keyword, value, "what it is")]))
    assert card.keyword == keyword
    assert type(card.value) is type(value)
    assert card.value == pytest.approx(value, rel=1e-12) if isinstance(value, float) else (
        card.value == value)


@pytest.mark.parametrize(("field", "value"), [
    ("1.5D3", 1500.0), ("+7", 7), (".5 / half", 0.5), ("'it''s' / its", "it's"), ("T", True),
    ("''", ""), ("(1, 2)", _fits.ODD), ("", _fits.ODD), ("'open", _fits.ODD), ("12 13", _fits.ODD),
])
def test_values_of_other_writers(field, value):
    assert _fits._value(field).value == value


@pytest.mark.parametrize(("keyword", "value"), [
    ("TOOLONGKEY", 1), ("A", float("nan")), ("A", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ("A", "a\nb"), ("A", None), ("A", [1]),
])
def test_what_is_no_card_is_left_to_astropy(keyword, value):
    with pytest.raises(_fits.Unusual):
        _fits.as_card(keyword, value, "")


@pytest.mark.parametrize(("damage", "message"), [
    (lambda content: content[:-2880], "truncated"),
    (lambda content: content[:-100], "whole number of FITS blocks"),
    (lambda content: b"", "whole number"),
    (lambda content: content[:2880], "without end"),
    (lambda content: content + b"x" * 2880, "without end|no FITS structure"),
    (lambda content: content.replace(b"NAXIS   = ", b"NAXIS   =x", 1), "NAXIS or BITPIX"),
    (lambda content: content.replace(b"'IMAGE   '", b"'FOREIGN '", 1), "no FITS structure"),
])
def test_damaged_files_are_unusual(damage, message, exposure, tmp_path):
    with open(exposure, "rb") as file:
        content = file.read()
    path = tmp_path / "damaged.fits"
    path.write_bytes(damage(content))
    with pytest.raises(_fits.Unusual, match=message):
        _fits.scan(str(path))
    assert not _reading.is_exposure(str(path))


# reading ------------------------------------------------------------------------------------------


def test_raw_exposure_is_the_one_of_the_data_model(exposure):
    model = _reading.read_exposure(exposure)
    assert_same(light.full(model), in_full(exposure))


def test_header_is_the_one_of_the_data_model(exposure):
    theirs = datamodels.read_metadata(exposure, flatten=True)
    assert models.read_header(exposure) == {
        key: value for key, value in theirs.items() if isinstance(value, str | int | float | bool)}


def test_arrays_stay_in_the_file_until_they_are_used(exposure):
    model = _reading.read_exposure(exposure)
    stored = {name for name, value in model.instance.items() if isinstance(value, light.Stored)}
    assert {"data", "pixeldq", "groupdq"} <= stored
    assert model.shape == model.shape_of("groupdq")
    assert repr(model) == repr(in_full(exposure))
    assert isinstance(model.instance["data"], light.Stored)
    for name in ("data", "pixeldq", "groupdq"):
        array = getattr(model, name)
        assert array is getattr(model, name)
        assert array.flags.carray
        assert array.dtype.isnative


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
def test_raw_counts_do_not_stay_in_memory_beside_the_ramp(tmp_path, monkeypatch):
    path = tmp_path / "jw00001001001_02101_00001_nrcalong_uncal.fits"
    ramp = np.arange(12 * 2048 * 2048, dtype=np.uint16).reshape(1, 12, 2048, 2048)
    fits.HDUList([fits.PrimaryHDU(header=fits.Header({
        "TELESCOP": "JWST", "INSTRUME": "NIRCAM", "DETECTOR": "NRCALONG", "EXP_TYPE": "NRC_IMAGE",
        "DATAMODL": "Level1bModel"})), fits.ImageHDU(ramp, name="SCI")]).writeto(path)
    mapped = []

    def watched(words, **options):
        kernel(words, **options)
        with open("/proc/self/status") as status:
            mapped.extend(1024 * int(line.split()[1]) for line in status if "RssFile" in line)

    kernel = counts.counts
    monkeypatch.setattr(counts, "counts", watched)
    data = models.open_exposure(str(path), light=True).data
    assert (data == ramp).all()
    assert max(mapped) - mapped[0] < ramp.nbytes / 2


def test_names_answer_as_in_the_data_model(exposure):
    for model in (_reading.read_exposure(exposure), in_full(exposure)):
        assert model.meta.exposure.read_times == []
        assert model.meta.wcs is None
        assert not hasattr(model.meta, "no_such_name")
        assert not hasattr(model, "no_such_name")
        assert not model.meta.hasattr("provenance")
        assert model.meta.hasattr("filename")
        model.meta.provenance = {}
        model.meta.provenance.step = "text"
        assert model.meta.provenance.instance == {"step": "text"}
        del model.meta.provenance.step
        assert not hasattr(model.meta.provenance, "step")
        model.meta.exposure.nframes = np.int64(4)
        assert type(model.meta.exposure.nframes) is int
        model.average_dark_current = np.ones(model.shape[2:], np.float64)
        assert model.average_dark_current.dtype == np.float32
        with pytest.raises(ValueError, match=r"dimensions|axes"):
            model.data = np.zeros((3, 3))
        assert model["meta.exposure.nframes"] == 4
        with pytest.raises(KeyError):
            model["meta.no.such"]
        assert model.get_primary_array_name() == "data"
        assert model.get_default("zeroframe").shape == (model.shape[0], *model.shape[2:])


def test_a_step_gets_arrays_for_kernels(exposure):
    class Cut(Step):
        takes_light = True

        def process(self, model, *, refs):
            rows = np.arange(4, 20)
            model.data = model.data.astype(">f4")[:, :, ::2]
            model.groupdq = model.groupdq[:, :, rows][..., ::2]
            return model

    class Look(Step):
        takes_light = True

        def process(self, model, *, refs):
            assert all(getattr(model, name).flags.carray for name in ("data", "groupdq"))
            assert model.data.dtype.isnative
            return model

    class Both(Pipeline):
        takes_light = True
        step_defs = {"cut": Cut, "look": Look}

        def process(self, model):
            return self.look.run(self.cut.run(self.prepare_output(model)))

    Both().run(exposure)


def test_copy_shares_nothing(exposure):
    model = _reading.read_exposure(exposure)
    copy = model.copy()
    copy.data[:] = -1
    copy.meta.exposure.nframes = 99
    assert model.data.min() >= 0
    assert model.meta.exposure.nframes != 99
    assert type(copy) is type(model)


REFERENCES = {
    "MaskModel": {"dq": np.uint32}, "GainModel": {"data": np.float32},
    "ReadnoiseModel": {"data": np.float32},
    "SaturationModel": {"data": np.float32, "dq": np.uint32},
    "SuperBiasModel": {"data": np.float32, "err": np.float32, "dq": np.uint32},
    "LinearityModel": {"coeffs": np.float32, "dq": np.uint32},
    "DarkModel": {"data": np.float32, "dq": np.uint32},
    "DarkMIRIModel": {"data": np.float32, "dq": np.uint32},
    "ResetModel": {"data": np.float32, "err": np.float32, "dq": np.uint32},
    "IPCModel": {"data": np.float32},
    "FlatModel": {"data": np.float32, "err": np.float32, "dq": np.uint32},
    "PixelAreaModel": {"data": np.float32},
}
DQ_DEF = [(0, 1, "DO_NOT_USE", "bad"), (3, 8, "DEAD", "dead"), (5, 32, "HOT", "hot"),
          (31, 2**31, "REFERENCE_PIXEL", "rim")]


def reference_file(name, path, dq_def=DQ_DEF, **left_out):
    """Write a reference with bits of its own, and return its DQ in them."""
    rng = np.random.default_rng(5)
    schema = light.light_class(name)._about
    model = getattr(datamodels, name)()
    model.meta.instrument.name = "NIRCAM"
    if name.startswith("Dark"):
        model.meta.exposure.nframes = model.meta.exposure.groupgap = 1
    stored = None
    for array, dtype in REFERENCES[name].items():
        ndim = schema.arrays[array].get("ndim", 2)
        shape = (2, 3, 40, 30)[4 - ndim :]
        if array == "dq":
            stored = (rng.integers(0, 64, shape) * (rng.random(shape) < 0.1)).astype(dtype)
            stored[..., 0, 0] = 2**31
            stored[..., 1, 0] = 2**32 - 1
        else:
            setattr(model, array, rng.normal(size=shape).astype(dtype))
    hdus = [fits.PrimaryHDU()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
        with fits.open(path) as written:
            hdus = fits.HDUList([hdu.copy() for hdu in written if hdu.name not in ("DQ", "DQ_DEF")])
    if stored is not None:
        hdus.append(fits.ImageHDU(stored, name="DQ"))
    if dq_def is not None and stored is not None:
        hdus.append(fits.BinTableHDU(np.array(dq_def, [
            ("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")]),
            name="DQ_DEF"))
    hdus.writeto(path, overwrite=True)


@pytest.mark.parametrize(("name", "dq_def"), [
    *((name, DQ_DEF) for name in REFERENCES),
    *((name, rows) for name in ("MaskModel", "LinearityModel") for rows in ([], None))])
def test_references_are_those_of_the_data_model(name, dq_def, tmp_path):
    path = str(tmp_path / "reference.fits")
    reference_file(name, path, dq_def)
    ours = _reading.read_reference(path, name)
    theirs = getattr(datamodels, name)(path, validate_on_assignment=False)
    for array in light.light_class(name)._about.arrays:
        if array == "dq_def":
            continue
        mine, other = getattr(ours, array), getattr(theirs, array)
        assert (mine is None) == (other is None), array
        if mine is not None:
            np.testing.assert_array_equal(mine, other, err_msg=array)
    for keyword in light.light_class(name)._about.keywords:
        dotted = ".".join(keyword.path)
        if keyword.name not in ("DATE", "DATAMODL"):
            assert ours[dotted] == theirs[dotted], dotted
    assert ours.shape == theirs.shape


def test_trees_are_those_of_the_data_model(tmp_path):
    paths = images.references("NIRCAM", tmp_path)
    ours = _reading.read_tree(paths["distortion"], "DistortionModel")
    with datamodels.DistortionModel(paths["distortion"]) as theirs:
        assert ours.model(3.0, 4.0) == theirs.model(3.0, 4.0)
        assert ours.model.inverse(120.0, -500.0) == theirs.model.inverse(120.0, -500.0)
        assert ours.meta.instrument.detector == theirs.meta.instrument.detector
        assert ours.meta.filename == theirs.meta.filename
    ours = _reading.read_tree(paths["filteroffset"], "FilteroffsetModel")
    with datamodels.FilteroffsetModel(paths["filteroffset"]) as theirs:
        assert [dict(row) for row in ours.filters] == [row.instance for row in theirs.filters]
    ours.close()


@pytest.mark.parametrize(("name", "file", "message"), [
    ("DistortionModel", "filteroffset", "no model"), ("DistortionModel", "flat", "no ASDF file"),
    ("CameraModel", "distortion", "a CameraModel")])
def test_other_trees_are_left_to_the_data_model(name, file, message, tmp_path):
    paths = images.references("NIRCAM", tmp_path)
    with pytest.raises(_reading.Unusual, match=message):
        _reading.read_tree(paths[file], name)


def test_unknown_flags_are_left_out(tmp_path, caplog):
    path = str(tmp_path / "reference.fits")
    reference_file("MaskModel", path, [(0, 1, "DO_NOT_USE", ""), (1, 2, "PINK", "")])
    dq = _reading.read_reference(path, "MaskModel").dq
    assert set(np.unique(dq)) <= {0, flags.pixel["DO_NOT_USE"]}
    assert "The flag PINK of a MaskModel is none of the pipeline's" in caplog.text


def test_a_cut_is_made_before_reading(tmp_path):
    path = str(tmp_path / "reference.fits")
    reference_file("SaturationModel", path)
    whole, part = (_reading.read_reference(path, "SaturationModel") for _ in range(2))

    def cut(array):
        return array[..., 3:17, 5:30]

    def stripes(array):
        return array[..., np.array([[0, 3], [4, 9]]), :]

    for name in ("data", "dq"):
        part.cut(name, cut)
        assert part.shape_of(name) == (14, 25)
        assert isinstance(part.instance[name], light.Stored)
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[3:17, 5:30])
        whole.cut(name, cut)
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name))
        twice = _reading.read_reference(path, "SaturationModel")
        for one in (cut, stripes):
            twice.cut(name, one)
        assert twice.shape_of(name) == (2, 2, 25)
        np.testing.assert_array_equal(getattr(twice, name), stripes(getattr(part, name)))


# writing ------------------------------------------------------------------------------------------


def expect_same_bytes(ours, theirs, folder):
    for kind, model in (("ours", ours), ("theirs", theirs)):
        (folder / kind).mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(str(folder / kind / "product.fits"))
    written = [(folder / kind / "product.fits").read_bytes() for kind in ("ours", "theirs")]
    if written[0] != written[1]:
        headers = [_fits.scan(str(folder / kind / "product.fits"))[1]
                   for kind in ("ours", "theirs")]
        for mine, other in zip(*headers, strict=True):
            assert mine.name == other.name
            assert mine.cards == other.cards
    assert written[0] == written[1]


def test_ramp_is_written_byte_for_byte(exposure, tmp_path, same_time):
    ours, theirs = _reading.read_exposure(exposure), in_full(exposure)
    for model in (ours, theirs):
        model.groupdq[0, 1, 2, 3] = 4
        model.pixeldq[5, 6] = 2**31 + 5
        model.data[0, 0, 0, 0] = np.nan
        model.meta.cal_step.dq_init = "COMPLETE"
        model.meta.ref_file.mask.name = "/a/long/path/" * 9 + "it's a mask.fits"
        model.meta.ref_file.gain.name = "N/A"
        model.meta.exposure.primary_cosmic_rays = 1.2345678901234567e-12
        model.meta.provenance = {"step": 'a "text"\nof several lines: ' + "words " * 40}
        model.cal_logs = {"pipeline": ["one: line", "another, \u00b5"]}
        model.meta.target.ra = None
    expect_same_bytes(ours, theirs, tmp_path)


@pytest.mark.parametrize("name", ["ImageModel", "CubeModel", "IFUImageModel"])
def test_rates_are_written_byte_for_byte(name, exposure, tmp_path, same_time):
    rng = np.random.default_rng(1)
    ramps = _reading.read_exposure(exposure), in_full(exposure)
    rates = [models.new(name, ramp) for ramp in ramps]
    assert isinstance(rates[0], light.LightModel)
    assert type(rates[1]) is getattr(datamodels, name)
    shape = (2, 64, 64) if name == "CubeModel" else (64, 64)
    arrays = {key: rng.normal(size=shape).astype(np.float32)
              for key in ("data", "err", "var_poisson", "var_rnoise")}
    for rate, ramp in zip(rates, ramps, strict=True):
        for key, values in arrays.items():
            setattr(rate, key, values)
        rate.dq = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape) << 12
        rate.meta.bunit_data = rate.meta.bunit_err = "DN/s"
        if name == "CubeModel":
            rate.int_times = ramp.int_times
    expect_same_bytes(*rates, tmp_path)
    again = models.open_exposure(tmp_path / "ours" / "product.fits", light=True)
    assert isinstance(again, light.LightModel)
    assert_same(light.full(again), in_full(str(tmp_path / "theirs" / "product.fits"), name))


def test_arrays_in_parts_of_others_are_written_whole(exposure, tmp_path, same_time):
    ramp = _reading.read_exposure(exposure)
    cube = np.random.default_rng(2).normal(size=(5, 3, 300, 200)).astype(np.float32)
    expect_same_bytes(*(models.new("CubeModel", ramp, data=part, err=part, dq=part.view(np.uint32))
                 for part in (cube[:, 1], cube[:, 1].copy())), tmp_path)


def test_other_keywords_are_kept(exposure, tmp_path, same_time):
    path = str(tmp_path / "exposure_uncal.fits")
    with fits.open(exposure) as hdus:
        hdus[0].header["MYKEY"] = (3.5, "of an observer")
        hdus["SCI"].header["OTHER"] = "text"
        hdus[0].header["COMMENT"] = "a remark"
        hdus.writeto(path)
    ours, theirs = _reading.read_exposure(path), in_full(path)
    assert ours.extra_fits.PRIMARY.header == [["MYKEY", 3.5, "of an observer"],
                                              ["COMMENT", "a remark", ""]]
    expect_same_bytes(ours, theirs, tmp_path)


def test_product_is_current_by_its_own_sum(exposure, tmp_path):
    """Values are those of the tree, with all digits, as long as nobody changed the header."""
    ramp = _reading.read_exposure(exposure)
    ramp.meta.exposure.primary_cosmic_rays = -1.2345678901234567e-12
    path = str(tmp_path / "x_jump.fits")
    ramp.save(path)
    again = _reading.read_exposure(path)
    assert again.meta.exposure.primary_cosmic_rays == -1.2345678901234567e-12
    assert_same(light.full(again), in_full(path))
    fits.setval(path, "TARGPROP", value="another")
    assert _reading.read_exposure(path).meta.target.proposer_name == "another"


def test_what_the_schema_forbids_is_left_to_the_data_model(exposure, tmp_path):
    model = _reading.read_exposure(exposure)
    model.meta.instrument.filter = "PINK"
    with pytest.raises(Exception, match="PINK"):
        model.save(str(tmp_path / "x.fits"))
    model.meta.instrument.filter = "N/A"
    model.save(str(tmp_path / "x.asdf"))
    assert models.open(str(tmp_path / "x.asdf")).meta.instrument.filter == "N/A"


# files that are left to stdatamodels --------------------------------------------------------------


def _history(hdus):
    hdus[0].header["HISTORY"] = "made by hand"


def _hierarch(hdus):
    hdus[0].header["HIERARCH a long keyword"] = 1


def _wrong_filter(hdus):
    hdus[0].header["FILTER"] = "PINK"


def _extension(hdus):
    hdus.append(fits.ImageHDU(np.zeros((3, 3)), name="MINE"))


def _scaled(hdus):
    hdus["SCI"].scale("int16", bscale=2)


@pytest.mark.parametrize("change", [_history, _hierarch, _wrong_filter, _extension, _scaled])
def test_an_unusual_exposure_is_opened_by_stdatamodels(change, exposure, tmp_path):
    path = str(tmp_path / "unusual_uncal.fits")
    with fits.open(exposure) as hdus:
        change(hdus)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hdus.writeto(path)
    with pytest.raises(_fits.Unusual):
        _reading.read_exposure(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = models.open_exposure(path, light=True)
    assert type(model) is datamodels.RampModel
    assert model.data.dtype == np.float32


# the borders --------------------------------------------------------------------------------------


class LightStep(Step):
    """A step of the house."""

    class_alias = "light"
    takes_light = True
    seen = None

    def process(self, model, *, refs):
        type(self).seen = type(model)
        return model


class ForeignStep(Step):
    """A step that knows the data models only."""

    class_alias = "foreign"
    seen = None

    def process(self, model, *, refs):
        type(self).seen = type(model)
        assert isinstance(model, datamodels.RampModel)
        model.validate()
        return model


class ChangedStep(LightStep):
    """A step of the house with a process of somebody else."""

    def process(self, model, *, refs):
        assert isinstance(model, datamodels.RampModel)
        return super().process(model, refs=refs)


class HousePipeline(Pipeline):
    """A pipeline of the house."""

    class_alias = "house"
    takes_light = True
    step_defs = {"first": LightStep, "second": ForeignStep, "third": LightStep}

    def process(self, model):
        model = self.prepare_output(model)
        assert isinstance(model, light.LightModel)
        model = self.first.run(model)
        assert isinstance(model, light.LightModel) is not bool(self.first.post_hooks)
        return self.third.run(self.second.run(model))


def is_full(model):
    """A hook."""
    assert type(model) is datamodels.RampModel


def test_the_caller_gets_a_data_model(exposure):
    result = LightStep().run(exposure)
    assert issubclass(LightStep.seen, light.LightModel)
    assert type(result) is datamodels.RampModel
    assert result.meta.model_type == "RampModel"
    assert type(LightStep.call(exposure)) is datamodels.RampModel


def test_a_data_model_stays_one(exposure):
    given = in_full(exposure)
    result = LightStep().run(given)
    assert LightStep.seen is datamodels.RampModel
    assert result is not given


@pytest.mark.parametrize("kind", [ForeignStep, ChangedStep])
def test_a_step_of_another_package_gets_a_data_model(kind, exposure):
    assert type(kind().run(exposure)) is datamodels.RampModel


def test_a_replaced_process_gets_a_data_model(exposure, monkeypatch):
    step = LightStep()
    step.process = lambda model, refs: is_full(model) or model
    step.run(exposure)
    monkeypatch.setattr(LightStep, "process", ForeignStep.process)
    LightStep().run(exposure)
    assert LightStep.seen is datamodels.RampModel


def test_hooks_get_a_data_model(exposure):
    LightStep(pre_hooks=[lambda path: None], post_hooks=[is_full]).run(exposure)
    pipe = HousePipeline()
    pipe.first.post_hooks = [is_full]
    assert type(pipe.run(exposure)) is datamodels.RampModel
    pipe = HousePipeline()
    pipe.third.pre_hooks = [is_full]
    pipe.run(exposure)


def test_a_pipeline_hands_data_models_to_foreign_steps(exposure):
    ForeignStep.seen = None
    result = HousePipeline().run(exposure)
    assert ForeignStep.seen is datamodels.RampModel
    assert result.meta.cal_step.instance is not None
    assert type(result) is datamodels.RampModel


def test_a_skipped_foreign_step_costs_nothing(exposure):
    pipe = HousePipeline()
    pipe.second.skip = True
    pipe.run(exposure)
    assert issubclass(LightStep.seen, light.LightModel)


def test_a_foreign_step_gets_references_of_the_data_model(exposure, tmp_path):
    path = str(tmp_path / "gain.fits")
    reference_file("GainModel", path)
    seen = {}

    class Light(Step):
        takes_light = True
        references = {"gain": Reference("GainModel")}

        def process(self, model, *, refs):
            seen[type(self).__name__] = type(refs.gain)
            return model

    class Foreign(Light):
        def process(self, model, *, refs):
            return super().process(model, refs=refs)

    for kind in (Light, Foreign):
        kind(override_gain=path).run(exposure)
    assert issubclass(seen["Light"], light.LightModel)
    assert seen["Foreign"] is datamodels.GainModel


def test_strun_imports_no_schemas(exposure, tmp_path):
    """Stage 1 of an exposure, whole process: the libraries of the data models are not imported."""
    code = (
        "import sys\n"
        "from jwst_cal.cli import strun\n"
        "status = strun.main(sys.argv[1:])\n"
        "print(status, *sorted({name.partition('.')[0] for name in sys.modules}))\n")
    words = ["calwebb_detector1", exposure, f"--output_dir={tmp_path}", "--disable-crds-steppars"]
    from jwst_cal.pipelines import Detector1Pipeline

    words += [f"--steps.{name}.skip=True" for name in Detector1Pipeline.step_defs
              if name not in ("group_scale", "lastframe")]
    # not in the checkout: the package that is installed is tested
    done = subprocess.run([sys.executable, "-P", "-c", code, *words], capture_output=True,
                          text=True, check=True, cwd=tmp_path)
    status, *imported = done.stdout.splitlines()[-1].split()
    assert status == "0"
    assert not {"astropy", "asdf", "gwcs", "scipy", "crds"} & set(imported)
    assert re.search("_ramp.fits", done.stdout)


def test_a_table_of_a_tree_is_that_of_the_data_model(tmp_path):
    paths = star_fields.catalogue_references("NIRCAM", tmp_path)
    ours = _reading.read_tree(paths["abvegaoffset"], "ABVegaOffsetModel").abvega_offset
    with datamodels.ABVegaOffsetModel(paths["abvegaoffset"]) as theirs:
        table = theirs.abvega_offset
        assert list(ours.dtype.names) == table.colnames
        for name in table.colnames:
            assert ours[name].tolist() == table[name].tolist()
