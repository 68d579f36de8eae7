"""What workers are given to do in tests: a module that they, too, can import."""

import os
import signal

import numpy as np

from jwst_cal.batch import worker


def die():
    """End this process as the system would."""
    os.kill(os.getpid(), signal.SIGKILL)


def greedy(limit):
    """Take 100 MB under a limit."""
    with worker._memory(limit):
        return int(np.ones(100_000_000, np.uint8)[0])
