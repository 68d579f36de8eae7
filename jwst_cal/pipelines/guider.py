"""Guide-star exposures: raw groups to count rates."""

import os

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
        needed = "GuiderRawModel"
        if self.dq_init.skip and self.guider_cds.skip:
            needed = "GuiderCalModel"
        if type(model).__name__ != needed:
            name = exposure if isinstance(exposure, str | os.PathLike) else model.meta.filename
            raise InputError(
                f"{name or 'the input'}: {self.name} takes {needed} with these steps, this is "
                f"{type(model).__name__} (EXP_TYPE={model.meta.exposure.type})"
            )
        return self.calibrate(model)
