"""Run the official jump detection on arrays.

    python jump_driver.py CASES.npz RESULTS.npz

Runs in the environment of the official package; needs nothing else. For case k of ``n_cases``:
``k_data``, ``k_groupdq``, ``k_pixeldq``, ``k_gain``, ``k_read_noise``, and in ``k_options`` (JSON)
the parameters of the step, ``n_frames``, ``group_time`` and ``largest_change`` of a shower in
electrons. Results: ``k_groupdq``, ``k_pixeldq``, ``k_counts`` (jumps, large events).
"""

import json
import logging
import sys
import warnings
from types import SimpleNamespace

import numpy as np

BITS = {"GOOD": 0, "DO_NOT_USE": 1, "SATURATED": 2, "JUMP_DET": 4, "NO_GAIN_VALUE": 1 << 19,
        "REFERENCE_PIXEL": 1 << 31}


def detect(data, groupdq, pixeldq, gain, read_noise, o):
    """Set up the official detection as its step does, and run it."""
    from stcal.jump.jump import detect_jumps_data
    from stcal.jump.jump_class import JumpData

    exposure = SimpleNamespace(nframes=o["n_frames"])
    model = SimpleNamespace(data=data, groupdq=groupdq, pixeldq=pixeldq,
                            meta=SimpleNamespace(exposure=exposure))
    job = JumpData(model, gain, read_noise, BITS)
    job.set_detection_settings(
        o["rejection_threshold"], o["three_group_rejection_threshold"],
        o["four_group_rejection_threshold"], o["max_jump_to_flag_neighbors"],
        o["min_jump_to_flag_neighbors"], o["flag_4_neighbors"])
    job.set_after_jump(
        o["after_jump_flag_dn1"], int(o["after_jump_flag_time1"] // o["group_time"]),
        o["after_jump_flag_dn2"], int(o["after_jump_flag_time2"] // o["group_time"]))
    job.set_snowball_info(
        o["expand_large_events"], o["min_jump_area"], o["min_sat_area"], o["expand_factor"],
        o["sat_required_snowball"], o["min_sat_radius_extend"], 2 * o["sat_expand"],
        o["edge_size"])
    job.set_shower_info(
        o["find_showers"], o["extend_snr_threshold"], o["extend_min_area"],
        o["extend_inner_radius"], o["extend_outer_radius"], o["extend_ellipse_expand_ratio"],
        o["min_diffs_single_pass"], 2 * o["max_extended_radius"])
    job.set_sigma_clipping_info(o["minimum_groups"], o["minimum_sigclip_groups"],
                                o["only_use_ints"])
    job.max_cores = "1"
    job.grps_masked_after_shower = int(o["time_masked_after_shower"] // o["group_time"])
    job.mask_persist_grps_next_int = o["mask_snowball_core_next_int"]
    job.persist_grps_flagged = int(o["snowball_time_masked_next_int"] // o["group_time"])
    if o["largest_change"] is not None:
        job.max_shower_amplitude = o["largest_change"]
    return detect_jumps_data(job)


def main(cases, results):
    """Run all cases."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    arrays = np.load(cases)
    found = {}
    for k in range(int(arrays["n_cases"])):
        options = json.loads(str(arrays[f"{k}_options"]))
        inputs = [arrays[f"{k}_{name}"]
                  for name in ("data", "groupdq", "pixeldq", "gain", "read_noise")]
        groupdq, pixeldq, jumps, events = detect(*inputs, options)
        found |= {f"{k}_groupdq": groupdq, f"{k}_pixeldq": pixeldq,
                  f"{k}_counts": np.array([jumps, events])}
    np.savez(results, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
