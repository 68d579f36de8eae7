"""Guide-star exposures of FGS: their names, tables and keywords."""

from __future__ import annotations

import numpy as np

from jwst_cal.simulate import _fits
from jwst_cal.simulate.detectors import stream
from jwst_cal.simulate.exposures import START_MJD, Exposure

__all__ = ["GuideStar", "guide_star", "stacked"]

#: Strips that the identification reads: width, and columns from one to the next.
STRIP, STEP = 64, 56

#: What follows ``gs-`` in a file's name. All but the identification end with the time.
_NAMES = {"FGS_ID-IMAGE": "id_1_image", "FGS_ID-STACK": "id_1_stacked", "FGS_ACQ1": "acq1",
          "FGS_ACQ2": "acq2", "FGS_TRACK": "track", "FGS_FINEGUIDE": "fg"}
_TIMESTAMP = "2024183031559"
#: What the control system does while the mode's data are taken.
_STATES = {"FGS_ID-IMAGE": "COARSE", "FGS_ID-STACK": "COARSE", "FGS_ACQ1": "COARSE",
           "FGS_ACQ2": "COARSE", "FGS_TRACK": "TRACK", "FGS_FINEGUIDE": "FINEGUIDE"}

_PLANNED = np.dtype([
    ("guide_star_order", "i4"), ("reference_order", "i4"), ("reference_star_id", "S12"),
    *((name, "f8") for name in ("ra", "dec", "id_x", "id_y", "fgs_mag", "fgs_mag_uncert",
                                "count_rate", "count_rate_uncert"))])
_FLIGHT = np.dtype([("reference_star_id", "S2"), ("id_x", "f8"), ("id_y", "f8"),
                    ("count_rate", "f8")])
_POINTING = np.dtype([*((name, "f8") for name in (
    "time", "jitter", "delta_ddc_ra", "delta_ddc_dec", "delta_aperture_pa", "delta_v1_ra",
    "delta_v1_dec", "delta_v3_pa", "delta_j1_ra", "delta_j1_dec", "delta_j3_pa")),
    ("HGA_motion", "S16")])
_CENTROID = np.dtype([
    ("observatory_time", "S23"), ("centroid_time", "S23"),
    *((name, "f8") for name in (
        "guide_star_position_x", "guide_star_position_y", "guide_star_instrument_counts_per_sec",
        "signal_to_noise_current_frame", "delta_signal", "delta_noise")),
    ("psf_width_x", "i4"), ("psf_width_y", "i4"), ("data_quality", "i4"),
    ("bad_pixel_flag", "S4"), ("bad_centroid_dq_flag", "S12"), ("cosmic_ray_hit_flag", "S5"),
    ("sw_subwindow_loc_change_flag", "S5"),
    ("guide_star_at_detector_subwindow_boundary_flag", "S5"), ("subwindow_out_of_FOV_flag", "S5")])
_TRACKED = np.dtype([("observatory_time", "S23"), ("x_corner", "f8"), ("y_corner", "f8"),
                     ("x_size", "i4"), ("y_size", "i4")])


