"""The official package in an environment of its own, made once in the user's cache directory.

``python -m tests.parity.setup`` makes it and prints its Python; ``JWST_CAL_ORACLE`` names that
of another environment that holds it. Needs the standard library only.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

VERSION = "3.0.0"


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


def find():
    """Return the Python of the environment, or None and the reason."""
    named = os.environ.get("JWST_CAL_ORACLE")
    python = Path(named) if named else cache_folder() / f"oracle-{VERSION}" / "bin" / "python"
    problem = check(python)
    if problem is None:
        return python, None
    return None, f"{problem}; python -m tests.parity.setup makes the environment"


def make():
    """Make the environment where there is none, and return its Python."""
    python, _ = find()
    if python is not None:
        return python
    if os.environ.get("JWST_CAL_ORACLE"):
        raise SystemExit(f"JWST_CAL_ORACLE: {check(os.environ['JWST_CAL_ORACLE'])}")
    final = cache_folder() / f"oracle-{VERSION}"
    making = final.with_name(f"{final.name}.{os.getpid()}")
    making.parent.mkdir(parents=True, exist_ok=True)
    print(f"Installing jwst=={VERSION} into {final} ...", flush=True)
    try:
        venv.create(making, with_pip=True)
        subprocess.run([str(making / "bin" / "python"), "-m", "pip", "install", "--quiet",
                        "--disable-pip-version-check", f"jwst=={VERSION}"], check=True)
        problem = check(making / "bin" / "python")
        if problem:
            raise SystemExit(problem)
        shutil.rmtree(final, ignore_errors=True)
        making.rename(final)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"jwst=={VERSION} could not be installed ({error})") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return final / "bin" / "python"


if __name__ == "__main__":
    print(make())
    sys.exit()
