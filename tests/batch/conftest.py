"""Six small raw exposures, and an engine that runs tasks in a thread of the test itself."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jwst_cal.batch import engines

NAMES = [f"jw01234001001_02101_{number:05d}_nrca1" for number in range(1, 7)]


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    """Folder with the exposures; not to be changed."""
    from jwst_cal.simulate import exposures

    folder = tmp_path_factory.mktemp("raw")
    for seed, name in enumerate(NAMES):
        made = exposures.simulate("NIRCAM", "SUB64P", n_ints=1, n_groups=4, seed=seed)
        made.write(folder / f"{name}_uncal.fits")
    return folder


@pytest.fixture
def exposures(raw, tmp_path):
    """Copies of the exposures, by number."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in NAMES:
        path = folder / f"{name}_uncal.fits"
        path.write_bytes((raw / path.name).read_bytes())
    return folder


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    """Past runs of the machine decide nothing here; the embedded references stay where they are."""
    from jwst_cal.batch import resources

    store = str(tmp_path_factory.mktemp("past") / "tasks.tsv")
    known = resources.Experience.__init__
    monkeypatch.setattr(resources.Experience, "__init__",
                        lambda self, given=None: known(self, given or store))


def here(share):
    """An engine without processes."""
    return engines.Engine("here", ThreadPoolExecutor(1), 1, is_local=False)


@pytest.fixture
def run_here():
    """Run a plan in this process; return what was told."""
    from jwst_cal.batch import progress, run
    from jwst_cal.errors import ExitStatus

    class Told(progress.Reporter):
        def __init__(self):
            super().__init__()
            self.events = []
            self.status = 0

        def show(self, event):
            self.events.append(dict(event))

        def of(self, kind):
            return [event["task"].split()[-1] for event in self.events if event["event"] == kind]

    def call(plan, make=here, **options):
        told = Told()
        try:
            run.execute(plan, run.Options(**options), reporter=told, make=make)
        except ExitStatus as leaving:
            told.status = leaving.status
        return told

    return call


def content(path):
    """What must be the same however a product was made: arrays, and keywords but for its date."""
    from astropy.io import fits

    found = []
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            if hdu.name == "ASDF":
                continue  # log lines with their times
            cards = [str(card) for card in hdu.header.cards if card.keyword != "DATE"]
            found.append((cards, None if hdu.data is None else hdu.data.tobytes()))
    return found


def same_bytes(folder):
    """The products of a folder, byte for byte: SOURCE_DATE_EPOCH takes out what tells the time."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.fits"))}


EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    """Time stands still in products, also in those of workers."""
    for name, value in EPOCH.items():
        monkeypatch.setenv(name, value)


def products(folder):
    """Content of the products of a folder, by name."""
    return {path.name: content(path) for path in sorted(Path(folder).glob("*.fits"))}


def command(*words, **options):
    """Run jwst-cal in a process of its own."""
    return subprocess.run([sys.executable, "-P", "-m", "jwst_cal.cli.command", *map(str, words)],
                          capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="session")
def undisturbed(raw, tmp_path_factory):
    """Products of one run of worker processes that nothing disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"  # products tell the folder's name
    done = command("run", raw, "-o", out, "--stages", "1", "--jobs", "2", "--threads", "1",
                   env=os.environ | EPOCH)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum("] done " in line for line in lines) == len(NAMES)
    assert lines[-1].startswith(f"{len(NAMES)} done in")
    return out
