"""Where a name stands in the source, so that a page can link to the line."""

import ast
from pathlib import Path

from patchflow.errors import UnknownName

__all__ = ["line_of"]


def line_of(file: Path, name: str) -> int:
    """Returns the line where a class, a function or a method begins.

    Args:
        file: Of source code.
        name: Such as `"FlowJoint.loss"` or `"log_tags"`.

    Raises:
        UnknownName: If the file defines no such name.
    """
    found = _definitions(ast.parse(file.read_text("utf-8")), "")
    if name not in found:
        raise UnknownName(f"definition in {file}", name, found)
    return found[name]


def _definitions(tree: ast.Module | ast.ClassDef, before: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            lines[before + node.name] = node.lineno
        if isinstance(node, ast.ClassDef):
            lines |= _definitions(node, f"{before}{node.name}.")
    return lines
