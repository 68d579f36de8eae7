"""Genuine CRDS rules: we choose what the rules' own engine chooses, for thousands of headers.

The mappings of jwst_0541.pmap and before are in ``../shared/data`` beside the checkout, or
where ``JWST_CAL_REAL_DATA`` says.
"""

import os
import random
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from jwst_cal.errors import ReferenceFileError
from jwst_cal.framework import reference_store

DATA = Path(os.environ.get("JWST_CAL_REAL_DATA")
            or Path(__file__).parents[2].parent / "shared" / "data")
RULES = DATA / "13_crds_mappings" / "crds_jwst_mappings.tar.gz"
CONTEXT = "jwst_0541.pmap"
INSTRUMENTS = ("fgs", "miri", "nircam", "niriss", "nirspec")

pytestmark = pytest.mark.skipif(not RULES.exists(), reason=f"no real data: {RULES} is not there")


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """A user's cache with the genuine rules, and an empty file for each reference they name."""
    root = tmp_path_factory.mktemp("crds")
    with tarfile.open(RULES) as archive:
        archive.extractall(root, filter="data")
    references = root / "references" / "jwst"
    references.mkdir(parents=True)
    (root / "config" / "jwst" / "ref_cache_subdir_mode").write_text("flat")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JWST_CAL_CRDS", raising=False)
        patch.setenv("CRDS_PATH", str(root))
        patch.setenv("CRDS_SERVER_URL", "https://jwst-serverless.stsci.edu")
        patch.setenv("CRDS_CONTEXT", CONTEXT)
        patch.setenv("CRDS_READONLY_CACHE", "1")
        from crds.core import rmap

        loaded = rmap.load_mapping(str(root / "mappings" / "jwst" / CONTEXT))
        for name in loaded.reference_names():
            (references / name).touch()
        yield loaded
    reference_store._state.settings = None  # the next question configures the client anew


def headers(instrument, count, seed):
    """Make headers of values that the rules of an instrument know."""
    values = {key.lower(): [v for v in found if v not in ("N/A", "ANY") and not set(v) & set("*|<")]
              for key, found in instrument.get_parkey_map().items() if "OBSERVATION" not in key}
    chance = random.Random(seed)
    for _ in range(count):
        header = {key: chance.choice(found) for key, found in values.items() if found}
        header["meta.instrument.name"] = instrument.instrument.upper()
        header["meta.observation.date"] = f"20{chance.randint(14, 25)}-0{chance.randint(1, 9)}-15"
        header["meta.observation.time"] = "12:00:00"
        yield header, chance


def expected(answer):
    """Say what an answer of the engine means: a file name, N/A, or None for a failure."""
    if answer is None or answer.strip().lower() == "not found n/a":
        return "N/A"
    return None if answer.startswith("NOT FOUND") else answer.lower()


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_the_same_files_are_chosen(rules, name):
    from crds.core import utils

    instrument = rules.get_imap(name)
    types = [t for t in instrument.get_filekinds() if not t.startswith("pars-")]
    outcomes = Counter()
    for header, chance in headers(instrument, 600, seed=name):
        wanted = chance.sample(types, 3)
        full = dict.fromkeys(instrument.get_required_parkeys(), "UNDEFINED")
        full |= {key.upper(): utils.condition_value(value) for key, value in header.items()}
        engine = rules.get_best_references(full, include=tuple(wanted))
        for reftype in wanted:
            right = expected(engine.get(reftype))
            reason = None
            try:
                found = reference_store.find(header, reftype)
            except ReferenceFileError as error:
                found, reason = None, repr(error.__cause__ or error)
            found = found if found in (None, "N/A") else os.path.basename(found)
            assert found == right, f"{reftype} for {header}: {reason}"
            outcomes["file" if right not in (None, "N/A") else right] += 1
    assert outcomes["file"] > 100, outcomes
    assert reference_store.used().context == CONTEXT
