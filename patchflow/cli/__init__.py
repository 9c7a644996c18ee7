"""The command line: one subcommand, one file."""

from .main import run

__all__ = ["run"]
