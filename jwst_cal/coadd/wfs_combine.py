"""WFS combine: pairs of dithered images of a star for wavefront sensing."""

import logging

import numpy as np

from jwst_cal import flags
from jwst_cal.coadd import _wfs
from jwst_cal.errors import InputError
from jwst_cal.framework import Step, param

__all__ = ["WfsCombineStep"]

log = logging.getLogger(__name__)


class WfsCombineStep(Step):
    """
    Combine each pair of dithered images of an association.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/calwebb_wfs-image3.rst.
    """

    class_alias = "calwebb_wfs-image3"
    cal_step = "wfs_combine"

    do_refine: bool = param(False, "Refine the offset with the images of the star")
    flip_dithers: bool = param(True, "Order each pair so that the offset in x is positive; the "
                                     "pairs of all filters then lie on the same pixels")
    psf_size: int = param(100, "Half a side of the part around the star that is refined, pixels")
    blur_size: int = param(10, "Size of the kernel of smoothing with which the star is found")
    n_size: int = param(2, "Bad pixels are interpolated from neighbours at most so far away")
    suffix: str = param("wfscmb", "Suffix of the products")

    def prepare_output(self, init, *args, **options):
        """Read the association; the images are opened pair by pair."""
        from jwst_cal.associations import level2

        return level2.products(self.make_input_path(init))

    def process(self, products, *, refs):
        """
        Combine pairs.

        Parameters
        ----------
        products : str, path, association
            Each product has two science members: calibrated images with coordinates.
        refs : References
            None.

        Returns
        -------
        ModelContainer
            A combined image for each pair; its coordinates are those of the first image.

        Raises
        ------
        InputError
            If a product has not two science members, the images differ in size, have no
            coordinates, or do not overlap.
        """
        from jwst_cal.models import ModelContainer

        log.info("%d pairs of images", len(products))
        results = ModelContainer()
        for product in products:
            result = self._combine(product)
            result.meta.asn.pool_name, result.meta.asn.table_name = product.pool, product.table
            name = product.name.format(suffix=self.suffix)
            result.meta.filename = name + self.output_ext
            results.append(result)
        return results

    def _save_all(self, result):
        """Each result has its name from the association."""
        self.output_use_model = True
        for image in result:
            self.save_model(image, suffix=False)

    def _combine(self, product):
        from stdatamodels.jwst.datamodels import ImageModel

        members = product.members["science"]
        if len(members) != 2:
            raise InputError(f"product {product.name}: {len(members)} science members where 2 are "
                             "needed")
        models = [Step.prepare_output(self, member) for member in members]
        for model in models:
            if getattr(model.meta, "wcs", None) is None:
                raise InputError(f"{model.meta.filename}: no coordinates (WCS); run assign_wcs "
                                 "first")
        first, second = models
        if first.data.shape != second.data.shape:
            raise InputError(f"{second.meta.filename}: {second.data.shape} pixels where "
                             f"{first.meta.filename} has {first.data.shape}")
        exact = _wfs.offset(first.meta.wcs, second.meta.wcs, first.data.shape)
        if np.rint(exact[0]) < 0 and self.flip_dithers:
            first, second = second, first
            exact = _wfs.offset(first.meta.wcs, second.meta.wcs, first.data.shape)
        log.info("First image %s, second image %s", first.meta.filename, second.meta.filename)
        log.info("Offset by the coordinates: x, y = %.2f, %.2f pixels", *exact)
        images = [_image(model) for model in (first, second)]
        by = np.rint(exact).astype(int)
        if self.do_refine:
            by = self._refined(images, by, second.meta.filename)
        log.info("Offset applied: x, y = %d, %d pixels", *by)
        result = ImageModel()
        result.data, result.err, result.dq = _wfs.combine(*images, tuple(by))
        result.update(first)
        result.meta.wcs = first.meta.wcs
        return result

    def _refined(self, images, by, name):
        try:
            more = _wfs.refinement(*images, tuple(by), **self.options_for(_wfs.refinement))
        except ValueError as error:
            raise InputError(f"{name}: {error}") from None
        log.info("The images of the star add x, y = %.2f, %.2f pixels", *more)
        return by + np.rint(more).astype(int)


def _image(model):
    return _wfs.Image(np.nan_to_num(model.data, posinf=np.inf, neginf=-np.inf), model.err, model.dq,
                      (model.dq & flags.pixel["DO_NOT_USE"]) != 0)
