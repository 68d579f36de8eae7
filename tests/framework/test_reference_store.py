"""The choice of reference files, by the real client and a cache made for the test."""

import hashlib
import os
import subprocess
import sys

import pytest

from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.framework import reference_store as store

HEADER = {
    "meta.instrument.name": "NIRCAM", "meta.instrument.detector": "NRCA1",
    "meta.exposure.type": "NRC_IMAGE", "meta.observation.date": "2026-01-02",
    "meta.observation.time": "03:04:05", "meta.filename": "x_uncal.fits",
}


def _mapping(folder, name, header, selector):
    header = {"name": name, "observatory": "JWST", "derived_from": "test", **header}
    lines = [f"header = {{\n{''.join(f'    {k!r} : {v!r},' + chr(10) for k, v in header.items())}",
             f"}}\n\nselector = {selector}\n"]
    total = hashlib.sha1("".join(lines).encode()).hexdigest()
    (folder / name).write_text(f"{lines[0]}    'sha1sum' : '{total}',\n{lines[1]}")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A user's cache: gain found, reset N/A, mask without a row, dark without its file."""
    root = tmp_path / "an n" / "a path"  # must not be taken for 'N/A'
    mappings, config = root / "mappings" / "jwst", root / "config" / "jwst"
    references = root / "references" / "jwst"
    for folder in (mappings, config, references):
        folder.mkdir(parents=True)
    parkey = (("META.INSTRUMENT.DETECTOR",), ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME"))
    types = {"RESET": "N/A"}
    for kind, detector in (("gain", "NRCA1"), ("mask", "NRCB1"), ("dark", "NRCA1")):
        name = f"jwst_nircam_{kind}_0001.rmap"
        _mapping(mappings, name,
                 {"mapping": "REFERENCE", "instrument": "NIRCAM", "filekind": kind.upper(),
                  "classes": ("Match", "UseAfter"), "parkey": parkey, "file_ext": ".fits",
                  "filetype": kind.upper(), "suffix": kind, "text_descr": kind},
                 f"Match({{\n    '{detector}' : UseAfter({{\n        '1900-01-01 00:00:00' : "
                 f"'jwst_nircam_{kind}_0001.fits',\n    }}),\n}})")
        types[kind.upper()] = name
    _mapping(mappings, "jwst_nircam_0001.imap",
             {"mapping": "INSTRUMENT", "instrument": "NIRCAM", "parkey": ("REFTYPE",)}, types)
    for context in ("jwst_0001.pmap", "jwst_0002.pmap"):
        _mapping(mappings, context,
                 {"mapping": "PIPELINE", "parkey": ("META.INSTRUMENT.NAME",), "description": "x"},
                 {"NIRCAM": "jwst_nircam_0001.imap"})
    (references / "jwst_nircam_gain_0001.fits").touch()
    (config / "ref_cache_subdir_mode").write_text("flat")
    (config / "server_config").write_text(repr({
        "observatory": "jwst", "bad_files_list": [], "bad_files": "", "last_synced": "2026",
        "latest_context": "jwst_0001.pmap", "operational_context": "jwst_0001.pmap",
        "edit_context": "jwst_0001.pmap", "force_remote_mode": False, "status": "server",
        "connected": False, "mappings": [], "crds_version": {"str": "14"}}))
    for name in ("CRDS_SERVER_URL", "CRDS_READONLY_CACHE", "JWST_CAL_CRDS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRDS_PATH", str(root))
    monkeypatch.setenv("CRDS_CONTEXT", "jwst_0001.pmap")
    return root


class TestFind:
    def test_file(self, cache):
        found = store.find(HEADER, "gain")
        assert found == str(cache / "references" / "jwst" / "jwst_nircam_gain_0001.fits")
        assert store.used().context == "jwst_0001.pmap"
        assert store.used().version

    def test_not_applicable(self, cache):
        assert store.find(HEADER, "reset") == "N/A"

    @pytest.mark.parametrize("reftype", ["mask", "nonsense", "dark"])
    def test_failure_names_exposure_type_and_rules(self, cache, reftype):
        with pytest.raises(ReferenceFileError) as error:
            store.find(HEADER, reftype)
        for part in ("x_uncal.fits", f"no {reftype.upper()} reference file", "jwst_0001.pmap",
                     "instrument.detector=NRCA1"):
            assert part in str(error.value)
        assert "\n" not in str(error.value)

    def test_one_failure_does_not_hide_the_others(self, cache):
        with pytest.raises(ReferenceFileError):
            store.find(HEADER, "nonsense")
        assert store.find(HEADER, "gain").endswith("gain_0001.fits")

    def test_unknown_instrument(self, cache):
        with pytest.raises(ReferenceFileError, match="no GAIN reference file"):
            store.find({**HEADER, "meta.instrument.name": "ACS"}, "gain")

    def test_of_an_exposure_file(self, cache, uncal_file):
        assert store.find(uncal_file, "gain").endswith("gain_0001.fits")

    def test_of_an_open_model(self, cache, small_ramp):
        assert store.find(small_ramp, "gain").endswith("gain_0001.fits")

    def test_of_something_else(self, cache):
        with pytest.raises(ReferenceFileError, match="no reference can be chosen for a int"):
            store.find(5, "gain")

    def test_changed_context_is_noticed(self, cache, monkeypatch):
        store.find(HEADER, "gain")
        monkeypatch.setenv("CRDS_CONTEXT", "jwst_0002.pmap")
        store.find(HEADER, "gain")
        assert store.used().context == "jwst_0002.pmap"

    def test_edited_rules_are_refused(self, cache):
        path = cache / "mappings" / "jwst" / "jwst_nircam_gain_0001.rmap"
        path.write_text(path.read_text().replace("gain_0001.fits", "gain_0002.fits"))
        with pytest.raises(ReferenceFileError, match="no GAIN reference file"):
            store.find(HEADER, "gain")

    def test_missing_cache_is_an_error_that_says_what_to_set(self, cache, monkeypatch, tmp_path):
        monkeypatch.setenv("CRDS_PATH", str(tmp_path / "none"))
        with pytest.raises(ReferenceFileError, match="set CRDS_SERVER_URL and CRDS_PATH"):
            store.find(HEADER, "gain")

    def test_users_environment_is_left_alone(self, cache):
        before = {k: v for k, v in os.environ.items() if k in ("CRDS_PATH", "CRDS_CONTEXT")}
        store.find(HEADER, "gain")
        assert {k: os.environ.get(k) for k in before} == before
        assert "CRDS_SERVER_URL" not in os.environ

    def test_second_question_is_fast(self, cache):
        import time

        store.find(HEADER, "gain")
        started = time.process_time()
        for _ in range(20):
            store.find(HEADER, "gain")
        assert (time.process_time() - started) / 20 < 0.005


class TestParameterFiles:
    def test_none_is_no_news(self, cache, caplog, capfd):
        assert store.find_parameters(HEADER, "pars-jumpstep") is None
        assert not caplog.records
        assert "ERROR" not in capfd.readouterr().err

    def test_embedded_rules_have_none_and_are_not_asked(self, monkeypatch):
        from jwst_cal.simulate import references

        monkeypatch.setenv("JWST_CAL_CRDS", "embedded")
        monkeypatch.setattr(store, "find", None)
        assert store.find_parameters(HEADER, "pars-jumpstep") is None
        assert not [row for row in references.REFERENCES.values()
                    if row.reftype.startswith("pars-")]


class TestWhichCache:
    @pytest.fixture(autouse=True)
    def _clean(self, monkeypatch):
        for name in ("CRDS_PATH", "CRDS_SERVER_URL", "JWST_CAL_CRDS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(store, "_SITE_CACHE", "/nonexistent")

    def test_embedded_by_default(self):
        assert not store._is_users()

    @pytest.mark.parametrize("name", ["CRDS_PATH", "CRDS_SERVER_URL"])
    def test_users_when_set(self, monkeypatch, name):
        monkeypatch.setenv(name, "x")
        assert store._is_users()

    def test_wish_decides(self, monkeypatch):
        monkeypatch.setenv("CRDS_PATH", "x")
        monkeypatch.setenv("JWST_CAL_CRDS", "embedded")
        assert not store._is_users()

    def test_unknown_wish(self, monkeypatch):
        monkeypatch.setenv("JWST_CAL_CRDS", "mine")
        with pytest.raises(ParameterError, match="JWST_CAL_CRDS: 'mine' is not one of"):
            store._is_users()


class TestHeader:
    def test_association_gives_its_first_science_member(self, uncal_file, tmp_path):
        import json

        asn = {"products": [{"name": "p", "members": [
            {"expname": "background.fits", "exptype": "background"},
            {"expname": os.path.basename(uncal_file), "exptype": "SCIENCE"}]}]}
        path = os.path.join(os.path.dirname(uncal_file), "a.json")
        with open(path, "w") as file:
            json.dump(asn, file)
        assert store.header_of(path)["meta.instrument.name"] == "NIRCAM"

    def test_broken_association(self, tmp_path):
        path = tmp_path / "a.json"
        path.write_text("{")
        with pytest.raises(InputError, match=r"a.json: no association: not JSON"):
            store.header_of(path)

    def test_list_gives_its_first_element(self, small_ramp):
        assert store.header_of([small_ramp])["meta.exposure.type"] == "NRC_IMAGE"

    def test_nothing(self):
        assert store.header_of(None) is None
        assert store.header_of([]) is None


class TestDownloads:
    """What the client would do wrong: keep a file that is cut off."""

    @pytest.fixture
    def server(self, cache, monkeypatch):
        from crds.client import api

        from jwst_cal.framework import _downloads

        content = b"reference" * 1000
        listed = {"size": len(content), "sha1sum": hashlib.sha1(content).hexdigest()}
        sent = []

        def download_files(self, names, paths):
            body = sent.pop(0)
            if isinstance(body, Exception):
                raise body
            with open(paths[names[0]], "wb") as file:
                file.write(body)

        monkeypatch.setattr(api.FileCacher, "download_files", download_files)
        monkeypatch.setattr(_downloads, "_listed", lambda name: listed)
        return content, sent

    def _files(self, cache):
        return sorted(os.listdir(cache / "references" / "jwst"))

    def test_whole_file_arrives(self, cache, server):
        content, sent = server
        sent.append(content)
        path = store.find(HEADER, "dark")
        with open(path, "rb") as file:
            assert file.read() == content
        assert self._files(cache) == ["jwst_nircam_dark_0001.fits", "jwst_nircam_gain_0001.fits"]

    def test_file_that_is_cut_off_is_fetched_again(self, cache, server):
        content, sent = server
        sent += [content[:500], content]
        assert os.path.getsize(store.find(HEADER, "dark")) == len(content)

    @pytest.mark.parametrize(("bodies", "problem"), [
        ([b"short", b"short"], "5 bytes arrived of 9000"),
        ([b"x" * 9000] * 2, "SHA-1 sum is not the one the server lists"),
        ([RuntimeError("no route"), RuntimeError("no route")], "no route"),
    ])
    def test_wrong_file_is_not_kept(self, cache, server, bodies, problem):
        server[1].extend(bodies)
        with pytest.raises(ReferenceFileError, match=problem):
            store.find(HEADER, "dark")
        assert self._files(cache) == ["jwst_nircam_gain_0001.fits"]

    def test_read_only_cache(self, cache, server, monkeypatch):
        monkeypatch.setenv("CRDS_READONLY_CACHE", "1")
        with pytest.raises(ReferenceFileError, match="CRDS_READONLY_CACHE=1"):
            store.find(HEADER, "dark")


def test_client_is_not_imported_before_the_first_question():
    import subprocess

    code = "import jwst_cal.framework.reference_store, sys; print('crds' in sys.modules)"
    out = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                         check=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert out.stdout.strip() == "False"


def test_a_run_does_not_tell_of_what_earlier_ones_used(cache):
    store.find(HEADER, "gain")
    with store.fresh():
        assert store.used() == store.Choice()
        store.find(HEADER, "gain")
        inside = store.used()
        with store.fresh():
            assert store.used() == store.Choice()
        assert store.used() == inside
    assert inside.context == "jwst_0001.pmap"


@pytest.mark.parametrize("is_product", [False, True])
def test_a_choice_reads_no_schemas(tmp_path, is_product):
    """The header of an exposure tells of its making, too: the client must not look that up."""
    from jwst_cal import models
    from jwst_cal.simulate import exposures

    path = str(exposures.simulate("NIRCAM", "SUB64P", n_groups=2, n_ints=1, seed=1)
               .write(tmp_path))
    if is_product:  # which holds the tree of ASDF
        path = models.save(models.open_exposure(path, light=True), tmp_path / "again_uncal.fits")
    code = ("import sys\nfrom jwst_cal.framework import reference_store as store\n"
            "from jwst_cal import models\n"
            "model = models.open_exposure(sys.argv[1], light=True)\n"
            "print(store.name_of(model, 'gain'), 'crds' in sys.modules, "
            "'stdatamodels.jwst' in sys.modules)\n")
    done = subprocess.run([sys.executable, "-P", "-c", code, path], capture_output=True, text=True,
                          check=True, cwd=tmp_path, env={**os.environ, "JWST_CAL_CRDS": "embedded"})
    name, *imported = done.stdout.split()[-3:]
    assert name.startswith("jwst_nircam_gain_")
    assert imported == ["True", "False"]
