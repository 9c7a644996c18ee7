"""The parameters of Vital: all there are, the core that presets use most, and which of them cannot be heard."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..space import Choice, Knob, Parameter, ParamSpace
from ._controls import SLOTS, VitalControl, controls, destinations, sources

__all__ = ["CORE", "CORE_SLOTS", "FULL", "NONE", "OTHER", "SPACES", "canonical_vital", "control_name"]

NONE = "none"
"""The source or destination of a modulation that is not connected."""

OTHER = "other"
"""A destination that is not in the core; that of the file the preset was built on is kept."""

CORE_SLOTS = 8
"""Modulations in the core; four of five presets have no more."""

# Vital itself starts every note at a random phase, so two renders of its first preset differ by 0.6 of full scale.
# Our fresh preset has fixed phases, so that renders repeat, and frame 128 of the wavetable, which is a saw.
_FRESH = {"random_phase": 0.0, "wave_frame": 128.0}

_BORROWED = "<-"  # a distortion by another oscillator or the sample, which is heard even where that is off
_ROUTING = ("on", "filter_input")  # what counts of a part that is off


def control_name(parameter: str) -> str:
    """Returns the name of a parameter's control in preset files.

    Example:
        >>> control_name("osc_1.level")
        'osc_1_level'
    """
    return parameter.replace(".", "_")


def canonical_vital(points: np.ndarray, space: ParamSpace, kept: Collection[str] = ()) -> np.ndarray:
    """Returns presets that sound the same, with every parameter that cannot be heard at its default.

    That is all of a part that is off, all of a modulation that is not connected, all of an envelope, LFO or random
    source that modulates nothing, and the amount of a distortion or spectral morph of type None.

    Args:
        points: Encoded presets, shape `(N, P)`.
        space: Parameters of Vital.
        kept: Sources of modulations beyond the space.

    Returns:
        Encoded presets, shape `(N, P)`.
    """
    return _Canonical(points, space).without_unconnected().without_unused(kept).without_switched_off().points


def _full_space() -> ParamSpace:
    return ParamSpace(tuple(_parameters(controls().values(), SLOTS, destinations())))


def _core_space() -> ParamSpace:
    chosen = [control for control in controls().values() if control.name in _CORE]
    known = set(destinations())
    targets = [control.name for control in chosen if control.name in known]
    return ParamSpace(tuple(_parameters(chosen, CORE_SLOTS, (*targets, OTHER))))


def _parameters(chosen: Iterable[VitalControl], slots: int, targets: tuple[str, ...]) -> Iterator[Parameter]:
    """All parameters, part by part, and the routing of each modulation before its controls."""
    parts: dict[str, list[Parameter]] = {}
    for control in chosen:
        parts.setdefault(control.part, []).append(_fresh(control))
    for slot in range(1, slots + 1):
        part = f"modulation_{slot}"
        allowed = tuple(name for name in targets if name != f"{part}_amount")  # not its own amount
        source = Choice(f"{part}.source", (NONE, *sources()), part)
        destination = Choice(f"{part}.destination", (NONE, *allowed), part)
        parts[part] = [source, destination, *parts[part]]
    for part in sorted(parts, key=_order):
        yield from parts[part]


def _fresh(control: VitalControl) -> Parameter:
    """The parameter of a control, with the default of our fresh preset."""
    parameter = control.parameter
    last = parameter.name.rpartition(".")[2]
    if isinstance(parameter, Knob) and parameter.group.startswith("osc") and last in _FRESH:
        return replace(parameter, default=_FRESH[last])
    return parameter


def _order(part: str) -> tuple[int, str, int]:
    """Sort key of a part: the signal's way first, then effects and macros by name, what all voices share last."""
    kind, _, number = part.partition("_")
    first = ("osc", "sample", "filter", "env", "lfo", "random", "modulation")
    place = first.index(kind) if kind in first else len(first)
    if kind == "voice":
        place += 1
    return place, kind, int(number) if number.isdigit() else 99  # 99: filter_fx comes after the numbered filters


def _names(parts: Iterable[str], controls: str) -> list[str]:
    names = []
    for part in parts:
        names += [f"{part}_{control}" for control in controls.split()]
    return names


def _numbered(part: str, count: int) -> list[str]:
    return [f"{part}_{n}" for n in range(1, count + 1)]


