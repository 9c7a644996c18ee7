"""The loop of every run: step, check, keep. A run that was stopped anywhere resumes exactly."""

import math
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
from .checkpoint import Log, State, save_checkpoint
from .distributed import Replicas, Team
from .loader import Loader
from .recipe import Recipe
from .schedule import ERROR, Schedule, Terms, check_finite, validate
from .training_data import TrainingData

__all__ = ["Loop", "advice", "follow", "is_memory_short", "take_step"]

_READ_EVERY = 32  # steps after which a GPU is asked for its losses; to ask after every step would keep it waiting
_FIRST_REPORT = 5.0  # seconds of training after which there is an estimate of how long it will take
_NEXT_REPORT = 10.0  # seconds after which a run whose checks are rare is reported anyway
_SEEDS = 1_000_003  # seeds of one run do not meet those of the next
_COMPILERS = ("torch._dynamo", "torch._inductor")


@dataclass(kw_only=True)
class Loop:
    """Fits a model until its schedule is over or nothing gets better.

    Args:
        settings: The recipe.
        state: What is trained; the loop goes on from its step.
        terms: The terms of its loss.
        data: Has the items to validate on.
        loader: Gives the batches to learn from.
        replicas: Compute the gradient of a batch.
        team: The processes that share every batch.
        out: Folder for checkpoints.
        log: Gets a line for every check; None in all processes but the first.
        progress: Called after every check, and every few seconds in between.
    """

    settings: Recipe
    state: State
    terms: Terms
    data: TrainingData
    loader: Loader
    replicas: Replicas
    team: Team
    out: Path
    log: Log | None
    progress: ProgressCallback

    def __post_init__(self) -> None:
        self._schedule = Schedule(self.settings, self.loader.epoch)
        # where this call began, which is not step 0 if the run was resumed
        self._began = time.monotonic()
        self._first_step = self.state.step
        self._first_minutes = self.state.minutes
        # since the last check, or the beginning
        self._checked = self._began
        self._reported = self._began - _NEXT_REPORT + _FIRST_REPORT
        self._waited = 0.0
        self._unread: list[Tensor] = []  # terms of steps, still on the device
        # what the last check found
        self._losses: dict[str, float] = {}
        self._losses_by_term: dict[str, float] = {}
        self.state.early_stopping.resume(self.state.step, patience=self._patience)

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
            # A check may end the run, so that is asked again. The checkpoint comes before the progress callback,
            # which may stop the run by raising.
            if self._over() or self.state.step % self.settings.save_every == 0:
                self._save()
            now = time.monotonic()
            if self.team.leads and (checked or now - self._reported >= _NEXT_REPORT):
                self._reported = now
                self.progress(self._report())
                held_up = time.monotonic() - now  # by a callback that waits, which is no time of training
                self._began += held_up
                self._checked += held_up

    @property
    def _patience(self) -> float:
        """Steps without a better validation after which the run ends; 0 for never."""
        return self.settings.patience * self.loader.epoch

    @property
    def _warmup(self) -> float:
        """The epochs that warm-ups of the terms count."""
        return self._schedule.warmed(self.state.step, self.state.minutes, self.terms.settled)

    @property
    def _kept(self) -> str:
        return f"the last checkpoint is kept in {self.out}"

    def _over(self) -> bool:
        return self.state.early_stopping.stopped or self._schedule.done(self.state.step, self.state.minutes) >= 1

    def _step(self) -> None:
        """Learns from one batch."""
        state = self.state
        rate = self._schedule.learning_rate(state.step, state.minutes, state.early_stopping.halvings)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        weights = self.terms.at(self._warmup)
        try:
            batch = self.loader.take(state.step)
            found = take_step(state, self.settings, batch, self.replicas, weights)
        except (MemoryError, RuntimeError) as error:
            self._explain(error)
            raise

        minutes = self._first_minutes + (time.monotonic() - self._began) / 60
        if self.settings.minutes:
            # The clock ends this run, so all processes go by that of the first one: if one of them stopped a step
            # before the others, those would wait for it forever.
            minutes = self.team.agree([minutes])[0]
        state.minutes = minutes

        self._unread.append(torch.stack([found[name] for name in self.terms.names]))
        if self.settings.device == "cpu" or len(self._unread) >= _READ_EVERY:
            self._read()

    def _read(self) -> None:
        """Adds up the terms of the steps since the last time, if all are finite."""
        if not self._unread:
            return
        state = self.state
        first = state.step - len(self._unread) + 1
        rows = torch.stack(self._unread).tolist()
        for step, row in enumerate(rows, first):
            values = dict(zip(self.terms.names, row, strict=True))
            check_finite(values.items(), step, self._kept)
            state.sums = {name: state.sums.get(name, 0.0) + value for name, value in values.items()}
            state.summed += 1
        self._unread = []

    def _check(self) -> None:
        """Validates the model, decides what follows from that, and logs it."""
        self._read()
        state = self.state
        seconds = time.monotonic() - self._checked
        idle = (self.loader.waited - self._waited) / max(1e-9, seconds)

        train = {name: value / state.summed for name, value in state.sums.items()}
        valid = self._validate()
        named = {f"valid {name}": value for name, value in valid.items()}
        check_finite(named.items(), state.step, self._kept)
        self._decide(valid)
        state.sums = {}
        state.summed = 0

        self._losses = {"train": self.terms.total(train), "valid": self.terms.total(valid)}
        self._losses_by_term = {f"train.{name}": value for name, value in train.items()}
        self._losses_by_term |= {f"valid.{name}": value for name, value in valid.items()}
        if self.log is not None:
            self.log.write({**self._facts(idle), **self._losses, **self._losses_by_term})
        self._waited = self.loader.waited
        self._checked = time.monotonic()

    def _validate(self) -> dict[str, float]:
        """The terms of the loss over the validation items, and the error if that is monitored."""
        self._follow_at_once()
        with_error = self.settings.monitor == ERROR
        names = (*self.terms.names, ERROR) if with_error else self.terms.names
        found: Mapping[str, float] = dict.fromkeys(names, 0.0)
        if self.team.leads:
            found = validate(self.state.average, self.data, self.team.device, with_error=with_error)
        # one process validates and all take its numbers, so that all stop or halve at the same step
        agreed = self.team.agree([found[name] for name in names])
        return dict(zip(names, agreed, strict=True))

    def _decide(self, valid: Mapping[str, float]) -> None:
        """Keeps the weights if they are the best so far, halves the learning rate and stops if it is time to."""
        state = self.state
        loss = valid[self.settings.monitor] if self.settings.monitor else self.terms.total(valid)
        warming = self._warmup < self.terms.settled
        is_best = state.early_stopping.see(loss, state.step, warming=warming)
        if is_best and self.settings.keeps_best:
            state.best = {key: value.detach().cpu().clone() for key, value in state.average.state_dict().items()}
        if self.settings.schedule == "plateau":
            plateau_patience = self.settings.plateau_patience * self.loader.epoch
            state.early_stopping.halve(state.step, plateau_patience=plateau_patience)
        state.early_stopping.stop(state.step, patience=self._patience)

    def _facts(self, idle: float) -> dict[str, float]:
        """What the log says beside the losses; `idle` is the share of the time that was spent waiting for items."""
        state = self.state
        return {
            "step": state.step,
            "epoch": round(state.step / self.loader.epoch, 3),
            "minutes": round(state.minutes, 3),
            "learning_rate": state.optimizer.param_groups[0]["lr"],
            "idle": round(idle, 4),
        }

    def _save(self) -> None:
        """Writes the checkpoint, once all losses up to this step are known to be finite."""
        self._read()
        self._follow_at_once()
        if self.team.leads:
            save_checkpoint(self.out / "checkpoint.safetensors", self.state)

    def _follow_at_once(self) -> None:
        """Makes the average equal to the weights where the recipe wants no moving average."""
        if not self.settings.ema:
            follow(self.state, 0.0)

    def _report(self) -> Progress:
        losses = dict(self._losses)
        if len(self.terms.names) > 1:
            losses |= self._losses_by_term
        left = None if self._over() else self._seconds_left()
        step = self.state.step
        limit = self.settings.minutes
        # Of steps and minutes the one that will end the run is what it is a share of.
        if self._steps_seconds() > self._clock_seconds():
            done = min(limit, self.state.minutes)
            return Progress("train", done, limit, "minutes", seconds_left=left, steps=step, losses=losses)
        return Progress("train", step, self._schedule.steps, "steps", seconds_left=left, losses=losses)

    def _seconds_left(self) -> float:
        """Seconds until the steps or the minutes are over, if nothing stops the run before."""
        return min(self._steps_seconds(), self._clock_seconds())

    def _steps_seconds(self) -> float:
        """Seconds that the steps left take at the speed so far."""
        seconds = time.monotonic() - self._began
        taken = max(1, self.state.step - self._first_step)
        return seconds * (self._schedule.steps - self.state.step) / taken

    def _clock_seconds(self) -> float:
        """Seconds that are left of the minutes; without end if the recipe has no limit."""
        minutes = self.settings.minutes - self.state.minutes
        return 60 * max(0.0, minutes) if self.settings.minutes else math.inf

    def _explain(self, error: MemoryError | RuntimeError) -> None:
        """Raises an error that helps, if memory is short or torch cannot compile."""
        if any(kind.__module__.startswith(_COMPILERS) for kind in type(error).__mro__):
            reason = " ".join(str(error).split())[:200]
            raise OptionError(f"compile=true: torch cannot compile this model here. Give compile=false. ({reason})")
        if not is_memory_short(error):
            return
        # The traceback's frames hold the tensors of the failed step. They have to go before smaller batches are tried,
        # or none would fit.
        clear_frames(error.__traceback__)
        batch = self.settings.batch
        attempt = self._attempt if self.team.size == 1 else None
        where = f"{self.team.device} at step {self.state.step + 1}"
        raise OptionError(f"batch={batch}: out of memory on {where}. {advice(batch, attempt)}") from None

    def _attempt(self, count: int) -> None:
        """Computes a gradient for some items, beside what the optimizer will need."""
        self.state.optimizer.zero_grad(set_to_none=True)
        moments: list[Tensor] = []
        if not self.state.optimizer.state:
            # no step was taken yet, so the two moments of every weight that Adam keeps do not exist
            for weight in self.state.model.parameters():
                moments += [torch.empty_like(weight), torch.empty_like(weight)]
        batch = self.loader.take_some(self.state.step, count)
        self.replicas.backward(batch, seed=0, mixed=self.settings.is_mixed)
        del moments


