"""The command line: one subcommand, one file."""

from .__main__ import run

__all__ = ["run"]
