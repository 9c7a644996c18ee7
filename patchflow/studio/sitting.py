"""Blind listening: which of two presets is closer to a sound, or the better patch, asked so that the answer counts.

A sitting asks one question. Each pair comes twice, once in either order, shuffled by a seed; the target is heard right
before each candidate; all are equally loud. Whoever answers gets sounds by names that say nothing, and learns which was
which when all is answered.

References:
    Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial (1934),
    https://doi.org/10.1093/biomet/26.4.404; Efron and Tibshirani, An introduction to the bootstrap (1993)
"""

import csv
import io
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import OptionError, StorageError, UnknownName
from ..parsing import damage_named, read_object
from ..storage import write_atomically

__all__ = [
    "CHOICES",
    "LOUDNESS",
    "QUESTIONS",
    "Pair",
    "Showing",
    "Sitting",
    "TrialAnswer",
    "binomial_interval",
    "bootstrap_interval",
    "showing_order",
    "sign_test",
]

QUESTIONS = {"closer": "Which is closer to the sound before it?", "better": "Which is the better patch?"}
"""What a sitting may ask, and how it is put."""

CHOICES = ("first", "second", "same")
"""What may be answered."""

LOUDNESS = -23.0
"""Of every sound that is heard, in LUFS."""

_FORMAT = "patchflow-listening"
_VERSION = 1
_MOST_PAIRS = 500
_LONGEST_LABEL = 80  # letters
_LONGEST_ANSWER = 86_400.0  # seconds
_DRAWS = 4_000  # of the bootstrap
_SURE = 0.95
_TRIES = 100  # of an order in which nothing comes twice in a row

Choice = Literal["first", "second", "same"]


@dataclass(frozen=True)
class Pair:
    """Two presets that are compared.

    Args:
        target: What is heard before each: `{"sound": id, "start", "end"}` or `{"preset": id, "note": ...}`.
        a: One of them: `{"preset": id, "note": ...}`.
        b: The other.
        labels: What made `a` and what made `b`, such as two methods.
    """

    target: Mapping[str, Any]
    a: Mapping[str, Any]
    b: Mapping[str, Any]
    labels: tuple[str, str] = ("a", "b")


