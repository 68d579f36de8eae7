"""RSCD: how many first groups are flagged, by table, length of the ramp and saturation."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import RSCDModel

from jwst_cal import flags
from jwst_cal.detector import _rscd
from jwst_cal.detector.rscd import RscdStep

DNU, SATURATED = flags.group["DO_NOT_USE"], flags.group["SATURATED"]
ESTIMATED = flags.pixel["FLUX_ESTIMATED"]


def table(first=2, later=4, subarray="FULL", readpatt="FASTR1"):
    model = RSCDModel()
    names = [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")]
    rows = [("SUB64", "FASTR1", 9, 9), (subarray, readpatt, first, later)]
    model.rscd_group_skip_table = np.array(rows, names)
    return model


@pytest.fixture
def ramp(small_ramp):
    return exposure(small_ramp, 3, 12)


def exposure(ramp, n_ints, n_groups):
    ramp.data = np.zeros((n_ints, n_groups, 6, 8), np.float32)
    ramp.groupdq = np.zeros(ramp.data.shape, np.uint8)
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "MIRI", "MIRIMAGE"
    ramp.meta.subarray.name = "FULL"
    ramp.meta.exposure.readpatt = "FASTR1"
    ramp.meta.exposure.nints, ramp.meta.exposure.ngroups = n_ints, n_groups
    return ramp


def skipped(ramp, row=0, col=0):
    """Groups flagged in each integration of one pixel; they must be the first ones."""
    flagged = ramp.groupdq[:, :, row, col] & DNU != 0
    counts = flagged.sum(axis=1)
    for groups, count in zip(flagged, counts, strict=True):
        assert groups[:count].all()
    return list(counts)


def test_first_and_later_integrations_lose_what_the_table_says(ramp):
    result = RscdStep(override_rscd=table()).run(ramp)
    assert skipped(result) == [2, 4, 4]
    assert not np.any(result.pixeldq)
    recorded = result.meta.rscd
    assert (recorded.ngroups_skip_int1, recorded.ngroups_skip_int2p) == (2, 4)
    assert result.meta.cal_step.rscd == "COMPLETE"


def test_a_table_in_a_file_is_read(ramp, tmp_path):
    path = str(tmp_path / "rscd.fits")
    table(readpatt="FASTR1   ").save(path)
    assert skipped(RscdStep(override_rscd=path).run(ramp)) == [2, 4, 4]


@pytest.mark.parametrize(("n_groups", "wanted"), [(3, [0, 0]), (4, [1, 1]), (5, [1, 1]),
                                                  (6, [2, 3]), (7, [2, 4]), (8, [2, 4])])
def test_short_ramps_lose_less(n_groups, wanted, small_ramp):
    result = RscdStep(override_rscd=table()).run(exposure(small_ramp, 2, n_groups))
    assert skipped(result) == wanted


def test_early_saturation_lowers_the_number(ramp):
    ramp.groupdq[1, 5:, 1, 1] = SATURATED  # the second group after the four: one less
    ramp.groupdq[1, 3:, 2, 2] = SATURATED  # two groups less, and one more
    ramp.groupdq[1, 1:, 3, 3] = SATURATED  # none left to skip
    ramp.groupdq[1, :, 4, 4] = SATURATED  # hopeless
    ramp.groupdq[1, 6:, 5, 5] = SATURATED  # late enough
    result = RscdStep(override_rscd=table()).run(ramp)
    found = [skipped(result, k, k)[1] for k in range(1, 6)]
    assert found == [3, 1, 0, 4, 4]
    assert [result.pixeldq[k, k] == ESTIMATED for k in range(1, 6)] == [1, 1, 1, 0, 0]
    assert result.meta.rscd.keep_groups_saturation_int2p == 3
    assert result.meta.rscd.keep_bright_firstgroup_int2p == 1
    assert skipped(result, 1, 1) == [2, 3, 4]


def test_a_later_segment_has_no_first_integration(ramp):
    ramp.meta.exposure.integration_start = 11
    ramp.meta.exposure.nints = 30
    result = RscdStep(override_rscd=table()).run(ramp)
    assert skipped(result) == [4, 4, 4]
    assert result.meta.rscd.ngroups_skip_int1 is None


def test_a_single_integration_is_a_first_one(small_ramp):
    assert skipped(RscdStep(override_rscd=table()).run(exposure(small_ramp, 1, 12))) == [2]


def test_a_table_without_first_integrations_flags_one_group(ramp):
    assert skipped(RscdStep(override_rscd=table(first=-1)).run(ramp)) == [1, 4, 4]


def test_the_old_name_of_the_slitless_prism(ramp):
    ramp.meta.subarray.name = "SUBPRISM"
    result = RscdStep(override_rscd=table(subarray="SLITLESSPRISM")).run(ramp)
    assert skipped(result) == [2, 4, 4]


@pytest.mark.parametrize("change", ["readpatt", "instrument", "groups"])
def test_skipped(change, small_ramp):
    ramp = exposure(small_ramp, 2, 2 if change == "groups" else 8)
    if change == "readpatt":
        ramp.meta.exposure.readpatt = "SLOWR1"
    if change == "instrument":
        ramp.meta.instrument.name = "NIRCAM"
    result = RscdStep(override_rscd=table()).run(ramp)
    assert result.meta.cal_step.rscd == "SKIPPED"
    assert not np.any(result.groupdq)


def test_pixels_are_counted_only_where_groups_were_kept():
    """With nothing to skip, jwst 3.0.0 counts every pixel once one of them saturates early."""
    groupdq = np.zeros((1, 4, 6, 8), np.uint8)
    groupdq[0, 1:, 0, 0] = SATURATED
    pixeldq = np.zeros((6, 8), np.uint32)
    done = _rscd.flag_first_groups(groupdq, pixeldq, n_skip=0, saturated=SATURATED,
                                   do_not_use=DNU, estimated=ESTIMATED)
    assert done == (0, 0)
