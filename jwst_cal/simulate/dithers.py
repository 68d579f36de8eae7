"""Sets of exposures of one field: dithered images of several detectors, and imaging time series.

Each set is a folder of raw exposures, associations for stages 2 and 3 of the pipeline, the pool of
the associations, and the truth: sources, their places in every exposure, and what differs between
exposures (sky, errors of the pointing).
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jwst_cal.errors import OutputError, ParameterError
from jwst_cal.pointing import attitude, velocity_aberration, wcsinfo
from jwst_cal.simulate import exposures, sets, sky, telemetry
from jwst_cal.simulate.detectors import Window, stream
from jwst_cal.simulate.instruments import INSTRUMENTS

__all__ = ["Set", "dithers"]

class Usual(NamedTuple):
    """What a set is of, if nothing else is said: long enough that the electronics drift little."""

    subarray: str
    detectors: tuple[str, ...]
    readpatt: str
    n_ints: int
    n_groups: int


#: By instrument; other subarrays are read as single exposures are.
DEFAULTS = {
    "NIRCAM": Usual("SUB320", ("NRCB1", "NRCB3"), "SHALLOW4", 1, 5),
    "NIRISS": Usual("SUB256", ("NIS",), "NIS", 1, 7),
    "MIRI": Usual("SUB256", ("MIRIMAGE",), "FASTR1", 1, 24),
    "FGS": Usual("SUB128CNTR", ("GUIDER1",), "FGS", 1, 6),
}
#: Seconds between exposures.
PAUSE = 60.0
#: Part of its well that the brightest star fills, and how much fainter the faintest one is.
_FULLNESS, _RANGE = 0.6, 400.0
#: Pixels for each star, and the range of numbers of stars in a detector's array.
_PIXELS, _STARS = 4000, (35, 1000)
#: Distance between sources, pixel and arcsec: what alignment takes for different sources.
_APART = (10, 1.05)

class Set(NamedTuple):
    """
    The files of a set.

    Attributes
    ----------
    exposures : list of Path
        Raw exposures, ``_uncal.fits``.
    pool : Path
        Table of the exposures, for ``asn_generate``.
    level2, level3 : Path
        Associations; of stage 3 that of the first detector's filter.
    sources, places, pointings : Path
        Truth: the field (usable as a reference catalogue), where its sources are in each exposure,
        and one row for each exposure.
    telemetry : Path
        The pointing as ``set_telescope_pointing`` takes it.
    """

    exposures: list[Path]
    pool: Path
    level2: Path
    level3: Path
    sources: Path
    places: Path
    pointings: Path
    telemetry: Path


class _Camera(NamedTuple):
    """A detector of a set: its cut, kind of exposure, filter."""

    window: Window
    mode: object
    optics: sky.Optics


def _cameras(instrument, subarray, detectors, light):
    """The detectors asked for, or the default ones of the subarray."""
    machine = INSTRUMENTS[exposures.choose("instrument", instrument, DEFAULTS, "simulated")]
    usual = DEFAULTS[machine.name]
    subarray = (subarray or usual.subarray).upper()
    images = [mode for mode in machine.modes if mode.exp_type.endswith("_IMAGE")
              and mode.subarray == subarray and not mode.guide_star]
    takers = {d.name: mode for mode in reversed(images) for d in machine.takers(mode)
              if not d.subarray(subarray).stripes}
    if not takers:
        known = ", ".join(dict.fromkeys(
            mode.subarray for mode in machine.modes if mode.exp_type.endswith("_IMAGE")
            and not any(d.subarray(mode.subarray).stripes for d in machine.takers(mode))))
        raise ParameterError(f"subarray '{subarray}' is not simulated for images of "
                             f"{machine.name}: choose one of {known}")
    if detectors is None:
        detectors = [name for name in usual.detectors if name in takers] or list(takers)[:1]
    chosen = [exposures.choose("detector", name, takers, f"simulated for {machine.name} {subarray}")
              for name in detectors]
    return [_camera(machine, name, takers[name], light) for name in dict.fromkeys(chosen)]


def _camera(machine, detector, mode, light):
    filters = {one.filter if one.filter != "CLEAR" else one.pupil: one
               for one in machine.filters_of(detector)}
    if light is None:
        one = next((f for f in filters.values() if f.cards and set(f.cards) <= set(mode.cards)),
                   next(iter(filters.values())))
    else:
        one = filters.get(light.upper())
        if one is None:
            if len(filters) == 1 and not next(iter(filters)):
                raise ParameterError(f"filter '{light}': {machine.name} has no filters")
            others = [f for name in (d.name for d in machine.detectors)
                      for f in machine.filters_of(name) if light.upper() in (f.filter, f.pupil)]
            if not others:
                raise ParameterError(f"filter '{light}' is not simulated for {detector}: choose "
                                     f"one of {', '.join(filters)}")
            one = next(iter(filters.values()))  # the other channel of the same exposure
    window = Window(detector, mode.subarray)
    return _Camera(window, mode, sky.Optics(window, one))


def _pattern(number, width):
    """Offsets of the dithers along V2 and V3, arcsec: a spiral around the first one."""
    k = np.arange(number)
    angle, radius = 2.39996 * k, 0.08 * width * np.sqrt(k)
    return np.round(np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1), 4)


def dithers(
    folder, instrument="NIRCAM", *, subarray=None, detectors=None, filter_name=None, n_dithers=4,
    n_ints=None, n_groups=None, readpatt=None, stars=None, sky_level=None, sky_step=0.1,
    pointing_error=0.02, roll_error=0.002, cosmic_ray_rate=None, field=sets.FIELD, seed=1,
):
    """
    Simulate dithered images of a field.

    Parameters
    ----------
    folder : path-like
        Where the files go; made if needed.
    instrument : {'NIRCAM', 'NIRISS', 'MIRI', 'FGS'}
        Which.
    subarray : str, optional
        ``FULL`` or a smaller one.
    detectors : sequence of str, optional
        Those that take each exposure; all look at the same field from where they are.
    filter_name : str, optional
        Filter; of NIRCam for the channel that has it.
    n_dithers : int
        Exposures of each detector.
    n_ints, n_groups, readpatt : optional
        As for ``exposures.simulate``.
    stars : int, optional
        Mean number of stars in an exposure; there are a fifth as many galaxies.
    sky_level : float, optional
        Surface brightness behind the sources, MJy/sr.
    sky_step : float
        Part by which it differs between exposures (standard deviation).
    pointing_error : float, arcsec
        Difference of the true pointing from what the headers say, along each axis.
    roll_error : float, degrees
        The same of the roll.
    cosmic_ray_rate : float, optional
        Particles per cm^2 and second.
    field : (float, float, float), degrees
        Right ascension and declination of the field, position angle of V3.
    seed : int
        Seed of everything random.

    Returns
    -------
    Set

    Raises
    ------
    ParameterError
        If something asked for is not simulated, or out of range.
    OutputError
        If a file cannot be written.
    """
    cameras = _cameras(instrument, subarray, detectors, filter_name)
    n_dithers = exposures.count("dithers", n_dithers, 1, 4)
    sets.check_field(field)
    for name, value in (("sky_step", sky_step), ("pointing_error", pointing_error),
                        ("roll_error", roll_error)):
        if not 0 <= value < 10:
            raise ParameterError(f"{name}: {value} where a number from 0 to 10 is needed")
    folder = sets.make_folder(folder)
    plan = _plan(cameras, n_dithers, field, sky_step, pointing_error, roll_error, seed)
    usual = DEFAULTS[cameras[0].window.detector.instrument]
    if readpatt is None and cameras[0].mode.subarray == usual.subarray:
        readpatt, n_ints, n_groups = (
            usual.readpatt, n_ints or usual.n_ints, n_groups or usual.n_groups)
    options = {"n_ints": n_ints, "n_groups": n_groups, "readpatt": readpatt,
               "cosmic_ray_rate": cosmic_ray_rate}
    level = _sky_level(cameras[0]) if sky_level is None else float(sky_level)
    sources = _sources(cameras, plan, stars, seed, options)
    made = [_expose(folder, camera, number, aim, sources, level * aim.sky, options, seed, len(plan),
                    field)
            for camera in cameras for number, aim in enumerate(plan, 1)]
    return _write(folder, sorted(made, key=lambda row: row.number), sources, level)


class _Aim(NamedTuple):
    """One dither: attitude that the headers tell, and true one; sky in units of the mean."""

    said: np.ndarray
    true: np.ndarray
    offset: tuple[float, float]
    error: tuple[float, float, float]
    sky: float


class _Made(NamedTuple):
    """One exposure written."""

    path: Path
    camera: _Camera
    number: int
    aim: _Aim
    sky: float
    x: np.ndarray
    y: np.ndarray
    scale: float
    span: tuple[float, float]


def _plan(cameras, number, field, sky_step, pointing_error, roll_error, seed):
    """Where the telescope points in each dither."""
    apertures = [camera.window.aperture for camera in cameras]
    centre = np.mean([(a.v2_ref, a.v3_ref) for a in apertures], axis=0)
    width = max(max(a.x_vertices) - min(a.x_vertices) for a in apertures)
    draws = stream(seed, "dithers").standard_normal((number, 4))
    plan = []
    for offset, draw in zip(_pattern(number, width), draws, strict=True):
        error = (*(pointing_error * draw[:2]), roll_error * draw[2])
        said = attitude.attitude(*(centre + offset), *field)
        true = attitude.attitude(*(centre + offset + error[:2]), *field[:2], field[2] + error[2])
        plan.append(_Aim(said, true, tuple(offset), tuple(map(float, error)),
                         max(1 + sky_step * draw[3], 0.0)))
    return plan


def _sky_level(camera):
    """The sky of the kind of exposure, MJy/sr."""
    return camera.mode.sky / camera.optics.per_mjysr


def _sources(cameras, plan, stars, seed, options):
    """Stars and galaxies of a field that is larger than the exposures."""
    first = cameras[0]
    readout = exposures.readout_of(first.window, first.mode, options["readpatt"],
                                   options["n_ints"], options["n_groups"])
    well = first.window.detector.saturation * first.window.mean_gain
    peak = float(first.optics.point_spread.share(np.zeros(1), np.zeros(1))[0])
    brightest = _FULLNESS * well / peak / readout.integration_time / first.optics.per_microjansky
    corners = []
    for camera in cameras:
        at = camera.window.aperture
        v2, v3 = at.to_telescope(np.array(at.x_vertices), np.array(at.y_vertices))
        corners += [np.transpose(attitude.to_sky(aim.said, v2, v3)) for aim in plan]
    corners = np.concatenate(corners)
    ra, dec = _middle(corners)
    around = attitude.attitude(0, 0, ra, dec, 0)
    radius = float(np.hypot(*attitude.to_telescope(around, *corners.T)).max()) + 1.0
    n_pixels = np.prod(first.window.shape)
    if stars is None:
        stars = int(np.clip(n_pixels / _PIXELS, *_STARS))
    stars = exposures.count("stars", stars, 0, 0)
    area = n_pixels * first.window.distortion.nominal_area
    n = round(stars * np.pi * radius**2 / area)
    pixel = np.sqrt(first.window.distortion.nominal_area)
    return sky.draw(seed, ra, dec, radius, n, n // 5, brightest / _RANGE, brightest,
                    (2.5 * pixel, 7 * pixel), max(_APART[0] * pixel, _APART[1]))


def _middle(corners):
    """Right ascension and declination of the middle of places on the sky."""
    vectors = attitude.to_vector(*np.radians(corners.T))
    ra, dec = np.degrees(attitude.from_vector(vectors.mean(axis=1)))
    return float(ra % 360), float(dec)


def _expose(folder, camera, number, aim, sources, level, options, seed, n_dithers, field):
    """Simulate and write one exposure."""
    window, mode, optics = camera
    said = wcsinfo.on_sky(aim.said, window.aperture)
    scale, va_ra, va_dec = velocity_aberration.aberration(sets.VELOCITY, said["ra_ref"],
                                                          said["dec_ref"])
    light, x, y = sky.render(optics, sources, aim.true, scale, level)
    exposure = exposures.simulate(
        window.detector.instrument, mode.subarray, detector=window.detector.name,
        exp_type=mode.exp_type, light=light, snowballs=0, showers=0,
        seed=zlib.crc32(f"{seed} {number} {window.detector.name}".encode()), **options)
    r = exposure.readout
    exposure.number = number
    exposure.start += (number - 1) * (r.n_ints * (r.integration_time + r.frame_time)
                                      + PAUSE) / 86400
    exposure.cards = {
        **dict(optics.filter.cards), **sets.pointing_cards(window.aperture, aim.said),
        "VA_SCALE": scale, "VA_RA": va_ra, "VA_DEC": va_dec,
        "TARGTYPE": "FIXED", "TARG_RA": field[0], "TARG_DEC": field[1],
        "PATTTYPE": "NONE", "PATT_NUM": number, "NUMDTHPT": n_dithers,
        "XOFFSET": float(aim.offset[0]), "YOFFSET": float(aim.offset[1]),
    }
    end = exposure.start + r.n_ints * (r.integration_time + r.frame_time) / 86400
    return _Made(exposure.write(folder), camera, number, aim, level, x, y, scale,
                 (exposure.start, end))


# ---- what is written beside the exposures ------------------------------------------------------
def _write(folder, made, sources, level):
    from astropy.table import Table

    pool, level2, level3 = sets.associate(folder, [
        sets.Row(row.path, row.camera.window, row.camera.optics.filter, row.camera.mode)
        for row in made])
    flux = sources["flux_ujy"]
    table = Table(sources)
    table["abmag"] = 23.9 - 2.5 * np.log10(flux)
    for name, unit in (("RA", "deg"), ("DEC", "deg"), ("flux_ujy", "uJy"), ("scale", "arcsec"),
                       ("angle", "deg"), ("abmag", "mag")):
        table[name].unit = unit
    table.meta = {"sky_mjysr": level}
    places = Table(rows=[
        (row.path.name, int(source["id"]), float(x), float(y),
         float(source["flux_ujy"] * row.camera.optics.per_microjansky))
        for row in made for source, x, y in zip(sources, row.x, row.y, strict=True)
        if -0.5 <= x < row.camera.window.shape[1] - 0.5
        and -0.5 <= y < row.camera.window.shape[0] - 0.5],
        names=("file", "id", "x", "y", "electrons_per_s"))
    pointings = Table(rows=[
        (row.path.name, row.camera.window.detector.name, row.number, row.sky, *row.aim.offset,
         *row.aim.error, row.scale) for row in made],
        names=("file", "detector", "dither", "sky_mjysr", "v2_offset", "v3_offset", "v2_error",
               "v3_error", "roll_error", "va_scale"))
    for name in ("v2_offset", "v3_offset", "v2_error", "v3_error"):
        pointings[name].unit = "arcsec"
    paths = [folder / f"truth_{name}.ecsv" for name in ("sources", "places", "pointings")]
    for path, content in zip(paths, (table, places, pointings), strict=True):
        try:
            content.write(path, format="ascii.ecsv", overwrite=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return Set([row.path for row in made], pool, level2, level3, *paths, _telemetry(folder, made))


def _telemetry(folder, made):
    """What the guider and the gyroscopes say of the pointing: what was planned."""
    path, found = folder / "telemetry.json", {}
    for _, row in sorted({row.number: row for row in made}.items()):
        for name, samples in telemetry.mnemonics(row.aim.said, sets.VELOCITY, *row.span).items():
            found.setdefault(name, []).extend(samples)
    try:
        path.write_text(json.dumps(found, indent=1))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return path