# What at least six of 82 presets changed, see `benchmarks/vital_core.py`; where one oscillator, filter, envelope
# or LFO has a control, all have. Left out: what does not shape one note (polyphony, glide, tempo), random
# generators, and the panel.
_CORE = frozenset(
    [
        *_names(
            _numbered("osc", 3),
            "on level transpose tune phase wave_frame unison_voices unison_detune destination"
            " spectral_morph_type spectral_morph_amount distortion_type distortion_amount",
        ),
        *_names(["sample"], "on level destination"),
        *_names(_numbered("filter", 2), "on model style cutoff resonance drive blend keytrack filter_input"),
        *_names(_numbered("env", 3), "attack hold decay sustain release decay_power"),
        *_names(_numbered("lfo", 3), "sync sync_type frequency tempo smooth_time"),
        *_names(_numbered("modulation", CORE_SLOTS), "amount bipolar"),
        *_names(["chorus"], "on dry_wet feedback voices delay_1 delay_2 cutoff mod_depth spread frequency sync"),
        *_names(
            ["compressor"],
            "on mix attack enabled_bands band_lower_threshold band_upper_threshold band_lower_ratio band_upper_ratio",
        ),
        *_names(
            ["delay"], "on dry_wet feedback style sync tempo aux_sync aux_tempo filter_cutoff filter_spread"
        ),
        *_names(["distortion"], "on type drive filter_cutoff filter_resonance"),
        *_names(["eq"], "on low_cutoff low_gain band_cutoff band_gain high_cutoff high_gain"),
        *_names(
            ["reverb"],
            "on dry_wet decay_time size delay chorus_amount chorus_frequency"
            " low_shelf_cutoff low_shelf_gain high_shelf_cutoff high_shelf_gain",
        ),
        "voice_transpose",
        "volume",
    ]
)  # fmt: skip

FULL = _full_space()
"""All 772 controls and the 64 modulations."""

CORE = _core_space()
"""What most presets use: sound sources, filters, three envelopes and LFOs, effects, eight modulations."""

SPACES = {"vital": CORE, "vital_full": FULL}
"""The parameters of each engine that plays Vital."""


class _Canonical:
    """Points on their way to canonical ones. The steps build on each other, in the order of `canonical_vital`."""

    def __init__(self, points: np.ndarray, space: ParamSpace) -> None:
        self.points = space.snap(points)
        self.space = space
        self.default = space.default()
        self.sources: list[np.ndarray] = []  # of every modulation, the cells of its source, shape (N,)

    def without_unconnected(self) -> "_Canonical":
        for part in self._parts("modulation"):
            # cell 0 of both choices is NONE
            source = self._cell(f"{part}.source")
            target = self._cell(f"{part}.destination")
            self._reset((source == 0) | (target == 0), part)
            self.sources.append(np.where(target == 0, 0, source))
        return self

    def without_unused(self, kept: Collection[str]) -> "_Canonical":
        names = self._options("modulation_1.source")
        for part in [*self._parts("env"), *self._parts("lfo"), *self._parts("random")]:
            # env_1 is the loudness of every voice, whether or not it modulates anything else
            if part != "env_1" and part not in kept:
                used = np.any([source == names.index(part) for source in self.sources], axis=0)
                self._reset(~used, part)
        return self

    def without_switched_off(self) -> "_Canonical":
        # Where any oscillator borrows another sound, no oscillator or sample is reset: which one
        # it borrows depends on the oscillator, and to reset too little is always right.
        borrowed = np.zeros(len(self.points), bool)
        for part in self._parts("osc"):
            types = self._options(f"{part}.distortion_type")
            borrowing = [place for place, title in enumerate(types) if _BORROWED in title]
            borrowed |= np.isin(self._cell(f"{part}.distortion_type"), borrowing)

        for part in self.space.groups:
            if f"{part}.on" in self.space.index:
                off = self._cell(f"{part}.on") == 0
                if part.startswith(("osc", "sample")):
                    off &= ~borrowed
                self._reset(off, part, _ROUTING)

        for part in self._parts("osc"):
            for kind in ("distortion", "spectral_morph"):
                none = self._options(f"{part}.{kind}_type").index("None")
                without = self._cell(f"{part}.{kind}_type") == none
                self._set(without, [f"{part}.{kind}_amount"])
        return self

    def _parts(self, kind: str) -> list[str]:
        return [part for part in self.space.groups if part.startswith(f"{kind}_")]

    def _options(self, name: str) -> tuple[str, ...]:
        parameter = self.space.parameters[self.space.index[name]]
        return parameter.options if isinstance(parameter, Choice) else (NONE,)

    def _cell(self, name: str) -> np.ndarray:
        i = self.space.index[name]
        return np.floor(self.points[:, i] * self.space.cells[i]).astype(int)

    def _reset(self, rows: np.ndarray, part: str, but: Collection[str] = ()) -> None:
        members = [self.space.names[i] for i in self.space.groups[part]]
        self._set(rows, [name for name in members if name.partition(".")[2] not in but])

    def _set(self, rows: np.ndarray, names: list[str]) -> None:
        """Sets parameters of some rows to their defaults."""
        for name in names:
            i = self.space.index[name]
            self.points[rows, i] = self.default[i]
