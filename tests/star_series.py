"""Time series of a star's spectrum, with references: NIRCam's grism, NIRSpec's slit S1600A1.

Needs stdatamodels only.
"""

import json
import warnings

import images
import numpy as np
import spectra

#: Rows and columns, the first pixel (x, y), place of the star on the undispersed image (from 1).
GRISM_SHAPE, GRISM_STAR = (80, 256), (120.4, 35.2)
SLIT_SHAPE, SLIT_CORNER = (32, 512), (401, 1236)
#: Micron of the grism's spectrum for t from 0 to 1, pixels from the star it covers.
RANGE, REACH = (2.4, 4.0), (-100.0, 110.0)
KINDS = ("NRC_TSGRISM", "NRS_BRIGHTOBJ")


def rates(kind, n_ints=4, seed=1, shape=None):
    """Count rates of a star that changes its brightness, DN/s: CubeModel."""
    from stdatamodels.jwst.datamodels import CubeModel

    rng = np.random.default_rng([seed, KINDS.index(kind)])
    shape = shape or (GRISM_SHAPE if kind == "NRC_TSGRISM" else SLIT_SHAPE)
    centre = 34.0 if kind == "NRC_TSGRISM" else 16.0
    rows, columns = np.indices(shape)
    spectrum = 300 * np.exp(-0.5 * ((columns - shape[1] / 2) / (shape[1] / 3)) ** 2)
    star = spectrum * np.exp(-0.5 * ((rows - centre - 0.004 * columns) / 1.3) ** 2)
    flux = 1 + 0.05 * np.sin(np.arange(n_ints))[:, np.newaxis, np.newaxis]
    data = flux * star + 2 + 0.01 * rows + rng.normal(0, 0.3, (n_ints, *shape))
    model = CubeModel(data=data.astype(np.float32))
    model.var_poisson = (np.abs(model.data) / 50).astype(np.float32)
    model.var_rnoise = rng.uniform(0.004, 0.006, data.shape).astype(np.float32)
    model.err = np.sqrt(model.var_poisson + model.var_rnoise)
    model.dq = rng.choice(np.array([0, 1, 4], np.uint32), data.shape, p=[0.985, 0.01, 0.005])
    model.data[rng.random(data.shape) < 0.003] = np.nan
    describe(model, kind)
    return model


def describe(model, kind):
    """Fill in the header, and the times of the integrations."""
    meta, n_ints = model.meta, len(model.data)
    if kind == "NRC_TSGRISM":
        images.describe(model, "NIRCAM")
        meta.instrument.detector, meta.instrument.channel = "NRCALONG", "LONG"
        meta.instrument.filter, meta.instrument.pupil = "F322W2", "GRISMR"
        meta.subarray.name = "SUBGRISM64"
        meta.subarray.xstart, meta.subarray.ystart = 1, 1
        meta.wcsinfo.siaf_xref_sci, meta.wcsinfo.siaf_yref_sci = GRISM_STAR
        meta.wcsinfo.velosys = 12345.6
        meta.dither.x_offset, meta.dither.y_offset = 0.3, 0.0
        meta.filename = "jw00001001001_02101_00001-seg001_nrcalong_rateints.fits"
    else:
        spectra.describe(model, kind, "PRISM", "NRS1", "SUB512", SLIT_CORNER)
        offset = spectra.optics.msa_to_v2v3(spectra.optics.PLACES[3])
        meta.wcsinfo.v2_ref, meta.wcsinfo.v3_ref = (float(v) for v in offset)
        meta.dither.x_offset, meta.dither.y_offset = 0.02, 0.11
        meta.filename = "jw00001001001_02101_00001-seg001_nrs1_rateints.fits"
    meta.exposure.type, meta.visit.tsovisit, meta.exposure.nints = kind, True, n_ints
    meta.exposure.integration_start, meta.exposure.integration_end = 1, n_ints
    meta.exposure.segment_number = 1
    meta.target.catalog_name, meta.target.proposer_name = "a star", "the star"
    meta.target.source_type = "POINT"
    meta.bunit_data = meta.bunit_err = "DN/s"
    times = np.zeros(n_ints, model.get_dtype("int_times"))
    times["integration_number"] = np.arange(1, n_ints + 1)
    for offset, name in enumerate(("start", "mid", "end")):
        times[f"int_{name}_MJD_UTC"] = 60300 + 0.001 * (np.arange(n_ints) + offset / 2)
        times[f"int_{name}_BJD_TDB"] = 60300.003 + 0.001 * (np.arange(n_ints) + offset / 2)
    model.int_times = times


