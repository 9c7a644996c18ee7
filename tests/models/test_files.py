"""Files of trained models: what is wrong with one is said in one line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.errors import ModelError, StorageError
from patchflow.models import (
    find_weights,
    load_model,
    models,
    read_header,
    sample,
    save_model,
    shipped,
    users_weights,
    weights_of,
)
from patchflow.models.posterior import Posterior
from patchflow.old_names import with_new_names
from patchflow.presets import Knob, ParamSpace

LIMIT = 40_000_000
LIMIT_OF_A_MAP = 4_000_000  # of the attributes, of one synth
SIZES = {"width": 4, "context": 8, "hidden": 8, "transforms": 2, "bins": 4}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_model(tmp_path / "m.safetensors", Posterior(Tone.space, **SIZES), "posterior", "tone", about={"steps": 7})
    return tmp_path / "m.safetensors"


def rewrite(path: Path, **changes: str) -> None:
    """Changes entries of the header."""
    save_file(load_file(path), path, {**read_header(path), **changes})


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path, Tone.space, models)
    return str(caught.value)


def test_the_header_tells_what_it_is(path: Path):
    header = read_header(path)

    assert (header["model"], header["synth"]) == ("posterior", "tone")
    assert json.loads(header["config"]) == SIZES
    assert json.loads(header["parameters"]) == ["wave", "decay", "gain"]
    assert json.loads(header["about"]) == {"steps": 7}


@pytest.mark.parametrize("file", ["dexed", "dexed-flow_joint", "vital"])
def test_shipped_weights_are_written_again_under_the_header_they_have(file: str, tmp_path: Path):
    synth, _, name = file.partition("-")
    kind = name or "posterior"
    found = shipped(synth, kind)
    assert found
    header = read_header(found)

    model = load_model(found, engines[synth].space, models)
    save_model(tmp_path / "again.safetensors", model, kind, synth, about=json.loads(header["about"]))

    again = read_header(tmp_path / "again.safetensors")
    todays = with_new_names("sizes", json.loads(header["config"]))
    assert json.loads(again["config"]) == todays
    assert [*json.loads(again["config"])] == [*todays]  # in the same order
    kept = header.keys() - {"config", "format"}  # older weights do not say `space`
    assert {key: again[key] for key in kept} == {key: header[key] for key in kept}


def test_weights_are_in_half_precision_and_counts_and_statistics_are_not(path: Path):
    model = Posterior(Tone.space, **SIZES)
    weights, types = dict(model.named_parameters()), {key: x.dtype for key, x in model.state_dict().items()}

    for key, tensor in load_file(path).items():
        assert tensor.dtype == (torch.float16 if key in weights else types[key])


@pytest.mark.parametrize("content", [b"", b"{}", b"not a model", b"\x00" * 100, b"\xff" * 100])
def test_another_file_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "m.safetensors").write_bytes(content)

    message = refusal(tmp_path / "m.safetensors")

    assert message.startswith(f"{tmp_path / 'm.safetensors'}: not a readable model file")
    assert "\n" not in message


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(share: float, path: Path):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])

    assert "\n" not in refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    message = refusal(tmp_path / "none.safetensors")

    assert "none.safetensors: not a readable model file" in message
    assert "\n" not in message


def test_a_folder_is_refused(tmp_path: Path):
    assert "\n" not in refusal(tmp_path)


def test_tensors_of_another_program_are_refused(tmp_path: Path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "m.safetensors")

    assert "not a patchflow model of format 1 or 2" in refusal(tmp_path / "m.safetensors")


def test_another_format_is_refused(path: Path):
    rewrite(path, format="3")

    assert "not a patchflow model of format 1 or 2" in refusal(path)


def test_another_synth_is_refused(path: Path):
    with pytest.raises(ModelError, match="trained for synth 'tone', whose parameters differ"):
        load_model(path, engines["dexed"].space, models)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "posteriorr"},
        {"config": "{"},
        {"config": "[]"},
        {"config": "3"},
        {"config": json.dumps({**SIZES, "depth": 3})},
        {"config": json.dumps({**SIZES, "width": 5})},
        {"config": json.dumps({**SIZES, "width": -1})},
        {"config": json.dumps({**SIZES, "transforms": 4})},
    ],
    ids=str,
)
def test_a_header_that_does_not_fit_the_weights_is_refused(changes: dict[str, str], path: Path):
    rewrite(path, **changes)

    message = refusal(path)

    assert "damaged or of another version" in message
    assert "\n" not in message


@pytest.mark.parametrize("parameters", ["", "[", '["wave", "decay"]', "null"])
def test_a_damaged_list_of_parameters_is_refused(parameters: str, path: Path):
    rewrite(path, parameters=parameters)

    assert "parameters differ" in refusal(path)


def test_a_missing_weight_is_refused(path: Path):
    header, tensors = read_header(path), load_file(path)
    tensors.pop(next(iter(tensors)))
    save_file(tensors, path, header)

    assert "there is none" in refusal(path)


def test_a_weight_too_many_is_refused(path: Path):
    header, tensors = read_header(path), load_file(path)
    save_file({**tensors, "extra": torch.zeros(1)}, path, header)

    assert "extra" in refusal(path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match="no such file"):
        save_model(tmp_path / "none" / "m.safetensors", Posterior(Tone.space, **SIZES), "posterior", "tone")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of weights."""
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def test_whole_numbers_come_back_as_they_were(tmp_path: Path):
    model = models["cnn"](Tone.space, channels=4, hidden=8)
    key = next(key for key in model.state_dict() if "num_batches" in key)
    model.state_dict()[key] += 100_001  # more than half precision knows
    save_model(tmp_path / "m.safetensors", model, "cnn", "tone")

    loaded = load_model(tmp_path / "m.safetensors", Tone.space, models)

    assert loaded.state_dict()[key] == 100_001


