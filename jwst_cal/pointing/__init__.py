"""Where the telescope points, and where its apertures are."""
