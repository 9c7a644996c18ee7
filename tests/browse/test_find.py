"""Finding presets on a shelf: by nearness, by words, by names, and by what they are labelled."""

from collections.abc import Sequence

import numpy as np
import pytest

from patchflow.browse import Shelf, find, picked
from patchflow.browse import meaning as real
from patchflow.browse.find import hints
from patchflow.browse.shelf import MEASURED, WIDTH
from patchflow.errors import OptionError
from patchflow.presets import Entry, Label
from tests.plain_ear import Said, understand

LENGTH = 2  # the column of `ear.MEASURES`


def made_shelf(
    names: Sequence[str],
    *,
    vectors: np.ndarray | None = None,
    lengths: Sequence[float] | None = None,
    labels: Sequence[Label] | None = None,
) -> Shelf:
    """Presets with these names, in order."""
    count = len(names)
    if vectors is None:
        vectors = np.zeros((count, WIDTH), np.float32)
    measures = np.full((count, MEASURED), np.nan)
    if lengths is not None:
        measures[:] = 0.0
        measures[:, LENGTH] = lengths
    known = labels or [Label(name) for name in names]
    return Shelf([Entry(i, "tone", (label,)) for i, label in enumerate(known, 1)], vectors, measures)


def directions(*degrees: float) -> np.ndarray:
    """Vectors of length 1 in a plane."""
    found = np.zeros((len(degrees), WIDTH), np.float32)
    found[:, 0] = np.cos(np.radians(degrees))
    found[:, 1] = np.sin(np.radians(degrees))
    return found


def names(shelf: Shelf, **asked: object) -> list[str]:
    return [hit.entry.name for hit in find(shelf, **asked)]  # type: ignore[arg-type]


def test_the_nearest_come_first_and_say_how_near():
    shelf = made_shelf("abcd", vectors=directions(60, 0, 180, 30))

    hits = find(shelf, like=directions(0)[0])

    assert [hit.entry.name for hit in hits] == ["b", "d", "a", "c"]
    assert [hit.reason for hit in hits] == ["100% near", "87% near", "50% near", "0% near"]
    np.testing.assert_allclose([hit.nearness or 0 for hit in hits], [1, np.sqrt(0.75), 0.5, 0], rtol=1e-6)
    assert [(hit.score, hit.fit, hit.number, hit.origin) for hit in hits[:1]] == [(1.0, None, "2", "library")]


def test_no_more_than_the_limit_are_found_and_equal_ones_in_order():
    shelf = made_shelf("abcdef", vectors=directions(50, 20, 20, 20, 20, 0))

    assert names(shelf, like=directions(0)[0], limit=3) == ["f", "b", "c"]
    assert names(shelf, like=directions(0)[0], limit=100) == ["f", "b", "c", "d", "e", "a"]


