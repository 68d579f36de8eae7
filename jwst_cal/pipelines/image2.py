"""Stage 2 of images: count rates to calibrated images."""

import logging

from jwst_cal.associations import level2
from jwst_cal.errors import InputError
from jwst_cal.framework import Chain, Pipeline, param

log = logging.getLogger(__name__)

#: Exposures that are resampled one by one.
RESAMPLED = frozenset({"MIR_IMAGE", "NRC_IMAGE", "NIS_IMAGE", "FGS_IMAGE"})


class Image2Pipeline(Pipeline):
    """
    Calibrate images of the sky: background, coordinates, flat field, flux.

    The chains are the order. Products: ``cal`` or, of integrations, ``calints`` (returned);
    ``i2d`` of single images; on request ``bsub`` or ``bsubints``.

    Notes
    -----
    Differs from jwst 3.0.0: members of an association are looked for beside it.
    """

    class_alias = "calwebb_image2"
    takes = ("ImageModel", "CubeModel")
    takes_light = True

    save_bsub: bool = param(False, "Deprecated: save what bkg_subtract returns; use the step's "
                                   "save_results")

    subtract = Chain("bkg_subtract")
    calibrate = Chain("assign_wcs", "flat_field", "photom")
    combine = Chain("resample")

    def process(self, given):
        """
        Run stage 2 on each exposure.

        Parameters
        ----------
        given : str, path, data model, association, or list of them
            Count rates (``rate`` or ``rateints``); an association may give backgrounds.

        Returns
        -------
        list of ImageModel or CubeModel
            Calibrated exposures, MJy/sr.

        Raises
        ------
        InputError
            If an exposure cannot be read or holds no count rates; those before it are saved.
        """
        if self.save_bsub:
            log.warning("save_bsub is deprecated: set save_results of the step bkg_subtract")
        products = level2.products(given, self.output_file)
        if len(products) > 1 and self.output_file is not None:
            log.warning("output_file is not used: there are %d products", len(products))
            self.output_file = None
        results = []
        for product in products:
            if self.save_results and self.output_file is None:
                self.output_file = product.name
            result = self._calibrate(product)
            suffix = "calints" if result.data.ndim == 3 else "cal"
            result.meta.filename = self.make_output_path(basepath=self.output_file, suffix=suffix)
            results.append(result)
            self.output_file = None
            if self.save_results and not self.post_hooks:
                self.finalize_result(result, ())
                self._save(result)
        return results

    def _save(self, image):
        """Save a result under its own name: at once, as the next exposure may be a bad one."""
        kept, self.output_use_model = self.output_use_model, True
        self.save_model(image, suffix=False)
        self.output_use_model = kept

    def _save_all(self, result):
        """Save what hooks have made of the results; without hooks it is done."""
        if self.post_hooks:
            for image in result:
                self._save(image)

    def _tell_repeated(self, image):
        """Warn of an exposure that is calibrated already."""
        done = [name for name in ("flat_field", "photom")
                if getattr(image.meta.cal_step, name) == "COMPLETE"
                and not (getattr(self, name).skip or getattr(self, name).inverse)]
        if done:
            log.warning("%s has been through %s already; it is done once more",
                        image.meta.filename, " and ".join(done))

    def _calibrate(self, product):
        science = product.members["science"]
        if len(science) > 1:
            log.warning("%s: %d science members, the first is used", product.name, len(science))
        log.info("Working on %s", product.name)
        image = self.prepare_output(product.science, make_copy=not isinstance(product.science, str))
        if image.data is None:
            raise InputError(f"{image.meta.filename or product.name}: no count rates (SCI)")
        self._tell_repeated(image)
        image.meta.asn.pool_name, image.meta.asn.table_name = product.pool, product.table
        image.meta.filename = self.make_output_path(basepath=self.output_file)
        backgrounds = product.members.get("background")
        if backgrounds:
            self.bkg_subtract.suffix = "bsubints" if image.data.ndim == 3 else "bsub"
            if self.save_bsub:
                self.bkg_subtract.save_results = True
            image = self.subtract(image, backgrounds)
        image = self.calibrate(image)
        if image.data.ndim == 2 and image.meta.exposure.type.upper() in RESAMPLED:
            self.resample.save_results = self.save_results
            self.resample.suffix = "i2d"
            self.combine(image)
        return image
