"""Sky matching: levels recovered by every method, groups, subtraction, disk, what is refused."""

import numpy as np
import pytest
from gwcs import region
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.associations import io
from jwst_cal.background import _sky
from jwst_cal.background.skymatch import SkyMatchStep
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.kernels.sky import take
from jwst_cal.models import ModelContainer
from tests import images

LEVELS = np.array([2.0, 2.3, 1.9])
PLACES = [(0, 0, 0), (0.7, 0.4, 3), (-0.6, 0.8, -4)]
#: Error of a mean over the overlaps; of a mode it is several times that.
MEAN, MODE = 0.002, 0.02


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return images.references("NIRCAM", tmp_path_factory.mktemp("references"))


@pytest.fixture(scope="module")
def originals(references):
    return [images.placed(references, n, *place, level=level)
            for n, (place, level) in enumerate(zip(PLACES, LEVELS, strict=True), 1)]


@pytest.fixture
def three(originals):
    return [image.copy() for image in originals]


def run(inputs, **parameters):
    """Levels, and the images."""
    result = SkyMatchStep(**parameters).run(ModelContainer(inputs))
    with result:
        found = [result.borrow(k) for k in range(len(result))]
        for image in found:
            result.shelve(image)
    return np.array([image.meta.background.level for image in found], float), found


@pytest.mark.parametrize(("parameters", "truth", "tolerance"), [
    ({"skymethod": "match", "skystat": "mean"}, LEVELS - 1.9, MEAN),
    ({"skymethod": "match", "skystat": "median"}, LEVELS - 1.9, MEAN),
    ({"skymethod": "match", "match_down": False, "skystat": "mean"}, LEVELS - 2.3, MEAN),
    ({"skymethod": "match"}, LEVELS - 1.9, MODE),
    ({"skymethod": "local", "skystat": "midpt"}, LEVELS, MEAN),
    ({"skymethod": "global", "skystat": "mean"}, [1.9] * 3, MEAN),
    ({"skymethod": "global+match", "skystat": "mean"}, LEVELS, MEAN),
    ({"skymethod": "match", "skystat": "mean", "stepsize": 10}, LEVELS - 1.9, MEAN),
])
@pytest.mark.parametrize("subtract", [False, True])
def test_known_levels_are_recovered(three, parameters, truth, tolerance, subtract):
    levels, found = run(three, subtract=subtract, **parameters)
    assert_allclose(levels, truth, atol=tolerance)
    for image, level, true in zip(found, levels, LEVELS, strict=True):
        background = image.meta.background
        assert (background.method, background.subtracted) == (parameters["skymethod"], subtract)
        assert image.meta.cal_step.skymatch == "COMPLETE"
        left = true - (level if subtract else 0)
        assert image.data.mean() == pytest.approx(left, abs=3e-3)


def test_stars_and_flagged_pixels_do_not_count(three):
    for number, image in enumerate(three):
        image.data[10 * number:10 * number + 20, 30:50] += 5000
        image.data[:, :5] = -700
        image.dq[:, :5] = 512
        image.data[50, 50] = np.nan
    assert_allclose(run(three, skystat="mean")[0], LEVELS - 1.9, atol=0.01)
    high, _ = run(three, skystat="mean", dqbits="~DO_NOT_USE", skymethod="local", nclip=0)
    assert (np.abs(high - 400) < 350).all()
    cut, _ = run(three, skystat="mean", skymethod="local", nclip=0, lower=1.0, upper=3.0,
                 dqbits="None")
    assert_allclose(cut, LEVELS, atol=MEAN)


def test_detectors_of_one_exposure_get_one_correction(references):
    members = [images.placed(references, number, dx, dy, level=level) for number, dx, dy, level in
               ((1, 0, 0, 2.0), (2, 1.0, 0, 2.4), (3, 0.4, 0.3, 2.9))]
    members[1].meta.observation.exposure_number = "00001"
    levels, _ = run(members, skystat="mean")
    assert levels[0] == levels[1] == 0
    assert 0.5 < levels[2] < 0.9
    together, _ = run(members, skystat="mean", skymethod="global+match")
    assert_allclose(together[:2], 2.0, atol=MEAN)


