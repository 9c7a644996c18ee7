"""JSON on stdout, for machines."""

import json

import typer

__all__ = ["print_json"]


def print_json(content: object) -> None:
    """Prints what JSON can hold on one line, with all letters as they are."""
    typer.echo(json.dumps(content, ensure_ascii=False))
