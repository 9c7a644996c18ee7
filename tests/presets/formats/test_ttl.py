"""LV2 presets as files, and as folders in which hosts find them."""

from pathlib import Path

import pytest

from patchflow.errors import PresetError, StorageError
from patchflow.lv2 import Lv2Preset, by_subject, read_turtle
from patchflow.presets import Preset, read_presets, write_presets
from patchflow.presets.files import owner, write_folder
from patchflow.presets.formats.ttl import Ttl

PLUCK = Preset("", {}, "Pluck", state=Lv2Preset("urn:mine", {"cut": 0.5}, "Pluck").pack())


def test_a_folder_of_presets_is_what_hosts_look_for(tmp_path: Path):
    folder = tmp_path / "my sound.lv2"

    write_presets(folder, [PLUCK])

    assert {file.name for file in folder.glob("*.ttl")} == {"my sound.ttl", "manifest.ttl"}
    manifest = folder / "manifest.ttl"
    ((subject, said),) = by_subject(read_turtle(manifest.read_text(), manifest.as_uri())).items()
    texts = {predicate.rpartition("#")[2]: [value.text for value in values] for predicate, values in said.items()}
    assert subject.text == (folder / "my sound.ttl").as_uri()
    assert texts == {
        "type": ["http://lv2plug.in/ns/ext/presets#Preset"],
        "appliesTo": ["urn:mine"],
        "label": ["Pluck"],
        "seeAlso": [subject.text],
    }


def test_a_folder_of_presets_is_read_and_replaced(tmp_path: Path):
    folder = tmp_path / "a.lv2"
    write_presets(folder, [PLUCK])

    assert read_presets(folder).presets == (PLUCK,)
    (folder / "a.ttl").rename(folder / "old.ttl")
    write_presets(folder, [PLUCK])
    assert {file.name for file in folder.glob("*.ttl")} == {"a.ttl", "manifest.ttl"}


def test_a_folder_of_other_things_stays_as_it_is(tmp_path: Path):
    folder = tmp_path / "a.lv2"
    folder.mkdir()
    (folder / "mine.wav").write_bytes(b"")

    with pytest.raises(StorageError, match="mine.wav is there, which is no preset that was written here"):
        write_presets(folder, [PLUCK])
    assert [file.name for file in folder.iterdir()] == ["mine.wav"]


def test_a_file_of_several_presets_gives_each_by_itself():
    two = PLUCK.state + PLUCK.state.replace(b"<>", b"<#b>").replace(b'"Pluck"', b'"Bell"')

    report = Ttl().read(two)

    assert [preset.name for preset in report.presets] == ["Pluck", "Bell"]
    assert [owner(preset.state) for preset in report.presets] == ["urn:mine", "urn:mine"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"<> a pset:Preset", "line 1"),
        (b"<> a <http://lv2plug.in/ns/lv2core#Plugin> .", "it describes none"),
        (b"<x.ttl> a pset:Preset ; rdfs:seeAlso <x.ttl> .", "a list of LV2 presets"),
    ],
)
def test_what_is_no_preset_is_refused_in_a_line(text: bytes, said: str):
    with pytest.raises(PresetError, match=said):
        Ttl().read(text)


def test_a_preset_of_no_plug_in_is_rejected():
    (rejected,) = (
        Ttl().read(b'<> a pset:Preset ; rdfs:label "A" ; lv2:port [ lv2:symbol "a" ; pset:value 1 ] .').rejected
    )

    assert (rejected.voice, rejected.name) == (1, "A")
    assert "lv2:appliesTo" in rejected.reason


def test_presets_of_other_plug_ins_are_no_lv2_presets():
    with pytest.raises(PresetError, match=r"Pad: is not of an LV2 plug-in, and \.ttl is for those only"):
        Ttl().write([Preset("", {}, "Pad", state=b"CcnK")])


def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path):
    plugin = tmp_path / "synth.lv2"
    plugin.mkdir()
    (plugin / "synth.so").write_bytes(b"ELF")
    (plugin / "manifest.ttl").write_text("<urn:mine> a <http://lv2plug.in/ns/lv2core#Plugin> .")
    saved = tmp_path / "saved.lv2"
    saved.mkdir()
    (saved / "by another host.ttl").write_text("# a preset")

    for folder in (plugin, saved):
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        with pytest.raises(StorageError, match="is there, which is no preset that was written here"):
            write_presets(folder, [PLUCK])
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_folder_is_written_again_without_what_it_had(tmp_path: Path):
    folder = tmp_path / "mine.lv2"
    kind = Ttl()
    write_folder(folder, {"old.ttl": kind.write([PLUCK])}, kind)

    write_folder(folder, {"manifest.ttl": kind.write([PLUCK])}, kind)

    assert {file.name for file in folder.glob("*.ttl")} == {"manifest-1.ttl", "manifest.ttl"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<> rdfs:label "\\uD800" .', "no letter"),
        ('<> rdfs:label "\\UFFFFFFFF" .', "no letter"),
    ],
)
def test_what_is_no_letter_is_no_preset(text: str, said: str):
    head = (
        "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    )

    with pytest.raises(PresetError, match=said):
        Ttl().read((head + text).encode())


def test_a_node_that_is_in_itself_is_rejected():
    text = """
    @prefix lv2: <http://lv2plug.in/ns/lv2core#> .
    @prefix pset: <http://lv2plug.in/ns/ext/presets#> .
    @prefix state: <http://lv2plug.in/ns/ext/state#> .
    <> a pset:Preset ; lv2:appliesTo <urn:mine> ; state:state _:b .
    _:b state:x _:b .
    """

    with pytest.raises(PresetError, match="nodes in nodes, more than 64 deep"):
        Ttl().read(text.encode())
