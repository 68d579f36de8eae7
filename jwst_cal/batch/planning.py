"""From files to tasks: which exposures there are, and what is to be done with them in which order.

The header of an exposure decides the pipelines; associations that are given, or made from a pool,
decide which exposures go together, else the headers do. Nothing is run here, and nothing written.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jwst_cal import modes, registry
from jwst_cal.batch.tasks import Task
from jwst_cal.errors import InputError

__all__ = ["Plan", "expand", "make", "one_each"]

#: Suffixes of the products that a stage starts from, the first stage first.
_STARTS = {1: ("uncal",), 2: ("rate", "rateints"), 3: ("cal", "calints")}
_TSO3 = frozenset({"NRC_TSIMAGE", "NRC_TSGRISM", "NIS_SOSS", "NRS_BRIGHTOBJ"})
_CORON3 = frozenset({"NRC_CORON", "MIR_LYOT", "MIR_4QPM"})
_INTEGRATIONS = _CORON3 | {"NIS_AMI"}
_IMAGE3 = frozenset({"NRC_IMAGE", "NIS_IMAGE", "MIR_IMAGE", "FGS_IMAGE"})
_SPEC3 = frozenset({"NRC_WFSS", "NIS_WFSS", "MIR_LRS-FIXEDSLIT", "MIR_MRS", "NRS_FIXEDSLIT",
                    "NRS_IFU", "NRS_MSASPEC"})
_SPEC2 = _SPEC3 | {"NRC_TSGRISM", "NRC_GRISM", "NIS_SOSS", "MIR_LRS-SLITLESS", "NRS_BRIGHTOBJ",
                   "NRS_LAMP", "NRS_AUTOFLAT", "NRS_AUTOWAVE"}


@dataclass
class Plan:
    """
    What is to be done.

    Attributes
    ----------
    output_dir : str
        Absolute path of the folder of the products.
    tasks : list of Task
        In order.
    associations : dict
        Associations to be written before, by absolute path.
    remarks : list of str
        What was left out, and why.
    """

    output_dir: str
    tasks: list[Task] = field(default_factory=list)
    associations: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def write_associations(self) -> None:
        """Write the associations, where they are not there as they are planned."""
        import json

        for path, association in self.associations.items():
            text = json.dumps(association, indent=4) + "\n"
            try:
                with open(path, encoding="utf-8") as file:
                    if file.read() == text:
                        continue
            except OSError:
                pass
            os.makedirs(os.path.dirname(path), exist_ok=True)
            scratch = f"{path}.{os.getpid()}"
            with open(scratch, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(scratch, path)


# finding files ------------------------------------------------------------------------------------


def expand(words: Iterable[str]) -> list[str]:
    """
    Find the files that a command line names.

    Parameters
    ----------
    words : iterable of str
        Files; folders, which stand for the raw exposures in them, or else all other exposures; and
        ``@FILE``, a list of all these, one a line.

    Returns
    -------
    list of str
        Absolute paths, each once.

    Raises
    ------
    InputError
        If a list cannot be read or a folder holds no exposure.
    """
    found: list[str] = []
    for word in words:
        if word.startswith("@"):
            found += expand(_listed(word[1:]))
        elif os.path.isdir(word):
            found += _in_folder(word)
        else:
            found.append(os.path.abspath(os.path.expanduser(word)))
    return list(dict.fromkeys(found))


def _listed(name: str) -> list[str]:
    folder = os.path.dirname(os.path.abspath(name))
    try:
        with open(name, encoding="utf-8") as file:
            lines = [line.partition("#")[0].strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"{name}: the list of inputs cannot be read: {reason}") from error
    return [os.path.join(folder, os.path.expanduser(line)) for line in lines if line]


def _in_folder(folder: str) -> list[str]:
    every = sorted(glob.glob(os.path.join(glob.escape(os.path.abspath(folder)), "*.fits")))
    for suffixes in _STARTS.values():
        found = [path for path in every if _suffix(path) in suffixes]
        if found:
            return found
    raise InputError(f"{folder}: is a directory without exposures: no file in it is called "
                     "*_uncal.fits, *_rate.fits, *_rateints.fits, *_cal.fits or *_calints.fits")


def _suffix(path: str) -> str:
    stem = os.path.basename(path).removesuffix(".gz").removesuffix(".fits")
    return stem.rpartition("_")[2]


def _root(path: str) -> str:
    stem = os.path.basename(path).removesuffix(".gz").removesuffix(".fits")
    return stem.rpartition("_")[0] or stem


# one pipeline for all -----------------------------------------------------------------------------


def one_each(target: str, inputs: Iterable[str], output_dir: str,
             parameters: Mapping[str, Any] | None = None) -> list[Task]:
    """
    Plan the same step or pipeline for each of many inputs.

    Parameters
    ----------
    target : str
        Step, pipeline or parameter file.
    inputs : iterable of str
        Absolute paths.
    output_dir : str
        Folder of the products.
    parameters : mapping, optional
        For all.

    Returns
    -------
    list of Task
        One for each.
    """
    given = {key: value for key, value in (parameters or {}).items() if key != "output_dir"}
    label = os.path.basename(target)
    return [Task(f"{label} {os.path.basename(path)}", target, (path,), given, output_dir)
            for path in inputs]


# all stages ---------------------------------------------------------------------------------------


class _Header:
    """Metadata with the attributes of a data model; what is not there is None."""

    def __init__(self, flat: Mapping[str, Any], path: str = "") -> None:
        self._flat, self._path = flat, path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}" if self._path else name
        if path in self._flat:
            return self._flat[path]
        below = any(key.startswith(f"{path}.") for key in self._flat)
        return _Header(self._flat, path) if below or path.count(".") < 2 else None


@dataclass
class _Exposure:
    """An exposure, with the task that made its latest product."""

    root: str
    header: Mapping[str, Any]
    path: str
    task: str | None = None
    #: Only a member of an association: nothing but what that asks for is done.
    only_member: bool = False
    #: By suffix, what there is or will be of it: path, and the task that makes it.
    made: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.made[_suffix(self.path)] = self.path, None

    def set_products(self, paths: Iterable[str], task: str) -> None:
        """Note what a task makes; a later stage starts from the first that it can use."""
        paths = list(paths)
        for path in paths:
            self.made[_suffix(path)] = path, task
        kinds = ("rateints", "calints") if self.keeps_integrations else ("rate", "cal")
        self.path = next((path for path in paths if _suffix(path) in kinds), paths[0])
        self.task = task

    @property
    def rates(self) -> tuple[str, str | None] | None:
        """The count rates that stage 2 starts from, also when it was planned already."""
        kinds = ("rateints", "rate") if self.keeps_integrations else ("rate", "rateints")
        return next((self.made[kind] for kind in kinds if kind in self.made), None)

    def get(self, name: str) -> str:
        """Return a value of the header in lower case; empty where there is none."""
        return str(self.header.get(f"meta.{name}") or "").lower()

    @property
    def kind(self) -> str:
        return self.get("exposure.type").upper()

    @property
    def is_tso(self) -> bool:
        return bool(modes.is_tso(_Header(self.header)))

    @property
    def keeps_integrations(self) -> bool:
        """Whether stages 2 and 3 take the integrations rather than their mean."""
        return self.is_tso or self.kind in _INTEGRATIONS

    @property
    def is_background(self) -> bool:
        return self.header.get("meta.observation.bkgdtarg") is True

    @property
    def setting(self) -> tuple[str, ...]:
        """What exposures that are combined have in common."""
        return tuple(self.get(name) for name in (
            "observation.program_number", "instrument.name", "exposure.type", "instrument.filter",
            "instrument.pupil", "instrument.grating", "subarray.name"))


def make(words: Sequence[str], output_dir: str, *, stages: Iterable[int] = (1, 2, 3),
         parameters: Mapping[str, Mapping[str, Any]] | None = None) -> Plan:
    """
    Plan the stages of exposures.

    Parameters
    ----------
    words : sequence of str
        As for :func:`expand`; association files, too, or folders that hold some; a pool (``.csv``),
        from which associations are made in the place of those of folders. A pool alone stands for
        the exposures beside it.
    output_dir : str
        Folder of the products.
    stages : iterable of int
        Which of 1, 2 and 3.
    parameters : mapping, optional
        By alias of the pipeline.

    Returns
    -------
    Plan
        Tasks of the pipelines that this release has; the others are in the remarks.

    Raises
    ------
    InputError
        If there are no exposures. One that cannot be read has a task, which fails.
    """
    planner = _Planner(os.path.abspath(output_dir), set(stages), parameters or {})
    every = expand(words)
    pools = [path for path in every if path.lower().endswith(".csv")]
    given = [path for path in every if _is_association(path)]
    files = [path for path in every if path not in {*pools, *given}]
    for word in [] if pools else words:
        if os.path.isdir(word):
            given += sorted(glob.glob(os.path.join(os.path.abspath(glob.escape(word)),
                                                   "*_asn.json")))
    return planner.plan(files, list(dict.fromkeys(given)), pools)


def _is_association(path: str) -> bool:
    return path.lower().endswith(".json")


class _Planner:
    def __init__(self, output_dir: str, stages: set[int],
                 parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self._stages, self._parameters = stages, parameters
        self._result = Plan(output_dir)
        self._exposures: dict[str, _Exposure] = {}
        self._absent: dict[str, int] = {}

    def plan(self, files: list[str], associations: list[str], pools: list[str]) -> Plan:
        for path in files:
            self._enter(path)
        given = [_Given(path, _association(path)) for path in associations]
        for one in given:
            self._enter_members(one)
        for path in pools:
            given += self._from_pool(path, is_alone=not files)
        if not self._exposures:
            raise InputError("no exposures are given")
        if 1 in self._stages:
            self._stage1()
        if 2 in self._stages:
            self._stage2([one for one in given if _level(one.table) == 2])
        if 3 in self._stages:
            self._stage3([one for one in given if _level(one.table) == 3])
        for alias, number in self._absent.items():
            self._result.remarks.append(
                f"{alias} is not part of this release: {number} of its tasks left out")
        return self._result

    def _enter(self, path: str, *, only_member: bool = False) -> None:
        from jwst_cal import models

        root = _root(path)
        other = self._exposures.get(root)
        if other is not None and _stage_of(other.path) <= _stage_of(path):
            return
        try:
            header = models.read_header(path)
        except InputError:
            header = {}  # its first task will say what is wrong, and the others go on
        self._exposures[root] = _Exposure(root, header, path,
                                          only_member=only_member)

    def _enter_members(self, given: _Given) -> None:
        """Enter members that lie beside the association, or raw exposures they are made from."""
        folder = os.path.dirname(given.path)
        for product in given.table["products"]:
            for member in product["members"]:
                found = os.path.join(folder, member["expname"])
                raw = os.path.join(folder, f"{_root(found)}_uncal.fits")
                for candidate in (raw, found):
                    if _root(found) not in self._exposures and os.path.isfile(candidate):
                        self._enter(candidate, only_member=True)

    def _from_pool(self, path: str, *, is_alone: bool) -> list[_Given]:
        """Make the associations of a pool, of those of its exposures that are at hand."""
        from jwst_cal.associations import asn_generate, pool

        rows = pool.read(path)
        name = os.path.basename(path)
        if is_alone:
            stem = os.path.join(os.path.dirname(path), "")
            for root in dict.fromkeys(_root(row["filename"]) for row in rows):
                found = [f"{stem}{root}_{suffix}.fits" for kinds in _STARTS.values()
                         for suffix in kinds]
                if first := next(filter(os.path.isfile, found), None):
                    self._enter(first)
        ours = [row for row in rows if _root(row["filename"]) in self._exposures]
        if not ours:
            raise InputError(f"{path}: none of its {len(rows)} exposures is given, or lies beside "
                             "it")
        if len(ours) < len(rows):
            self._result.remarks.append(f"{name}: {len(rows) - len(ours)} of its {len(rows)} "
                                        "exposures are not here; left out")
        made = asn_generate.generate(ours, pool_name=name)
        return [_Given(self._product(one.filename), dict(one), is_new=True)
                for one in sorted(made, key=lambda one: one["products"][0]["name"])]

    def _has(self, alias: str) -> bool:
        """Whether this release has a pipeline; if not, it is remarked."""
        if registry.by_alias[alias].exists:
            return True
        self._absent[alias] = self._absent.get(alias, 0) + 1
        return False

    def _add(self, alias: str, name: str, inputs: Sequence[str], after: Iterable[str | None],
             products: Sequence[str]) -> str:
        """Plan a task; return its name."""
        task = Task(f"{alias} {name}", alias, tuple(inputs), self._parameters.get(alias, {}),
                    self._result.output_dir, tuple(filter(None, dict.fromkeys(after))),
                    tuple(products))
        self._result.tasks.append(task)
        return task.name

    def _product(self, name: str) -> str:
        return os.path.join(self._result.output_dir, name)

    # stages ---------------------------------------------------------------------------------------

    def _stage1(self) -> None:
        for exposure in self._exposures.values():
            if _stage_of(exposure.path) > 1:
                continue
            alias, suffix = _stage1_of(exposure)
            products = [f"{exposure.root}_{suffix}.fits"]
            if suffix == "rate":
                products.append(f"{exposure.root}_rateints.fits")
            task = self._add(alias, exposure.root, [exposure.path], (), products)
            exposure.set_products(map(self._product, products), task)

    def _stage2(self, given: list[_Given]) -> None:
        done = set()
        for association in given:
            for one in _one_by_one(association):
                done |= self._given(one)
        for exposure in self._exposures.values():
            alias = _stage2_of(exposure)
            if (exposure.root in done or exposure.only_member or alias is None
                    or _stage_of(exposure.path) != 2):
                continue
            if not self._has(alias):
                continue
            ours = self._backgrounds(exposure)
            suffix = "calints" if _suffix(exposure.path) == "rateints" else "cal"
            products = _of_stage2(exposure.root, suffix, exposure)
            inputs, after = [exposure.path], [exposure.task]
            if ours:
                inputs = [self._associate(exposure.root, alias, "DMSLevel2bBase",
                                          [(exposure.path, "science"),
                                           *((path, "background") for path, _ in ours)],
                                          exposure)]
                after += [task for _, task in ours]
            task = self._add(alias, exposure.root, inputs, after, products)
            exposure.set_products(map(self._product, products), task)

    def _backgrounds(self, exposure: _Exposure) -> list[tuple[str, str | None]]:
        """Rates of a background target that the same detector took in the same setting."""
        if exposure.is_background or exposure.is_tso:
            return []
        return [other.rates for other in self._exposures.values()
                if other.is_background and other.setting == exposure.setting
                and other.get("instrument.detector") == exposure.get("instrument.detector")
                and other.rates is not None]

    def _stage3(self, given: list[_Given]) -> None:
        for association in given:
            self._given(association)
        if not all(one.is_new for one in given):
            return
        # pools have associations of images only
        others = [exposure for exposure in self._exposures.values()
                  if not given or exposure.kind not in modes.IMAGING]
        groups: dict[tuple[str, ...], list[_Exposure]] = {}
        for exposure in others:
            alias = _stage3_of(exposure)
            if alias is not None and _stage_of(exposure.path) == 3 and not exposure.is_background:
                key = (alias, *exposure.setting, exposure.get("observation.observation_number"))
                groups.setdefault(key, []).append(exposure)
        for (alias, *_), members in groups.items():
            if not self._has(alias):
                continue
            name = _name_of(members[0])
            inputs = [self._associate(name, alias, "DMS_Level3_Base",
                                      [(member.path, "science") for member in members],
                                      members[0])]
            products = [f"{name}_i2d.fits"] if alias == "calwebb_image3" else []
            self._add(alias, name, inputs, [member.task for member in members], products)

    def _member(self, name: str, folder: str, level: int) -> tuple[str, str | None]:
        """Find a member of an association: its path, and the task that makes it."""
        exposure = self._exposures.get(_root(name))
        beside = os.path.join(folder, name), None
        if exposure is None:
            return beside
        if _suffix(name) in exposure.made:
            return exposure.made[_suffix(name)]
        found = exposure.rates if level == 2 else (exposure.path, exposure.task)
        return found if found is not None and _stage_of(found[0]) == level else beside

    # associations ---------------------------------------------------------------------------------

    def _associate(self, name: str, alias: str, rule: str,
                   members: Sequence[tuple[str, str]], first: _Exposure) -> str:
        """Make an association of planned or existing products; return its path."""
        from jwst_cal.associations.asn_from_list import asn_from_list

        kind = alias.removeprefix("calwebb_")
        table = asn_from_list(
            [(self._beside(path), role) for path, role in members], rule=rule,
            product_name=name, with_exptype=True,
            meta={"asn_type": kind,
                  "program": first.get("observation.program_number") or "noprogram"})
        path = self._product(f"{name}_{kind}_asn.json")
        self._result.associations[path] = dict(table)
        return path

    def _beside(self, path: str) -> str:
        """Name a file as an association in the output folder names it."""
        inside = os.path.dirname(path) == self._result.output_dir
        return os.path.basename(path) if inside else path

    def _given(self, given: _Given) -> set[str]:
        """Plan what an association asks for; return the roots of its science members."""
        path, association = given.path, given.table
        level = _level(association)
        members = [member for product in association["products"] for member in product["members"]]
        science = [member for member in members if member["exptype"].lower() == "science"]
        first = self._exposures.get(_root(science[0]["expname"])) if science else None
        alias = f"calwebb_{str(association.get('asn_type') or '').lower()}"
        if alias not in registry.by_alias:
            chosen = None if first is None else (
                _stage2_of(first) if level == 2 else _stage3_of(first))
            if chosen is None:
                self._result.remarks.append(f"{os.path.basename(path)}: its pipeline is not known; "
                                            "left out")
                return set()
            alias = chosen
        if not self._has(alias):
            return {_root(member["expname"]) for member in science}
        after: list[str | None] = []
        for member in members:
            found, task = self._member(member["expname"], os.path.dirname(path), level)
            member["expname"] = self._beside(found)
            after.append(task)
        target = self._product(os.path.basename(path))
        if target != path or given.is_new:
            self._result.associations[target] = association
        roots = [_root(member["expname"]) for member in science]
        names = [product["name"] for product in association["products"]]
        suffix = "calints" if science and _suffix(science[0]["expname"]) == "rateints" else "cal"
        products = ([f"{name}_i2d.fits" for name in names] if alias == "calwebb_image3" else
                    [path for name in names for path in _of_stage2(name, suffix, first)]
                    if level == 2 else [])
        task = self._add(alias, names[0] if len(names) == 1 else os.path.basename(path), [target],
                         after, products)
        for root, name in zip(roots, names, strict=False):
            if level == 2 and root in self._exposures:
                self._exposures[root].set_products([self._product(f"{name}_{suffix}.fits")], task)
        return set(roots)


@dataclass
class _Given:
    """An association, and where it is or is to be."""

    path: str
    table: dict[str, Any]
    is_new: bool = False


def _of_stage2(name: str, suffix: str, exposure: _Exposure | None) -> list[str]:
    """Name the products of stage 2: images of the sky are also resampled."""
    products = [f"{name}_{suffix}.fits"]
    if suffix == "cal" and exposure is not None and exposure.kind in _IMAGE3:
        products.append(f"{name}_i2d.fits")
    return products


def _stage_of(path: str) -> int:
    """The stage that starts from a file; 1 for a name without a known suffix."""
    return next((stage for stage, suffixes in _STARTS.items() if _suffix(path) in suffixes), 1)


def _association(path: str) -> dict[str, Any]:
    from jwst_cal.models import association_file

    found: dict[str, Any] = association_file.read(path)
    return found


def _one_by_one(given: _Given) -> list[_Given]:
    """Split an association of stage 2 into those of single products, which need not wait."""
    products = given.table["products"]
    if len(products) < 2:
        return [given]
    kind = str(given.table.get("asn_type") or "level2").lower()
    folder = os.path.dirname(given.path)
    return [_Given(os.path.join(folder, f"{product['name']}_{kind}_asn.json"),
                   {**given.table, "products": [product]}, is_new=True) for product in products]


def _level(association: Mapping[str, Any]) -> int:
    """The stage that an association is for: by its rule, its type, or the suffix of its members."""
    text = f"{association.get('asn_rule')} {association.get('asn_type')}".lower()
    if "level3" in text or text.endswith("3"):
        return 3
    if "level2" in text or text.endswith("2"):
        return 2
    return _stage_of(association["products"][0]["members"][0]["expname"])


def _stage1_of(exposure: _Exposure) -> tuple[str, str]:
    if exposure.kind in modes.GUIDER:
        return "calwebb_guider", "cal"
    if exposure.kind.endswith("_DARK") or exposure.kind == "MIR_DARKALL":
        return "calwebb_dark", "dark"
    return "calwebb_detector1", "rate"


def _stage2_of(exposure: _Exposure) -> str | None:
    if exposure.kind in _SPEC2:
        return "calwebb_spec2"
    return "calwebb_image2" if exposure.kind in modes.IMAGING else None


def _stage3_of(exposure: _Exposure) -> str | None:
    kind = exposure.kind
    if kind in _TSO3 or (exposure.is_tso and kind in _IMAGE3 | {"MIR_LRS-SLITLESS"}):
        return "calwebb_tso3"
    if kind in _CORON3:
        return "calwebb_coron3"
    if kind == "NIS_AMI":
        return "calwebb_ami3"
    if kind in _SPEC3:
        return "calwebb_spec3"
    return "calwebb_image3" if kind in _IMAGE3 else None


def _name_of(exposure: _Exposure) -> str:
    """Name a stage-3 product: programme, observation, instrument, optical elements, subarray."""
    elements = [exposure.get(f"instrument.{name}") for name in ("pupil", "filter", "grating")]
    elements.append(exposure.get("subarray.name"))
    optics = "-".join(element for element in elements if element not in ("", "n/a", "full"))
    program = exposure.get("observation.program_number") or "00000"
    observation = exposure.get("observation.observation_number") or "000"
    return "_".join(filter(None, (f"jw{program}-o{observation}", exposure.get("instrument.name"),
                                  optics)))
