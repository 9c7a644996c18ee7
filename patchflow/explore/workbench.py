"""A preset whose children are looked for: what may change in it, steering, and the children that are found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
import torch

from ..audio.loudness import loudness
from ..audio.pitch import Pitch, estimate_pitch
from ..engines import Engine, Note
from ..engines._renderer import INAUDIBLE
from ..errors import OptionError, PresetError
from ..match.limits import encode_locks
from ..match.verdict import Judge
from ..metrics.perceptual import Reference
from ..presets import Preset, Value, check
from ..presets.preset import ascii_name
from ..progress import Progress, ProgressCallback
from .children import Child, Goal, Prospect, choose_apart, moves_between, sort_out
from .player import RATE, Audition, Heard, built
from .sections import kept_by_default, level_parameter, select_sections
from .trajectories import HeardPoint, Trajectory, points_at, steer

__all__ = ["Workbench", "check_count", "shortfall"]

_SLACK = 2.0  # tolerances within which a child still counts, where there are no better ones
_RENDERS = 150  # for each child that is wanted, at most
_TRAJECTORIES = 4  # that are tried together for each child that is wanted
_ENOUGH = 3  # presets at the goal for each child that is wanted; those far apart are taken
_COMPARED = 4  # candidates that are compared with each other for each child that is wanted
_FEWEST = 16
_IDLE = 4  # rounds without another preset at the goal after which there is no use in more
_MOST = 32
_LOUD = 0.5  # LU that are not put right
_LEVELS = 9  # that are tried


class Workbench:
    """A parent that is played and heard, and what is known of what may change in its children.

    Args:
        engine: Class of the synth.
        preset: The parent, before locks give it values; what it has beyond parameters stays in all children.
        sections: What may change, see `select_sections`; all if empty.
        lock: Parameters or groups that stay, None, or get a value.
        note: What is played.
        progress: Called after every round.
        tuning: Whether what tunes the synth stays unless a section asks for it.

    Attributes:
        preset: The parent, with the values of locks.
        start: The same, encoded and snapped, shape `(P,)`.
        sound: What it sounds like, mono at `RATE`, shape `(T,)`.
        reference: The same, analysed.
        movable: Which parameters may change, boolean, shape `(P,)`.
        trials: What was tried so far: of each trajectory the best.

    Raises:
        OptionError: If a section is unknown, or nothing is left that may move.
        PresetError: If the preset does not fit the synth, or is silent.
        RenderError: If the synth refuses it.
    """

    def __init__(
        self,
        engine: type[Engine],
        preset: Preset,
        *,
        sections: Sequence[str],
        lock: Mapping[str, Value | None],
        note: Note,
        progress: ProgressCallback,
        tuning: bool = True,
    ) -> None:
        self.space = engine.space
        self.note = note
        self.trials: list[HeardPoint] = []
        self._progress = progress
        point = self.encoded(preset)
        locked = encode_locks(self.space, lock, point)
        self.start = point.copy()
        self.start[list(locked)] = list(locked.values())
        self.start = self.space.snap(self.start)
        self._changed = np.flatnonzero(self.start != point).tolist()
        values = self.space.decode(self.start)
        named = {self.space.names[place]: values[self.space.names[place]] for place in self._changed}
        self.preset = replace(preset, values={**preset.values, **named}) if named else preset
        free = np.ones(len(self.space), bool)
        free[list(locked)] = False
        kept = kept_by_default(engine, sections, tuning=tuning)
        self.movable = select_sections(self.space, sections) & free & ~kept
        if not self.movable.any():
            raise OptionError(_nothing_left(sections, lock))
        self._tuners = free & (self.movable | kept_by_default(engine))
        level = level_parameter(self.space)
        self._level = level if level is not None and free[level] else None

        self.engine = built(engine, preset.state)
        self.audition = Audition(partial(built, engine, preset.state), note)
        try:
            self.sound = self.audition.sound(self.start)
        except BaseException:
            self.close()
            raise
        if np.abs(self.sound).max() < INAUDIBLE:
            self.close()
            locks = f" with {self._locks()}" if self._changed else ""
            raise PresetError(f"{preset.name or 'the preset'}: silent on this note{locks}, so nothing can be near it")
        self.reference = Reference(torch.from_numpy(self.sound))

    def __enter__(self) -> "Workbench":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the threads."""
        self.audition.close()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is said of the parent: where it is not the preset that was given."""
        if not self._changed:
            return ()
        return (f"distances are counted from the preset with what is locked: {self._locks()}",)

    def _locks(self) -> str:
        """The values that locks have changed, for people."""
        words = []
        for place in self._changed:
            name = self.space.names[place]
            value = self.preset.values[name]
            words.append(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}")
        return ", ".join(words)

    def encoded(self, preset: Preset) -> np.ndarray:
        """Returns a preset of the synth, encoded and snapped, shape `(P,)`.

        Raises:
            PresetError: If it does not fit the synth.
        """
        check(preset, self.space)
        return self.space.snap(self.space.encode(preset.values))

    def in_tune(self, point: np.ndarray) -> Heard:
        """Returns a preset put in tune with the parent, as it is heard."""
        return self.audition.hear(point[None], [self.reference], self._tuners)

    def find(
        self,
        trajectories: Callable[[int], list[Trajectory]],
        goal: Goal,
        *,
        references: Sequence[Reference],
        count: int,
        renders: int | None,
    ) -> tuple[Child, ...]:
        """Steers on ever new trajectories until there are enough children that are far from each other.

        Args:
            trajectories: Makes about as many new trajectories.
            goal: What children should be like.
            references: What is compared with; the first is the parent.
            count: How many children are wanted.
            renders: How many notes may be played, about; 150 a child if None.

        Returns:
            Each as loud as the parent where the synth has a level; fewer than wanted where there are no more.
        """
        most = _RENDERS * count if renders is None else renders
        enough = _ENOUGH * count
        chosen: list[Prospect] = []
        idle = 0
        while idle < _IDLE and self.audition.renders < most:
            before = self._landed(goal)
            self._progress(Progress("vary", min(before, enough), enough, "presets", renders=self.audition.renders))
            new = trajectories(_TRAJECTORIES * count)
            self.trials += steer(new, goal.value, goal.tolerance, partial(self._play, references), goal.of)
            landed = self._landed(goal)
            idle = 0 if landed > before else idle + 1
            if landed >= enough:
                chosen = self._choose(goal, count)
                if len(chosen) == count:
                    break
                enough *= 2  # what there was, was too much alike
        chosen = chosen if len(chosen) == count else self._choose(goal, count)
        return tuple(self._child(each, number, goal, references) for number, each in enumerate(chosen, 1))

    def _play(self, references: Sequence[Reference], trajectories: Sequence[Trajectory], shares: np.ndarray) -> Heard:
        points = points_at(trajectories, shares, self.space, self.start, self.movable)
        return self.audition.hear(points, references, self._tuners)

    def _landed(self, goal: Goal) -> int:
        return sum(goal.off(trial) <= 1 and goal.fits(trial) for trial in self.trials)

    def _choose(self, goal: Goal, count: int) -> list[Prospect]:
        nearest = sorted(self.trials, key=goal.off)
        candidates = self._prospects(nearest, goal, most=max(_COMPARED * count, _FEWEST))
        return choose_apart(candidates, count, goal.apart, self.audition.distances)

    def _prospects(self, trials: Sequence[HeardPoint], goal: Goal, most: int | None = None) -> list[Prospect]:
        near = [trial for trial in trials if goal.off(trial) <= _SLACK and goal.fits(trial)]
        return sort_out(near[:most], goal, self._judge, self._loudness, self._pitch)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.sound, RATE, hold=self.note.hold)

    @cached_property
    def _pitch(self) -> Pitch:
        return estimate_pitch(self.sound, RATE)

    @cached_property
    def _loudness(self) -> float:
        return loudness(self.sound, RATE)

    def _child(self, chosen: Prospect, number: int, goal: Goal, references: Sequence[Reference]) -> Child:
        trajectory = chosen.trial.trajectory
        share = chosen.trial.share
        intended = points_at([trajectory], np.array([share]), self.space, self.start, self.movable)[0]
        tuned = not np.array_equal(intended, chosen.trial.heard.points[0])
        final = self._levelled(chosen, goal, references)
        point = final.trial.heard.points[0]
        # short enough for a number in the ten letters of a DX7
        name = f"{ascii_name(self.preset.name or 'CHILD', 7).rstrip()} {number}"
        return Child(
            preset=replace(self.preset, values=self.space.decode(point), name=name),
            point=point,
            sound=final.sound,
            distances=tuple(np.round(final.trial.heard.distance[0], 3).tolist()),
            cents=None if final.cents is None else round(final.cents, 1),
            louder=round(final.louder, 2),
            sources=trajectory.sources(share),
            moves=moves_between(self.engine, self.start, point),
            tuned=tuned,
            levelled=final is not chosen,
        )

    def _levelled(self, chosen: Prospect, goal: Goal, references: Sequence[Reference]) -> Prospect:
        """The child with its level parameter where it comes nearest to the loudness of the parent, heard again.

        It stays as it is where the level does more than that, such as drive a distortion, and leads off the goal.
        """
        level = self._level
        if level is None or abs(chosen.louder) <= _LOUD:
            return chosen
        point = chosen.trial.heard.points[0]
        least = abs(chosen.louder)
        values = np.linspace(0, 1, _LEVELS)
        for _ in range(2):  # coarsely, then between the neighbours of the best
            tried = np.tile(point, (len(values), 1))
            tried[:, level] = values
            tried = self.space.snap(tried)
            off = [abs(loudness(each, RATE) - self._loudness) for each in self.audition.sounds(tried)]
            best = int(np.argmin(off))
            if off[best] < least:
                point = tried[best]
                least = off[best]
            step = values[1] - values[0]
            values = np.linspace(max(0, values[best] - step), min(1, values[best] + step), _LEVELS)
        heard = self.audition.hear(point[None], references)
        again = replace(chosen.trial, value=float(goal.of(heard)[0]), heard=heard)
        found = self._prospects([again], goal)
        return found[0] if found and abs(found[0].louder) < abs(chosen.louder) else chosen


def check_count(count: int, renders: int | None) -> None:
    """Makes sure that there is something to look for.

    Raises:
        OptionError: If not.
    """
    if not 1 <= count <= _MOST:
        raise OptionError(f"count={count}: not in [1, {_MOST}]")
    if renders is not None and not 1 <= renders <= 1_000_000:
        raise OptionError(f"renders={renders}: not in [1, 1000000]")


def shortfall(found: int, wanted: int) -> tuple[str, ...]:
    """Returns what is said where there are fewer children than wanted."""
    if found == wanted:
        return ()
    return (f"found {found} of {wanted}: others were twins of these, out of tune or not at this distance",)


def _nothing_left(sections: Sequence[str], lock: Mapping[str, Value | None]) -> str:
    words = [f"--section {word}" for word in sections] + [f"--lock {word}" for word in lock]
    why = ", ".join(words) or "this synth"
    return (
        f"{why}: nothing is left that may move. What tunes the synth, and its level, stay unless they are asked for "
        f"by name"
    )
