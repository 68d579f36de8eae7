"""The simulated instruments, one file each: detectors, subarrays, patterns, kinds, references."""

from jwst_cal.simulate.instruments import fgs, miri, nircam, niriss, nirspec

__all__ = ["DETECTORS", "INSTRUMENTS"]

#: Instruments by name.
INSTRUMENTS = {module.INSTRUMENT.name: module.INSTRUMENT
               for module in (nircam, miri, niriss, nirspec, fgs)}
#: Detectors by name.
DETECTORS = {d.name: d for instrument in INSTRUMENTS.values() for d in instrument.detectors}
