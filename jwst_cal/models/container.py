"""ModelContainer: a list of open models, made from an association, files or models."""

from __future__ import annotations

import copy
import os
from collections.abc import MutableSequence
from pathlib import Path

from jwst_cal.models import _files, _members, association_file

__all__ = ["ModelContainer"]

EMPTY = {
    "asn_id": None,
    "asn_pool": None,
    "products": [{"name": "", "members": [{"exptype": "", "expname": ""}]}],
}


class ModelContainer(MutableSequence):
    """
    Hold models as a list does, with the association that they came from.

    Parameters
    ----------
    init : str, Path, mapping, list, ModelContainer, optional
        An association (file or in memory), a list of models and file names, or another container,
        whose models are shared. Empty when not given.
    asn_exptypes : str or list of str, optional
        Roles to open, in any case.
    asn_n_members : int, optional
        Open only the first so many of them.

    Attributes
    ----------
    asn_table : dict
        The association.
    asn_table_name, asn_pool_name : str or None
        File name of the association, and its pool.
    asn_file_path : str or None
        Path of the association file.

    Raises
    ------
    InputError
        If the association cannot be read, or names files that do not exist (all are listed).
    TypeError
        If `init` is none of these.

    Notes
    -----
    Source: behaviour of the reference release's container.
    Differs from jwst 3.0.0: ``asn_pool`` may be left out of an association; ``pop`` returns the
    model; a missing member is reported with all others before any is opened.
    """

    def __init__(self, init=None, asn_exptypes=None, asn_n_members=None):
        self._models = []
        self.asn_exptypes = asn_exptypes
        self.asn_n_members = asn_n_members
        self.asn_table = copy.deepcopy(EMPTY)
        self.asn_table_name = None
        self.asn_pool_name = None
        self.asn_file_path = None
        if init is None:
            return
        if isinstance(init, ModelContainer):
            self._models = list(init)
            for name in ("asn_exptypes", "asn_n_members", "asn_table", "asn_table_name",
                         "asn_pool_name", "asn_file_path"):
                setattr(self, name, getattr(init, name))
        elif association_file.is_association(init):
            self._from_association(init)
        elif isinstance(init, (str, Path)):
            self.asn_file_path = os.fspath(init)
            self._from_association(init)
        elif isinstance(init, (list, tuple)):
            self._from_list(init)
        else:
            raise TypeError(
                f"a {type(init).__name__} where an association, a list of models or file names, "
                "or a ModelContainer is needed"
            )

    def _from_list(self, items):
        self._models = [_files.open(item) for item in items]
        first = self._models[0].meta.filename if self._models else None
        stem = Path(first).name.split(".")[0].rpartition("_")[0] if first else ""
        self.asn_table_name = stem
        self.asn_table["products"][0]["name"] = stem

    def _from_association(self, source):
        asn = association_file.read(source)
        path, folder = self.asn_file_path, None
        if path is not None:
            path = association_file.expand(path)
            folder = os.path.dirname(path)
            self.asn_table_name = os.path.basename(path)
            self.asn_pool_name = asn["asn_pool"]
        members = association_file.select(
            asn["products"][0]["members"], self.asn_exptypes, self.asn_n_members
        )
        association_file.refuse_missing(
            association_file.missing_members(members, folder), path or "association"
        )
        carried = {"table_name": self.asn_table_name, "asn_pool": asn["asn_pool"]}
        try:
            for member in members:
                model = _files.open(association_file.member_path(member, folder))
                self._models.append(model)
                _members.assign(model, member, carried, folder)
        except Exception:
            self.close()
            raise
        self.asn_table = asn

    def __len__(self):
        return len(self._models)

    def __getitem__(self, index):
        return self._models[index]

    def __setitem__(self, index, model):
        self._models[index] = model

    def __delitem__(self, index):
        del self._models[index]

    def insert(self, index, model):
        """Put a model before position `index`."""
        self._models.insert(index, model)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        return f"<ModelContainer of {len(self)} from {self.asn_table_name or 'memory'}>"

    def copy(self, memo=None):
        """
        Copy the container and every model in it.

        Parameters
        ----------
        memo : dict, optional
            As for :func:`copy.deepcopy`.

        Returns
        -------
        ModelContainer
            The copy; it shares no array with this one.
        """
        other = type(self)()
        other._models = [model.copy(memo=memo) for model in self._models]
        other.asn_exptypes = copy.deepcopy(self.asn_exptypes)
        other.asn_table = copy.deepcopy(self.asn_table)
        for name in ("asn_n_members", "asn_table_name", "asn_pool_name", "asn_file_path"):
            setattr(other, name, getattr(self, name))
        return other

    def close(self):
        """Close every model."""
        for model in self._models:
            if hasattr(model, "close"):
                model.close()

    def save(self, path=None, save_model_func=None, **options):
        """
        Write every model.

        Parameters
        ----------
        path : str, optional
            Root of the names, to which an index is added when there are several; each model's own
            file name when not given.
        save_model_func : callable, optional
            Called as ``save_model_func(model, idx=index)`` in place of the model's ``save``.
        **options
            Handed to ``save`` of each model.

        Returns
        -------
        list of str
            Paths written.
        """
        paths = []
        for index, model in enumerate(self):
            if save_model_func is not None:
                paths.append(save_model_func(model, idx=index))
                continue
            if path is None:
                name = model.meta.filename
            else:
                number = index if len(self) > 1 else ""
                name = f"{os.fspath(path).removesuffix('.fits')}{number}.fits"
            paths.append(_files.save(model, name, **options))
        return paths

    @property
    def models_grouped(self):
        """
        Models of one exposure together.

        Returns
        -------
        list of list
            Groups in order of first appearance. Each model's ``meta.group_id`` is set: its own, or
            made from its observation keywords, or ``exposure<n>`` by position.
        """
        groups = {}
        for index, model in enumerate(self._models):
            name = _members.model_group_id(model) or f"exposure{index + 1:04d}"
            model.meta.group_id = name
            groups.setdefault(name, []).append(model)
        return list(groups.values())

    @property
    def group_names(self):
        """Names of the groups, in order of first appearance."""
        return [group[0].meta.group_id for group in self.models_grouped]

    def ind_asn_type(self, asn_exptype):
        """
        Find the models of one role.

        Parameters
        ----------
        asn_exptype : str
            The role, in any case. A model without one is ``science``.

        Returns
        -------
        list of int
            Their positions.
        """
        found = []
        for index, model in enumerate(self._models):
            if model.meta.asn.exptype is None:
                model.meta.asn.exptype = "science"
            if model.meta.asn.exptype.lower() == asn_exptype.lower():
                found.append(index)
        return found

    @property
    def crds_observatory(self):
        """Observatory for reference selection."""
        return "jwst"

    def get_crds_parameters(self):
        """
        Give the keywords that select references: those of the first model.

        Returns
        -------
        dict
            Flat metadata.
        """
        return self._models[0].get_crds_parameters()
