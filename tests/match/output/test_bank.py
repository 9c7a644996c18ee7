"""Banks of 32 that grow by a preset a sound."""

from pathlib import Path

from patchflow.engines import engines
from patchflow.match.output.writer import BankWriter
from patchflow.presets import Preset, read_presets
from patchflow.presets.formats import formats

SPACE = engines["dexed"].space
INIT = Preset("dexed", SPACE.decode(SPACE.default()), name="INIT VOICE")


def voice(n: int) -> Preset:
    return Preset("dexed", {**INIT.values, "op1.output": n}, name=f"V{n}")


def add(bank: BankWriter, folder: Path, preset: Preset) -> dict:
    page = bank.page(preset)
    (folder / str(page.place["file"])).write_bytes(page.data)
    bank.presets = page.presets
    return page.place


def test_after_32_the_next_file_begins(tmp_path: Path):
    bank = BankWriter(".syx", formats["syx"](), INIT)
    bank.presets = tuple(voice(n) for n in range(31))

    places = [add(bank, tmp_path, voice(n)) for n in range(31, 34)]

    assert places[0] == {"file": "patchflow-bank.syx", "voice": 32}
    assert places[2] == {"file": "patchflow-bank-2.syx", "voice": 2}
    assert [p.name for p in read_presets(tmp_path / "patchflow-bank.syx").presets[30:]] == ["V30", "V31"]
    assert [p.name for p in read_presets(tmp_path / "patchflow-bank-2.syx").presets[:3]] == ["V32", "V33", "INIT VOICE"]


def test_one_preset_makes_a_bank_too(tmp_path: Path):
    add(BankWriter(".syx", formats["syx"](), INIT), tmp_path, voice(7))

    assert (tmp_path / "patchflow-bank.syx").stat().st_size == 4_104
    assert read_presets(tmp_path / "patchflow-bank.syx").presets[0].values["op1.output"] == 7
