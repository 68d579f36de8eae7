"""World coordinates of exposures from telemetry; also the command ``set_telescope_pointing``.

The telemetry comes from a file (see :class:`jwst_cal.pointing.engineering.Telemetry`); there is no
connection to the engineering database.
"""

from __future__ import annotations

import argparse
import logging
import sys

import numpy as np

from jwst_cal import models, modes
from jwst_cal.errors import InputError, JwstCalError, ParameterError
from jwst_cal.pointing import _transforms, attitude, siaf, wcsinfo
from jwst_cal.pointing.engineering import Telemetry

__all__ = ["METHODS", "add_wcs", "main", "update_wcs"]

log = logging.getLogger(__name__)

#: ``ops_tr_202111`` takes one of the others, by what controls the pointing (PCS_MODE).
METHODS = ("ops_tr_202111", "coarse_tr_202111", "track_tr_202111")
_BY_CONTROL = {None: "coarse_tr_202111", "NONE": "coarse_tr_202111", "COARSE": "coarse_tr_202111",
               **dict.fromkeys(("FINEGUIDE", "MOVING", "TRACK"), "track_tr_202111")}

_QUATERNION = tuple(f"SA_ZATTEST{k}" for k in (1, 2, 3, 4))
_FGS_TO_J = tuple(f"SA_ZRFGS2J{row}{col}" for row in (1, 2, 3) for col in (1, 2, 3))
_COMMANDED = ("SA_ZFGGSCMDX", "SA_ZFGGSCMDY")
_POSITION = ("SA_ZFGGSPOSX", "SA_ZFGGSPOSY")
_GUIDER = "SA_ZFGDETID"
#: Values of which 0 means that there is none.
_NEVER_ZERO = frozenset((*_QUATERNION, *_FGS_TO_J))

_MODELS = ("Level1bModel", "ImageModel", "CubeModel")
#: Exposures of a guide star, whose coordinates are not those of an aperture.
_GUIDE_STAR = frozenset({"FGS_ACQ1", "FGS_ACQ2", "FGS_FINEGUIDE", "FGS_ID-IMAGE", "FGS_ID-STACK",
                         "FGS_TRACK"})


def update_wcs(model, telemetry, *, method="ops_tr_202111", fgsid=None, tolerance=60,
               allow_default=False, default_pa_v3=0.0, siaf_path=None, j2fgs_transpose=True):
    """
    Fill in the keywords of the pointing.

    Parameters
    ----------
    model : Level1bModel, ImageModel or CubeModel
        Changed in place. APERNAME, EXPSTART, EXPEND, PCS_MODE, GS_RA, GS_DEC and JWST_DX to
        JWST_DZ are read.
    telemetry : Telemetry, path-like or mapping
        The mnemonics.
    method : str
        One of METHODS.
    fgsid : {1, 2}, optional
        Guider, where telemetry does not tell.
    tolerance : float, s
        How far outside of the exposure telemetry may lie.
    allow_default : bool
        Where there is no telemetry, take the target's coordinates for those of the aperture.
    default_pa_v3 : float, degrees
        Position angle of V3 in that case.
    siaf_path : path-like, optional
        Folder of aperture files.
    j2fgs_transpose : bool
        Whether telemetry's matrix takes FGS1 to J, as it does.

    Returns
    -------
    float64 [3, 3] or None
        From the telescope's frame to the sky; None if there is no telemetry.

    Raises
    ------
    InputError
        If the header or the telemetry lacks something.
    ParameterError
        If the method or the aperture is unknown.

    Notes
    -----
    Source: JWST-STScI-003222, SM-12, Rev. C.
    Differs from jwst 3.0.0: `method` is used; guide-star exposures are refused.
    """
    name = model.meta.filename or "the input"
    if method not in METHODS:
        raise ParameterError(f"method: '{method}' where one of {', '.join(METHODS)} is needed")
    if modes.exposure_type(model) in _GUIDE_STAR:
        raise InputError(f"{name}: EXP_TYPE={modes.exposure_type(model)}: coordinates of "
                         "guide-star exposures are not set here")
    aperture = _aperture(model, name, siaf_path)
    _describe(model, aperture)
    try:
        if not isinstance(telemetry, Telemetry):
            telemetry = Telemetry(telemetry)
        used, matrix = _attitude(model, name, telemetry, method, fgsid, tolerance, siaf_path,
                                 j2fgs_transpose)
    except InputError as error:
        if not allow_default:
            raise
        log.warning("%s; the planned pointing is used", error)
        model.meta.visit.engdb_pointing_quality, matrix = "PLANNED", None
    else:
        model.meta.visit.engdb_pointing_quality = f"CALCULATED_{used.upper()}"
        log.info("Pointing calculated by the method %s", used)
    if matrix is None:
        _set_planned(model, aperture, default_pa_v3)
    else:
        _set(model, aperture, matrix)
    _set_targets(model)
    return matrix


