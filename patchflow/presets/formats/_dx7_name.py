"""The ten letters of a DX7 voice name."""

import unicodedata

__all__ = ["decode_name", "encode_name"]

_LENGTH = 10
# The display shows these for three ASCII codes; most files come from editors, where 5C and 7E are ASCII.
_DISPLAY = {"\N{YEN SIGN}": 0x5C, "\N{RIGHTWARDS ARROW}": 0x7E, "\N{LEFTWARDS ARROW}": 0x7F}


def decode_name(data: bytes) -> str:
    r"""Returns the name without the spaces that fill it up; what is no letter becomes a space.

    Example:
        >>> decode_name(b"BRASS \x7f 1 ")
        'BRASS ← 1'
    """
    return "".join(_letter(code) for code in data).rstrip()


def encode_name(name: str) -> bytes:
    """Returns ten bytes: letters without their accents, a space for any other, cut off after ten.

    Example:
        >>> encode_name("Flûte à bec")
        b'Flute a be'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    codes = (_DISPLAY.get(c, ord(c) if " " <= c <= "~" else 0x20) for c in plain[:_LENGTH])
    return bytes(codes).ljust(_LENGTH)


def _letter(code: int) -> str:
    if code == 0x7F:
        return "\N{LEFTWARDS ARROW}"
    return chr(code) if 0x20 <= code < 0x7F else " "