class GuideStar(Exposure):
    """A simulated guide-star exposure: one image extension, and the tables of its mode."""

    @property
    def root(self):
        """File name without suffix and extension."""
        name = _NAMES[self.mode.exp_type]
        return f"jw01234001001_gs-{name}" + ("" if "id" in name else f"_{_TIMESTAMP}")

    def _tables(self):
        if self.mode.exp_type.startswith("FGS_ID"):
            return [_fits.table("Flight Reference Stars", self._flight()),
                    _fits.table("Planned Reference Stars", self._planned())]
        if self.mode.exp_type in ("FGS_TRACK", "FGS_FINEGUIDE"):
            tables = [_fits.table("Pointing", self._pointing()),
                      _fits.table("FGS Centroid Packet", self._centroids())]
            if self.mode.exp_type == "FGS_TRACK":
                tables.append(_fits.table("Track subarray table", self._tracked()))
            return tables
        return []

    def _special_cards(self):
        return [
            ("GS_ORDER", 1, "index of guide star within list of selected gui"),
            ("GDSTARID", "N4E8000459", "guide star identifier"),
            ("GS_RA", 202.51, "guide star right ascension"),
            ("GS_DEC", 10.26, "guide star declination"),
            ("GS_MAG", 12.8, "guide star magnitude in FGS detector"),
            ("PCS_MODE", _STATES[self.mode.exp_type], "Pointing Control System mode"),
            ("GSACSTAT", "SUCCESSFUL", "Guide star acquisition execution status"),
        ]

    # ---- tables -------------------------------------------------------------------------
    def _times(self, number):
        from astropy.time import Time

        when = START_MJD + np.arange(number) * self.period
        return [text.encode()[:23] for text in Time(when, format="mjd").isot]

    def _random(self, name):
        return stream(self.seed, "guide star", name)

    def _flight(self):
        rng, rows = self._random("flight"), np.zeros(3, _FLIGHT)
        rows["reference_star_id"] = [b"0", b"1", b"2"]
        rows["id_x"], rows["id_y"] = rng.uniform(-60, 60, (2, len(rows)))
        rows["count_rate"] = rng.lognormal(9, 1, len(rows))
        return rows

    def _planned(self):
        rng, rows = self._random("planned"), np.zeros(5, _PLANNED)
        rows["guide_star_order"], rows["reference_order"] = 1, np.arange(len(rows))
        rows["reference_star_id"] = [f"N4E8{k:06d}".encode() for k in range(459, 459 + len(rows))]
        rows["ra"], rows["dec"] = rng.normal([[202.51], [10.26]], 0.01, (2, len(rows)))
        rows["id_x"], rows["id_y"] = rng.uniform(-60, 60, (2, len(rows)))
        rows["fgs_mag"], rows["fgs_mag_uncert"] = rng.uniform(12, 17, len(rows)), 0.02
        rows["count_rate"] = 10 ** (9.5 - 0.4 * rows["fgs_mag"])
        rows["count_rate_uncert"] = 0.02 * rows["count_rate"]
        return rows

    def _pointing(self):
        rng, rows = self._random("pointing"), np.zeros(self.readout.n_ints, _POINTING)
        for name in _POINTING.names[2:-1]:
            rows[name] = rng.normal(0, 1, len(rows))
        rows["time"] = np.arange(len(rows)) * self.period * 86400e3
        rows["jitter"] = np.hypot(rows["delta_ddc_ra"], rows["delta_ddc_dec"])
        rows["HGA_motion"] = b"FINISHED"
        return rows

    def _centroids(self):
        rng, rows = self._random("centroids"), np.zeros(self.readout.n_ints, _CENTROID)
        rows["observatory_time"] = rows["centroid_time"] = self._times(len(rows))
        rows["guide_star_position_x"], rows["guide_star_position_y"] = rng.normal(
            [[12.3], [-20.1]], 0.01, (2, len(rows)))
        rate = float(self.truth.rate.sum())
        rows["guide_star_instrument_counts_per_sec"] = rng.normal(rate, 0.01 * rate, len(rows))
        rows["signal_to_noise_current_frame"] = rng.normal(100, 5, len(rows))
        rows["psf_width_x"] = rows["psf_width_y"] = 3
        rows["bad_pixel_flag"] = b"0"
        for name in _CENTROID.names[13:]:
            rows[name] = b"NO"
        return rows

    def _tracked(self):
        rows, sub = np.zeros(self.readout.n_ints, _TRACKED), self.window.subarray
        rows["observatory_time"] = self._times(len(rows))
        rows["x_corner"], rows["y_corner"] = sub.xstart, sub.ystart
        rows["x_size"], rows["y_size"] = sub.n_cols, sub.n_rows
        return rows


def stacked(image):
    """
    Put the strips of an identification side by side, with what they have in common twice.

    Parameters
    ----------
    image : array [..., row, col]
        All columns that the strips cover, each once.

    Returns
    -------
    array [..., row, col]
        36 strips of 64 columns.
    """
    starts = range(0, image.shape[-1] - STRIP + 1, STEP)
    return np.concatenate([image[..., start : start + STRIP] for start in starts], axis=-1)


def guide_star(exposure):
    """
    Make a guide-star exposure of an ordinary one.

    Parameters
    ----------
    exposure : Exposure
        As read from the window of the mode.

    Returns
    -------
    GuideStar
        Of an ``FGS_ID-STACK`` with its strips side by side, and without jumps in its truth.
    """
    made = GuideStar(**vars(exposure))
    if made.mode.exp_type == "FGS_ID-STACK":
        made.data = stacked(made.data)
        for name in ("rate", "dark_rate", "gain", "cds_noise", "bad_pixels", "flawed",
                     "saturated_group"):
            setattr(made.truth, name, stacked(getattr(made.truth, name)))
        made.truth.jumps = made.truth.jumps[:0]
    return made
