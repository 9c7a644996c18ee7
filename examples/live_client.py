"""Turns a macro of `patchflow live`, and prints what comes back.

Usage: python examples/live_client.py [PORT [ANSWERS]]

Start `patchflow live` first. PORT is where it listens, ANSWERS where it sends to: 53280 and 53281 if nothing is said.
"""

import sys
import time
from threading import Thread

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

SECONDS = 2.0
STEPS = 50


def main(port: int = 53_280, answers: int = 53_281) -> None:
    """Loads any preset of the bank, turns its first macro up and down, and asks where it is."""
    dispatcher = Dispatcher()
    for path in ("/patch", "/param/macro/1", "/error"):
        dispatcher.map(path, show)
    dispatcher.map("/param/*", count)
    server = ThreadingOSCUDPServer(("127.0.0.1", answers), dispatcher)
    Thread(target=server.serve_forever, daemon=True).start()

    client = SimpleUDPClient("127.0.0.1", port)
    client.send_message("/patch/random", [])
    time.sleep(0.5)
    for step in range(STEPS + 1):
        client.send_message("/param/macro/1", step / STEPS)
        time.sleep(SECONDS / STEPS)
    client.send_message("/param/macro/1", 0.5)
    client.send_message("/q/param/macro/1", [])
    time.sleep(1.0)
    server.shutdown()
    print(f"{len(CHANGED)} parameters moved: {', '.join(sorted(CHANGED)[:5])} ...")


CHANGED: set[str] = set()


def show(path: str, *values: object) -> None:
    """Prints an answer."""
    print(path, *values)


def count(path: str, *_: object) -> None:
    """Remembers a parameter that changed."""
    if not path.startswith("/param/macro/"):
        CHANGED.add(path.removeprefix("/param/"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
