"""The C library alone, without Python: it compiles without a warning, and its tests pass under the
address and undefined-behaviour sanitizers.

``tests/csrc/x.c`` tests ``csrc/x.c``: random input of odd shapes and numbers in memory of exactly
the size needed, with 1, 2 and 7 threads whose results must be the same bytes, a result that is
known, and arguments that are refused. ``check.h`` has what they share.
"""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("csrc")

HERE = Path(__file__).parent
CSRC = HERE.parents[1] / "csrc"
SOURCES = sorted(CSRC.glob("*.c"))
PROGRAMS = sorted(HERE.glob("*.c"))

COMPILER = os.environ.get("CC", "gcc").split()
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# arithmetic as in setup.py
ARITHMETIC = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
SANITIZERS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all",
              "-fsanitize=address,undefined,float-cast-overflow"]
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "passive", "UBSAN_OPTIONS": "print_stacktrace=1"}

#: Programs that a sanitizer must stop, and one that it must not.
BROKEN = {
    "beyond": 'float *x = room(4 * sizeof *x); CHECK(x[draw() % 4 + 4] == 0);',
    "lost": 'for (int k = 0; k < 100; k++) blocks[0] = malloc(64);',
    "overflow": 'int x = INT32_MAX; x += pick(1, 1); CHECK(x < 0);',
    "cast": 'double x = uniform(1e18, 1e19); CHECK((int) x != 7);',
    "sound": 'CHECK(uniform(0, 1) < 1);',
}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False, env=ENVIRONMENT, timeout=300, **options)


class Workshop:
    """A folder with the library, built with sanitizers; makes programs with it."""

    def __init__(self, folder):
        self.folder = folder
        self.flags = [*WARNINGS, *ARITHMETIC, *SANITIZERS, f"-I{CSRC}", f"-I{HERE}"]
        if os.environ.get("JWST_CAL_NO_OPENMP") != "1":
            self.flags.append("-fopenmp")
        else:
            self.flags.append("-Wno-unknown-pragmas")
        self.environment = {}

    def compile(self, source):
        """Compile one source of the library; return its object, or what the compiler said."""
        target = self.folder / f"lib-{source.stem}.o"
        done = run(*COMPILER, *self.flags, "-c", source, "-o", target)
        return target if done.returncode == 0 else done.stderr

    def program(self, source, objects=()):
        """Make a program; return its path."""
        target = self.folder / source.stem
        done = run(*COMPILER, *self.flags, source, *objects, "-lm", "-o", target)
        assert done.returncode == 0, done.stderr
        return target

    def small_program(self, name):
        source = self.folder / f"{name}.c"
        source.write_text(f'#include "check.h"\n\nint main(void)\n{{\n    {BROKEN[name]}\n'
                          "    return finish();\n}\n")
        return self.program(source)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    if shutil.which(COMPILER[0]) is None:
        pytest.skip(f"no C compiler: '{COMPILER[0]}' was not found")
    made = Workshop(tmp_path_factory.mktemp("csrc"))
    source = made.folder / "probe.c"
    source.write_text("int main(void) { return 0; }\n")
    done = run(*COMPILER, *made.flags, source, "-o", made.folder / "probe")
    if done.returncode:
        pytest.skip(f"{COMPILER[0]} has no sanitizers: {done.stderr.strip().splitlines()[-1]}")
    done = run(made.folder / "probe")
    if done.returncode:
        pytest.skip(f"programs with sanitizers do not run here: {done.stderr.strip()[:200]}")
    return made


@pytest.fixture(scope="session")
def library(workshop):
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        objects = list(pool.map(workshop.compile, SOURCES))
    said = [text for text in objects if isinstance(text, str)]
    assert not said, said[0]
    return objects


@pytest.mark.parametrize("name", BROKEN)
def test_sanitizers_stop_what_they_should(workshop, name):
    done = run(workshop.small_program(name))
    if name == "lost" and "LeakSanitizer has encountered a fatal error" in done.stderr:
        pytest.skip("leaks cannot be found in this process (traced, or without ptrace)")
    assert (done.returncode == 0) is (name == "sound"), done.stdout + done.stderr


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_passes_under_the_sanitizers(workshop, library, source):
    done = run(workshop.program(source, library))
    report = done.stdout + done.stderr
    if "LeakSanitizer has encountered a fatal error" in report:  # in a process that is traced
        workshop.program(source, library)
        done = subprocess.run([workshop.folder / source.stem], capture_output=True, text=True,
                              check=False, env={**ENVIRONMENT, "ASAN_OPTIONS": "detect_leaks=0"})
        report = done.stdout + done.stderr
    assert done.returncode == 0, report[-4000:]


def test_every_source_has_its_program():
    assert [path.stem for path in SOURCES] == [path.stem for path in PROGRAMS]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_each_function_is_called(source):
    declared = set(re.findall(r"\b(jc_\w+)\(", source.with_suffix(".h").read_text())
                   if source.with_suffix(".h").exists() else [])
    called = set(re.findall(r"\b(jc_\w+)\(", (HERE / source.name).read_text()))
    assert declared <= called


def test_knows_no_python():
    for path in [*SOURCES, *CSRC.glob("*.h")]:
        assert not re.search(r"Python\.h|numpy", re.sub(r"/\*.*?\*/", "", path.read_text(),
                                                         flags=re.DOTALL)), path
