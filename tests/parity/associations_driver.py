"""Official associations of pools of the official tests: python associations_driver.py spec.json.

Runs in the environment of the official package; needs nothing else. The file names ``pools`` and
the ``folder``, into which each pool goes with its macros replaced, and beside it a folder of its
associations.
"""

import json
import logging
import sys
import warnings
from pathlib import Path


def main(path):
    """Expand the pools and make their associations."""
    warnings.simplefilter("ignore")
    import jwst.associations.tests
    from jwst.associations.main import Main
    from jwst.associations.tests.helpers import combine_pools

    logging.disable(logging.CRITICAL)
    with open(path) as file:
        spec = json.load(file)
    data = Path(jwst.associations.tests.__file__).parent / "data"
    for name in spec["pools"]:
        pool = Path(spec["folder"]) / f"{name}.csv"
        combine_pools([str(data / f"{name}.csv")]).write(pool)
        pool.with_suffix("").mkdir()
        Main.cli([str(pool), "-p", str(pool.with_suffix(""))])


if __name__ == "__main__":
    main(sys.argv[1])
