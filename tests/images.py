"""Small images of every instrument with their stage-2 reference files, made from a seed."""

import numpy as np
from astropy.modeling.models import Mapping, Polynomial2D, Shift

#: By instrument: detector, filter, pupil, exposure type.
KINDS = {
    "NIRCAM": ("NRCA1", "F200W", "CLEAR", "NRC_IMAGE"),
    "NIRISS": ("NIS", "CLEAR", "F150W", "NIS_IMAGE"),
    "MIRI": ("MIRIMAGE", "F770W", None, "MIR_IMAGE"),
    "FGS": ("GUIDER1", None, None, "FGS_IMAGE"),
}
SCALE = 0.031
#: Pixels that the inverse of the distortion is off, as inverses of real ones are: edges of an image
#: would come back to x.5 but for rounding, which then decided what belongs to an overlap.
INEXACT = 1e-5
#: Corner (x, y from 1) of the images and centre of the distortion.
CORNER, CENTRE = (101, 51), 180.0


def image(instrument="NIRCAM", seed=1, shape=(96, 128), n_ints=None):
    """Make count rates: ImageModel, or CubeModel when there are integrations."""
    from stdatamodels.jwst.datamodels import CubeModel, ImageModel

    rng = np.random.default_rng(seed)
    full = shape if n_ints is None else (n_ints, *shape)
    model = (ImageModel if n_ints is None else CubeModel)(
        data=rng.normal(2, 0.1, full).astype(np.float32))
    stars = np.zeros(shape, np.float32)
    y, x = np.indices(shape)
    for _ in range(12):
        flux, cx, cy = 10 ** rng.uniform(1, 3.5), *rng.uniform(5, 90, 2)
        stars += flux / 11.3 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 3.6)
    model.data += stars
    model.var_poisson = (np.abs(model.data) * 0.01).astype(np.float32)
    model.var_rnoise = rng.uniform(0.004, 0.006, full).astype(np.float32)
    model.err = np.sqrt(model.var_poisson + model.var_rnoise)
    model.dq = np.where(rng.random(full) < 0.01, np.uint32(1), np.uint32(0))
    model.dq[rng.random(full) < 0.01] |= np.uint32(4)
    model.data[rng.random(full) < 0.002] = np.nan
    describe(model, instrument)
    model.meta.filename = f"jw00001001001_02101_{seed:05d}_{KINDS[instrument][0].lower()}_rate.fits"
    return model


#: Place of the star of :func:`time_series` (x, y from 0), its standard deviation in pixels.
STAR, STAR_SIGMA = (61.3, 47.6), 1.1


def time_series(n_ints=6, fluxes=None, drift=0.0, seed=1, noise=0.05, first=1):
    """
    Make count rates of one star in every integration, DN/s, with the times of the integrations.

    The star's flux in each is `fluxes`; `drift` pixels a step to the right; the sky is 2.
    """
    from scipy.special import erf
    from stdatamodels.jwst.datamodels import CubeModel

    rng = np.random.default_rng([seed, 7])
    fluxes = np.full(n_ints, 5000.0) if fluxes is None else np.asarray(fluxes, float)
    shape = (96, 128)

    def share(size, at):
        edges = (np.arange(size + 1) - 0.5 - at) / (np.sqrt(2) * STAR_SIGMA)
        return np.diff(erf(edges)) / 2

    data = rng.normal(2, noise, (n_ints, *shape))
    for k, flux in enumerate(fluxes):
        data[k] += flux * np.outer(share(shape[0], STAR[1]), share(shape[1], STAR[0] + drift * k))
    model = CubeModel(data=data.astype(np.float32))
    model.err = np.full(data.shape, noise, np.float32)
    model.var_rnoise = model.err**2
    model.var_poisson = np.zeros_like(model.data)
    model.dq = np.zeros(data.shape, np.uint32)
    describe(model, "NIRCAM")
    meta = model.meta
    meta.exposure.type, meta.visit.tsovisit, meta.exposure.nints = "NRC_TSIMAGE", True, n_ints
    meta.exposure.integration_start, meta.exposure.integration_end = first, first + n_ints - 1
    meta.wcsinfo.siaf_xref_sci, meta.wcsinfo.siaf_yref_sci = 62.0, 49.0
    meta.target.catalog_name = "a star"
    numbers = np.arange(1, first + n_ints)
    times = np.zeros(len(numbers), model.get_dtype("int_times"))
    times["integration_number"] = numbers
    for offset, name in enumerate(("start", "mid", "end")):
        times[f"int_{name}_MJD_UTC"] = 60300 + 0.001 * (numbers + offset / 2)
        times[f"int_{name}_BJD_TDB"] = 60300.003 + 0.001 * (numbers + offset / 2)
    model.int_times = times
    meta.filename = "jw00001001001_02101_00001-seg001_nrca1_rateints.fits"
    return model