def test_done_twice_adds_up(three):
    _, found = run(three, subtract=True, skystat="mean")
    for image in found:
        image.data += 0.25
    second, _ = run(found, subtract=True, skystat="mean", skymethod="local")
    assert_allclose(second, LEVELS + 0.25, atol=MEAN)
    with pytest.raises(InputError, match=r"BKGSUB=True, but subtract=False"):
        run(found)
    found[1].meta.background.level = None
    with pytest.raises(InputError, match=r"00002_nrca1_cal.fits: BKGLEVEL=None and BKGSUB=True"):
        run(found, subtract=True)


def test_images_without_overlap_are_skipped(references, three):
    far = images.placed(references, 9, 40.0)
    _, found = run([*three, far], skystat="mean")
    status = [image.meta.cal_step.skymatch for image in found]
    assert status == ["COMPLETE"] * 3 + ["SKIPPED"]
    assert found[3].meta.background.level is None
    _, alone = run(three[:1])
    assert alone[0].meta.cal_step.skymatch == "SKIPPED"


def test_an_image_without_usable_pixels_is_skipped(three):
    three[1].dq[:] = 1
    levels, found = run(three, skystat="mean")
    assert [image.meta.cal_step.skymatch for image in found] == ["COMPLETE", "SKIPPED", "COMPLETE"]
    assert_allclose(levels[[0, 2]], LEVELS[[0, 2]] - 1.9, atol=MEAN)
    everywhere, found = run(three, skystat="mean", skymethod="global")
    assert_allclose(everywhere, 1.9, atol=MEAN)


def test_separate_parts_match_each_other_only(references, three, caplog):
    pair = [images.placed(references, n, 40 + dx, level=level)
            for n, dx, level in ((7, 0, 5.0), (8, 0.5, 5.5))]
    with caplog.at_level("INFO", "jwst_cal"):
        levels, _ = run([*three, *pair], skystat="mean")
    assert "in parts" in caplog.text
    assert_allclose(np.diff(levels), [0.3, -0.4, levels[3] - levels[2], 0.5], atol=2 * MEAN)


