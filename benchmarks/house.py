"""Measures how the code reads: sizes, density, comments, names and documents of any project.

Usage: python benchmarks/house.py [FOLDER ...] [--json] [--where] [--before FILE.json]

    python benchmarks/house.py                                                this project
    python benchmarks/house.py --where                                        and every place that counts
    python benchmarks/house.py --before benchmarks/results/house_before.json  beside what it was
    python benchmarks/house.py ../zuko/zuko ../julius/julius                  other projects, side by side

A module is a file that is neither `__init__.py` nor `__main__.py`. An entry is a module of a folder that a `Registry`
lists: the registry calls it by its file name. Nothing is imported or run, so any folder of Python can be measured.
"""

import argparse
import ast
import io
import json
import re
import statistics
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from sources import (
    DEFINITIONS,
    FUNCTIONS,
    Source,
    docstring_lines,
    entries,
    has,
    nodes_of,
    place,
    read_sources,
    total_lines,
    without_listed,
)

__all__ = [
    "documents_of",
    "double_comprehensions",
    "long_lines",
    "measure",
    "nested_comprehensions",
    "repeated_files",
    "repeated_names",
    "small_modules",
]

PACKAGE = Path(__file__).parents[1] / "patchflow"
WIDTH = 120
DIRECTIVE = re.compile(r"#\s*(!|noqa|type:|pyright:|fmt:)")  # a comment that a tool reads
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Measures = dict[str, float | dict[str, int]]


def main() -> None:
    """Prints the measures of every folder that is named."""
    parser = argparse.ArgumentParser(description="Measures how the code reads.")
    parser.add_argument("folders", nargs="*", type=Path, default=[PACKAGE], metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="print numbers instead of a table")
    parser.add_argument("--where", action="store_true", help="print the places as well: names, files, lines")
    parser.add_argument("--before", type=Path, metavar="FILE.json", help="what --json printed before")
    given = parser.parse_args()

    columns: dict[str, Measures] = {}
    if given.before:
        for name, measures in json.loads(given.before.read_text("utf-8")).items():
            columns[f"{name} before"] = measures
    for folder in given.folders:
        columns[folder.resolve().name] = measure(folder)

    print(json.dumps(columns, indent=1) if given.json else table(columns))
    if given.where:
        for folder in given.folders:
            print(places(folder))


def measure(folder: Path) -> Measures:
    """Returns the measures of all Python files below a folder, and of the documents that go with them."""
    sources = read_sources(folder)
    if not sources:
        raise SystemExit(f"{folder}: no Python file is in there")
    return {
        **sizes(sources),
        **functions(sources),
        **docstrings(sources),
        **comments(sources),
        **density(sources),
        **names(sources),
        f"lines of documents over {WIDTH} columns": len(long_lines(documents_of(folder))),
        "files per package": packages(sources),
    }


def sizes(sources: list[Source]) -> Measures:
    """Returns how many files there are, and how long they are."""
    modules = [source for source in sources if source.is_module]
    return {
        "files": len(sources),
        "lines": total_lines(sources),
        "file median, lines": statistics.median(source.lines for source in sources),
        "modules": len(modules),
        "module median, lines": statistics.median(source.lines for source in modules) if modules else 0,
        "modules below 40 lines": sum(source.lines < 40 for source in modules),
        "modules below 45 lines": sum(source.lines < 45 for source in modules),
        "modules below 60 lines": sum(source.lines < 60 for source in modules),
        "longest file, lines": max(source.lines for source in sources),
    }


def small_modules(sources: list[Source]) -> list[Source]:
    """Returns the modules below 40 lines that no registry lists: a reader turns a page for little."""
    listed = set(entries(sources))
    return [source for source in sources if source.is_module and source.lines < 40 and source not in listed]


