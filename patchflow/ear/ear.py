"""The ear: sounds, and presets played on a few keys, to vectors that are near each other where the timbre is one."""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..audio.conditioning import resample
from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, one_torch_thread, render_or_silence
from ..errors import ModelError, StorageError
from ..features.measures import MEASURES
from ..parsing import damage_named, json_value
from ..progress import Progress, ProgressCallback, ignore
from ..storage import read_bytes, write_atomically
from .network import RATE, SECONDS, EarNetwork, EarSizes, ear_levels
from .sound_attributes import measure

__all__ = ["KEYS", "SHIPPED", "Ear", "from_onset", "preset_vectors", "save_ear"]

SHIPPED = Path(__file__).absolute().parent / "ear.safetensors"
"""The weights that come with the package."""

_FORMAT = "patchflow ear 1"
_LARGEST = 2**26  # bytes
_BATCH = 32  # sounds that go through the network together
_ONSET = 0.003  # share of the peak, -50 dB, before which a sound has not begun
_LEAD = 0.01  # seconds that stay before that

KEYS = (Note(60, 100, 2.0, 2.75), Note(48, 100, 1.0, 1.5), Note(72, 70, 0.6, 1.1))
"""What each preset is played on; attributes are those of the first."""

_JOB = 16  # presets that a thread gets at once


