"""What a text means, and how presets fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from patchflow.browse.meaning import understand
from patchflow.browse.standing import COLUMNS, Standing, ranks_within
from patchflow.ear import MEASURES
from patchflow.errors import OptionError
from patchflow.presets import Entry, Label


@dataclass(frozen=True, eq=False)
class Shelf:
    """As much of a shelf as words need."""

    entries: Sequence[Entry]
    measures: np.ndarray


def shelf(names: Sequence[str], *, synths: Sequence[str] = (), **columns: Sequence[float] | np.ndarray) -> Shelf:
    """Presets that differ in some attributes and are in the middle of all others."""
    measures = np.zeros((len(names), len(MEASURES)))
    for name, values in columns.items():
        measures[:, COLUMNS[name]] = values
    of = synths or ["tone"] * len(names)
    entries = [Entry(row, synth, (Label(name=name),)) for row, (name, synth) in enumerate(zip(names, of, strict=True))]
    return Shelf(entries, measures)


def best(text: str, of: Shelf) -> str:
    return of.entries[int(np.argmax(understand(text).fit(of)))].name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("warm pad", "warm: low brightness; pad: slow attack, long"),
        ("very dark", "very dark: very low brightness"),
        ("slightly dark", "slightly dark: rather low brightness"),
        ("glassy", "glassy: high brightness, rather low noisiness"),
        ("slow attack", "slow attack: slow attack"),
        ("attack: slow", "attack: fast attack; slow: slow attack"),
        ("attaque lente", "attaque lente: slow attack"),
        ("slow decay", "slow decay: long"),
        ("no noise", "not noise: low noisiness"),
        ("less bright", "not bright: low brightness"),
        ("not too bright", "not too bright: low brightness"),
        ("nicht hell", "not hell: low brightness"),
        ("pas de bruit", "not bruit: low noisiness"),
        ("sin ruido", "not ruido: low noisiness"),
        ("ohne Rauschen", "not rauschen: low noisiness"),
        ("ノイズなし", "not ノイズ: low noisiness"),
        ("明るくない", "not 明るく: low brightness"),
        ("without noise or vibrato", "not noise: low noisiness; not vibrato: low movement"),
        ("not (bright or noisy)", "not bright: low brightness; not noisy: low noisiness"),
        ("not bright, not dark", "not bright, not dark: medium brightness"),
        ("bright or noisy", "(bright: high brightness) or (noisy: high noisiness)"),
        ("bright or noisy fx", "(bright: high brightness) or (noisy: high noisiness); fx: Effects, low harmonicity"),
        ("fx not drum", "fx: Effects, low harmonicity; not drum: no Drums"),
        ('"Blue Sky"', 'called "blue sky"'),
        ("vintage", "vintage: not measured, so looked for in names"),
        ("the of", ""),
        ("and or not", ""),
        ("()", ""),
        ("", ""),
    ],
)
def test_what_was_understood(text: str, said: str):
    assert understand(text).text() == said


def test_unknown_words_are_named():
    assert understand("warm Xyzzy pad").unknown == ("xyzzy",)
    assert understand("warm pad").unknown == ()


def test_mended_words_are_said():
    assert understand("brigth").remarks == ("brigth: read as bright",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bright and dark", "bright and dark: both cannot be"),
        ("bright, not bright", "bright and not bright: both cannot be"),
        ("pad but not pad", "pad and not pad: both cannot be"),
        ("(bright pad) and dark", "bright and dark: both cannot be"),
    ],
)
def test_contradictions_are_said(text: str, said: str):
    assert understand(text).remarks == (said,)


@pytest.mark.parametrize("text", ["bright or dark", "bright but not dark", "pad or not pad", "fat and thick", "hell"])
def test_what_can_be_is_no_contradiction(text: str):
    assert understand(text).remarks == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [("(bright", "never closes"), ("bright)", "never opened"), ("(" * 40 + "bright" + ")" * 40, "more than 20")],
)
def test_bad_parentheses_are_an_error(text: str, said: str):
    with pytest.raises(OptionError, match=said):
        understand(text)


def test_rank_counts_within_each_synth():
    measures = np.zeros((4, len(MEASURES)))
    measures[:, 0] = [1.0, 2.0, 11.0, 12.0]

    assert ranks_within(measures, ["a", "a", "b", "b"])[:, 0].tolist() == [0.25, 0.75, 0.25, 0.75]


def test_what_is_alike_is_all_outermost():
    # half of all presets have the shortest attack, and every one of them is as fast as can be
    of = shelf([f"{number}" for number in range(20)], attack=[0.0] * 10 + list(range(1, 11)))
    fit = understand("fast attack").fit(of)  # type: ignore[arg-type]

    assert fit[:10].min() == fit[:10].max() > 0.9
    assert fit[10:].max() < 0.5


def test_more_of_a_quality_fits_better():
    of = shelf([f"{number}" for number in range(20)], brightness=np.arange(20.0))
    fit = understand("bright").fit(of)  # type: ignore[arg-type]

    assert (np.diff(fit) >= 0).all()
    assert fit[-1] > 0.9 > 0.5 > fit[10]
    assert ((fit >= 0) & (fit <= 1)).all()
    assert best("dark", of) == "0"
    assert best("not bright", of) == "0"
    assert 7 <= int(best("not bright, not dark", of)) <= 12


def test_all_one_of_and_none_of():
    names = ["plain", "bright", "noisy", "both", *(f"usual {number}" for number in range(16))]
    brightness = [0, 5, 0, 5, *np.linspace(-1, 1, 16)]
    noisiness = [0, 0, 5, 5, *np.linspace(1, -1, 16)]
    of = shelf(names, brightness=brightness, noisiness=noisiness)

    assert best("bright noisy", of) == "both"
    assert best("bright and noisy", of) == "both"
    assert best("bright without noise", of) in ("bright", "usual 15")
    either = understand("bright or noisy").fit(of)  # type: ignore[arg-type]
    assert set(np.argsort(-either)[:3]) == {1, 2, 3}


def test_category_by_name_label_and_sound():
    names = ["E.PIANO 1", "BRASS 1", "GLOCKE", "Blue"]
    of = shelf(names)

    assert best("keys", of) == "E.PIANO 1"
    assert best("Blechbläser", of) == "BRASS 1"
    assert best("bell", of) == "GLOCKE"
    assert best("not keys", of) != "E.PIANO 1"
    labelled = Shelf(
        [Entry(0, "tone", (Label("A"),)), Entry(1, "tone", (Label("B", category="Synth Lead"),))], of.measures[:2]
    )
    assert best("lead", labelled) == "B"


def test_what_has_no_name_is_taken_by_its_sound():
    # a pad is slow, harmonic and long among its like; an effect is not
    rows = np.arange(40)
    of = shelf(
        [f"no {row}" for row in rows],
        attack=rows % 2 + rows / 100,
        harmonicity=rows % 2 + rows / 100,
        length=rows % 2 + rows / 100,
        noisiness=-(rows % 2) + rows / 100,
    )
    pads = Standing.of(of).likelihood(["Pad", "Strings", "Voice"])  # type: ignore[arg-type]

    assert pads[rows % 2 == 1].mean() > 2 * pads[rows % 2 == 0].mean()


def test_quoted_text_has_to_be_there():
    of = shelf(["Blue Sky", "Red Sky", "Sky Blue"])

    assert best('"blue sky"', of) == "Blue Sky"
    assert understand('"green"').fit(of).max() < 1e-3  # type: ignore[arg-type]


def test_silent_presets_never_fit():
    of = shelf(["a", "b"], brightness=[1.0, np.nan])

    assert understand("bright").fit(of)[1] < 1e-3  # type: ignore[arg-type]
    assert understand("dark").fit(of)[1] < 1e-3  # type: ignore[arg-type]
    assert understand("bright").reasons(of, 1) == "silent, or nobody has measured it"  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["xyzzy", "", "warm pad", "not pad", "bright and dark"])
def test_small_shelves(text: str):
    assert understand(text).fit(shelf([])).shape == (0,)  # type: ignore[arg-type]
    fit = understand(text).fit(shelf(["one"]))  # type: ignore[arg-type]
    assert fit.shape == (1,)
    assert np.isfinite(fit).all()


def test_nothing_understood_fits_nothing_and_nothing_asked_fits_all():
    of = shelf(["one", "two"])

    assert understand("xyzzy").fit(of).tolist() == [0.0, 0.0]  # type: ignore[arg-type]
    assert understand("").fit(of).tolist() == [1.0, 1.0]  # type: ignore[arg-type]


def test_reasons():
    of = shelf(["A", "Pad B"], brightness=[8.0, 10.0])

    assert understand("bright pad").reasons(of, 1) == "bright (brightness 1024 Hz, above 75%), pad (called Pad)"  # type: ignore[arg-type]
    assert understand("not bright").reasons(of, 0) == "not bright (brightness 256 Hz, below 75%)"  # type: ignore[arg-type]
    assert understand("xyzzy").reasons(of, 0) == ""  # type: ignore[arg-type]
