"""Dithered images of the same stars, with wrong pointings in their headers; made from a seed."""

from types import SimpleNamespace

import numpy as np

from tests import images

SHAPE = (330, 350)
#: Dither along right ascension and declination (arcsec), roll (degrees) of the exposures.
DITHERS = [(0.0, 0.0, 0.0), (0.55, -0.3, 0.4), (-0.4, 0.7, -0.6), (0.3, 0.5, 1.0)]
#: What the headers say too much: right ascension, declination (arcsec), roll (degrees).
ERRORS = [(0.0, 0.0, 0.0), (0.12, -0.07, 0.02), (-0.21, 0.16, -0.03), (0.05, 0.3, 0.01)]
#: Width of the stars, pixels (sigma).
WIDTH = 1.1


def sky(seed=3, side=6, step=1.7):
    """Make stars, at least an arcsecond apart: right ascension, declination, flux in MJy/sr."""
    rng = np.random.default_rng(seed)
    at = (np.arange(side) - (side - 1) / 2) * step
    x, y = (part.ravel() + rng.uniform(-0.25, 0.25, side * side) for part in np.meshgrid(at, at))
    flux = 10 ** rng.uniform(2.2, 3.7, side * side)
    dec = -69.4 + y / 3600
    return 80.1 + x / 3600 / np.cos(np.deg2rad(dec)), dec, flux


def exposure(number=1, stars=None, *, dither=None, error=None, shape=SHAPE, level=1.0, noise=0.1,
             detector=None, galaxies=()):
    """
    Make a calibrated image.

    Stars are where the telescope pointed; the coordinates are those of a header that is in error.
    Galaxies are (ra, dec, flux, widths along x and y in pixels).
    """
    from stdatamodels.jwst.datamodels import ImageModel

    rng = np.random.default_rng([number, 77])
    dither = DITHERS[number - 1] if dither is None else dither
    error = ERRORS[number - 1] if error is None else error
    image = ImageModel(data=rng.normal(level, noise, shape).astype(np.float32))
    images.describe(image, "NIRCAM")
    # the telescope points at the middle of the array
    image.meta.subarray.xstart = int(images.CENTRE) + 1 - shape[1] // 2
    image.meta.subarray.ystart = int(images.CENTRE) + 1 - shape[0] // 2
    image.meta.observation.exposure_number = f"{number:05d}"
    image.meta.exposure.start_time += number
    if detector is not None:
        image.meta.instrument.detector = detector.upper()
    name = (detector or "nrca1").lower()
    image.meta.filename = f"jw00001001001_02101_{number:05d}_{name}_cal.fits"
    image.meta.wcs = coordinates(image, dither)
    y, x = np.indices(shape)
    for ra, dec, flux in zip(*(sky() if stars is None else stars), strict=True):
        add(image.data, x, y, image.meta.wcs.invert(ra, dec, with_bounding_box=False), flux,
            (WIDTH, WIDTH))
    for ra, dec, flux, *widths in galaxies:
        add(image.data, x, y, image.meta.wcs.invert(ra, dec, with_bounding_box=False), flux, widths)
    image.meta.wcs = coordinates(image, error)
    image.err = np.full(shape, noise, np.float32)
    image.var_rnoise = np.full(shape, noise**2, np.float32)
    image.var_poisson = np.zeros(shape, np.float32)
    image.dq = np.zeros(shape, np.uint32)
    image.dq[:4, :] = 1 << 9 | 1  # as reference pixels
    hot = rng.random(shape) < 0.002
    image.dq[hot] |= 1
    image.data[hot] = np.nan
    meta = image.meta
    meta.bunit_data = meta.bunit_err = "MJy/sr"
    meta.photometry.pixelarea_steradians = (images.SCALE / 3600 * np.pi / 180) ** 2
    meta.photometry.pixelarea_arcsecsq = images.SCALE**2
    for step in ("assign_wcs", "flat_field", "photom"):
        setattr(meta.cal_step, step, "COMPLETE")
    return image


def coordinates(image, moved):
    """Move the pointing in the header, and build its coordinates."""
    from jwst_cal.astrometry import _fits_sip, _s_region
    from jwst_cal.astrometry._wcs import imaging
    from jwst_cal.models import _asdf

    info = image.meta.wcsinfo
    info.ra_ref += moved[0] / 3600 / np.cos(np.deg2rad(info.dec_ref))
    info.dec_ref += moved[1] / 3600
    info.roll_ref += moved[2]
    wcs = imaging.build(image, SimpleNamespace(
        distortion=SimpleNamespace(model=images.distortion_transform()), filteroffset=None))
    image.meta.wcs = _asdf.as_gwcs(wcs)
    info.s_region = _s_region.polygon(_s_region.image_outline(wcs, image.data.shape))
    _fits_sip.describe(info, wcs)
    return image.meta.wcs


def add(data, x, y, at, flux, widths):
    """Add a Gaussian source; only near its place."""
    cx, cy = (float(part) for part in at)
    reach = int(8 * max(widths)) + 1
    rows, cols = (slice(max(0, int(c) - reach), max(0, int(c) + reach)) for c in (cy, cx))
    near = (((x[rows, cols] - cx) / widths[0]) ** 2 + ((y[rows, cols] - cy) / widths[1]) ** 2) / 2
    data[rows, cols] += flux / (2 * np.pi * widths[0] * widths[1]) * np.exp(-near)


