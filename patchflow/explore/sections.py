"""Sections of a synth by the words musicians use: groups, beginnings of groups, and kinds of parameters."""

import re
from collections.abc import Sequence

import numpy as np

from ..engines import Engine
from ..errors import OptionError
from ..presets import ParamSpace

__all__ = ["ALIASES", "kept_by_default", "level_parameter", "section_blocks", "section_names", "select_sections"]

ALIASES: dict[str, frozenset[str]] = {
    "amp": frozenset({"amp", "amplifier", "vca"}),
    "effects": frozenset(
        {"reverb", "chorus", "delay", "echo", "distortion", "compressor", "phaser", "flanger", "eq", "fx", "effects"}
    ),
    "env": frozenset({"env", "envelope", "eg", "adsr"}),
    "filter": frozenset({"filter", "vcf", "cutoff", "resonance"}),
    "lfo": frozenset({"lfo", "vibrato", "tremolo"}),
    "mod": frozenset({"mod", "modulation", "matrix"}),
    "op": frozenset({"op", "operator"}),
    "osc": frozenset({"osc", "oscillator", "vco", "dco"}),
    "pitch": frozenset({"pitch", "tune", "tuning", "transpose", "detune", "octave", "portamento"}),
}
"""Words for sections, and the words that names of groups or parameters begin with for each."""

_ANYWHERE = {
    "env": frozenset({"attack", "decay", "sustain", "release", "rate", "level"}),
    "pitch": frozenset({"pitch", "tune", "tuning", "transpose", "detune", "octave", "semitone", "coarse", "fine"}),
}
"""Words that say so anywhere in a name: `filter_attack` is of the filter, and of the envelopes."""

_NEVER = ALIASES["effects"] | ALIASES["lfo"] | ALIASES["mod"]  # the attack of a compressor is of no envelope

_NUMBERED = frozenset({"level", "rate"})  # parts of an envelope where they are numbered, as in op1.level2, else not
_LEVELS = frozenset({"volume", "gain", "mastervol", "mastervolume", "mastergain", "mainvolume"})


def section_names(space: ParamSpace) -> tuple[str, ...]:
    """Returns the groups of a synth, and the words for sections that it has something of.

    Example:
        >>> from patchflow.engines import engines
        >>> section_names(engines["tone"].space)
        ('osc', 'amp', 'env')
    """
    words = [word for word in sorted(ALIASES) if _by_alias(space, word)]
    return tuple(dict.fromkeys([*space.groups, *words]))


def select_sections(space: ParamSpace, words: Sequence[str]) -> np.ndarray:
    """Returns which parameters are of some sections, boolean, shape `(P,)`; all if no section is named.

    A word is the name of a group or a parameter, the beginning of names of groups, such as `op`, or one of `ALIASES`.

    Args:
        space: The synth's parameters.
        words: Names of sections.

    Raises:
        OptionError: If a word is none of these, with the list of those there are.

    Example:
        >>> from patchflow.engines import engines
        >>> select_sections(engines["tone"].space, ["env"]).tolist()
        [False, True, False]
    """
    if not words:
        return np.ones(len(space), bool)
    chosen = np.zeros(len(space), bool)
    for word in words:
        found = _found(space, word)
        if not found:
            raise OptionError(
                f"section={word}: this synth has none of this name. It has {', '.join(section_names(space))}, "
                f"and every parameter is a section of its own"
            )
        chosen[sorted(found)] = True
    return chosen


def kept_by_default(engine: type[Engine], sections: Sequence[str] = (), *, tuning: bool = True) -> np.ndarray:
    """Returns which parameters a variation leaves alone unless it is asked for them: those that tune, and the level.

    Args:
        engine: The synth.
        sections: What was asked for: `pitch` asks for what tunes, and every parameter can be asked for by its name.
        tuning: Whether those that tune are left alone.

    Returns:
        Boolean, shape `(P,)`.
    """
    space = engine.space
    kept = np.zeros(len(space), bool)
    if tuning and "pitch" not in sections:
        for names in engine.tuning:
            kept[[space.index[name] for name in names if name in space.index]] = True
    level = level_parameter(space)
    if level is not None:
        kept[level] = True
    kept[[space.index[word] for word in sections if word in space.index]] = False
    return kept


def level_parameter(space: ParamSpace) -> int | None:
    """Returns the place of the parameter that makes the whole sound louder, if there is just one of such a name.

    Example:
        >>> from patchflow.engines import engines
        >>> level_parameter(engines["tone"].space)
        2
    """
    found = []
    for place, name in enumerate(space.names):
        last = name.split(".")[-1]
        if re.sub(r"[^a-z]", "", last.lower()) in _LEVELS and not space.categorical[place]:
            found.append(place)
    return found[0] if len(found) == 1 else None


def section_blocks(space: ParamSpace, movable: np.ndarray, *, least: int = 1) -> dict[str, np.ndarray]:
    """Returns the sections that are borrowed whole, by name: the part of every group that may move.

    Args:
        space: The synth's parameters; one without a group is a section of its own.
        movable: Which may move, boolean, shape `(P,)`.
        least: How few sections are too few: then every parameter is one.

    Returns:
        Places of the parameters of each section.
    """
    places = np.flatnonzero(movable).tolist()
    blocks: dict[str, list[int]] = {}
    for place in places:
        blocks.setdefault(space.parameters[place].group or space.names[place], []).append(place)
    if len(blocks) < least:
        return {space.names[place]: np.array([place]) for place in places}
    return {name: np.array(members) for name, members in blocks.items()}


def _found(space: ParamSpace, word: str) -> set[int]:
    if word in space.index:
        return {space.index[word]}
    found: set[int] = set()
    for group, places in space.groups.items():
        # "op" is short for op1 to op6, and "osc" for osc, osc1 and osc_2
        if re.fullmatch(rf"{re.escape(word.lower())}[ _.]?\d*", group.lower()):
            found.update(places)
    return found or _by_alias(space, word.lower())


def _by_alias(space: ParamSpace, word: str) -> set[int]:
    first = ALIASES.get(word, frozenset())
    anywhere = _ANYWHERE.get(word, frozenset())
    found = set()
    for place, parameter in enumerate(space.parameters):
        heads = {_words(parameter.name)[0], *_words(parameter.group)[:1]}
        if heads & first or (anywhere.intersection(_words(parameter.name)) and not heads & _NEVER):
            found.add(place)
    return found


def _words(name: str) -> list[str]:
    """The words of a name without their numbers: of `op3.rate2`, "op" and "rate"."""
    words = []
    for word in re.findall(r"[A-Za-z0-9]+", name.lower()) or [""]:
        stem = word.rstrip("0123456789")
        if stem not in _NUMBERED or stem != word:
            words.append(stem)
    return words or [""]
