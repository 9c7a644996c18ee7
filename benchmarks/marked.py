"""Puts tables into a document, between marks that name them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["filled"]


def filled(page: Path, tables: Mapping[str, Sequence[str]]) -> str:
    """Returns a document with other tables.

    Args:
        page: The document. Where table `name` stands it has `<!-- name:start -->` and `<!-- name:end -->`.
        tables: The lines of each, by name.

    Raises:
        ValueError: If the document has no place for one of them.
    """
    text = page.read_text("utf-8")
    for name, lines in tables.items():
        block = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        if not block.search(text):
            raise ValueError(f"{page.name}: no <!-- {name}:start --> with a <!-- {name}:end --> after it")
        body = "\n".join(lines)
        text = block.sub(lambda found, body=body: f"{found[1]}\n{body}\n\n{found[2]}", text)
    return text
