"""``python -m jwst_cal`` is ``strun``."""

import sys

from jwst_cal.cli.strun import main

sys.exit(main())