def association(folder, models, name="asn.json", product="mosaic"):
    """Save images and an association of them; its path."""
    from jwst_cal.associations import io

    members = []
    for model in models:
        model.save(folder / model.meta.filename)
        members.append({"expname": model.meta.filename, "exptype": "science"})
    io.write({"asn_type": "image3", "asn_rule": "test", "asn_pool": "none", "asn_id": "a3001",
              "program": "00001", "version_id": None, "degraded_status": "none",
              "constraints": "none", "asn_rule_version": "1",
              "products": [{"name": product, "members": members}]}, folder / name)
    return folder / name


#: By instrument: detector, filter, pupil, subarray.
KINDS = {"NIRCAM": ("NRCA1", "F200W", "CLEAR", "SUB256"),
         "NIRISS": ("NIS", "CLEAR", "F150W", "SUB64"),
         "MIRI": ("MIRIMAGE", "F770W", None, "SUB256"), "FGS": ("GUIDER1", None, None, "FULL")}
GALAXIES = [(80.1004, -69.4004, 4000.0, 3.5, 2.0), (80.0988, -69.4009, 2500.0, 2.0, 4.5)]


def mosaic(instrument="NIRCAM", stars=None, galaxies=GALAXIES, **options):
    """Make what resample makes: stars and galaxies, weights, a corner without data."""
    image = exposure(1, stars, galaxies=galaxies, **options)
    image.meta.filename = "mosaic_i2d.fits"
    detector, filter_, pupil, subarray = KINDS[instrument]
    meta = image.meta
    meta.instrument.name, meta.instrument.detector = instrument, detector
    meta.instrument.filter, meta.instrument.pupil = filter_, pupil
    meta.subarray.name = subarray
    meta.resample.pixel_scale_ratio = 0.9
    image.data[np.isnan(image.data)] = 1.0
    image.wht = np.ones_like(image.data)
    image.wht[:20, :30] = 0
    image.data[:20, :30] = image.err[:20, :30] = np.nan
    image.err[200:203, 100] = np.nan
    meta.cal_step.resample = "COMPLETE"
    return image


def encircled(percent):
    """Radius that holds part of the light of a star, in pixels, and the correction to all."""
    width = np.sqrt(WIDTH**2 + 1 / 12)  # the light of a pixel is spread over it
    return width * np.sqrt(-2 * np.log(1 - percent / 100)), 100 / percent


def catalogue_references(instrument, folder, percents=(20, 30, 50, 70, 80)):
    """Write the references of source_catalog; paths by type."""
    from astropy.table import Table
    from stdatamodels.jwst import datamodels as dm

    detector, filter_, pupil, subarray = KINDS[instrument]
    names = {"NIRCAM": "Nrc", "NIRISS": "Nis", "MIRI": "Mir", "FGS": "Fgs"}
    apcorr = getattr(dm, f"{names[instrument]}ImgApcorrModel")()
    keys = {"NIRCAM": (filter_, pupil), "NIRISS": (filter_, pupil), "MIRI": (filter_, subarray),
            "FGS": ()}[instrument]
    rows = [(*keys, percent / 100, 0.9 * encircled(percent)[0], encircled(percent)[1], 9.0, 13.5)
            for percent in percents]
    if keys:
        rows.append(("OTHER", *keys[1:], 0.3, 5.0, 9.0, 1.0, 2.0))
    apcorr.apcorr_table = np.array(rows, dtype=apcorr.get_dtype("apcorr_table"))
    offsets = {"NIRCAM": {"filter": [filter_, "OTHER"], "pupil": [pupil, pupil]},
               "NIRISS": {"filter": [filter_, "OTHER"], "pupil": [pupil, pupil]},
               "MIRI": {"filter": [filter_, "OTHER"]},
               "FGS": {"detector": [detector, "GUIDER2"]}}[instrument]
    vega = dm.ABVegaOffsetModel()
    vega.abvega_offset = Table({**offsets, "abvega_offset": [1.69, 9.0]})
    paths = {}
    for reftype, model, ending in (("apcorr", apcorr, "fits"), ("abvegaoffset", vega, "asdf")):
        meta = model.meta
        meta.reftype, meta.author, meta.pedigree = reftype, "test", "DUMMY"
        meta.description, meta.useafter = "for tests", "2020-01-01T00:00:00"
        meta.instrument.name, meta.instrument.detector = instrument, detector
        meta.telescope = "JWST"
        paths[reftype] = str(folder / f"{instrument.lower()}_{reftype}.{ending}")
        model.save(paths[reftype])
    return paths


def residuals(wcs, truth, shape=SHAPE):
    """Difference of two coordinates over the image: right ascension and declination, arcsec."""
    y, x = np.mgrid[5:shape[0]:40, 5:shape[1]:40]
    (ra, dec), (ra0, dec0) = wcs(x, y), truth(x, y)
    return np.stack([(ra - ra0) * np.cos(np.deg2rad(dec0)), dec - dec0]) * 3600