def functions(sources: list[Source]) -> Measures:
    """Returns how long functions and methods are, from `def` to the last line, without the docstring."""
    lengths = []
    for node in nodes_of(sources, FUNCTIONS):
        whole = node.end_lineno - node.lineno + 1
        lengths.append(whole - docstring_lines(node))
    lengths.sort()
    return {
        "functions": len(lengths),
        "function median, lines without docstring": statistics.median(lengths) if lengths else 0,
        "function p90, lines without docstring": lengths[len(lengths) * 9 // 10] if lengths else 0,
    }


def packages(sources: list[Source]) -> dict[str, int]:
    """Returns the number of files in every folder right below the one that is measured, the largest first."""
    found = Counter(source.path.parts[0] for source in sources if len(source.path.parts) > 1)
    return dict(found.most_common())


def docstrings(sources: list[Source]) -> Measures:
    """Returns how much of the code is docstrings, and how many public classes, functions and methods have one."""
    lines = sum(docstring_lines(node) for node in nodes_of(sources, (ast.Module, *DEFINITIONS)))
    public = [node for node in nodes_of(sources, DEFINITIONS) if not node.name.startswith("_")]
    documented = sum(ast.get_docstring(node) is not None for node in public)
    return {
        "docstrings, % of lines": share(lines, total_lines(sources)),
        "public names documented, %": share(documented, len(public)),
    }


def comments(sources: list[Source]) -> Measures:
    """Returns how many lines are comments, and how many end in one. Comments that a tool reads do not count."""
    own = 0
    trailing = 0
    for source in sources:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type != tokenize.COMMENT or DIRECTIVE.match(token.string):
                continue
            before = token.line[: token.start[1]]
            if before.strip():
                trailing += 1
            else:
                own += 1
    return {
        "own-line comments, % of lines": share(own, total_lines(sources)),
        "trailing comments, % of lines": share(trailing, total_lines(sources)),
    }


def density(sources: list[Source]) -> Measures:
    """Returns how often code says several things at once."""
    thousands = total_lines(sources) / 1000
    comprehensions = nodes_of(sources, COMPREHENSIONS)
    ternaries = nodes_of(sources, ast.IfExp)
    packs = [node for node in nodes_of(sources, ast.Assign) if is_pack(node)]
    return {
        "comprehensions per 1,000 lines": round(len(list(comprehensions)) / thousands, 2),
        "comprehensions inside another": len(nested_comprehensions(sources)),
        "comprehensions with another inside or with two `for`s": len(double_comprehensions(sources)),
        "ternaries per 1,000 lines": round(len(list(ternaries)) / thousands, 2),
        "packs (`a, b = x, y`)": len(packs),
        "packs with calls": sum(has(node.value, ast.Call) for node in packs),
        "lambdas": len(list(nodes_of(sources, ast.Lambda))),
    }


def nested_comprehensions(sources: list[Source]) -> list[str]:
    """Returns the place of every comprehension that is anywhere inside another one, as `data/bank.py:12`."""
    found = []
    for source in sources:
        inner = set()
        for outer in nodes_of([source], COMPREHENSIONS):
            # One that is inside two others is found twice, and counts once.
            inner |= {node for node in ast.walk(outer) if isinstance(node, COMPREHENSIONS) and node is not outer}
        found += [place(source, node) for node in inner]
    return sorted(found)


def double_comprehensions(sources: list[Source]) -> list[str]:
    """Returns the place of every comprehension that has another one inside, or that loops twice."""
    found = []
    for source in sources:
        for node in nodes_of([source], COMPREHENSIONS):
            nested = any(has(child, COMPREHENSIONS) for child in ast.iter_child_nodes(node))
            if nested or len(node.generators) > 1:
                found.append(place(source, node))
    return sorted(found)


def is_pack(node: ast.Assign) -> bool:
    """Whether an assignment packs several into one line: `a, b = x, y`."""
    return isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)


def names(sources: list[Source]) -> Measures:
    """Returns how many public names and file names mean several things."""
    own = without_listed(sources)
    return {
        "public names defined more than once": len(repeated_names(sources)),
        "public names defined more than once, CLI and entries aside": len(repeated_names(own)),
        "constants defined more than once": len(repeated(sources, constants)),
        "file names in more than one folder": len(repeated_files(sources)),
        "file names in more than one folder, CLI and entries aside": len(repeated_files(own)),
    }


def repeated_names(sources: list[Source]) -> dict[str, list[str]]:
    """Returns the public functions and classes that several modules define, and where."""
    return repeated(sources, definitions)