@dataclass(frozen=True)
class Showing:
    """A pair in one of its orders.

    Args:
        pair: Which pair.
        swapped: Whether `b` comes first.
        sounds: What the target, the first and the second are called while nobody may know what they are.
    """

    pair: int
    swapped: bool
    sounds: tuple[str, str, str]

    def source(self, name: str, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        """Returns what to play for one of `sounds`."""
        pair = pairs[self.pair]
        first, second = (pair.b, pair.a) if self.swapped else (pair.a, pair.b)
        return (pair.target, first, second)[self.sounds.index(name)]


@dataclass(frozen=True)
class TrialAnswer:
    """What was answered to a showing.

    Args:
        trial: Which showing, from 0.
        choice: One of `CHOICES`.
        seconds: How long it took.
        at: When, in seconds since 1970.
    """

    trial: int
    choice: Choice
    seconds: float
    at: float


@dataclass(frozen=True)
class Sitting:
    """A list of showings, and the answers so far.

    Args:
        id: What it is called.
        question: One of `QUESTIONS`.
        seed: Of the order.
        pairs: What is compared.
        showings: Twice as many, in the order of the sitting.
        answers: As many as were given, in that order.
        created: When it was made, in seconds since 1970.
    """

    id: str
    question: str
    seed: int
    pairs: tuple[Pair, ...]
    showings: tuple[Showing, ...]
    answers: tuple[TrialAnswer, ...] = ()
    created: float = 0.0

    @classmethod
    def made(cls, question: str, pairs: Sequence[Pair], seed: int) -> "Sitting":
        """Makes a sitting of pairs.

        Raises:
            OptionError: If there is no such question, or there are no or too many pairs, or a label is too long.
        """
        if question not in QUESTIONS:
            raise OptionError(f"question={question!r}: not one of {', '.join(QUESTIONS)}")
        if not 1 <= len(pairs) <= _MOST_PAIRS:
            raise OptionError(f"{len(pairs)} trials: not 1 to {_MOST_PAIRS}")
        for pair in pairs:
            if pair.a == pair.b:
                raise OptionError("a trial compares a preset with itself")
            if not all(0 < len(label) <= _LONGEST_LABEL for label in pair.labels):
                raise OptionError(f"labels={list(pair.labels)}: not 1 to {_LONGEST_LABEL} letters each")
        showings = [
            Showing(pair, swapped, (secrets.token_hex(8), secrets.token_hex(8), secrets.token_hex(8)))
            for pair, swapped in showing_order(len(pairs), seed)
        ]
        return cls(secrets.token_hex(8), question, seed, tuple(pairs), tuple(showings), created=round(time.time(), 1))

    @property
    def left(self) -> int:
        """How many showings are not answered."""
        return len(self.showings) - len(self.answers)

    @property
    def done(self) -> bool:
        """Whether all is answered."""
        return not self.left

    def blinded(self) -> dict[str, Any]:
        """Returns all that the one who answers may know: sounds without what they are."""
        trials = [{"trial": trial, "sounds": list(showing.sounds)} for trial, showing in enumerate(self.showings)]
        return {
            "id": self.id,
            "question": self.question,
            "asked": QUESTIONS[self.question],
            "trials": trials,
            "answered": len(self.answers),
            "done": self.done,
            "created": self.created,
        }

    def showing_of(self, name: str) -> Showing:
        """Returns the showing that has a sound of this name.

        Raises:
            UnknownName: If there is none.
        """
        for showing in self.showings:
            if name in showing.sounds:
                return showing
        raise UnknownName("sound of this sitting", name, [])

    def answered(self, trial: int, choice: str, seconds: float) -> "Sitting":
        """Returns the sitting with one more answer; the last one may be sent twice, as a lost connection does.

        Raises:
            OptionError: If it is not the turn of this trial, or the answer is none.
        """
        if choice not in CHOICES:
            raise OptionError(f"choice={choice!r}: not one of {', '.join(CHOICES)}")
        if not 0 <= seconds <= _LONGEST_ANSWER:
            raise OptionError(f"seconds={seconds:g}: not in [0, {_LONGEST_ANSWER:g}]")
        if 0 <= trial == len(self.answers) - 1 and self.answers[trial].choice == choice:
            return self
        if trial != len(self.answers) or self.done:
            turn = "all are answered" if self.done else f"it is the turn of {len(self.answers)}"
            raise OptionError(f"trial={trial}: {turn}")
        answer = TrialAnswer(trial, choice, round(seconds, 2), round(time.time(), 1))  # type: ignore[arg-type]
        return replace(self, answers=(*self.answers, answer))

    def result(self) -> dict[str, Any]:
        """Returns what came of it: for every two labels how often one won, with intervals, and each answer.

        Raises:
            OptionError: If not all is answered: before the end nobody learns which was which.
        """
        if not self.done:
            left = len(self.showings) - len(self.answers)
            raise OptionError(
                f"{left} of {len(self.showings)} trials are not answered: the result comes after the last"
            )
        rows = [self._row(answer) for answer in self.answers]
        groups: dict[tuple[str, str], list[int]] = {}
        for number, pair in enumerate(self.pairs):
            groups.setdefault((min(pair.labels), max(pair.labels)), []).append(number)
        compared = [self._compared(labels, members, rows) for labels, members in groups.items()]
        firsts = sum(answer.choice == "first" for answer in self.answers)
        seconds = sum(answer.choice == "second" for answer in self.answers)
        order = {"first": firsts, "second": seconds, "p": sign_test(firsts, seconds)}
        facts = {"id": self.id, "question": self.question, "asked": QUESTIONS[self.question], "seed": self.seed}
        return {**facts, "pairs": len(self.pairs), "compared": compared, "order": order, "answers": rows}

    def _row(self, answer: TrialAnswer) -> dict[str, Any]:
        """An answer with what was heard."""
        showing = self.showings[answer.trial]
        pair = self.pairs[showing.pair]
        first, second = reversed(pair.labels) if showing.swapped else pair.labels
        won = {"first": first, "second": second, "same": ""}[answer.choice]
        facts = {"trial": answer.trial, "pair": showing.pair, "first": first, "second": second}
        presets = {"a": pair.a.get("preset"), "b": pair.b.get("preset"), "target": dict(pair.target)}
        return {**facts, "choice": answer.choice, "won": won, "seconds": answer.seconds, **presets}

    def _compared(
        self, labels: tuple[str, str], members: Sequence[int], rows: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """How many pairs the first of two labels won against the second; of two equal ones, the `a` of each pair.

        Both orders of a pair count as one: who hears a difference hears it in either, so two answers are no surer.
        """
        scores = np.array([self._score(labels, number, rows) for number in members])
        both = scores.mean(axis=1)
        wins = int((both > 0.5).sum())
        losses = int((both < 0.5).sum())
        return {
            "labels": list(labels),
            "pairs": len(members),
            "wins": wins,
            "losses": losses,
            "same": len(members) - wins - losses,
            "share": wins / (wins + losses) if wins + losses else None,
            "interval": list(binomial_interval(wins, losses)),
            "p": sign_test(wins, losses),
            "score": float(both.mean()),
            "score_interval": list(bootstrap_interval(both, self.seed)),
            "agreed": float((scores[:, 0] == scores[:, 1]).mean()),
        }

    def _score(self, labels: tuple[str, str], number: int, rows: Sequence[dict[str, Any]]) -> list[float]:
        """What both orders of a pair say of the first label: 1 it won, 0 it lost, 0.5 the same."""
        found: list[float] = []
        a_is_first_label = self.pairs[number].labels[0] == labels[0]
        for row in rows:
            if row["pair"] != number:
                continue
            if row["choice"] == "same":
                found.append(0.5)
                continue
            a_won = (row["choice"] == "first") != self.showings[row["trial"]].swapped
            found.append(float(a_won == a_is_first_label))
        return found

    def table(self) -> str:
        """Returns the answers as CSV, a line each.

        Raises:
            OptionError: If not all is answered.
        """
        buffer = io.StringIO()
        columns = ("trial", "pair", "first", "second", "choice", "won", "seconds", "a", "b")
        writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in self.result()["answers"]:
            writer.writerow({name: _harmless(value) for name, value in row.items()})
        return buffer.getvalue()

    def save(self, folder: Path) -> None:
        """Writes it into a folder.

        Raises:
            StorageError: If it cannot be written.
        """
        content = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        write_atomically(folder / f"{self.id}.json", json.dumps(content, allow_nan=False).encode())

    @classmethod
    def load(cls, path: Path) -> "Sitting":
        """Reads what `save` wrote.

        Raises:
            StorageError: If it is missing or damaged.
        """
        found = read_object(path)
        with damage_named(path, is_what="not a sitting, or damaged"):
            if found["format"] != _FORMAT or found["version"] != _VERSION:
                raise StorageError(f"{path}: not a sitting of this version")
            pairs = [Pair(pair["target"], pair["a"], pair["b"], tuple(pair["labels"])) for pair in found["pairs"]]
            showings = [
                Showing(int(one["pair"]), bool(one["swapped"]), tuple(one["sounds"])) for one in found["showings"]
            ]
            answers = [TrialAnswer(**answer) for answer in found["answers"]]
            if any(not 0 <= showing.pair < len(pairs) for showing in showings) or len(answers) > len(showings):
                raise ValueError("its parts do not fit together")
            return cls(
                found["id"], found["question"], found["seed"], tuple(pairs), tuple(showings), tuple(answers),
                found["created"],
            )  # fmt: skip


def showing_order(pairs: int, seed: int) -> list[tuple[int, bool]]:
    """Returns every pair in both orders, shuffled; the two orders of a pair are not neighbours where there is a choice.

    Args:
        pairs: How many.
        seed: Of the shuffle.

    Returns:
        Pairs, and whether each is swapped.

    Example:
        >>> sorted(showing_order(2, seed=1))
        [(0, False), (0, True), (1, False), (1, True)]
    """
    random = np.random.default_rng(seed)
    showings = list(product(range(pairs), (False, True)))
    shuffled = showings
    for _ in range(_TRIES):  # more than a third of all orders will do
        shuffled = [showings[int(place)] for place in random.permutation(len(showings))]
        if all(before[0] != after[0] for before, after in pairwise(shuffled)):
            break
    return shuffled


def binomial_interval(wins: int, losses: int) -> tuple[float, float]:
    """Returns the exact interval of Clopper and Pearson for the share of wins, at 95 %.

    Example:
        >>> low, high = binomial_interval(8, 2)
        >>> round(low, 3), round(high, 3)
        (0.444, 0.975)
    """
    from scipy.stats import beta

    tail = (1 - _SURE) / 2
    low = float(beta.ppf(tail, wins, losses + 1)) if wins else 0.0
    high = float(beta.ppf(1 - tail, wins + 1, losses)) if losses else 1.0
    return low, high


def sign_test(wins: int, losses: int) -> float:
    """Returns how likely a result at least this uneven is if neither is better: exact, with both sides.

    Example:
        >>> round(sign_test(9, 1), 4), sign_test(0, 0)
        (0.0215, 1.0)
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def bootstrap_interval(scores: np.ndarray, seed: int) -> tuple[float, float]:
    """Returns the interval of a mean at 95 %, by drawing pairs: the two answers to a pair are not independent.

    Args:
        scores: Of each pair, 0 to 1, shape `(N,)`.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    means = scores[random.integers(0, len(scores), (_DRAWS, len(scores)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - _SURE) / 2, (1 + _SURE) / 2])
    return float(low), float(high)


def _harmless(value: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
