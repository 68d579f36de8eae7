"""Steps and pipelines that take all exposures of an association together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jwst_cal.errors import InputError
from jwst_cal.framework.step import Step


class GroupStep(Step):
    """
    A step that takes exposures together: an association, a library, a container, a list.

    An association is opened as a library; unless the step's parameter ``in_memory`` is true and
    there is no memory limit, the exposures stay on disk but for the one at work.
    """

    in_memory: bool

    def prepare_output(self, init: Any, *args: Any, **options: Any) -> Any:
        """Open the input, or copy it; an association as a library, which may stay on disk."""
        found = _association(self, init)
        return super().prepare_output(init, *args, **options) if found is None else found

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


def open_library(step: Any, given: Any, exptypes: Sequence[str],
                 on_disk: bool | None = None) -> Any:
    """
    Open the input of a pipeline as a library.

    Parameters
    ----------
    step : Step
        The pipeline.
    given : str, path, association, ModelLibrary, ModelContainer, data model, list of them
        The input; models that the caller holds are copied, a library is not.
    exptypes : sequence of str
        Roles of members that an association gives.
    on_disk : bool, optional
        Keep an association's exposures on disk but for the one at work; by default unless the
        pipeline's parameter ``in_memory`` is true and there is no memory limit.

    Returns
    -------
    ModelLibrary
        The exposures.

    Raises
    ------
    InputError
        If there is none, or a file cannot be read.
    """
    found = _association(step, given, on_disk, asn_exptypes=list(exptypes))
    if found is None:
        found = GroupStep.library(step.prepare_output(given))
    if not len(found):
        raise InputError(f"{given}: no member of the role {' or '.join(exptypes)}")
    return found


def _association(step: Any, given: Any, on_disk: bool | None = None, **options: Any) -> Any:
    """The library of an association, in a file or in memory; None for anything else."""
    from jwst_cal.models import ModelLibrary, association_file

    path = step.make_input_path(given)
    if association_file.is_association(path) or association_file.is_file_name(path):
        from jwst_cal.kernels import memory

        if on_disk is None:
            on_disk = not step.in_memory or memory.limit() is not None
        # off while steps run; Step._finish has it on again in models of the result
        return ModelLibrary(path, on_disk=on_disk, light=step._works_light,
                            validate_on_assignment=False, **options)
    return None
