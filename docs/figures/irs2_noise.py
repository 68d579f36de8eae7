"""Draw the noise of a simulated IRS2 exposure by frequency, before refpix and after.

``python docs/figures/irs2_noise.py`` writes ``irs2_noise.svg`` beside it; it needs matplotlib.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from stdatamodels.jwst.datamodels import RampModel

from jwst_cal.detector import _irs2
from jwst_cal.detector.refpix import RefPixStep
from jwst_cal.simulate import irs2, references
from jwst_cal.simulate.detectors import Window

GROUPS, LAYOUT = 6, _irs2.Layout()


def exposure():
    """Noise of the electronics, the read noise of the pixels included; no light."""
    window = Window("NRS1", "FULL", "IRS2")
    electronics, rng = irs2.Electronics(window, 1, 0), np.random.default_rng(1)
    white = np.float32(window.detector.read_noise / window.detector.gain)
    frames = []
    for number in range(GROUPS):
        noise = electronics.frame(number) + 1000
        noise += white * rng.standard_normal(noise.shape, dtype=np.float32)
        frames.append(electronics.complete(noise))
    ramp = RampModel(data=np.array(frames)[np.newaxis])
    ramp.pixeldq = irs2.mask(window)
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "NIRSPEC", "NRS1"
    ramp.meta.exposure.readpatt = "NRSIRS2RAPID"
    ramp.meta.exposure.nrs_normal, ramp.meta.exposure.nrs_reference = 16, 4
    ramp.meta.filename = "simulated"
    return ramp


def density(images):
    """Power density of differences of neighbouring groups, DN^2/Hz, in equal steps of log f."""
    seen, n = ~LAYOUT.is_reference, 2048 * 712
    frequency = np.fft.rfftfreq(n, 1e-5)[1:]
    edges = np.geomspace(frequency[0], frequency[-1], 60)
    which = np.digitize(frequency, edges)
    total = np.zeros(len(edges) + 1)
    for difference in np.diff(images, axis=0) / np.sqrt(2):
        for rows in LAYOUT.rows[1:, seen]:
            stream = np.zeros((2048, 712), np.float32)
            stream[:, LAYOUT.slots[seen]] = difference[np.searchsorted(LAYOUT.image_rows, rows)].T
            power = np.abs(np.fft.rfft(stream.ravel())[1:]) ** 2 * 2e-5 / (2048 * 512)
            total += np.bincount(which, power, len(total))
    count = np.bincount(which, minlength=len(total))
    known = count > 0
    count, centre = count[known], np.bincount(which, frequency, len(total))[known]
    return centre / count, total[known] / count / (4 * (len(images) - 1))


def main():
    """Correct the exposure and draw."""
    ramp = exposure()
    before = ramp.data[0][:, LAYOUT.image_rows].copy()
    with tempfile.TemporaryDirectory() as folder:
        row = next(row for row in references.REFERENCES.values()
                   if (row.reftype, row.detector) == ("refpix", "NRS1"))
        path = Path(folder, row.basename)
        references.write(row, path)
        result = RefPixStep(override_refpix=str(path), override_sirskernel="N/A").run(ramp)
    plt.rcParams.update({"svg.hashsalt": "irs2", "font.size": 9})
    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for images, label, colour in ((before, "before", "tab:red"),
                                  (result.data[0], "after", "tab:blue")):
        rms = np.std(np.diff(images, axis=0)) / np.sqrt(2)
        axes.loglog(*density(images), color=colour, label=f"{label}: {rms:.1f} DN rms")
    axes.set(xlabel="frequency, Hz", ylabel="noise power, DN$^2$/Hz")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
