"""Makes tables of result files: boards, numbers, claims and a page.

Folders of result files come in; a Markdown page and a JSON file of the same numbers go out. Open `page.py` first.

* `board`: reads results and sorts them into boards, whose rows can be compared; has the paper's published figures.
* `numbers`: all numbers of a board, JSON-serialisable, and how one is printed in a Markdown table.
* `claims`: tests the paper's claims and this project's, and has the statistical tests for that.
* `page`: all of it in order; the page, made of the numbers alone; and a page again from its JSON file.
"""

from .page import write_tables

__all__ = ["write_tables"]
