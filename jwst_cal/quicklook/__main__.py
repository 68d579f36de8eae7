"""Pictures from the shell: python -m jwst_cal.quicklook."""

import sys

from jwst_cal.quicklook import main

sys.exit(main())
