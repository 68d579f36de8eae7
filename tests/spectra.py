"""Small NIRSpec exposures with the reference files of their optics. Needs stdatamodels only.

The optics have the scales and the signs of the instrument, and distortion: exact inverses where
they are affine, fitted ones where they are not.
"""

import json

import numpy as np
from astropy import units
from astropy.modeling.models import (
    Identity,
    Mapping,
    Polynomial1D,
    Polynomial2D,
    Scale,
    Shift,
)

PIXEL = 1.8e-5
FIXED_SLITS = ("S200A1", "S200A2", "S400A1", "S1600A1", "S200B1")
S200A1 = np.array([0.02697, -0.00272])
#: Centres and sizes of the fixed slits on the MSA, m.
PLACES = [S200A1, S200A1 + [0.0045, -0.0021], S200A1 + [0.0090, -0.0042],
          S200A1 + [0.0130, -0.0063], np.array([-0.0275, 0.0022])]
SIZES = [(7.9e-5, 1.27e-3), (7.9e-5, 1.27e-3), (1.57e-4, 1.46e-3), (6.3e-4, 6.3e-4),
         (7.9e-5, 1.27e-3)]
#: Lower left shutters of the quadrants, m; columns and rows, pitch and size of shutters.
QUADRANTS = {1: (-0.0413, 0.0015), 2: (-0.0413, -0.0370), 3: (0.0030, 0.0015), 4: (0.0030, -0.0370)}
COLUMNS, ROWS = 365, 171
PITCH, OPENING = (1.05e-4, 2.05e-4), (7.8e-5, 1.78e-4)
TURN = np.deg2rad(41.2036)
#: By grating: filter, tilt of the wheel in degrees, what else the disperser has.
GRATINGS = {
    "G395H": ("F290LP", -8.9, {"groovedensity": 89400.0}),
    "G140M": ("F100LP", -8.9, {"groovedensity": 95400.0}),
    "PRISM": ("CLEAR", 23.5, {
        "angle": -16.5, "kcoef": [0.58339748, 0.46085267, 3.8915394],
        "lcoef": [0.00252643, 0.010078333, 1200.556],
        "tcoef": [-2.66e-5, 0.0, 0.0, 0.0, 0.0, 0.0], "tref": 35.0, "pref": 0.0}),
}
RANGES = {"F290LP_G395H": (2.87e-6, 5.27e-6), "F100LP_G140M": (0.97e-6, 1.89e-6),
          "CLEAR_PRISM": (0.6e-6, 5.3e-6), "FLAT3_G395H": (2.87e-6, 5.27e-6),
          "LINE3_G395H": (2.87e-6, 5.27e-6)}
SPECTRA = ("NRS_FIXEDSLIT", "NRS_BRIGHTOBJ", "NRS_MSASPEC", "NRS_IFU")


def affine(matrix, shift, n_inputs=2):
    """Two polynomials of degree 1, of two inputs of two or three, with the inverse."""
    matrix, shift = np.array(matrix, float), np.array(shift, float)

    def pair(a, b):
        return Mapping((0, 1, 0, 1), n_inputs=n_inputs) | (
            Polynomial2D(1, c0_0=b[0], c1_0=a[0, 0], c0_1=a[0, 1])
            & Polynomial2D(1, c0_0=b[1], c1_0=a[1, 0], c0_1=a[1, 1]))

    back = np.linalg.inv(matrix)
    forward = pair(matrix, shift)
    forward.inverse = pair(back, -back @ shift)
    return forward


def distorted(matrix, shift, extent, strength=2e-3):
    """As `affine`, with terms of second order, and an inverse fitted within an extent."""
    matrix, shift = np.array(matrix, float), np.array(shift, float)
    size = np.abs(matrix) @ np.full(2, extent)
    bend = strength / extent**2

    def poly(row):
        return Polynomial2D(2, c0_0=shift[row], c1_0=matrix[row, 0], c0_1=matrix[row, 1],
                            c2_0=bend * size[row], c0_2=-0.5 * bend * size[row],
                            c1_1=0.7 * bend * size[row])

    forward = Mapping((0, 1, 0, 1)) | poly(0) & poly(1)
    grid = np.linspace(-extent, extent, 21)
    x, y = (a.ravel() for a in np.meshgrid(grid, grid))
    u, v = forward(x, y)
    centre, scale = np.array([u.mean(), v.mean()]), np.array([np.ptp(u), np.ptp(v)]) / 2
    p, q = (u - centre[0]) / scale[0], (v - centre[1]) / scale[1]
    terms = [(i, j) for i in range(6) for j in range(6 - i)]
    design = np.stack([p**i * q**j for i, j in terms], axis=1)

    def fitted(target):
        found = np.linalg.lstsq(design, target, rcond=None)[0]
        return Polynomial2D(5, **{f"c{i}_{j}": c for (i, j), c in zip(terms, found, strict=True)})

    forward.inverse = (Shift(-centre[0]) & Shift(-centre[1]) | Scale(1 / scale[0])
                       & Scale(1 / scale[1]) | Mapping((0, 1, 0, 1)) | fitted(x) & fitted(y))
    return forward


