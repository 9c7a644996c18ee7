"""Writes the indexes of benchmarks and documents: benchmarks/README.md and docs/README.md.

Usage: python benchmarks/index.py

Each line is what a file says of itself: the first line of a script's docstring, the first sentence of a document.
"""

import ast
import re
from pathlib import Path

__all__ = ["benchmarks_index", "docs_index"]

ROOT = Path(__file__).parent.parent
BENCHMARKS = """# Benchmarks

The scripts behind every number in a document. Made by `benchmarks/index.py` from their first lines. Do not edit.

The docstring of each says more, and how it is called.
"""
DOCS = """# Documents

Guides and results. Made by `benchmarks/index.py` from their first lines. Do not edit.
"""
HEAD = ("| document | what it is about |", "|---|---|")
ORDER = {
    "The studio": (
        "studio",
        "studio_match",
        "studio_shape",
        "studio_explore",
        "studio_play",
        "troubleshooting",
        "studio_api",
    ),
    "Play": (
        "matching",
        "searching",
        "words",
        "map",
        "plugins",
        "wavetables",
        "turning",
        "morphing",
        "variations",
        "sketching",
        "live",
    ),
    "Train and measure": ("ear", "models", "training", "datasets", "experiments", "evaluation"),
    "Results": ("results", "recordings", "ten_recordings", "ten_morphs", "ten_turns", "paper", "reliability"),
}
AROUND = {
    "README": "What patchflow is, and how to try it.",
    "ARCHITECTURE": "How it is built, where to add what, and a glossary.",
    "CONTRIBUTING": "The rules of the house.",
    "CHANGELOG": "What changed.",
    "LOG": "What was tried, and what failed.",
    "benchmarks/README": "The scripts behind every number.",
}


def main() -> None:
    """Writes both."""
    (ROOT / "benchmarks" / "README.md").write_text(benchmarks_index())
    (ROOT / "docs" / "README.md").write_text(docs_index())


def benchmarks_index() -> str:
    """Returns the index of the benchmarks: scripts that are run, then modules that they share."""
    scripts = ["| script | what it does | writes |", "|---|---|---|"]
    shared = ["| module | what it is |", "|---|---|"]
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        says = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        first = says.split("\n")[0]
        if "Usage:" in says:
            scripts.append(f"| `{path.name}` | {first} | {_written(says)} |")
        else:
            shared.append(f"| `{path.name}` | {first} |")
    parts = [BENCHMARKS, "## Scripts", "", *scripts, "", "## What they share", "", *shared]
    return "\n".join(parts) + "\n"


def docs_index() -> str:
    """Returns the index of the documents.

    Raises:
        ValueError: If a document has no place in `ORDER`, or a place has no document.
    """
    found = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"README"}
    placed = set[str]().union(*ORDER.values())
    if found != placed:
        raise ValueError(f"documents without a place, or places without one: {sorted(found ^ placed)}")
    parts = [DOCS]
    for section, names in ORDER.items():
        rows = [f"| [{name}.md]({name}.md) | {_about(name)} |" for name in names]
        parts += [f"## {section}", "", *HEAD, *rows, ""]
    rows = [f"| [{name}.md](../{name}.md) | {what} |" for name, what in AROUND.items()]
    parts += ["## Around them", "", *HEAD, *rows]
    return "\n".join(parts) + "\n"


def _written(says: str) -> str:
    """The files that a docstring says its script writes."""
    usage = says.partition("Usage:")[2]
    return ", ".join(f"`{name}`" for name in dict.fromkeys(re.findall(r"benchmarks/results/([\w-]+\.\w+)", usage)))


def _about(name: str) -> str:
    """The first sentence below a document's title."""
    text = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    paragraph = text.split("\n\n")[1].replace("\n", " ")
    return re.split(r"(?<=\.)\s", paragraph)[0]


if __name__ == "__main__":
    main()
