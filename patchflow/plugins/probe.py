"""Measures what a plug-in is: its parameters, latency, noise floor, speed and presets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engines import Control, Description, need_dawdreamer, plugin_state
from ..errors import EngineError, PresetError, RenderError
from ..hosts import HostProcess, find_lv2, is_uri
from ..lv2 import applies_to
from ..presets.files import owner
from ..presets.vst2 import program_of
from ..presets.vst3 import class_id
from ..printable import one_line
from ..progress import Progress, ProgressCallback, ignore
from .audible import Audibility, find_twins, listen, random_preset
from .cents import Spectra, with_cents
from .kinds import GRID, ParameterKind, as_knob, groups, kind_of, readable_name, unique
from .needs import with_needs
from .trial import Trial

__all__ = ["probe"]

_OTHERS = 6  # presets between two renders that should be the same
_COMPARED = 4  # random presets that are played by a process each
_MOST = 4_000  # parameters

Facts = Mapping[str, Any]
"""What a host answers to `describe`."""


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
        fresh: How each note gets a fresh plug-in, one of `hosts.WAYS`; measured if "".
        patience: Seconds that the plug-in may take to load, and for each note.
        progress: Called with the present stage and the share of it that is done.

    Raises:
        MissingDependency: If the package that loads plug-ins is not installed.
        EngineError: If it is no plug-in, is not for this computer, is no synth, or crashes or hangs even with a
            fresh preset.
    """
    need_dawdreamer(name)
    progress(Progress("loading", 0.0))
    # All is measured in the most exact way that works, even if the plug-in is to play in another one later: whether a
    # parameter can be heard cannot be decided on sounds that depend on what was played before.
    exact = "fork" if fresh != "reload" and _survives_copying(plugin, patience) else "reload"
    if fresh == "fork" and exact == "reload":
        raise EngineError(f"{plugin}: does not play in a copy of its process: fresh=fork is not possible, reload is")
    with _host(plugin, patience, exact) as host:
        # without a grid first: an effect, or a plug-in of 100,000 parameters, is refused at once
        facts = host.ask("describe", {"grid": []}).facts
        if not facts["parameters"]:
            raise EngineError(
                f"{plugin}: has no parameters that a host can set; what MIDI controllers do is not searched"
            )
        if not len(facts["parameters"]) <= _MOST:
            raise EngineError(f"{plugin}: has {len(facts['parameters']):,} parameters, not 1 to {_MOST:,}")
        trial = Trial(host)
        known = find_lv2(plugin) if is_uri(plugin) else None
        trial.check_it_is_a_synth(facts["inputs"], instrument=known is not None and known.instrument)
        progress(Progress("reading parameters", 0.0))
        facts = host.ask("describe", {"grid": GRID}).facts
        found = _describe(trial, name, facts, progress)
    found = replace(found, fresh=fresh or exact)
    return found if found.fresh == "fork" else _compared(found, facts, patience, progress)


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


def _describe(trial: Trial, name: str, facts: Facts, progress: ProgressCallback) -> Description:
    parameters = facts["parameters"]
    rng = np.random.default_rng(0)  # the same plug-in gets the same description
    kinds = [kind_of(parameter) for parameter in parameters]
    progress(Progress("comparing renders", 0.0))
    # the noise floor first: it decides what counts as a difference in all that follows
    trial.measure_noise([random_preset(kinds, rng) for _ in range(_OTHERS)])
    fresh = [parameter["value"] for parameter in parameters]
    progress(Progress("exchanging parts", 0.0))
    twins = find_twins(trial, kinds, [parameter["name"] for parameter in parameters], fresh)
    audibilities = listen(trial, kinds, fresh, rng, progress, twins=twins)
    if not any(audibility.audible for audibility in audibilities):
        count = len(parameters)
        raise EngineError(f"{trial.host.name}: none of its {count} parameters can be heard: nothing to search")
    spectra = Spectra(trial, twins)
    controls = with_cents(spectra, _controls(parameters, kinds, audibilities), kinds, progress)
    controls = with_needs(spectra, controls, kinds, progress)
    progress(Progress("timing", 1.0))
    id_, native = _preset_format(trial, random_preset(kinds, rng))
    return Description(
        name=name,
        plugin=trial.host.settings["path"],
        id=id_,
        native=native,
        controls=tuple(controls),
        fresh=trial.host.fresh,
        latency=facts["latency"],
        noise_floor_db=round(trial.noise_floor_db, 2),
        renders_per_second=round(trial.measure_speed(), 1),
    )


