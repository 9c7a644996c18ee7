"""A worker whose reports are made by a test, so that every order of events can be had."""

import math
import time
from collections.abc import Callable
from typing import Any

from patchflow.studio.worker import Worker, WorkReport

__all__ = ["HANDS", "Hand", "candidates", "wait_until"]

HANDS: list["Hand"] = []
"""All that were started."""


class Hand(Worker):
    """A worker whose reports are made by the test, so that every order of events can be had."""

    def __init__(self, heard: Callable[[Worker, WorkReport], None]) -> None:
        self._heard = heard
        HANDS.append(self)
        self.job = ""
        self.told: list[Any] = []
        self._alive = True

    @property
    def is_alive(self) -> bool:
        return self._alive

    def warm(self, synths: Any, library: Any) -> None:
        self.told.append(("warm", tuple(synths)))

    def do(self, job: str, kind: str, order: Any) -> None:
        self.job = job
        self.told.append(("do", kind, dict(order)))

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def cancel(self, patience: float = math.inf) -> None:
        self.told.append("cancel")
        self.patience = patience

    def kill(self) -> None:
        self.ends(-9)

    def close(self) -> None:
        self._alive = False

    def says(self, kind: str, content: Any = None) -> None:
        job = self.job
        if kind in ("done", "failed"):
            self.job = ""
        self._heard(self, WorkReport(job, kind, content))

    def ends(self, code: int) -> None:
        if self._alive:
            self._alive = False
            job, self.job = self.job, ""
            self._heard(self, WorkReport(job, "ended", code))


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.005)


def candidates(distance: float) -> dict[str, Any]:
    return {"candidates": [{"distance": distance, "preset": {"id": "abcdef123456"}}]}
