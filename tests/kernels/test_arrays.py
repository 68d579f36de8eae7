"""The gate between arrays and kernels refuses what a kernel could not read."""

import numpy as np
import pytest

from jwst_cal.kernels._arrays import contiguous, image_rows, in_place


def test_an_array_that_fits_is_not_copied():
    image = np.zeros((3, 4), np.float32)
    assert contiguous(image, np.float32, (3, 4), "image") is image
    assert in_place(image, np.float32, (None, 4), "image") is image


def test_big_endian_and_strided_input_is_converted():
    image = np.arange(12, dtype=">f4").reshape(3, 4)[:, ::2]
    out = contiguous(image, np.float32, (3, 2), "image")
    assert out.flags.c_contiguous
    assert out.dtype == np.float32
    assert out.dtype.isnative
    np.testing.assert_array_equal(out, image)


def test_shape_message_names_the_array_and_both_shapes():
    with pytest.raises(ValueError, match=r"flagged: shape \(3, 5\) where \(20, 5\) is needed"):
        contiguous(np.zeros((3, 5)), np.float32, (20, 5), "flagged")


@pytest.mark.parametrize("gate", [contiguous, in_place])
def test_empty_array_is_refused(gate):
    with pytest.raises(ValueError, match="empty"):
        gate(np.zeros((0, 5), np.float32), np.float32, (None, 5), "data")


def test_lossy_cast_is_refused():
    with pytest.raises(TypeError, match="groupdq: dtype float64 where uint8 is needed"):
        contiguous(np.zeros(3), np.uint8, (3,), "groupdq")


def test_in_place_refuses_what_it_would_have_to_copy():
    image = np.zeros((4, 4), np.float32)
    with pytest.raises(ValueError, match="not C-contiguous"):
        in_place(image[:, ::2], np.float32, None, "image")
    image.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        in_place(image, np.float32, None, "image")
    with pytest.raises(TypeError, match="float64 where float32"):
        in_place(np.zeros(3), np.float32, None, "image")


def test_rows_of_an_image_are_those_of_its_data_unless_a_table_says_otherwise():
    data = np.zeros((2, 5, 8, 4), np.float32)
    assert image_rows(data, None) == ((8, 4), None)
    shape, rows = image_rows(data, [0, 2, 4])
    assert shape == (3, 4)
    assert rows.dtype == np.int32
    with pytest.raises(ValueError, match="rows: shape"):
        image_rows(data, [])
    with pytest.raises(TypeError, match="rows: dtype float64 where int32"):
        image_rows(data, [0.5])
