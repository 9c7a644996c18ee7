"""What a worker does for each kind of job: it calls what the command line calls, with its synths kept warm."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.loudness import loudness, match_loudness
from ..audio.note_names import note_name
from ..engines import Note
from ..errors import PatchflowError
from ..explore.children import Variations
from ..explore.good_presets import GoodPresets
from ..explore.path import Path as PresetPath
from ..match.matcher import Matcher
from ..match.output.names import candidate_name
from ..match.output.rendition import RENDITION_RATE, SynthFiles, cut_reference, rank_by_sound
from ..match.result import Candidate, MatchResult
from ..match.target import Target, prepare_target
from ..match.verdict import Judge, Judgement, tuning_text
from ..presets import Preset
from ..presets.library.library import Library
from .worker import Reporter

__all__ = ["KINDS", "KeptPreset", "Workshop", "lock_of"]

_WARM = 4  # synths with their models that are kept ready
_SHOWN = 6  # parameters that a line names


@dataclass(frozen=True)
class KeptPreset:
    """A preset in a result: the server keeps it, and shows it in place of this.

    Args:
        preset: The preset.
        origin: How it came to be, in words.
    """

    preset: Preset
    origin: str


def lock_of(lock: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Returns locks by name: of names alone, or of names with values.

    Example:
        >>> lock_of(["op1"]), lock_of({"algorithm": 5})
        ({'op1': None}, {'algorithm': 5})
    """
    return dict(lock) if isinstance(lock, Mapping) else dict.fromkeys(lock)