FORE = np.array([[np.cos(TURN), np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]]) / 0.61
FORE_SHIFT = np.array([0.0303, -0.0320]) - FORE @ S200A1
OTE = np.array([[-3600 / 2.296, 0], [0, 3600 / 2.2953]])
OTE_SHIFT = np.array([0.10539 * 3600, -0.11913 * 3600])


def msa_to_v2v3(place):
    """Where a place on the MSA, m, looks, arcsec."""
    return OTE @ (FORE @ place + FORE_SHIFT) + OTE_SHIFT


def references(folder, grating="G395H", kinds=SPECTRA):
    """Write the references; paths by type."""
    from stdatamodels.jwst import datamodels as dm

    _, tilt, glass = GRATINGS[grating]
    paths = {}

    def save(model, reftype):
        meta = model.meta
        meta.reftype, meta.author, meta.pedigree = reftype, "test", "DUMMY"
        meta.description, meta.useafter, meta.telescope = "for tests", "2020-01-01T00:00:00", "JWST"
        meta.instrument.name = "NIRSPEC"
        meta.exposure.type = kinds[0]
        if reftype not in ("msa", "ifuslicer", "ifupost", "wavelengthrange", "disperser"):
            meta.instrument.p_detector = "NRS1|NRS2|"
        paths[reftype] = str(folder / f"nirspec_{grating.lower()}_{reftype}.asdf")
        model.save(paths[reftype])

    optical = {"input_units": units.m, "output_units": units.deg}
    save(dm.CollimatorModel(model=distorted([[1 / 1.5, 0], [0, 1 / 1.64]], [0, 0.295 / 1.64], 0.3),
                            **optical), "collimator")
    save(dm.CameraModel(model=distorted([[3.54, 0], [0, 3.54]], [0, 0.2953], 0.06), **optical),
         "camera")
    to_centre = Shift(-0.038189 / PIXEL) & Shift(-0.018441 / PIXEL)
    fpa = dm.FPAModel(nrs1_model=to_centre | Scale(PIXEL) & Scale(PIXEL),
                      nrs2_model=to_centre | Scale(-PIXEL) & Scale(-PIXEL))
    fpa.meta.input_units, fpa.meta.output_units = units.pix, units.m
    save(fpa, "fpa")
    disperser = dm.DisperserModel(theta_x=0.002, theta_y=0.01, theta_z=-0.003)
    for name, zero in (("gwa_tiltx", 0.33), ("gwa_tilty", 0.126)):
        setattr(disperser, name, {
            "temperatures": [39.58], "unit": "arcsec", "zeroreadings": [zero],
            "tilt_model": Polynomial1D(1, c0=-3600.0 * zero, c1=3600.0)})
    disperser.tilt_x, disperser.tilt_y = 0.0, tilt
    for name, value in glass.items():
        setattr(disperser, name, value)
    disperser.meta.instrument.grating = grating
    save(disperser, "disperser")
    save(dm.FOREModel(model=affine(FORE, FORE_SHIFT, 3), **optical), "fore")
    save(dm.OTEModel(model=affine(OTE, OTE_SHIFT), input_units=units.deg,
                     output_units=units.arcsec), "ote")
    save(dm.WavelengthrangeModel(wrange_selector=list(RANGES), wrange=[list(r) for r in
                                                                      RANGES.values()],
                                 order=[-1] * len(RANGES), wunits=units.m), "wavelengthrange")
    save(microshutters(), "msa")
    for reftype, model in integral_field().items():
        save(model, reftype)
    return paths


#: Metres on the MSA for an arcsecond on the sky; width and height of a slice on the slicer, m.
ARCSEC = 1 / np.sqrt(abs(np.linalg.det(OTE @ FORE)))
SLICE = (8.0e-4, 0.012)
#: Centre of the IFU's field on the MSA, m.
FIELD = np.array([0.0009, -0.0130])


