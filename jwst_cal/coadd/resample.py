"""Resample: images on one grid without distortion, combined."""

import logging
import math
import os

import numpy as np

from jwst_cal import flags
from jwst_cal.coadd import _drizzle, _images, _mosaic, _output_frame, _pixel_map
from jwst_cal.errors import ParameterError
from jwst_cal.framework import GroupStep, param
from jwst_cal.kernels import memory
from jwst_cal.models import invalid, requirements

__all__ = ["ResampleStep"]

log = logging.getLogger(__name__)

#: Pixels with one of these do not enter.
UNUSABLE = flags.pixel["DO_NOT_USE"] | flags.pixel["NON_SCIENCE"]
VARIANCES = ("var_rnoise", "var_flat", "var_poisson")
#: A smaller pixfrac leaves points of the pixels.
NO_AREA = 1e-3


class ResampleStep(GroupStep):
    """
    Combine images by drizzling them onto a grid of the sky.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/resample.rst.
    """

    class_alias = "resample"
    takes_light = True

    pixfrac: float = param(1.0, "Side of what is spread of each pixel, in pixels", ge=0.0, le=1.0)
    kernel: str = param("square", "How it is spread", choices=(
        "square", "gaussian", "point", "turbo", "lanczos2", "lanczos3"))
    fillval: str = param("NAN", "Value of output pixels that no image reaches")
    weight_type: str = param("ivm", "Weights: inverse variance of the read noise, exposure time, "
                                    "or none", choices=("ivm", "exptime", "None"))
    output_shape: list[int] = param(None, "Columns and rows of the output",
                                    min_length=2, max_length=2)
    crpix: list[float] = param(None, "Pixel (x, y, from 0) of the reference point",
                               min_length=2, max_length=2)
    crval: list[float] = param(None, "Right ascension and declination of the reference point",
                               min_length=2, max_length=2)
    rotation: float = param(None, "Position angle of the output's y axis, degrees east of north")
    pixel_scale_ratio: float = param(1.0, "Side of an output pixel in input pixels")
    pixel_scale: float = param(None, "Side of an output pixel, arcsec; overrides the ratio")
    output_wcs: str = param("", "ASDF file with the output's coordinates; overrides the others")
    single: bool = param(False, "Resample each exposure by itself, on the grid of all")
    blendheaders: bool = param(True, "Merge the headers of all images into the output's")
    in_memory: bool = param(True, "Keep the images in memory")
    enable_ctx: bool = param(True, "Say in CON which images each output pixel is made of")
    enable_err: bool = param(True, "Compute ERR and the variances")
    report_var: bool = param(True, "Save the variances")
    propagate_dq: bool = param(False, "Join the flags of all pixels that enter")
    pixmap_stepsize: float = param(1.0, "Above 1, evaluate the coordinates every so many pixels "
                                        "and interpolate by splines")
    pixmap_order: int = param(1, "Order of those splines, 1 or 3")

    def process(self, images, *, refs):
        """
        Combine images.

        Parameters
        ----------
        images : ImageModel, ModelContainer, ModelLibrary, association
            Calibrated images with coordinates.
        refs : References
            None.

        Returns
        -------
        ImageModel or ModelLibrary
            The combined image, SCI, ERR, CON, WHT and variances; with ``single`` one for each
            exposure.

        Raises
        ------
        InputError
            If an image is no 2-D image or has no coordinates.
        ParameterError
            If the output frame cannot be made of the parameters.
        """
        from jwst_cal.models import ModelLibrary

        alone = hasattr(images, "data")
        library = self.library(images)
        self.check()
        frame, polygons = self._frame(library)
        log.info("Output: %d columns, %d rows of %.6g arcsec", *frame.shape[::-1], frame.scale)
        groups = (list(library.group_indices.values()) if self.single
                  else [range(len(library))])
        results = []
        for indices in groups:
            results.append(self._combine(library, indices, frame, polygons, alone))
        if self.single:
            return ModelLibrary(results)
        return results[0]

    def check(self):
        """
        Refuse values of parameters that no images suit: a pipeline asks before it begins.

        Raises
        ------
        ParameterError
            Naming the parameter.
        """
        if self.pixmap_order not in (1, 3):
            raise ParameterError(f"Parameter 'pixmap_order' of resample: {self.pixmap_order} where "
                                 "1 or 3 is needed")
        _mosaic.fill_value(self.fillval, self.class_alias)
        for name in ("pixel_scale", "pixel_scale_ratio"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ParameterError(f"Parameter '{name}' of resample: {value} where a positive "
                                     "number is needed")

    def _frame(self, library):
        """Output frame, and the outlines of the images."""
        found, polygons, area = _images.look(library, self.class_alias)
        if not self.output_wcs:
            frame = _output_frame.around(found, **self.options_for(_output_frame.around))
            if self.output_shape is None:
                _images.tell_gaps(library, found, frame)
            return frame, polygons
        frame = self.frame_of_file()
        area = area or _output_frame.mean_pixel_area(found[0][0], found[0][2])
        if area:
            frame.scale_ratio = frame.scale / (3600 * np.degrees(np.sqrt(area)))
        return frame, polygons

    def frame_of_file(self):
        """
        Read the output frame that ``output_wcs`` names.

        Returns
        -------
        _output_frame.Frame or None
            The frame; None without that parameter.

        Raises
        ------
        ParameterError
            If the file holds none.
        """
        if not self.output_wcs:
            return None
        return _output_frame.from_file(self.make_input_path(self.output_wcs), self.output_shape)

    def _combine(self, library, indices, frame, polygons, alone):
        """Add up the images of these indices."""
        variances = ("err",) if self.single else VARIANCES if self.enable_err else ()
        arrays = _Arrays(frame.shape, _mosaic.fill_value(self.fillval, self.class_alias), variances,
                         len(indices) if self.enable_ctx else 0, self.propagate_dq)
        # images in memory are added band by band; those on disk are read only once
        height = frame.shape[0] if library.on_disk else _drizzle.BAND
        times, output, blender, kept = _mosaic.Times(), None, None, {}
        with library:
            for start in range(0, frame.shape[0], height):
                sums = arrays.sums((start, min(start + height, frame.shape[0])), self, frame)
                for number, index in enumerate(indices):
                    source = kept.get(index)
                    if source is None:
                        image = library.borrow(index)
                        requirements.image_of_the_sky(image, self.class_alias)
                        output = _mosaic.blank(image, frame) if output is None else output
                        if self.blendheaders and not alone:
                            blender = _accumulated(blender, image)
                        times.add(image)
                        source = self._source(image, frame)
                        if not library.on_disk:
                            kept[index] = source
                        library.shelve(image, index, modify=False)
                    sums.add(source, number)
                arrays.take(sums, frame.scale_ratio or 1.0)
        if blender is not None:
            blender.finish(output)
        arrays.write(output, report_variances=self.report_var and not self.single)
        times.write(output)
        _mosaic.describe(output, frame, polygons, times.n_exposures, self)
        if not alone:
            _mosaic.name_association(output, library)
        name = None if self.single else library.asn["products"][0].get("name")
        output.meta.filename = _name(output, name, self.single)
        return output

    def _source(self, image, frame):
        """Make ready an image: values, weights, variances, places."""
        invalid.reconcile(image)
        shape = image.data.shape
        pixel_map = _pixel_map.PixelMap(image.meta.wcs, frame.wcs, shape,
                                        step=self.pixmap_stepsize, order=self.pixmap_order)
        variances = {name: getattr(image, name, None) for name in VARIANCES}
        variances = {name: array for name, array in variances.items()
                     if array is not None and array.shape == shape}
        weight, image_weight = _images.weigh(image, self.weight_type, UNUSABLE)
        if self.single:
            variances, image_weight = {"err": np.square(image.err)}, 1.0
        log.info("Adding %s", image.meta.filename)
        return _drizzle.Source(image.data, weight, variances, image_weight, pixel_map,
                               level=_images.sky_left(image),
                               dq=image.dq if self.propagate_dq else None)


class _Arrays:
    """The arrays of the output, filled band by band."""

    def __init__(self, shape, fill, variances, n_images, flags):
        self.data, self.wht = (memory.empty(shape, np.float32) for _ in range(2))
        self._fill = fill
        self.variances = {name: memory.empty(shape, np.float32) for name in variances}
        self.err = memory.empty(shape, np.float32) if variances else None
        self.con = memory.empty(((n_images + 31) // 32, *shape), np.int32) if n_images else None
        self.dq = memory.empty(shape, np.uint32) if flags else None
        self._n_images = n_images

    def sums(self, rows, step, frame):
        """Empty sums over some rows."""
        return _drizzle.Combination(
            rows, frame.shape[1], kernel=step.kernel if step.pixfrac > NO_AREA else "point",
            pixfrac=max(step.pixfrac, NO_AREA), scale_ratio=frame.scale_ratio or 1.0,
            variances=self.variances, n_images=self._n_images, flags=self.dq is not None)

    def take(self, sums, scale_ratio):
        """Take over the finished sums of some rows."""
        band = slice(*sums.rows)
        sums.mean(self.data[band], self.wht[band], self._fill)
        if self.err is not None:
            sums.variances([array[band] for array in self.variances.values()], self.err[band],
                           1 / scale_ratio**2)
        if self.con is not None:
            self.con[:, band] = sums.context.view(np.int32)
        if self.dq is not None:
            self.dq[band] = sums.flags

    def write(self, output, report_variances):
        """Put the arrays into a model."""
        output.data, output.wht = self.data, self.wht
        for name in ("con", "dq", "err"):
            if getattr(self, name) is not None:
                setattr(output, name, getattr(self, name))
        if self.err is None and output.meta.hasattr("bunit_err"):
            del output.meta.bunit_err
        if report_variances:
            for name, array in self.variances.items():
                setattr(output, name, array)


def _accumulated(blender, image):
    from jwst_cal.models import blend

    blender = blender or blend.Blender(ignore=(
        "meta.photometry.pixelarea_steradians", "meta.photometry.pixelarea_arcsecsq",
        "meta.filename"))
    blender.add(image)
    return blender


def _name(output, product, single):
    """File name: the product's, or for one exposure that of its first detector."""
    if not single:
        return product
    root, ext = os.path.splitext(output.meta.filename)
    return f"{root.rpartition('_')[0]}_outlier_i2d{ext}"