def take_step(
    state: State, settings: Recipe, batch: Batch, replicas: Replicas, weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """Moves the weights once and returns the terms of the loss as they were before.

    Args:
        state: What is trained.
        settings: The recipe.
        batch: What to learn from.
        replicas: Replicas of the model.
        weights: Weight of every term.
    """
    # a seed of the step alone: a resumed run draws what it would have drawn
    seed = settings.seed * _SEEDS + state.step
    terms = replicas.backward(batch, weights, seed=seed, mixed=settings.is_mixed)
    if settings.clip:
        nn.utils.clip_grad_norm_(state.model.parameters(), settings.clip)
    state.optimizer.step()
    state.step += 1
    if settings.ema:
        follow(state, settings.ema)
    return terms


@torch.no_grad()
def follow(state: State, decay: float) -> None:
    """Moves the average towards the weights.

    Args:
        state: What is trained.
        decay: Share of the average that stays, less in the first steps; 0 makes it equal to the weights.
    """
    # The average begins as the untrained weights. After step n it keeps no more than (n + 1) / (n + 10) of itself, or
    # it would be full of them for thousands of steps.
    decay = min(decay, (state.step + 1) / (state.step + 10))
    average = state.average
    model = state.model
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)
    for slow, fast in zip(average.buffers(), model.buffers(), strict=True):
        if slow.is_floating_point():
            slow.copy_(torch.where(slow == fast, slow, slow.lerp(fast, 1 - decay)))  # infinities stay as they are
        else:
            slow.copy_(fast)


_SHORT = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")


def is_memory_short(error: BaseException) -> bool:
    """Returns whether an error says that memory is not enough.

    Example:
        >>> is_memory_short(MemoryError()), is_memory_short(RuntimeError("shapes differ"))
        (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _SHORT)


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
