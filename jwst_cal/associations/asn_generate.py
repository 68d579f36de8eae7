"""Make the associations of images from a pool; also the command ``asn_generate``.

For each candidate (an observation, or a group of them), and across candidates, exposures are
gathered after the rules in ``_rules``.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import logging
import re
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

from jwst_cal import reproduces
from jwst_cal.associations import _exposures, _rules, io
from jwst_cal.associations import pool as pools
from jwst_cal.associations.pool import value
from jwst_cal.errors import JwstCalError, ParameterError
from jwst_cal.framework.products import remove_suffix

__all__ = ["Generated", "generate", "main"]

log = logging.getLogger(__name__)

#: Candidate of associations across candidates.
DISCOVERED = ("a3001", "discovered")
#: Types of candidates that are of several observations.
_GROUPS = ("group", "background", "mosaic")
_GOOD = "No known degraded exposures in association."
_DEGRADED = ("One or more members have an error associated with them.\nDetails can be found in the "
             "member.exposerr attribute.")


class Generated(dict):
    """
    An association, with the name of its file.

    Attributes
    ----------
    filename : str
        Name of the file that it is for.
    """

    filename = ""


def generate(pool, *, ids=None, candidates=True, discover=True, version_id=None, merge=False,
             pool_name="pool"):
    """
    Make associations.

    Parameters
    ----------
    pool : list of dict
        Exposures, from :func:`jwst_cal.associations.pool.read`.
    ids : sequence of str, optional
        Candidates; by default all.
    candidates, discover : bool
        Whether to make associations of candidates, and across them.
    version_id : str, optional
        A tag in the names of the files.
    merge : bool
        Whether to put the products of stage 2 of each candidate into one association.
    pool_name : str
        Name of the pool's file.

    Returns
    -------
    list of Generated
        Those of stage 3 before those of stage 2.

    Raises
    ------
    ParameterError
        If there is no such candidate.

    Notes
    -----
    Source: associations of the reference release for its own pools.
    Differs from jwst 3.0.0: only images (with those of targets' acquisition, time series,
    and pairs for the wavefront) are associated.
    """
    known = list(dict.fromkeys(pair for kind in _kinds(pool) for pair in kind))
    if ids is not None:
        names = {name: (name, kind) for name, kind in reversed(known)}
        unknown = [name for name in ids if name not in names]
        if unknown:
            raise ParameterError(f"ids: {', '.join(unknown)} not in the pool, which has "
                                 f"{', '.join(sorted(names)) or 'no candidates'}")
        known = [names[name] for name in ids]
    found = {2: [], 3: []}
    if discover:
        for asn in _of_candidate(pool, DISCOVERED):
            found[asn["level"]].append(asn)
    if candidates:
        for candidate in known:
            rows = [item for item in pool if candidate[0] in item["asn_candidate"]]
            for asn in _of_candidate(rows, candidate):
                found[asn["level"]].append(asn)
    made = []
    for level in (3, 2):
        kept = _without_repeated_names(_without_repeated_members(found[level]))
        numbers = defaultdict(itertools.count)
        for asn in kept:
            number = next(numbers[asn["candidate"][0], asn["type"]]) + 1
            made.append(_finished(asn, number, pool_name, version_id))
    return _merged(made) if merge else made


def _kinds(pool):
    """Candidates by type, types in the order of their first appearance."""
    found = defaultdict(dict)
    for item in pool:
        for name, kind in pools.candidates(item):
            found[kind][name, kind] = True
    return found.values()


# ---- gathering -----------------------------------------------------------------------------------
def _of_candidate(rows, candidate):
    """Associations of the exposures of a candidate, in the order of their first members."""
    made = []
    for rule in _rules.LEVEL2:
        made += _level2(rows, rule, candidate)
    for rule in _rules.LEVEL3:
        made += _level3(rows, rule, candidate)
    return sorted(made, key=lambda asn: (asn["first"], asn["rule"]))


def _key(item, columns):
    return tuple(value(item, *names) for names in columns)


def _level2(rows, rule, candidate):
    """One association for each science exposure."""
    if candidate[1] not in ("observation", "background"):
        return
    groups = defaultdict(list)
    for place, item in enumerate(rows):
        if rule.takes(item):
            groups[_key(item, _rules.MODE) if rule.backgrounds else place].append((place, item))
    for group in groups.values():
        science = [(place, item) for place, item in group if rule.role(item) == "science"
                   and not (rule.backgrounds and value(item, "bkgdtarg"))]
        others = [(place, item) for place, item in group
                  if rule.backgrounds and value(item, "bkgdtarg")]
        if candidate[1] == "background" and not others:
            continue
        for place, item in science:
            members = [(place, item), *others]
            if (place, item) == science[0]:
                members.sort(key=lambda pair: pair[0])
            else:
                later = [pair for pair in others if pair[0] > place]
                members = [(place, item), *later, *(p for p in others if p not in later)]
            listed = [{"expname": _exposures.level2_name(one, rule.integrations(one)),
                       "exptype": rule.role(one), "exposerr": one.get("exposerr")}
                      for _, one in members]
            name = _exposures.level2_name(item, rule.integrations(item))
            yield {"level": 2, "rule": rule.name, "type": rule.asn_type, "candidate": candidate,
                   "first": members[0][0], "items": [one for _, one in members],
                   "members": listed, "name": remove_suffix(Path(name).stem)[0],
                   "target": item.get("targetid"), "program": f"{item['program']:0>5s}"}


def _level3(rows, rule, candidate):
    """One association for the exposures that agree."""
    if not rule.candidates(candidate[1]):
        return
    direct = candidate[1] == "direct_image" and re.fullmatch(r"c\d{4}", candidate[0])
    columns = _rules.PATH + tuple((name,) for name in rule.columns)
    by_target = rule.by_target and not direct
    groups = defaultdict(list)
    for place, item in enumerate(rows):
        if rule.takes(item) and (not by_target or value(item, "targetid") is not None):
            key = _key(item, columns) + ((value(item, "targetid"),) if by_target else ())
            groups[key].append((place, item))
    for group in groups.values():
        items = [item for _, item in group]
        seen = {value(item, "obs_num") for item in items} - {None}
        if candidate[1] in _GROUPS and len(seen) <= 1:
            continue
        if rule.pairs and len(items) < 2:
            continue
        if not any(rule.role(item) == "science" for item in items):
            continue
        items += [item for item in rows if item not in items
                  and _exposures.role(item) == "target_acquisition"
                  and value(item, "obs_num") in seen and value(item, "is_imprt") is None
                  and _key(item, _rules.PATH[:2]) == _key(items[0], _rules.PATH[:2])]
        listed = []
        for item in items:
            role = rule.role(item)
            member = {"expname": _exposures.level3_name(item, role), "exptype": role,
                      "exposerr": item.get("exposerr"),
                      "asn_candidate": f"[('{candidate[0]}', '{candidate[1]}')]"
                      if candidate != DISCOVERED else item["asn_candidate"]}
            if member not in listed:
                listed.append(member)
        target = "000" if direct else value(items[0], "targetid") if rule.by_target else None
        target = f"t{target or '':0>3s}"
        yield {"level": 3, "rule": rule.name, "type": rule.asn_type, "candidate": candidate,
               "first": group[0][0], "items": items, "members": listed, "target": target,
               "name": _product_name(items[0], rule, candidate[0], target),
               "program": f"{items[0]['program']:0>5s}"}


def _product_name(item, rule, candidate, target):
    optics = sorted(filter(None, (value(item, "filter"), value(item, "pupil", "grating"))))
    name = (f"jw{item['program']:0>5s}-{candidate}_{target}_{value(item, 'instrume')}_"
            f"{'-'.join(optics) or 'clear'}")
    for part in (value(item, "fxd_slit"), value(item, "subarray")):
        if part not in (None, "full"):
            name += f"-{part}"
    if rule.pairs:
        name += f"-{value(item, 'detector')}_{{suffix}}-{value(item, 'act_id')}"
    return name


# ---- what appears twice --------------------------------------------------------------------------
def _members(asn):
    return Counter((member["expname"], member["exptype"]) for member in asn["members"])


def _without_repeated_members(associations):
    """Of associations with the same members, that of the lowest candidate: o, then c, then a."""
    kept, seen = [], []
    for asn in sorted(associations, key=lambda asn: asn["candidate"][0])[::-1]:
        members = _members(asn)
        if members not in seen:
            seen.append(members)
            kept.append(asn)
    return kept


def _without_repeated_names(associations):
    """Of associations with the same product name, the larger ones."""
    by_name = defaultdict(list)
    for asn in associations:
        by_name[asn["name"]].append(asn)
    if len(by_name) == len(associations):
        return associations
    return [asn for asn in sorted(associations, key=lambda asn: asn["candidate"][0])
            if not any(_is_smaller(asn, other) for other in by_name[asn["name"]])]


def _is_smaller(one, other):
    """Whether an association has fewer members than another one, and none in another role."""
    if len(one["members"]) >= len(other["members"]):
        return False
    roles = dict(_members(other).keys())
    return all(roles.get(name, role) == role for name, role in _members(one))


# ---- the finished association --------------------------------------------------------------------
def _finished(asn, number, pool_name, version_id):
    errors = [member["exposerr"] for member in asn["members"]]
    discovered = asn["candidate"] == DISCOVERED
    columns = _rules.PATH if asn["level"] == 3 else _rules.MODE
    agreed = {names[0]: value(asn["items"][0], *names) for names in columns}
    made = Generated(
        asn_type=asn["type"], asn_rule=f"{'discover' if discovered else 'candidate'}_{asn['rule']}",
        version_id=version_id, code_version=reproduces,
        degraded_status=_GOOD if all(error in pools.EMPTY for error in errors) else _DEGRADED,
        program=asn["program"],
        constraints="\n".join(f"{name}: {text}" for name, text in agreed.items() if text),
        asn_id=asn["candidate"][0], target=asn["target"], asn_pool=pool_name,
        products=[{"name": asn["name"], "members": copy.deepcopy(asn["members"])}])
    stamp = f"_{version_id}" if version_id else ""
    made.filename = (f"jw{asn['program']}-{asn['candidate'][0]}{stamp}_{asn['type']}_"
                     f"{number:05d}_asn.json").lower()
    return made


def _merged(associations):
    """Products of stage 2 of the same candidate and type in one association."""
    found = {}
    for asn in associations:
        key = (asn["asn_type"], asn["asn_id"])
        if asn["asn_rule"].partition("_")[2].startswith("Asn_Lv3"):
            key = asn.filename
        first = found.setdefault(key, asn)
        if first is asn:
            continue
        for product in asn["products"]:
            same = next((p for p in first["products"] if p["name"] == product["name"]), None)
            if same is None:
                first["products"].append(product)
                continue
            names = {member["expname"] for member in same["members"]}
            same["members"] += [m for m in product["members"] if m["expname"] not in names]
    return list(found.values())


def _parser():
    parser = argparse.ArgumentParser(
        prog="asn_generate", description="Make the associations of images from a pool.",
        epilog="example: asn_generate jw01234_pool.csv --all-candidates -p associations")
    parser.add_argument("pool", help="table of exposures")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-i", "--ids", nargs="+", metavar="ID", help="only of these candidates")
    which.add_argument("--discover", action="store_true", help="only across candidates")
    which.add_argument("--all-candidates", action="store_true", help="only of candidates")
    parser.add_argument("-p", "--path", default=".", help="folder for them (the current one)")
    parser.add_argument("--version-id", nargs="?", const=True,
                        help="tag in the names; without a value, the time")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("-d", "--delimiter", default="|", help="between the cells (default |)")
    parser.add_argument("--format", default="json", choices=io.FORMATS, help="their format")
    parser.add_argument("--merge", action="store_true",
                        help="one association of stage 2 for each candidate")
    parser.add_argument("-v", "--verbose", action="store_true", help="list them")
    return parser


def main(args=None):
    """Run the command, with the arguments of the process by default; return its exit status."""
    options = _parser().parse_args(args)
    version = options.version_id
    if version is True:
        version = datetime.now(UTC).strftime("%Y%m%dt%H%M%S")
    try:
        items = pools.read(options.pool, options.delimiter)
        found = generate(
            items, ids=options.ids, candidates=not options.discover,
            discover=not (options.all_candidates or options.ids), version_id=version,
            merge=options.merge, pool_name=Path(options.pool).name)
        for asn in found:
            name = Path(asn.filename).with_suffix(f".{options.format}").name
            if options.verbose or options.dry_run:
                print(f"{name}: {asn['asn_rule']}, {len(asn['products'])} products, "
                      f"{sum(len(p['members']) for p in asn['products'])} members")
            if not options.dry_run:
                io.write(asn, Path(options.path) / name, options.format)
    except JwstCalError as error:
        print(f"asn_generate: error: {error}", file=sys.stderr)
        return 1
    used = sum(1 for item in items if any(
        rule.takes(item) for rule in (*_rules.LEVEL2, *_rules.LEVEL3)))
    if used < len(items):
        print(f"{len(items) - used} of {len(items)} exposures are no images: rules for them are "
              "not in this release", file=sys.stderr)
    return 0
