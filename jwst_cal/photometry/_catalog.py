"""The catalogue of sources: its columns, their order, units and descriptions."""

import numpy as np

from jwst_cal.kernels.neighbours import neighbours
from jwst_cal.photometry import _apertures, _sky

__all__ = ["build"]

#: Formats of numbers by parts of the names of the columns; the last that matches counts.
FORMATS = ((("xcentroid", "ycentroid", "CI_"), ".4f"), (("flux",), ".6e"),
           (("abmag", "vegamag", "nn_dist", "sharpness", "roundness", "semimajor", "semiminor",
             "ellipticity", "orientation"), ".6f"))
#: Columns of the finders and what they are called in the catalogue.
FOUND = {"isophotal_flux": "flux", "isophotal_flux_err": "segment_flux_err",
         "isophotal_area": "area", "semimajor_sigma": "semimajor_axis",
         "semiminor_sigma": "semiminor_axis", "ellipticity": "ellipticity",
         "orientation": "orientation"}
CORNERS = {"ll": "lower-left", "ul": "upper-left", "lr": "lower-right", "ur": "upper-right"}
#: Libraries whose versions are told.
LIBRARIES = ("numpy", "scipy", "astropy", "gwcs")


def build(data, error, found, apertures, offset, *, wcs, reference_pixel, fwhm, star_limits):
    """
    Measure the sources that were found, and put it in order.

    Parameters
    ----------
    data, error : float32 [row, col], Jy
        The image, with its background, and its standard deviations.
    found : astropy.table.QTable
        What the finder tells of the sources.
    apertures : Apertures
        Where to add up.
    offset : float
        AB less Vega magnitudes.
    wcs : gwcs.WCS
        Coordinates.
    reference_pixel : (float, float)
        Column and row where north is determined.
    fwhm : float
        Full width of the Gaussian that shapes are compared with, pixels.
    star_limits : (float, float)
        Concentrations above both of which a source is extended.

    Returns
    -------
    astropy.table.QTable
        A row for each source.
    """
    from astropy.table import QTable

    table = QTable()

    def put(name, values, description, unit=None):
        table[name] = values if unit is None else values * unit
        table[name].info.description = description
        for parts, form in FORMATS:
            if any(part in name for part in parts):
                table[name].info.format = form

    positions = np.stack([found["xcentroid"], found["ycentroid"]], axis=1)
    _identity(put, found, wcs)
    fluxes = _photometry(put, data, error, positions, apertures, offset)
    _shape(put, data, positions, found, fluxes, apertures, fwhm, star_limits)
    _isophotal(put, found, offset, wcs, reference_pixel)
    table.meta.update(_meta(found, apertures, offset))
    return table


def _identity(put, found, wcs):
    """Label and position."""
    put("label", found["id"], "Unique source identification label number")
    put("xcentroid", found["xcentroid"], "X pixel value of the source centroid (0 indexed)")
    put("ycentroid", found["ycentroid"], "Y pixel value of the source centroid (0 indexed)")
    sky = (found["sky_centroid"] if "sky_centroid" in found.colnames
           else _sky.OnTheSky(wcs).pixel_to_world(found["xcentroid"], found["ycentroid"]))
    put("sky_centroid", sky, "ICRS Sky coordinate of the source centroid")


def _photometry(put, data, error, positions, apertures, offset):
    """Background, and for each aperture and in total flux, AB and Vega magnitude; the fluxes."""
    from astropy.units import Jy

    background, scatter = _apertures.local_background(data, positions, apertures.inner,
                                                      apertures.outer)
    put("aper_bkg_flux", background, "The local background value calculated as the sigma-clipped "
        "median value in the background annulus aperture", Jy)
    put("aper_bkg_flux_err", scatter, "The standard error of the sigma-clipped median background "
        "value", Jy)
    fluxes = {}
    measured = zip(apertures.energies, apertures.radii,
                   *_apertures.sums(data, error, positions, apertures.radii), strict=True)
    for energy, radius, total, width in measured:
        fluxes[f"aper{energy}"] = total - background * np.pi * radius**2, width
    largest = f"aper{apertures.energies[-1]}"
    fluxes["aper_total"] = tuple(apertures.corrections[-1] * part for part in fluxes[largest])
    magnitudes = {name: _apertures.magnitudes(*flux) for name, flux in fluxes.items()}
    vega = {name: (magnitude - offset, width) for name, (magnitude, width) in magnitudes.items()}
    for kind, text, columns, unit in (("flux", "Flux", fluxes, Jy),
                                      ("abmag", "AB magnitude", magnitudes, None),
                                      ("vegamag", "Vega magnitude", vega, None)):
        for name, (value, width) in columns.items():
            for ending, part, column in (("", "", value), ("_err", " error", width)):
                put(f"{name}_{kind}{ending}", column, _description(name, text, part, apertures),
                    unit)
    return [fluxes[f"aper{energy}"][0] for energy in apertures.energies]