def repeated_files(sources: list[Source]) -> dict[str, list[str]]:
    """Returns the names of modules that occur in several folders, without leading underscore, and where."""
    return repeated(sources, lambda source: [source.path.stem.lstrip("_")] if source.is_module else [])


def repeated(sources: list[Source], names_of: Callable[[Source], list[str]]) -> dict[str, list[str]]:
    """Returns the names that `names_of` finds in more than one file, with those files."""
    places: dict[str, list[str]] = {}
    for source in sources:
        for name in set(names_of(source)):
            places.setdefault(name, []).append(source.path.as_posix())
    return {name: places[name] for name in sorted(places) if len(places[name]) > 1}


def definitions(source: Source) -> list[str]:
    """Returns the public functions and classes at the top of a file."""
    found = [node.name for node in source.tree.body if isinstance(node, DEFINITIONS)]
    return [name for name in found if not name.startswith("_")]


def constants(source: Source) -> list[str]:
    """Returns the public constants at the top of a file: names in capitals, but for type variables of one letter."""
    found = []
    for node in source.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in found if name.isupper() and len(name) > 1 and not name.startswith("_")]


def documents_of(folder: Path) -> list[Path]:
    """Returns the Markdown files that people write: in the folder, beside it and in `docs`; generated ones left out."""
    pages = set(folder.rglob("*.md"))
    project = folder.resolve().parent
    if (project / "pyproject.toml").exists():
        pages |= {*project.glob("*.md"), *(project / "docs").rglob("*.md")}
    return sorted(page for page in pages if "Do not edit." not in page.read_text("utf-8")[:500])


def long_lines(pages: Iterable[Path]) -> list[str]:
    """Returns the place of every line over 120 columns, as `README.md:12`; not of tables, links and code."""
    found = []
    for page in pages:
        in_code = False
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            start = line.lstrip()
            if start.startswith("```"):
                in_code = not in_code
            cannot_wrap = in_code or start.startswith("|") or "](" in line or "://" in line
            if len(line) > WIDTH and not cannot_wrap:
                found.append(f"{page.name}:{number}")
    return found


def table(columns: dict[str, Measures]) -> str:
    """Returns a Markdown table, a column a folder, and below it the files per package."""
    rows = list(dict.fromkeys(name for measures in columns.values() for name in measures))
    rows.remove("files per package")
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for row in rows:
        cells = [f"{measures[row]:,.6g}" if row in measures else "–" for measures in columns.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    for name, measures in columns.items():
        counts = measures["files per package"]
        assert isinstance(counts, dict)
        lines += ["", f"Files per package, {name}: " + ", ".join(f"{key} {count}" for key, count in counts.items())]
    return "\n".join(lines)


def places(folder: Path) -> str:
    """Returns the places that the numbers count, as a list for whoever wants to mend them."""
    sources = read_sources(folder)
    own = without_listed(sources)
    lines = ["", "Public names defined more than once, CLI and entries aside:"]
    lines += [f"  {name}: {', '.join(where)}" for name, where in repeated_names(own).items()]
    lines += ["Constants defined more than once:"]
    lines += [f"  {name}: {', '.join(where)}" for name, where in repeated(sources, constants).items()]
    lines += ["File names in more than one folder, CLI and entries aside:"]
    lines += [f"  {name}: {', '.join(where)}" for name, where in repeated_files(own).items()]
    lines += ["Modules below 40 lines, entries aside:"]
    lines += [f"  {source.path.as_posix()}: {source.lines}" for source in small_modules(sources)]
    lines += ["Comprehensions inside another:"]
    lines += [f"  {where}" for where in nested_comprehensions(sources)]
    lines += ["Comprehensions with another inside or with two `for`s:"]
    lines += [f"  {where}" for where in double_comprehensions(sources)]
    lines += [f"Lines of documents over {WIDTH} columns:"]
    lines += [f"  {where}" for where in long_lines(documents_of(folder))]
    return "\n".join(lines)


def share(part: int, whole: int) -> float:
    """Returns a part of a whole, in %."""
    return round(100 * part / whole, 2) if whole else 0.0


if __name__ == "__main__":
    main()
