"""The quick-look picture: the right pixel, the right pieces, a file that is a picture."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import ImageModel, RampModel

from jwst_cal import flags, quicklook
from jwst_cal.errors import InputError, OutputError

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

JUMP, SATURATED = flags.group["JUMP_DET"], flags.group["SATURATED"]


@pytest.fixture
def ramp():
    model = RampModel((1, 9, 12, 16))
    model.data = np.zeros((1, 9, 12, 16), np.float32)
    model.data += 10 * np.arange(9, dtype=np.float32)[None, :, None, None]
    model.groupdq = np.zeros((1, 9, 12, 16), np.uint8)
    model.data[0, 4:, 5, 6] += 60  # about as much as the rest of the ramp
    model.groupdq[0, 4, 5, 6] = JUMP
    model.data[0, 4:, 8, 9] += 3000
    model.groupdq[0, 4, 8, 9] = JUMP
    model.groupdq[0, 4, 2, 2], model.groupdq[0, 7:, 2, 2] = JUMP, SATURATED
    model.meta.exposure.group_time = 2.0
    return model


@pytest.fixture
def rate():
    model = ImageModel((12, 16))
    model.data = np.full((12, 16), 5, np.float32)
    model.err = np.full((12, 16), 0.1, np.float32)
    model.dq = np.zeros((12, 16), np.uint32)
    model.dq[5, 6], model.dq[0] = flags.pixel["JUMP_DET"], flags.pixel["REFERENCE_PIXEL"]
    model.data[3, 3] = np.nan
    return model


def test_the_chosen_pixel_has_one_jump_as_large_as_the_rest(ramp, rate):
    assert quicklook.choose_pixel(ramp.groupdq[0], ramp.data[0], rate.data) == (5, 6)


def test_without_a_jump_the_brightest_usable_pixel_is_chosen(ramp, rate):
    rate.data[7, 8], rate.data[2, 2] = 50, 99
    ramp.groupdq[0][ramp.groupdq[0] == JUMP] = 0
    assert quicklook.choose_pixel(ramp.groupdq[0], ramp.data[0], rate.data) == (7, 8)


def test_groups_that_every_pixel_loses_do_not_matter(ramp, rate):
    ramp.groupdq[0, [0, -1]] = flags.group["DO_NOT_USE"]
    assert quicklook.choose_pixel(ramp.groupdq[0], ramp.data[0], rate.data) == (5, 6)


def test_the_fit_is_drawn_in_pieces_between_jumps(ramp):
    pixel = quicklook.pixel_ramp(ramp.data[0, :, 5, 6], ramp.groupdq[0, :, 5, 6], 5.0, 2.0)
    assert [len(time) for time, _ in pixel.pieces] == [4, 5]
    np.testing.assert_allclose(np.concatenate([c for _, c in pixel.pieces]), pixel.counts)
    np.testing.assert_array_equal(np.flatnonzero(pixel.jump), [4])


def test_saturated_groups_are_in_no_piece(ramp):
    pixel = quicklook.pixel_ramp(ramp.data[0, :, 2, 2], ramp.groupdq[0, :, 2, 2], 5.0, 2.0)
    assert [len(time) for time, _ in pixel.pieces] == [4, 3]
    assert not pixel.used[7:].any()


def test_a_pixel_without_a_rate_has_no_fit(ramp):
    assert quicklook.pixel_ramp(ramp.data[0, :, 0, 0], ramp.groupdq[0, :, 0, 0], np.nan,
                                2.0).pieces == []


@pytest.mark.parametrize("with_ramp", [True, False])
def test_a_picture_is_written(ramp, rate, with_ramp, tmp_path):
    path = tmp_path / "look.png"
    quicklook.draw(rate, path, ramp=ramp if with_ramp else None)
    from matplotlib.image import imread

    picture = imread(path)
    assert picture.shape[0] > 800
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 50


def test_a_pixel_outside_is_refused(ramp, rate, tmp_path):
    with pytest.raises(InputError, match="pixel 12, 3 lies outside"):
        quicklook.draw(rate, tmp_path / "look.png", ramp=ramp, pixel=(12, 3))


def test_a_ramp_of_another_shape_is_refused(ramp, rate, tmp_path):
    ramp.data = np.zeros((1, 9, 5, 5), np.float32)
    with pytest.raises(InputError, match=r"ramp: shape \(5, 5\)"):
        quicklook.draw(rate, tmp_path / "look.png", ramp=ramp)


def test_an_unwritable_picture_is_one_line(rate, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        quicklook.draw(rate, tmp_path / "missing" / "look.png")


def test_from_the_shell(ramp, rate, tmp_path, capsys):
    rate.save(tmp_path / "rate.fits")
    ramp.save(tmp_path / "ramp.fits")
    words = [str(tmp_path / "rate.fits"), str(tmp_path / "look.png")]
    assert quicklook.main([*words, "--ramp", str(tmp_path / "ramp.fits")]) == 0
    assert (tmp_path / "look.png").exists()
    assert quicklook.main(["missing.fits", "look.png"]) == 1
    assert "missing.fits: no such file" in capsys.readouterr().err
