"""The slits of NIRSpec that were open."""

import logging

from jwst_cal import modes

__all__ = ["FIXED_SLITS", "fixed", "fixed_slit_id", "of_lamp"]

log = logging.getLogger(__name__)

#: Fixed slits in the order of the MSA reference; they are its fifth quadrant.
FIXED_SLITS = ("S200A1", "S200A2", "S400A1", "S1600A1", "S200B1")
FIXED_QUADRANT = 5
#: Subarrays that show one slit.
_OF_SUBARRAY = {"SUBS200A1": "S200A1", "SUBS200A2": "S200A2", "SUBS400A1": "S400A1",
                "SUBS200B1": "S200B1",
                **dict.fromkeys(("SUB2048", "SUB512", "SUB512S", "SUB1024A", "SUB1024B"),
                                "S1600A1")}


def fixed_slit_id(name):
    """
    Number a fixed slit for coordinates, whose inputs are numbers.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    int
        -101 to -105.
    """
    return -101 - FIXED_SLITS.index(name)


def fixed(model, limits):
    """
    List the fixed slits that an exposure shows.

    Parameters
    ----------
    model : data model
        The exposure: EXP_TYPE, SUBARRAY and FXD_SLIT are read; a missing FXD_SLIT becomes NONE.
    limits : tuple of float
        Lower and upper end of a slit, in its heights.

    Returns
    -------
    list of Slit
        One, or all in a full frame. SOURCE_ID is 1 in the slit of the target, otherwise the number
        of that slit and of this.
    """
    from stdatamodels.jwst.transforms.models import Slit

    if modes.exposure_type(model) == "NRS_BRIGHTOBJ":
        shown, target = ["S1600A1"], "S1600A1"
    else:
        one = _OF_SUBARRAY.get((model.meta.subarray.name or "").upper())
        if model.meta.instrument.fixed_slit is None:
            model.meta.instrument.fixed_slit = "NONE"
        shown, target = [one] if one else FIXED_SLITS, model.meta.instrument.fixed_slit
    tens = 10 * (FIXED_SLITS.index(target) + 1) if target in FIXED_SLITS else 0
    found = []
    for name in shown:
        number = FIXED_SLITS.index(name)
        found.append(Slit(
            name=name, shutter_id=number, dither_position=0, xcen=0, ycen=0, ymin=limits[0],
            ymax=limits[1], quadrant=FIXED_QUADRANT,
            source_id=1 if name == target else tens + number + 1, slit_id=fixed_slit_id(name)))
    return found


def of_lamp(model):
    """
    Tell through what the light of a lamp comes.

    Parameters
    ----------
    model : data model
        An exposure of a lamp.

    Returns
    -------
    str
        OPMODE in capitals.
    """
    return (model.meta.instrument.lamp_mode or "").upper()
