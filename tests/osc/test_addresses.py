"""Every address of the table does what it says."""

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import patchflow
from patchflow.engines import engines
from patchflow.errors import OptionError, UnknownName
from patchflow.osc.addresses import ADDRESSES, ANSWERS, AddressTable, Argument, OscAddress
from patchflow.presets import Knob, Library, ParamSpace, Preset
from patchflow.presets.files import write_presets

ORIGINAL = """/ping /stop /get_state /resend_state /model_params /set_model /set_dataset /preset_space
/dimension_analysis /clear_path /add_free_path /add_preset_path /play_path /load_preset /decode /decode_hand /encode
/set_freeze_mode /set_pitch_shift /set_pitch_octave /set_path_use_z""".split()  # noqa: SIM905
SAID = """/from_server /terminated /state /params_nb /params /model_params /presets /dimension_analysis /z_pos
/target_pitch /print""".split()  # noqa: SIM905

# What to send to a synth with a bank in hand, and which answer is the sign that it was done; "" for none.
EXAMPLES: dict[str, tuple[list, str]] = {
    "/ping": ([], "/from_server"),
    "/stop": ([], "/terminated"),
    "/state": ([], "/state"),
    "/state/all": ([], "/params_nb"),
    "/param/{parameter}": ([0.9], "/param/amp/gain"),
    "/param/macro/{macro}": ([0.7], "/param/macro/1"),
    "/macro/word": ([1, "dynamics"], "/macro/word"),
    "/q/all_params": ([], "/params"),
    "/params": (["gain", 0.25, "decay", 0.5], "/param/amp/gain"),
    "/patch/load": (["bank.json"], "/patch"),
    "/patch/save": (["saved.json"], "/patch/saved"),
    "/patch/incr": ([], "/patch"),
    "/patch/decr": ([], "/patch"),
    "/patch/random": ([], "/patch"),
    "/patch/id": (["1"], "/patch"),
    "/patch": ([], "/patch"),
    "/bank": (["library"], "/state"),
    "/candidate": ([1], "/patch"),
    "/match": (["bell.flac", 0.5], "/candidate"),
    "/match/stop": ([], ""),
    "/vary": ([0.3, 1], "/candidate"),
    "/render": (["out.wav", 64.0], "/rendered"),
    "/encode": (["bell.flac"], "/target_pitch"),
    "/z": ([0.5, 0.25, 0, 1], "/z_pos"),
    "/z/hand": ([0.5, 0, 0.25, 1, 0.75, 2], "/z_pos"),
    "/z/map": ([0, 1, 3], "/presets"),
    "/z/dimension": ([1, 3], "/dimension_analysis"),
    "/model": (["none"], "/model_params"),
    "/model/params": ([], "/model_params"),
    "/path/clear": ([], "/path"),
    "/path/add": ([0.5, 0.25, 0, 1], "/path"),
    "/path/add_preset": (["1"], "/path"),
    "/path/play": ([0.5], "/z_pos"),
    "/path/use_z": ([0], "/state"),
    "/path/beats": ([8.0], ""),
    "/freeze": ([0], "/state"),
    "/pitch/shift": ([3], "/target_pitch"),
    "/pitch/octave": ([-1], "/target_pitch"),
    "/mnote": ([60.0, 100.0], ""),
    "/mnote/rel": ([60.0], ""),
    "/allnotesoff": ([], ""),
    "/pbend": ([0, 0.5], ""),
    "/cc": ([0, 20, 64], "/param/macro/1"),
    "/learn": ([1], ""),
    "/learn/param": (["gain"], ""),
    "/learn/clear": ([1], "/learned"),
    "/mpe/macro": ([2], ""),
    "/sysex/send": (["voice"], "/sysex/sent"),
    "/sysex/request": (["bank"], ""),
}  # fmt: skip
OF_DEXED = ("/sysex/send", "/sysex/request")
each_address = pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.path)


@pytest.fixture
def prepared(live: Callable, wire, tmp_path: Path) -> Callable:
    """Starts live control with a bank in hand, a path and a library."""

    def start(address: OscAddress):
        if address.path in OF_DEXED:
            return live(synth="dexed", midi_out=wire, sysex=True)
        shutil.copy(Path(patchflow.__file__).parent / "examples" / "bell.flac", tmp_path)
        space = engines["tone"].space
        init = space.decode(space.default())
        sounds = [("saw", 0.5), ("sine", 0.5), ("saw", 0.2)]
        bank = [Preset("tone", {**init, "wave": wave, "decay": decay}, name=wave) for wave, decay in sounds]
        write_presets(tmp_path / "bank.json", bank)
        Library(tmp_path / "library.sqlite").add(bank, lambda _: space)
        control = live(synth="tone", midi_out=wire)
        control.send("/bank", "library")
        control.send("/patch/load", "bank.json")
        control.send("/path/add_preset", "1")
        control.send("/path/add_preset", "2")
        control.settle()
        return control

    return start


