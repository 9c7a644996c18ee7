"""What `patchflow synth` prints: plug-ins and their parameters, or what is wrong with them."""

from typing import Any

from ..engines import Control, Description, described, description_file
from ..errors import PatchflowError
from ..plugins import synth_description
from ..plugins.kinds import readable_name
from ._console import note, print_json, say

__all__ = ["print_added", "print_synth", "print_synths"]


def print_added(found: Description, *, as_json: bool) -> None:
    """Prints what was found out, and where it is written."""
    if found.fresh != "fork" and found.noise_floor_db:
        note(
            f"fresh={found.fresh} does not hold for {found.name}: the same preset is up to "
            f"{found.noise_floor_db:.2f} dB away from what a plug-in plays that has played nothing before"
        )
    if as_json:
        print_json(_facts(found))
        return
    say(f"{found.name}  {found.facts()['parameters']}")
    for name, fact in found.facts().items():
        if name not in ("plugin", "parameters"):
            say(f"  {name:<10}{fact}")
    fixed = [control.name for control in found.controls if control.kind == "fixed"]
    if fixed:
        say(f"  {'not heard':<10}{', '.join(fixed)}")
    unnamed = [control.name for control in found.controls if not readable_name(control.own_name)]
    if unnamed:
        say(f"  {'unnamed':<10}{', '.join(unnamed)}: the plug-in has no names for these")
    say(f"  {description_file(found.name)}")


def print_synths(*, as_json: bool) -> None:
    """Prints a line for every plug-in, or what is wrong with its description."""
    lines = {name: _line(name) for name in described()}
    if as_json:
        print_json(lines)
        return
    width = max(map(len, lines), default=0)
    for name, line in lines.items():
        say(f"{name:<{width}}  {line}")


def print_synth(found: Description, *, as_json: bool) -> None:
    """Prints all that is known of a plug-in, a parameter a line."""
    if as_json:
        print_json({**_facts(found), "controls": [_control(control) for control in found.controls]})
        return
    for name, fact in {"file": str(description_file(found.name)), **found.facts()}.items():
        say(f"{name:<11}{fact}")
    width = max(len(control.name) for control in found.controls)
    for control in found.controls:
        about = _control(control)
        say(f"{control.name:<{width}}  {control.kind:<6}  {control.group:<8}  {about['range']}".rstrip())


def _line(name: str) -> str:
    try:
        found = synth_description(name)
    except PatchflowError as error:
        return str(error)
    return f"{found.facts()['parameters']}; {found.native} presets; {found.plugin}"


def _facts(found: Description) -> dict[str, Any]:
    return {"name": found.name, "file": str(description_file(found.name)), **found.facts()}


def _control(control: Control) -> dict[str, Any]:
    span = ", ".join(control.options) or f"{control.low:g} to {control.high:g}"
    value = f"always {control.default:g}" if control.kind == "fixed" else span
    return {"name": control.name, "kind": control.kind, "group": control.group, "range": value}
