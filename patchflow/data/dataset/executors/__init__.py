"""Ways to spread the making of a data set, one executor a file.

A job and numbers of shards go in, the bytes of each shard come out, by a callback. `Executor`, in `../job.py`,
is the interface.

* `local.py`: threads of this machine.
* `ray.py`: a Ray cluster, or processes of this machine through Ray.

`executors["local"]` imports an executor when it is first used.
"""

from ....registry import Registry
from ..job import Executor

__all__ = ["Executor", "executors"]

executors: Registry[type[Executor]] = Registry("patchflow.data.dataset.executors", "executor")
