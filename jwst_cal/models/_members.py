"""What containers and libraries share: how a member's entry is carried over to its model."""

from __future__ import annotations

import os

#: Member keys that are copied to the model's meta.
CARRIED = ("group_id", "tweakreg_catalog")

_PARTS = (
    "program_number",
    "observation_number",
    "visit_number",
    "visit_group",
    "sequence_id",
    "activity_id",
    "exposure_number",
)


def assign(model, member, asn, folder):
    """Record role, group, catalogue and association of a member in its open model."""
    model.meta.asn.exptype = member["exptype"]
    for key in CARRIED:
        if key not in member:
            continue
        value = member[key]
        if key == "tweakreg_catalog":
            blank = value is None or not value.strip()
            value = None if blank else os.path.join(folder or "", value)
        setattr(model.meta, key, value)
    if asn.get("table_name") is not None:
        model.meta.asn.table_name = asn["table_name"]
        model.meta.asn.pool_name = asn["asn_pool"]


def group_id(observation):
    """
    Name the exposure that a model belongs to, from its observation keywords.

    Parameters
    ----------
    observation : mapping
        The keywords below ``meta.observation``.

    Returns
    -------
    str or None
        ``jw<program><observation><visit>_<group><sequence><activity>_<exposure>``, or ``None`` when
        a keyword is missing.
    """
    parts = [observation.get(name) for name in _PARTS]
    if any(part is None for part in parts):
        return None
    program, obs, visit, group, sequence, activity, exposure = map(str, parts)
    return f"jw{program}{obs}{visit}_{group}{sequence}{activity}_{exposure}"


def model_group_id(model):
    """Name the group of an open model: its own group_id, or that of its observation, or None."""
    own = getattr(model.meta, "group_id", None)
    if own not in (None, ""):
        return own
    return group_id(model.meta.observation.instance)
