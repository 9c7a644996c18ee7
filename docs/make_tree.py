"""Writes the tree of all packages and modules into ARCHITECTURE.md.

Usage: python docs/make_tree.py
"""

import ast
import re
from pathlib import Path

__all__ = ["tree", "with_tree"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BLOCK = re.compile(r"(<!-- tree:start -->\n).*?(<!-- tree:end -->)", re.DOTALL)
WIDTH = 120
INDENT = "  "


def main() -> None:
    """Writes the tree between its marks."""
    PAGE.write_text(with_tree(PAGE.read_text("utf-8")), "utf-8")


def with_tree(page: str) -> str:
    """Returns a page with the tree of today between its marks.

    Raises:
        SystemExit: If the page has no marks.
    """
    if not BLOCK.search(page):
        raise SystemExit(f"{PAGE.name}: no <!-- tree:start --> with a <!-- tree:end --> after it")
    lines = "\n".join(tree(ROOT / "patchflow"))
    return BLOCK.sub(lambda found: f"{found[1]}```\n{lines}\n```\n{found[2]}", page)


def tree(package: Path) -> list[str]:
    """Returns a line for a package and for everything in it: its name and its first docstring line.

    Args:
        package: Its folder.
    """
    entries = _entries(package, depth=0)
    column = max(len(name) for name, _ in entries) + 2
    return [_cut(name.ljust(column) + first_line) for name, first_line in entries]


def _entries(package: Path, depth: int) -> list[tuple[str, str]]:
    modules = [path for path in sorted(package.glob("*.py")) if path.stem != "__init__"]
    folders = [path.parent for path in sorted(package.glob("*/__init__.py"))]
    indent = INDENT * (depth + 1)
    entries = [(INDENT * depth + f"{package.name}/", _first_line(package / "__init__.py"))]
    entries += [(indent + module.stem, _first_line(module)) for module in modules]
    for folder in folders:
        entries += _entries(folder, depth + 1)
    return entries


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return docstring.partition("\n")[0]


def _cut(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    kept = line[: WIDTH - len("...") + 1].rpartition(" ")[0]
    if kept.count("`") % 2:
        kept = kept.rpartition("`")[0]  # no half pieces of code
    return kept.rstrip(" ,;:") + "..."


if __name__ == "__main__":
    main()
