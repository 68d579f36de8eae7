"""The memory limit: amounts, where arrays lie, and that the process keeps to it."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from jwst_cal.kernels import memory

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


@pytest.fixture(autouse=True)
def _no_limit(monkeypatch):
    monkeypatch.delenv("JWST_CAL_MEMORY_LIMIT", raising=False)
    yield
    monkeypatch.undo()
    memory.set_limit(None)


@pytest.mark.parametrize(("text", "wanted"), [
    ("1GB", 10**9), ("800 mb", 8 * 10**8), ("1.5G", 15 * 10**8), ("2GiB", 2**31), (".5k", 500),
    ("1TiB", 2**40), ("1048576", 2**20), (4096, 4096)])
def test_amounts(text, wanted):
    assert memory.parse(text) == wanted


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 XB", "0", "1e9", "nan", None, "0.1"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="where an amount of memory is needed, as 800MB"):
        memory.parse(text)


def test_order_of_precedence(monkeypatch):
    assert memory.limit() is None
    monkeypatch.setenv("JWST_CAL_MEMORY_LIMIT", " 2GB ")
    assert memory.limit() == 2 * 10**9
    memory.set_limit("1GB")
    assert memory.limit() == 10**9
    monkeypatch.setenv("JWST_CAL_MEMORY_LIMIT", "")
    memory.set_limit(None)
    assert memory.limit() is None


def test_an_odd_environment_is_named(monkeypatch):
    monkeypatch.setenv("JWST_CAL_MEMORY_LIMIT", "much")
    with pytest.raises(ValueError, match="JWST_CAL_MEMORY_LIMIT: 'much' where"):
        memory.limit()


@linux
@pytest.mark.parametrize("make", [memory.empty, memory.zeros])
def test_arrays_in_files_are_arrays(make, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(memory.tempfile, "tempdir", None)
    memory.set_limit("100GB")
    assert make((3, 100, 500), np.float32).base is None
    memory.set_limit("6MB")
    array = make((3, 1000, 500), np.float32)
    assert array.base is not None
    assert array.flags.carray
    assert array.dtype == np.float32
    assert not array.any()
    array[1] = np.arange(500)
    kept = array[1]
    del array
    assert kept[7, 499] == 499
    assert os.listdir(tmp_path) == []


@pytest.fixture
def _nothing_kept():
    memory.forget()
    yield
    memory.forget()


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.usefixtures("_nothing_kept")
def test_memory_is_used_again_by_an_array_of_its_size():
    first = memory.empty((2, 1000, 1000), np.float32)
    first[...] = 7
    where, view = address(first), first[1, 5:]
    del first
    other = memory.empty((2, 1000, 1000), np.float32)
    assert address(other) != where  # a view is left
    del view
    again = memory.zeros((8_000_000 - 5,), np.uint8)
    assert address(again) == where
    assert not again.any()
    assert again.flags.carray
    assert memory.empty((3, 3), np.float32).base is None  # a small one


@pytest.mark.usefixtures("_nothing_kept")
def test_memory_that_does_not_suit_is_given_back():
    array = memory.zeros((8_000_000,), np.uint8)
    del array
    assert len(memory._unused) == 1
    array = memory.zeros((5_000_000,), np.uint8)
    assert memory._unused == []
    assert not array.any()


@pytest.mark.usefixtures("_nothing_kept")
def test_memory_is_kept_for_runs_of_one_pipeline():
    memory.forget(unless="one")
    memory.empty((8_000_000,), np.uint8)
    memory.forget(unless="one")
    assert len(memory._unused) == 1
    memory.forget(unless="two")
    assert memory._unused == []


@pytest.mark.usefixtures("_nothing_kept")
def test_memory_of_smaller_arrays_is_not_kept():
    """Results would else lie beside the ramp of the next exposure."""
    ramp = memory.empty((40_000_000,), np.uint8)
    del ramp
    results = memory.empty((9_000_000,), np.uint8)
    assert len(memory._unused) == 1  # what does not count takes nothing away
    del results
    assert [len(block) for block in memory._unused] == [40_000_000]


@pytest.mark.usefixtures("_nothing_kept")
def test_memory_of_a_larger_exposure_is_given_back_after_a_smaller_one():
    memory.forget(unless="one")
    memory.empty((80_000_000,), np.uint8)
    memory.forget(unless="one")
    memory.empty((8_000_000,), np.uint8)
    assert len(memory._unused) == 1
    memory.forget(unless="one")
    assert memory._unused == []


def test_too_much_memory():
    with pytest.raises(MemoryError, match="no room for an array of"):
        memory.empty((1 << 40, 1 << 15), np.float32)


@linux
def test_a_full_disk_is_told(monkeypatch):
    memory.set_limit("1MB")
    with pytest.raises(OSError, match=r"the memory limit of 1 MB needs a file of \d+ MB in "):
        memory.empty((1 << 28, 1 << 20), np.float32)


@linux
def test_a_mapped_file_is_read_only(tmp_path):
    memory.set_limit("1GB")
    path = tmp_path / "words"
    np.arange(5000, dtype=np.int32).tofile(path)
    with path.open("rb") as file:
        content = memory.map_file(file)
    words = np.frombuffer(content, np.int32)
    assert content[4:8] == b"\1\0\0\0"
    assert words[4999] == 4999
    with pytest.raises(ValueError, match="read-only"):
        words[0] = 1


PROGRAM = """
import numpy as np
from jwst_cal.kernels import memory
from jwst_cal.kernels.subtract import subtract
memory.set_limit("400MB")
cube = memory.zeros((4, 60, 1000, 1000), np.float32)
reference = np.full((1000, 1000), -1, np.float32)
for turn in range(2):
    subtract(cube, reference, n_threads=2)
for plane in cube.reshape(-1, 1000, 1000)[::20]:
    assert (plane == 2).all()
with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
print(int(peak) * 1024, cube.nbytes)
"""


@linux
def test_the_process_stays_below_the_limit():
    done = subprocess.run([sys.executable, "-P", "-c", PROGRAM], capture_output=True, text=True,
                          check=True)
    peak, n_bytes = map(int, done.stdout.split())
    assert n_bytes == 960_000_000
    assert peak < 400_000_000


FREED = """
import resource, sys
import numpy as np
from jwst_cal.kernels import memory
if sys.argv[1] != "given back":
    memory.keep_freed()
if sys.argv[1] == "limited":
    memory.set_limit("1G")
def work():
    for _ in range(20):
        arrays = [np.ones(250_000) for _ in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_used_again():
    """Pages that the system had to find for arrays of 2 MB, with and without."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another allocator")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}

    def found(what, **environment):
        done = subprocess.run([sys.executable, "-P", "-c", FREED, what], env=clean | environment,
                              capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert found("kept") < 5_000 < 20_000 < found("given back")
    assert found("limited") > 20_000
    assert found("kept", JWST_CAL_MEMORY_LIMIT="1G") > 20_000
    assert found("kept", MALLOC_TRIM_THRESHOLD_="0") > 20_000