def _aperture(model, name, folder):
    given = (model.meta.aperture.name or "UNKNOWN").upper()
    if given == "UNKNOWN":
        raise InputError(f"{name}: APERNAME missing: the header does not say which aperture it is")
    aperture = siaf.aperture(given, folder)
    if given == "MIRIM_TAMRS":  # described as a subarray, read out whole
        aperture = aperture._replace(x_ref=aperture.x_detector, y_ref=aperture.y_detector)
    return aperture


def _describe(model, aperture):
    """Keywords that do not depend on the pointing."""
    values = wcsinfo.of_aperture(aperture)
    wanted = ["v2_ref", "v3_ref", "v3yangle", "vparity"]
    if modes.is_imaging(model):
        wanted += ["ctype1", "ctype2", "wcsaxes", "cunit1", "cunit2", "crpix1", "crpix2", "cdelt1",
                   "cdelt2"]
        model.meta.coordinates.reference_frame = "ICRS"
    if modes.is_tso(model) or modes.exposure_type(model) in ("NRC_TSIMAGE", "NRC_TSGRISM"):
        wanted += ["siaf_xref_sci", "siaf_yref_sci"]
    for key in wanted:
        setattr(model.meta.wcsinfo, key, values[key])


def _average(samples, mnemonic):
    value = samples[mnemonic].value
    if mnemonic in _NEVER_ZERO:
        value = value[value != 0]
    return float(value.mean()) if len(value) else None


def _pointing(telemetry, start, end, tolerance, with_star):
    """Averages of the mnemonics over an exposure."""
    names = (*_QUATERNION, *_FGS_TO_J, *_COMMANDED, *(_POSITION if with_star else ()), _GUIDER)
    samples = {name: telemetry.between(name, start, end, tolerance) for name in names}
    values = {name: _average(samples, name) for name in names}
    zero = [name for name in names if values[name] is None]
    if zero:
        raise InputError(f"{telemetry.name}: only zeros in {', '.join(zero)}")

    def taken(names):
        return np.array([values[name] for name in names])

    return _transforms.Pointing(
        taken(_QUATERNION), taken(_FGS_TO_J).reshape(3, 3), taken(_COMMANDED),
        taken(_POSITION) if with_star else None, int(samples[_GUIDER].value[0]))


