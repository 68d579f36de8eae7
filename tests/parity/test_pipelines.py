"""Pipelines beside the official package: every step and product, with the same references."""

import shutil

import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal import registry
from jwst_cal.pipelines import Detector1Pipeline
from tests.parity import cases, compare, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]


@pytest.fixture(scope="session",
                params=[pytest.param(name, marks=pytest.mark.xdist_group(name))
                        for name in cases.CASES])
def both(request, tmp_path_factory):
    case = cases.CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    yield case, *cases.run(case, folder)
    shutil.rmtree(folder)  # all cases together would fill a disk


def differences(case, ours, official, *, products=False):
    """One line for each array that differs, ramps that we flag on purpose aside."""
    found = compare.files(ours, official, stricter=bool(case.stricter), scale=case.scale[products])
    return [str(d) for d in found if d.bad]


def test_every_step_alone_on_the_official_input(both, tmp_path):
    case, exposure, _, official, given = both
    problems, compared = [], 0
    for alias in dict.fromkeys(case.chain):
        before = official.before(alias) or exposure
        if not official.after(alias) or (case.keep and alias != case.keep[1]):
            continue
        cls = registry.load(alias)
        overrides = {f"override_{r}": given.get(r, "N/A") for r in cls.references if given}
        step = cls(**case.steps.get(alias, {}), **overrides)
        step.output_dir = str(tmp_path)  # of products beside the result
        # this one runs on both products of the fit
        inputs = official.after("ramp_fit") if alias == "gain_scale" else [before]
        results = []
        for path in inputs:
            found = step.run(str(path))
            results += [m for m in (found if isinstance(found, tuple) else (found,))
                        if m is not None]
        for model, expected in zip(results, official.after(alias), strict=True):
            path = tmp_path / expected.name
            model.save(path)
            problems += [f"{alias}: {d}" for d in differences(case, path, expected)]
            compared += 1
    assert compared >= (1 if case.keep else 5 if len(case.chain) > 5 else 1)
    assert not problems, "\n".join(problems)


def test_every_step_in_the_chain(both):
    case, _, ours, official, _ = both
    problems = []
    for alias in dict.fromkeys(case.chain):
        if ours.status(alias) != official.status(alias):
            problems.append(f"{alias}: {ours.status(alias)}, official {official.status(alias)}")
        for path, expected in zip(ours.after(alias), official.after(alias), strict=True):
            problems += [f"{alias}: {d}" for d in differences(case, path, expected)]
    assert not problems, "\n".join(problems)


def test_products(both):
    case, _, ours, official, _ = both
    problems = []
    for suffix in case.products:
        problems += differences(case, ours.product(suffix), official.product(suffix),
                                products=True)
    assert not problems, "\n".join(problems)


def test_headers_and_extensions_of_products_and_after_every_step(both):
    case, _, ours, official, given = both
    pairs = [(ours.product(suffix), official.product(suffix)) for suffix in case.products]
    for alias in dict.fromkeys(case.chain):
        pairs += zip(ours.after(alias), official.after(alias), strict=True)
    problems = []
    for mine, theirs in pairs:
        found = compare.extensions(mine, theirs) + compare.headers(
            mine, theirs, absent=compare.ALL_GIVEN if given else ())
        problems += [f"{theirs.name}: {line}" for line in found]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", ["nircam-sub160-shallow4", "miri-sub64"])
def test_calibrated_ramp_is_what_the_fit_gets(name, tmp_path):
    """With ZEROFRAME or REFOUT, GROUP and INT_TIMES."""
    exposure, _, official, _ = cases.run(cases.CASES[name], tmp_path)
    Detector1Pipeline.call(str(exposure), save_calibrated_ramp=True, save_results=True,
                           output_dir=str(tmp_path))
    (ours,) = tmp_path.glob("jw*_ramp.fits")
    theirs = official.before("ramp_fit")
    problems = [str(d) for d in compare.files(ours, theirs) if d.bad]
    problems += compare.extensions(ours, theirs)
    problems += [line for line in compare.headers(ours, theirs)  # theirs is of the step before
                 if "FILENAME" not in line and "ours 'SKIPPED'" not in line]
    assert not problems, "\n".join(problems)
    with fits.open(ours) as file:
        names = {hdu.name for hdu in file}
    assert {"GROUP", "INT_TIMES", "ZEROFRAME" if "nircam" in name else "REFOUT"} <= names


def test_products_open_as_the_same_model(both):
    case, _, ours, official, given = both
    allowed = {**compare.ALLOWED_META, **(compare.ALL_GIVEN if given else {})}
    problems = []
    for suffix in case.products:
        with (datamodels.open(ours.product(suffix)) as mine,
              datamodels.open(official.product(suffix)) as theirs):
            assert type(mine) is type(theirs)
            problems += compare.trees(mine, theirs, allowed)
    assert not problems, "\n".join(problems)


def test_ramps_that_only_we_flag_are_few_and_explained(both):
    case, _, ours, official, _ = both
    if "rateints" not in case.products:
        return  # their flags are compared as they are
    with (fits.open(ours.product("rateints")) as mine,
          fits.open(official.product("rateints")) as theirs):
        share = compare.flagged_here(mine, theirs).mean()
    assert (0 < share < 0.01) if case.stricter else share == 0


def test_same_files_are_written(both):
    _, _, ours, official, _ = both
    names = [{p.name for p in run.folder.glob("jw*.fits")} for run in (ours, official)]
    assert names[0] == names[1]
