"""Reference pixels of NIRSpec IRS2: what goes in, and the official step in its environment.

``python irs2.py FOLDER``: for each ``<case>.npz`` with data, groupdq, pixeldq and a JSON text of
options, writes ``<case>.out.npz``. The reference file is made here, for both packages.
"""

import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

SAMPLES = 2048 * 712


def table():
    """Filters with phases, and parts that do not act on real samples."""
    rng = np.random.default_rng(0)
    frequency = np.abs(np.fft.fftfreq(SAMPLES, 1e-5))
    low = 1 / (1 + (frequency / 350) ** 4)
    late = np.exp(-2j * np.pi * np.fft.fftfreq(SAMPLES))
    rows = np.empty(2 * SAMPLES, [(f"{kind}_{k}", "f4") for kind in ("alpha", "beta")
                                  for k in range(4)])
    for output in range(4):
        for kind, filter_ in (("alpha", 0.8 * (1 - low) * late**output), ("beta", 2.8 * low)):
            filter_ = filter_ + 0.05 * (rng.normal(size=SAMPLES) + 1j * rng.normal(size=SAMPLES))
            rows[f"{kind}_{output}"] = np.stack([filter_.real, filter_.imag], axis=1).ravel()
    return rows


def bad_pixels(masks):
    """List of bad reference pixels: entries of output, parity and mask, and the others empty."""
    entries = [(output, parity, masks.get(f"{output}{parity}", 0))
               for output in range(1, 5) for parity in (1, 2)]
    return np.array(entries, [("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])


def exposure(datamodels, data, groupdq, pixeldq, detector):
    """Make the model of an exposure."""
    ramp = datamodels.RampModel(data=data)
    ramp.groupdq, ramp.pixeldq = groupdq, pixeldq
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "NIRSPEC", detector
    told = ramp.meta.exposure
    told.readpatt, told.type, told.noutputs = "NRSIRS2RAPID", "NRS_IFU", 5
    told.nrs_normal, told.nrs_reference = 16, 4
    told.nints, told.ngroups = data.shape[:2]
    where = ramp.meta.subarray
    where.name, where.xstart, where.ystart, where.xsize, where.ysize = "FULL", 1, 1, 2048, 2048
    where.fastaxis, where.slowaxis = (2, 1) if detector == "NRS1" else (-2, -1)
    ramp.meta.filename = f"x_{detector.lower()}_uncal.fits"
    return ramp


def main(folder):
    """Run the official step on all cases of a folder."""
    from jwst.refpix import RefPixStep
    from stdatamodels.jwst import datamodels

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    filters = table()
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path) as file:
            arrays = dict(file)
        options = json.loads(str(arrays.pop("options")))
        detector, masks = options.pop("detector"), options.pop("masks")
        step = RefPixStep(**options)
        reference = datamodels.IRS2Model(irs2_table=filters, dq_table=bad_pixels(masks))
        step.get_reference_file = lambda *args, found=reference: found
        result = step.process(exposure(datamodels, detector=detector, **arrays))
        np.savez(path.with_suffix(".out.npz"), data=result.data, groupdq=result.groupdq,
                 pixeldq=result.pixeldq)


if __name__ == "__main__":
    main(sys.argv[1])
