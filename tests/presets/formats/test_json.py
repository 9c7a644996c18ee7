"""Native preset files: what is written is read; whatever else is in a file is one clear error."""

import contextlib
import json
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchflow.errors import PresetError
from patchflow.presets import Preset, ReadReport
from patchflow.presets.formats.json import Json

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
VALUES = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
FIELDS = st.fixed_dictionaries(
    {
        "synth": TEXT.filter(bool),
        "values": st.dictionaries(TEXT, VALUES, max_size=8),
        "name": TEXT,
        "category": TEXT,
        "author": TEXT,
        "tags": st.lists(TEXT, max_size=3).map(tuple),
        "state": st.binary(max_size=20),
    }
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def document(**changes: object) -> dict[str, object]:
    preset = {"synth": "tone", "name": "Saw", "tags": ["a"], "values": {"wave": "saw", "gain": -6.5}, **changes}
    return {"format": "patchflow-presets", "version": 1, "presets": [preset]}


def read(content: object) -> ReadReport:
    return Json().read(json.dumps(content).encode())


@given(st.lists(FIELDS, min_size=1, max_size=3))
def test_what_is_written_is_read(items: list[dict[str, Any]]):
    presets = tuple(Preset(**fields) for fields in items)

    assert Json().read(Json().write(presets)) == ReadReport(presets)


def test_names_in_any_script_are_kept_readable():
    assert "Flöte 笛".encode() in Json().write([Preset("tone", {}, name="Flöte 笛")])


def test_a_preset_may_leave_out_all_but_synth_and_values():
    content = {"format": "patchflow-presets", "version": 1, "presets": [{"synth": "tone", "values": {"gain": 0}}]}

    assert read(content).presets == (Preset("tone", {"gain": 0}),)


def test_a_byte_order_mark_is_allowed():
    assert Json().read(b"\xef\xbb\xbf" + json.dumps(document()).encode()).presets[0].name == "Saw"


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(document()).encode() + bytes(9),
        json.dumps(document()).encode("utf-16"),
        json.dumps(document(), indent=1).replace("\n", "\r\n").encode(),
    ],
    ids=["zeros", "UTF-16", "CRLF"],
)
def test_what_editors_and_file_systems_do_to_a_file_does_no_harm(data: bytes):
    assert Json().read(data) == Json().read(json.dumps(document()).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Expecting value at line 1"),
        (b"\xff\xfa", "byte 0 is not UTF-8"),
        (b"\xff\xfe{", "byte 2 is not UTF-16"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b'{"a": 1, "a": 2}', "'a' occurs twice"),
        (b'{"a": NaN}', "NaN: not a finite number"),
        (b'{"a": -Infinity}', "-Infinity: not a finite number"),
        (b'{"a": 1e999}', "1e999: not a finite number"),
        (b'{"a": ' + b"9" * 10_000 + b"}", r"9{30}: not in \[-2\^53, 2\^53\]"),
        (b"[]", 'it has no "format": "patchflow-presets"'),
        (b'{"format": "patchflow-presets"}', "version=None"),
        (b'{"format": "patchflow-presets", "version": 2, "presets": []}', "version=2: this patchflow reads version 1"),
        (b'{"format": "patchflow-presets", "version": true, "presets": []}', "version=True"),
        (b'{"format": "patchflow-presets", "version": 1}', "presets=None: not a list"),
        (b'{"format": "patchflow-presets", "version": 1, "presets": [], "x": 1}', "'x': unknown key"),
    ],
)
def test_a_file_that_is_no_preset_file_is_refused(data: bytes, message: str):
    with pytest.raises(PresetError, match=message):
        Json().read(data)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"synth": ""}, "synth='': names no synth"),
        ({"synth": 3}, "synth=3: not a text"),
        ({"name": ["x"]}, "name=['x']: not a text"),
        ({"name": "a\nb"}, r"name='a\nb': has control characters"),
        ({"name": "\ud800"}, r"name='\ud800': has control characters"),
        ({"author": "x" * 1001}, "1,001 letters, more than 1,000"),
        ({"catgory": "Bass"}, "'catgory': unknown key. Known: synth, name, category, author, tags, values, state."),
        ({"tags": "a"}, "tags='a': not a list"),
        ({"tags": [1]}, "tags=1: not a text"),
        ({"values": None}, "values=None: not an object"),
        ({"values": {"gain": None}}, "gain=None: neither a number nor a text"),
        ({"values": {"gain": True}}, "gain=True: neither a number nor a text"),
        ({"values": {"gain": {}}}, "gain={}: neither a number nor a text"),
    ],
)
def test_a_bad_preset_is_rejected_with_the_reason_and_the_others_are_kept(changes: dict[str, object], reason: str):
    content = document(**changes)
    content["presets"].append(document()["presets"][0])  # type: ignore[attr-defined]

    report = read(content)

    assert [preset.name for preset in report.presets] == ["Saw"]
    assert [bad.voice for bad in report.rejected] == [1]
    assert reason in str(report.rejected[0])


def test_an_item_that_is_no_object_is_rejected():
    content = {**document(), "presets": [7]}

    assert str(read(content).rejected[0]) == "voice 1: 7: not an object"


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 10**5000, True, "a\x00"],
    ids=["nan", "inf", "huge", "claim", "control"],
)
def test_a_value_that_could_not_be_read_is_not_written(value: object):
    with pytest.raises(PresetError, match="gain="):
        Json().write([Preset("tone", {"gain": value})])  # type: ignore[dict-item]


def test_no_presets_are_no_file():
    with pytest.raises(PresetError, match="no preset to write"):
        Json().write([])


def hold_any_file_to_the_promises(data: bytes):
    """Whatever the bytes, no other error; what is taken can be written and read again."""
    with contextlib.suppress(PresetError):
        report = Json().read(data)
        again = Json().read(Json().write(report.presets)) if report.presets else ReadReport(())

        assert again.presets == report.presets
        assert not {"Cc", "Cs"} & {category(letter) for bad in report.rejected for letter in str(bad)}


def one_document(data: st.DataObject) -> bytes:
    """A preset file with anything in any place, as text that is then damaged."""
    content = document()
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.sampled_from([content, content.get("presets") or content]))
        target = place[0] if isinstance(place, list) and isinstance(place[0], dict) else content
        target[data.draw(st.sampled_from([*target, "new"]))] = data.draw(ANYTHING)
    text = bytearray(json.dumps(content, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass"))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3))
    return bytes(text)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_file_breaks_the_reader(data: st.DataObject):
    hold_any_file_to_the_promises(one_document(data))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.data())
def test_ten_thousand_files_do_not_break_the_reader(data: st.DataObject):
    hold_any_file_to_the_promises(one_document(data))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_ten_thousand_noises_do_not_break_the_reader(data: bytes):
    hold_any_file_to_the_promises(data)
