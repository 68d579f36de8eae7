"""The physics of the simulated ramps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.errors import ParameterError
from jwst_cal.kernels import threads
from jwst_cal.simulate import ramps
from jwst_cal.simulate.detectors import DETECTORS, SCALE, Subarray, Window, stream
from jwst_cal.simulate.exposures import simulate


@pytest.mark.parametrize("mean", [0.0, 0.3, 3.9, 4.1, 7.0, 30.0, 4000.0])
def test_shot_noise_has_the_mean_variance_and_skewness_of_poisson(mean):
    n = 400_000
    out = np.empty(n, np.float32)
    ramps.shot_noise(stream("test", 1), np.full(n, mean, np.float32), out)
    drawn = out.astype(float)
    assert abs(drawn.mean() - mean) <= 5 * np.sqrt(mean / n)
    assert abs(drawn.var() - mean) <= 5 * mean * np.sqrt((2 + 1 / max(mean, 1e-3)) / n)
    if mean > 1:
        skew = ((drawn - mean) ** 3).mean() / mean**1.5
        assert abs(skew - mean**-0.5) < 0.03
    assert drawn.min() >= 0


def test_shot_noise_mixes_both_generators():
    mean = np.tile(np.array([0.0, 2.0, 50.0], np.float32), 100_000)
    out = np.empty_like(mean)
    ramps.shot_noise(stream("test", 2), mean, out)
    assert (out[0::3] == 0).all()
    assert_array_equal(out[1::3], np.round(out[1::3]))
    assert_allclose([out[1::3].mean(), out[2::3].mean()], [2, 50], rtol=0.01)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("bend", [0.0, 0.7, 1.0, 1.3])
def test_unbend_inverts_the_linearity_polynomial(detector, bend):
    curvature = DETECTORS[detector].curvature
    counts = np.linspace(0, 62000, 5001)
    u = counts / SCALE
    linear = SCALE * (u + bend * sum(c * u ** (k + 2) for k, c in enumerate(curvature)))
    found = ramps.unbend(linear.astype(np.float32), np.float32(bend), curvature)
    assert_allclose(found, counts, atol=0.03)


def test_cosmic_rays_come_at_the_rate_asked_for():
    times = np.arange(1, 11) * 10.0
    shape = (1024, 1024)
    read, pixel, electrons, kind = ramps.cosmic_rays(
        stream("test", 3), shape, 18.0, times, rate=4.5
    )
    area = 1024**2 * 18e-4**2
    expected = 4.5 * area * 100
    # each track has one brightest region: count charge instead, whose mean is known
    per_ray = 900 * np.exp(1.25**2 / 2) * (1 + 0.35 * (1.3 + 0.05 * 12)) * (1 + 4 * ramps.COUPLING)
    assert_allclose(electrons.sum(), expected * per_ray, rtol=0.2)
    assert 0 <= read.min() <= read.max() < 10
    assert 0 <= pixel.min() <= pixel.max() < 1024**2
    key = read * 1024**2 + pixel
    assert (np.diff(key) > 0).all()
    assert not kind.any()


@pytest.mark.parametrize(("what", "kind"), [("snowballs", 1), ("showers", 2)])
def test_large_events_are_there(what, kind):
    times = np.arange(1, 5) * 10.0
    _, pixel, _, found = ramps.cosmic_rays(
        stream("test", 4), (256, 256), 18.0, times, rate=0.0, **{what: 3}
    )
    assert set(found) == {kind}
    assert len(pixel) > 100


def test_one_over_f_noise_makes_rows():
    noise = ramps._pink(stream("test", 5), 512, 512)
    rows = noise.mean(1).std()
    white = noise.std() / np.sqrt(512)
    assert rows > 5 * white
    step = np.corrcoef(noise.mean(1)[:-1], noise.mean(1)[1:])[0, 1]
    assert step > 0.3


def _uniform(**options):
    return simulate("NIRCAM", "SUB160", light=60.0, cosmic_ray_rate=0, **options)


def test_photon_transfer_gives_the_gain():
    exposure = simulate("NIRCAM", "SUB160", light=9000.0, cosmic_ray_rate=0, n_groups=6)
    truth = exposure.truth
    good = truth.good
    # the difference of the two integrations of the last difference of groups: noise alone
    d = np.diff(exposure.data.astype(float), axis=1)[:, 0]
    noise = (d[1] - d[0])[good]
    read = 2 * np.mean(truth.cds_noise[good] ** 2)
    electrons = 9000.0 * exposure.readout.group_time
    gain = truth.gain[good].mean()
    expected = 2 * electrons / gain**2 + read
    assert_allclose(noise.var(), expected, rtol=0.06)


def test_bias_and_drift_are_near_the_detector_s():
    exposure = _uniform()
    window = exposure.window
    first = exposure.data[:, 0].astype(float)
    offset = np.median(first - window.bias, axis=(1, 2))
    photons = 60.0 * exposure.readout.group_time / 2.05
    assert_allclose(offset, photons, atol=10)


def test_saturated_pixels_stop_at_full_well_and_are_listed():
    exposure = simulate("NIRCAM", "SUB160", light=2e5, cosmic_ray_rate=0, n_ints=1, n_groups=6)
    truth, window = exposure.truth, exposure.window
    good = truth.good
    group = truth.saturated_group[0]
    assert (group[good] < 6).mean() > 0.99
    last = exposure.data[0, -1][good].astype(float)
    assert_allclose(last, (window.full_well + window.bias)[good], atol=120)
    assert (group[truth.bad_pixels & 1024 != 0] == 255).all()  # dead pixels see nothing


def test_jumps_in_the_table_are_in_the_ramp():
    exposure = simulate("NIRCAM", "SUB160", light=1.0, n_ints=1, seed=4)
    truth = exposure.truth
    jumps = truth.jumps[(truth.jumps["dn"] > 300) & (truth.jumps["group"] > 0)]
    jumps = jumps[truth.bad_pixels[jumps["row"], jumps["col"]] == 0]
    assert len(jumps) > 50
    d = np.diff(exposure.data[0].astype(float), axis=0)
    seen = d[jumps["group"] - 1, jumps["row"], jumps["col"]]
    assert np.mean(seen > 0.6 * np.minimum(jumps["dn"], 40000)) > 0.98


def test_a_jump_between_averaged_frames_is_shared_by_two_groups():
    exposure = simulate("NIRCAM", "SUB160", readpatt="SHALLOW4", n_ints=1, light=1.0, n_groups=4)
    share = exposure.truth.jumps["share"]
    assert set(np.unique(share)) == {0.25, 0.5, 0.75, 1.0}


def test_bytes_do_not_depend_on_threads():
    results = []
    try:
        for n_threads in (1, 2, 7):
            threads.set_threads(n_threads)
            exposure = simulate("NIRCAM", "SUB320", n_ints=1, n_groups=3)
            results.append(exposure.data.tobytes() + exposure.truth.rate.tobytes())
    finally:
        threads.set_threads(None)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_cut_of_the_maps_is_the_map_of_the_cut(detector):
    n_cols = DETECTORS[detector].shape[1]
    large = Window(detector, Subarray("X", 1, 100, n_cols, 140, 1, 1.0))
    small = Window(detector, Subarray("X", 11, 120, 50, 30, 1, 1.0))
    cut = (slice(20, 50), slice(10, 60))
    for name in ("gain", "read_noise", "bias", "dark", "bend", "saturation", "mask", "flaw",
                 "efficiency", "cds_noise", "reference"):
        assert_array_equal(getattr(small, name), getattr(large, name)[cut], err_msg=name)


def test_maps_hold_the_shares_of_bad_pixels_asked_for():
    window = Window("MIRIMAGE")
    light = ~window.reference
    assert_allclose(window.of_kind("hot")[light].mean(), 4e-3, rtol=0.15)
    assert_allclose(window.of_kind("dead")[light].mean(), 1.2e-3, rtol=0.2)
    assert window.of_kind("telegraph").any()
    assert (window.mask[window.reference] & 0x80000000 != 0).all()
    assert (window.dark >= 0).all()


def test_refuses_a_window_off_the_detector():
    with pytest.raises(ParameterError, match="do not lie on NRCA1"):
        Window("NRCA1", Subarray("SUB64P", 2000, 1, 64, 64, 1, 1.0))
