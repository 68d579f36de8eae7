"""Building: a missing compiler and a compiler without OpenMP end in a message that helps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[1] / "setup.py"

pytest.importorskip("Cython", reason="the build needs Cython")
pytest.importorskip("setuptools", reason="the build needs setuptools")


@pytest.fixture
def build(tmp_path):
    """Run the first part of the build, with results in a folder of its own."""
    def run(compiler, **environment):
        return subprocess.run(
            [sys.executable, str(SETUP), "-q", "build_clib", "-b", str(tmp_path / "lib"),
             "-t", str(tmp_path / "objects")],
            env={**os.environ, "CC": str(compiler), **environment}, cwd=tmp_path,
            capture_output=True, text=True, check=False)
    return run


@pytest.fixture
def without_openmp(tmp_path):
    """Make a compiler that refuses -fopenmp, and takes everything else without doing the work."""
    compiler = tmp_path / "plain-cc"
    compiler.write_text(
        '#!/bin/sh\nwhile [ $# -gt 0 ]; do\n  case "$1" in\n'
        '    -fopenmp) echo "plain-cc: unsupported option -fopenmp" >&2; exit 1;;\n'
        '    -o) echo made > "$2"; chmod +x "$2";;\n  esac\n  shift\ndone\n')
    compiler.chmod(0o755)
    return compiler


def test_missing_compiler(build):
    done = build("no-such-compiler")
    assert done.returncode == 1
    assert "no C compiler: 'no-such-compiler' was not found" in done.stderr
    assert "Install gcc" in done.stderr
    assert "Traceback" not in done.stderr


def test_compiler_that_does_not_work(build, tmp_path):
    broken = tmp_path / "broken-cc"
    broken.write_text("#!/bin/sh\necho 'broken-cc: cannot find libc' >&2\nexit 1\n")
    broken.chmod(0o755)
    done = build(broken)
    assert done.returncode == 1
    assert "does not work" in done.stderr
    assert "cannot find libc" in done.stderr
    assert "Traceback" not in done.stderr


def test_compiler_without_openmp(build, without_openmp):
    done = build(without_openmp)
    assert done.returncode == 1
    assert "has no working OpenMP" in done.stderr
    assert "JWST_CAL_NO_OPENMP=1" in done.stderr
    assert "Traceback" not in done.stderr


def test_openmp_can_be_left_out_on_purpose(build, without_openmp):
    done = build(without_openmp, JWST_CAL_NO_OPENMP="1")
    assert done.returncode == 0, done.stderr
    assert "one thread" in done.stderr