def test_on_disk_as_in_memory(three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for image in three:
        image.save(image.meta.filename)
    members = [{"expname": image.meta.filename, "exptype": "science"} for image in three]
    io.write({"asn_type": "image3", "asn_rule": "test", "asn_id": "a3001", "asn_pool": "none",
              "products": [{"name": "mosaic", "members": members}]}, tmp_path / "asn.json")
    expected, _ = run([image.copy() for image in three], subtract=True)
    result = SkyMatchStep.call("asn.json", subtract=True, in_memory=False, save_results=True)
    assert result.on_disk
    with result:
        for k, level in enumerate(expected):
            image = result.borrow(k)
            assert image.meta.background.level == level
            assert image.meta.cal_step.skymatch == "COMPLETE"
            result.shelve(image, modify=False)
    assert len(list(tmp_path.glob("*_skymatchstep.fits"))) == 3


class TestUser:
    def write(self, folder, text):
        (folder / "sky.txt").write_text(text)
        return str(folder / "sky.txt")

    TEXT = ("# levels\njw00001001001_02101_00002_nrca1_cal.fits 0.25\n\n"
            "x/jw00001001001_02101_00001_nrca1 -0.5  # a remark\n"
            "jw00001001001_02101_00003_nrca1_tweakreg.fits 1e-1\n")

    @pytest.mark.parametrize("subtract", [False, True])
    def test_levels_of_a_file(self, three, tmp_path, subtract):
        before = [image.data.copy() for image in three]
        levels, found = run(three, skymethod="user", skylist=self.write(tmp_path, self.TEXT),
                            subtract=subtract)
        assert_array_equal(levels, [-0.5, 0.25, 0.1])
        for image, old, level in zip(found, before, levels, strict=True):
            assert_array_equal(image.data, old - np.float32(level) if subtract else old)
            assert image.meta.background.subtracted is subtract
            assert image.meta.background.method == "user"

    @pytest.mark.parametrize(("text", "problem"), [
        ("jw00001001001_02101_00001_nrca1 1\n", "no level for .*00002_nrca1_cal.fits"),
        (TEXT + "jw1 3\n", "jw1 is none of the 3 images"),
        (TEXT + "jw00001001001_02101_00002_nrca1_i2d.fits 3\n", "line 6: .* is there twice"),
        ("jw1, x\n", "line 1: 'jw1, x' where a file name and a number are needed"),
        ("jw1\n", "line 1"), ("jw1 2 3\n", "line 1"), ("jw1 nan\n", "line 1"),
    ])
    def test_files_that_do_not_fit(self, three, tmp_path, text, problem):
        with pytest.raises(InputError, match=problem):
            run(three, skymethod="user", skylist=self.write(tmp_path, text))

    def test_no_file(self, three, tmp_path):
        with pytest.raises(ParameterError, match="skylist"):
            run(three, skymethod="user")
        with pytest.raises(ParameterError, match="cannot be read"):
            run(three, skymethod="user", skylist=str(tmp_path / "none.txt"))


def test_what_is_refused(three):
    with pytest.raises(ParameterError, match=r"'dqbits' of skymatch: 'NO_SUCH'"):
        run(three, dqbits="NO_SUCH")
    with pytest.raises(ParameterError, match=r"'stepsize' of skymatch: 0"):
        run(three, stepsize=0)
    three[1].meta.wcs = None
    with pytest.raises(InputError, match=r"00002_nrca1_cal.fits: no coordinates"):
        run(three)
    with pytest.raises(InputError, match="takes 2-D images"):
        run([images.image(n_ints=2)])


@pytest.mark.parametrize(("options", "level"), [
    ({"skystat": "mean"}, 5), ({"skystat": "median"}, 5), ({"skystat": "mode"}, 5),
    ({"skystat": "midpt"}, 5),
])
def test_statistics_of_constant_values(options, level):
    assert _sky.measure(np.full(50, 5, np.float32), **options) == (level, 50)
    assert _sky.measure(np.full(50, np.nan, np.float32), **options) is None
    assert _sky.measure(np.zeros(0, np.float32), **options) is None


@pytest.mark.parametrize("options", [
    {"lower": 7.0}, {"upper": 3.0}, {"lower": 5.5, "upper": 4.5}, {"lsigma": 0.0}, {"usigma": 0.0},
    {"binwidth": 0.0}])
def test_limits_that_leave_nothing(options):
    values = np.linspace(4, 6, 100, dtype=np.float32)
    assert _sky.measure(values, **options) is None


def test_too_many_bins():
    values = np.linspace(0, 1e6, 100, dtype=np.float32)
    with pytest.raises(ParameterError, match=r"binwidth: \d+ bins"):
        _sky.measure(values, binwidth=1e-8)


# left of the image gwcs counts from the other end
@given(st.lists(st.tuples(st.floats(-0.5, 60), st.floats(-30, 60)), min_size=3, max_size=7,
                unique=True), st.integers(1, 40), st.integers(1, 40))
def test_pixels_within_a_polygon_are_those_of_gwcs(points, n_rows, n_cols):
    middle = np.mean(points, axis=0)
    points = np.array(sorted(points, key=lambda p: np.arctan2(*(p - middle)[::-1])))
    corners = np.vstack([points, points[:1]])
    mask = np.zeros((n_rows, n_cols), bool)
    for row, start, stop in _sky.pixels_within([corners], mask.shape):
        mask[row, start:stop] = True
    theirs = region.Polygon(True, [tuple(p) for p in corners]).scan(np.zeros((200, 200), bool))
    assert_array_equal(mask, theirs[:n_rows, :n_cols])


def test_two_polygons_count_their_common_pixels_once():
    one = np.array([(0, 0), (9, 0), (9, 9), (0, 9), (0, 0)], float)
    spans = _sky.pixels_within([one, one + 4], (20, 20))
    values = take(np.arange(400, dtype=np.float32).reshape(20, 20), spans)
    assert values.size == len(np.unique(values)) == 100 + 100 - 36


def test_overlap_on_the_sphere():
    def square(ra, dec, side=1.0):
        lon = np.deg2rad(np.array([-1, 1, 1, -1]) * side / 2 + ra)
        lat = np.deg2rad(np.array([-1, -1, 1, 1]) * side / 2 + dec)
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)

    (common,) = _sky.overlap(square(0, 0), square(359.5, 0.5))
    assert_allclose(sorted((common[:-1, 0] + 180) % 360 - 180), [-0.5, -0.5, 0, 0], atol=1e-3)
    assert_array_equal(common[0], common[-1])
    (same,) = _sky.overlap(square(30, 80), square(30, 80))
    assert len(same) == 5
    assert _sky.overlap(square(0, 0), square(1.01, 0)) == []
    assert _sky.overlap(square(0, 0), square(180, 0)) == []
    assert _sky.overlap(square(0, 0), np.full((4, 3), np.nan)) == []
