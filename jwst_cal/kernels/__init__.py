"""Compiled kernels: arrays in, arrays out. The manual of each is its header in csrc/."""
