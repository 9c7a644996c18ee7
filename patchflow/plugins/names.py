"""Names and groups of a plug-in's parameters, guessed from what it calls them."""

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["groups", "synth_name", "unique"]

_LONGEST = 100  # letters


def unique(names: Sequence[str]) -> list[str]:
    """Returns names of which none is empty and none comes twice.

    Example:
        >>> unique(["Attack", "", "Attack "])
        ['Attack', 'parameter 1', 'Attack 2']
    """
    found: list[str] = []
    for index, name in enumerate(names):
        stem = " ".join(re.sub(r"[^ -~\u00a0-\U0010ffff]|=", " ", name).split())[:_LONGEST] or f"parameter {index}"
        number = 1
        while (candidate := stem if number == 1 else f"{stem} {number}") in found:
            number += 1
        found.append(candidate)
    return found


def groups(names: Sequence[str]) -> list[str]:
    """Returns the part of the synth that each parameter belongs to, "" for one that stands alone.

    Parameters are of one part if their names begin with the same word, and with the same number if one follows.

    Example:
        >>> groups(["osc1_wave", "osc1_tune", "Osc 1 Level", "filter.cutoff", "volume"])
        ['osc1', 'osc1', 'osc1', '', '']
    """
    starts = [_start(name) for name in names]
    count = Counter(starts)
    return [start if count[start] > 1 else "" for start in starts]


def synth_name(plugin: str) -> str:
    """Returns what to call the synth of a plug-in's file or address.

    Example:
        >>> synth_name("/usr/lib/vst/amsynth_vst.so"), synth_name("http://zynaddsubfx.sourceforge.net")
        ('amsynth', 'zynaddsubfx')
    """
    if "://" in plugin:
        host, _, way = plugin.partition("://")[2].rstrip("/").partition("/")
        stem = way.rpartition("/")[2] or host.removeprefix("www.").partition(".")[0]
    else:
        stem = re.split(r"[/\\]", plugin.rstrip("/\\"))[-1].rpartition(".")[0] or plugin
    short = re.sub(r"[-_ ]?(vst[23i]?|lv2)$", "", stem.rpartition("#")[2].lower())
    return re.sub(r"[^a-z0-9_-]+", "-", short).strip("-_")[:40] or "synth"


def _start(name: str) -> str:
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    if len(words) < 2:
        return ""
    first = words[0].lower()
    return first + words[1] if words[1].isdigit() and len(words) > 2 else first
