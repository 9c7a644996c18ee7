"""LV2 plug-ins, from their bundle to a preset that they open."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patchflow.audio.sound import Sound
from patchflow.engines import Note, Plugin, engines, load_presets, save_presets
from patchflow.errors import EngineError, MissingDependency, OptionError, UnknownName
from patchflow.hosts import HostProcess, bundle_plugins, find_lv2, found_by_name, is_uri, plain_name
from patchflow.lv2 import read_lv2_presets
from patchflow.match import Matcher
from patchflow.plugins import add_synth
from patchflow.presets import Preset

PLAIN = "urn:patchflow:tests:plain"
THREADED = "urn:patchflow:tests:threaded"
NOTE = Note(57, hold=0.2, length=0.3)
VALUES = {"Level": 0.25, "Wave": "square", "Tune": 0.75}

PREFIXES = """
@prefix doap: <http://usefulinc.com/ns/doap#> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix midi: <http://lv2plug.in/ns/ext/midi#> .
@prefix pg: <http://lv2plug.in/ns/ext/port-groups#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix urid: <http://lv2plug.in/ns/ext/urid#> .
"""
PORTS = """
	lv2:requiredFeature urid:map ;
	lv2:port [ a lv2:InputPort , atom:AtomPort ; atom:bufferType atom:Sequence ; atom:supports midi:MidiEvent ;
		lv2:designation lv2:control ; lv2:index 0 ; lv2:symbol "events" ; lv2:name "Events"
	] , [ a lv2:OutputPort , lv2:AudioPort ; lv2:index 1 ; lv2:symbol "out" ; lv2:name "Out"
	] , [ a lv2:InputPort , lv2:ControlPort ; lv2:index 2 ; lv2:symbol "level" ; lv2:name "Level" ;
		lv2:minimum 0 ; lv2:maximum 2 ; lv2:default 1 ; pg:group <urn:patchflow:tests:group>
	] , [ a lv2:InputPort , lv2:ControlPort ; lv2:index 3 ; lv2:symbol "wave" ; lv2:name "Wave" ;
		lv2:minimum 0 ; lv2:maximum 1 ; lv2:default 0 ; lv2:portProperty lv2:integer , lv2:enumeration ;
		lv2:scalePoint [ rdfs:label "sine" ; rdf:value 0 ] , [ rdfs:label "square" ; rdf:value 1 ]
	] , [ a lv2:InputPort , lv2:ControlPort ; lv2:index 4 ; lv2:symbol "tune" ; lv2:name "Tune" ;
		lv2:minimum -12 ; lv2:maximum 12 ; lv2:default 0 ; pg:group <urn:patchflow:tests:group>
	] , [ a lv2:InputPort , lv2:ControlPort ; lv2:index 5 ; lv2:symbol "none" ; lv2:name "Nothing" ;
		lv2:minimum 0 ; lv2:maximum 1 ; lv2:default 0.5
	] .
