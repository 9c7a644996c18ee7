"""What to say when memory is not enough: which batch size would fit."""

from collections.abc import Callable

import torch

__all__ = ["advice", "is_memory_short"]

_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")


def is_memory_short(error: BaseException) -> bool:
    """Returns whether an error says that memory is not enough.

    Example:
        >>> is_memory_short(MemoryError()), is_memory_short(RuntimeError("shapes differ"))
        (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def advice(batch: int, attempt: Callable[[int], None] | None) -> str:
    """Returns a sentence on the batch size to use: the first of the halves of `batch` that can be computed.

    Args:
        batch: Items for which memory was not enough.
        attempt: Computes a loss and its gradient for so many items; None if that cannot be tried.

    Example:
        >>> def attempt(count):
        ...     if count > 20:
        ...         raise MemoryError
        >>> advice(100, attempt)
        'batch=12 fits: it was tried.'
    """
    if attempt is None:
        return f"Give a smaller batch, e.g. batch={max(2, batch // 2)}; whether that fits was not tried."
    while batch > 2:
        batch = max(2, batch // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            attempt(batch)
        except (MemoryError, RuntimeError) as error:
            if not is_memory_short(error):
                raise
        else:
            return f"batch={batch} fits: it was tried."
    return "No batch fits: use a smaller model or more memory."
