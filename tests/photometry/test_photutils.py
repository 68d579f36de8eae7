"""photutils is imported without what is not used of it, and works as ever."""

import subprocess
import sys

CODE = """
import sys
from jwst_cal.photometry import _photutils
if sys.argv[1] == "lean":
    _photutils.loaded()
    assert not {"scipy.signal", "scipy.stats", "matplotlib"} & set(sys.modules)
import numpy as np
from photutils import detection, segmentation
from photutils.utils import _misc, _optional_deps
print(sorted(_misc._get_version_info().items()), _optional_deps.HAS_MATPLOTLIB,
      _optional_deps.__all__)
image = np.zeros((9, 9), int)
image[4, 3:6] = 1
grown = segmentation.SegmentationImage(image).make_source_mask(footprint=np.ones((3, 5)))
print(grown.sum(), detection.DAOStarFinder(1, 2).kernel.data.sum().round(6))
from scipy.signal import fftconvolve
assert fftconvolve.__module__.startswith("scipy.signal")
"""


def test_it_is_the_same():
    told = [subprocess.run([sys.executable, "-P", "-c", CODE, how], capture_output=True, text=True,
                           check=True).stdout for how in ("lean", "whole")]
    assert told[0] == told[1]
    assert "photutils" in told[0]
