"""A host that does everything a synth should not."""

import ctypes
import math
import os
import random
import time
from collections.abc import Mapping
from typing import Any

from patchflow.errors import EngineError
from patchflow.hosts import Answer, Host

__all__ = ["Naughty"]


class Naughty(Host):
    """Its instruments count how often they were asked, and misbehave on demand."""

    def __init__(self, at_load: str = "") -> None:
        self.at_load = at_load

    def load(self, rate: int) -> dict[str, Any]:
        """Loads a counter and a random generator, unless it misbehaves."""
        self._misbehave(self.at_load)
        return {"asked": 0, "rate": rate, "chance": random.Random()}

    def answer(self, instrument: dict[str, Any], what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Answers how often this instrument was asked, or gives back the data, or misbehaves."""
        instrument["asked"] += 1
        self._misbehave(what)
        return Answer({**instrument, "chance": instrument["chance"].random()}, data)

    @staticmethod
    def _misbehave(how: str) -> None:
        match how:
            case "crash":
                ctypes.string_at(0)
            case "abort":
                os.abort()
            case "hang":
                time.sleep(1000)
            case "stuck":  # in native code that lets no other thread of Python run
                ctypes.PyDLL(None).sleep(1000)
            case "busy":
                math.isqrt(7 << 10**9)
            case "flood":
                for stream in (1, 2):
                    for _ in range(100):
                        os.write(stream, bytes(100_000))
            case "refuse":
                raise EngineError("no")
            case "break":
                raise ZeroDivisionError
