"""Resets the parameters of a Vital preset that cannot be heard."""

from collections.abc import Collection

import numpy as np

from ..parameters import Choice
from ..space import ParamSpace
from ._spaces import NONE

__all__ = ["canonical_vital"]

_BORROWED = "<-"  # a distortion by another oscillator or the sample, which is heard even where that is off
_ROUTING = ("on", "filter_input")  # what counts of a part that is off


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
