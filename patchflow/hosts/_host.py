"""The interface of what runs in a process of its own."""

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Host"]


@dataclass(frozen=True)
class Answer:
    """What a host answers.

    Args:
        facts: What JSON can say.
        data: Anything else, such as samples as float32: bytes, or a view of bytes that holds until the next question.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | memoryview = b""


class Host(abc.ABC):
    """A kind of synth, as its host process knows it.

    Every question is put to an instrument as fresh as `load` returned it, whatever was asked before: synths
    remember phases, tails and the state of their chance, and nothing that they offer resets it all. So
    an instrument is thrown away with each answer, see `_fresh`.

    It may print, crash or hang: `HostProcess` sees to that. What it raises reaches the parent as an
    `EngineError` with the same words.

    Example:
        >>> # python -m patchflow.hosts NAME, then {"key": "value"} makes hosts[NAME](key="value")
    """

    @abc.abstractmethod
    def load(self, rate: int) -> Any:
        """Returns an instrument.

        Args:
            rate: Sample rate it will play at, in Hz.
        """

    @abc.abstractmethod
    def answer(self, instrument: Any, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Answers one question.

        Args:
            instrument: From `load`; it may be left in any state.
            what: The question, a word.
            arguments: What JSON can say.
            data: Anything else.
        """
