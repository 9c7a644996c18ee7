"""The queue of jobs: fair, kept on the disk, and never in doubt about what a job is at."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchflow.errors import OptionError, UnknownName
from patchflow.storage import make_folder
from patchflow.studio.job_states import FairLines, JobLimits, JobNotNow, QueueFull, named_ids
from patchflow.studio.jobs import Jobs
from patchflow.studio.worker import Worker, WorkReport
from tests.studio.hand import Hand, candidates, wait_until


class Shop:
    """A queue with hands."""

    def __init__(
        self, folder: Path, limits: JobLimits, prepare: Any = dict, keep: Any = lambda content: content
    ) -> None:
        self.hands: list[Hand] = []
        self.jobs = Jobs(folder, prepare, keep, limits=limits, start=self.start)
        self.jobs.open()

    def start(self, heard: Callable[[Worker, WorkReport], None]) -> Worker:
        self.hands.append(Hand(heard))
        return self.hands[-1]

    def add(self, client: str = "a", **request: Any) -> str:
        return self.jobs.add("match", {"kind": "match", **request}, client)["id"]

    def state(self, key: str) -> str:
        return self.jobs.shown(key)["state"]

    def at_work(self, key: str) -> Hand:
        """The hand that does a job, once there is one."""
        wait_until(lambda: any(hand.job == key for hand in self.hands))
        return next(hand for hand in self.hands if hand.job == key)


@pytest.fixture
def shops(tmp_path: Path):
    """Makes queues, one after the other, on the same folder, as servers that are started again."""
    made: list[Shop] = []

    def make(**limits: Any) -> Shop:
        given = {name: limits.pop(name) for name in ("prepare", "keep") if name in limits}
        made.append(Shop(tmp_path / "jobs", JobLimits(**limits), **given))
        return made[-1]

    yield make
    for shop in made:
        shop.jobs.close()


@pytest.fixture
def shop(shops) -> Shop:
    return shops()


def test_clients_take_turns_whoever_has_more():
    lines = FairLines()
    for client, count in (("a", 4), ("b", 2), ("c", 1)):
        for number in range(count):
            lines.add(client, f"{client}{number}")

    assert [lines.take() for _ in range(7)] == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_places_say_in_which_order_jobs_are_taken():
    lines = FairLines()
    for client, key in (("a", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("c", "5"), ("b", "6")):
        lines.add(client, key)
    lines.take()
    waiting = ["2", "3", "4", "5", "6"]
    said = sorted(waiting, key=lines.place)

    assert [lines.place(key) for key in said] == [0, 1, 2, 3, 4]
    assert [lines.take() for _ in said] == said


def test_where_the_system_has_no_room_for_a_process_the_next_job_is_done(tmp_path: Path):
    class Crowded(Shop):
        room = iter((False, False))

        def start(self, heard: Callable[[Worker, WorkReport], None]) -> Worker:
            if not next(self.room, True):
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return super().start(heard)

    shop = Crowded(tmp_path / "jobs", JobLimits())
    first = shop.add()
    wait_until(lambda: shop.state(first) == "failed")
    assert "temporarily" in shop.jobs.shown(first)["error"]
    other = shop.add()
    shop.at_work(other).says("done", {})

    assert shop.state(other) == "done"
    shop.jobs.close()


def test_one_job_is_done_at_a_time(shop: Shop):
    first, second = shop.add(), shop.add()
    hand = shop.at_work(first)

    assert [shop.state(first), shop.state(second)] == ["running", "queued"]
    hand.says("done", candidates(3.0))
    assert shop.at_work(second) is hand
    assert shop.state(first) == "done"


def test_the_place_of_a_job_falls_as_others_are_taken(shop: Shop):
    keys = [shop.add() for _ in range(3)]
    hand = shop.at_work(keys[0])

    assert [shop.jobs.shown(key)["place"] for key in keys] == [None, 0, 1]
    hand.says("done", {})
    shop.at_work(keys[1])
    assert shop.jobs.shown(keys[2])["place"] == 0


def test_progress_and_what_is_found_are_shown(shop: Shop):
    key = shop.add()
    hand = shop.at_work(key)
    hand.says("progress", {"stage": "draw", "done": 0.5, "total": 1.0})
    hand.says("found", candidates(9.0))
    job = shop.jobs.shown(key)

    assert job["progress"]["stage"] == "draw"
    assert job["result"] == candidates(9.0)
    assert shop.jobs.all()[0]["result"] is None


def test_revisions_rise_with_every_change(shop: Shop):
    key = shop.add()
    hand = shop.at_work(key)
    seen = [shop.jobs.shown(key)["revision"]]
    for distance in (9.0, 8.0, 7.0):
        hand.says("found", candidates(distance))
        seen.append(shop.jobs.shown(key)["revision"])

    assert seen == sorted(set(seen))


def test_whoever_watches_a_job_is_woken(shop: Shop):
    first, second = shop.add(), shop.add()
    hand = shop.at_work(first)
    woken: list[str] = []
    stop = shop.jobs.watch(first, lambda: woken.append("first"))
    shop.jobs.watch(second, lambda: woken.append("second"))
    hand.says("found", candidates(9.0))
    assert woken == ["first"]
    stop()
    stop()
    hand.says("done", candidates(9.0))
    shop.at_work(second)

    assert set(woken[1:]) == {"second"}


@pytest.mark.slow
def test_a_thousand_jobs_wait_and_no_more(shops):
    shop = shops(waiting=1000, of_client=100)
    shop.add("first")
    shop.at_work(shop.jobs.all()[0]["id"])
    keys = {client: [shop.add(str(client)) for _ in range(100)] for client in range(10)}

    with pytest.raises(QueueFull, match="not more than 1000 may wait"):
        shop.add("another")
    # every client's first job comes before any client's second one
    assert [shop.jobs.shown(keys[client][0])["place"] for client in range(10)] == list(range(10))
    assert shop.jobs.shown(keys[9][99])["place"] == 999


def test_one_client_cannot_fill_the_queue(shops):
    shop = shops(of_client=3)
    shop.at_work(shop.add("greedy"))
    for _ in range(3):
        shop.add("greedy")

    with pytest.raises(QueueFull, match="not more than 3 of one client"):
        shop.add("greedy")
    assert shop.state(shop.add("modest")) == "queued"


def test_after_a_restart_what_was_queued_is_done_in_the_same_order(shops):
    first = shops()
    keys = [first.add(client) for client in ("a", "a", "b")]
    first.at_work(keys[0])
    first.jobs.close()
    again = shops()
    order = []
    for _ in keys:
        wait_until(lambda: any(hand.job for hand in again.hands))
        hand = next(hand for hand in again.hands if hand.job)
        order.append(hand.job)
        hand.says("done", {})

    assert order == [keys[0], keys[2], keys[1]]


def test_a_job_that_ran_keeps_its_candidates_until_better_ones_are_there(shops):
    first = shops()
    key = first.add()
    first.at_work(key).says("found", candidates(5.0))
    first.jobs.close()
    again = shops()
    hand = again.at_work(key)

    assert again.jobs.shown(key)["result"] == candidates(5.0)
    hand.says("found", candidates(30.0))
    assert again.jobs.shown(key)["result"] == candidates(5.0)
    hand.says("found", candidates(4.0))
    assert again.jobs.shown(key)["result"] == candidates(4.0)


def test_revisions_rise_over_a_restart(shops):
    first = shops()
    key = first.add()
    before = first.jobs.shown(key)["revision"]
    first.jobs.close()

    assert shops().jobs.shown(key)["revision"] > before


def test_a_job_that_takes_the_server_down_is_given_up(shops):
    shop = shops()
    key = shop.add()
    for _ in range(2):
        shop.at_work(key)
        shop.jobs.close()
        shop = shops()
    shop.at_work(key)
    shop.jobs.close()
    job = shops().jobs.shown(key)

    assert job["state"] == "failed"
    assert "the server ended 3 times" in job["error"]


def test_a_damaged_file_of_a_job_takes_nothing_else_down(shops, tmp_path: Path):
    first = shops()
    key = first.add()
    first.jobs.close()
    make_folder(tmp_path / "jobs")
    for name, text in (("cut", "{"), ("list", "[]"), ("other", json.dumps({"id": "no"}))):
        (tmp_path / "jobs" / f"{name}.json").write_text(text)
    again = shops()

    assert [job["id"] for job in again.jobs.all()] == [key]
    assert (tmp_path / "jobs" / "cut.json").exists()


def test_a_job_that_waits_is_cancelled_at_once(shop: Shop):
    first, second = shop.add(), shop.add()
    shop.at_work(first)
    shop.jobs.cancel(second)

    assert shop.state(second) == "cancelled"
    with pytest.raises(JobNotNow, match="is cancelled already"):
        shop.jobs.cancel(second)


def test_cancel_keeps_the_best_so_far(shop: Shop):
    key = shop.add()
    hand = shop.at_work(key)
    hand.says("found", candidates(6.0))
    shop.jobs.cancel(key)
    assert hand.told[-1] == "cancel"
    hand.says("done", candidates(6.5))
    job = shop.jobs.shown(key)

    assert job["state"] == "done"
    assert job["result"] == {**candidates(6.0), "stopped": "cancelled"}


def test_what_does_not_react_to_cancel_is_ended_and_the_others_go_on(shops):
    shop = shops(patience=0.1)
    stuck, other = shop.add(), shop.add()
    hand = shop.at_work(stuck)
    hand.says("found", candidates(6.0))
    shop.jobs.cancel(stuck)
    assert hand.patience == 0.1
    hand.ends(-9)

    assert shop.at_work(other) is not hand
    assert shop.jobs.shown(stuck)["result"]["stopped"] == "cancelled"


def test_a_crash_fails_one_job_with_one_line(shop: Shop):
    first, second = shop.add(), shop.add()
    hand = shop.at_work(first)
    hand.ends(-11)
    job = shop.jobs.shown(first)

    assert job["state"] == "failed"
    assert job["error"] == "match: the process that did it ended (SIGSEGV)"
    assert shop.at_work(second) is not hand


def test_what_cannot_be_prepared_fails_and_the_next_goes_on(shops):
    def prepare(request: Any) -> Any:
        if request.get("sound") == "gone":
            raise UnknownName("sound", "gone", [])
        return dict(request)

    shop = shops(prepare=prepare)
    bad, good = shop.add(sound="gone"), shop.add(sound="here")
    shop.at_work(good)

    assert shop.state(bad) == "failed"
    assert "gone" in shop.jobs.shown(bad)["error"]


def test_what_cannot_be_kept_fails(shops):
    def keep(content: Any) -> Any:
        raise OptionError("the disk is full")

    shop = shops(keep=keep)
    key = shop.add()
    shop.at_work(key).says("found", candidates(5.0))

    assert shop.jobs.shown(key)["error"] == "what was found cannot be kept: the disk is full"


def test_while_one_is_paused_another_goes_on(shop: Shop):
    first, second = shop.add(), shop.add()
    held = shop.at_work(first)
    shop.jobs.pause(first)
    other = shop.at_work(second)

    assert held.told[-1] == "pause"
    assert other is not held
    assert [shop.state(first), shop.state(second)] == ["paused", "running"]


def test_what_goes_on_after_a_pause_waits_for_its_turn_and_comes_first(shop: Shop):
    first, second, third = (shop.add() for _ in range(3))
    held = shop.at_work(first)
    shop.jobs.pause(first)
    other = shop.at_work(second)
    shop.jobs.resume(first)
    assert [shop.state(first), shop.jobs.shown(first)["place"]] == ["queued", 0]
    assert shop.jobs.shown(third)["place"] == 1
    other.says("done", {})
    wait_until(lambda: shop.state(first) == "running")

    assert held.told[-1] == "resume"
    assert len([told for told in held.told if told[0] == "do"]) == 1


def test_not_more_are_held_up_than_there_may_be_processes(shops):
    shop = shops(paused=1)
    first, second = shop.add(), shop.add()
    shop.at_work(first)
    shop.jobs.pause(first)
    shop.at_work(second)

    with pytest.raises(JobNotNow, match="1 jobs are held up half-way already"):
        shop.jobs.pause(second)


def test_a_job_that_waits_can_be_paused_for_as_long_as_one_likes(shops):
    shop = shops()
    first, second = shop.add(), shop.add()
    shop.at_work(first).says("found", candidates(1.0))
    shop.jobs.pause(second)
    shop.jobs.close()
    again = shops()
    again.at_work(first).says("done", candidates(1.0))

    assert again.state(second) == "paused"
    again.jobs.resume(second)
    again.at_work(second)


def test_a_paused_job_can_be_cancelled(shop: Shop):
    key = shop.add()
    hand = shop.at_work(key)
    shop.jobs.pause(key)
    shop.jobs.cancel(key)
    hand.says("done", None)

    assert shop.state(key) == "cancelled"
    with pytest.raises(JobNotNow, match="not paused"):
        shop.jobs.resume(key)


def test_surplus_workers_end_when_all_is_done(shop: Shop):
    first, second = shop.add(), shop.add()
    held = shop.at_work(first)
    shop.jobs.pause(first)
    other = shop.at_work(second)
    shop.jobs.resume(first)
    other.says("done", {})
    wait_until(lambda: shop.state(first) == "running")
    held.says("done", {})

    assert [held.is_alive, other.is_alive].count(True) == 1


def test_old_jobs_that_ended_are_forgotten(shops, tmp_path: Path):
    shop = shops(ended=3)
    keys = []
    for _ in range(5):
        keys.append(shop.add())
        shop.at_work(keys[-1]).says("done", {})

    assert [job["id"] for job in shop.jobs.all()] == [keys[4], keys[3], keys[2]]
    assert len(list((tmp_path / "jobs").glob("*.json"))) == 3


def test_a_job_that_is_removed_is_gone_and_its_worker_too(shop: Shop):
    first, second = shop.add(), shop.add()
    hand = shop.at_work(first)
    shop.jobs.remove(first)

    assert not hand.is_alive
    with pytest.raises(UnknownName, match="no job named"):
        shop.jobs.shown(first)
    shop.at_work(second)


def test_what_jobs_need_is_not_removed(shop: Shop):
    key = shop.add(sound="sound123", on=None)
    shop.at_work(key).says("found", candidates(5.0))

    assert shop.jobs.references() == {"sound123", "abcdef123456"}


def test_ids_are_found_wherever_they_are():
    content = {"presets": [{"preset": {"id": "aaaaaa"}}, {"preset": {"id": "bbbbbb"}}], "text": ["cccccc"]}

    assert named_ids(content) == {"aaaaaa", "bbbbbb"}
    assert named_ids({"presets": ["dddddd"], "on": "eeeeee", "seed": 3}) == {"dddddd", "eeeeee"}


def test_a_training_gives_way_to_all_others_and_goes_on(shop: Shop):
    training = shop.jobs.add("train", {"kind": "train", "synth": "tone"}, "a")["id"]
    trainer = shop.at_work(training)
    match = shop.add()
    other = shop.at_work(match)

    assert trainer.told[-1] == "pause"
    assert [shop.state(training), shop.jobs.shown(training)["place"]] == ["queued", 0]
    other.says("done", {})
    wait_until(lambda: shop.state(training) == "running")
    assert trainer.told[-1] == "resume"
    trainer.says("done", {"text": ["trained"]})
    assert shop.state(training) == "done"


def test_a_job_that_is_done_while_it_waits_to_go_on_is_not_begun_again(shop: Shop):
    training = shop.jobs.add("train", {"kind": "train", "synth": "tone"}, "a")["id"]
    trainer = shop.at_work(training)
    match = shop.add("b")
    matcher = shop.at_work(match)
    trainer.says("done", {"text": ["trained"]})
    matcher.says("done", {})
    shop.at_work(shop.add("b"))

    assert shop.state(training) == "done"
    assert trainer.job != training


def test_a_job_that_waits_half_way_can_be_cancelled(shop: Shop):
    first, second = shop.add(), shop.add()
    held = shop.at_work(first)
    shop.jobs.pause(first)
    shop.at_work(second)
    shop.jobs.resume(first)
    shop.jobs.cancel(first)
    assert shop.jobs.shown(first)["place"] is None
    held.says("done", candidates(3.0))

    assert shop.jobs.shown(first)["result"]["stopped"] == "cancelled"


def test_a_fault_of_ours_fails_one_job_and_no_other(shops):
    def prepare(request: Any) -> Any:
        return {"sound": request["sound"]}

    shop = shops(prepare=prepare)
    bad, good = shop.add(), shop.add(sound="here")
    shop.at_work(good)

    assert shop.jobs.shown(bad)["error"] == "failed inside: KeyError: 'sound'"
