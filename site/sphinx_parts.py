"""What the site adds to Sphinx: formulas as MathML, docstrings with Markdown's code, and pages of source code."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from sphinx.application import Sphinx

__all__ = ["accessible", "add_to", "mended", "source_page", "with_room"]

_BULLET = re.compile(r"(\s*)[*+-] ")
_COMPLETE = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages of the site">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    "<pre>": '<pre tabindex="0">',  # code that is too wide is scrolled
}
_CODE = re.compile(r"(?<![`:\\])`([^`\n]+)`(?!`)")
_SPECIAL = re.compile(r"(?<!\\)([|*])|(\w)_(?=\W|$)")


def add_to(app: Sphinx) -> None:
    """Registers everything."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_config_value("source_files", [], "html")  # paths in the repository that get a page each
    app.add_config_value("source_root", "", "html")
    app.connect("html-collect-pages", _source_pages)
    app.connect("autodoc-process-docstring", _mend, priority=100)  # before napoleon reads the sections
    if "autoapi.extension" in app.extensions:  # not in a site without the reference
        app.connect("autoapi-skip-member", _skip)


def accessible(page: str) -> str:
    """Returns the HTML of a page with what the theme leaves out for those who hear it or use a keyboard.

    Args:
        page: As Sphinx wrote it.
    """
    for without, complete in _COMPLETE.items():
        page = page.replace(without, complete)
    return page


def source_page(path: str, line: int | None = None) -> str:
    """Returns the address of a source file's page, from the root of the site.

    Args:
        path: In the repository.
        line: A line of it.
    """
    return f"source/{path}.html" + (f"#L-{line}" if line else "")


def mended(line: str) -> str:
    r"""Returns a line of a docstring as reStructuredText: code has one backtick here, and |x| is no substitution.

    Example:
        >>> mended("The `value` of |det|, by q_.")
        'The ``value`` of \\|det\\|, by q\\_.'
    """
    if line.lstrip().startswith(">>>") or "``" in line:
        return line
    parts = _CODE.split(line)  # text and code take turns
    for i in range(0, len(parts), 2):
        bullet = _BULLET.match(parts[i]) if i == 0 else None
        start = bullet.end() if bullet else 0
        parts[i] = parts[i][:start] + _SPECIAL.sub(_escaped, parts[i][start:])
    for i in range(1, len(parts), 2):
        parts[i] = f"``{parts[i]}``"
    return "".join(parts)


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1] else f"{found[2]}\\_"


def _mend(*event: Any) -> None:
    lines = event[-1]
    lines[:] = [mended(line) for line in with_room(lines)]


def with_room(lines: Sequence[str]) -> Iterator[str]:
    """Yields lines with an empty one wherever a list begins or ends within a list: reStructuredText needs it.

    Example:
        >>> list(with_room(["* a", "  + b", "* c"]))
        ['* a', '', '  + b', '', '* c']
    """
    before: int | None = None  # how far in the last bullet was, if the list goes on
    for line in lines:
        bullet = _BULLET.match(line)
        if bullet:
            inward = len(bullet[1])
            if before is not None and inward != before:
                yield ""
            before = inward
        elif not line.strip():
            before = None
        yield line


def _skip(*event: Any) -> bool:
    """Private modules are of no use to readers, and a name that a package passes on is shown where it is defined."""
    _, _, name, _, skip, _ = event
    return skip or any(part.startswith("_") for part in name.split("."))


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(_mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    formula = _mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="formula" tabindex="0" role="group" aria-label="Formula">{formula}</div>')
    raise nodes.SkipNode


def _mathml(tex: str, *, as_block: bool = False) -> str:
    """A formula as MathML, with the room that TeX has after the names of functions."""
    return tex2mathml(re.sub(r"\\(log|det)(?=\s*[^\W_]|\s*\\)", r"\\\1\\,", tex), as_block=as_block)


def _source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    look = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True, cssclass="highlight")
    for path in app.config.source_files:
        text = (Path(app.config.source_root) / path).read_text("utf-8")
        code = highlight(text, get_lexer_for_filename(path), look)
        body = f'<h1>{path}</h1><div class="source" tabindex="0" role="region" aria-label="Source code">{code}</div>'
        yield source_page(path).removesuffix(".html"), {"title": path, "body": body}, "page.html"
