"""How many threads torch may use while others fill the cores."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_torch_thread"]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keeps torch to one thread, and gives back as many as before at the end, however it ends.

    The threads of a renderer fill the cores; more of them for small tensors only get in each other's way.

    Example:
        >>> import torch
        >>> with one_torch_thread():
        ...     torch.get_num_threads()
        1
    """
    import torch  # here, so that whoever imports this module need not wait for it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
