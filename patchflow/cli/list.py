"""`patchflow list`: the engines, models, metrics, formats or executors there are."""

from collections.abc import Callable, Mapping
from inspect import getdoc
from typing import Annotated, Any

import typer

from ..errors import EngineError, MissingDependency, UnknownName
from ._console import print_meanings

__all__ = ["catalogue", "list_"]


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="One of: engines, models, metrics, formats, executors.")],
) -> None:
    """List what there is of a KIND: synths (engines), models, metrics, preset formats or executors of data sets.

    \b
    Example: patchflow list engines
    Example: patchflow list metrics
    """
    print_meanings(catalogue(kind))


def catalogue(kind: str) -> dict[str, str]:
    """Returns the entries of a registry and what each is.

    Args:
        kind: `"engines"`, `"models"`, `"metrics"`, `"formats"` or `"executors"`.

    Returns:
        For every name a line; for one whose package is not installed, what to install; for a plug-in whose
        description is not right, what is wrong.

    Raises:
        UnknownName: If `kind` is none of these.

    Example:
        >>> catalogue("engines")["tone"]
        'A sine or saw with an exponential decay and a short release; 3 parameters, json presets'
    """
    kinds = _kinds()
    if kind not in kinds:
        raise UnknownName("list", kind, kinds)
    registry = kinds[kind]
    details = _DETAILS.get(kind, _nothing)
    return {name: _line(registry, name, details) for name in registry}


def _kinds() -> dict[str, Mapping[str, Any]]:
    # Imported here: the help of all commands answers before anything heavy is imported.
    from ..data.dataset.executors import executors
    from ..engines import engines
    from ..metrics import metrics
    from ..models import models
    from ..presets.formats import formats

    return {"engines": engines, "executors": executors, "formats": formats, "metrics": metrics, "models": models}


def _line(registry: Mapping[str, Any], name: str, details: Callable[[Any], str]) -> str:
    try:
        entry = registry[name]
    except (EngineError, MissingDependency) as error:
        return str(error).removeprefix(f"{name} ")  # which the list prints in front
    return (getdoc(entry) or "").partition("\n")[0].rstrip(".") + details(entry)


def _engine(engine: Any) -> str:
    return f"; {len(engine.space)} parameters, {engine.native} presets"


def _metric(metric: Any) -> str:
    unit = f"{metric.unit}, " if metric.unit else ""
    return f"; {unit}{metric.better} is better, {metric.best:g} is the same sound"


def _nothing(_: Any) -> str:
    return ""


_DETAILS: dict[str, Callable[[Any], str]] = {"engines": _engine, "metrics": _metric}
