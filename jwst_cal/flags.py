"""Data-quality bits by name, from the data model's own table, and the unions that steps use."""

import numpy as np
from stdatamodels.jwst.datamodels import dqflags

__all__ = ["group", "pixel"]

#: Bits of PIXELDQ and DQ (uint32).
pixel = {name: np.uint32(value) for name, value in dqflags.pixel.items()}
#: Bits of GROUPDQ (uint8).
group = {name: np.uint8(value) for name, value in dqflags.group.items()}
