"""Python files that are read, not imported: syntax trees, and which of them a registry lists."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = [
    "DEFINITIONS",
    "FUNCTIONS",
    "Source",
    "docstring_lines",
    "entries",
    "has",
    "nodes_of",
    "place",
    "read_sources",
    "total_lines",
    "without_listed",
]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)

Kind = type[ast.AST] | tuple[type[ast.AST], ...]


@dataclass(frozen=True)
class Source:
    """A Python file.

    Args:
        path: The file, relative to the folder that is measured, such as `data/bank.py`.
        text: What it holds.
    """

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    @property
    def lines(self) -> int:
        """The number of lines, empty ones as well."""
        return len(self.text.splitlines())

    @property
    def is_module(self) -> bool:
        """Whether it is neither `__init__.py` nor `__main__.py`."""
        return self.path.stem not in ("__init__", "__main__")


def read_sources(folder: Path) -> list[Source]:
    """Returns all Python files below a folder, in the order of their paths."""
    paths = sorted(folder.rglob("*.py"))
    return [Source(path.relative_to(folder), path.read_text("utf-8")) for path in paths]


def without_listed(sources: list[Source]) -> list[Source]:
    """Returns the files but for entries of a registry and for commands: the user's word is what those are called."""
    listed = set(entries(sources))
    return [source for source in sources if source not in listed and "cli" not in source.path.parts]


def entries(sources: list[Source]) -> list[Source]:
    """Returns the entries of all registries.

    A registry is found by the call that makes it, `Registry("patchflow.metrics", "metric")`, whose first
    argument is the package it lists.
    """
    folders = set()
    for node in nodes_of(sources, ast.Call):
        if ast.unparse(node.func) == "Registry" and node.args and isinstance(node.args[0], ast.Constant):
            _, *parts = str(node.args[0].value).split(".")
            folders.add(Path(*parts))
    modules = [source for source in sources if source.is_module and source.path.parent in folders]
    return [source for source in modules if not source.path.stem.startswith("_")]


def nodes_of(sources: list[Source], kind: Kind) -> Iterator[Any]:
    """Yields the nodes of a kind in all files."""
    for source in sources:
        yield from (node for node in source.nodes if isinstance(node, kind))


def has(node: ast.AST, kind: Kind) -> bool:
    """Whether a node is of a kind, or has one of it inside."""
    return any(isinstance(inner, kind) for inner in ast.walk(node))


def docstring_lines(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Returns the number of lines of a docstring, 0 if there is none."""
    if ast.get_docstring(node) is None:
        return 0
    text = node.body[0]
    return (text.end_lineno or text.lineno) - text.lineno + 1


def place(source: Source, node: ast.expr) -> str:
    """Returns where an expression starts, as `data/bank.py:12`."""
    return f"{source.path.as_posix()}:{node.lineno}"


def total_lines(sources: list[Source]) -> int:
    """Returns the number of lines of all files."""
    return sum(source.lines for source in sources)
