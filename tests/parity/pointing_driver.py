"""Official pointing of exposures: python pointing_driver.py spec.json.

Runs in the environment of the official package; needs nothing else. The file holds a list of runs:
``files``, which are changed in place, ``telemetry`` (a JSON file of [MJD, value] by mnemonic), and
whether to set the ``aberration``, too.
"""

import json
import sys
import warnings


class Engineering:
    """A database of what is in a file."""

    samples = {}
    base_url = "file"

    def __init__(self, base_url=None):
        pass

    def get_values(self, mnemonic, start, end, *, include_bracket_values, **_):
        """Return the samples of a time, with the ones around it if wanted."""
        from astropy.time import Time
        from jwst.lib.engdb_lib import EngDB_Value

        rows = sorted(self.samples[mnemonic])
        inside = [k for k, (time, _) in enumerate(rows) if start <= time <= end]
        if include_bracket_values:
            before = [k for k, (time, _) in enumerate(rows) if time < start][-1:]
            after = [k for k, (time, _) in enumerate(rows) if time > end][:1]
            inside = before + inside + after
        return [EngDB_Value(Time(rows[k][0], format="mjd"), rows[k][1]) for k in inside]


def main(path):
    """Set the pointing, and the aberration, of all."""
    warnings.simplefilter("ignore")
    from jwst.lib import set_telescope_pointing as official
    from jwst.lib.set_velocity_aberration import add_dva

    official.ENGDB_Service = Engineering
    with open(path) as file:
        runs = json.load(file)
    for run in runs:
        with open(run["telemetry"]) as file:
            Engineering.samples = json.load(file)
        for name in run["files"]:
            official.add_wcs(name)
            if run["aberration"]:
                add_dva(name)


if __name__ == "__main__":
    main(sys.argv[1])
