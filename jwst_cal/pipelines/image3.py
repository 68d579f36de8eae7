"""Stage 3 of images: calibrated exposures to a mosaic and a catalogue of its sources."""

import logging

from jwst_cal.framework import Chain, Pipeline, param
from jwst_cal.framework.group_step import open_library

log = logging.getLogger(__name__)


def _tell_filters(metadata):
    """Name the exposures that have other filters than most."""
    filters = [" ".join(str(one.get(f"meta.instrument.{key}") or "") for key in
                        ("name", "filter", "pupil")).strip() for one in metadata]
    most = max(filters, key=filters.count)
    odd = [f"{one.get('meta.filename')} ({name or 'none'})"
           for one, name in zip(metadata, filters, strict=True) if name != most]
    if odd:
        log.warning("Different filters are combined: %d of %d exposures are not of %s: %s%s",
                    len(odd), len(filters), most, ", ".join(odd[:5]), ", ..." * (len(odd) > 5))


class Image3Pipeline(Pipeline):
    """
    Align, match and combine calibrated images, and find what is in the mosaic.

    The chains are the order. Products: ``i2d`` (returned); ``cat`` and ``segm`` of the sources;
    ``crf``, the exposures with their outliers flagged.

    Notes
    -----
    Differs from jwst 3.0.0: the mosaic is returned; there nothing is.
    """

    class_alias = "calwebb_image3"
    takes_light = True

    in_memory: bool = param(True, "Keep all exposures in memory; otherwise they wait on disk")

    follow = Chain("assign_mtwcs")
    align = Chain("tweakreg")
    match = Chain("skymatch", "outlier_detection")
    combine = Chain("resample", "source_catalog")

    def process(self, given):
        """
        Run stage 3.

        Parameters
        ----------
        given : str, path, association, ModelLibrary, ModelContainer, data model, list of them
            Calibrated images (``cal``) with coordinates; of an association its science members.

        Returns
        -------
        ImageModel or ModelLibrary
            The mosaic, MJy/sr; with ``single`` of resample an image for each exposure.

        Raises
        ------
        InputError
            If there is no exposure, or one cannot be read.
        ParameterError
            If a parameter of resample has an impossible value, or ``output_wcs`` names no file
            with coordinates.
        """
        if not self.resample.skip:  # what is wrong there is told before hours of work
            self.resample.check()
            self.resample.frame_of_file()
        library = open_library(self, given, exptypes=["science"])
        try:
            return self._mosaic(library)
        finally:
            if library is not given:
                library.close()

    def _mosaic(self, library):
        if self.output_file is None:
            self.output_file = library.asn["products"][0].get("name")
        self.outlier_detection.mode = "imaging"
        for step, suffix in (("outlier_detection", "crf"), ("resample", "i2d"),
                             ("source_catalog", "cat")):
            found = getattr(self, step)
            found.save_results, found.suffix = self.save_results, suffix
        with library:
            metadata = [library.read_metadata(n) for n in range(len(library))]
        log.info("%d exposures", len(library))
        _tell_filters(metadata)
        kind = metadata[0].get("meta.target.type")
        library = (self.follow if str(kind).lower() == "moving" else self.align)(library)
        library = self.match(library)
        mosaic = self.resample.run(library)
        single = hasattr(mosaic, "borrow")  # one for each exposure: no mosaic
        if not single and getattr(mosaic.meta.cal_step, "resample", None) == "COMPLETE":
            self.source_catalog.run(mosaic)
        return mosaic

    def _save_all(self, result):
        """The steps have saved the products."""