def describe(model, instrument):
    """Fill in the header: instrument, times, subarray, pointing."""
    detector, filter_, pupil, kind = KINDS[instrument]
    meta = model.meta
    meta.telescope = "JWST"
    meta.instrument.name, meta.instrument.detector = instrument, detector
    meta.instrument.filter, meta.instrument.pupil = filter_, pupil
    if instrument == "NIRCAM":
        meta.instrument.module, meta.instrument.channel = "A", "SHORT"
    meta.exposure.type = kind
    meta.exposure.nints, meta.exposure.start_time = 1, 60300.0
    meta.exposure.mid_time, meta.exposure.end_time = 60300.01, 60300.02
    meta.exposure.exposure_time = meta.exposure.measurement_time = 100.0
    meta.exposure.effective_exposure_time = meta.exposure.integration_time = 100.0
    meta.exposure.duration = 110.0
    meta.observation.date, meta.observation.time = "2024-01-01", "00:00:00.000"
    for name, value in {"program_number": "00001", "observation_number": "001",
                        "visit_number": "001", "visit_group": "02", "sequence_id": "1",
                        "activity_id": "01", "exposure_number": "00001"}.items():
        setattr(meta.observation, name, value)
    shape = model.data.shape[-2:]
    meta.subarray.name = "SUB256"
    meta.subarray.xstart, meta.subarray.ystart = CORNER
    meta.subarray.ysize, meta.subarray.xsize = shape
    meta.subarray.fastaxis, meta.subarray.slowaxis = 1, 2
    info = meta.wcsinfo
    info.ra_ref, info.dec_ref, info.roll_ref = 80.1, -69.4, 40.0
    info.v2_ref, info.v3_ref, info.vparity, info.v3yangle = 120.0, -500.0, -1, -0.5
    info.crpix1, info.crpix2, info.wcsaxes = 70.0, 50.0, 2
    info.crval1, info.crval2, info.velosys = 80.1, -69.4, 0.0
    info.ctype1, info.ctype2, info.cunit1, info.cunit2 = "RA---TAN", "DEC--TAN", "deg", "deg"
    info.cdelt1 = info.cdelt2 = SCALE / 3600
    info.pc1_1, info.pc1_2, info.pc2_1, info.pc2_2 = 1.0, 0.0, 0.0, 1.0
    meta.velocity_aberration.scale_factor = 1.00005
    meta.coordinates.reference_frame = "ICRS"


def distortion_transform():
    """Make the map from full-frame pixels to V2, V3 in arcsec, with its inverse."""
    def plane(c0, cx, cy, cxx, cyy, cxy, cxxx):
        return Polynomial2D(3, c0_0=c0, c1_0=cx, c0_1=cy, c2_0=cxx, c0_2=cyy, c1_1=cxy, c3_0=cxxx)

    scale = SCALE
    forward = plane(120.0, -scale, 1e-4, 2e-8, -1e-8, 3e-8, 1e-12) & plane(
        -500.0, 2e-4, scale, -1e-8, 2e-8, 1e-8, -1e-12)
    x, y = np.meshgrid(np.linspace(-400, 400, 41), np.linspace(-400, 400, 41))
    v2, v3 = _both(forward, x, y)
    back = []
    for target in (x, y):
        terms = [(i, j) for i in range(6) for j in range(6 - i)]
        u, v = (v2 - 120) / 10, (v3 + 500) / 10
        matrix = np.stack([u**i * v**j for i, j in terms], -1).reshape(-1, len(terms))
        found = np.linalg.lstsq(matrix, target.ravel(), rcond=None)[0]
        back.append(Polynomial2D(5, **{f"c{i}_{j}": value / 10.0 ** (i + j)
                                       for (i, j), value in zip(terms, found, strict=True)}))
    centre = Shift(-CENTRE) & Shift(-CENTRE)
    model = centre | Mapping((0, 1, 0, 1)) | forward
    inverse = ((Shift(-120.0) & Shift(500.0)) | Mapping((0, 1, 0, 1)) | (back[0] & back[1])
               | (Shift(CENTRE + INEXACT) & Shift(CENTRE - INEXACT)))
    model.inverse = inverse
    return model


def _both(pair, x, y):
    return pair.left(x, y), pair.right(x, y)


