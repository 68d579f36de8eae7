"""Guide-star exposures: raw groups to count rates."""

from jwst_cal.errors import InputError
from jwst_cal.framework import Chain, Pipeline

__all__ = ["GuiderPipeline"]


class GuiderPipeline(Pipeline):
    """
    Make the count rates of a guide-star exposure and divide them by the flat field.

    Notes
    -----
    Differs from jwst 3.0.0: exposures of other modes are refused.
    """

    class_alias = "calwebb_guider"
    takes = ("GuiderRawModel", "GuiderCalModel")

    calibrate = Chain("dq_init", "guider_cds", "flat_field")

    def process(self, exposure):
        """
        Calibrate an exposure.

        Parameters
        ----------
        exposure : str, path, GuiderRawModel or GuiderCalModel
            A raw exposure; or a product of guider_cds, with dq_init and guider_cds skipped.

        Returns
        -------
        GuiderCalModel
            Count rates of each integration, DN/s.

        Raises
        ------
        InputError
            If it is no guide-star exposure.
        """
        self.suffix = "cal"
        model = self.prepare_output(exposure)
        is_done = type(model).__name__ == "GuiderCalModel"
        if is_done != (self.dq_init.skip and self.guider_cds.skip):
            raise InputError(f"{model.meta.filename}: {self.name} takes "
                             f"{self.takes[not is_done]} with these steps, this is "
                             f"{self.takes[is_done]}")
        return self.calibrate(model)
