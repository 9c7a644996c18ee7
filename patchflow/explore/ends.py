"""The ends of a morph: presets of one synth out of files; for sounds and presets of other synths a match finds some."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..audio.sound import Sound, from_array
from ..audio.sound_file import load
from ..engines import Note, engines
from ..errors import OptionError, PresetError
from ..match.matcher import Matcher
from ..match.output.play import only_voice
from ..match.result import MatchResult
from ..match.verdict import closeness
from ..presets import Preset, check, chosen_voice
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import readable
from ..threads import one_torch_thread
from .player import NOTE

__all__ = ["Ends", "read_ends"]

_SYNTH = "dexed"  # for sounds, where nothing says which
_SOUNDS = frozenset(".wav .wave .aif .aiff .flac .mp3 .ogg .opus .m4a .aac .wma .webm .caf".split())  # noqa: SIM905
_RENDERS = 2_000  # of a match
_RATE = 44_100


@dataclass(frozen=True)
class Ends:
    """What a morph is between.

    Args:
        presets: Of one synth.
        note: What they are to be played on.
        found: What was done to get them, a line for each that was found by a match.
    """

    presets: tuple[Preset, ...]
    note: Note
    found: tuple[str, ...]


def read_ends(
    names: Sequence[str],
    *,
    synth: str = "",
    voice: int | None = None,
    pitch: int | None = None,
    renders: int = _RENDERS,
    seed: int = 0,
    tell: TellCallback = tell_nobody,
    progress: ProgressCallback = ignore,
) -> Ends:
    """Reads presets and sounds; what is no preset of the synth is played and matched by it first.

    Args:
        names: Preset files, a voice of a bank as `bank.syx:3`, the numbers of a match, or sound files.
        synth: Whose presets the morph is through; that of the presets if "", and the DX7 for sounds alone.
        voice: Which preset of each file whose name does not say it, from 1.
        pitch: MIDI note they are played on, and that sounds are matched with. If None, that of the first sound, and
            middle C of presets alone.
        renders: How many renders a match takes.
        seed: Of the matches.
        tell: Called with a line for what was mended in a preset or is lost on the way, and for each match.
        progress: Called in matches.

    Raises:
        PresetError: If a preset is damaged, or they are of different synths and none is asked for.
        OptionError: If a file has several voices and none is chosen.
        AudioError: If a sound is silent, too short or none.
        StorageError: If a file cannot be read.
        UnknownName: If there is no such synth.
    """
    if synth:
        engines[synth]  # what is wrong with the name is said before anything is read
    read = _read_all(names, voice, tell)
    wanted = synth or _common_synth(names, read)
    own = [end for end in read if isinstance(end, Preset) and end.synth == wanted]
    _tell_states(own, tell)
    if len(own) == len(read):
        return Ends(tuple(own), _note(pitch), ())
    presets = {place: end for place, end in enumerate(read) if isinstance(end, Preset) and end.synth == wanted}
    lines = {}
    with one_torch_thread():
        matcher = Matcher.load(wanted, wavetables="stock")  # what is between two presets has to be in their parameters
        # Sounds come first: where no note is asked for, that of the first one is what all ends are played on.
        strange = sorted(set(range(len(read))) - set(presets), key=lambda place: isinstance(read[place], Preset))
        for place in strange:
            end = read[place]
            if isinstance(end, Preset):
                pitch = _note(pitch).pitch
            sound = _played(end, _note(pitch)) if isinstance(end, Preset) else end
            result = matcher.match(sound, renders=renders, candidates=1, note=pitch, seed=seed, progress=progress)
            best = result.candidates[0]
            pitch = best.note.pitch
            presets[place] = replace(best.preset, name=_called(names[place], end))
            lines[place] = _line(names[place], end, wanted, result)
            tell(lines[place])
    in_order = range(len(read))
    return Ends(tuple(presets[place] for place in in_order), _note(pitch), tuple(lines[p] for p in sorted(lines)))


def _read_all(names: Sequence[str], voice: int | None, tell: TellCallback) -> list[Preset | Sound]:
    ends = [_read(name, voice, tell) for name in names]
    if voice is not None and not any(isinstance(end, Preset) for end in ends):
        raise OptionError(f"voice={voice}: a sound has no voices")
    return ends


def _tell_states(ends: Sequence[Preset], tell: TellCallback) -> None:
    """Says what is lost of presets that differ in what they hold beyond their parameters."""
    if len({end.state for end in ends}) > 1:
        tell(
            "these presets hold more than parameters, such as wavetables, and not the same: all of the path has what "
            f"{ends[0].name!r} holds"
        )


def _note(pitch: int | None) -> Note:
    return NOTE if pitch is None else replace(NOTE, pitch=pitch)


def _read(name: str, usual: int | None, tell: TellCallback) -> Preset | Sound:
    path, voice = chosen_voice(name)
    if path.suffix.lower() in _SOUNDS:
        if voice is not None:
            raise OptionError(f"{name}: a sound has no voices")
        return load(path)
    preset = only_voice(path, usual if voice is None else voice, tell=tell)
    check(preset, engines[preset.synth].space)
    return preset if preset.name.strip() else replace(preset, name=readable(path.stem))


def _common_synth(names: Sequence[str], read: Sequence[Preset | Sound]) -> str:
    synths = [end.synth for end in read if isinstance(end, Preset)]
    if not synths:
        return _SYNTH
    for name, end in zip(names, read, strict=True):
        if isinstance(end, Preset) and end.synth != synths[0]:
            raise PresetError(
                f"{name}: is for {end.synth!r}, another one for {synths[0]!r}. The way between two synths is through "
                f"sound: with --synth {synths[0]} a match finds a preset of it that sounds like this one"
            )
    return synths[0]


def _played(preset: Preset, note: Note) -> Sound:
    engine = engines[preset.synth]()
    engine.build_on(preset.state)
    samples = engine.render(engine.space.encode(preset.values), note, _RATE)
    return from_array(samples, _RATE)


def _called(name: str, end: Preset | Sound) -> str:
    return end.name if isinstance(end, Preset) else readable(chosen_voice(name)[0].stem)


def _line(name: str, end: Preset | Sound, synth: str, result: MatchResult) -> str:
    best = result.candidates[0]
    distance = best.distances["perceptual"]
    word = closeness(distance, best.cents, unlike=best.unlike)
    what = f"a preset of {end.synth}" if isinstance(end, Preset) else "a sound"
    return f"{name}: {what}, so a match found a preset of {synth} for it: {word}, {distance:.1f} dB"
