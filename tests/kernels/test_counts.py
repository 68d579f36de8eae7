"""Raw counts, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.counts import counts as twin

from jwst_cal.kernels.counts import counts

EVERY = np.arange(-32768, 32768).astype(">i2")


@pytest.mark.parametrize("convert", [counts, twin])
def test_every_count_is_exact(convert):
    out = convert(EVERY.reshape(2, 256, 128))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out.ravel(), np.arange(65536))


@pytest.mark.parametrize("convert", [counts, twin])
def test_read_only_and_strided_input(convert):
    words = np.broadcast_to(EVERY[::3], (2, EVERY[::3].size))
    np.testing.assert_array_equal(convert(words)[1], np.arange(65536)[::3])


@pytest.mark.parametrize("convert", [counts, twin])
def test_counts_go_where_they_are_wanted(convert):
    words, room = EVERY.reshape(4, 128, 128), np.full((6, 128, 128), -1, np.float32)
    assert np.shares_memory(convert(words, out=room[1:5]), room)
    np.testing.assert_array_equal(room[1:5].ravel(), np.arange(65536))
    assert (room[[0, 5]] == -1).all()
    with pytest.raises(ValueError, match=r"out: shape \(3, 128, 128\) where"):
        convert(words, out=room[:3])


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    words = np.random.default_rng(1).integers(-32768, 32768, 200_001).astype(">i2")
    assert counts(words, n_threads=n_threads).tobytes() == twin(words).tobytes()


@pytest.mark.parametrize("convert", [counts, twin])
@pytest.mark.parametrize("dtype", [">i4", "<i2", ">u2", ">f4"])
def test_another_dtype_is_refused(convert, dtype):
    with pytest.raises(TypeError, match="where >i2 is needed"):
        convert(np.zeros(4, dtype))


@pytest.mark.parametrize("convert", [counts, twin])
def test_nothing_is_refused(convert):
    with pytest.raises(ValueError, match="empty"):
        convert(np.zeros((0, 3), ">i2"))
