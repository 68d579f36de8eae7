"""Picture frames beside the official step: ramps and count rates, file by file."""

import subprocess

import pytest

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.framework import Chain, Pipeline
from tests.parity import compare, oracle, picture_frames, setup

PYTHON, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.xdist_group("picture-frame"),
]
#: Keywords that may differ: references are in other folders, and none is chosen by rules.
ALLOWED = (*compare.ALLOWED, "CRDS_CTX", "R_GAIN", "R_PICFRM", "R_READNO", "R_CAMERA", "R_COLLIM",
           "R_DISPER", "R_FORE", "R_FPA", "MSAMETFL", "R_MSA", "R_MSAOPE", "R_OTE",
           "R_WAVRAN", "R_CHRCOR", "R_IFUFOR", "R_IFUPOS", "R_IFUSLI")


class WithCoordinates(Pipeline):
    """The step, and those that it makes for itself; references are given to all."""

    class_alias = "with_coordinates"
    chain = Chain("picture_frame", "ramp_fit", "assign_wcs", "msa_flagging")


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    crds = folder / "none"
    crds.mkdir()
    done = subprocess.run(
        [str(PYTHON), picture_frames.__file__, str(folder)], cwd=folder, check=False,
        capture_output=True, text=True,
        env={k: str(v) for k, v in oracle.empty_cache(crds).items()})
    assert not done.returncode, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", picture_frames.CASES)
def test_products_are_the_same_bytes(name, official, tmp_path):
    model, paths, parameters = picture_frames.prepared(name, tmp_path / name)
    fit = {f"override_{reftype}": paths[reftype] for reftype in ("gain", "readnoise")}
    parameters["override_pictureframe"] = paths["pictureframe"]
    optics = {f"override_{reftype}": paths.get(reftype, "N/A")
              for reftype in AssignWcsStep.references}
    pipeline = WithCoordinates(steps={"ramp_fit": fit, "assign_wcs": optics,
        "msa_flagging": {"override_msaoper": paths.get("msaoper", "N/A")},
                                      "picture_frame": parameters})
    pipeline.picture_frame.run(model)
    mine = {p.name: p for p in (tmp_path / name).glob("jw*")}
    theirs = {p.name: p for p in (official / name).glob("jw*")}
    assert mine.keys() == theirs.keys()
    problems = []
    for file, path in theirs.items():
        problems += [f"{file} {d}" for d in compare.files(mine[file], path, 0.0) if d.bad]
        problems += [f"{file} {line}" for line in compare.headers(mine[file], path, ALLOWED)
                     if "CRDS_" not in line]
    assert not problems, "\n".join(problems)