def references(instrument, folder, seed=1):
    """Write the references of an image; paths by type."""
    from astropy import units
    from stdatamodels.jwst import datamodels as dm

    rng = np.random.default_rng([seed, 5])
    detector, filter_, pupil, kind = KINDS[instrument]
    paths = {}

    def about(model, reftype):
        meta = model.meta
        meta.reftype, meta.author, meta.pedigree = reftype, "test", "DUMMY"
        meta.description, meta.useafter = "for tests", "2020-01-01T00:00:00"
        meta.instrument.name, meta.instrument.detector = instrument, detector
        meta.telescope = "JWST"
        if instrument == "NIRCAM":
            meta.instrument.module, meta.instrument.channel = "A", "SHORT"

    def save(model, reftype, ending):
        about(model, reftype)
        paths[reftype] = str(folder / f"{instrument.lower()}_{reftype}.{ending}")
        model.save(paths[reftype])

    distortion = dm.DistortionModel(model=distortion_transform(), input_units=units.pix,
                                    output_units=units.arcsec)
    distortion.meta.exposure.type = kind
    if instrument == "NIRCAM":
        distortion.meta.instrument.p_pupil = "CLEAR|"
    save(distortion, "distortion", "asdf")
    if instrument != "FGS":
        row = {"filter": filter_, "column_offset": 0.31, "row_offset": -0.17}
        if instrument != "MIRI":
            row["pupil"] = pupil
        offsets = dm.FilteroffsetModel()
        offsets.filters = [row, {**row, "filter": "OTHER", "column_offset": 5.0}]
        save(offsets, "filteroffset", "asdf")
    shape = (256, 288)
    flat = dm.FlatModel(data=rng.normal(1, 0.05, shape).astype(np.float32))
    flat.err = rng.uniform(0.001, 0.002, shape).astype(np.float32)
    flat.dq = np.where(rng.random(shape) < 0.005, np.uint32(1 << 18), np.uint32(0))
    flat.data[rng.random(shape) < 0.003] = np.nan
    flat.data[rng.random(shape) < 0.003] = 0
    area = dm.PixelAreaModel(data=rng.normal(1, 0.01, shape).astype(np.float32))
    area.meta.photometry.pixelarea_steradians = 2.2e-14
    area.meta.photometry.pixelarea_arcsecsq = SCALE**2
    sub = flat.meta.subarray
    sub.name, sub.xstart, sub.ystart = "GENERIC", 1, 1
    sub.ysize, sub.xsize = shape
    sub.fastaxis, sub.slowaxis = 1, 2
    save(flat, "flat", "fits")
    save(area, "area", "fits")
    gain = dm.GainModel(data=rng.uniform(1.8, 2.2, shape).astype(np.float32))
    gain.meta.subarray.instance.update(sub.instance)
    save(gain, "gain", "fits")
    names = {"NIRCAM": "Nrc", "NIRISS": "Nis", "MIRI": "Mir", "FGS": "Fgs"}
    photom = getattr(dm, f"{names[instrument]}ImgPhotomModel")()
    row = {"NIRCAM": [(filter_, pupil, 0.6, 0.01), ("F115W", pupil, 9.0, 0.01)],
           "NIRISS": [(filter_, pupil, 0.6, 0.01)],
           "MIRI": [(filter_, "SUB256", 0.6, 0.01), (filter_, "GENERIC", 9.0, 0.01)],
           "FGS": [(0.6, 0.01)]}[instrument]
    photom.phot_table = np.array(row, dtype=photom.get_dtype("phot_table"))
    if instrument == "MIRI":
        table = np.array([(filter_, "SUB256", 59800.0, 0.9, 250.0, -0.1),
                          (filter_, "GENERIC", 59800.0, 1.0, 1.0, 0.0)],
                         photom.get_dtype("timecoeff_powerlaw"))
        photom.timecoeff_powerlaw = table
    photom.meta.photometry.pixelarea_steradians = 2.3e-14
    photom.meta.photometry.pixelarea_arcsecsq = SCALE**2
    save(photom, "photom", "fits")
    return paths


def overrides(pipeline, paths, steps=None):
    """Give the parameters of a pipeline that use these references and no others."""
    given = {alias: {f"override_{reftype}": paths.get(reftype, "N/A")
                     for reftype in cls.reference_file_types}
             for alias, cls in pipeline.step_defs.items()}
    for alias, values in (steps or {}).items():
        given[alias].update(values)
    return given


def placed(paths, number=1, dx=0.0, dy=0.0, roll=0.0, level=2.0, noise=0.05, shape=(96, 128),
           detector=None):
    """Make a calibrated image of sky, moved by arcseconds, with coordinates and no bad pixel."""
    from jwst_cal.astrometry.assign_wcs import AssignWcsStep

    model = image(seed=number, shape=shape)
    rng = np.random.default_rng([number, 9])
    info = model.meta.wcsinfo
    info.ra_ref += dx / 3600 / np.cos(np.deg2rad(info.dec_ref))
    info.dec_ref += dy / 3600
    info.roll_ref += roll
    model.meta.observation.exposure_number = f"{number:05d}"
    model = AssignWcsStep(**{f"override_{kind}": paths.get(kind, "N/A")
                             for kind in AssignWcsStep.references}).run(model)
    model.data = (level + rng.normal(0, noise, shape)).astype(np.float32)
    model.dq = np.zeros(shape, np.uint32)
    model.var_rnoise = np.full(shape, noise**2, np.float32)
    model.var_poisson = np.zeros(shape, np.float32)
    model.var_flat = np.zeros(shape, np.float32)
    model.err = np.full(shape, noise, np.float32)
    model.meta.photometry.pixelarea_steradians = (SCALE / 3600 * np.pi / 180) ** 2
    model.meta.bunit_data = model.meta.bunit_err = "MJy/sr"
    model.meta.filename = f"jw00001001001_02101_{number:05d}_{detector or 'nrca1'}_cal.fits"
    return model
