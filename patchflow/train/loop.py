"""The loop of every run: step, check, keep; exact resume after any interruption."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from traceback import clear_frames

import torch
from torch import Tensor, nn

from ..errors import OptionError
from ..models import Batch
from ..progress import Progress, ProgressCallback
from .checkpoint import State, save_checkpoint
from .distributed import Team
from .loader import Feed
from .log import Log
from .losses import ERROR, Terms, check_finite, validate
from .recipe import Recipe
from .replicas import Replicas
from .schedule import Schedule
from .training_data import Material

__all__ = ["Loop", "advice", "follow", "is_memory_short", "take_step"]

_LOOKED = 32  # steps after which a GPU is asked for its losses; every time would keep it waiting
_COMPILERS = ("torch._dynamo", "torch._inductor")


@dataclass
class Loop:
    """Fits a model until its schedule is over or nothing gets better.

    Args:
        settings: The recipe.
        state: What is trained; goes on from there.
        terms: Of its loss.
        material: What is checked on.
        feed: What is learned from.
        replicas: Of the model.
        team: The processes.
        out: Folder for checkpoints.
        log: Told of every check; None in all processes but the first.
        progress: Told of every check.
    """

    settings: Recipe
    state: State
    terms: Terms
    material: Material
    feed: Feed
    replicas: Replicas
    team: Team
    out: Path
    log: Log | None
    progress: ProgressCallback

    def __post_init__(self) -> None:
        self._schedule = Schedule(self.settings, self.feed.epoch)
        self._unread: list[Tensor] = []
        self._start = self._checked = time.monotonic()
        self._begun = (self.state.step, self.state.minutes)
        self._waited = 0.0
        self._losses, self._several = dict[str, float](), dict[str, float]()
        self.state.watch.resume(self.state.step, patience=self._patience)

    def run(self) -> None:
        """Takes all steps that are left.

        Raises:
            ModelError: If a term of the loss is not finite; the last checkpoint is kept.
            OptionError: If memory is not enough, or the model cannot be compiled.
            StorageError: If a file cannot be written.
        """
        while not self._over():
            self._step()
            checked = self._over() or self.state.step % self._schedule.every == 0
            if checked:
                self._check()
            if self._over() or self.state.step % self.settings.save_every == 0:
                self._save()
            if checked and self.team.leads:
                self.progress(self._report())

    @property
    def _patience(self) -> float:
        return self.settings.patience * self.feed.epoch

    @property
    def _warmed(self) -> float:
        return self._schedule.warmed(self.state.step, self.state.minutes, self.terms.settled)

    def _over(self) -> bool:
        return self.state.watch.stopped or self._schedule.done(self.state.step, self.state.minutes) >= 1

    def _step(self) -> None:
        state = self.state
        for group in state.optimizer.param_groups:
            group["lr"] = self._schedule.rate(state.step, state.minutes, state.watch.halvings)
        weights = self.terms.at(self._warmed)
        try:
            batch = self.feed.take(state.step)
            found = take_step(state, self.settings, batch, self.replicas, weights)
        except (MemoryError, RuntimeError) as error:
            self._explain(error)
            raise
        minutes = self._begun[1] + (time.monotonic() - self._start) / 60
        state.minutes = self.team.agree([minutes])[0] if self.settings.minutes else minutes
        self._unread.append(torch.stack([found[name] for name in self.terms.names]))
        if self.settings.device == "cpu" or len(self._unread) >= _LOOKED:
            self._read()

    def _read(self) -> None:
        """Adds up the terms of the steps since the last time, if all are numbers."""
        first = self.state.step - len(self._unread) + 1
        for step, row in enumerate(torch.stack(self._unread).tolist() if self._unread else [], first):
            named = dict(zip(self.terms.names, row, strict=True))
            check_finite(named.items(), step, self._kept)
            self.state.sums = {name: self.state.sums.get(name, 0.0) + value for name, value in named.items()}
            self.state.summed += 1
        self._unread = []

    def _check(self) -> None:
        self._read()
        idle = (self.feed.waited - self._waited) / max(1e-9, time.monotonic() - self._checked)
        state, train = self.state, {name: value / self.state.summed for name, value in self.state.sums.items()}
        valid = self._validate()
        check_finite(((f"valid {name}", value) for name, value in valid.items()), state.step, self._kept)
        watched = valid[self.settings.watch] if self.settings.watch else self.terms.total(valid)
        warming = self._warmed < self.terms.settled
        if state.watch.see(watched, state.step, warming=warming) and self.settings.keeps_best:
            state.best = {key: value.detach().cpu().clone() for key, value in state.average.state_dict().items()}
        if self.settings.schedule == "plateau":
            state.watch.halve(state.step, stall=self.settings.stall * self.feed.epoch)
        state.watch.stop(state.step, patience=self._patience)
        state.sums, state.summed = {}, 0
        self._losses = {"train": self.terms.total(train), "valid": self.terms.total(valid)}
        self._several = {f"train.{k}": v for k, v in train.items()} | {f"valid.{k}": v for k, v in valid.items()}
        if self.log is not None:
            self.log.write({**self._facts(idle), **self._losses, **self._several})
        self._waited, self._checked = self.feed.waited, time.monotonic()

    def _validate(self) -> dict[str, float]:
        if not self.settings.average:
            follow(self.state, 0.0)
        guessing = self.settings.watch == ERROR
        names = (*self.terms.names, ERROR) if guessing else self.terms.names
        found: Mapping[str, float] = dict.fromkeys(names, 0.0)
        if self.team.leads:
            found = validate(self.state.average, self.material, self.team.device, guessing=guessing)
        return dict(zip(names, self.team.agree([found[name] for name in names]), strict=True))

    def _facts(self, idle: float) -> dict[str, float]:
        """What the log says beside the losses; `idle` is the share of the time that was spent waiting for items."""
        state = self.state
        return {
            "step": state.step,
            "epoch": round(state.step / self.feed.epoch, 3),
            "minutes": round(state.minutes, 3),
            "rate": state.optimizer.param_groups[0]["lr"],
            "idle": round(idle, 4),
        }

    def _save(self) -> None:
        self._read()
        if not self.settings.average:
            follow(self.state, 0.0)
        if self.team.leads:
            save_checkpoint(self.out / "checkpoint.safetensors", self.state)

    def _report(self) -> Progress:
        losses = self._losses | (self._several if len(self.terms.names) > 1 else {})
        left = None if self._over() else self._seconds_left()
        return Progress("train", self.state.step, self._schedule.steps, "steps", seconds_left=left, losses=losses)

    def _seconds_left(self) -> float:
        """As long as the rest takes at the speed so far, if nothing stops it early."""
        taken = time.monotonic() - self._start
        left = taken * (self._schedule.steps - self.state.step) / max(1, self.state.step - self._begun[0])
        limit = 60 * (self.settings.minutes - self.state.minutes) if self.settings.minutes else left
        return min(left, max(0.0, limit))

    @property
    def _kept(self) -> str:
        return f"the last checkpoint is kept in {self.out}"

    def _explain(self, error: MemoryError | RuntimeError) -> None:
        """Raises an error that helps, if memory is short or torch cannot compile."""
        if any(kind.__module__.startswith(_COMPILERS) for kind in type(error).__mro__):
            reason = " ".join(str(error).split())[:200]
            raise OptionError(f"compile=true: torch cannot compile this model here. Give compile=false. ({reason})")
        if not is_memory_short(error):
            return
        clear_frames(error.__traceback__)  # they hold on to the memory
        batch, attempt = self.settings.batch, self._attempt if self.team.size == 1 else None
        where = f"{self.team.device} at step {self.state.step + 1}"
        raise OptionError(f"batch={batch}: out of memory on {where}. {advice(batch, attempt)}") from None

    def _attempt(self, count: int) -> None:
        """Computes a gradient for some items, beside what the optimizer will need."""
        self.state.optimizer.zero_grad(set_to_none=True)
        weights = [] if self.state.optimizer.state else list(self.state.model.parameters())
        moments = [torch.empty_like(weight) for weight in weights for _ in range(2)]
        batch = self.feed.take_some(self.state.step, count)
        self.replicas.backward(batch, seed=0, mixed=self.settings.is_mixed)
        del moments


_SPREAD = 1_000_003  # seeds of one run do not meet those of the next


def take_step(
    state: State, settings: Recipe, batch: Batch, replicas: Replicas, weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """Moves the weights once and returns the terms of the loss as they were before.

    Args:
        state: What is trained.
        settings: The recipe.
        batch: What to learn from.
        replicas: Of the model.
        weights: Weight of every term.
    """
    seed = settings.seed * _SPREAD + state.step
    terms = replicas.backward(batch, weights, seed=seed, mixed=settings.is_mixed)
    if settings.clip:
        nn.utils.clip_grad_norm_(state.model.parameters(), settings.clip)
    state.optimizer.step()
    state.step += 1
    if settings.average:
        follow(state, settings.average)
    return terms


@torch.no_grad()
def follow(state: State, decay: float) -> None:
    """Moves the average towards the weights.

    Args:
        state: What is trained.
        decay: Share of the average that stays, less in the first steps; 0 makes it equal to the weights.
    """
    decay = min(decay, (state.step + 1) / (state.step + 10))
    ours, theirs = state.average, state.model
    for slow, fast in zip(ours.parameters(), theirs.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)
    for slow, fast in zip(ours.buffers(), theirs.buffers(), strict=True):
        if slow.is_floating_point():
            slow.copy_(torch.where(slow == fast, slow, slow.lerp(fast, 1 - decay)))  # infinities stay as they are
        else:
            slow.copy_(fast)


_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")


def is_memory_short(error: BaseException) -> bool:
    """Returns whether an error says that memory is not enough.

    Example:
        >>> is_memory_short(MemoryError()), is_memory_short(RuntimeError("shapes differ"))
        (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def advice(batch: int, attempt: Callable[[int], None] | None) -> str:
    """Returns a sentence on the batch size to use: the first of the halves of `batch` that can be computed.

    Args:
        batch: Items for which memory was not enough.
        attempt: Computes a loss and its gradient for so many items; None if that cannot be tried.

    Example:
        >>> def attempt(count):
        ...     if count > 20:
        ...         raise MemoryError
        >>> advice(100, attempt)
        'batch=12 fits: it was tried.'
    """
    if attempt is None:
        return f"Give a smaller batch, e.g. batch={max(2, batch // 2)}; whether that fits was not tried."
    while batch > 2:
        batch = max(2, batch // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            attempt(batch)
        except (MemoryError, RuntimeError) as error:
            if not is_memory_short(error):
                raise
        else:
            return f"batch={batch} fits: it was tried."
    return "No batch fits: use a smaller model or more memory."
