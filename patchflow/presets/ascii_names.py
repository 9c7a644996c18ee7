"""Names of presets in the letters that a file format has: transliterated, cut to length."""

import unicodedata
from collections.abc import Container

from anyascii import anyascii

__all__ = ["ascii_name", "from_katakana", "is_katakana"]

_KATAKANA = range(0xA1, 0xE0)  # half-width, in JIS X 0201
_FIRST = 0xFF61  # the character of byte A1


def ascii_name(name: str, length: int | None = None, *, keep: Container[str] = ()) -> str:
    """Returns a name in printable ASCII, readable whatever script it was in.

    Accents go, other scripts are transliterated, a letter that nobody can transliterate becomes "?". Line breaks and
    other control characters become spaces, and marks that cannot be seen are left out.

    Args:
        name: Any text.
        length: How many letters there may be; any number if None.
        keep: Other characters that the format has, which stay as they are.

    Example:
        >>> ascii_name("Flûte à bec"), ascii_name("Сопрано", 10), ascii_name("ﾋﾟｱﾉ 1"), ascii_name("低音")
        ('Flute a bec', 'Soprano', 'piano 1', 'DiYin')
    """
    # Half-width kana have their sound mark as a letter of its own, and file systems take accents off: both are joined.
    letters = [_letters(letter, keep) for letter in unicodedata.normalize("NFKC", name)]
    plain = "".join(letters).rstrip()
    if name.strip() and not plain:
        plain = "?"  # a mark alone that is not spoken
    return plain if length is None else plain[:length].rstrip()


def _letters(letter: str, keep: Container[str]) -> str:
    if letter in keep or " " <= letter <= "~":
        return letter
    category = unicodedata.category(letter)
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    if category in ("Cf", "Mn", "Me"):  # joiners, marks of direction, accents
        return ""
    known = "".join(part for part in anyascii(letter) if " " <= part <= "~")
    # A letter of a script may be silent, as a lengthened vowel is. Anything else without a reading is unknown.
    return known or ("" if category.startswith("L") else "?")


def is_katakana(code: int) -> bool:
    """Returns whether a byte is a half-width katakana letter in JIS X 0201, as Japanese editors write them into names.

    Example:
        >>> is_katakana(0xB1), is_katakana(0x41)
        (True, False)
    """
    return code in _KATAKANA


def from_katakana(code: int) -> str:
    r"""Returns the half-width katakana letter of a byte.

    Example:
        >>> "".join(map(from_katakana, b"\xcb\xdf\xb1\xc9"))
        'ﾋﾟｱﾉ'
    """
    return chr(_FIRST + code - _KATAKANA.start)
