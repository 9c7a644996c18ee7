"""The command line: one subcommand, one file."""

from .entry import run

__all__ = ["run"]
