"""What every preset format promises."""

from dataclasses import replace

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.errors import PresetError
from patchflow.lv2 import Lv2Preset
from patchflow.presets import Preset
from patchflow.presets.files import format_of
from patchflow.presets.formats import PresetFormat, formats
from patchflow.presets.formats.amsynth import PARAMETERS
from patchflow.presets.vst2 import Program
from patchflow.presets.vst3 import VstPreset


def amsynth_text(name: str) -> bytes:
    lines = [f"<parameter> {parameter} {default:g}" for parameter, (default, _, _) in PARAMETERS.items()]
    text = "\n".join(["amSynth1.0preset", f"<preset> <name> {name}", *lines, ""])
    return Program("amsy", 0, len(lines), name, text.encode()).pack()


OPAQUE = {
    "Amsynth": amsynth_text,
    "Fxb": lambda name: Program("mine", 1, 2, name, bytes(8), plain=True).pack(),
    "Vstpreset": lambda name: VstPreset("AB" * 16, b"whatever the plug-in stores", b"", name).pack(),
    "Fxp": lambda name: Program("mine", 1, 2, name, b"whatever the plug-in stores").pack(),
    "Ttl": lambda name: Lv2Preset("urn:mine", {"cut": 0.1, "shape": 3.0}, name, '[ <urn:file> "a\\tb" ]').pack(),
}
"""What a plug-in itself would have stored. That real ones take it is tested in `tests/plugins`."""


@pytest.fixture(params=formats)
def kind(request: pytest.FixtureRequest) -> PresetFormat:
    return formats[request.param]()


@pytest.fixture
def presets(kind: PresetFormat) -> list[Preset]:
    if kind.opaque:
        return [Preset("", {}, name=f"No {i}", state=OPAQUE[type(kind).__name__](f"No {i}")) for i in range(3)]
    synth = kind.synth or "tone"
    points = np.random.default_rng(0).random((3, len(engines[synth].space)))
    return [Preset(synth, engines[synth].space.decode(point), name=f"No {i}") for i, point in enumerate(points)]


@pytest.fixture
def fitting(kind: PresetFormat, presets: list[Preset]) -> list[Preset]:
    """As many presets as a file may hold."""
    return presets[:1] if kind.single else presets


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_written_is_read(kind: PresetFormat, fitting: list[Preset], count: int):
    report = kind.read(kind.write(fitting[:count]))

    for preset, read in zip(fitting[:count], report.presets, strict=False):
        assert list(read.values) == list(preset.values)
        for value, expected in zip(read.values.values(), preset.values.values(), strict=True):
            assert value == (pytest.approx(expected, rel=1e-5) if isinstance(expected, float) else expected)
        assert replace(read, values={}) == replace(preset, values={})
    assert len(report.presets) >= len(fitting[:count])
    assert not report.rejected
    assert not report.notes


def test_what_was_read_is_written_and_read_exactly(kind: PresetFormat, fitting: list[Preset]):
    once = kind.read(kind.write(fitting))

    assert kind.read(kind.write(once.presets)).presets[: len(fitting)] == once.presets[: len(fitting)]


def test_a_file_of_one_preset_takes_no_more(kind: PresetFormat, presets: list[Preset]):
    if kind.single:
        with pytest.raises(PresetError, match=f"{kind.extensions[0]}: a file holds one preset, not 3"):
            kind.write(presets)
    else:
        assert len(kind.read(kind.write(presets)).presets) >= 3


def test_it_recognises_what_it_writes(kind: PresetFormat, fitting: list[Preset]):
    assert kind.recognises(kind.write(fitting))


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello", b"RIFF\x00\x00\x00\x00WAVE", b"{}", bytes(range(256)) * 8])
def test_it_refuses_what_is_not_its_own(kind: PresetFormat, data: bytes):
    assert not kind.recognises(data)
    with pytest.raises(PresetError):
        kind.read(data)


def test_others_do_not_recognise_what_it_writes(kind: PresetFormat, fitting: list[Preset]):
    data = kind.write(fitting)

    assert [name for name in formats if formats[name]().recognises(data)] == [type(kind).__name__.lower()]


def test_its_extensions_lead_to_it(kind: PresetFormat):
    assert [type(format_of(f"a{extension}")) for extension in kind.extensions] == [type(kind)] * len(kind.extensions)


def test_it_writes_no_empty_file(kind: PresetFormat):
    with pytest.raises(PresetError, match="no preset to write"):
        kind.write([])