def integral_field():
    """References of the IFU by type: thirty slices of 0.1 by 3 arcsec."""
    from stdatamodels.jwst import datamodels as dm

    data = np.zeros((30, 5))
    data[:, 0], data[:, 3], data[:, 4] = np.arange(30), *SLICE
    data[:, 1] = (data[:, 0] - 14.5) * SLICE[0]
    slicer = dm.IFUSlicerModel(model=Identity(2), data=data)
    slicer.meta.input_units = slicer.meta.output_units = units.m
    scales = [0.1 * ARCSEC / SLICE[0], 3.0 * ARCSEC / SLICE[1]]
    fore = affine(np.diag(scales), FIELD, 3)
    slices = {}
    for k in range(30):
        x, y = 0.0486 + 1e-4 * (k % 3 - 1), -0.0345 + k * 0.00238
        slices[f"slice_{k}"] = {
            "linear": affine(np.diag(scales), [x - data[k, 1] * scales[0], y]),
            "xpoly": Polynomial2D(2, c1_0=1.0, c0_2=0.02), "ypoly": Polynomial2D(1, c0_1=1.0),
            "xpoly_distortion": Polynomial2D(1, c0_0=2.0, c1_0=3.0),
            "ypoly_distortion": Polynomial2D(1, c0_1=-4.0)}
    colours = Mapping((0, 1, 2)) | Shift(2e-6) & Shift(-1e-6) & Identity(1)
    colours.inverse = Mapping((0, 1, 2)) | Shift(-2e-6) & Shift(1e-6) & Identity(1)
    metres, degrees = {"input_units": units.m}, {"input_units": units.deg}
    return {"ifuslicer": slicer, "ifupost": dm.IFUPostModel(slice_models=slices),
            "ifufore": dm.IFUFOREModel(model=fore, output_units=units.m, **metres),
            "chromcorr": dm.ChromCorrModel(model=colours, output_units=units.deg, **degrees)}


def microshutters():
    """The MSA: four quadrants of shutters and the fixed slits."""
    from stdatamodels.jwst import datamodels as dm

    columns = [("NO", "i4"), ("XC", "f8"), ("YC", "f8"), ("SIZEX", "f8"), ("SIZEY", "f8")]
    number = np.arange(COLUMNS * ROWS)
    shutters = np.zeros(number.size, columns)
    shutters["NO"] = number + 1
    shutters["XC"], shutters["YC"] = number % COLUMNS * PITCH[0], number // COLUMNS * PITCH[1]
    shutters["SIZEX"], shutters["SIZEY"] = OPENING
    slits = np.array([(k, *place, *size) for k, (place, size) in
                      enumerate(zip(PLACES, SIZES, strict=True))], columns)
    data = {f"Q{k}": shutters for k in QUADRANTS} | {"Q5": slits}
    models = {f"Q{k}": Shift(x) & Shift(y) for k, (x, y) in QUADRANTS.items()}
    return dm.MSAModel(models=models | {"Q5": Identity(2)}, data=data)


def exposure(kind="NRS_FIXEDSLIT", grating="G395H", detector="NRS1", subarray="FULL",
             shape=(2048, 2048), corner=(1, 1), **instrument):
    """Count rates of a few DN/s: ImageModel, CubeModel or, of the IFU, IFUImageModel."""
    from stdatamodels.jwst import datamodels as dm

    rng = np.random.default_rng(7)
    made = dm.IFUImageModel if kind == "NRS_IFU" else (
        dm.CubeModel if len(shape) == 3 else dm.ImageModel)
    model = made(data=rng.normal(1, 0.1, shape).astype(np.float32))
    model.dq = np.zeros(shape, np.uint32)
    describe(model, kind, grating, detector, subarray, corner, **instrument)
    model.meta.filename = f"jw01234001001_02101_00001_{detector.lower()}_" + (
        "rateints" if len(shape) == 3 else "rate") + ".fits"
    return model