class Ear:
    """Makes vectors of sounds, by weights that were trained.

    The same preset on another key, or the same sound in a room, with noise or through a codec, has a near vector; how
    unlike two sounds are is 1 less the cosine of their vectors. Levels do not count, nor does what comes before the
    onset, nor what comes after the first four seconds.

    Args:
        network: The network, ready for inference.
        version: Of the weights, 16 hexadecimal digits. Vectors of two versions are not comparable.
        about: Facts for people: how it was trained.

    Attributes:
        network: The network.
        width: Length of a vector.

    Example:
        >>> tone = np.sin(np.arange(22_050) / 5, dtype=np.float32)
        >>> vectors = Ear.load().embed([tone, 0.5 * tone, 0 * tone], 22_050)
        >>> (vectors @ vectors.T).round(3).tolist()
        [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, network: EarNetwork, version: str, about: Mapping[str, Any] | None = None) -> None:
        self.network = network
        self.version = version
        self.about = about or {}
        self.width = network.sizes.out

    @classmethod
    def load(cls, path: str | Path = SHIPPED) -> "Ear":
        """Returns the ear of a file, by default the one that comes with the package; a file is read once.

        Raises:
            ModelError: If the file is missing, damaged or no ear.
        """
        return _loaded(Path(path).absolute())

    def embed(self, sounds: Sequence[np.ndarray], rate: int) -> np.ndarray:
        """Returns vectors of sounds.

        Args:
            sounds: Mono, of any length, each of shape `(T,)`.
            rate: Sample rate of all, in Hz.

        Returns:
            Rows of length 1, or of zeros for silence, float32, shape `(B, width)`.

        Raises:
            ValueError: If a sound is not mono or has samples that are no finite numbers, or the rate is not positive.
        """
        return self._each(sounds, rate, [self.width], lambda levels: [self.network(levels)])[0]

    def statistics(self, sounds: Sequence[np.ndarray], rate: int) -> list[np.ndarray]:
        """Returns mean and deviation of the channels of every inner layer, from the input on.

        Args:
            sounds: As for `embed`.
            rate: Sample rate of all, in Hz.

        Returns:
            For each layer float32, shape `(B, 2 * channels)`; zeros for silence.

        Raises:
            ValueError: As for `embed`.
        """
        width = self.network.sizes.width
        return self._each(sounds, rate, [2 * width, 4 * width, 8 * width], self.network.statistics)

    def _each(
        self, sounds: Sequence[np.ndarray], rate: int, widths: Sequence[int], work: Callable[[Tensor], list[Tensor]]
    ) -> list[np.ndarray]:
        """The results of some work on the levels of sounds, with zeros where a sound is silent."""
        outputs = [np.zeros((len(sounds), width), np.float32) for width in widths]
        for place in range(0, len(sounds), _BATCH):
            parts = [from_onset(sound, rate) for sound in sounds[place : place + _BATCH]]
            rows = [place + row for row, part in enumerate(parts) if part is not None]
            if not rows:
                continue
            batch = torch.from_numpy(np.stack([part for part in parts if part is not None]))
            with torch.inference_mode():
                found = work(ear_levels(batch))
            for output, part in zip(outputs, found, strict=True):
                output[rows] = part.numpy()
        return outputs


def save_ear(path: str | Path, network: EarNetwork, about: dict[str, Any]) -> None:
    """Writes weights in half precision, with the sizes that make the network again.

    Args:
        path: File to write, whole or not at all.
        network: The network.
        about: Facts for people: data, steps, results.

    Raises:
        StorageError: If the file cannot be written.
    """
    header = {"format": _FORMAT, "config": json.dumps(network.config()), "about": json.dumps(about)}
    halved = dict(network.named_parameters())  # statistics would not fit
    tensors = {}
    for key, value in network.state_dict().items():
        tensors[key] = (value.half() if key in halved else value).contiguous()
    write_atomically(path, save(tensors, header))


def from_onset(sound: np.ndarray, rate: int) -> np.ndarray | None:
    """Returns what the ear hears of a sound: the first seconds from the onset on, or None if the sound is silent.

    Args:
        sound: Mono, shape `(T,)`.
        rate: Its sample rate, in Hz.

    Returns:
        `SECONDS` at `RATE` with the peak at 1, float32, zeros after the end.

    Raises:
        ValueError: As for `Ear.embed`.
    """
    samples = np.asarray(sound)
    if samples.ndim != 1:
        raise ValueError(f"a sound of shape {samples.shape}: not mono, shape (T,)")
    if rate <= 0:
        raise ValueError(f"rate={rate}: not positive")
    if not np.isfinite(samples).all():
        raise ValueError("a sound has samples that are no finite numbers")
    size = np.abs(samples)
    peak = float(size.max()) if len(samples) else 0.0
    if peak < np.finfo(np.float32).tiny:
        return None
    begin = max(0, int(np.argmax(size >= _ONSET * peak)) - round(_LEAD * rate))
    # A few samples more than are heard, so that the end of what is resampled lies beyond them.
    end = begin + round((SECONDS + 0.1) * rate)
    part = resample((samples[begin:end] / peak).astype(np.float32), rate, RATE)
    wanted = round(SECONDS * RATE)
    return np.pad(part[:wanted], (0, max(0, wanted - len(part))))


def preset_vectors(
    make: Callable[[], Engine], points: np.ndarray, *, progress: ProgressCallback = ignore
) -> tuple[np.ndarray, np.ndarray]:
    """Plays presets of one synth and returns what they are to the ear.

    Args:
        make: Makes an engine, e.g. `engines["dexed"]`.
        points: Encoded presets, shape `(N, P)`.
        progress: Called with the number of presets that were played.

    Returns:
        Vectors of the current ear, rows of length 1, or of zeros where no key gives a sound, float32, shape
        `(N, width)`; and attributes on C4 in the units of `MEASURES`, NaN where that is silent, float64, shape
        `(N, len(MEASURES))`.

    Example:
        >>> from patchflow.engines import engines
        >>> Tone = engines["tone"]
        >>> vectors, measures = preset_vectors(Tone, Tone.space.default()[None])
        >>> vectors.shape[1] == Ear.load().width, measures.shape == (1, len(MEASURES))
        (True, True)
    """
    ear = Ear.load()
    jobs = [points[place : place + _JOB] for place in range(0, len(points), _JOB)]
    vectors = [np.zeros((0, ear.width), np.float32)]
    measures = [np.zeros((0, len(MEASURES)))]
    with one_torch_thread(), Renderer(make) as renderer:
        for heard, measured in renderer.map(_played, jobs):
            vectors.append(heard)
            measures.append(measured)
            done = min(len(points), _JOB * (len(vectors) - 1))
            progress(Progress("listen", done, len(points), "presets"))
    return np.concatenate(vectors), np.concatenate(measures)


@functools.lru_cache(maxsize=4)
def _loaded(path: Path) -> Ear:
    try:
        data = read_bytes(path, _LARGEST)
    except StorageError as error:
        raise ModelError(f"{path}: not a readable file of an ear ({error})") from error
    with damage_named(path, ModelError, is_what="not an ear, or damaged"), safe_open(path, "pt") as file:
        header = file.metadata() or {}
        if header.get("format") != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT!r}")
        sizes = json_value(header["config"])
        network = _network_of(sizes, {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()})  # noqa: SIM118
        kinds = {key: value.dtype for key, value in network.state_dict().items()}
        network.load_state_dict({key: file.get_tensor(key).to(kinds[key]) for key in kinds})
        version = hashlib.sha256(data).hexdigest()[:16]
        return Ear(network.eval().requires_grad_(False), version, json_value(header.get("about", "{}")))


def _network_of(sizes: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> EarNetwork:
    """Makes the network of a header, if it has the very tensors of the file.

    Raises:
        ValueError: If it has not: nothing is made that is larger than the file.
    """
    known = EarSizes(**sizes)
    most = max((max(shape, default=1) for shape in shapes.values()), default=0)
    for name, value in sizes.items():
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(f"{name}={value!r}: not from 1 to {most}")
    if known.depth > len(shapes):
        raise ValueError(f"depth={known.depth}: more layers than there are tensors")
    network = EarNetwork(**sizes)
    for key, value in network.state_dict().items():
        if shapes.get(key) != tuple(value.shape):
            raise ValueError(f"{key}: its header asks for {tuple(value.shape)}, and there is {shapes.get(key, 'none')}")
    return network


def _played(engine: Engine, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and attributes of a few presets."""
    ear = Ear.load()
    total = np.zeros((len(points), ear.width), np.float32)
    measures = np.zeros((0, len(MEASURES)))
    for note in KEYS:
        sounds = np.stack([render_or_silence(engine, point, note, RATE) for point in points])
        sounds[np.abs(sounds).max(1) < INAUDIBLE] = 0
        total += ear.embed(list(sounds), RATE)
        if note is KEYS[0]:
            measures = measure(torch.from_numpy(sounds), [note] * len(sounds), RATE)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.divide(total, length, out=np.zeros_like(total), where=length > 0), measures
