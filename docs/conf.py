"""Configuration of the documentation."""

import sys
from pathlib import Path

import jwst_cal

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "jwst_cal"
author = "The jwst_cal developers"
copyright = author
version = release = jwst_cal.__version__

extensions = ["declarations"]
exclude_patterns = ["_build", "_extensions"]
html_theme = "alabaster"
html_theme_options = {"description": "JWST calibration, compiled", "page_width": "1100px"}
html_copy_source = False
highlight_language = "python"
smartquotes = False
nitpicky = True