def _attitude(model, name, telemetry, method, fgsid, tolerance, folder, transpose):
    """Method in use, and the attitude."""
    meta = model.meta
    if method == METHODS[0]:
        control = meta.guidestar.gs_pcs_mode
        if control not in _BY_CONTROL:
            raise InputError(f"{name}: PCS_MODE={control} where one of NONE, COARSE, FINEGUIDE, "
                             "MOVING, TRACK is needed")
        method = _BY_CONTROL[control]
    start, end = meta.exposure.start_time, meta.exposure.end_time
    if start is None or end is None:
        raise InputError(f"{name}: EXPSTART or EXPEND missing")
    velocity = [meta.ephemeris.velocity_x_bary, meta.ephemeris.velocity_y_bary,
                meta.ephemeris.velocity_z_bary]
    if None in velocity:
        log.warning("%s: the telescope's velocity (JWST_DX ...) is missing: no correction for its "
                    "aberration", name)
        velocity = None
    with_star = method == "track_tr_202111"
    pointing = _pointing(telemetry, start, end, tolerance, with_star)
    if not with_star:
        number = _coarse_guider(meta.instrument.detector, fgsid)
        return method, _transforms.coarse(pointing, velocity, number, folder=folder,
                                          transpose=transpose)
    if pointing.guider not in _transforms.GUIDERS:
        number = fgsid if fgsid in _transforms.GUIDERS else 1
        log.warning("Telemetry names no guider (%s): FGS%d is taken", pointing.guider, number)
        pointing = pointing._replace(guider=number)
    star = meta.guidestar.gs_ra, meta.guidestar.gs_dec
    if None in star:
        raise InputError(f"{name}: GS_RA or GS_DEC missing: the header does not say where the "
                         "guide star is")
    return method, _transforms.track(pointing, star, velocity, folder=folder, transpose=transpose)


def _coarse_guider(detector, fgsid):
    """The guider that stands for the telescope: not the one that takes the exposure."""
    other = {"GUIDER1": 2, "GUIDER2": 1}.get((detector or "").upper())
    return other or (fgsid if fgsid in _transforms.GUIDERS else 1)


def _set(model, aperture, matrix):
    info, found = model.meta.wcsinfo, wcsinfo.on_sky(matrix, aperture)
    ra, dec = attitude.to_sky(matrix, 0, 0)
    model.meta.pointing.ra_v1, model.meta.pointing.dec_v1 = float(ra), float(dec)
    model.meta.pointing.pa_v3 = attitude.position_angle(matrix, 0, 0)
    angle = (found["roll_ref"] + aperture.v3_angle) % 360
    model.meta.aperture.position_angle = angle
    info.ra_ref, info.dec_ref = found["ra_ref"], found["dec_ref"]
    info.roll_ref = angle - aperture.v3_angle
    info.s_region = found["s_region"]
    if modes.is_imaging(model):
        for key in ("crval1", "crval2", "pc1_1", "pc1_2", "pc2_1", "pc2_2"):
            setattr(info, key, found[key])


def _set_planned(model, aperture, angle):
    """The target's place, for telescope and aperture, and a position angle for both."""
    ra, dec = model.meta.target.ra, model.meta.target.dec
    if ra is None or dec is None:
        raise InputError(f"{model.meta.filename or 'the input'}: TARG_RA or TARG_DEC missing: "
                         "there is no planned pointing")
    model.meta.pointing.ra_v1, model.meta.pointing.dec_v1 = ra, dec
    model.meta.pointing.pa_v3 = model.meta.aperture.position_angle = float(angle)
    info, roll = model.meta.wcsinfo, angle - aperture.v3_angle
    info.ra_ref, info.dec_ref, info.roll_ref = ra, dec, roll
    matrix = attitude.attitude(aperture.v2_ref, aperture.v3_ref, ra, dec, roll)
    info.s_region = wcsinfo.outline(matrix, aperture)
    if modes.is_imaging(model):
        info.crval1, info.crval2 = ra, dec
        for key, value in wcsinfo.rotation(roll, aperture).items():
            setattr(info, key, value)


def _set_targets(model):
    """Coordinates of a target that moves, or that a parallel observation has none of."""
    target, info = model.meta.target, model.meta.wcsinfo
    if target.ra == 0 and target.dec == 0 and "PARALLEL" in (model.meta.visit.type or ""):
        log.warning("The parallel observation has no target: its place is that of the aperture")
        target.ra, target.dec = info.ra_ref, info.dec_ref
    if (target.type or "").lower() != "moving" or not model.hasattr("moving_target"):
        return
    from astropy.time import Time

    table, now = model.moving_target, model.meta.exposure.mid_time
    times = Time([str(time) for time in table["time"]], format="isot").mjd
    if not times[0] <= now <= times[-1]:
        log.warning("The table of the moving target does not cover the exposure")
        return
    info.mt_ra = target.ra = float(np.interp(now, times, table["mt_apparent_RA"]))
    info.mt_dec = target.dec = float(np.interp(now, times, table["mt_apparent_Dec"]))


