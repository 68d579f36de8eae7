"""The official package in an environment of its own, made once in the user's cache directory.

``python -m tests.parity.setup`` makes it and prints its Python; ``JWST_CAL_ORACLE`` names that
of another environment that holds it. Beside it a folder gets the last release that had the trap
model of persistence, without what it depends on: it runs on that of the environment, which takes
seconds. ``JWST_CAL_CLASSIC`` names another such folder. The environment gets pysiaf, too, which the
official pointing needs and does not bring. Needs the standard library only.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

VERSION = "3.0.0"
#: The release with the trap model of persistence.
CLASSIC = "1.18.1"
#: The release whose apertures are those of jwst_cal/pointing/siaf.json.
SIAF = "0.29.0"


def cache_folder():
    """Where the environment and its results are kept: outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jwst_cal"


def check(python):
    """Return None, or what is wrong with an environment."""
    if not Path(python).exists():
        return f"{python} does not exist"
    code = "import importlib.metadata as m; print(m.version('jwst'))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{python} has no package jwst"
    if done.stdout.strip() != VERSION:
        return f"{python} has jwst {done.stdout.strip()}, not {VERSION}"
    return None


def classic():
    """Return the folder with the older release, or None and the reason."""
    named = os.environ.get("JWST_CAL_CLASSIC")
    folder = Path(named) if named else cache_folder() / f"classic-{CLASSIC}"
    if (folder / "jwst" / "persistence").is_dir() and list(folder.glob(f"jwst-{CLASSIC}*")):
        return folder, None
    return None, f"no jwst {CLASSIC} in {folder}; python -m tests.parity.setup puts it there"


def find():
    """Return the Python of the environment, or None and the reason."""
    named = os.environ.get("JWST_CAL_ORACLE")
    python = Path(named) if named else cache_folder() / f"oracle-{VERSION}" / "bin" / "python"
    problem = check(python)
    if problem is None:
        return python, None
    return None, f"{problem}; python -m tests.parity.setup makes the environment"


def has_siaf(python):
    """Whether the environment has pysiaf."""
    return subprocess.run([str(python), "-c", "import pysiaf"], capture_output=True,
                          check=False).returncode == 0


def make():
    """Make the environment and the folder where there are none; return the environment's Python."""
    python, _ = find()
    if python is None:
        if os.environ.get("JWST_CAL_ORACLE"):
            raise SystemExit(f"JWST_CAL_ORACLE: {check(os.environ['JWST_CAL_ORACLE'])}")
        python = _make_environment(cache_folder() / f"oracle-{VERSION}")
    if not has_siaf(python) and not os.environ.get("JWST_CAL_ORACLE"):
        _install(python, f"pysiaf=={SIAF}")
    if classic()[0] is None:
        if os.environ.get("JWST_CAL_CLASSIC"):
            raise SystemExit(f"JWST_CAL_CLASSIC: {classic()[1]}")
        _make_classic(python, cache_folder() / f"classic-{CLASSIC}")
    return python


def _make_environment(final):
    def work(making):
        venv.create(making, with_pip=True)
        _install(making / "bin" / "python", f"jwst=={VERSION}")
        problem = check(making / "bin" / "python")
        if problem:
            raise SystemExit(problem)

    _make_folder(final, f"jwst=={VERSION}", work)
    return final / "bin" / "python"


def _make_classic(python, final):
    _make_folder(final, f"jwst=={CLASSIC}", lambda making: _install(
        python, f"jwst=={CLASSIC}", "--no-deps", "--target", str(making)))


def _install(python, package, *options):
    subprocess.run([str(python), "-m", "pip", "install", "--quiet",
                    "--disable-pip-version-check", *options, package], check=True)


def _make_folder(final, package, work):
    """Have a folder made under another name and renamed, so that there is a whole one or none."""
    making = final.with_name(f"{final.name}.{os.getpid()}")
    making.parent.mkdir(parents=True, exist_ok=True)
    print(f"Installing {package} into {final} ...", flush=True)
    try:
        work(making)
        shutil.rmtree(final, ignore_errors=True)
        making.rename(final)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{package} could not be installed ({error})") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)


if __name__ == "__main__":
    print(make())
    sys.exit()
