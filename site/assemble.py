"""The guide's pages as Sphinx needs them: Markdown files of the repository, whose links lead somewhere on the site."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from sphinx_parts import source_page

__all__ = ["Assembly"]

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\((?!https?:)([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)


class Assembly:
    """A folder of sources for Sphinx, made of the repository.

    Args:
        root: The repository.
        sources: Folder to fill; pages keep their places in the repository, so that links between them hold.
        extra: Folder of files that are copied to the root of the site.
    """

    def __init__(self, root: Path, sources: Path, extra: Path) -> None:
        self.root = root
        self.sources = sources
        self.extra = extra
        self.source_files: set[str] = set()
        self._pages: set[Path] = set()

    def add(self, pages: Sequence[str]) -> None:
        """Copies pages, with the pictures they show.

        Args:
            pages: Paths of Markdown files in the repository.
        """
        self._pages |= {self.root / page for page in pages}
        for page in pages:
            file = self.root / page
            text = file.read_text("utf-8")
            for picture in _IMAGE.findall(text):
                self._copy(file.parent / picture, self.sources)
            self.write(page, self._linked(text, file))

    def write(self, page: str, text: str) -> None:
        """Writes a page that is made, not copied."""
        target = self.sources / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def link_to(self, path: str, page: str, line: int | None = None) -> str:
        """Returns the address of a source file's page from a page of the site, and has that page made.

        Args:
            path: Of the source file, in the repository.
            page: That has the link, as a path in the repository.
            line: Of the source file.
        """
        self.source_files.add(path)
        return "../" * page.count("/") + source_page(path, line)

    def link_to_file(self, path: str, page: str) -> str:
        """Returns the address of a file of the repository from a page, and has it copied.

        Args:
            path: Of the file, in the repository.
            page: That has the link, as a path in the repository.
        """
        self._copy(self.root / path, self.extra / "files")
        return f"{'../' * page.count('/')}files/{path}"

    def _linked(self, text: str, file: Path) -> str:
        """The text with links to files that are no pages turned into links of HTML, outside of code."""
        kept: list[str] = []
        end = 0
        for fence in _FENCE.finditer(text):
            kept += [self._relinked(text[end : fence.start()], file), fence.group()]
            end = fence.end()
        return "".join([*kept, self._relinked(text[end:], file)])

    def _relinked(self, text: str, file: Path) -> str:
        up = "../" * (len(file.relative_to(self.root).parts) - 1)

        def relink(found: re.Match[str]) -> str:
            words, target = found.groups()
            path = (file.parent / target.partition("#")[0]).resolve()
            if path in self._pages:
                return found.group()
            if path.is_dir():
                return words
            name = str(path.relative_to(self.root))
            if path.suffix == ".py":
                self.source_files.add(name)
                return f'<a href="{up}{source_page(name)}">{words}</a>'
            self._copy(path, self.extra / "files")
            return f'<a href="{up}files/{name}">{words}</a>'

        return _LINK.sub(relink, text)

    def _copy(self, path: Path, folder: Path) -> None:
        target = folder / path.resolve().relative_to(self.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