def describe(model, kind, grating="G395H", detector="NRS1", subarray="FULL", corner=(1, 1),
             **instrument):
    """Fill in the header of a ramp or of count rates."""
    shape, meta = model.data.shape, model.meta
    meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", "NIRSPEC", detector
    meta.instrument.grating, meta.instrument.filter = grating, GRATINGS[grating][0]
    meta.instrument.gwa_xtilt, meta.instrument.gwa_ytilt = 0.3302, 0.1258
    meta.instrument.gwa_tilt = 39.58
    meta.instrument.lamp_state, meta.instrument.lamp_mode = "NONE", "NONE"
    for name, value in instrument.items():
        setattr(meta.instrument, name, value)
    meta.exposure.type, meta.exposure.readpatt = kind, "NRSRAPID"
    meta.exposure.nints = shape[0] if len(shape) > 2 else 1
    meta.exposure.ngroups = shape[1] if len(shape) > 3 else 1
    meta.exposure.nframes = 1
    where = meta.subarray
    where.name, where.fastaxis, where.slowaxis = subarray, 2, 1
    where.xstart, where.ystart = corner
    where.ysize, where.xsize = shape[-2:]
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.observation.program_number, meta.observation.visit_number = "01234", "001"
    meta.dither.position_number = 1
    info = meta.wcsinfo
    info.v2_ref, info.v3_ref = (float(v) for v in msa_to_v2v3(S200A1))
    info.ra_ref, info.dec_ref, info.roll_ref = 210.0, 12.0, 40.0
    info.vparity, info.v3yangle, info.velosys = -1, 138.5, -12345.6
    meta.velocity_aberration.scale_factor = 1.00005


def overrides(paths, types):
    """Parameters that take these references and no others, of a step with these types."""
    return {f"override_{reftype}": paths.get(reftype, "N/A") for reftype in types}


def failed_shutters(folder, places):
    """Write the MSAOPER reference: shutters (quadrant, x, y) that are open for good; its path."""
    rows = [{"Q": q, "x": x, "y": y, "state": "open", "TA state": "closed",
             "Internal state": "normal", "Vignetted": "no"} for q, x, y in places]
    rows.append({"Q": 1, "x": 1, "y": 1, "state": "closed", "TA state": "closed",
                 "Internal state": "normal", "Vignetted": "no"})
    path = folder / "nirspec_msaoper.json"
    path.write_text(json.dumps({
        "reftype": "MSAOPER", "instrument": "NIRSPEC", "telescope": "JWST", "author": "test",
        "pedigree": "DUMMY", "description": "for tests", "useafter": "2020-01-01T00:00:00",
        "exp_type": "NRS_MSASPEC", "msaoper": rows}))
    return str(path)


def opened_shutters(folder, slitlets, fixed=None):
    """
    Write the list of shutters and sources of an exposure; its name.

    ``slitlets`` gives quadrant, row, first and last column, and the source by slitlet, 0 for none;
    ``fixed`` a fixed slit with a source of its own.
    """
    from astropy.io import fits

    shutters = [("slitlet_id", ">i2"), ("msa_metadata_id", ">i2"), ("shutter_quadrant", ">i2"),
                ("shutter_row", ">i2"), ("shutter_column", ">i2"), ("source_id", ">i2"),
                ("background", "S1"), ("shutter_state", "S6"),
                ("estimated_source_in_shutter_x", ">f4"),
                ("estimated_source_in_shutter_y", ">f4"), ("dither_point_index", ">i2"),
                ("primary_source", "S1"), ("fixed_slit", "S7")]
    rows = []
    for number, (quadrant, row, first, last, source) in slitlets.items():
        for column in range(first, last + 1):
            main = source != 0 and column == (first + last) // 2
            where = (0.45, 0.61) if main else (np.nan, np.nan)
            for dither in (1, 2):
                rows.append((number, 7, quadrant, row, column, source, "N" if main else "Y",
                             "OPEN", *where, dither, "Y" if main else "N", "NONE"))
    rows.append((99, 8, 1, 5, 5, 1, "N", "OPEN", 0.5, 0.5, 1, "Y", "NONE"))  # another exposure
    if fixed:
        rows.append((0, 7, 5, 0, 0, 4, "N", "OPEN", 0.3, 0.4, 1, "Y", fixed))
    sources = [("program", ">i4"), ("source_id", ">i4"), ("source_name", "S20"), ("alias", "S31"),
               ("catalog_id", "S20"), ("ra", ">f8"), ("dec", ">f8"), ("preimage_id", "S30"),
               ("stellarity", ">f8")]
    known = [(1234, k, f"1234_{k}", f"star {k}", str(k), 210.0 + k, 12.0, "none", 0.5 + k / 10)
             for k in (1, 2, 4)]
    name = "jw01234001001_01_msa.fits"
    fits.HDUList([
        fits.PrimaryHDU(), fits.ImageHDU(np.zeros((342, 730)), name="SHUTTER_IMAGE"),
        fits.BinTableHDU(np.array(rows, shutters), name="SHUTTER_INFO"),
        fits.BinTableHDU(np.array(known, sources), name="SOURCE_INFO"),
    ]).writeto(folder / name, overwrite=True)
    return name
