"""Texts out of files, as a terminal, a log, JSON or a page may have them: names are data, and never commands.

Preset names, file names, authors and what plug-ins say come from anybody. An escape sequence in one sets a terminal's
title or worse, a line break forges a line, a mark for right-to-left text turns the rest of the line around. Letters of
all scripts stay as they are.
"""

import re

__all__ = ["json_line", "markdown_text", "one_line", "printable", "tame_markup", "without_hidden"]

# Control characters of both sets, line separators, marks that order text from right to left or cannot be seen, lone
# surrogates (what stands for bytes of a file name that are not UTF-8), tags and what is no character.
_NEVER = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
# Two that join letters of Persian or Indian scripts and the parts of an emoji; nowhere else are they letters.
_JOINERS = "\u200c\u200d"
_HIDDEN = re.compile(f"[{_NEVER}]|(?<![^\\x00-\u02ff{_JOINERS}])[{_JOINERS}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# What begins something in Markdown or HTML. An underscore within a word is one, `flow_reg`; elsewhere it is emphasis.
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<!\w)_|_(?!\w)|^(?=[#>+=-]|\d+[.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def printable(text: str) -> str:
    r"""Returns a text on one line without anything that acts on what shows it: such characters are spelt out.

    Example:
        >>> print(printable("a\x1b]0;title\x07b\nc\u202ed"))
        a\x1b]0;title\x07b\nc\u202ed
        >>> printable("ピアノ пианино 👩‍🎤")
        'ピアノ пианино 👩\u200d🎤'
    """
    return _HIDDEN.sub(_spelt, text)


def one_line(text: str) -> str:
    r"""Returns a text with a space in the place of every letter that cannot be shown.

    Example:
        >>> one_line("Le\nad\x07")
        'Le ad '
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def without_hidden(text: str, instead: str) -> str:
    r"""Returns a text with another letter in the place of each such character.

    Example:
        >>> without_hidden("a\x1bb\u202ec", "_")
        'a_b_c'
    """
    return _HIDDEN.sub(instead, text)


def json_line(text: str) -> str:
    r"""Returns a JSON text with such characters as JSON spells them: whoever reads it gets the same texts.

    Args:
        text: What `json.dumps` made, on one line.

    Example:
        >>> import json
        >>> print(json_line(json.dumps("\x9b2J \u202eé", ensure_ascii=False)))
        "\u009b2J \u202eé"
    """
    return _HIDDEN.sub(_spelt_in_json, text)


def markdown_text(text: str) -> str:
    r"""Returns a text as Markdown shows it: on one line, without links, tags of HTML, or ends of cells and code.

    Example:
        >>> print(markdown_text("<b>a|b</b> flow_reg `x`"))
        &lt;b&gt;a\|b&lt;/b&gt; flow_reg \`x\`
    """
    escaped = _MARKUP.sub(lambda found: f"\\{found[0]}", printable(text))
    return re.sub("[&<>]", lambda found: _ENTITIES[found[0]], escaped)


def tame_markup(text: str) -> str:
    r"""Returns Markdown that may hold names on one line, with its emphasis and without tags, links and pictures.

    Example:
        >>> print(tame_markup("**vae** < 0.1 <script> [a](http://b)"))
        **vae** < 0.1 &lt;script> \[a\](http://b)
    """
    shown = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", printable(text))
    return re.sub(r"[\[\]`]", lambda found: f"\\{found[0]}", shown)


def _spelt(found: re.Match[str]) -> str:
    letter = found[0]
    number = ord(letter)
    if letter in _SHORT:
        return _SHORT[letter]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _spelt_in_json(found: re.Match[str]) -> str:
    # JSON writes what is beyond 16 bits as two surrogates.
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
