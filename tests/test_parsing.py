"""Files that anyone may have made: kinds, sizes, nesting and claims, each refused in one line."""

import io
import json
import os
import socket
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from torch.nn.modules.module import register_module_parameter_registration_hook

from patchflow.data.bank import Bank
from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError, ModelError, OptionError, PatchflowError, StorageError, UnknownName
from patchflow.models import load_model, models, read_header, save_model
from patchflow.parsing import MOST_TEXT, damage_named, json_value, npz_arrays, toml_table
from patchflow.storage import read_bytes, user_folder
from patchflow.train.recipe import read_recipe

SIZES = {"width": 4, "context": 8, "hidden": 8, "transforms": 2, "bins": 4}


@pytest.mark.parametrize(
    ("kind", "said"), [("pipe", "a pipe"), ("socket", "a socket"), ("device", "a device"), ("folder", "a directory")]
)
def test_what_is_no_file_is_refused_by_kind_without_waiting(kind: str, said: str, tmp_path: Path):
    path = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")

    with pytest.raises(StorageError, match=said):
        read_bytes(path)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_name_that_no_file_can_have_is_refused(name: str):
    with pytest.raises(StorageError, match="not a name that a file can have"):
        read_bytes(name)


def test_links_in_a_circle_are_refused(tmp_path: Path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(StorageError, match="too many levels"):
        read_bytes(tmp_path / "a")
    with pytest.raises(StorageError, match="too many levels"):
        read_recipe(tmp_path / "a")


def test_a_limit_takes_no_memory_for_what_is_not_there(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")

    assert read_bytes(tmp_path / "a", limit=2**62) == b"abc"
    with pytest.raises(StorageError, match="larger than 2 bytes"):
        read_bytes(tmp_path / "a", limit=2)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2_000,
        "a = " + "[" * 2_000,
        "a = " + "{a=" * 2_000,
        "a" + ".a" * 2_000 + " = 1",
        "a = " + "9" * 5_000,
        "a = " + "9" * 20,
        'a = "\\u0000"',
    ],
)
def test_toml_that_a_parser_falls_over_is_refused(text: str, tmp_path: Path):
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        toml_table(text, paths=True)
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(OptionError):
        read_recipe(tmp_path / "a.toml")


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100 + "]" * 100, "9" * 5_000, "9" * 20, b"\xff", "{", "'"])
def test_json_that_a_parser_falls_over_is_refused(text: str | bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        json_value(text)


def test_a_recipe_is_no_larger_than_a_recipe(tmp_path: Path):
    (tmp_path / "a.toml").write_bytes(b"#" * (MOST_TEXT + 1))

    with pytest.raises(StorageError, match="larger than"):
        read_recipe(tmp_path / "a.toml")


def test_a_nul_in_the_base_of_a_recipe_is_refused(tmp_path: Path):
    (tmp_path / "a.toml").write_text('base = "a\\u0000b"')

    with pytest.raises(OptionError, match="NUL"):
        read_recipe(tmp_path / "a.toml")


def test_a_bad_description_leaves_the_other_synths_alone(synths: Path):
    synths.mkdir(exist_ok=True)
    (synths / "deep.toml").write_text("a = " + "[" * 2_000)
    from patchflow.cli.list import catalogue

    found = catalogue("engines")

    assert "nested too deep" in found["deep"]
    assert found["tone"].startswith("A sine or saw")
    with pytest.raises(EngineError, match="nested too deep"):
        engines["deep"]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    points = Tone.space.snap(np.random.default_rng(0).random((30, 3)))
    Bank(points, np.arange(30), np.array(["a"] * 30), np.array(["train"] * 30)).save(tmp_path / "b.npz")
    return tmp_path / "b.npz"


def test_no_flipped_byte_of_a_bank_is_a_traceback(bank: Path):
    whole = bank.read_bytes()
    for place in range(0, len(whole), 3):
        bank.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with suppress(StorageError):  # some bytes do not matter
            Bank.load(bank)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(1000000,1000000)", "(-1,)", "(2,)"])
def test_a_claim_that_is_not_there_is_refused_before_it_is_made(shape: str):
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        head = f"{shape}, }}".encode()
        archive.writestr("a.npy", array.getvalue().replace(b"(3,), }" + b" " * (len(head) - 7), head))

    with pytest.raises(ValueError):  # noqa: PT011 - NumPy has words of its own
        npz_arrays(packed.getvalue(), ("a",))


@pytest.mark.parametrize(
    ("key", "value"),
    [("hidden", 100_000), ("hidden", 10**12), ("transforms", 10**9), ("width", 50_000), ("bins", 10**8)],
)
def test_sizes_that_the_weights_do_not_have_are_refused_before_anything_is_made(key: str, value: int, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    save_model(path, models["posterior"](Tone.space, **SIZES), "posterior", "tone")
    header = {**read_header(path), "config": json.dumps({**SIZES, key: value})}
    save_file(load_file(path), path, header)
    made = set()
    hook = register_module_parameter_registration_hook(lambda *named: made.add(named[2].device.type))

    with pytest.raises(ModelError, match="damaged"):
        load_model(path, Tone.space, models)
    hook.remove()
    assert made <= {"meta"}


@pytest.mark.parametrize(("model", "size"), [("cnn", "layers"), ("ae", "layers"), ("flow_dis", "latent")])
def test_a_size_is_refused_before_anything_counts_up_to_it(model: str, size: str, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    made = models[model](Tone.space)
    save_model(path, made, model, "tone")
    save_file(load_file(path), path, {**read_header(path), "config": json.dumps({**made.config(), size: 10**9})})

    with pytest.raises(ModelError, match=f"{size}=1000000000: its header asks for more than the [0-9,]+ numbers"):
        load_model(path, Tone.space, models)


def test_a_size_of_zero_is_one_line(tmp_path: Path, recwarn: pytest.WarningsRecorder):
    path = tmp_path / "w.safetensors"
    save_model(path, models["ae"](Tone.space), "ae", "tone")
    config = {**models["ae"](Tone.space).config(), "channels": 0}
    save_file(load_file(path), path, {**read_header(path), "config": json.dumps(config)})

    with pytest.raises(ModelError, match="damaged"):
        load_model(path, Tone.space, models)
    assert not recwarn.list


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_nothing_is_written_into_the_root(home: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("PATCHFLOW_SYNTHS", raising=False)

    with pytest.raises(StorageError, match="HOME"):
        user_folder()
    assert "tone" in list(engines)


def test_errors_with_names_of_any_kind_can_be_shown():
    for name in (3, None, "a" * 10**6, ["a"]):
        error: PatchflowError = UnknownName("model", name, ["vae"])
        assert len(str(error)) < 400


@pytest.mark.parametrize("out", ["/", "/etc/patchflow", "/usr", "/proc/self", "/tmp/../sys/a"])
def test_a_run_does_not_write_among_the_files_of_the_system(out: str, tmp_path: Path):
    (tmp_path / "a.toml").write_text(f'bank = "b.npz"\nout = "{out}"')

    with pytest.raises(OptionError, match="operating system"):
        read_recipe(tmp_path / "a.toml")


def test_what_is_no_text_is_spelt_out_in_an_error():
    with pytest.raises(StorageError) as failed, damage_named("a"):
        float("\ud800")

    assert str(failed.value).encode() == rb"a: damaged (could not convert string to float: '\ud800')"
