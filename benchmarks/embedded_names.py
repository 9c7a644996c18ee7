"""What presets of the embedded bank are called, and their tags: what they measurably are, and nothing else.

For `embedded_bank.py`. A preset has a word if it is in the first or the last fifth of the bank by what the word means.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from patchflow.browse.standing import COLUMNS, ranks_within
from patchflow.ear import MEASURES

OUTER = 0.2  # share of the presets at either end that have the word
ADJECTIVES = {
    ("brightness", -1): ("Dark", "Dark"),
    ("brightness", 1): ("Bright", "Brit"),
    ("attack", -1): ("Snappy", "Snap"),
    ("attack", 1): ("Slow", "Slow"),
    ("length", -1): ("Short", "Shrt"),
    ("length", 1): ("Long", "Long"),
    ("noisiness", -1): ("Clean", "Clen"),
    ("noisiness", 1): ("Noisy", "Nosy"),
    ("movement", -1): ("Steady", "Stdy"),
    ("movement", 1): ("Moving", "Move"),
    ("roughness", -1): ("Smooth", "Smoo"),
    ("roughness", 1): ("Rough", "Ruff"),
    ("harmonicity", -1): ("Metallic", "Metl"),
    ("harmonicity", 1): ("Pure", "Pure"),
    ("weight", -1): ("Thin", "Thin"),
    ("weight", 1): ("Fat", "Fat"),
    ("dynamics", -1): ("Even", "Even"),
    ("dynamics", 1): ("Dynamic", "Dyna"),
}
"""What an end of an attribute is called in a name, and in four letters."""

COMPOUNDS = {
    (("brightness", 1), ("noisiness", -1)): ("Glassy", "Glas"),
    (("brightness", -1), ("noisiness", -1)): ("Hollow", "Holo"),
    (("brightness", -1), ("weight", 1)): ("Deep", "Deep"),
    (("attack", -1), ("length", -1)): ("Plucky", "Plky"),
}
"""What two ends together are called."""

NOUNS = {
    "Bass": ("Bass", "Bas"),
    "Drums": ("Drum", "Drm"),
    "Bells": ("Bell", "Bel"),
    "Mallets": ("Mallet", "Mal"),
    "Organ": ("Organ", "Org"),
    "Keys": ("Keys", "Key"),
    "Plucked": ("Pluck", "Plk"),
    "Brass": ("Brass", "Brs"),
    "Woodwind": ("Woodwind", "Wnd"),
    "Strings": ("Strings", "Str"),
    "Voice": ("Voice", "Vox"),
    "Lead": ("Lead", "Led"),
    "Pad": ("Pad", "Pad"),
    "Sequence": ("Sequence", "Seq"),
    "Effects": ("Effect", "Efx"),
}
"""What a preset of a category is called in a name, and in three letters."""

_ENDS = {"attack": ("fast attack", "slow attack")}


def named(measures: np.ndarray, categories: Sequence[str]) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    """Returns names, names of at most ten letters, and tags of presets, all names unique.

    The word for what is most unusual for the category comes first.

    Args:
        measures: See `MEASURES`, shape `(N, M)`.
        categories: Of each.
    """
    ranks = ranks_within(measures, ["" for _ in categories])
    usual = {kind: ranks[np.array(categories) == kind].mean(0) for kind in dict.fromkeys(categories)}
    names: list[str] = []
    short_names: list[str] = []
    tags: list[tuple[str, ...]] = []
    counts: Counter[tuple[str, str]] = Counter()
    for row, category in zip(ranks, categories, strict=True):
        words = _adjectives(row, usual[category])
        _, first_short = words[0] if words else ("", "")
        counts[first_short, category] += 1
        number = counts[first_short, category]
        noun, noun_short = NOUNS[category]
        names.append(" ".join([*[word for word, _ in words[:2]], noun, str(number)]))
        short_names.append(f"{first_short}{noun_short}{number}")
        tags.append(_tags(row))
    return names, short_names, tags


def _adjectives(ranks: np.ndarray, usual: np.ndarray) -> list[tuple[str, str]]:
    """Words for a preset, the most telling first."""
    ends: dict[tuple[str, int], float] = {}
    for name, sign in ADJECTIVES:
        rank = ranks[COLUMNS[name]]
        if (rank >= 1 - OUTER) if sign > 0 else (rank <= OUTER):
            ends[name, sign] = abs(rank - usual[COLUMNS[name]])
    for pair in COMPOUNDS:
        if all(end in ends for end in pair):
            together = sum(ends.pop(end) for end in pair)
            words = sorted(ends, key=ends.__getitem__, reverse=True)
            rest = [ADJECTIVES[end] for end in words]
            return [COMPOUNDS[pair], *rest] if not words or together >= ends[words[0]] else [rest[0], COMPOUNDS[pair]]
    return [ADJECTIVES[end] for end in sorted(ends, key=ends.__getitem__, reverse=True)]


def _tags(ranks: np.ndarray) -> tuple[str, ...]:
    found = []
    for attribute, rank in zip(MEASURES, ranks, strict=True):
        low, high = _ENDS.get(attribute.name, (attribute.low, attribute.high))
        if rank >= 1 - OUTER:
            found.append(high)
        elif rank <= OUTER:
            found.append(low)
    return tuple(found)
