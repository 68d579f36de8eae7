"""ModelLibrary: models of an association, lent out one by one, in memory or on disk."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from jwst_cal.models import _files, _members, association_file

__all__ = ["BorrowError", "ClosedLibraryError", "LibraryError", "ModelLibrary"]


class LibraryError(Exception):
    """A library was used against its rules."""


class BorrowError(LibraryError):
    """A model was lent twice, given back unasked, or not given back."""


class ClosedLibraryError(LibraryError):
    """A model was asked for outside a ``with`` block."""


def _read_only(thing):
    if isinstance(thing, Mapping):
        return MappingProxyType({key: _read_only(value) for key, value in thing.items()})
    if isinstance(thing, list):
        return tuple(_read_only(value) for value in thing)
    return thing


class ModelLibrary:
    """
    Lend out the models of an association.

    Models are borrowed and shelved inside a ``with`` block; every model must be back when the
    block ends. Files are opened when first borrowed. On disk, a shelved model is written to a
    temporary file and leaves memory.

    Parameters
    ----------
    init : str, Path, mapping or iterable
        An association (file or in memory), or models and file names.
    asn_exptypes : str or list of str, optional
        Roles to keep, in any case.
    asn_n_members : int, optional
        Keep only the first so many of them.
    on_disk : bool, optional
        Keep models in temporary files while they are not borrowed. Not for a list of models.
    temp_directory : str or Path, optional
        Where those files go; a new folder in the working directory when not given.
    light : bool, optional
        Open files as light models (:mod:`jwst_cal.models.light`): for steps that take them.
    **open_options
        Handed to ``datamodels.open``.

    Raises
    ------
    InputError
        If the association cannot be read, or names files that do not exist (all are listed).
    ValueError
        If `init` is none of these, or `on_disk` is asked for with a list of models.

    Notes
    -----
    Source: documented behaviour of stpipe's model library.
    Differs from jwst 3.0.0: roles match in any case; ``with`` blocks may be nested.
    """

    def __init__(
        self,
        init,
        asn_exptypes=None,
        asn_n_members=None,
        on_disk=False,
        temp_directory=None,
        light=False,
        **open_options,
    ):
        self._on_disk, self._light = bool(on_disk), light
        self._open_options = open_options
        self._depth = 0
        self._lent = {}
        self._loaded = {}
        self._files = {}
        self._waiting = {}
        self._asn_dir = None
        if isinstance(init, (str, Path)):
            path = association_file.expand(init)
            self._asn_dir = os.path.dirname(path)
            self._asn = association_file.read(path)
            self._asn["table_name"] = os.path.basename(path)
        elif association_file.is_association(init):
            self._asn_dir = os.path.abspath(".")
            self._asn = association_file.read(init)
        elif isinstance(init, Iterable) and not isinstance(init, (Mapping, ModelLibrary)):
            if on_disk:
                raise ValueError("on_disk: a list of models cannot be kept on disk")
            self._asn = self._from_models(init, asn_exptypes, asn_n_members)
            asn_exptypes = asn_n_members = None
        else:
            raise ValueError(
                f"a {type(init).__name__} where an association or a list of models is needed"
            )
        self._select(asn_exptypes, asn_n_members)
        self._temporary, self._temp_directory = None, temp_directory

    def _select(self, exptypes, n_members):
        """Keep the chosen members, refuse missing files, and name every member's group."""
        product = self._asn["products"][0]
        self._members = association_file.select(product["members"], exptypes, n_members)
        product["members"] = self._members
        if not self._loaded:
            where = self._asn.get("table_name", "association")
            association_file.refuse_missing(
                association_file.missing_members(self._members, self._asn_dir), where
            )
        for index, member in enumerate(self._members):
            if member.get("group_id") is None:
                member["group_id"] = self._group_id(index)
        for index, model in self._loaded.items():
            _members.assign(model, self._members[index], self._asn, self._asn_dir)

    def _from_models(self, items, exptypes, n_members):
        entries = []
        for item in items:
            model = self._open(item) if isinstance(item, (str, Path)) else item
            role = model.meta.asn.exptype or "SCIENCE"
            entry = {"expname": model.meta.filename or "model.fits", "exptype": role}
            if not association_file.select([entry], exptypes):
                continue
            if n_members is not None and len(entries) == n_members:
                break
            entry["group_id"] = _members.model_group_id(model)
            self._loaded[len(entries)] = model
            entries.append(entry)
        return {**association_file.DEFAULTS, "products": [{"members": entries}]}

    def _open(self, path):
        if self._light:
            return _files.open_light(path, **self._open_options)
        return _files.open(path, **self._open_options)

    def _path(self, index):
        return association_file.member_path(self._members[index], self._asn_dir)

    def _group_id(self, index):
        name = None
        if index in self._loaded:
            pass
        elif self._light and not self._on_disk:  # which costs little, and is needed anyway
            model = self._loaded[index] = self._open(self._path(index))
            name = _members.model_group_id(model)
        else:
            meta = self._file_metadata(self._path(index), flatten=True)
            name = meta.get("meta.group_id") or _members.group_id(
                {key.rpartition(".")[2]: value for key, value in meta.items()
                 if key.startswith("meta.observation.")})
        return name or f"exposure{index + 1:04d}"

    def _file_metadata(self, path, flatten):
        if self._light and flatten:
            return _files.read_header(path)
        return _files.read_metadata(path, flatten=flatten)

    def __len__(self):
        return len(self._members)

    def __repr__(self):
        place = "on disk" if self._on_disk else "in memory"
        return f"<ModelLibrary of {len(self)} {place}>"

    @property
    def asn(self):
        """The association, read-only; it does not follow later changes of the models."""
        return _read_only(self._asn)

    @property
    def asn_dir(self):
        """Folder of the association file, as str."""
        return str(self._asn_dir)

    @property
    def on_disk(self):
        """Whether models are kept on disk while not borrowed."""
        return self._on_disk

    @property
    def exptypes(self):
        """Role of every member."""
        return [member["exptype"] for member in self._members]

    @property
    def group_names(self):
        """Names of the groups, as a set."""
        return {member["group_id"] for member in self._members}

    @property
    def group_indices(self):
        """Positions of the members of each group."""
        groups = {}
        for index, member in enumerate(self._members):
            groups.setdefault(member["group_id"], []).append(index)
        return groups

    def indices_for_exptype(self, exptype):
        """
        Find the members of one role.

        Parameters
        ----------
        exptype : str
            The role, in any case.

        Returns
        -------
        list of int
            Their positions.
        """
        return [i for i, role in enumerate(self.exptypes) if role.lower() == exptype.lower()]

    def __enter__(self):
        self._depth += 1
        return self

    def __exit__(self, kind, error, traceback):
        self._depth -= 1
        if self._depth == 0 and error is None and self._lent:
            raise BorrowError(f"{len(self._lent)} borrowed models were not shelved")

    def _need_open(self):
        if not self._depth:
            raise ClosedLibraryError("the library is not open: use it in a 'with' block")

    def borrow(self, index):
        """
        Take a model out.

        Parameters
        ----------
        index : int
            Position of the member.

        Returns
        -------
        JwstDataModel
            The model, to be given back with :meth:`shelve`.

        Raises
        ------
        ClosedLibraryError
            Outside a ``with`` block.
        BorrowError
            If it is out already.
        IndexError
            If there is no such member.
        """
        self._need_open()
        if index in self._lent:
            raise BorrowError(f"model {index} is borrowed already")
        if not 0 <= index < len(self):
            raise IndexError(f"model {index} where 0 to {len(self) - 1} can be borrowed")
        if index in self._loaded:
            model = self._loaded[index]
        elif index in self._files:
            model = self._open(self._files[index])
        else:
            model = self._open(self._path(index))
            _members.assign(model, self._members[index], self._asn, self._asn_dir)
        for change in self._waiting.get(index, ()):
            change(model)
        if not self._on_disk:
            self._loaded[index] = model
            self._waiting.pop(index, None)
        self._lent[index] = model
        return model

    def shelve(self, model, index=None, modify=True):
        """
        Give a model back.

        Parameters
        ----------
        model : JwstDataModel
            The borrowed model, or one that takes its place.
        index : int, optional
            Its position; found by identity when not given.
        modify : bool, optional
            Keep the changes. With False an on-disk library drops them.

        Raises
        ------
        ClosedLibraryError
            Outside a ``with`` block.
        BorrowError
            If the model or the position is not out.
        """
        self._need_open()
        if index is None:
            found = [i for i, lent in self._lent.items() if lent is model]
            if not found:
                raise BorrowError("the model was not borrowed")
            index = found[0]
        elif index not in self._lent:
            raise BorrowError(f"model {index} was not borrowed")
        if modify:
            if self._on_disk:
                self._files[index] = self._write(model, index)
                self._waiting.pop(index, None)
            else:
                self._loaded[index] = model
        del self._lent[index]

    def _write(self, model, index):
        if self._temp_directory is None:  # none is made for models that nobody changes
            self._temporary = tempfile.TemporaryDirectory(dir=".", prefix="library_")
            self._temp_directory = self._temporary.name
        folder = Path(self._temp_directory) / str(index)
        folder.mkdir(parents=True, exist_ok=True)
        return _files.write(model, folder / (model.meta.filename or "model.fits"))

    def make_full(self):
        """
        Put data models of ``stdatamodels`` into the place of light ones.

        Returns
        -------
        ModelLibrary
            This one.
        """
        self._light = False
        for held in (self._loaded, self._lent):
            for index, model in held.items():
                held[index] = _files.full(model)
        return self

    def later(self, change):
        """
        Change every model: those in memory now, others whenever they are borrowed.

        Changes of the header that are made so cost no reading and writing of files.

        Parameters
        ----------
        change : callable
            Called with a model. What it does to a model twice must be the same as once.
        """
        for index in range(len(self)):
            model = self._lent.get(index, self._loaded.get(index))
            if model is not None:
                change(model)
            if model is None or self._on_disk:
                self._waiting.setdefault(index, []).append(change)

    def close(self):
        """Remove the temporary files of an on-disk library; its members are read anew then."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._temp_directory = None, None
            self._files.clear()

    def __iter__(self):
        for index in range(len(self)):
            yield self.borrow(index)

    def map_function(self, function, modify=True):
        """
        Call a function with every model in turn.

        Parameters
        ----------
        function : callable
            Called as ``function(model, index)``.
        modify : bool, optional
            As for :meth:`shelve`.

        Yields
        ------
        object
            What the function returns.
        """
        with self:
            for index in range(len(self)):
                model = self.borrow(index)
                try:
                    yield function(model, index)
                finally:
                    self.shelve(model, index, modify)
                del model

    def read_metadata(self, index, flatten=True):
        """
        Read a member's metadata without borrowing it.

        Parameters
        ----------
        index : int
            Position of the member.
        flatten : bool, optional
            One level of dotted names, or nested.

        Returns
        -------
        dict
            The metadata, with role, group and association of the member.

        Raises
        ------
        BorrowError
            If the model is out: read its own metadata.
        """
        if index in self._lent:
            raise BorrowError(f"model {index} is borrowed: read its own metadata")
        if index in self._loaded:
            model = self._loaded[index]
            return model.get_crds_parameters() if flatten else copy.deepcopy(model.instance)
        meta = self._file_metadata(self._files.get(index, self._path(index)), flatten)
        member = self._members[index]
        extra = {"asn.exptype": member["exptype"]}
        extra |= {key: member[key] for key in _members.CARRIED if key in member}
        if "table_name" in self._asn:
            extra["asn.table_name"] = self._asn["table_name"]
            extra["asn.pool_name"] = self._asn["asn_pool"]
        for key, value in extra.items():
            if flatten:
                meta[f"meta.{key}"] = value
            else:
                *parents, last = key.split(".")
                place = meta["meta"]
                for parent in parents:
                    place = place.setdefault(parent, {})
                place[last] = value
        return meta

    @property
    def crds_observatory(self):
        """Observatory for reference selection."""
        return "jwst"

    def get_crds_parameters(self):
        """
        Give the keywords that select references: those of the first science member.

        Returns
        -------
        dict
            Flat metadata; the first member's when none is ``science``.
        """
        science = self.indices_for_exptype("science")
        return self.read_metadata(science[0] if science else 0)

    def finalize_result(self, step, reference_files_used):
        """
        Let a step record itself in every model.

        Parameters
        ----------
        step : Step
            Its ``finalize_result(model, reference_files_used)`` is called.
        reference_files_used : list of (str, str)
            Types and names of the references used.
        """
        self.later(lambda model: step.finalize_result(model, reference_files_used))

    def save(self, path, **options):
        """
        Write every model and an association of them to a folder.

        Parameters
        ----------
        path : str or Path
            The folder, made when needed.
        **options
            Handed to ``save`` of each model.

        Returns
        -------
        Path
            The association file, ``asn.json``.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)

        def write(model, index):
            name = model.meta.filename or "model.fits"
            _files.save(model, folder / name, **options)
            member = self._members[index]
            return {"expname": name, "exptype": member["exptype"],
                    "group_id": member["group_id"]}

        members = list(self.map_function(write, modify=False))
        table = folder / "asn.json"
        table.write_text(json.dumps({"products": [{"members": members}]}, indent=4))
        return table