def add_wcs(filename, engdb_url=None, *, allow_any_file=False, force_level1bmodel=False,
            dry_run=False, **options):
    """
    Fill in the keywords of the pointing in a file.

    Parameters
    ----------
    filename : path-like
        An exposure: ``_uncal``, ``_rate`` or ``_rateints``. It is replaced when complete.
    engdb_url : Telemetry, path-like or mapping
        The mnemonics: here a file, no address.
    allow_any_file : bool
        Take other models, too.
    force_level1bmodel : bool
        Take a file of no known model for a raw exposure.
    dry_run : bool
        Change nothing.
    **options
        As for :func:`update_wcs`.

    Raises
    ------
    InputError
        If the file is none of these, or the header or the telemetry lacks something.
    OutputError
        If the file cannot be replaced.
    """
    from stdatamodels.jwst import datamodels

    try:
        model = datamodels.open(filename, guess=force_level1bmodel or allow_any_file)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{filename}: cannot be opened as an exposure ({error})") from error
    with model:
        if type(model).__name__ not in _MODELS and not allow_any_file:
            if not force_level1bmodel:
                raise InputError(f"{filename}: {type(model).__name__} where one of "
                                 f"{', '.join(_MODELS)} is needed")
            model = datamodels.Level1bModel(model)
        update_wcs(model, {} if engdb_url is None else engdb_url, **options)
        if not dry_run:
            models.save(model, filename)


def _parser():
    parser = argparse.ArgumentParser(
        prog="set_telescope_pointing",
        description="Fill in the keywords of the pointing from telemetry in a file.",
        epilog="example: set_telescope_pointing --engdb_url telemetry.json jw*_uncal.fits",
    )
    parser.add_argument("exposure", nargs="+", help="exposures, changed in place")
    parser.add_argument("--engdb_url", metavar="FILE",
                        help="the mnemonics: JSON, ECSV, CSV, or a folder of *_data.json")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    parser.add_argument("--allow-any-file", action="store_true", help="take any model")
    parser.add_argument("--force-level1bmodel", action="store_true",
                        help="take a file of no known model for a raw exposure")
    parser.add_argument("--allow-default", action="store_true",
                        help="where there is no telemetry, take the planned pointing")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    parser.add_argument("--method", choices=METHODS, default=METHODS[0],
                        help=f"how it is calculated (default {METHODS[0]}: by PCS_MODE)")
    parser.add_argument("--fgsid", type=int, choices=(1, 2), default=1,
                        help="guider, where telemetry does not tell (default 1)")
    parser.add_argument("--tolerance", type=float, default=60, metavar="SECONDS",
                        help="how far outside of the exposure telemetry may lie (default 60)")
    parser.add_argument("--siaf", metavar="FOLDER", help="aperture files (XML) to be read instead")
    parser.add_argument("--transpose_j2fgs", action="store_false",
                        help="take telemetry's matrix for one from J to FGS1")
    return parser


def main(args=None):
    """Run the command, with the arguments of the process by default; return its exit status."""
    parser = _parser()
    options = parser.parse_args(args)
    if options.engdb_url is None and not options.allow_default:
        parser.error("no telemetry: give --engdb_url FILE, or --allow-default for the planned "
                     "pointing")
    logging.basicConfig(level=logging.DEBUG if options.verbose > 1 else
                        logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    status = 0
    for filename in options.exposure:
        try:
            add_wcs(filename, options.engdb_url, allow_any_file=options.allow_any_file,
                    force_level1bmodel=options.force_level1bmodel, dry_run=options.dry_run,
                    method=options.method, fgsid=options.fgsid, tolerance=options.tolerance,
                    allow_default=options.allow_default, siaf_path=options.siaf,
                    j2fgs_transpose=options.transpose_j2fgs)
        except JwstCalError as error:
            print(f"set_telescope_pointing: error: {error}", file=sys.stderr)
            status = 1
    return status
