"""Coordinates of NIRSpec's spectra beside the official step: from the files that both write."""

import json
import subprocess

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.spectroscopy.msa_flagging import MSAFlagOpenStep
from tests.parity import nirspec, oracle, setup

PYTHON, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.xdist_group("nirspec-coordinates"),
]


#: Slices of the IFU that are compared frame by frame, from 0.
SOME = (0, 8, 29)


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    crds = folder / "none"
    crds.mkdir()
    done = subprocess.run(
        [str(PYTHON), nirspec.__file__, str(folder)], cwd=folder, check=False,
        capture_output=True, text=True,
        env={k: str(v) for k, v in oracle.empty_cache(crds).items()})
    assert not done.returncode, done.stderr[-3000:]
    return folder


def limits(box):
    return np.array(box.bounding_box(order="F")[:2], float)


def assert_same(mine, theirs, frames, x, y, *slit):
    """Frame by frame, and back."""
    for frame in frames:
        a, b = (wcs.get_transform(frames[0], frame)(x, y, *slit) if frame != frames[0] else (x, y)
                for wcs in (mine, theirs))
        for got, want in zip(a, b, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11, err_msg=frame)
    world = theirs.get_transform(frames[0], frames[-1])(x, y, *slit)
    seen = np.isfinite(world[2])
    assert seen.sum() > 20
    inside = [np.asarray(values)[seen] for values in world[:3]]
    back = mine.invert(*inside, *slit, with_bounding_box=False)
    # positions in slices are those of the central wavelength
    away = 0.15 if "slicer" in frames else 0.01
    np.testing.assert_allclose(back[:2], (x[seen], y[seen]), atol=away)
    if frames[-1] == "world":
        expected = theirs.invert(*inside, *slit, with_bounding_box=False)
        np.testing.assert_allclose(back[:2], expected[:2], atol=1e-6)
    elif "slicer" in frames:  # there, of a lamp through the IFU, it takes a wavelength too many
        with pytest.raises(ValueError, match="expected 5, got 4"):
            theirs.invert(*inside, *slit, with_bounding_box=False)
    else:  # there, of a lamp, micron are taken for metres
        with np.errstate(invalid="ignore"):
            expected = theirs.invert(*inside, *slit, with_bounding_box=False)
        assert not np.isfinite(expected[:2]).any()


def grid(box):
    return np.meshgrid(*(np.round(np.linspace(low + 0.5, high - 0.5, n))
                         for (low, high), n in zip(box, (37, 23), strict=True)))


@pytest.mark.parametrize("name", nirspec.CASES)
def test_coordinates_are_the_same(name, official, tmp_path):
    nirspec.run(AssignWcsStep, MSAFlagOpenStep, name, tmp_path / name)
    kind = nirspec.CASES[name][0]
    told = [folder / name / "problem.json" for folder in (tmp_path, official)]
    assert told[0].exists() == told[1].exists()
    if told[0].exists():
        mine, theirs = (json.loads(path.read_text()) for path in told)
        expected = None if name == "no-list-of-shutters" else 64
        assert mine["status"] == theirs["status"] == expected
        return
    with (datamodels.open(tmp_path / name / "result.fits") as ours,
          datamodels.open(official / name / "result.fits") as expected):
        if name == "shutters-lamp":  # there, x is looked at, which no slit limits: whole boxes
            assert not (ours.dq & ~expected.dq).any()
            assert 1e4 < np.count_nonzero(ours.dq) < 0.9 * np.count_nonzero(expected.dq)
        else:
            np.testing.assert_array_equal(ours.dq, expected.dq)
        assert ours.dq.any() == name.startswith("shutters")
        mine, theirs = ours.meta.wcs, expected.meta.wcs
        assert mine.available_frames == theirs.available_frames
        assert_same_header(ours.meta.wcsinfo.instance, expected.meta.wcsinfo.instance)
        if kind == "NRS_IFU":
            np.testing.assert_array_equal(ours.regions, expected.regions)
        frames = theirs.available_frames
        if "gwa" in frames:
            slits = [wcs.get_transform("gwa", "slit_frame").slits for wcs in (mine, theirs)]
            assert slits[0] == slits[1]
            for slit in theirs.get_transform("gwa", "slit_frame").slit_ids:
                box = limits(theirs.bounding_box[slit])
                np.testing.assert_allclose(limits(mine.bounding_box[slit]), box, atol=1e-4)
                if "slicer" not in frames or slit in SOME:
                    assert_same(mine, theirs, [frames[0], *frames[2:]], *grid(box), slit)
            return
        for slit in range(1, 31):
            boxes = [wcs.pipeline[1].transform.selector[slit].bounding_box for wcs in
                     (mine, theirs)]
            np.testing.assert_array_equal(*map(limits, boxes))
            if slit - 1 in SOME:
                assert_same(mine, theirs, frames, *grid(limits(boxes[0])))


def assert_same_header(mine, theirs):
    regions = [info.pop("s_region", "").split()[2:] for info in (mine, theirs)]
    np.testing.assert_allclose(*(np.array(corners, float) for corners in regions), atol=2e-9)
    ranges = [info.pop("spectral_region", ()) for info in (mine, theirs)]
    np.testing.assert_allclose(*ranges, rtol=1e-12)
    assert mine == theirs
