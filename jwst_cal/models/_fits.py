"""The part of FITS that exposures and references use: headers in and out, without any library.

Whatever else a file may hold (compressed images, HIERARCH keywords, variable-length columns...)
raises :class:`Unusual`; such a file is left to astropy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from jwst_cal.kernels import memory

__all__ = ["BLOCK", "ODD", "Card", "Hdu", "Unusual", "as_card", "header_text", "is_structural",
           "scan"]

#: FITS files consist of blocks of this many bytes.
BLOCK = 2880
_CARD = 80
_VALUE = re.compile(
    r" *(?:'(?P<text>(?:[^']|'')*)'"
    r"|(?P<flag>[TF])"
    r"|(?P<number>[+-]?(?:\.\d+|\d+(?:\.\d*)?)(?:[DEde][+-]?\d+)?))?"
    r" *(?:/ *(?P<comment>.*))?$", re.DOTALL)
_WHOLE = re.compile(r"[+-]?\d+$")
_STRUCTURAL = re.compile(
    r"$|NAXIS\d{0,3}$|BITPIX$|XTENSION$|[PG]COUNT$|EXTEND$|BSCALE$|BZERO$|BLANK$|DATAM(AX|IN)$"
    r"|EXT(NAME|VER|LEVEL)$|GROUPS$|PYTPE\d$|P(SCAL|ZERO)\d$|SIMPLE$|TFIELDS$|HISTORY$"
    r"|T(BCOL|DIM|FORM|TYPE|UNIT|SCAL|ZERO|NULL|DISP)\d{1,3}$")


class Unusual(Exception):
    """Something that this reader or writer leaves to ``stdatamodels`` and astropy."""


class Card(NamedTuple):
    """A keyword with its value: text, number or truth; of COMMENT and HISTORY the text.

    The value is :data:`ODD` where it is none of these.
    """

    keyword: str
    value: Any
    comment: str


#: The value of a card that is not understood.
ODD = object()


class Hdu:
    """
    Header and data unit of a file.

    Attributes
    ----------
    name : str
        EXTNAME in capitals; PRIMARY for the first.
    version : int
        EXTVER.
    cards : list of Card
        As in the file, those of the structure included.
    header : dict
        Value by keyword; of a repeated one the first.
    text : bytes
        The header as it is in the file.
    offset, size : int
        Where the data begin, and their bytes.
    is_table : bool
        A binary table; otherwise an image.
    shape : tuple of int
        Axes of an image, slowest first; empty without data. Rows and bytes per row of a table.
    """

    def __init__(self, text: bytes, end: int, is_first: bool) -> None:
        self.text = text
        self.cards = list(_parse(text))
        self.header = {card.keyword: card.value for card in reversed(self.cards)}
        get = self.header.get
        kind = str(get("XTENSION", "")).strip()
        if get("SIMPLE") is not True if is_first else kind not in ("IMAGE", "BINTABLE"):
            raise Unusual("no FITS structure")
        if "ZIMAGE" in self.header or "GROUPS" in self.header or get("GCOUNT", 1) != 1:
            raise Unusual("compressed images or random groups")
        self.name = "PRIMARY" if is_first else str(get("EXTNAME", "")).strip().upper()
        self.version = get("EXTVER", 1)
        self.is_table = kind == "BINTABLE"
        self.offset = end
        try:
            axes = [self.header[f"NAXIS{n + 1}"] for n in range(self.header["NAXIS"])]
            self.shape = tuple(reversed(axes))
            extra = get("PCOUNT", 0)
            if extra and not self.is_table:
                raise Unusual("bytes after an image")
            count = 1
            for axis in axes:
                count *= axis
            self.size = (count * abs(self.header["BITPIX"]) // 8 if axes else 0) + extra
        except (KeyError, TypeError) as error:
            raise Unusual(f"NAXIS or BITPIX: {error}") from error

    @property
    def end(self) -> int:
        """Where the next HDU begins."""
        return self.offset + -(-self.size // BLOCK) * BLOCK


def scan(path: str) -> tuple[Any, list[Hdu]]:
    """
    Map a file and read its headers.

    Parameters
    ----------
    path : str
        A FITS file.

    Returns
    -------
    content : buffer
        The whole file; its pages come in as they are used. Slices are bytes.
    hdus : list of Hdu
        In the order of the file.

    Raises
    ------
    Unusual
        If the file is no FITS file, is truncated, or holds something unusual.
    OSError
        If it cannot be opened.
    """
    with open(path, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        if not length or length % BLOCK:
            raise Unusual("not a whole number of FITS blocks")
        content = memory.map_file(file)
    hdus: list[Hdu] = []
    start = 0
    while start < length:
        end = start
        while True:
            block = content[end : end + BLOCK]
            end += BLOCK
            if _ends(block):
                break
            if end >= length:
                raise Unusual("a header without end")
        hdus.append(Hdu(content[start:end], end, not hdus))
        start = hdus[-1].end
    if start != length:
        raise Unusual("truncated")
    return content, hdus


def _ends(block: bytes) -> bool:
    """Whether the last card of a block that is not blank is END."""
    filled = block.rstrip()
    return len(filled) % _CARD == 3 and filled[-3:] == b"END"


def _parse(text: bytes) -> Iterator[Card]:
    try:
        lines = text.decode("ascii")
    except UnicodeDecodeError as error:
        raise Unusual("a header with other characters than ASCII") from error
    pending: Card | None = None  # a long text, to be continued
    for at in range(0, len(lines), _CARD):
        line = lines[at : at + _CARD]
        keyword = line[:8].rstrip()
        if pending is not None:
            more = _value(line[8:])
            if keyword != "CONTINUE" or not isinstance(more.value, str):
                raise Unusual(f"the text of {pending.keyword}, which is not continued")
            pending = Card(pending.keyword, pending.value[:-1] + more.value,
                           pending.comment + more.comment)
            if not more.value.endswith("&"):
                yield pending
                pending = None
        elif keyword == "END" and not line[3:].strip():
            return
        elif keyword in ("", "COMMENT", "HISTORY"):
            yield Card(keyword, line[8:].rstrip(), "")
        elif line[8:10] != "= ":
            yield Card(keyword, ODD, "")
        else:
            card = _value(line[10:])._replace(keyword=keyword)
            if isinstance(card.value, str) and card.value.endswith("&"):
                pending = card
            else:
                yield card


def _value(field: str) -> Card:
    found = _VALUE.match(field)
    if found is None:
        return Card("", ODD, "")
    text, flag, number, comment = found.group("text", "flag", "number", "comment")
    value: Any = ODD
    if text is not None:
        value = text.replace("''", "'").rstrip()
    elif flag is not None:
        value = flag == "T"
    elif number is not None:
        value = int(number) if _WHOLE.match(number) else float(re.sub("[Dd]", "E", number))
    return Card("", value, (comment or "").rstrip())


def is_structural(keyword: str) -> bool:
    """Whether a keyword describes the layout of the file, which is made anew when it is written."""
    return _STRUCTURAL.match(keyword) is not None


# writing ------------------------------------------------------------------------------------------


def as_card(keyword: str, value: Any, comment: str) -> str:
    """
    Lay out a card, and the CONTINUE cards of a long text, as astropy does.

    Parameters
    ----------
    keyword : str
        At most eight characters; blank, COMMENT or HISTORY for plain text.
    value : str, bool, int or float
        The value.
    comment : str
        Its comment; cut where the card ends.

    Returns
    -------
    str
        80 characters, or a multiple for a long text.

    Raises
    ------
    Unusual
        If it cannot be written as a FITS card.
    """
    if len(keyword) > 8 or not comment.isascii():
        raise Unusual(f"the keyword {keyword!r}")
    if keyword in ("", "COMMENT", "HISTORY"):
        return _remark(keyword, value)
    if isinstance(value, str):
        if not (value.isascii() and value.isprintable()):
            raise Unusual(f"the value {value!r}")
        escaped = value.replace("'", "''")
        field = f"'{escaped:8}'".ljust(20) if value else "''"
        if len(field) > _CARD - 10:
            return _long_card(keyword, escaped, comment)
    elif isinstance(value, bool):
        field = f"{'T' if value else 'F':>20}"
    elif isinstance(value, int):
        field = f"{value:>20d}"
    elif isinstance(value, float) and value - value == 0:
        field = f"{_number(value):>20}"
    else:
        raise Unusual(f"the value {value!r}")
    tail = f" / {comment}" if comment else ""
    return f"{keyword:8}= {field}{tail}"[:_CARD].ljust(_CARD)


def _remark(keyword: str, text: Any) -> str:
    if not (isinstance(text, str) and text.isascii() and text.isprintable()):
        raise Unusual(f"the remark {text!r}")
    width = _CARD - 8
    pieces = [text[at : at + width] for at in range(0, len(text), width)] or [""]
    return "".join(f"{keyword:8}{piece}".ljust(_CARD) for piece in pieces)


def _number(value: float) -> str:
    """Write a number in at most 20 characters: digits that do not fit are left out."""
    text = str(value).replace("e", "E")
    if len(text) <= 20:
        return text
    digits, mark, power = text.partition("E")
    return digits[: 20 - len(mark + power)] + mark + power


def _long_card(keyword: str, escaped: str, comment: str) -> str:
    values = _pieces(escaped, 67)
    comments = _pieces(comment, 64) if comment else []
    lines = [f"{value}&" for value in values]
    if not comments:
        lines[-1] = values[-1]
    lines = [f"'{line}'" for line in lines]
    marks = ["'&'"] * (len(comments) - 1) + ["''"]
    lines += [f"{mark} / {text}" for mark, text in zip(marks, comments, strict=False)]
    first, *others = lines
    return "".join([f"{keyword:8}= {first}".ljust(_CARD),
                    *(f"CONTINUE  {line}".ljust(_CARD) for line in others)])


def _pieces(text: str, width: int) -> list[str]:
    """Cut a text after blanks into pieces of at most `width`, a longer word anywhere."""
    pieces = []
    while True:
        at = text.rfind(" ", 0, width) + 1
        if len(text) < width or (len(text) == width and " " not in text):
            at = len(text)
        elif at == 0:
            at = width
        pieces.append(text[:at])
        text = text[at:]
        if not text:
            return pieces


def header_text(cards: Iterable[str]) -> bytes:
    """Join cards to a header, with END, filled up to whole blocks."""
    text = "".join(cards) + f"{'END':{_CARD}}"
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")
