"""Stage 1 within a memory limit: the same bytes, and what the process takes."""

import os
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from jwst_cal.errors import ParameterError
from jwst_cal.pipelines import Detector1Pipeline
from jwst_cal.simulate import exposures

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")

PROGRAM = """
import logging, sys
from jwst_cal.pipelines import Detector1Pipeline
logging.disable(logging.CRITICAL)
exposure, folder, limit = sys.argv[1:]
Detector1Pipeline(save_results=True, output_dir=folder, memory_limit=limit or None).run(exposure)
with open("/proc/self/status") as status:
    print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


def run(exposure, folder, limit=None):
    """Run stage 1 in a process of its own; return the most memory it had, in MB."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, exposure, str(folder),
         f"{limit} MB" if limit else ""],
        env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) * 1024 / 1e6


def same_products(one, other):
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert len(names) == 2
    for name in names:
        with fits.open(one / name, memmap=False) as mine, fits.open(other / name,
                                                                    memmap=False) as theirs:
            for hdu, twin in zip(mine, theirs, strict=True):
                if hdu.data is not None and hdu.name != "ASDF":
                    assert hdu.data.tobytes() == twin.data.tobytes(), (name, hdu.name)


@pytest.mark.parametrize(("instrument", "subarray", "options", "limit"), [
    pytest.param("NIRCAM", "SUB64P", {"n_ints": 1500, "n_groups": 3}, 280,
                 id="thousands of short integrations"),
    pytest.param("NIRISS", "SUBSTRIP256", {"n_ints": 20, "n_groups": 5}, 340, id="a time series"),
    pytest.param("NIRSPEC", "FULL", {"n_groups": 4, "readpatt": "NRSIRS2RAPID"}, 410, id="IRS2"),
])
def test_products_have_the_same_bytes_and_the_process_keeps_the_limit(
        instrument, subarray, options, limit, tmp_path):
    exposure = str(exposures.simulate(instrument, subarray, seed=3, **options).write(tmp_path))
    assert run(exposure, tmp_path / "free") > 1.1 * limit
    assert run(exposure, tmp_path / "limited", limit) < limit
    same_products(tmp_path / "free", tmp_path / "limited")


@pytest.fixture(scope="module")
def exposure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exposure")
    return str(exposures.simulate("NIRCAM", "SUB64P", n_groups=3, n_ints=1, seed=3).write(folder))


def test_a_limit_that_cannot_hold_is_refused_at_once(exposure, tmp_path):
    pipe = Detector1Pipeline(memory_limit="20MB", save_results=True, output_dir=str(tmp_path))
    with pytest.raises(ParameterError, match=r"_uncal.fits: memory limit 20 MB: an exposure of "
                                             r"64 x 64 pixels needs \d+ MB"):
        pipe.run(exposure)
    assert list(tmp_path.iterdir()) == []


def test_the_parameter_is_an_amount(exposure):
    with pytest.raises(ParameterError, match="'memory_limit' of Detector1Pipeline: 'much' where"):
        Detector1Pipeline(memory_limit="much").run(exposure)


def test_the_environment_is_one(exposure, monkeypatch):
    monkeypatch.setenv("JWST_CAL_MEMORY_LIMIT", "much")
    with pytest.raises(ParameterError, match="JWST_CAL_MEMORY_LIMIT: 'much' where"):
        Detector1Pipeline().run(exposure)


def test_the_limit_ends_with_the_run(exposure):
    from jwst_cal.kernels import memory

    rate = Detector1Pipeline(memory_limit="100GB").run(exposure)
    assert memory.limit() is None
    assert np.isfinite(rate.data).any()


def test_only_a_chosen_limit_is_told_as_a_parameter():
    assert "memory_limit" not in Detector1Pipeline().get_pars()
    assert Detector1Pipeline(memory_limit="1GB").get_pars()["memory_limit"] == "1GB"
