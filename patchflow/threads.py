"""How many threads torch may use while something else fills the cores.

Training leaves torch all of them. Matching, evaluating and making data render on all cores at the same time, and keep
torch to one thread meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_torch_thread"]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keeps torch to one thread, and gives back as many as before at the end, however it ends.

    A `Renderer` has a thread on every core, and each of them computes features of its own small sounds. By default
    torch would split every such operation over all cores once more: as many threads again, which wait for each other
    and take the cores away from the synths. So whoever renders and computes at the same time does it within this.

    One of these may be within another. Do not use it on two threads of Python at once: the one that ends first would
    give the threads back while the other still works.

    Example:
        >>> import torch
        >>> before = torch.get_num_threads()
        >>> with one_torch_thread():
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    # Imported here: whoever only imports this module, such as the command line, need not wait for torch.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