<urn:patchflow:tests:group> a pg:InputGroup ; lv2:symbol "group" ; lv2:name "Group" .
"""


def write_bundle(folder: Path, plugins: dict[str, str], binary: str = "small.so") -> Path:
    """Describes plug-ins, by address and name; one without a name is no instrument."""
    folder.mkdir(parents=True)
    manifest = [PREFIXES]
    for number, (address, name) in enumerate(plugins.items()):
        manifest.append(f"<{address}> a lv2:Plugin ; lv2:binary <{binary}> ; rdfs:seeAlso <{number}.ttl> .")
        about = f'<{address}> a lv2:InstrumentPlugin ; doap:name "{name}" ;' if name else f"<{address}> a lv2:Plugin ;"
        (folder / f"{number}.ttl").write_text(f"{PREFIXES}{about}{PORTS}")
    (folder / "manifest.ttl").write_text("\n".join(manifest))
    return folder


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if importlib.util.find_spec("dawdreamer") is None:
        pytest.skip("the package dawdreamer is not installed")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler, or no Linux")
    made = tmp_path_factory.mktemp("lv2") / "small.so"
    source = Path(__file__).parent / "small_lv2.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-w", "-pthread", str(source), "-o", str(made), "-lm"]
    subprocess.run(command, check=True)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where plug-ins are looked for, and nowhere else."""
    folder = tmp_path / "lv2"
    folder.mkdir()
    monkeypatch.setenv("LV2_PATH", str(folder))
    monkeypatch.setattr("patchflow.hosts._installed.LV2_FOLDERS", ())
    monkeypatch.setattr("patchflow.hosts._installed._VST_FOLDERS", {})
    for name in ("VST_PATH", "VST3_PATH"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def small(folder: Path, library: Path, synths: Path) -> Path:
    bundle = write_bundle(folder / "small.lv2", {PLAIN: "Small Plain", THREADED: "Small Threaded"})
    shutil.copy(library, bundle)
    return bundle


def engine_of(name: str) -> Plugin:
    made = engines[name]()
    assert isinstance(made, Plugin)
    return made


@pytest.fixture
def plain(small: Path) -> Plugin:
    add_synth(PLAIN)
    return engine_of("plain")


def test_it_is_described(plain: Plugin):
    about = plain.description

    assert (about.plugin, about.id, about.native, about.fresh) == (PLAIN, PLAIN, "ttl", "fork")
    assert {control.name: control.kind for control in about.controls} == {
        "Level": "knob",
        "Wave": "choice",
        "Tune": "knob",
        "Nothing": "fixed",
    }


def test_a_preset_has_the_values_of_ports_and_is_read_again(plain: Plugin, tmp_path: Path):
    save_presets(tmp_path / "a.ttl", [Preset("plain", VALUES, name="Mine")])

    (written,) = read_lv2_presets((tmp_path / "a.ttl").read_bytes())
    assert (written.plugin, written.name) == (PLAIN, "Mine")
    assert written.values == pytest.approx({"level": 0.5, "wave": 1.0, "tune": 6.0, "none": 0.5})
    (again,) = load_presets(tmp_path / "a.ttl").presets
    assert (again.synth, again.name, again.values) == ("plain", "Mine", pytest.approx(VALUES))


def test_a_preset_of_a_host_plays_as_its_values(plain: Plugin, tmp_path: Path):
    save_presets(tmp_path / "mine.lv2", [Preset("plain", VALUES, name="Mine")])
    (preset,) = load_presets(tmp_path / "mine.lv2").presets

    point = plain.space.encode(VALUES)
    assert np.array_equal(plain.play(preset.state, NOTE), plain.render(point, NOTE))
    assert np.abs(plain.render(point, NOTE)).max() == pytest.approx(0.1, abs=1e-6)


def test_a_preset_with_a_state_that_cannot_be_loaded_is_refused(plain: Plugin, tmp_path: Path):
    save_presets(tmp_path / "a.ttl", [Preset("plain", VALUES, name="Mine")])
    text = (tmp_path / "a.ttl").read_text().rstrip(" .\n")
    (tmp_path / "a.ttl").write_text(f'{text} ;\n\tstate:state [ <urn:file> "a.wav" ] .\n')

    (rejected,) = load_presets(tmp_path / "a.ttl").rejected

    assert "this preset holds more than the values of parameters" in rejected.reason


@pytest.mark.slow
def test_a_match_writes_a_folder_that_goes_where_plug_ins_are(plain: Plugin, tmp_path: Path):
    target = Sound(plain.render(plain.space.encode(VALUES), NOTE), 44_100)

    Matcher.load("plain").match(target, renders=20).save(tmp_path / "out", "low")

    folder = tmp_path / "out" / "low.lv2"
    manifest = read_lv2_presets((folder / "manifest.ttl").read_bytes())
    assert "low" in [preset.name for preset in manifest]
    assert {preset.plugin for preset in manifest} == {PLAIN}
    assert len(load_presets(folder).presets) == len(manifest) == len(list(folder.glob("low*.ttl")))
    assert (folder / "low.ttl").read_bytes() == (tmp_path / "out" / "low.ttl").read_bytes()


@pytest.mark.slow
def test_what_computes_in_threads_of_its_own_is_loaded_anew_and_waited_for(small: Path):
    about = add_synth(THREADED)

    assert (about.fresh, about.noise_floor_db) == ("reload", 0.0)
    assert {control.name for control in about.searched} == {"Level", "Wave", "Tune"}
    engine = engine_of("threaded")
    sine = engine.render(engine.space.encode({**VALUES, "Wave": "sine"}), NOTE)
    square = engine.render(engine.space.encode(VALUES), NOTE)
    assert np.abs(square).max() == pytest.approx(0.1, abs=1e-6)
    assert np.abs(sine).max() == pytest.approx(0.2, abs=1e-3)


def test_a_host_waits_for_threads_and_frees_nothing_that_others_use(small: Path):
    asked = {"pitch": 57, "velocity": 100, "hold": 0.2, "samples": 9_000, "mono": True}
    with HostProcess("dawdreamer", {"path": THREADED}, fresh="reload") as host:
        ports = {port["name"]: port["index"] for port in host.ask("describe", {"grid": []}).facts["parameters"]}
        asked["values"] = [(ports["Wave"], 1.0)]
        answers = [host.ask("render", asked).data for _ in range(2)]

    first, second = (np.frombuffer(bytes(answer), np.float32) for answer in answers)
    assert np.array_equal(first, second)
    assert np.abs(first).max() == pytest.approx(0.2, abs=1e-6)  # a square, whose level is half of a sine's


def test_a_plug_in_of_another_folder_finds_the_users_settings(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".small").write_text("0.5")
    monkeypatch.setenv("HOME", str(home))
    asked = {"pitch": 57, "velocity": 100, "hold": 0.2, "samples": 9_000, "mono": True}

    with HostProcess("dawdreamer", {"path": PLAIN}) as host:
        sound = np.frombuffer(bytes(host.ask("render", asked).data), np.float32)

    assert np.abs(sound).max() == pytest.approx(0.2, abs=1e-3)
    assert sorted(entry.name for entry in home.iterdir()) == [".small"]


@pytest.mark.parametrize("fresh", ["fork", "reload"])
def test_what_is_installed_is_read_once(fresh: str, small: Path, folder: Path):
    asked = {"pitch": 57, "velocity": 100, "hold": 0.2, "samples": 9_000, "mono": True}
    with HostProcess("dawdreamer", {"path": PLAIN}, fresh=fresh) as host:
        first = bytes(host.ask("render", asked).data)
        write_bundle(folder / "another.lv2", {PLAIN: "Another"})  # would be found before, and has no library
        second = bytes(host.ask("render", asked).data)

    assert first == second


def test_a_bundle_of_several_says_which_and_of_one_is_that_one(small: Path, folder: Path, library: Path):
    with pytest.raises(OptionError, match=f"has 2 instruments: {PLAIN} .Small Plain., {THREADED} .Small Threaded."):
        add_synth(str(small))

    shutil.rmtree(small)
    shutil.copy(library, write_bundle(folder / "one.lv2", {PLAIN: "Small", "urn:patchflow:tests:effect": ""}))
    assert add_synth(str(folder / "one.lv2"), "one").plugin == PLAIN


def test_a_bundle_that_hosts_do_not_find_says_where_to_put_it(small: Path, tmp_path: Path):
    shutil.rmtree(small)
    elsewhere = write_bundle(tmp_path / "elsewhere" / "a.lv2", {PLAIN: "Small"})

    with pytest.raises(EngineError, match=f"not found there. Move it to ~/.lv2, or set LV2_PATH={elsewhere.parent}"):
        add_synth(str(elsewhere))


def test_a_name_is_that_of_the_file_the_address_the_bundle_or_the_plug_in(folder: Path):
    write_bundle(folder / "pair.lv2", {"urn:x:One": "First Synth", "urn:x:Two": "First Organ", "urn:x:Three": ""})
    write_bundle(folder / "alone.lv2", {"http://example.org/lv2": "Whatever"})
    (folder / "damaged.lv2").mkdir()
    (folder / "damaged.lv2/manifest.ttl").write_text("<urn:x:One> a")

    assert found_by_name("one") == ("urn:x:One",)
    assert found_by_name("first") == ("urn:x:One", "urn:x:Two")
    assert found_by_name("first organ") == ("urn:x:Two",)
    assert found_by_name("three") == ("urn:x:Three",)
    assert found_by_name("alone") == found_by_name("example") == ("http://example.org/lv2",)
    assert found_by_name("first", closely=False) == found_by_name("two two") == ()


def test_names_lead_to_vst_plug_ins_too(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "Kars-vst.so").write_bytes(b"")
    monkeypatch.setenv("VST_PATH", str(folder))

    assert found_by_name("kars") == (str(folder / "Kars-vst.so"),)


def test_a_synth_that_is_installed_but_not_added_says_how_to_add_it(folder: Path, synths: Path):
    write_bundle(folder / "a.lv2", {"http://example.org/lv2": "Example"})

    with pytest.raises(MissingDependency, match=r"^example is installed but not added: patchflow synth add example$"):
        engines["example"]
    with pytest.raises(UnknownName, match="no synth named 'examples'"):
        engines["examples"]


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        ("/usr/lib/vst/Kars-vst.so", "kars"),
        ("/Library/Audio/Plug-Ins/VST3/My Synth 2.vst3", "my-synth-2"),
        ("http://padthv1.sourceforge.net/lv2", "padthv1"),
        ("http://zynaddsubfx.sourceforge.net", "zynaddsubfx"),
        ("http://gareus.org/oss/lv2/b_synth", "b_synth"),
        ("http://example.org/plugins#Lead", "lead"),
        ("urn:50m30n3:plugins:SO-kl5", "so-kl5"),
        ("https://www.example.org/", "example"),
    ],
)
def test_every_plug_in_has_a_name_of_its_own(plugin: str, name: str):
    assert plain_name(plugin) == name


def test_what_bundles_say_of_ports_is_known(folder: Path):
    bundle = write_bundle(folder / "a b.lv2", {PLAIN: "Small"})

    (plugin,) = bundle_plugins(bundle)

    assert (plugin.name, plugin.instrument, plugin.binary) == ("Small", True, bundle / "small.so")
    assert [(port.symbol, port.low, port.high) for port in plugin.ports] == [
        ("level", 0, 2),
        ("wave", 0, 1),
        ("tune", -12, 12),
        ("none", 0, 1),
    ]
    assert find_lv2(PLAIN) == plugin
    assert find_lv2("urn:other") is None
    assert is_uri("urn:a:b")
    assert not is_uri(str(bundle))


def test_a_library_that_cannot_be_linked_says_what_is_missing(folder: Path, library: Path, synths: Path):
    bundle = write_bundle(folder / "a.lv2", {PLAIN: "Small"})
    source = bundle / "a.c"
    source.write_text("double gone(void); double lv2_descriptor(int index) { return gone(); }")
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(bundle / "small.so")], check=True)

    with pytest.raises(EngineError, match="no host can load it here, it needs a newer build: .*undefined symbol: gone"):
        add_synth(PLAIN)
