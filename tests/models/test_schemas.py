"""Schemas that are parsed once give the same products, and asdf is left as it was."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from asdf import schema
from astropy.io import fits

from jwst_cal.models import _schemas
from jwst_cal.models._schemas import parsed_once


def test_products_are_the_same(small_ramp, tmp_path):
    small_ramp.meta.date = "2026-01-01T00:00:00"
    small_ramp.save(tmp_path / "a.fits")
    with parsed_once():
        for _ in range(2):
            small_ramp.save(tmp_path / "b.fits")
    with fits.open(tmp_path / "a.fits") as a, fits.open(tmp_path / "b.fits") as b:
        for key in ("DATE", "FILENAME"):
            a[0].header[key] = b[0].header[key] = "x"
        assert [hdu.name for hdu in a] == [hdu.name for hdu in b]
        assert a[0].header == b[0].header
        for ours, theirs in zip(a[1:-1], b[1:-1], strict=True):
            assert (np.asarray(ours.data) == np.asarray(theirs.data)).all()


def test_wrong_values_are_still_refused(small_ramp):
    from stdatamodels.exceptions import ValidationWarning

    with parsed_once():
        for _ in range(2):
            with pytest.warns(ValidationWarning):
                small_ramp.meta.exposure.ngroups = "many"


def test_asdf_is_left_as_it_was():
    before = schema._make_schema_loader
    with parsed_once():
        with parsed_once():
            assert schema._make_schema_loader is not before
        assert schema._make_schema_loader is not before
    assert schema._make_schema_loader is before
    with pytest.raises(KeyError), parsed_once():
        raise KeyError
    assert schema._make_schema_loader is before


def test_blocks_of_several_threads_may_overlap():
    before = schema._make_schema_loader
    inside = threading.Barrier(3)

    def work():
        with parsed_once():
            inside.wait()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert schema._make_schema_loader is before


def test_another_asdf_is_left_alone(monkeypatch):
    monkeypatch.delattr(schema, "_make_schema_loader")
    with parsed_once():
        assert not hasattr(schema, "_make_schema_loader")


FROZEN = """
import gc
import sys
from jwst_cal.models import _schemas
if sys.argv[1] == "command":
    _schemas.in_command()
_schemas.coordinates_loaded()
assert gc.isenabled()
print("gwcs" in sys.modules, gc.get_freeze_count() > 100_000)
"""


@pytest.mark.parametrize(("kind", "frozen"), [("command", "True"), ("library", "False")])
def test_only_a_command_keeps_libraries_from_the_collector(kind, frozen):
    done = subprocess.run([sys.executable, "-P", "-c", FROZEN, kind], capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == ["True", frozen]


EXTENSIONS = """
import sys
import asdf
import yaml
from jwst_cal.models import _schemas
if sys.argv[1] == "fast":
    _schemas.extensions_loaded()
    from asdf.extension import _manifest
    assert _manifest.yaml is yaml
for extension in asdf.get_config().extensions:
    print(extension.extension_uri, extension.asdf_standard_requirement,
          sorted(definition.tag_uri for definition in extension.tags),
          sorted(definition.schema_uris[:1] for definition in extension.tags))
"""


def test_extensions_are_the_same_by_the_fast_parser():
    told = [subprocess.run([sys.executable, "-P", "-c", EXTENSIONS, how], capture_output=True,
                           text=True, check=True).stdout for how in ("fast", "usual")]
    assert told[0].count("asdf") > 10
    assert told[0] == told[1]


def test_an_asdf_of_another_form_loads_its_extensions_itself(monkeypatch):
    from asdf.extension import _manifest

    monkeypatch.delattr(_manifest, "yaml")
    _schemas._load_extensions()
    assert not hasattr(_manifest, "yaml")