def references(kind, folder, **apertures):
    """Write the references of a series; paths by type. ``apertures`` go to the EXTRACT1D file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a reference should tell about itself
        paths = _grism(folder) if kind == "NRC_TSGRISM" else _slit(folder)
    paths["extract1d"] = str(folder / f"{kind.lower()}_extract1d.json")
    write_apertures(paths["extract1d"], kind, **apertures)
    return paths


def write_apertures(path, kind, **rule):
    """Write an EXTRACT1D reference of one aperture."""
    grism = kind == "NRC_TSGRISM"
    middle = 34 if grism else 10
    rule = {"id": kind if grism else "S1600A1", "region_type": "target", "dispaxis": 1,
            "xstart": 3, "ystart": middle - 6, "ystop": middle + 6, "extract_width": 9,
            "bkg_order": 0} | rule
    rule.setdefault("xstop", (GRISM_SHAPE if grism else SLIT_SHAPE)[1] - 5)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"reftype": "EXTRACT1D", "instrument": "NIRCAM" if grism else "NIRSPEC",
                   "telescope": "JWST", "author": "test", "pedigree": "DUMMY",
                   "description": "for tests", "useafter": "2020-01-01T00:00:00",
                   "exp_type": kind, "apertures": [
                       {"id": "OTHER", "region_type": "target", "extract_width": 1},
                       {k: v for k, v in rule.items() if v is not None}]}, file)


def _slit(folder):
    paths = spectra.references(folder, "PRISM")
    paths["apcorr"] = str(folder / "nirspec_apcorr.fits")
    corrections().save(paths["apcorr"])
    return paths


def corrections():
    """Aperture corrections of the slit, by height in arcseconds."""
    from stdatamodels.jwst.datamodels import NrsFsApcorrModel

    n_waves, n_sizes, n_phases = 7, 3, 4
    kinds = [("filter", "S12"), ("grating", "S15"), ("slit", "S15"), ("wavelength", "f4", n_waves),
             ("nelem_wl", "i2"), ("size", "f4", (n_sizes, n_waves)), ("nelem_size", "i2"),
             ("pixphase", "f4", n_phases), ("apcorr", "f4", (n_sizes, n_waves, n_phases)),
             ("apcorr_err", "f4", (n_sizes, n_waves, n_phases))]
    table = np.zeros(3, kinds)
    wave = np.linspace(0.7, 4.9, n_waves)
    size, phase = np.array([0.3, 0.7, 1.2]), np.linspace(0, 1, n_phases)
    for row, slit in zip(table, ("S200A1", "S1600A1", "S400A1"), strict=True):
        row["filter"], row["grating"], row["slit"] = "CLEAR", "PRISM", slit
        row["wavelength"], row["nelem_wl"], row["nelem_size"] = wave, n_waves, n_sizes
        row["size"] = size[:, np.newaxis] + 0.02 * wave
        row["pixphase"] = phase
        row["apcorr"] = 1 + (0.1 * wave[:, np.newaxis] + 0.02 * phase) / (
            5 * size[:, np.newaxis, np.newaxis])
    model = NrsFsApcorrModel(apcorr_table=table)
    model.sizeunit = "arcsec"
    _about(model, "NIRSPEC", "apcorr", "NRS_BRIGHTOBJ")
    return model


def _about(model, instrument, reftype, kind):
    meta = model.meta
    meta.reftype, meta.author, meta.pedigree = reftype, "test", "DUMMY"
    meta.description, meta.useafter, meta.telescope = "for tests", "2020-01-01T00:00:00", "JWST"
    meta.instrument.name, meta.exposure.type = instrument, kind


def _grism(folder):
    from astropy import units
    from stdatamodels.jwst import datamodels as dm

    paths = {}

    def save(model, reftype):
        _about(model, "NIRCAM", reftype, "NRC_TSGRISM")
        meta = model.meta
        meta.instrument.detector, meta.instrument.module = "NRCALONG", "A"
        meta.instrument.channel = "LONG"
        if reftype == "specwcs":
            meta.instrument.pupil, meta.instrument.filter = "GRISMR", "F322W2"
        paths[reftype] = str(folder / f"nircam_{reftype}.asdf")
        model.save(paths[reftype])

    save(dm.DistortionModel(model=images.distortion_transform(), input_units=units.pix,
                            output_units=units.arcsec), "distortion")
    offsets = dm.FilteroffsetModel()
    offsets.filters = [{"filter": "F322W2", "pupil": "GRISMR", "column_offset": 0.31,
                        "row_offset": -0.17}]
    save(offsets, "filteroffset")
    save(dispersion(), "specwcs")
    ranges = dm.WavelengthrangeModel(
        wrange_selector=["F322W2", "F444W"],
        wrange=[[1, "GRISMR", "F322W2", *RANGE], [1, "GRISMR", "F444W", 3.8, 5.0]],
        order=[1], extract_orders=[["F322W2", [1]], ["F444W", [1]]], wunits=units.micron)
    save(ranges, "wavelengthrange")
    return paths


def dispersion(*, of_place=False):
    """Where light falls; as polynomials of the star's place, or the same everywhere."""
    from astropy import units
    from astropy.modeling.models import Polynomial1D, Polynomial2D
    from stdatamodels.jwst.datamodels import NIRCAMGrismModel

    low, high = REACH
    wavelength = Polynomial1D(1, c0=RANGE[0], c1=RANGE[1] - RANGE[0])
    inverse = Polynomial1D(1, c0=-RANGE[0] / (RANGE[1] - RANGE[0]),
                           c1=1 / (RANGE[1] - RANGE[0]))
    along, across = Polynomial1D(1, c0=low, c1=high - low), Polynomial1D(1, c0=0.2, c1=1.1)
    options = {"invdispl": [inverse], "invdispx": [
        Polynomial1D(1, c0=-low / (high - low), c1=1 / (high - low))],
        "invdispy": [Polynomial1D(1, c0=0.0, c1=1.0)]}
    displ, dispx, dispy = [wavelength], [along], [across]
    if of_place:
        def plane(constant, slope):
            return Polynomial2D(1, c0_0=constant, c1_0=slope, c0_1=-slope / 2)

        displ = [[plane(RANGE[0], 1e-6), plane(RANGE[1] - RANGE[0], 2e-6), plane(0.01, 0.0)]]
        dispx = [[plane(low, 1e-4), plane(high - low - 8, 2e-4), plane(8.0, 1e-4)]]
        dispy = [[plane(0.2, 1e-5), plane(1.1, 1e-5), plane(0.1, 1e-6)]]
        options = {}
    model = NIRCAMGrismModel(displ=displ, dispx=dispx, dispy=dispy, orders=[1], **options)
    model.meta.input_units, model.meta.output_units = units.micron, units.micron
    return model
