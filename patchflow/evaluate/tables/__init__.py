"""Tables: result files to boards, numbers, claims and a page."""

from .write import write_tables

__all__ = ["write_tables"]