class Workshop:
    """Does jobs, one after the other; the synths and models of matches stay ready for the next.

    An order holds `"request"`, what was asked for by name; `"library"`, a library file or None; and what the request
    names by an id: `"sound"`, `"presets"` in their order, and `"on"`.
    """

    def __init__(self) -> None:
        self._matchers: dict[tuple[Any, ...], Matcher] = {}
        self._files: dict[str, SynthFiles] = {}

    def warm(self, synth: str, library: Path | None) -> None:
        """Loads what matches with a synth need; one that cannot be loaded is left to the job that asks for it."""
        with suppress(PatchflowError):
            self._matcher_of(synth, _there(library))
            self._files_of(synth).start()

    def perform(self, kind: str, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does a job, and returns its result, in which presets are `KeptPreset`.

        Raises:
            KeyboardInterrupt: If it was cancelled and there is nothing to keep.
            PatchflowError: If it cannot be done.
        """
        return KINDS[kind](self, order, reporter)

    def match(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow match` does; the best so far is told while it goes on."""
        asked = order["request"]
        matcher = self._matcher(asked["synths"], order)
        target = prepare_target(order["sound"], note=asked["note"], trim_db=asked["trim_db"])
        live = _Live(target)
        try:
            result = matcher.match(
                order["sound"],
                seconds=asked["seconds"], renders=asked["renders"], candidates=asked["candidates"],
                note=asked["note"], lock=lock_of(asked["lock"]), seed=asked["seed"], trim_db=asked["trim_db"],
                like=asked["like"], progress=reporter.progress, found=lambda found: reporter.found(live.content(found)),
            )  # fmt: skip
        finally:
            if order.get("on") is not None:
                _close(matcher)
        return self._matched(result, cancelled=reporter.is_cancelled)

    def vary(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow vary` does."""
        from ..explore.vary import vary

        asked = order["request"]
        (preset,) = order["presets"]
        found = vary(
            GoodPresets.load(preset.synth, _there(order["library"])), preset, asked["amount"],
            count=asked["count"], how=asked["how"], sections=asked["sections"], lock=lock_of(asked["lock"]),
            seed=asked["seed"], renders=asked["renders"], progress=reporter.progress,
        )  # fmt: skip
        return _children(found, f"variation of {preset.name or 'a preset'}, amount {asked['amount']:g}")

    def breed(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow vary --with` does."""
        from ..explore.vary import breed

        asked = order["request"]
        first, second = order["presets"]
        found = breed(
            self._files_of(first.synth).engine.__class__, first, second, asked["share"],
            count=asked["count"], sections=asked["sections"], lock=lock_of(asked["lock"]), seed=asked["seed"],
            renders=asked["renders"], progress=reporter.progress,
        )  # fmt: skip
        return _children(found, f"child of {first.name or 'a preset'} and {second.name or 'another'}")

    def turn(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow turn` does."""
        from ..explore.turned_path import turn_preset

        asked = order["request"]
        (preset,) = order["presets"]
        notes: list[str] = []
        found = turn_preset(
            preset, asked["words"],
            steps=asked["steps"], lock=lock_of(asked["lock"]), seed=asked["seed"], progress=reporter.progress,
            tell=notes.append,
        )  # fmt: skip
        words = ", ".join(f"{word} {amount:+g}" for word, amount in asked["words"].items())
        origin = f"{preset.name or 'a preset'} turned: {words}"
        content = found.content()
        said = [
            f"{one.name}: {one.before} to {one.after}, {one.changed:+.2f} of the {one.asked:+.2f} asked for"
            for one in found.reached
        ]
        return {
            "presets": _path(found.path, origin),
            "preset": KeptPreset(found.preset, origin),
            "moves": content.pop("moved"),
            **content,
            "text": said,
            "notes": notes,
        }

    def morph(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow morph` does with presets."""
        from ..explore.audio_space import AudioSpace
        from ..explore.morph import grid_of
        from ..explore.morph import morph as morphed

        asked = order["request"]
        ends = order["presets"]
        grid = grid_of(asked["steps"], len(ends))
        path = morphed(
            ends,
            space=AudioSpace.load(ends[0].synth), steps=asked["steps"], lock=lock_of(asked["lock"]),
            renders=asked["renders"], seed=asked["seed"], progress=reporter.progress,
        )  # fmt: skip
        names = " to ".join(path.ends)
        said = f"{names}: {len(path)} presets through {path.space}"
        if path.heard:
            said += f"; heard steps {np.mean(path.heard):.1f} dB on average, the largest {max(path.heard):.1f} dB"
        return {
            "presets": _path(path, f"morph of {names}"),
            "rows": grid.rows,
            "columns": grid.columns,
            "moves": [asdict(one) for one in path.moving],
            "text": [said],
        }

    def make(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow make` does."""
        from ..browse.make import make
        from ..browse.shelf import Shelf, embedded_synths

        asked = order["request"]
        notes: list[str] = []
        library = Library(order["library"], notice=notes.append)
        shelves = [Shelf.embedded(synth) for synth in embedded_synths()]
        if library.path.exists():
            shelves.insert(0, Shelf.of_library(library, progress=reporter.progress, tell=notes.append))
        making = make(
            asked["text"], Shelf.joined(shelves), library, asked["synth"],
            count=asked["count"], seed=asked["seed"], renders=asked["renders"], progress=reporter.progress,
        )  # fmt: skip
        presets = []
        for one in making.made:
            origin = f"{asked['text']}: {one.how} from {one.parent.name or 'a preset without a name'}"
            made = {"preset": KeptPreset(one.preset, origin), "fit": round(one.fit, 4), "how": one.how}
            presets.append({**made, "fit_before": round(one.fit_before, 4), "parent": one.parent.name, "text": origin})
        return {
            "presets": presets,
            "understood": making.meaning.text(),
            "renders": making.renders,
            "text": [f"understood: {making.meaning.text()}"],
            "notes": [*notes, *making.remarks],
        }

    def train(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow train --synth` does; the same request goes on from its checkpoint."""
        from ..train import train_for_synth

        asked = order["request"]
        notes: list[str] = []
        weights = train_for_synth(
            asked["synth"],
            library=_there(order["library"]), minutes=asked["minutes"], progress=reporter.progress, tell=notes.append,
        )  # fmt: skip
        self._forget(asked["synth"])
        said = [f"matches of {asked['synth']} use these weights from now on: {weights.name}"]
        return {"weights": str(weights), "text": said, "notes": notes}

    def listen(self, order: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
        """Does what `patchflow presets listen` does."""
        from ..browse import listen_to

        notes: list[str] = []
        done = listen_to(Library(order["library"], notice=notes.append), reporter.progress, notes.append)
        facts = {name: value for name, value in vars(done).items() if isinstance(value, int | str)}
        return {"listened": facts, "text": [f"{name}: {value}" for name, value in facts.items()], "notes": notes}

    def _matcher(self, synths: Sequence[str], order: Mapping[str, Any]) -> Matcher:
        library = _there(order["library"])
        on = order.get("on")
        if on is not None:
            return Matcher.load(list(synths), library=library, on=on)
        own = [self._matcher_of(name, library) for name in dict.fromkeys(synths)]
        return Matcher([*chain.from_iterable(one.arms for one in own)], settings=own[0].settings)

    def _matcher_of(self, synth: str, library: Path | None) -> Matcher:
        """The matcher of a synth; those that were used last are kept, as long as their library is as it was."""
        key = (synth, library, *_state_of(library))
        matcher = self._matchers.pop(key, None)
        if matcher is None:
            self._forget(synth)
            matcher = Matcher.load(synth, library=library)
        self._matchers[key] = matcher
        for old in list(self._matchers)[:-_WARM]:
            _close(self._matchers.pop(old))
        return matcher

    def _forget(self, synth: str) -> None:
        """Loads the weights and the library of a synth anew when they are next needed."""
        for key in [key for key in self._matchers if key[0] == synth]:
            _close(self._matchers.pop(key))

    def _files_of(self, synth: str) -> SynthFiles:
        if synth not in self._files:
            self._files[synth] = SynthFiles(synth)
        return self._files[synth]

    def _matched(self, result: MatchResult, *, cancelled: bool) -> dict[str, Any]:
        """The outcome of a match: candidates in the order, and with the numbers, that `patchflow match` writes."""
        candidates: list[Candidate] = []
        sounds: list[np.ndarray] = []
        for synth in dict.fromkeys(candidate.preset.synth for candidate in result.candidates):
            own = [candidate for candidate in result.candidates if candidate.preset.synth == synth]
            played = self._files_of(synth).play(own, result.stopped)
            candidates += played.candidates
            sounds += played.sounds
        target = result.target
        reference = cut_reference(target, RENDITION_RATE).samples
        ranked = rank_by_sound(candidates, sounds, reference, pitched=target.pitched, like=target.like)
        sure = result.uncertainty.keys() <= ranked[0].candidate.preset.values.keys()
        shown = []
        for rank, one in enumerate(ranked, 1):
            preset = one.candidate.preset
            named = replace(one.candidate, preset=replace(preset, name=candidate_name(preset.name, rank)))
            content = _candidate(named, one.verdict, target, distance=one.distance.value, gain_db=one.gain_db)
            shown.append({**content, "closeness": one.closeness})
        return {
            "candidates": shown,
            "uncertainty": {name: round(value, 4) for name, value in result.uncertainty.items()} if sure else {},
            "renders": result.renders,
            "seconds": round(result.seconds, 3),
            "complete": result.complete,
            "stopped": "cancelled" if cancelled else result.stopped,
            "synths": list(result.synths),
            "target": {"note": note_name(target.guesses[0].pitch), "f0": target.f0, "remark": target.remark},
            "notes": [*target.notes, *result.faults[:_SHOWN]],
        }


KINDS: Mapping[str, Callable[[Workshop, Mapping[str, Any], Reporter], dict[str, Any]]] = {
    "match": Workshop.match,
    "vary": Workshop.vary,
    "breed": Workshop.breed,
    "turn": Workshop.turn,
    "morph": Workshop.morph,
    "make": Workshop.make,
    "train": Workshop.train,
    "listen": Workshop.listen,
}
"""How each kind of job is done."""


class _Live:
    """Candidates of a match that goes on; how one sounds beside the target is heard once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._judge = Judge(target.samples, target.rate, pitched=target.pitched, hold=target.hold)
        self._wanted = loudness(target.samples, target.rate)
        self._known: dict[int, tuple[Candidate, dict[str, Any]]] = {}

    def content(self, candidates: Sequence[Candidate]) -> dict[str, Any]:
        """Returns what the result would be if the match ended now."""
        # the candidates are held too, so that no other can have the id of one
        self._known = {id(one): self._known.get(id(one)) or (one, self._one(one)) for one in candidates}
        return {"candidates": [content for _, content in self._known.values()]}

    def _one(self, candidate: Candidate) -> dict[str, Any]:
        sound = np.zeros(len(self._target.samples), np.float32) if candidate.sound is None else candidate.sound
        gain = match_loudness(sound, self._target.rate, self._wanted).gain_db
        distance = candidate.distances["perceptual"]
        content = _candidate(candidate, self._judge.verdict(sound), self._target, distance=distance, gain_db=gain)
        return {**content, "closeness": candidate.closeness}


def _candidate(
    candidate: Candidate, verdict: Judgement, target: Target, *, distance: float | None, gain_db: float
) -> dict[str, Any]:
    differences = [{**vars(one), "counts": one.counts} for one in verdict.differences]
    origin = f"match of {target.name or 'a sound'}" + (f": {candidate.kind}" if candidate.kind else "")
    distances = {name: round(float(value), 3) for name, value in candidate.distances.items()}
    if distance is not None:
        distances["perceptual"] = round(float(distance), 3)
    return {
        "preset": KeptPreset(candidate.preset, origin),
        "note": _note(candidate.note),
        "tuning": verdict.tuning,
        "distance": distances["perceptual"],
        "distances": distances,
        "differences": differences,
        "text": verdict.text,
        "cents": verdict.cents,
        "kind": candidate.kind,
        "gain_db": round(float(gain_db), 2),
    }


def _children(found: Variations, origin: str) -> dict[str, Any]:
    """Variations, or children of two, with what `patchflow vary` prints of each."""
    presets = []
    for child in found.children:
        words = [f"{' and '.join(f'{distance:.1f}' for distance in child.distances)} dB"]
        words += [tuning_text(child.cents) or "no pitch to compare", f"{child.louder:+.1f} LU"]
        words += [f"{one.section} of {one.origin}" for one in child.sources[:3]]
        presets.append(
            {
                "preset": KeptPreset(child.preset, origin),
                "distance_db": list(child.distances),
                "cents": child.cents,
                "louder_lu": child.louder,
                "moves": [asdict(move) for move in child.moves],
                "text": ", ".join(words),
            }
        )
    return {"presets": presets, "note": _note(found.note), "renders": found.renders, "notes": list(found.remarks)}


def _path(path: PresetPath, origin: str) -> list[dict[str, Any]]:
    presets = []
    for preset, step in zip(path.presets, path.steps, strict=True):
        heard = {"to_next_db": step.to_next, "to_ends_db": list(step.to_ends)}
        presets.append({"preset": KeptPreset(preset, origin), "place": list(step.place), **heard})
    return presets


def _note(note: Note) -> dict[str, float]:
    return {"pitch": note.pitch, "velocity": note.velocity, "hold": note.hold, "length": note.length}


def _there(library: Path | None) -> Path | None:
    """A library that nobody has put anything into yet is no reason not to match."""
    return library if library is not None and library.exists() else None


def _state_of(library: Path | None) -> tuple[int, int]:
    """What changes when a library is written."""
    if library is None:
        return (0, 0)
    facts = library.stat()
    return facts.st_mtime_ns, facts.st_size


def _close(matcher: Matcher) -> None:
    for renderer in {id(arm.renderer): arm.renderer for arm in matcher.arms}.values():
        renderer.close()
