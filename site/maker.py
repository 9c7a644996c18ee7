"""What scripts that make examples share: draws from a model, their sounds, and how `about.json` has them."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from example_files import write_clip
from sections import Preset, Step

from patchflow.audio.conditioning import resample
from patchflow.engines import Note, engines
from patchflow.explore.good_presets import GoodPresets
from patchflow.explore.player import NOTE, RATE, Player, Renders
from patchflow.features.inputs import inputs
from patchflow.features.measures import ATTRIBUTES, MEASURES
from patchflow.metrics.perceptual import Reference
from patchflow.models.flow_joint import FlowJoint
from patchflow.presets import Preset as SynthPreset

__all__ = [
    "LISTENING_RATE",
    "LONG",
    "ROOT",
    "SYNTH",
    "Maker",
    "distance_between",
    "emptied",
    "make_with",
    "parser_of",
]

SYNTH = "dexed"
LISTENING_RATE = 44_100  # Hz
LONG = Note(hold=3.0, length=4.0)
"""What flow_joint learned."""

ROOT = Path(__file__).resolve().parents[1]
_EXAMPLES = ROOT / "site" / "examples"
_DRAWS = 240
_FEW_DRAWS = 60  # of a synth without flow_joint: Vital plays slowly
_EACH = 3  # of them for one sound


@dataclass(frozen=True)
class Draws:
    """Presets drawn from the model, all audible.

    Args:
        z: Their latents, shape `(N, Z)`; Z is 0 where they are not draws from `flow_joint`.
        points: The presets, shape `(N, P)`.
        renders: What they sound like.
    """

    z: np.ndarray
    points: np.ndarray
    renders: Renders

    def __len__(self) -> int:
        return len(self.points)

    def standardised(self) -> np.ndarray:
        """Returns their attributes, each with mean 0 and deviation 1, shape `(N, M)`."""
        values = self.renders.measures[:, 0, : len(ATTRIBUTES)]
        return (values - values.mean(0)) / values.std(0)


class Maker:
    """Makes examples of one synth.

    Args:
        out: Folder of the folders of examples.
        seed: Of the draws.
        synth: Name of the engine.

    Raises:
        UnknownName: If there is no such synth here; amsynth is a plug-in that `patchflow synth add` describes.
    """

    def __init__(self, out: Path, seed: int, synth: str = SYNTH) -> None:
        self.out = out
        self.seed = seed
        self.synth = synth
        self.engine = engines[synth]
        self.space = self.engine.space
        self.rng = np.random.default_rng(seed)
        self.good = GoodPresets.load(synth)
        self.player = Player(self.engine)
        self.draws = self._draw()

    @property
    def model(self) -> FlowJoint:
        """The model of the map, where the synth has one."""
        assert isinstance(self.good.space.model, FlowJoint)
        return self.good.space.model

    def _draw(self) -> Draws:
        if self.good.space.model is None:
            z = np.zeros((_FEW_DRAWS, 0))
            points = self._donors()
        else:
            z = self.rng.standard_normal((_DRAWS, self.model.latent_size)).astype(np.float32)
            points = self.presets(z)
        renders = self.player.play(points)
        kept = np.flatnonzero(renders.audible & np.isfinite(renders.measures).all((1, 2)))
        return Draws(z[kept], points[kept], Renders(renders.sounds[kept], renders.measures[kept]))

    def _donors(self) -> np.ndarray:
        """Draws of the posterior for sounds of another synth: those are as different as sounds are."""
        other = Maker(self.out, self.seed)
        other.player.close()
        found = []
        for index in other.diverse(_FEW_DRAWS // _EACH):
            drawn = self.good.donors(
                self.space.default(), other.draws.renders.sounds[index, 0], NOTE, _EACH,
                play=lambda points: self.player.play(points).sounds[:, 0], rng=self.rng,
            )  # fmt: skip
            found.append(drawn.points)
        return np.concatenate(found)

    def presets(self, z: np.ndarray) -> np.ndarray:
        """Returns the presets of latents, snapped, shape `(N, P)`."""
        return self.good.space.presets(z)

    def spectrograms(self, sounds: np.ndarray) -> torch.Tensor:
        """Returns what flow_joint is given of sounds at `RATE`, shape `(N, bands, frames)`."""
        known = inputs[self.model.input]
        resampled = np.stack([resample(sound, RATE, known.rate) for sound in sounds])
        return known.of(torch.from_numpy(resampled).float(), known.rate)

    @torch.no_grad()
    def latents(self, sounds: np.ndarray) -> np.ndarray:
        """Returns where flow_joint puts sounds of `LONG` at `RATE`, shape `(N, Z)`."""
        mel = self.spectrograms(sounds)
        note = torch.tensor([[LONG.pitch, LONG.velocity, LONG.hold]], dtype=torch.float32)
        return self.model.latent(mel, note.expand(len(mel), -1)).numpy()

    def predicted(self, sound: np.ndarray) -> np.ndarray:
        """Returns the preset that flow_joint predicts for a sound at `RATE`, shape `(P,)`."""
        return self.presets(self.latents(sound[None]))[0]

    def play(self, point: np.ndarray, note: Note = NOTE) -> np.ndarray:
        """Returns what a preset sounds like at `LISTENING_RATE`."""
        return self.engine().render(point, note, LISTENING_RATE)

    def positions(self, point: np.ndarray) -> Preset:
        """Returns a preset as `about.json` has it."""
        return dict(zip(self.space.names, np.round(point, 4).tolist(), strict=True))

    def preset(self, index: int, name: str) -> SynthPreset:
        """Returns a draw as the package has presets."""
        return SynthPreset(self.synth, self.space.decode(self.draws.points[index]), name=name)

    def steps(self, folder: Path, stem: str, at: Sequence[float], points: np.ndarray) -> tuple[Step, ...]:
        """Plays presets along a path, and writes the sounds of those that can be heard.

        Args:
            folder: Of the sounds.
            stem: What their names begin with.
            at: Where each is, see `Step`.
            points: The presets, shape `(S, P)`.
        """
        renders = self.player.play(points)
        names = [one.name for one in MEASURES]
        found: list[Step] = []
        before: np.ndarray | None = None
        for number, (place, point) in enumerate(zip(at, points, strict=True)):
            if renders.audible[number]:
                heard = renders.sounds[number, 0]
                label = f"{stem.replace('-', ' ')} at {place:+g}"
                clip = write_clip(folder / f"{stem}-{number}.mp3", self.play(point), LISTENING_RATE, label)
                values = dict(zip(names, renders.measures[number, 0].tolist(), strict=True))
                far = 0.0 if before is None else distance_between(heard, before)
                found.append(Step(place, clip, self.positions(point), values, far))
                before = heard
        return tuple(found)

    def diverse(self, count: int) -> list[int]:
        """Returns draws that differ: each is the farthest from those before, by its attributes."""
        places = self.draws.standardised()
        chosen = [int(np.argmin(np.square(places).sum(1)))]
        for _ in range(count - 1):
            far = np.square(places[:, None] - places[chosen]).sum(2).min(1)
            # The farthest of all are freaks: of those at three quarters of the order there are plenty.
            chosen.append(int(np.argsort(far)[round(0.9 * (len(far) - 1))]))
        return chosen

    def words(self, index: int) -> str:
        """Returns what is most particular of a draw, in two words."""
        row = self.draws.standardised()[index]
        most = np.argsort(-np.abs(row))[:2]
        return ", ".join(ATTRIBUTES[i].high if row[i] > 0 else ATTRIBUTES[i].low for i in most)


def distance_between(sound: np.ndarray, target: np.ndarray) -> float:
    """Returns how far a sound is from another at `RATE`, in dB of `metrics.perceptual`."""
    length = min(len(sound), len(target))
    reference = Reference(torch.from_numpy(np.ascontiguousarray(target[:length], np.float32)))
    return float(reference.distance(torch.from_numpy(np.ascontiguousarray(sound[:length], np.float32))[None])[0])


def emptied(folder: Path) -> Path:
    """Returns a folder without files, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder


def parser_of(about: str) -> argparse.ArgumentParser:
    """Returns what all scripts are asked for.

    Args:
        about: What the script says of itself.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=_EXAMPLES, help="folder of the folders of examples")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    return parser


def make_with(make: Callable[[Maker], None], about: str, synth: str | None = SYNTH) -> None:
    """Runs a script that makes examples.

    Args:
        make: Makes them.
        about: What the script says of itself.
        synth: Of which synth; what `--synth` says if None.
    """
    parser = parser_of(about)
    if synth is None:
        parser.add_argument("--synth", default=SYNTH, help="name of the engine")
    given = parser.parse_args()
    maker = Maker(given.out, given.seed, synth or given.synth)
    make(maker)
    maker.player.close()
