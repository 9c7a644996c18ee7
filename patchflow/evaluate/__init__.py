"""What trained models are worth: runs to result files, result files to tables."""

from .runs import evaluate_run, evaluate_trivial
from .tables.write import write_tables

__all__ = ["evaluate_run", "evaluate_trivial", "write_tables"]
