"""Finds out what a plug-in is: its parameters, its latency, its chance, its speed, its presets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engines import Control, Description, need_dawdreamer, plugin_state
from ..errors import EngineError, PresetError, RenderError
from ..hosts import HostProcess
from ..presets.files import owner
from ..presets.vst2 import program_of
from ..presets.vst3 import class_id
from ..progress import Progress, ProgressCallback, ignore
from .audible import Heard, draw, listen
from .kinds import GRID, Kind, as_knob, groups, kind_of, unique
from .trial import Trial

__all__ = ["probe"]

_OTHERS = 6  # presets between two renders that should be the same
_MOST = 4_000  # parameters


def probe(
    plugin: str,
    name: str,
    *,
    fresh: str = "",
    patience: float = 15.0,
    progress: ProgressCallback = ignore,
) -> Description:
    """Loads a plug-in, plays it, and describes it.

    It runs in a process of its own, so that it may crash or hang.

    Args:
        plugin: A plug-in's file or bundle, or the address of an LV2 plug-in.
        name: What the synth will be called.
        fresh: How each note meets a fresh plug-in, one of `hosts.WAYS`; found out if "".
        patience: Seconds that the plug-in may take to load, and for each note.
        progress: Told what is being done and which share of it is done.

    Raises:
        MissingDependency: If the package that loads plug-ins is not installed.
        EngineError: If it is no plug-in, is not for this computer, is no synth, or crashes or hangs even with a
            fresh preset.
    """
    need_dawdreamer(name)
    progress(Progress("loading", 0.0))
    exact = "fork" if fresh != "reload" and _survives_copying(plugin, patience) else "reload"
    with _host(plugin, patience, exact) as host:
        facts = host.ask("describe", {"grid": []}).facts
        if not 1 <= len(facts["parameters"]) <= _MOST:
            raise EngineError(f"{plugin}: has {len(facts['parameters']):,} parameters, not 1 to {_MOST:,}")
        trial = Trial(host)
        trial.check_it_is_a_synth(facts["inputs"])
        progress(Progress("reading parameters", 0.0))
        facts = host.ask("describe", {"grid": GRID}).facts
        found = _describe(trial, name, facts, progress)
    return found if fresh in ("", exact) else _otherwise(found, facts, fresh, patience)


def _host(plugin: str, patience: float, fresh: str) -> HostProcess:
    return HostProcess("dawdreamer", {"path": plugin}, name=plugin, fresh=fresh, patience=patience, loading=patience)


def _survives_copying(plugin: str, patience: float) -> bool:
    """Whether a copy of the loaded plug-in plays; one that cannot be loaded at all is an error."""
    with _host(plugin, patience, "fork") as host:
        try:
            Trial(host).play({})
        except RenderError:
            return False
    return True


def _describe(trial: Trial, name: str, facts: Mapping[str, Any], progress: ProgressCallback) -> Description:
    about = facts["parameters"]
    rng = np.random.default_rng(0)
    kinds = [kind_of(parameter) for parameter in about]
    progress(Progress("comparing renders", 0.0))
    trial.measure_noise([draw(kinds, rng) for _ in range(_OTHERS)])
    fresh = [parameter["value"] for parameter in about]
    heard = listen(trial, kinds, fresh, rng, progress)
    if not any(what.audible for what in heard):
        raise EngineError(f"{trial.host.name}: none of its {len(about)} parameters can be heard: nothing to search")
    progress(Progress("timing", 1.0))
    id_, native = _presets(trial, draw(kinds, rng))
    return Description(
        name=name,
        plugin=trial.host.settings["path"],
        id=id_,
        native=native,
        controls=tuple(_controls(about, kinds, heard)),
        fresh=trial.host.fresh,
        latency=facts["latency"],
        noise_floor_db=round(trial.noise_floor_db, 2),
        renders_per_second=round(trial.measure_speed(), 1),
    )


def _otherwise(found: Description, facts: Mapping[str, Any], fresh: str, patience: float) -> Description:
    """The same plug-in, played in another way: what it does is known, how exact and fast it is then is not."""
    about, rng = facts["parameters"], np.random.default_rng(0)
    kinds, fresh_values = [kind_of(parameter) for parameter in about], {p["index"]: p["value"] for p in about}
    with _host(found.plugin, patience, fresh) as host:
        trial = Trial(host)
        trial.measure_noise([draw(kinds, rng) for _ in range(_OTHERS)], fresh_values)
        speed = round(trial.measure_speed(), 1)
    return replace(found, fresh=fresh, noise_floor_db=round(trial.noise_floor_db, 2), renders_per_second=speed)


def _controls(about: Sequence[dict[str, Any]], kinds: Sequence[Kind], heard: Sequence[Heard]) -> list[Control]:
    names = unique([parameter["name"] for parameter in about])
    parts = groups(names)
    return [
        _control(parameter, names[index], parts[index], (kinds[index], heard[index]))
        for index, parameter in enumerate(about)
    ]


def _control(about: dict[str, Any], name: str, group: str, found: tuple[Kind, Heard]) -> Control:
    kind, heard = found
    if kind.values and not heard.rounded:
        kind = as_knob(about)
    default = about["value"]
    if kind.values:
        default = min(kind.values, key=lambda value: abs(value - default))
    return Control(
        index=about["index"],
        name=name,
        kind=kind.kind if heard.audible else "fixed",
        default=default,
        group=group,
        options=kind.options,
        values=kind.values,
        label=about["name"] if about["name"] != name else "",
        notes=tuple(_notes(about, kind, heard)),
    )


def _notes(about: dict[str, Any], kind: Kind, heard: Heard) -> list[str]:
    low, high = (f"{text} {about['label']}".strip() for text in kind.ends)
    notes = [] if kind.values else [f"{low} to {high}, {about['text']} {about['label']}".rstrip() + " by default"]
    if heard.faults:
        notes.append(f"the plug-in crashed or hung at {', '.join(f'{value:g}' for value in heard.faults)}")
    if not heard.audible:
        notes.append(f'fixed because moving it was not heard (in mono); kind = "{kind.kind}" has it searched')
    return ["".join(letter if letter.isprintable() else " " for letter in note) for note in notes]


def _presets(trial: Trial, values: dict[int, float]) -> tuple[str, str]:
    """Whose presets it takes and in which format, tried out with one."""
    host = trial.host
    try:
        state = plugin_state(host, list(values.items()))
        whose = owner(state)
        if not whose:
            return "", "json"
        if class_id(state):
            same = not trial.differ(trial.play(values), trial.play({}, rest=state))
            return (whose, "vstpreset") if same else ("", "json")
        read = host.ask("values", data=state).facts
        alike = host.ask("values", data=program_of(state).pack()).facts == read
    except (PresetError, RenderError):
        return "", "json"
    return whose, "fxp" if alike else "fxb"
