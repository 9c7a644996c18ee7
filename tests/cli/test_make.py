"""`patchflow make`: words to a folder of new presets."""

import json

import numpy as np
import pytest

from patchflow.browse.standing import COLUMNS
from patchflow.ear import measure
from patchflow.ear.ear import KEYS
from patchflow.engines import engines
from patchflow.explore.player import RATE, Player
from patchflow.presets import Library, Preset, read_presets

SPACE = engines["tone"].space


@pytest.fixture
def library(shell, monkeypatch):
    """Presets of the tone from short to long, as if somebody had listened to them."""
    monkeypatch.setattr("patchflow.browse.embedded.embedded_synths", tuple)
    decays = np.geomspace(0.05, 0.4, 12)
    waves = ["sine", "saw"] * 6
    presets = [
        Preset("tone", {"wave": wave, "decay": float(decay), "gain": -6.0}, f"{wave} bell {place}", "Mallets")
        for place, (wave, decay) in enumerate(zip(waves, decays, strict=True))
    ]
    made = Library(shell.folder / "library.sqlite")
    ids = made.add(presets, lambda _: SPACE).ids
    with Player(engines["tone"], KEYS[:1]) as player:
        measures = player.play(made.points("tone", SPACE)).measures[:, 0]
    from patchflow.browse.shelf import MEASURED, WIDTH, ear_version

    assert measures.shape[1] == MEASURED
    vectors = np.eye(len(ids), WIDTH, dtype=np.float32)
    made.keep_sounds(ear_version(), list(ids), vectors, measures)
    return made.path


def test_it_writes_presets_that_fit_better_and_says_what_moved(shell, library):
    done = shell.run(
        "make", "bell, slow decay", "--synth", "tone", "--library", library, "--count", 1, "--renders", 60,
        "--out", "here",
    )  # fmt: skip

    stem = "here/make-bell, slow decay"
    assert done.code == 0, done.err
    assert {f"{stem}-1.json", f"{stem}-1.wav", f"{stem}.json"} <= {
        name.replace(".preset", "") for name in shell.files()
    }
    content = json.loads((shell.folder / f"{stem}.json").read_text())
    assert content["understood"].startswith("bell: ")
    (made,) = content["made"]
    assert made["fit"] > made["fit_before"]
    (alone,) = read_presets(shell.folder / "here" / made["preset"]).presets
    with Player(engines["tone"], KEYS[:1]) as player:
        sounds = player.play(SPACE.encode(alone.values)[None]).sounds[:, 0]
    import torch

    values = measure(torch.from_numpy(sounds), KEYS[:1], RATE)[0]
    for name in ("brightness", "length"):
        assert abs(values[COLUMNS[name]] - made["attributes"][name]["after"]) < 0.1
    assert "length" in done.out
    assert " to " in done.out


def test_the_same_seed_makes_the_same(shell, library):
    found = []
    for _ in range(2):
        done = shell.run(
            "make",
            "short",
            "--synth",
            "tone",
            "--library",
            library,
            "--count",
            1,
            "--renders",
            30,
            "--seed",
            5,
            "--json",
        )
        assert done.code == 0, done.err
        found.append(json.loads(done.out)["made"])

    assert found[0] == found[1]


def test_what_was_made_is_of_no_category_and_says_what_it_replaces(shell, library):
    words = ["make", "short", "--synth", "tone", "--library", library, "--count", 1, "--renders", 30, "--out", "here"]

    first, second = shell.run(*words), shell.run(*words, "--seed", 5)

    replaced = "here/make-short.json: took the place of what was made of these words before"
    assert replaced not in first.err
    assert replaced in second.err
    content = json.loads((shell.folder / "here/make-short.json").read_text())
    (made,) = content["made"]
    assert "bell" in made["from"]
    (preset,) = read_presets(shell.folder / "here" / made["preset"]).presets
    assert (preset.category, preset.author) == ("", "")


def test_a_folder_that_cannot_be_written_to_is_said_before_anything_is_played(shell, library, monkeypatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("presets were made")

    monkeypatch.setattr("patchflow.browse.make.make", never)
    (shell.folder / "here").write_text("a file")

    done = shell.run("make", "short", "--synth", "tone", "--library", library, "--out", "here")

    assert done.code == 1
    assert done.err.startswith("patchflow: cannot write to the folder here: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["xyzzy plugh"], "Nobody knows xyzzy, plugh"),
        (["dark", "--count", "0"], "count=0"),
        (["dark", "--renders", "0"], "renders=0"),
        (["dark", "--synth", "dexed"], "synth=dexed"),
        (["(dark"], "never closes"),
    ],
)
def test_what_cannot_be_made_is_one_line(shell, library, words, said):
    options = [] if "--synth" in words else ["--synth", "tone"]
    done = shell.run("make", *words, *options, "--library", library)

    assert done.code in (1, 2)
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (shell.folder / "patchflow-out").exists()
