"""Builds the site: the guide, the reference, and the pages of results with their examples, as static files.

Usage: python site/build.py [--out build/site] [--allow-missing]

It needs no synth, no GPU and no network: numbers come from `docs/paper.json` and `benchmarks/results`, sounds from
`site/examples`, which `site/make_all.py` fills (`sections.py` says with what). A section without
examples is an error unless it is allowed. Look at it with `python -m http.server --directory build/site`.
"""

import argparse
import ast
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import model_sizes
from assemble import Assembly
from code_lines import line_of
from example_files import read_examples
from measured import Measured
from media import Shelf
from results import Lines, Paper
from section_pages import SectionPage
from sections import SECTIONS
from snippets import SYNTHS
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from sphinx_parts import accessible

from patchflow.errors import PatchflowError, StorageError

__all__ = ["build"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

LARGEST = 60e6
"""Bytes that the site may have."""

_PACKAGE = ROOT / "patchflow"


def build(out: Path, examples: Path, *, allow_missing: bool = False, reference: bool = True) -> None:
    """Builds the site.

    Args:
        out: Folder of the site; what was in it is removed, if it was a site.
        examples: Folder of the folders of examples.
        allow_missing: Whether sections may have no examples.
        reference: Whether to make the reference from docstrings, which takes most of the time.

    Raises:
        StorageError: If a file that is needed is missing or of another version, a section has no examples, or `out`
            holds something else.
        AudioError: If a sound cannot be shown.
    """
    found = read_examples(examples)
    missing = [name for name in SECTIONS if name not in found]
    if missing and not allow_missing:
        raise StorageError(f"{examples}: no examples for {', '.join(missing)}; --allow-missing builds without them.")
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").exists():
        raise StorageError(f"{out}: is not empty, and no site.")
    with tempfile.TemporaryDirectory() as work:
        sources, extra, static = (Path(work) / name for name in ("sources", "extra", "static"))
        for folder in (sources, extra):
            folder.mkdir()
        assembly = Assembly(ROOT, sources, extra)
        assembly.add(guide_pages())
        Pages(assembly, Shelf(extra), found, reference=reference).write()
        if reference:
            assembly.write("reference.md", reference_list())
        # the studio is a page of its own, with a server
        shutil.copytree(_PACKAGE / "web", static / "web", ignore=shutil.ignore_patterns("studio", "vendor"))
        shutil.copyfile(HERE / "site.css", static / "site.css")
        shutil.rmtree(out, ignore_errors=True)
        _run_sphinx(assembly, out, static, reference=reference)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if size > LARGEST:
        raise StorageError(f"{out}: {size / 1e6:.0f} MB: more than {LARGEST / 1e6:.0f} MB.")


def guide_pages() -> list[str]:
    """Returns the Markdown files of the repository that are pages of the guide."""
    roots = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LOG.md", "benchmarks/README.md"]
    return [*roots, *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md")))]


def guide_order() -> list[str]:
    """Returns the pages of `docs`, in the order of their index."""
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    return re.findall(r"\]\(([\w-]+)\.md\)", index)


def reference_list() -> str:
    """Returns the page that lists every public module with its first line."""
    lines = ["# Reference", "Every public module, from its docstrings.", ""]
    for path in sorted(_PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if any(part.startswith("_") and part != "__init__" for part in parts):
            continue
        is_folder = parts[-1] == "__init__"
        names = parts[:-1] if is_folder else parts
        target = "/".join(("reference", *names, "index"))
        about = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]
        about = re.sub(r"[<>$*_\[\]]", r"\\\g<0>", about)
        lines.append(f"{'  ' * (len(names) - 1)}- [{'.'.join(names)}]({target}.rst): {about}")
    return "\n".join(lines)


class Pages:
    """The pages of results: the templates in `site/pages`, filled.

    Args:
        assembly: Where they go.
        shelf: Where sounds go.
        found: Examples by section.
        reference: Whether the site has the reference.
    """

    def __init__(
        self, assembly: Assembly, shelf: Shelf, found: Mapping[str, Sequence[tuple[Path, Any]]], *, reference: bool
    ) -> None:
        self.assembly = assembly
        self.shelf = shelf
        self.found = found
        self.reference = reference
        self._page = ""
        loader = jinja2.FileSystemLoader(HERE / "pages")
        self._templates = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False)

    def write(self) -> None:
        """Writes all pages."""
        results = ROOT / "benchmarks" / "results"
        known = {
            "paper": Paper(ROOT / "docs" / "paper.json"),
            "measured": Measured(results),
            "lines": lambda name: Lines(results / f"{name}.jsonl"),
            "examples": self._examples,
            "code": self._code,
            "file": self._file,
            "has_reference": self.reference,
            "guide": guide_order(),
            "sizes": model_sizes,
            "synths": SYNTHS,
            "root": ROOT,
        }
        for path in sorted((HERE / "pages").rglob("*.md")):
            self._page = str(path.relative_to(HERE / "pages"))
            text = self._templates.get_template(self._page).render(known)
            self.assembly.write(self._page, text)

    def _examples(self, section: str) -> str:
        """The examples of a section on the page that is being written."""
        sets = self.found.get(section, ())
        if not sets:
            return "```{note}\nThere are no examples of this section in this build.\n```"
        up = "../" * self._page.count("/")
        parts = []
        before = ""
        for folder, value in sets:
            page = SectionPage(self.shelf, folder, up)
            heading = page.heading(value)
            if heading != before:
                parts.append(f"## {heading}")
            parts.append(page.draw(value, first=heading != before))
            before = heading
        return "\n\n".join(parts)

    def _code(self, path: str, name: str) -> str:
        """A link to the line where a name is defined."""
        line = line_of(ROOT / path, name)
        address = self.assembly.link_to(path, self._page, line)
        return f'<a href="{address}">`{name}`, line {line} of {path}</a>'

    def _file(self, path: str, words: str) -> str:
        """A link to a file of the repository that is no page."""
        address = self.assembly.link_to_file(path, self._page)
        return f'<a href="{address}">{words}</a>'


def _run_sphinx(assembly: Assembly, out: Path, static: Path, *, reference: bool) -> None:
    settings: dict[str, Any] = {
        "source_files": sorted(assembly.source_files),
        "source_root": str(ROOT),
        "html_static_path": [str(static)],
        "html_extra_path": [str(assembly.extra)],
    }
    if not reference:
        settings["extensions"] = ["myst_parser", "sphinx.ext.napoleon"]
    doctrees = assembly.sources.parent / "doctrees"
    with patch_docutils(str(HERE)), docutils_namespace():
        app = Sphinx(
            str(assembly.sources), str(HERE), str(out), str(doctrees), "html",
            confoverrides=settings, status=None, warning=sys.stderr, parallel=2,
        )  # fmt: skip
        app.build()
    if app.statuscode or app._warncount:
        raise StorageError(f"{out}: Sphinx found faults in the pages; they are listed above.")
    for page in out.rglob("*.html"):
        page.write_text(accessible(page.read_text("utf-8")), "utf-8")
    (out / ".buildinfo").unlink(missing_ok=True)
    shutil.rmtree(out / "_sources", ignore_errors=True)


def main() -> int:
    """Builds it, and says how long it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--examples", type=Path, default=HERE / "examples")
    parser.add_argument("--allow-missing", action="store_true", help="build sections that have no examples")
    parser.add_argument("--no-reference", action="store_true", help="leave out the reference")
    given = parser.parse_args()
    start = time.perf_counter()
    try:
        build(given.out, given.examples, allow_missing=given.allow_missing, reference=not given.no_reference)
    except PatchflowError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    print(f"{given.out}/index.html, after {time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