def _description(name, text, part, apertures):
    if name == "aper_total":
        text = text if text != "Flux" else "flux"
        return (f"Total aperture-corrected {text}{part} based on the {apertures.energies[-1]}% "
                "encircled energy circular aperture; should be used only for unresolved sources.")
    return (f"{text}{part} within the {name.removeprefix('aper')}% encircled energy circular "
            "aperture")


def _shape(put, data, positions, found, fluxes, apertures, fwhm, star_limits):
    """Concentrations, what they say, sharpness and roundness, the nearest neighbour."""
    from astropy.units import pixel

    concentrations = []
    for small, large in ((0, 1), (1, 2), (0, 2)):
        with np.errstate(divide="ignore", invalid="ignore"):
            concentrations.append(fluxes[large] / fluxes[small])
        names = apertures.energies[small], apertures.energies[large]
        put(f"CI_{names[1]}_{names[0]}", concentrations[-1], "Concentration index calculated as "
            f"(aper{names[1]}_flux / aper{names[0]}_flux)")
    put("is_extended", (concentrations[0] > star_limits[0]) & (concentrations[1] > star_limits[1]),
        "Flag indicating whether the source is extended")
    sharpness, roundness = _apertures.shapes(data, positions, fwhm)
    put("sharpness", sharpness, "The DAOFind source sharpness statistic")
    put("roundness", roundness.astype(np.float32), "The DAOFind source roundness statistic")
    nearest, distance = neighbours(positions)
    labels = np.asarray(found["id"])
    put("nn_label", np.where(nearest < 0, -1, labels[nearest]).astype(labels.dtype),
        "The label number of the nearest neighbor")
    put("nn_dist", distance, "The distance in pixels to the nearest neighbor", pixel)


def _isophotal(put, found, offset, wcs, reference_pixel):
    """What finding told: flux, size, orientation, the box around the source; NaN if it did not."""
    from astropy import units

    values = {name: found[column] if column in found.colnames else np.full(len(found), np.nan)
              for name, column in FOUND.items()}
    flux, width = (values[name] for name in ("isophotal_flux", "isophotal_flux_err"))
    flux, width = (np.asarray(part) for part in (flux, width))
    magnitude, error = _apertures.magnitudes(flux, width)
    put("isophotal_flux", flux, "Isophotal flux", units.Jy)
    put("isophotal_flux_err", width, "Isophotal flux error",
        units.Jy if FOUND["isophotal_flux_err"] in found.colnames else None)
    for kind, text, zero in (("abmag", "AB", 0.0), ("vegamag", "Vega", np.float64(offset))):
        put(f"isophotal_{kind}", magnitude - zero, f"Isophotal {text} magnitude")
        put(f"isophotal_{kind}_err", error, f"Isophotal {text} magnitude error")
    put("isophotal_area", values["isophotal_area"], "Isophotal area")
    for axis in ("semimajor", "semiminor"):
        put(f"{axis}_sigma", values[f"{axis}_sigma"], "1-sigma standard deviation along the "
            f"{axis} axis of the 2D Gaussian function that has the same second-order central "
            "moments as the source")
    put("ellipticity", values["ellipticity"],
        "1 minus the ratio of the 1-sigma lengths of the semimajor and semiminor axes")
    turned = values["orientation"]
    put("orientation", turned, "The angle (degrees) between the positive X axis and the major "
        "axis (increases counter-clockwise)")
    north = _north(wcs, reference_pixel)
    put("sky_orientation", (180 - north + np.asarray(getattr(turned, "value", turned))) % 360,
        "The position angle (degrees) from North of the major axis", units.deg)
    for corner, text in CORNERS.items():
        name = f"sky_bbox_{corner}"
        put(name, found[name] if name in found.colnames else np.full(len(found), np.nan),
            f"Sky coordinate of the {text} vertex of the minimal bounding box of the source")


def _north(wcs, pixel):
    """Angle from the x axis to north at a pixel, degrees."""
    ra, dec = wcs(*pixel)
    x, y = wcs.invert([ra, ra], [dec, dec + 1 / 3600])
    return np.degrees(np.arctan2(y[1] - y[0], x[1] - x[0]))


def _meta(found, apertures, offset):
    """What the catalogue was made with."""
    import platform

    import jwst_cal
    from jwst_cal import clock
    from jwst_cal.framework.provenance import libraries

    meta = {"date": f"{clock.now():%Y-%m-%d %H:%M:%S} UTC"}
    versions = libraries()
    meta["version"] = {"Python": platform.python_version(),
                       **{name: versions[name] for name in LIBRARIES},
                       "jwst_cal": jwst_cal.__version__}
    meta.update(found.meta)
    meta["aperture_params"] = {
        "aperture_ee": apertures.energies, "aperture_radii": apertures.radii,
        "aperture_corrections": apertures.corrections,
        "bkg_aperture_inner_radius": apertures.inner,
        "bkg_aperture_outer_radius": apertures.outer}
    meta["abvega_offset"] = offset
    return meta