def test_the_nearest_of_many_are_those_of_a_plain_sort():
    random = np.random.default_rng(0)
    vectors = random.standard_normal((2_000, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    shelf = made_shelf([str(i) for i in range(2_000)], vectors=vectors)

    found = [int(name) for name in names(shelf, like=vectors[7], limit=50)]

    assert found == np.argsort(-(vectors @ vectors[7]), kind="stable")[:50].tolist()
    assert found[0] == 7


def test_what_nobody_has_listened_to_is_like_nothing():
    vectors = directions(0, 10)
    vectors[0] = 0

    assert names(made_shelf("ab", vectors=vectors), like=directions(0)[0]) == ["b"]


def test_words_rank_by_what_is_measured():
    shelf = made_shelf("abc", lengths=[1, 3, 2])

    assert names(shelf, words=understand("long")) == ["b", "c", "a"]
    assert names(shelf, words=understand("short")) == ["a", "c", "b"]
    assert find(shelf, words=understand("long"))[1].fit == 0.5
    assert find(shelf, words=understand("long"))[1].reason == "long: 0.50"
    assert find(shelf, words=understand("long"))[2].reason == "fits little: long: 0.00"


def test_a_sound_and_words_together_rank_by_both():
    shelf = made_shelf("abc", vectors=directions(0, 60, 10), lengths=[1, 3, 2])

    hits = find(shelf, like=directions(0)[0], words=understand("long"))

    assert [hit.entry.name for hit in hits] == ["b", "c", "a"]
    assert hits[0].score == pytest.approx(0.5 * 1.0, abs=1e-6)
    assert hits[0].reason == "long: 1.00; 50% near"
    assert hits[1].score == pytest.approx(np.cos(np.radians(10)) * 0.5, abs=1e-6)


def test_of_words_that_contradict_each_other_what_is_between_is_best():
    hits = find(made_shelf("ab", lengths=[1, 2]), words=understand("long short"))

    assert [hit.reason for hit in hits] == ["fits little: long; short: 0.00"] * 2
    assert names(made_shelf("abc", lengths=[1, 2, 3]), words=understand("long short"))[0] == "b"


def test_what_is_unlike_the_sound_comes_last_and_what_is_unknown_never():
    vectors = directions(120, 0, 150, 90)
    vectors[1] = 0
    shelf = made_shelf("abcd", vectors=vectors, lengths=[3, 4, 2, 1])

    assert names(shelf, like=directions(0)[0]) == ["d", "a", "c"]
    assert names(shelf, like=directions(0)[0], words=understand("long")) == ["d", "a", "c"]
    assert names(made_shelf("ab"), like=directions(0)[0]) == []


def test_fit_is_measured_at_the_whole_shelf_whatever_may_be_a_hit():
    shelf = made_shelf("abcd", lengths=[1, 2, 3, 5])

    hits = find(shelf, words=understand("long"), rows=np.array([False, True, True, False]))

    assert [(hit.entry.name, hit.fit) for hit in hits] == [("c", 0.5), ("b", 0.25)]


def measured_shelf(names: Sequence[str], brightness: Sequence[float]) -> Shelf:
    """Presets that differ in brightness."""
    shelf = made_shelf(names, lengths=[0.0] * len(names))
    shelf.measures[:, 0] = brightness
    return shelf


def found(shelf: Shelf, text: str) -> list[str]:
    return names(shelf, words=real.understand(text, shelf), text=text)


def test_two_presets_are_found_by_words_however_little_they_fit():
    shelf = measured_shelf(["a", "b"], [2, 1])

    assert found(shelf, "warm") == ["b", "a"]
    assert find(shelf, words=real.understand("warm"))[1].reason.startswith("fits little: warm (but brightness ")


@pytest.mark.parametrize(("typed", "called"), [("solar", "SOLAR WIND"), ("hang", "Hang_1"), ("tape", "OLD TAPE")])
def test_a_word_of_a_name_is_not_taken_for_another_word(typed: str, called: str):
    shelf = measured_shelf(["Solo", "langes", "x", called], [4, 3, 2, 1])

    assert found(shelf, typed)[0] == called
    assert find(shelf, words=real.understand(typed, shelf), text=typed)[0].reason.startswith(("its name", "has 'tape'"))


def test_a_word_with_a_wrong_letter_is_mended_where_no_name_has_it():
    shelf = measured_shelf(["a", "b", "unbrigthened"], [1, 3, 2])

    assert found(shelf, "brigth") == ["b", "unbrigthened", "a"]


def test_warm_and_dark_are_one_wish_and_a_dark_brass_is_no_pad():
    others = [f"no {number}" for number in range(20)]
    shelf = measured_shelf(["BRASS 1", "WARM PAD", "PAD DARK", *others], [-9, -4, -5, *range(20)])

    assert found(shelf, "warm dark pad")[:2] == ["PAD DARK", "WARM PAD"]
    same = [real.understand(text).fit(shelf) for text in ("warm pad", "warm, warm pad", "warm dark pad")]
    np.testing.assert_allclose(same[1], same[0])
    # the name alone differs
    np.testing.assert_allclose(same[2][[0, 1, 3]], same[0][[0, 1, 3]])


def test_the_word_of_a_quality_in_a_name_counts_a_little():
    shelf = measured_shelf([*(f"no {number}" for number in range(40)), "Warm 1", "Brightest"], [*range(40), 25, 50])

    hits = found(shelf, "warm")

    assert hits[:4] == ["no 0", "no 1", "no 2", "no 3"]
    assert hits.index("Warm 1") < 8  # 25 are darker
    warm = find(shelf, words=real.understand("warm"))[hits.index("Warm 1")]
    assert warm.reason.startswith("warm (but brightness ")
    assert warm.reason.endswith(", so called)")


def test_what_is_denied_or_lacks_a_quoted_name_is_no_hit():
    shelf = measured_shelf(["PAD 1", "BRASS 1", "BRASS 2"], [1, 2, 3])

    assert sorted(found(shelf, "not pad")) == ["BRASS 1", "BRASS 2"]
    assert found(shelf, 'bright "brass 1"') == ["BRASS 1"]


@pytest.mark.parametrize("text", ["not jupiter", "ohne jupiter", "pas de jupiter", "sin jupiter", "jupiterなし"])
def test_an_unknown_word_is_denied_in_all_languages(text: str):
    shelf = measured_shelf(["Jupiter 8", "b"], [1, 2])

    assert found(shelf, text) == ["b"]
    assert found(shelf, f"{text}, warm") == ["b"]


def test_a_name_that_was_typed_comes_first():
    shelf = made_shelf(["Long", "Strings", "long  STRINGS 2", "x"], lengths=[1, 2, 3, 4])

    def typed(text: str) -> list[str]:
        return names(shelf, words=understand(text), text=text)

    assert typed("long")[0] == "Long"  # it is the shortest
    assert find(shelf, words=understand("long"), text="long")[0].reason == "its name; fits little: long: 0.00"
    assert typed("long")[1:] == ["x", "long  STRINGS 2", "Strings"]
    # a part of a word is enough, but a plain word that is understood is a name only as a whole
    assert typed("g strin") == ["long  STRINGS 2", "Strings"]
    assert typed("trings") == ["Strings", "long  STRINGS 2"]


def test_words_that_nobody_knows_are_looked_for_in_all_labels():
    labels = [Label("a", author="Jupiter"), Label("b", source="jupiter.syx"), Label("c", tags=("jupiter",)), Label("d")]
    shelf = made_shelf("abcd", lengths=[1, 2, 3, 4], labels=labels)

    assert names(shelf, words=understand("jupiter")) == ["a", "b", "c"]
    assert find(shelf, words=understand("Jupiter"))[0].reason == "has 'jupiter'"
    assert names(shelf, words=understand("long jupiter")) == ["c", "b", "a"]
    # and what no label has either does not keep the other words from finding something
    assert names(shelf, words=understand("long xqz")) == ["d", "c", "b", "a"]
    assert names(shelf, words=understand("xqz")) == []
    assert names(shelf, words=understand("long not jupiter"), text="long not jupiter") == ["d"]


def test_words_in_no_known_language_find_names():
    shelf = made_shelf(["Мягкий пад", "Bass"], lengths=[1, 2])

    assert names(shelf, words=understand("мягкий пад"), text="мягкий пад") == ["Мягкий пад"]
    assert names(shelf, words=understand("тихий"), text="тихий") == []


def test_ten_thousand_words_are_searched_for():
    shelf = made_shelf(["ab"] * 300, lengths=list(range(300)))
    text = " ".join(["long", *(f"word{i}" for i in range(10_000))])

    assert len(find(shelf, words=understand(text), text=text, limit=5)) == 5
    assert len(hints(shelf, {}, understand(text).unknown)) == 5


@pytest.mark.parametrize("asked", [{}, {"like": directions(0)[0]}, {"words": understand("long")}], ids=str)
def test_an_empty_shelf_and_one_of_one_preset(asked: dict[str, object]):
    assert names(Shelf.joined([]), **asked) == []
    one = made_shelf("a", vectors=directions(0), lengths=[1])
    assert names(one, **asked) == ["a"]


def test_silence_is_like_nothing():
    with pytest.raises(OptionError, match="the sound is silent, and nothing is like silence"):
        find(made_shelf("a", vectors=directions(0)), like=np.zeros(WIDTH, np.float32))


@pytest.mark.parametrize("limit", [0, -3])
def test_an_impossible_limit_is_refused(limit: int):
    with pytest.raises(OptionError, match=f"limit={limit}: not 1 or more"):
        find(made_shelf("a"), limit=limit)


LABELS = [
    Label("a", "Bass", "Ann", ("bright", "noisy")),
    Label("b", "Lead", "Bob", ("bright",)),
    Label("c", "Kit and Bass", "ann", ("noisy", "moving")),
    Label("d"),
]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({}, "abcd"),
        ({"tag": ["Bright"]}, "ab"),
        ({"tag": ["bright", "noisy"]}, "a"),
        ({"tag": ["bright and noisy"]}, "a"),
        ({"tag": ["bright or moving"]}, "abc"),
        ({"tag": ["not bright"]}, "cd"),
        ({"tag": ["not not  bright"]}, "ab"),
        ({"tag": ["bright and not noisy or moving"]}, "bc"),
        ({"category": ["kit and bass"]}, "c"),
        ({"category": ["bass or lead"]}, "ab"),
        ({"author": ["ANN"], "tag": ["not moving"]}, "a"),
        ({"synth": ["tone"], "category": ["Lead"]}, "b"),
        ({"synth": ["dexed"]}, ""),
        ({"tag": ["bright", "not bright"]}, ""),
    ],
)
def test_presets_are_picked_by_and_or_not(wishes: dict[str, list[str]], expected: str):
    shelf = made_shelf("abcd", labels=LABELS)

    assert names(shelf.where(picked(shelf, wishes))) == list(expected)


