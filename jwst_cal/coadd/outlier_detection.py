"""Outlier detection: what is in one exposure only, mostly cosmic rays."""

import logging
import os

import numpy as np

from jwst_cal import flags, models, modes
from jwst_cal.coadd import _blot, _drizzle, _images, _median, _mosaic, _output_frame, _pixel_map
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.framework import GroupStep, param
from jwst_cal.kernels import memory
from jwst_cal.kernels.blot import outliers
from jwst_cal.kernels.median import median, rolling_median
from jwst_cal.kernels.pixels import flag
from jwst_cal.models import invalid, requirements

__all__ = ["OutlierDetectionStep"]

log = logging.getLogger(__name__)

FOUND = flags.pixel["DO_NOT_USE"] | flags.pixel["OUTLIER"]
#: A smaller pixfrac leaves points of the pixels.
NO_AREA = 1e-3

MODES = {kind: mode for mode, kinds in {
    "imaging": ("NRC_IMAGE", "MIR_IMAGE", "NRS_IMAGE", "NIS_IMAGE", "FGS_IMAGE"),
    "coron": ("NRC_CORON", "MIR_LYOT", "MIR_4QPM"),
    "spec": ("NRC_WFSS", "MIR_LRS-FIXEDSLIT", "NRS_FIXEDSLIT", "NRS_MSASPEC", "NIS_WFSS"),
    "ifu": ("NRS_IFU", "MIR_MRS"),
}.items() for kind in kinds}


