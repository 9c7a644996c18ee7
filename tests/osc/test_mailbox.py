"""Of a value only the newest waits, of everything else all, in order."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from patchflow.errors import OptionError
from patchflow.osc.mailbox import Background, Mailbox, Message, attempt


def put(box: Mailbox, done: list, *items: tuple[str, object]) -> None:
    """Puts values as `("a", 1)` and commands as `("", "save")`."""
    for key, item in items:
        kind = "value" if key else "command"
        assert box.put(Message(key or str(item), partial(done.append, item), kind, key))


def work_off(box: Mailbox) -> None:
    for message in box.take():
        message.act()


def test_of_a_value_the_newest_is_kept():
    done: list = []
    box = Mailbox()

    put(box, done, ("a", 1), ("b", 2), ("a", 3), ("a", 4))
    work_off(box)

    assert done == [2, 4]


def test_a_value_does_not_overtake_a_command():
    done: list = []
    box = Mailbox()

    put(box, done, ("a", 1), ("a", 2), ("", "save"), ("a", 3), ("a", 4))
    work_off(box)

    assert done == [2, "save", 4]


def test_events_keep_their_order_and_part_nothing():
    done: list = []
    box = Mailbox()

    put(box, done, ("a", 1))
    box.put(Message("note", partial(done.append, "on"), "event"))
    box.put(Message("note", partial(done.append, "off"), "event"))
    put(box, done, ("a", 2))
    work_off(box)

    assert done == ["on", "off", 2]


def test_a_flood_of_a_value_takes_no_room():
    box = Mailbox(most=3)

    for number in range(100_000):
        assert box.put(Message("a", partial(int, number), "value", "a"))

    assert len(box) == 1


def test_what_has_no_room_is_refused_and_the_newest_value_never_is():
    box = Mailbox(most=2)
    for _ in range(2):
        assert box.put(Message("note", int, "event"))
    assert not box.put(Message("note", int, "event"))

    box.take()
    assert box.put(Message("a", int, "value", "a"))
    assert box.put(Message("note", int, "event"))
    assert box.put(Message("a", float, "value", "a"))

    assert [message.act for message in box.take()] == [int, float]


def test_taking_waits_and_closing_ends_the_wait():
    box = Mailbox()
    taken: list = []
    taker = threading.Thread(target=lambda: taken.append(box.take()))
    taker.start()

    box.close()
    taker.join(5.0)

    assert taken == [[]]


def test_long_work_comes_back_as_a_message():
    box = Mailbox()
    done: list = []
    background = Background(box, lambda where, what: done.append((where, what())))

    background.start("a sum", lambda: 1 + 1, done.append)
    work_off(box)
    background.close()

    assert done == [2]


def test_a_result_for_which_there_is_no_room_is_told():
    box = Mailbox(most=1)
    box.put(Message("note", int, "event"))
    told: list = []
    said = threading.Event()

    def tell(where: str, what: Callable[[], str]) -> None:
        told.append((where, what()))
        said.set()

    background = Background(box, tell)

    background.start("a sum", lambda: 1 + 1, lambda _: None)
    assert said.wait(5.0)
    background.close()

    assert told == [("a sum", "too many messages wait, so what it gave was left out")]


def test_too_much_long_work_is_refused():
    box = Mailbox()
    gate = threading.Event()
    begun = threading.Event()
    background = Background(box, lambda where, what: None)

    background.start("the first", lambda: begun.set() or gate.wait(), lambda _: None)
    assert begun.wait(5.0)
    for _ in range(8):
        background.start("one that waits", gate.wait, lambda _: None)
    with pytest.raises(OptionError, match="busy: 8 things that take long wait already; the tenth was not begun"):
        background.start("the tenth", gate.wait, lambda _: None)
    gate.set()
    background.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OptionError("note=200: not in [0, 127]"), "note=200: not in [0, 127]"),
        (KeyboardInterrupt(), "stopped before anything was found"),
        (ZeroDivisionError("oh"), "a fault of patchflow (ZeroDivisionError: oh). Please report it."),
    ],
)
def test_what_is_raised_is_told_and_goes_no_further(error: BaseException, said: str):
    told: list = []

    def fail() -> None:
        raise error

    done = attempt("/here", fail, lambda where, what: told.append((where, what())))

    assert not done.well
    assert told == [("/here", said)]
