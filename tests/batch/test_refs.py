"""jwst-cal refs: references are named, fetched, packed and verified."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from batch.conftest import NAMES, command, products

from jwst_cal.batch import reference_files
from jwst_cal.cli import command as jwst_cal_command
from jwst_cal.errors import ReferenceFileError
from jwst_cal.framework import reference_store

TYPES = ("dark", "gain", "linearity", "mask", "readnoise", "saturation", "superbias")


@pytest.fixture
def one(raw, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    shutil.copy(raw / f"{NAMES[0]}_uncal.fits", folder)
    return folder


def told(capsys, *words):
    status = jwst_cal_command.main(["refs", *map(str, words)])
    return status, capsys.readouterr().out.splitlines()


def test_plan(one, capsys):
    status, lines = told(capsys, "plan", one, "--stages=1")
    assert status == 0
    assert {line.split("_")[2] for line in lines[:-1]} == {*TYPES, "sirskernel"}
    assert lines[-1] == "8 reference files, 0 to be fetched"


def test_packed_cache_is_enough(one, undisturbed, tmp_path, capsys):
    packed = tmp_path / "packed"
    status, lines = told(capsys, "pack", one, "--stages=1", "--cache", packed)
    assert status == 0
    assert lines[0].startswith(f"{packed}: 8 reference files, ")
    assert told(capsys, "verify", "--cache", packed)[1][-1].endswith("0 wrong")
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("CRDS_", "JWST_CAL_CRDS"))}
    settings = dict(word.split("=", 1) for word in lines[1].split()[1:])
    assert settings["CRDS_PATH"] == str(packed)
    subprocess.run(["chmod", "-R", "a-w", str(packed)], check=True)
    done = command("run", one, "-o", tmp_path / "out", "--stages=1",
                   env={**environment, **settings, "HOME": str(tmp_path)})
    subprocess.run(["chmod", "-R", "u+w", str(packed)], check=True)
    assert done.returncode == 0, done.stderr
    assert "CRDS" not in done.stderr  # it misses a package called jwst
    expected = {name: made for name, made in products(undisturbed).items()
                if name.startswith(NAMES[0])}
    assert products(tmp_path / "out") == expected

    gain = next((packed / "references" / "jwst").glob("*gain*"))
    with open(gain, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    next((packed / "mappings" / "jwst").glob("*nircam*dark*")).unlink()
    status, lines = told(capsys, "verify", "--cache", packed)
    assert status == 1
    assert any("SHA-1" in line and "gain" in line for line in lines)
    assert any("dark" in line and "missing" in line for line in lines)


class TestServer:
    """A user's cache, with a server that lists sums."""

    @pytest.fixture
    def cache(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reference_store, "place_of", lambda name: str(tmp_path / name))

        def obtain(name):
            if "bad" in name:
                raise ReferenceFileError(f"{name}: the server did not send it")
            (tmp_path / name).write_text(name)
            return str(tmp_path / name)

        monkeypatch.setattr(reference_store, "obtain", obtain)
        return tmp_path

    def test_fetch(self, cache):
        (cache / "here.fits").write_text("x")
        lines = []
        assert reference_files.fetch(["here.fits", "new.fits", "bad.fits"], lines.append) == [
            "bad.fits"]
        assert lines == [f"new.fits: {cache / 'new.fits'}", "bad.fits: the server did not send it"]
        assert (cache / "here.fits").read_text() == "x"

    def test_verify(self, cache, monkeypatch):
        from jwst_cal.framework import _downloads

        for name in ("good.fits", "short.fits", "other.fits", "unknown.fits"):
            (cache / name).write_text("abc")
        right = reference_store.sha1(str(cache / "good.fits"))
        listed = {"good.fits": {"size": "3", "sha1sum": right},
                  "short.fits": {"size": "30", "sha1sum": right},
                  "other.fits": {"size": "3", "sha1sum": "0" * 40}}
        monkeypatch.setattr(_downloads, "_listed", lambda name: listed.get(name, {}))
        monkeypatch.setattr(reference_store, "difference", _downloads.compare)
        number, problems = reference_files.verify_names(
            ["good.fits", "short.fits", "other.fits", "unknown.fits", "none.fits"])
        assert number == 3
        assert [Path(text.partition(":")[0]).name for text in problems] == [
            "short.fits", "other.fits", "none.fits"]


@pytest.mark.parametrize(("words", "status", "says"), [
    (["fetch"], 2, "name exposures"), (["pack", "x.fits"], 2, "--cache DIR"),
    (["verify", "--cache", "/nowhere"], 1, "is no packed cache"), (["eat"], 2, "eat"),
])
def test_refuses(capsys, words, status, says):
    assert jwst_cal_command.main(["refs", *words]) == status
    assert says in capsys.readouterr().err
