"""World coordinates of one of NIRSpec's slits, taken out of those of an exposure."""

import gwcs
from astropy.modeling import fix_inputs
from astropy.modeling.models import Identity, Mapping

__all__ = ["of_slit"]


def of_slit(wcs, number):
    """
    Take the coordinates of one slit, which need no number.

    Parameters
    ----------
    wcs : gwcs.WCS
        Coordinates of the exposure, with the number of a slit among inputs and outputs.
    number : int
        Of the slit.

    Returns
    -------
    gwcs.WCS
        The same frames; the bounding box is that of the slit.
    """
    found = gwcs.WCS([(leg.frame, _without_number(leg.transform, number)) for leg in wcs.pipeline])
    if wcs.bounding_box is not None:
        found.bounding_box = wcs.bounding_box[number]
    return found


def _without_number(transform, number):
    """A transformation that neither takes nor returns the number of the slit."""
    if transform is None or "name" not in transform.inputs:
        return transform
    if transform.name == "gwa2slit":
        plain = transform.get_model(number)
        plain.inputs, plain.outputs = transform.inputs[1:], transform.outputs[1:]
    elif transform.name == "slit2msa":
        plain = transform[0].get_model(number) & Identity(1)
        plain.inputs, plain.outputs = transform.inputs[1:], transform.outputs[:-1]
    else:
        at = transform.outputs.index("name")
        kept = tuple(k for k in range(transform.n_outputs) if k != at)
        plain = _fixed(transform, "name", number, kept)
        plain.outputs = tuple(transform.outputs[k] for k in kept)
        if transform.has_inverse():
            back = transform.inverse
            first = transform.inputs[0] == "name"
            kept = tuple(range(1, back.n_outputs) if first else range(back.n_outputs - 1))
            plain.inverse = _fixed(back, back.inputs[0 if at == 0 else -1], number, kept)
    plain.name = transform.name
    return plain


def _fixed(transform, name, number, kept):
    """Give an input a value, and keep some of the outputs."""
    choose = Mapping(kept, n_inputs=transform.n_outputs)
    choose.inverse = Identity(len(kept))
    return fix_inputs(transform, {name: number}) | choose