@pytest.mark.parametrize(
    "wish", ["bright or", "and", "not", "not not", "or", "bright and", "and bright", "", "a or or b"]
)
def test_what_is_missing_in_a_wish_is_said(wish: str):
    shelf = made_shelf("abcd", labels=LABELS)

    with pytest.raises(OptionError, match="something is missing beside 'and', 'or' or 'not'"):
        picked(shelf, {"tag": [wish]})


def test_why_nothing_was_found_is_said():
    shelf = made_shelf("abcd", labels=LABELS)

    said = [
        str(hint) for hint in hints(shelf, {"tag": ["brigth or noisy"], "category": ["not leed"]}, ["bob", "brigt"])
    ]

    known = "bright, noisy, Bass, Lead, Kit and Bass, moving"
    assert said == [
        "no preset has the tag 'brigth'. Did you mean 'bright'? Tags there are: bright, noisy, moving.",
        f"no preset has 'brigt'. Did you mean 'bright'? Words there are: {known}.",
    ]


def test_words_fit_a_library_nobody_has_listened_to():
    shelf = made_shelf(["Jupiter", "b"])

    assert names(shelf, words=Said(("jupiter",))) == ["Jupiter"]


def test_either_a_sound_or_words_is_enough_and_the_better_place_counts():
    shelf = made_shelf("abcd", vectors=directions(0, 20, 90, 60), lengths=[0.1, 0.5, 2.0, 1.0])
    asked = {"like": directions(0)[0], "words": understand("long")}

    both = names(shelf, **asked)
    hits = find(shelf, **asked, either=True)

    assert both[0] == "d"
    # a is the first by its sound, c by the words; b is the second by its sound, d by the words
    assert [hit.entry.name for hit in hits] == ["a", "c", "b", "d"]
    assert [hit.reason.partition(";")[0] for hit in hits] == ["the sound", "the words", "the sound", "the words"]
    assert hits[0].score == hits[0].nearness
    assert hits[1].score == hits[1].fit


def test_without_words_either_makes_no_difference():
    shelf = made_shelf("abc", vectors=directions(60, 0, 30))

    assert find(shelf, like=directions(0)[0], either=True) == find(shelf, like=directions(0)[0])