class OutlierDetectionStep(GroupStep):
    """
    Flag what an exposure has and the others do not.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/outlier_detection.rst.
    """

    class_alias = "outlier_detection"
    takes_light = True

    weight_type: str = param("ivm", "Weights: inverse variance of the read noise, or exposure time",
                             choices=("ivm", "exptime"))
    pixfrac: float = param(1.0, "Side of what is spread of each pixel, in pixels", ge=0.0, le=1.0)
    kernel: str = param("square", "How it is spread", choices=("square", "point", "turbo"))
    fillval: str = param("NAN", "Value of resampled pixels that no image reaches")
    maskpt: float = param(0.7, "Pixels below this share of the mean weight are not in the median")
    snr: str = param("5.0 4.0", "Limits in errors, of a pixel near and of the pixel itself")
    scale: str = param("1.2 0.7", "The same in differences of the median between pixels")
    backg: float = param(0.0, "Level of the sky where the header does not tell it")
    kernel_size: str = param("7 7", "Rows and columns of the filter (IFU)")
    threshold_percent: float = param(99.8, "Percentile that is the limit (IFU)")
    rolling_window_width: int = param(25, "Integrations of the moving median (time series); 1 and "
                                          "less, or more than there are: the median of all")
    ifu_second_check: bool = param(False, "Filter once more (IFU)")
    save_intermediate_results: bool = param(False, "Save resampled exposures, median and what it "
                                                   "is on each image")
    resample_data: bool = param(True, "Resample the images; else they lie on the same pixels")
    good_bits: str = param("~DO_NOT_USE", "Flags that a used pixel may have")
    search_output_file: bool = param(False, "Take output_file from the pipeline if not set here")
    in_memory: bool = param(True, "Keep the images in memory")
    pixmap_stepsize: float = param(1.0, "Above 1, evaluate the coordinates every so many pixels "
                                        "and interpolate by splines")
    pixmap_order: int = param(1, "Order of those splines, 1 or 3")

    #: Of the modes that this release does not do.
    accepted = ("kernel_size", "threshold_percent", "ifu_second_check")
    #: How outliers are found: imaging, coron, tso; a pipeline may set it, else the exposure tells.
    mode = None

    def process(self, exposures, *, refs):
        """
        Find outliers and flag them, with NaN for their values.

        Parameters
        ----------
        exposures : ModelLibrary, ModelContainer, association; CubeModel
            Calibrated images; integrations of a time series or a coronagraph.
        refs : References
            None.

        Returns
        -------
        ModelLibrary or CubeModel
            The same.

        Raises
        ------
        InputError
            If the mode and the kind of input do not fit, an image has no coordinates, or it is of
            a mode that this release does not do.
        ParameterError
            If ``snr``, ``scale``, ``good_bits``, ``fillval`` or ``pixmap_order`` cannot be used.
        """
        self._limits()
        mode, kind, name = self._recognised(exposures)
        if mode in ("spec", "ifu"):
            raise InputError(f"{name}: EXP_TYPE={kind}; this release finds outliers of images, "
                             f"coronagraphs and time series, not in mode '{mode}' (spectra)")
        if mode is None:
            log.error("%s: EXP_TYPE=%s has no outlier detection", name, kind)
            self.record_step_status(exposures, status="FAILED")
            return exposures
        asn = getattr(exposures, "asn", None) or getattr(exposures, "asn_table", None) or {}
        self._asn_id = asn.get("asn_id") or self.search_attr("asn_id")
        log.info("Mode %s, association %s", mode, self._asn_id)
        if mode == "imaging":
            return self._imaging(self.library(exposures))
        if getattr(exposures, "data", None) is None or exposures.data.ndim != 3:
            raise InputError(f"{name}: mode '{mode}' takes one exposure with its integrations, "
                             f"this is {type(exposures).__name__}")
        return (self._series if mode == "tso" else self._coronagraph)(exposures)

    def save_model(self, model, *args, **components):
        """Save a model; the association's id is part of the name."""
        components.setdefault("asn_id", getattr(self, "_asn_id", None))
        return super().save_model(model, *args, **components)

    def _limits(self):
        """Read the parameters that are lists in a text, and check what no declaration does."""
        self._snr, self._scale = _two_numbers("snr", self.snr), _two_numbers("scale", self.scale)
        try:
            self._unwanted = flags.unwanted(self.good_bits)
        except ValueError as error:
            raise ParameterError(f"Parameter 'good_bits' of outlier_detection: {error}") from error
        if self.pixmap_order not in (1, 3):
            raise ParameterError(f"Parameter 'pixmap_order' of outlier_detection: "
                                 f"{self.pixmap_order} where 1 or 3 is needed")
        self._fill = _mosaic.fill_value(self.fillval, self.class_alias)

    def _recognised(self, exposures):
        """Mode, exposure type and name of the input."""
        if hasattr(exposures, "read_metadata"):
            with exposures:
                about = exposures.read_metadata(0)
            kind, name = about.get("meta.exposure.type"), about.get("meta.filename")
            series = False
        else:
            first = exposures if hasattr(exposures, "meta") else next(iter(exposures))
            kind, name = modes.exposure_type(first), first.meta.filename
            series = first is exposures and modes.is_tso(exposures)
        found = self.mode or ("tso" if series else MODES.get(kind))
        return found, kind, name or "the input"

    def _flag(self, image, found):
        count = flag(requirements.changeable(image, "dq", np.uint32), found, FOUND)
        invalid.reconcile(image)
        log.info("%s: %d outliers", image.meta.filename, count)

    # images -------------------------------------------------------------------------------------

    def _imaging(self, library):
        if len(library) < 2:
            log.warning("Outliers are not looked for: of %d image(s) there is none to compare with",
                        len(library))
            self.record_step_status(library, status="FAILED")
            return library
        find = self._median_of_resampled if self.resample_data else self._median_of_images
        expected, place = find(library)
        with library:
            for index in range(len(library)):
                image = library.borrow(index)
                if self.resample_data:
                    found = self._compare(image, _blot.blotted(expected, place(index, image)))
                else:
                    found = _blot.differ(image.data, image.err, expected, self._snr[0])
                self._flag(image, found)
                image.meta.cal_step.outlier_detection = "COMPLETE"
                library.shelve(image, index)
        self.statuses_set(library)
        return library

    def _compare(self, image, expected):
        if self.save_intermediate_results:
            self._keep(models.new(type(image).__name__, image, data=expected),
                       image.meta.filename, "blot")
        background = image.meta.background
        level = (self.backg if background.level is None or background.subtracted is not False
                 else background.level)
        return outliers(image.data, image.err, expected, snr=self._snr, scale=self._scale,
                        level=level)

    def _median_of_resampled(self, library):
        """Median of the exposures on one grid, and a function for where an image's pixels lie."""
        pointings, polygons, _ = _images.look(library, self.class_alias)
        frame = _output_frame.around(pointings)
        log.info("Grid: %d columns, %d rows", *frame.shape[::-1])
        _images.tell_gaps(library, pointings, frame)
        known = {}

        def place(index, image):
            found = known.get(index)
            if found is None:
                found = _pixel_map.PixelMap(image.meta.wcs, frame.wcs, image.data.shape,
                                            step=self.pixmap_stepsize, order=self.pixmap_order)
                if found.is_small or not library.on_disk:
                    known[index] = found
            return found

        groups = list(library.group_indices.values())
        stack = _median.Stack(len(groups), frame.shape, not library.on_disk)
        header = None
        for indices in groups:
            data, weight = stack.room(), memory.empty(frame.shape, np.float32)
            output, times = self._resampled(library, indices, frame, place, data, weight)
            if self.save_intermediate_results:
                output.data, output.wht = data, weight
                times.write(output)
                _mosaic.describe(output, frame, polygons, times.n_exposures, self)
                _mosaic.name_association(output, library)
                output.meta.cal_step.resample = "COMPLETE"
                self._keep(output, output.meta.filename, "outlier_i2d")
                header = models.new("ImageModel", output) if header is None else header
            _median.without_low_weights(data, weight, self.maskpt)
            stack.add(data)
        expected = stack.median()
        if self.save_intermediate_results:
            header.data, header.meta.wcs = expected, frame.wcs
            self._keep(header, header.meta.filename.replace("_outlier_i2d", "_i2d"), "median",
                       asn_id=None)
        return expected, place

    def _resampled(self, library, indices, frame, place, data, weight):
        """Fill in values and weights of an exposure's images on the grid; give header and times."""
        sources, output, times = [], None, _mosaic.Times()
        with library:
            for index in indices:
                image = library.borrow(index)
                requirements.image_of_the_sky(image, self.class_alias)
                if output is None:
                    output = _mosaic.blank(image, frame)
                times.add(image)
                of_pixels, _ = _images.weigh(image, self.weight_type, self._unwanted)
                sources.append(_drizzle.Source(image.data, of_pixels, {}, 1.0,
                                               place(index, image),
                                               level=_images.sky_left(image)))
                library.shelve(image, index, modify=False)
        n_rows, n_cols = frame.shape
        for row in range(0, n_rows, _drizzle.BAND):
            rows = row, min(row + _drizzle.BAND, n_rows)
            sums = _drizzle.Combination(
                rows, n_cols, kernel=self.kernel if self.pixfrac > NO_AREA else "point",
                pixfrac=max(self.pixfrac, NO_AREA), scale_ratio=frame.scale_ratio or 1.0)
            for number, source in enumerate(sources):
                sums.add(source, number)
            sums.mean(data[slice(*rows)], weight[slice(*rows)], self._fill)
        if output.meta.hasattr("bunit_err"):
            del output.meta.bunit_err
        return output, times

    def _median_of_images(self, library):
        """Median of images on the same pixels."""
        header = stack = shape = None
        with library:
            for index in range(len(library)):
                image = library.borrow(index)
                name = image.meta.filename
                requirements.image_of_the_sky(image, self.class_alias)
                if stack is None:
                    shape = image.data.shape
                    stack = _median.Stack(len(library), shape, not library.on_disk)
                    header = models.new("ImageModel", image)
                    header.meta.wcs = image.meta.wcs
                elif image.data.shape != shape:
                    raise InputError(f"{name}: {image.data.shape} pixels where {shape} are needed: "
                                     "without resampling, images lie on the same pixels")
                weight, _ = _images.weigh(image, self.weight_type, self._unwanted)
                data = stack.room()
                data[:] = image.data
                _median.without_low_weights(data, weight, self.maskpt)
                stack.add(data)
                library.shelve(image, index, modify=False)
        expected = stack.median()
        if self.save_intermediate_results:
            header.data = expected
            self._keep(header, header.meta.filename, "median")
        return expected, None

    def _keep(self, model, name, suffix, **components):
        """Save an intermediate product."""
        components.setdefault("asn_id", self._asn_id)
        path = self.make_output_path(name, suffix=suffix, **components)
        models.save(model, path)
        model.meta.filename = os.path.basename(path)
        log.info("Saved %s", path)

    # integrations -------------------------------------------------------------------------------

    def _low(self, cube):
        """Pixels of low weight: a weight is 1, or 0 where flags say so."""
        bad = (cube.dq & self._unwanted) != 0
        return (~bad < self.maskpt) & ~bad.all()

    def _series(self, cube):
        """Outliers of a time series: against the median of integrations before and after."""
        if 1 < self.rolling_window_width < cube.data.shape[0]:
            data = np.where(self._low(cube), np.float32(np.nan), cube.data)
            # compared in float64, as in the reference release
            expected = rolling_median(data, self.rolling_window_width)
            self._flag_integrations(cube, expected, "CubeModel", np.float64)
        else:
            expected = median(np.ascontiguousarray(cube.data, np.float32))
            self._flag_integrations(cube, np.broadcast_to(expected, cube.data.shape), "CubeModel")
        return cube

    def _coronagraph(self, cube):
        """Outliers of a coronagraph: against the median of the integrations."""
        expected = median(np.where(self._low(cube), np.float32(np.nan), cube.data))
        self._flag_integrations(cube, expected, "ImageModel")
        return cube

    def _flag_integrations(self, cube, expected, kind, dtype=np.float32):
        if self.save_intermediate_results:
            header = models.new(kind, cube, data=np.array(expected))
            header.meta.wcs = cube.meta.wcs
            self._keep(header, cube.meta.filename, "median")
        shape = cube.data.shape
        found = np.empty(shape, bool)
        for number, of_one in enumerate(np.broadcast_to(expected, shape)):
            found[number] = _blot.differ(cube.data[number], cube.err[number],
                                         of_one.astype(dtype), self._snr[0])
        self._flag(cube, found)


def _two_numbers(name, text):
    try:
        first, second = (float(word) for word in text.split())
    except ValueError:
        raise ParameterError(f"Parameter '{name}' of outlier_detection: '{text}' where two numbers "
                             "are needed") from None
    return first, second
