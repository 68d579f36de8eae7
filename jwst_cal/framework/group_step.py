"""Steps that take all exposures of an association together."""

from __future__ import annotations

import os
from typing import Any

from jwst_cal.framework.step import Step


class GroupStep(Step):
    """
    A step that takes exposures together: an association, a library, a container, a list.

    An association is opened as a library; unless the step's parameter ``in_memory`` is true, the
    exposures stay on disk but for the one at work.
    """

    in_memory: bool

    def prepare_output(self, init: Any, *args: Any, **options: Any) -> Any:
        """Open the input, or copy it; an association as a library, which may stay on disk."""
        from jwst_cal.models import ModelLibrary, association_file

        path = self.make_input_path(init)
        if association_file.is_association(path) or (
                isinstance(path, str | os.PathLike)
                and os.fspath(path).lower().endswith((".json", ".yaml", ".yml"))):
            return ModelLibrary(path, on_disk=not self.in_memory)
        return super().prepare_output(init, *args, **options)

    @staticmethod
    def library(images: Any) -> Any:
        """
        Return exposures as a library.

        Parameters
        ----------
        images : ModelLibrary, ModelContainer, list of data model, data model
            As `prepare_output` returned them.

        Returns
        -------
        ModelLibrary
            The same models; a library as it is.
        """
        from jwst_cal.models import ModelLibrary

        if hasattr(images, "borrow"):
            return images
        return ModelLibrary([images] if hasattr(images, "data") else images)
