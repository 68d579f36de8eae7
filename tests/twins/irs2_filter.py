"""Noise of a frame of IRS2 by whole transforms: the specification of kernels/irs2_filter."""

import numpy as np

SLOTS, LANES = 712, 16
PLACES = (89 * (np.arange(SLOTS) // 89) + 624 * (np.arange(SLOTS) % 89)) % SLOTS


def _blocks(table):
    """[x, frequency q] to [block, x, lane]."""
    n_freq = table.shape[1]
    padded = np.zeros((len(table), -(-n_freq // LANES) * LANES), np.float32)
    padded[:, :n_freq] = table
    return padded.reshape(len(table), -1, LANES).swapaxes(0, 1)


def _frequencies(blocks, n_lines):
    """[block, place, lane] to all frequencies of the stream; of a real stream's filter."""
    by_place = blocks.swapaxes(0, 1).reshape(SLOTS, -1)[:, : n_lines // 2 + 1]
    table = np.zeros((SLOTS, n_lines), by_place.dtype)
    table[PLACES, : n_lines // 2 + 1] = by_place
    flat, n = table.ravel(), np.arange(table.size)
    half = n % n_lines > n_lines // 2
    flat[half] = np.conj(flat[-n[half]])
    return flat * SLOTS


def turns(n_lines, *, n_threads=None):
    phase = np.arange(SLOTS)[:, np.newaxis] * np.arange(n_lines // 2 + 1)
    turn = np.exp(-2j * np.pi * (phase % (SLOTS * n_lines)) / (SLOTS * n_lines))
    return np.stack([_blocks(turn.real), _blocks(turn.imag)], axis=2)


def real_filters(table, n_lines, *, n_threads=None):
    filters = np.moveaxis(table[::2] + 1j * table[1::2], 0, 2).swapaxes(0, 1)
    mirrored = filters[..., -np.arange(filters.shape[2])]
    filters = (0.5 * (filters + mirrored.conj()) / SLOTS).reshape(-1, 2, SLOTS, n_lines)
    filters = filters[:, :, PLACES, : n_lines // 2 + 1]
    parts = np.stack([filters.real, filters.imag], axis=3)
    blocks = _blocks(parts.reshape(-1, n_lines // 2 + 1))
    return blocks.reshape(-1, *parts.shape[:4], LANES)


def noise_of_frame(output, pixels, noise, *, turn, passband, weights, known, put, wanted,
                   n_repeats=3, completed=None, n_threads=None):
    n_lines = output.shape[1]
    stream = output.T.astype(np.float64)
    for _ in range(n_repeats):
        left = np.fft.fft(stream.ravel()) * _frequencies(passband, n_lines)
        left = np.fft.ifft(left).real.reshape(stream.shape)
        stream = np.where(known, output.T, left)
    if completed is not None:
        completed[:] = stream.T
    of_output = np.fft.fft(stream.ravel())
    for of_pixels, filters, to in zip(pixels, weights.swapaxes(0, 1), noise, strict=True):
        alpha, beta = (_frequencies(filters[:, k, :, 0] + 1j * filters[:, k, :, 1], n_lines)
                       for k in (0, 1))
        samples = np.zeros_like(stream)
        samples[:, put[:, 0]] = samples[:, put[:, 1]] = of_pixels.T
        sum_ = alpha * of_output + beta * np.fft.fft(samples.ravel())
        to[:] = np.fft.ifft(sum_).real.reshape(stream.shape)[:, wanted].T
