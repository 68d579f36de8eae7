"""Traces and maps of wavelengths by the official package: python soss_maps.py spec.json.

Runs in its environment. The file tells ``angles``, ``subarrays``, ``orders`` and where results go.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import soss


def main(path):
    """Save points, what follows them and the map of each order as arrays."""
    from jwst.extract_1d.soss_extract import pastasoss

    spec = json.loads(Path(path).read_text())
    reference, found = soss.traces(2048), {}
    for subarray, angle, order in itertools.product(
            spec["subarrays"], spec["angles"], spec["orders"]):
        name = f"{subarray}_{angle}_{order}"
        _, *points = pastasoss.get_soss_traces(angle, str(order), subarray, reference)
        maps, traces = pastasoss.get_soss_wavemaps(angle, subarray, reference, spectraces=True,
                                                   orders_requested=[order])
        found |= {f"{name}_points": np.array(points), f"{name}_followed": traces[0][:2],
                  f"{name}_map": maps[0]}
    np.savez(spec["result"], **found)


if __name__ == "__main__":
    main(sys.argv[1])