def _compared(found: Description, facts: Facts, patience: float, progress: ProgressCallback) -> Description:
    """The description with the noise floor and speed of its way to be fresh, compared with processes that played once.

    A plug-in that is loaded anew may find what its library remembers, and one that is reused remembers all it likes.
    """
    parameters = facts["parameters"]
    kinds = [kind_of(parameter) for parameter in parameters]
    rng = np.random.default_rng(0)
    presets = [{parameter["index"]: parameter["value"] for parameter in parameters}]
    presets += [random_preset(kinds, rng) for _ in range(_COMPARED)]
    sounds = []
    for number, preset in enumerate(presets):
        progress(Progress("comparing with fresh processes", number, len(presets), "presets"))
        with _host(found.plugin, patience, "reuse") as host:
            sounds.append(Trial(host).tried(preset))
    with _host(found.plugin, patience, found.fresh) as host:
        trial = Trial(host)
        trial.measure_memory(presets, sounds)
        speed = round(trial.measure_speed(), 1)
    noise = trial.noise_floor_db
    if found.fresh == "reload":
        noise = max(noise, found.noise_floor_db)
    return replace(found, noise_floor_db=round(noise, 2), renders_per_second=speed)


def _controls(
    parameters: Sequence[dict[str, Any]], kinds: Sequence[ParameterKind], audibilities: Sequence[Audibility]
) -> list[Control]:
    own_names = [parameter["name"] for parameter in parameters]
    names = unique(own_names)
    parts = groups(own_names)
    found = zip(parameters, names, parts, kinds, audibilities, strict=True)
    return [_control(about, name, part, kind, audibility) for about, name, part, kind, audibility in found]


def _control(about: dict[str, Any], name: str, group: str, kind: ParameterKind, audibility: Audibility) -> Control:
    # Its texts looked like options, but two values with one text sound different: they are a knob's, rounded.
    if kind.values and not audibility.rounded:
        kind = as_knob(about)
    default = about["value"]
    if kind.values:
        default = min(kind.values, key=lambda value: abs(value - default))
    return Control(
        index=about["index"],
        name=name,
        kind=kind.kind if audibility.audible else "fixed",
        default=default,
        group=group,
        options=kind.options,
        values=kind.values,
        label=about["name"] if about["name"] != name else None,
        notes=tuple(_notes(about, kind, audibility)),
    )


def _notes(about: dict[str, Any], kind: ParameterKind, audibility: Audibility) -> list[str]:
    """Comments for the description file."""
    notes = []
    if not readable_name(about["name"]):
        notes.append("the plug-in has no name for it")
    if not kind.values:
        low = f"{kind.ends[0]} {about['label']}".strip()
        high = f"{kind.ends[1]} {about['label']}".strip()
        notes.append(f"{low} to {high}, {about['text']} {about['label']}".rstrip() + " by default")
    if audibility.faults:
        faults = ", ".join(f"{value:g}" for value in audibility.faults)
        notes.append(f"the plug-in crashed or hung at {faults}")
    if not audibility.audible:
        notes.append(f'fixed because moving it was not heard (in mono); kind = "{kind.kind}" has it searched')
    # A plug-in's texts may have line breaks, which would end a comment in TOML.
    return [one_line(note) for note in notes]


def _preset_format(trial: Trial, values: dict[int, float]) -> tuple[str, str]:
    """The id of the plug-in and the format of its presets, tried with one; "" and "json" if it has none that work."""
    host = trial.host
    none = ("", "json")
    try:
        state = plugin_state(host, list(values.items()))
        id_ = owner(state)
        if not id_:
            return none
        if class_id(state) or applies_to(state):
            # A VST3 does not report the values of a preset that it has loaded, and the ports of an LV2 plug-in may not
            # be all that it has, so the sounds are compared.
            differ = trial.differ(trial.play(values), trial.play({}, state=state))
            return none if differ else (id_, "vstpreset" if class_id(state) else "ttl")
        # Single presets if the plug-in reads the same values from one as from the bank that it saved.
        from_bank = host.ask("values", data=state).facts
        from_program = host.ask("values", data=program_of(state).pack()).facts
    except (PresetError, RenderError):
        return none
    return id_, "fxp" if from_program == from_bank else "fxb"
