"""Apertures and distortion: what the stored table says, and whether pysiaf says so, too."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.pointing import siaf

WHOLE = ("NRCA1_FULL", "NRCA5_FULL", "NRCB4_FULL", "NIS_CEN", "MIRIM_FULL", "FGS1_FULL",
         "FGS2_FULL")


@pytest.mark.parametrize("name", WHOLE)
def test_there_and_back(name):
    found = siaf.distortion(name)
    x, y = np.random.default_rng(1).uniform(0, 1020, (2, 300))
    assert_allclose(found.to_pixels(*found.to_telescope(x, y)), (x, y), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", WHOLE)
def test_the_reference_pixel_is_at_the_reference_point(name):
    found = siaf.distortion(name)
    at = found.aperture
    assert_allclose(found.to_telescope(at.x_ref - 1, at.y_ref - 1), (at.v2_ref, at.v3_ref),
                    rtol=0, atol=1e-9)
    assert_allclose(np.sqrt(found.nominal_area), np.sqrt(at.x_scale * at.y_scale), rtol=1e-3)


def test_areas_of_pixels_are_those_between_their_corners():
    found = siaf.distortion("MIRIM_FULL")
    corners = np.array([found._ideal(300 + i, 20 + j) for i, j in (
        (-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))])
    x, y = corners.T
    area = 0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))
    assert_allclose(found.area([300], [20])[0, 0], area, rtol=1e-6)
    assert_allclose(found.area(np.arange(250, 310), [19, 20])[1, 50], area, rtol=1e-6)


def test_places_far_from_the_detector_have_no_pixel():
    x, y = siaf.distortion("NRCA1_FULL").to_pixels([-4000.0, 120.0], [900.0, -527.0])
    assert np.isnan(x[0])
    assert np.isnan(y[0])
    assert np.isfinite((x[1], y[1])).all()


def test_an_aperture_made_of_a_cut_is_that_of_the_file():
    whole, known = siaf.distortion("NRCB1_FULL"), siaf.aperture("nrcb1_sub320")
    made = whole.cut("cut", 0, 0, 320, 320)
    assert_allclose((made.v2_ref, made.v3_ref), (known.v2_ref, known.v3_ref), atol=1e-3)
    assert_allclose((made.x_ref, made.y_ref, made.x_scale, made.y_scale),
                    (known.x_ref, known.y_ref, known.x_scale, known.y_scale), rtol=1e-5)
    assert_allclose(made.v3_angle, known.v3_angle, atol=2e-3)
    assert_allclose(np.sort(made.x_vertices), np.sort(known.x_vertices), atol=2e-3)


def test_ideal_frame_there_and_back():
    at = siaf.aperture("MIRIM_SUB64")
    v2, v3 = at.to_telescope(1.25, -2.5)
    assert_allclose(at.from_telescope(v2, v3), (1.25, -2.5), atol=1e-12)


def test_unknown_names():
    with pytest.raises(ParameterError, match="aperture 'NRCZ': not in the aperture file"):
        siaf.aperture("NRCZ")
    with pytest.raises(ParameterError, match="aperture 'NRS1_FULL': no distortion"):
        siaf.distortion("NRS1_FULL")


XML = """<SiafEntries><SiafEntry><AperName>NRCA1_FULL</AperName><V2Ref>1.5</V2Ref><V3Ref>2.5</V3Ref>
<V3IdlYAngle>0.25</V3IdlYAngle><VIdlParity>-1</VIdlParity><XSciRef>10.5</XSciRef>
<YSciRef>11.5</YSciRef><XSciScale>0.03</XSciScale><YSciScale></YSciScale><XIdlVert1>-1</XIdlVert1>
</SiafEntry></SiafEntries>"""


def test_files_of_another_release(tmp_path):
    (tmp_path / "NIRCam_SIAF.xml").write_text(XML)
    found = siaf.aperture("nrca1_full", tmp_path)
    assert found[:9] == ("NRCA1_FULL", 1.5, 2.5, 0.25, -1, 10.5, 11.5, 0.03, 3600.0)
    assert found.x_vertices == (-1.0, 0.0, 0.0, 0.0)
    with pytest.raises(ParameterError, match="'NRCA2_FULL': not in the aperture file"):
        siaf.aperture("NRCA2_FULL", tmp_path)
    with pytest.raises(InputError, match=r"MIRI_SIAF\.xml: no aperture file"):
        siaf.aperture("MIRIM_FULL", tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_the_table_is_that_of_pysiaf():
    pysiaf = pytest.importorskip("pysiaf", reason="pysiaf is not installed")
    if siaf.release() != pysiaf.JWST_PRD_VERSION:
        pytest.skip(f"pysiaf brings {pysiaf.JWST_PRD_VERSION}, the table is of {siaf.release()}")
    from tests.facts import make_siaf

    stored, made = siaf._content(), make_siaf.collect()
    assert stored["apertures"] == made["apertures"]
    assert stored["distortions"] == made["distortions"]
    rng = np.random.default_rng(2)
    for name in WHOLE:
        instrument = {"NRC": "NIRCam", "NIS": "NIRISS", "MIR": "MIRI", "FGS": "FGS"}[name[:3]]
        theirs = pysiaf.Siaf(instrument)[name]
        x, y = rng.uniform(1, 1000, (2, 50))
        assert_allclose(siaf.distortion(name).to_telescope(x - 1, y - 1),
                        theirs.sci_to_tel(x, y), rtol=0, atol=1e-9)
