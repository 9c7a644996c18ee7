"""A preset: the values of a synth's parameters and what is known about them; its name, and what kind it says."""

import re
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from anyascii import anyascii

from .space import ParamSpace, Value

__all__ = ["CATEGORIES", "Preset", "ascii_name", "category_from_name", "check", "from_katakana", "is_katakana"]

_KATAKANA = range(0xA1, 0xE0)  # half-width, in JIS X 0201
_FIRST = 0xFF61  # the character of byte A1

_WORDS = {
    "Bass": "bass bss subbass slapbs",
    "Drums": "drum snare kick hihat cymbal tom toms timp timpani bongo conga clap cowbell cowbel shaker perc "
    "tabla gong taiko tambo tambourin maraca castanet woodblk rimshot crash bd sd",
    "Bells": "bell bells chime chimes carillon tubular tublar glock glocken celest celesta celeste musicbox handbell",
    "Mallets": "marimba vibe vibes vibraphon xylo xylophone xylophon kalimba steeldrum steeldrm steldrum "
    "balafon mallet",
    "Organ": "organ orgn organs hammond leslie pipeorgan pipes drawbar accordion accord accordn harmonium",
    "Keys": "piano pianos epiano pno rhodes wurli wurlitzer clav clavi clavinet harpsi harpsich harpsichord harps keys "
    "keyboard grand cembalo spinet ep",
    "Plucked": "guitar guitr gtr guit harp banjo sitar koto lute pluck plucked pizz pizzicato mandolin ukulele lyre "
    "zither zyther shamisen dulcimer pick picked santoor strat",
    "Brass": "brass brss trumpet trumpt tpt horn horns trombone tromb bone tuba cornet flugel fluegel fanfare",
    "Woodwind": "flute flutes sax saxo saxophone clarinet clari clarnet woodwind oboe bassoon basson piccolo "
    "recorder panflute panfloete ocarina whistle shakuhachi reed fagott bagpipe",
    "Strings": "string strings strg strgs strng violin violins viola cello celli orchestra orchestr orch ensemble "
    "ensmbl fiddle",
    "Voice": "voice voices voic vox vocal choir chorale human ooh aah ahh ohh choral sing singer monk",
    "Lead": "lead leads syncsolo",
    "Pad": "pad pads atmos atmosphere ambient ambience sweep swell cloud clouds",
    "Sequence": "seq sequence sequenced arp arpeggio arpegg",
    "Effects": "fx sfx efx effect effects noise storm thunder rain helicopter copter laser ufo space explosion "
    "siren alarm bomb gun train car wave waves ocean surf bird birds dog phone telephone robot",
}

CATEGORIES = tuple(_WORDS)
"""All categories. Where a name has words of several, the earlier one decides."""


@dataclass(frozen=True)
class Preset:
    """The setting of a synth.

    Args:
        synth: Name of the engine it belongs to, e.g. `"dexed"`.
        values: A value for every parameter of the synth's space, in native units.
        name: What the user calls it.
        category: E.g. `"Bass"`; "" if unknown.
        author: "" if unknown.
        tags: Free words.
        state: What the synth's own file holds beyond the space, in the format's own bytes; kept on the way through.

    Example:
        >>> Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Pluck").name
        'Pluck'
    """

    synth: str
    values: Mapping[str, Value]
    name: str = ""
    category: str = ""
    author: str = ""
    tags: tuple[str, ...] = field(default=())
    state: bytes = b""


def check(preset: Preset, space: ParamSpace) -> None:
    """Makes sure that a preset is complete and that all its values are allowed.

    Args:
        preset: From any source.
        space: The parameters of its synth.

    Raises:
        PresetError: If a parameter is missing or its value is not allowed.
        UnknownName: If a name is not a parameter.

    Example:
        >>> from patchflow.presets import Knob
        >>> check(Preset("tone", {"gain": 9}), ParamSpace((Knob("gain", -60, 0, unit="dB"),)))
        Traceback (most recent call last):
        patchflow.errors.PresetError: gain=9: not in [-60, 0] dB
    """
    space.numbers(preset.values)


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


def _category_of() -> dict[str, str]:
    """The category of every word."""
    found: dict[str, str] = {}
    for category, words in _WORDS.items():
        found |= dict.fromkeys(words.split(), category)
    return found


_CATEGORY_OF = _category_of()
_RANK = {category: rank for rank, category in enumerate(CATEGORIES)}
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LONG = 5  # letters of a word that may also be part of a longer one


def category_from_name(name: str) -> str:
    """Returns the category that the words of a preset's name stand for, or "" if there is none.

    Args:
        name: Of a preset, as synths show it: `"E.PIANO 1"`, `"WarmStrings"`, `"TUB BELLS"`.

    Example:
        >>> [category_from_name(name) for name in ("E.PIANO 1", "SlapBass", "TUB BELLS", "INIT VOICE 7", "Blue")]
        ['Keys', 'Bass', 'Bells', 'Voice', '']
    """
    parts = [part.lower() for part in _PARTS.findall(name)]
    known = [_CATEGORY_OF[part] for part in parts if part in _CATEGORY_OF]
    if not known:
        # "SYNBRASS": no word of its own, but one inside. The longest decides: "harpsi" is no "harp".
        joined = "".join(parts)
        inside = [word for word in _CATEGORY_OF if len(word) >= _LONG and word in joined]
        longest = max(map(len, inside), default=0)
        known = [_CATEGORY_OF[word] for word in inside if len(word) == longest]
    return min(known, key=_RANK.__getitem__, default="")
