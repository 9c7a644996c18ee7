"""Which parameters of a Vital preset cannot be heard."""

from collections.abc import Collection

import numpy as np

from ..space import ParamSpace
from ._spaces import NONE

__all__ = ["canonical"]

_BORROWED = "<-"  # a distortion by another oscillator or the sample, which is heard even where that is off
_ROUTING = ("on", "filter_input")  # what counts of a part that is off


def canonical(points: np.ndarray, space: ParamSpace, kept: Collection[str] = ()) -> np.ndarray:
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
    def __init__(self, points: np.ndarray, space: ParamSpace) -> None:
        self.points = space.snap(points)
        self.space = space
        self.default = space.default()

    def without_unconnected(self) -> "_Canonical":
        self.sources: list[np.ndarray] = []
        for part in self._parts("modulation"):
            source, target = self._cell(f"{part}.source"), self._cell(f"{part}.destination")
            self._reset((source == 0) | (target == 0), part)
            self.sources.append(np.where(target == 0, 0, source))
        return self

    def without_unused(self, kept: Collection[str]) -> "_Canonical":
        names = self._options("modulation_1.source")
        for part in [*self._parts("env"), *self._parts("lfo"), *self._parts("random")]:
            if part != "env_1" and part not in kept:  # which is the loudness
                used = np.any([source == names.index(part) for source in self.sources], axis=0)
                self._reset(~used, part)
        return self

    def without_switched_off(self) -> "_Canonical":
        borrowed = np.zeros(len(self.points), bool)
        for part in self._parts("osc"):
            types = self._options(f"{part}.distortion_type")
            borrowed |= np.isin(
                self._cell(f"{part}.distortion_type"), [k for k, t in enumerate(types) if _BORROWED in t]
            )
        for part in self.space.groups:
            if f"{part}.on" in self.space.index:
                off = self._cell(f"{part}.on") == 0
                self._reset(off & ~borrowed if part.startswith(("osc", "sample")) else off, part, _ROUTING)
        for part in self._parts("osc"):
            for kind in ("distortion", "spectral_morph"):
                none = self._cell(f"{part}.{kind}_type") == self._options(f"{part}.{kind}_type").index("None")
                self._set(none, [f"{part}.{kind}_amount"])
        return self

    def _parts(self, kind: str) -> list[str]:
        return [part for part in self.space.groups if part.startswith(f"{kind}_")]

    def _options(self, name: str) -> tuple[str, ...]:
        return getattr(self.space.parameters[self.space.index[name]], "options", (NONE,))

    def _cell(self, name: str) -> np.ndarray:
        i = self.space.index[name]
        return np.floor(self.points[:, i] * self.space.cells[i]).astype(int)

    def _reset(self, rows: np.ndarray, part: str, but: Collection[str] = ()) -> None:
        members = [self.space.names[i] for i in self.space.groups[part]]
        self._set(rows, [name for name in members if name.partition(".")[2] not in but])

    def _set(self, rows: np.ndarray, names: list[str]) -> None:
        for i in (self.space.index[name] for name in names):
            self.points[rows, i] = self.default[i]
