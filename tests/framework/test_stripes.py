"""Which rows of the detector a striped subarray reads, and references cut to them."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import stripes
from jwst_cal.framework.references import Reference, References, crop_to

KEYWORDS = ("multistripe_reads1", "multistripe_skips1", "multistripe_reads2",
            "multistripe_skips2", "repeat_stripe", "interleave_reads1", "superstripe_step",
            "num_superstripe")
#: Keywords and rows of real subarrays.
DHS_41 = ((1, 1901, 40, 0, 1, 1, 0, 0), 41)
DHS_164 = ((1, 1526, 40, 85, 1, 1, 0, 0), 164)
DHS_164_LONG = ((1, 971, 40, 0, 1, 0, 0, 0), 164)
SOSS = {"slow": -1, "fast": -2, "start": 2048, "name": "SUB204STRIPE_SOSS"}
SOSS_204 = ((4, 0, 204, 0, 1, 1, 204, 10), 208)
SUB64P = ((1, 165, 1, 0, 1, 0, 1, 64), 8)


def exposure(keywords, size, *, fast=2, slow=1, start=1, fast_start=1, fast_size=12,
             name="SUB164STRIPE4_DHS"):
    n = keywords[-1]
    shape = (size, fast_size) if abs(slow) == 2 else (fast_size, size)
    model = (datamodels.SuperstripeRampModel if n else datamodels.RampModel)()
    subarray = model.meta.subarray
    subarray.name, subarray.fastaxis, subarray.slowaxis = name, fast, slow
    for key, value in zip(KEYWORDS, keywords, strict=True):
        setattr(subarray, key, value)
    subarray.ysize, subarray.xsize = shape
    starts = {abs(slow): start, 3 - abs(slow): fast_start}
    subarray.xstart, subarray.ystart = starts[1], starts[2]
    model.meta.instrument.name, model.meta.filename = "NIRCAM", "jw1_uncal.fits"
    model.data = np.ones((max(n, 1), 2, *shape), np.float32)
    return model


def runs(rows):
    """First and last of each run of neighbours that rise or fall by one."""
    cuts = np.flatnonzero(np.abs(np.diff(rows)) != 1) + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(rows, cuts)]


class TestLayout:
    def test_a_plain_subarray_has_none(self, small_ramp):
        assert stripes.layout(small_ramp) is None

    @pytest.mark.parametrize(
        ("keywords", "size", "expected"),
        [
            (*DHS_41, [(0, 0), (1902, 1941)]),
            (*DHS_164, [(0, 0), (1527, 1566), (0, 0), (1652, 1691), (0, 0), (1777, 1816), (0, 0),
                        (1902, 1941)]),
            (*DHS_164_LONG, [(0, 0), (972, 1011)] * 4),
            ((1, 10, 20, 5, 0, 0, 0, 0), 61, [(0, 0), (11, 30), (36, 55), (61, 80)]),
            ((0, 10, 20, 5, 1, 1, 0, 0), 40, [(10, 29), (35, 54)]),
        ],
        ids=["one stripe", "four stripes", "one stripe four times", "onward", "no reference rows"],
    )
    def test_of_a_frame(self, keywords, size, expected):
        found = stripes.layout(exposure(keywords, size))
        assert found.position.shape == (1, size)
        assert found.axis == -1
        assert runs(found.position[0]) == expected
        n_stripes = sum(first > 4 for first, _ in expected)
        assert (found.stripe.max() + 1, found.reference.sum()) == (
            n_stripes, size - n_stripes * keywords[2])
        assert (found.position[0][found.reference] < 4).all()

    def test_of_a_detector_that_is_read_backwards(self):
        keywords, size = DHS_164
        forward = stripes.layout(exposure(keywords, size))
        for start in (1, 2048, 1885):  # early DHS exposures have other starts
            model = exposure(keywords, size, fast=1, slow=-2, start=start)
            found = stripes.layout(model)
            assert found.axis == -2
            np.testing.assert_array_equal(found.position, 2047 - forward.position[:, ::-1])
            np.testing.assert_array_equal(found.reference, forward.reference[::-1])
            np.testing.assert_array_equal(found.stripe, forward.stripe[::-1])

    def test_of_superstripes(self):
        found = stripes.layout(exposure(*SOSS_204, **SOSS))
        assert found.position.shape == (10, 208)
        assert runs(2047 - found.position[0]) == [(207, 0)]
        assert runs(2047 - found.position[9]) == [(2043, 1840), (3, 0)]
        assert not found.stripe.any()

    def test_of_superstripes_that_repeat_their_stripe(self):
        found = stripes.layout(exposure(*SUB64P, fast=1, slow=-2, start=2046, name="SUB64P"))
        assert runs(2047 - found.position[0, ::-1]) == [(2, 2), (168, 168)] * 4
        assert runs(2047 - found.position[63, ::-1]) == [(2, 2), (231, 231)] * 4
        assert found.stripe.tolist() == [3, 3, 2, 2, 1, 1, 0, 0]

    def test_of_superstripes_without_a_number_of_rows(self):
        found = stripes.layout(exposure((0, 30, 0, 0, 0, 0, 8, 3), 8, name="SUB64P"))
        assert [runs(rows) for rows in found.position] == [[(30, 37)], [(38, 45)], [(46, 53)]]

    @pytest.mark.parametrize(
        ("keywords", "size", "message"),
        [
            ((1, 10, 40, 0, 1, 1, 0, 0), 42, "MSTR_RD2=40.*do not make the 42 rows"),
            ((1, 10, 0, 0, 1, 1, 0, 0), 41, "MSTR_RD2=0.*do not make the 41 rows"),
            ((0, 0, 0, 0, 0, 0, 0, 3), 8, "SSTR_STP=0.*do not make the 8 rows"),
            ((1, 2000, 40, 82, 1, 1, 0, 0), 82, "reach row 2162 of the detector, which has 2048"),
        ],
        ids=["another size", "no rows", "no step", "off the detector"],
    )
    def test_refuses_keywords(self, keywords, size, message):
        with pytest.raises(InputError, match=f"jw1_uncal.fits: .*{message}"):
            stripes.layout(exposure(keywords, size))

    def test_refuses_a_missing_axis_or_size(self):
        model = exposure(*DHS_41)
        model.meta.subarray.xsize = None
        with pytest.raises(InputError, match="SUBSIZE1 or SUBSTRT1 is missing"):
            stripes.layout(model)
        model.meta.subarray.slowaxis = None
        with pytest.raises(InputError, match="SLOWAXIS=None, 1, -1, 2 or -2"):
            stripes.layout(model)


def reference(model_class, shape, x=1, y=1, name="data", **arrays):
    """A reference whose value is row + column / 4096, counted on the detector from 0."""
    model = model_class()
    rows, cols = np.indices(shape[-2:], np.float32)
    plane = rows + y - 1 + (cols + x - 1) / 4096
    setattr(model, name, np.broadcast_to(plane, shape).astype(np.float32))
    for other, array in arrays.items():
        setattr(model, other, array)
    model.meta.instrument.name = "NIRCAM"
    model.meta.subarray.xstart, model.meta.subarray.ystart = x, y
    model.meta.subarray.ysize, model.meta.subarray.xsize = shape[-2:]
    model.meta.description = model.meta.author = model.meta.reftype = "TEST"
    model.meta.pedigree, model.meta.useafter = "GROUND", "2020-01-01T00:00:00"
    return model


class TestReferences:
    def test_are_cut_to_the_stripes_of_a_frame(self):
        science = exposure(*DHS_164, slow=2, fast=-1, fast_start=41)
        model = reference(datamodels.SuperBiasModel, (2048, 60), x=35,
                          dq=np.zeros((2048, 60), np.uint32))
        cut = crop_to(science, model, "ref.fits")
        assert type(cut) is datamodels.SuperBiasModel
        assert cut.data.shape == cut.dq.shape == (164, 12)
        assert cut.data.flags.c_contiguous
        assert [cut.data[k, 0] for k in (0, 1, 41, 42)] == [
            row + np.float32(40 / 4096) for row in (0, 1527, 0, 1652)]
        assert (cut.meta.subarray.xstart, cut.meta.subarray.ysize) == (41, 164)
        assert model.data.shape == (2048, 60)

    def test_of_the_subarray_itself_are_used_as_they_are(self):
        science = exposure(*DHS_41, slow=2, fast=-1)
        model = reference(datamodels.GainModel, (41, 12))
        assert crop_to(science, model, "ref.fits") is model

    def test_have_a_plane_for_each_superstripe(self):
        science = exposure(*SOSS_204, **SOSS, fast_start=1793)
        model = reference(datamodels.SaturationModel, (20, 2048), y=1790,
                          dq=np.arange(20 * 2048).reshape(20, 2048))
        cut = crop_to(science, model, "ref.fits", in_place=True)
        assert cut.data.shape == cut.dq.shape == (10, 12, 208)
        assert cut.data.flags.c_contiguous
        assert cut.data.dtype.isnative
        position = stripes.layout(science).position
        np.testing.assert_array_equal(cut.data[:, 0], np.float32(1792) + position / 4096)
        np.testing.assert_array_equal(cut.dq[:, 0], 3 * 2048 + position)

    def test_a_single_superstripe_is_one_plane(self):
        science = exposure((4, 0, 204, 0, 1, 1, 204, 1), 208, slow=2, fast=1, name="SUB64")
        model = reference(datamodels.GainModel, (2048, 12))
        assert crop_to(science, model, "ref.fits").data.shape == (1, 208, 12)

    def test_inverse_coefficients_are_not_used(self):
        science = exposure(*DHS_41, slow=2, fast=-1)
        coeffs = np.zeros((3, 2048, 12), np.float32)
        model = reference(datamodels.LinearityModel, (3, 2048, 12), name="coeffs",
                          inv_coeffs=coeffs, dq=np.zeros((2048, 12), np.uint32))
        cut = crop_to(science, model, "ref.fits", in_place=True)
        assert cut.coeffs.shape == (3, 41, 12)
        assert cut.inv_coeffs is None

    @pytest.mark.parametrize("window", [{"y": 2, "rows": 2047}, {"y": 1, "rows": 1941},
                                        {"y": 1, "rows": 2048, "x": 2}])
    def test_refuses_one_that_lacks_rows_or_columns(self, window):
        science = exposure(*DHS_41, slow=2, fast=-1)
        model = reference(datamodels.GainModel, (window["rows"], 12), y=window["y"],
                          x=window.get("x", 1))
        with pytest.raises(ReferenceFileError, match=r"/refs/gain.fits: shape .* does not cover "
                                                     "SUB164STRIPE4_DHS of jw1_uncal.fits"):
            crop_to(science, model, "/refs/gain.fits")

    @pytest.mark.parametrize("as_file", [True, False])
    def test_a_large_one_is_read_where_it_is_needed(self, tmp_path, as_file):
        science = exposure(*DHS_164, slow=2, fast=-1)
        model = reference(datamodels.DarkModel, (3, 2048, 12),
                          dq=np.zeros((2048, 12), np.uint32))
        if as_file:
            model.save(tmp_path / "dark.fits")
            model = str(tmp_path / "dark.fits")

        class Step:
            references = {"dark": Reference("DarkModel", crop=True)}

            def get_reference_file(self, *_):
                return model

        with References(Step(), science) as refs:
            found, data, _ = refs.mapped("dark")
            assert data.shape == (3, 164, 12)
            assert found.dq.shape == (164, 12)
            np.testing.assert_array_equal(data[2, :, 0], stripes.layout(science).position[0])
