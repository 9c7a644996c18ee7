"""One way to spread work, one file: `executors["local"]()` makes one."""

from ....registry import Registry
from ._executor import Executor

__all__ = ["Executor", "executors"]

executors: Registry[type[Executor]] = Registry("patchflow.data.dataset.executors", "executor")
