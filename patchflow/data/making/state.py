"""How the making of a data set is doing."""

from dataclasses import dataclass

__all__ = ["State"]


@dataclass(frozen=True)
class State:
    """How a making is doing.

    Args:
        stage: `"render"`, `"relate"` or `"write"`.
        done: Items that are rendered, the percentage that is related, or shards that are written.
        total: The same in the end.
    """

    stage: str
    done: int
    total: int
