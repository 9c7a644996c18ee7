"""Makes shards on a cluster of machines, or in processes of this one, through Ray."""

import functools
import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ....engines import Engine, engines
from ....errors import EngineError, MissingDependency, OptionError, PatchflowError
from ....progress import Progress, ProgressCallback
from ....storage import first_sentence
from ..job import Executor, Job
from ..parquet import packed

__all__ = ["Ray"]

_RETRIES = 5  # times that a shard is started again after its worker or machine died
_AHEAD = 2  # shards a core that are under way or wait to be kept
_PATIENCE = 5.0  # seconds that a cluster may take to answer


class Ray(Executor):
    """Every core of a Ray cluster makes one shard at a time, in a process of its own; the caller's process keeps them.

    A shard whose worker dies is started again by another. Without an address a cluster of this machine's cores is
    started, and stopped in the end.

    References:
        Moritz et al., Ray: A Distributed Framework for Emerging AI Applications (2018)
        https://arxiv.org/abs/1712.05889
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        if workers is not None and (workers < 1 or address):
            raise OptionError(f"workers={workers}: at least 1, and not with an address: a cluster has its own number")
        super().__init__(workers, address)
        self._ray = _connected(workers, address)

    def run(
        self, job: Job, shards: Iterable[int], keep: Callable[[int, bytes], None], progress: ProgressCallback
    ) -> None:
        """Makes shards in any order; see `Executor.run`."""
        ray = self._ray
        make = ray.remote(num_cpus=1, max_retries=_RETRIES)(_make)
        shared = ray.put(job)  # once a machine, not once a shard
        shards = list(shards)
        todo = iter(shards)
        made = 0
        total = sum(len(job.recipe.numbers(shard)) for shard in shards)
        ahead = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        # Only some shards are handed out at once: Ray keeps every result in memory until it is fetched.
        waiting = {make.remote(shared, shard): shard for shard in islice(todo, ahead)}
        while waiting:
            done, _ = ray.wait(list(waiting), num_returns=1)
            for answer in done:
                shard = waiting.pop(answer)
                keep(shard, self._answer(answer, shard))
                made += len(job.recipe.numbers(shard))
                progress(Progress("render", made, total, "sounds"))
                for following in islice(todo, 1):
                    waiting[make.remote(shared, following)] = following

    def close(self) -> None:
        """Disconnects from the cluster; stops it if it was started here."""
        self._ray.shutdown()

    def _answer(self, answer: Any, shard: int) -> bytes:
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(answer)
        except exceptions.RayTaskError as error:
            # What the task raised comes wrapped; an error of ours is raised as if it had been raised here.
            if isinstance(error.cause, PatchflowError):
                raise error.cause from None
            raise EngineError(f"shard {shard}: {' '.join(str(error.cause).split())}") from error
        except exceptions.RayError as error:
            raise EngineError(f"shard {shard}: its worker died again and again ({first_sentence(error)})") from error


def _make(job: Job, shard: int) -> bytes:
    """Makes one shard, on a worker."""
    torch.set_num_threads(1)  # there is a worker a core already
    engine = _engine(job.recipe.synth)
    return packed(job, job.items(engine, job.recipe.numbers(shard)))


@functools.cache
def _engine(synth: str) -> Engine:
    """The engine of a worker, which it keeps for all its shards."""
    return engines[synth]()


def _connected(workers: int | None, address: str | None) -> ModuleType:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent anywhere
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns where there is no GPU
    try:
        import ray
        from ray.exceptions import RayError
    except ModuleNotFoundError as error:
        raise MissingDependency("executor 'ray' needs the package 'ray': pip install 'patchflow[ray]'") from error
    if address:
        _reach(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    own: dict[str, Any] = {} if address else {"include_dashboard": False, "num_cpus": workers}
    try:
        with _silence():
            ray.init(address or "local", **quiet, **own)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        hint = "" if address in (None, "auto") else " If it wants a token, set RAY_AUTH_MODE=token."
        raise OptionError(_refusal(address or "local", first_sentence(error)) + hint) from error
    return ray


@contextmanager
def _silence() -> Iterator[None]:
    """Sends standard error nowhere for a while."""
    # While Ray's C++ parts try to connect they warn every second. They write to the descriptor itself, so neither
    # logging nor sys.stderr can stop them; the descriptor is exchanged and put back.
    with Path(os.devnull).open("w") as nowhere:
        stderr = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _reach(address: str) -> None:
    """Tries to open a connection first, because Ray itself waits for minutes."""
    host, sign, port = address.rpartition(":")
    if address == "auto":
        return
    if not sign or not port.isdigit():
        raise OptionError(f"address={address!r}: not auto or HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise OptionError(_refusal(address, first_sentence(error))) from error


def _refusal(address: str, reason: str) -> str:
    return f"address={address!r}: no Ray cluster answers there ({reason}). Start one with `ray start --head`."