def test_weights_of_a_user_are_called_after_synth_and_model(own: Path):
    assert users_weights("tone") == own / "tone.safetensors"
    assert users_weights("tone", "flow_reg") == own / "tone-flow_reg.safetensors"


def test_a_name_finds_the_weights_of_that_model_alone(own: Path):
    for name in ("tone.safetensors", "tone-flow_reg.safetensors"):
        (own / name).write_bytes(b"")

    assert (
        find_weights("tone", Tone.space, "flow_reg", models)
        == own / "tone-flow_reg.safetensors"
        == weights_of("tone", Tone.space, "flow_reg")
    )
    assert (
        find_weights("tone", Tone.space, "posterior", models)
        == own / "tone.safetensors"
        == weights_of("tone", Tone.space)
    )


def test_a_name_without_weights_tells_what_was_looked_for(own: Path):
    with pytest.raises(ModelError) as caught:
        find_weights("tone", Tone.space, "flow_reg", models)

    assert f"model='flow_reg': no weights for synth 'tone'; looked for {own / 'tone-flow_reg.safetensors'}" in str(
        caught.value
    )


def test_what_is_neither_a_file_nor_a_model_is_refused(own: Path):
    with pytest.raises(ModelError, match="model='flow_rg': neither a file nor one of the models ae, cnn"):
        find_weights("tone", Tone.space, "flow_rg", models)


def test_the_folder_of_a_run_stands_for_its_weights(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tone.safetensors").write_bytes(b"")

    assert find_weights("tone", Tone.space, tmp_path / "run", models) == tmp_path / "run" / "tone.safetensors"


def test_a_path_is_a_path_even_if_nothing_is_there(tmp_path: Path):
    assert find_weights("tone", Tone.space, tmp_path / "flow_reg", models) == tmp_path / "flow_reg"
    assert find_weights("tone", Tone.space, "flow_reg.safetensors", models) == Path("flow_reg.safetensors")


def test_no_weights_are_shipped_for_the_test_synth():
    assert shipped("tone") is None


@pytest.mark.parametrize("synth", ["dexed", "vital"])
def test_the_shipped_weights_load_and_are_small(synth: str):
    path = shipped(synth)
    assert path
    sizes = {file.name: file.stat().st_size for file in path.parent.iterdir()}
    maps = {name: size for name, size in sizes.items() if "attribute_map" in name}
    assert sum(sizes.values()) - sum(maps.values()) < LIMIT
    assert all(size < LIMIT_OF_A_MAP for size in maps.values())

    model = load_model(path, engines[synth].space, models)
    points = sample(
        model, torch.rand(1, 80, 173), torch.tensor([[60.0, 100.0, 3.0]]), 4, torch.Generator().manual_seed(0)
    )

    assert torch.isfinite(points).all()


@pytest.mark.parametrize("synth", ["dexed", "amsynth", "vital"])
def test_the_card_of_the_shipped_weights_tells_of_these_weights(synth: str):
    path = shipped(synth)
    assert path
    about, text = json.loads(read_header(path)["about"]), path.with_suffix(".md").read_text("utf-8")

    # if this fails after weights were replaced: python benchmarks/model_card.py BANK.npz
    assert f"| {about['steps']:,} of {about['recipe']['batch']} |" in text
    assert f"| {about['losses']['train']:.3f} | {about['losses']['valid']:.3f} |\n" in text
    assert f"{path.stat().st_size / 1e6:.1f} MB" in text


def test_weights_are_refused_where_a_parameter_of_the_same_name_means_something_else(path: Path):
    first, *others = Tone.space.parameters
    narrower = [replace(other, high=other.high / 2) if isinstance(other, Knob) else other for other in others]

    with pytest.raises(ModelError, match="whose parameters differ"):
        load_model(path, ParamSpace((first, *narrower)), models)


def test_weights_that_come_along_are_not_used_for_a_synth_that_was_changed():
    space = engines["dexed"].space

    assert weights_of("dexed", space) == shipped("dexed")
    assert weights_of("dexed", ParamSpace(space.parameters[1:])) is None
