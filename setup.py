"""The compiled part: csrc/*.c as one static library, kernels/*.pyx as modules."""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from glob import glob
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

os.chdir(Path(__file__).resolve().parent)

CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
DEBUG = os.environ.get("JWST_CAL_DEBUG") == "1"
#: Wheels serve every Python from 3.11 on; in the checkout modules are those of the Python at hand.
ABI3 = "bdist_wheel" in sys.argv and not sysconfig.get_config_var("Py_GIL_DISABLED")
NO_OPENMP = os.environ.get("JWST_CAL_NO_OPENMP") == "1"

# -fno-trapping-math lets gcc vectorise masked loops; -ffp-contract=off keeps result bytes
# the same on every CPU; -fno-wrapv undoes a flag of Python's that stops gcc from vectorising loops
# with int indices. Never -ffast-math, never -march=native.
STRICT = ["-std=c11", "-fPIC", "-Wall", "-Wextra", "-Wunused-result",
          "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fno-wrapv"]
STRICT += ["-O1", "-g", "-fsanitize=address,undefined"] if DEBUG else ["-O3"]
SANITIZE = ["-fsanitize=address,undefined"] if DEBUG else []

PROBE = r"""
#include <omp.h>
int main(void) {
    int total = 0;
#pragma omp parallel num_threads(2) reduction(+ : total)
    total += 1;
    return total == omp_get_max_threads() || total >= 1 ? 0 : 1;
}
"""


PARTS = re.compile(r'^(?:#include|cdef extern from) "([^"]+)\.h"', re.M)
DECLARATIONS = re.compile(r"^from jwst_cal\.kernels\.(\w+) cimport", re.M)


def needs(path, found=None):
    """Return all files of csrc/, and declarations, that a source or a module is made from."""
    found = set() if found is None else found
    text = Path(path).read_text()
    parts = [f"csrc/{name}{ending}" for name in PARTS.findall(text) for ending in (".h", ".c")]
    parts += [f"jwst_cal/kernels/{name}.pxd" for name in DECLARATIONS.findall(text)]
    parts += [str(Path(path).with_suffix(".pxd"))]  # taken without being named
    for part in parts:
        if part not in found and Path(part).exists():
            found.add(part)
            needs(part, found)
    return found


def headers(source):
    """Return the headers that a source includes."""
    return sorted(part for part in needs(source) if part.endswith(".h"))


def stop(problem):
    """End the build with a message that says what to do."""
    rule = "*" * 78
    raise SystemExit(f"\n{rule}\njwst_cal cannot be built: {problem}\n{rule}\n")


def openmp_flags(compiler):
    """Compile and run a program with OpenMP; return the flags, or stop with the reason."""
    if NO_OPENMP:
        print("jwst_cal: JWST_CAL_NO_OPENMP=1, the kernels will run on one thread", file=sys.stderr)
        return []
    command = compiler.compiler_so[:1] if hasattr(compiler, "compiler_so") else ["cc"]
    if shutil.which(command[0]) is None:
        stop(f"no C compiler: '{command[0]}' was not found on PATH.\n"
             "Install gcc (Debian: apt-get install gcc; conda: conda install gcc) or set CC.")
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "probe.c"), Path(folder, "probe")
        source.write_text("int main(void) { return 0; }\n")
        plain = subprocess.run([*command, str(source), "-o", str(program)],
                               capture_output=True, text=True, check=False)
        if plain.returncode:
            stop(f"the C compiler '{command[0]}' does not work:\n{plain.stderr.strip()}")
        source.write_text(PROBE)
        built = subprocess.run([*command, "-fopenmp", str(source), "-o", str(program)],
                               capture_output=True, text=True, check=False)
        ran = built.returncode == 0 and subprocess.run([str(program)], check=False).returncode == 0
    if not ran:
        stop(f"the C compiler '{command[0]}' has no working OpenMP (-fopenmp).\n"
             f"{built.stderr.strip()}\n"
             "Install gcc with libgomp, or set JWST_CAL_NO_OPENMP=1 for a single-threaded build.")
    return ["-fopenmp"]


class BuildLibrary(build_clib):
    """Build csrc/ with the OpenMP flags that the compiler at hand accepts."""

    def build_libraries(self, libraries):
        flags = openmp_flags(self.compiler)
        for _, info in libraries:
            info["cflags"] = STRICT + flags
            with ThreadPoolExecutor(CPUS) as pool:
                list(pool.map(partial(self.compile_one, info), info["sources"]))
        super().build_libraries(libraries)  # finds the objects up to date and archives them

    def compile_one(self, info, source):
        """Compile one source, unless its object is newer than all it is made from."""
        made, = self.compiler.object_filenames([source], output_dir=self.build_temp)
        if newer_group([source, *headers(source)], made):
            self.compiler.compile([source], output_dir=self.build_temp, debug=self.debug,
                                  include_dirs=info["include_dirs"], extra_postargs=info["cflags"])


class BuildModules(build_ext):
    """Link the modules with OpenMP; build the library first when called on its own."""

    def build_extensions(self):
        flags = openmp_flags(self.compiler)
        for module in self.extensions:
            module.extra_link_args = flags + SANITIZE
        self.parallel = CPUS
        for old in [] if self.inplace else glob(f"{self.build_lib}/jwst_cal/kernels/*.so"):
            if (".abi3." in old) != ABI3:  # of another kind of build, and it would be packed, too
                os.unlink(old)
        super().build_extensions()


SOURCES = sorted(glob("csrc/*.c"))
library = ("jwst_cal_c", {"sources": SOURCES, "include_dirs": ["csrc"],
                          "obj_deps": {source: headers(source) for source in SOURCES}})
modules = [
    Extension(
        f"jwst_cal.kernels.{Path(path).stem}",
        [path],
        include_dirs=["csrc", numpy.get_include()],
        depends=sorted(needs(path)),
        extra_compile_args=["-O2"],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if ABI3 else [],
        py_limited_api=ABI3,
    )
    for path in sorted(glob("jwst_cal/kernels/*.pyx"))
]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "embedsignature": True,
    "freethreading_compatible": True,
}

if platform.system() == "Windows":
    stop("Windows is not supported; use Linux, or WSL.")

setup(
    libraries=[library],
    ext_modules=cythonize(modules, compiler_directives=DIRECTIVES),
    cmdclass={"build_clib": BuildLibrary, "build_ext": BuildModules},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
)