def test_every_address_has_an_example():
    assert set(EXAMPLES) == {address.path for address in ADDRESSES}


@each_address
def test_it_does_what_it_says(prepared: Callable, address: OscAddress):
    live = prepared(address)
    values, answer = EXAMPLES[address.path]

    live.send(address.path.format(macro=1, parameter="amp/gain"), *values)
    came = live.collect(answer) if answer else live.settle()

    assert "/error" not in dict(came)


@pytest.mark.parametrize(
    "address", [address for address in ADDRESSES if address.alias], ids=lambda address: address.alias
)
def test_an_address_of_the_original_system_does_the_same(prepared: Callable, address: OscAddress):
    live = prepared(address)
    values, answer = EXAMPLES[address.path]

    live.send(address.alias, *values)
    came = live.collect(answer)

    assert "/error" not in dict(came)


def test_every_address_of_the_original_system_is_there():
    known = {address.path for address in ADDRESSES} | {address.alias for address in ADDRESSES}

    assert set(ORIGINAL) <= known
    assert set(SAID) <= {answer.path for answer in ANSWERS}


@each_address
def test_what_it_answers_is_in_the_table_of_answers(address: OscAddress):
    assert set(address.answers) <= {answer.path for answer in ANSWERS}


@pytest.mark.parametrize("address", [a for a in ADDRESSES if a.asks], ids=lambda address: address.path)
def test_what_has_a_state_can_be_asked_for(live_tone, address: OscAddress):
    path = address.path.format(macro=2, parameter="amp/gain")

    live_tone.send(f"/q{path}")

    assert live_tone.wait(path)


def test_what_has_no_state_cannot_be_asked_for(live_tone):
    live_tone.send("/q/patch/save")

    assert live_tone.wait("/error") == ["/q/patch/save: cannot be asked for"]


@pytest.mark.parametrize("synth", ["dexed", "vital", "vital_full", "tone"])
def test_each_parameter_has_an_address_of_its_own(synth: str):
    space = engines[synth].space

    paths = AddressTable(space).parameter_paths

    assert len(set(paths.values())) == len(space)
    assert all(path.startswith("/param/") and not set(path) & set(' #*,?[]{}"') for path in paths.values())


def test_names_that_an_address_cannot_spell_stay_apart():
    space = ParamSpace((Knob("a b", 0, 1), Knob("a*b", 0, 1), Knob("macro.1", 0, 1)))

    assert len(set(AddressTable(space).parameter_paths.values())) == 3
    assert AddressTable(space).find("/param/macro/1").address.call == "patch.set_macro"


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        (Argument("note", "whole", 0, 127), 128, "note=128: not a whole number in [0, 127]"),
        (Argument("note", "whole", 0, 127), 60.5, "note=60.5: not a whole number in [0, 127]"),
        (Argument("note", "whole", 0, 127), None, "note=None: not a whole number in [0, 127]"),
        (Argument("value", low=0, high=1, clip=True), float("nan"), "value=nan: not a number in [0, 1]"),
        (Argument("value", low=0, high=1, clip=True), float("inf"), "value=inf: not a number in [0, 1]"),
        (Argument("value", low=0, high=1, clip=True), "1", "value='1': not a number in [0, 1]"),
        (Argument("file", "text"), b"blob", "file=b'blob': not a text"),
        (Argument("file", "text"), [1], "file=[1]: not a text"),
    ],
)
def test_a_wrong_argument_is_named(argument: Argument, value: object, said: str):
    with pytest.raises(OptionError) as caught:
        argument.checked(value)

    assert str(caught.value) == said


def test_an_unknown_address_is_said_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean '/patch/load'"):
        AddressTable(engines["tone"].space).find("/patch/lod")


def test_the_table_in_the_documents_is_that_of_today():
    docs = Path(patchflow.__file__).parents[1] / "docs"
    script = runpy.run_path(str(docs / "make_osc_table.py"))
    page = (docs / "live.md").read_text("utf-8")

    assert page == script["with_tables"](page), "python docs/make_osc_table.py writes it anew"
