"""Coordinates in the ASDF extension of a file: as they are there, until somebody asks for them."""

from __future__ import annotations

import io
import logging
from typing import Any

from jwst_cal.errors import InputError
from jwst_cal.models import _schemas

log = logging.getLogger(__name__)

__all__ = ["Coordinates", "serialized"]

#: What follows the blocks of arrays in a file that tells where they are.
_INDEX = b"#ASDF BLOCK INDEX"
_HEAD = b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n"


class Coordinates:
    """
    Coordinates that are still a part of a YAML document.

    Parameters
    ----------
    node : yaml.Node
        Their place in the document.
    extensions : list of yaml.Node
        The extensions of ASDF that the file was written with.
    blocks : bytes
        The arrays of the document.
    name : str
        Name of the file.
    """

    def __init__(self, node: Any, extensions: list[Any], blocks: bytes, name: str = "") -> None:
        self.node, self.extensions, self._name = node, extensions, name
        self.blocks = blocks[: blocks.rindex(_INDEX)] if _INDEX in blocks else blocks

    def __deepcopy__(self, memo: dict[int, Any]) -> Coordinates:
        return self  # which nobody changes

    def read(self) -> Any:
        """
        Make the object.

        Returns
        -------
        WCS or gwcs.WCS
            The coordinates; of ``gwcs`` if they hold what is known to it alone.

        Raises
        ------
        InputError
            If they cannot be read.
        """
        from jwst_cal.models import _asdf

        try:
            return _asdf.of_node(self.node, self.blocks)
        except _asdf.Unusual as reason:
            log.debug("%s: coordinates are left to gwcs: %s", self._name, reason)
        _schemas.coordinates_loaded()
        import asdf
        import yaml

        document = yaml.MappingNode("tag:stsci.edu:asdf/core/asdf-1.1.0", [
            (yaml.ScalarNode("tag:yaml.org,2002:str", "wcs"), self.node)])
        text = yaml.serialize(document, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
                              explicit_start=True, explicit_end=True, version=(1, 1),
                              allow_unicode=True, encoding="utf-8",
                              tags={"!": "tag:stsci.edu:asdf/"})
        try:
            with asdf.config_context() as config:
                config.validate_on_read = False
                with asdf.open(io.BytesIO(_HEAD + text + self.blocks), lazy_load=False,
                               memmap=False) as file:
                    return file["wcs"]
        except Exception as error:
            raise InputError(f"{self._name}: its coordinates cannot be read: "
                             f"{str(error).strip().partition(chr(10))[0]}") from error


def serialized(wcs: Any) -> Coordinates:
    """
    Make of coordinates what belongs into a file.

    Parameters
    ----------
    wcs : gwcs.WCS or Coordinates
        The coordinates.

    Returns
    -------
    Coordinates
        As they are in a file that asdf writes.
    """
    if isinstance(wcs, Coordinates):
        return wcs
    import asdf
    import yaml

    _schemas.extensions_loaded()
    text = io.BytesIO()
    asdf.AsdfFile({"wcs": wcs}).write_to(text, include_block_index=False)
    body, mark, blocks = text.getvalue().partition(b"\n...\n")
    found = _below(yaml.compose(body + mark, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    # asdf has them in the order of a set, which is another one in each process
    extensions = sorted(_below(found["history"])["extensions"].value, key=_uri)
    return Coordinates(found["wcs"], extensions, blocks)


def _uri(extension: Any) -> str:
    uri = _below(extension).get("extension_uri")
    return "" if uri is None else str(uri.value)


def _below(mapping: Any) -> dict[str, Any]:
    return {key.value: value for key, value in mapping.value}
