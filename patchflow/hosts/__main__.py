"""The host's side: `python -m patchflow.hosts NAME PARENT` answers questions until its parent is gone.

Standard input and output carry messages; what the synth itself prints is thrown away.
"""

import importlib
import os
import signal
import sys
from typing import Any

from ..errors import RenderError
from . import hosts
from ._fresh import Fresh
from ._host import Host, end_with_parent, receive, send

__all__ = ["main"]

_GRACE = 5  # seconds after the parent's patience is over in which a host without a parent ends itself


def main(name: str) -> None:
    """Serves one host."""
    # No window is ever shown, and without a screen Qt, which some plug-ins use for its threads, would end the process.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with os.fdopen(os.dup(0), "rb") as questions, os.fdopen(os.dup(1), "wb") as answers:
        # The pipes get new numbers; 0 to 2, which a synth prints to, go to nowhere.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        fresh: Fresh | None = None
        while True:
            try:
                question, data = receive(questions)
            except EOFError:
                os._exit(0)  # a synth's own clean-up may hang or crash
            _alarm(question["patience"] + _GRACE)
            header: dict[str, Any] = {"facts": {}}
            body = b""
            try:
                if fresh is None:
                    fresh = Fresh(_find(name)(**question["settings"]), question["fresh"])
                elif "load" in question:
                    fresh.load(question["load"], question["patience"])
                else:
                    answer = fresh.answer(
                        question["ask"], question["with"], data, question["rate"], question["patience"]
                    )
                    header = {"facts": dict(answer.facts)}
                    body = answer.data
            except Exception as error:  # noqa: BLE001 - the parent raises it again
                header = {"error": str(error) or type(error).__name__, "render": isinstance(error, RenderError)}
            _alarm(0)
            send(answers, header, body)
            if fresh is not None:
                fresh.rest()


def _find(name: str) -> type[Host]:
    module, _, kind = name.partition(":")
    if kind:
        return getattr(importlib.import_module(module), kind)
    return hosts[name]


def _alarm(seconds: float) -> None:
    """Lets the system end this process, even if it hangs inside a synth and nobody is there to end it."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(seconds))


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    main(sys.argv[1])
