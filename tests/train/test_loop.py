"""The training loop: it learns, goes on exactly where it stopped, and never spoils what it has."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from patchflow.audio import Sound
from patchflow.data import Bank
from patchflow.engines.tone import Tone
from patchflow.errors import ModelError, OptionError, StorageError, UnknownName
from patchflow.match import Matcher
from patchflow.models import Batch, load_model, models, read_header
from patchflow.models.posterior import Posterior
from patchflow.progress import Progress
from patchflow.train import loop, train

SIZES = "[sizes]\nwidth = 4\ncontext = 16\nhidden = 16\ntransforms = 2\nbins = 4\n"
STEPS = 12

Run = Callable[..., Path]


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bank of 64 presets; the items rendered from it are kept there."""
    folder = tmp_path_factory.mktemp("material")
    points = Tone.space.snap(np.random.default_rng(0).random((64, 3)))
    split = np.array(["train"] * 40 + ["valid"] * 20 + ["test"] * 4)
    Bank(points, np.arange(64), np.array([f"tone {i}" for i in range(64)]), split).save(folder / "bank.npz")
    return folder


@pytest.fixture
def run(material: Path, tmp_path: Path) -> Run:
    """Trains in `tmp_path / name`, on two dozen items, with a check every four steps."""

    def run(name: str = "run", progress: Callable[[Progress], None] = lambda _: None, **overrides: object) -> Path:
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(
            f'synth = "tone"\nbank = "{material}/bank.npz"\ncache = "{material}/cache"\n'
            f'out = "{tmp_path / name}"\nitems = 24\nsteps = {STEPS}\nbatch = 8\nrate = 1e-3\n'
            f"every = 4\nsave_every = 4\n{SIZES}"
        )
        return train(recipe, {key: str(value) for key, value in overrides.items()}, progress)

    return run


def same(a: Path, b: Path) -> bool:
    ours, theirs = load_file(a), load_file(b)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def logged(weights: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (weights.parent / "log.jsonl").read_text().splitlines()]


def break_loss(monkeypatch: pytest.MonkeyPatch, breaks: Callable[[Posterior], bool]) -> None:
    """Makes the loss not a number whenever `breaks` says so."""
    right = Posterior.loss

    def loss(self: Posterior, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        factor = float("nan") if breaks(self) else 1
        return {name: term * factor for name, term in right(self, batch, generator).items()}

    monkeypatch.setattr(Posterior, "loss", loss)


def test_the_losses_fall(run: Run):
    losses = logged(run(steps=120, learning_rate=1e-2))

    assert losses[-1]["train"] < losses[0]["train"] - 0.1
    assert losses[-1]["valid"] < losses[0]["valid"] - 0.1


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_repeat_themselves(run: Run, workers: int):
    first, second = run("first", workers=workers), run("second", workers=workers)

    assert same(first, second)
    assert not same(first, run("alone"))  # other dequantisation


def test_a_run_can_begin_with_the_weights_of_another(run: Run):
    first = run("first")

    second = run("second", start=first, steps=1, learning_rate=0.0)

    assert same(first, second)
    assert json.loads(read_header(second)["about"])["before"] == json.loads(read_header(first)["about"])


def test_weights_of_other_sizes_cannot_be_begun_with(run: Run):
    first = run("first")

    with pytest.raises(ModelError, match=r"start=.*hidden"):
        run("second", start=first, **{"sizes.hidden": 24})


def test_missing_weights_to_begin_with_are_named(run: Run, tmp_path: Path):
    with pytest.raises(ModelError, match="nowhere"):
        run(start=tmp_path / "nowhere.safetensors")


def test_the_same_recipe_gives_the_same_weights_and_another_does_not(run: Run):
    first, second, other = run("a"), run("b"), run("c", learning_rate=2e-3)

    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_stopped_at_a_check_and_resumed_is_as_if_never_stopped(run: Run, interruption: type[BaseException]):
    def stop(report: Progress) -> None:
        if report.stage == "train" and report.done == 8:
            raise interruption

    with pytest.raises(interruption):
        run("stopped", stop)

    assert same(run("stopped"), run("whole"))


@pytest.mark.parametrize("steps", [2, 5, 11])
def test_killed_between_checks_and_resumed_is_as_if_never_killed(run: Run, steps: int, monkeypatch: pytest.MonkeyPatch):
    right, count = loop.take_step, 0

    def step(*arguments: object) -> dict[str, Tensor]:
        nonlocal count
        count += 1
        if count > steps:
            raise KeyboardInterrupt
        return right(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "take_step", step)
    with pytest.raises(KeyboardInterrupt):
        run("killed")
    monkeypatch.setattr(loop, "take_step", right)

    assert same(run("killed"), run("whole"))
    assert [_facts(line) for line in logged(run("killed"))] == [_facts(line) for line in logged(run("whole"))]


def _facts(line: dict[str, float]) -> dict[str, float]:
    """What does not depend on the machine's speed."""
    return {key: value for key, value in line.items() if key not in ("minutes", "idle")}


def test_a_longer_run_goes_on_from_a_shorter_one(run: Run):
    run(steps=4)
    heard: list[int] = []

    run(progress=lambda report: heard.append(report.done), steps=8)

    assert heard == [8]


def test_a_finished_run_is_not_trained_again(run: Run):
    before = run()
    weights, header = load_file(before), read_header(before)["about"]

    after = run()

    assert all(torch.equal(weights[key], tensor) for key, tensor in load_file(after).items())
    assert read_header(after)["about"] == header
    assert len(logged(after)) == STEPS / 4


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(run: Run, monkeypatch: pytest.MonkeyPatch):
    checkpoint = run(steps=8).parent / "checkpoint.safetensors"
    before = checkpoint.read_bytes()
    break_loss(monkeypatch, lambda model: model.training)

    with pytest.raises(ModelError, match="loss: posterior=nan at step 9: stopped; the last checkpoint is kept"):
        run()

    assert checkpoint.read_bytes() == before


def test_spoilt_weights_never_reach_the_checkpoint(run: Run, monkeypatch: pytest.MonkeyPatch):
    checkpoint = run(steps=8).parent / "checkpoint.safetensors"
    before = checkpoint.read_bytes()
    break_loss(monkeypatch, lambda model: not model.training)

    with pytest.raises(ModelError, match="loss: valid posterior=nan at step 12"):
        run()

    assert checkpoint.read_bytes() == before


def test_a_time_limit_ends_the_run_after_a_step(run: Run):
    weights = run(minutes=1e-9)

    assert [line["step"] for line in logged(weights)] == [1]
    assert json.loads(read_header(weights)["about"])["steps"] == 1


@pytest.mark.parametrize("changes", [{"sizes.width": 8}, {"sizes.transforms": 4}, {"sizes.transforms": 1}], ids=str)
def test_a_checkpoint_of_another_model_is_refused_in_one_line(run: Run, changes: dict[str, int]):
    run(steps=4)

    with pytest.raises(
        ModelError, match=r"checkpoint\.safetensors: damaged or of another model or run; remove it"
    ) as caught:
        run(**changes)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
def test_a_damaged_checkpoint_is_refused(run: Run, share: float):
    checkpoint = run(steps=4).parent / "checkpoint.safetensors"
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[: int(share * len(data))])

    with pytest.raises(ModelError, match="damaged"):
        run()


def test_a_model_file_in_place_of_the_checkpoint_is_refused(run: Run):
    weights = run(steps=4)
    (weights.parent / "checkpoint.safetensors").write_bytes(weights.read_bytes())

    with pytest.raises(ModelError, match="damaged or of another model"):
        run()


def test_the_weights_are_the_average(run: Run):
    weights = run()
    checkpoint = load_file(weights.parent / "checkpoint.safetensors")

    for key, tensor in load_file(weights).items():
        assert torch.equal(tensor, checkpoint[f"average.{key}"].to(tensor.dtype))
    assert not torch.equal(checkpoint["average.encoder.head.0.weight"], checkpoint["model.encoder.head.0.weight"])


def test_the_weights_say_what_they_are(run: Run):
    about = json.loads(read_header(weights := run(augmented=0.25))["about"])

    assert {**about["recipe"], "commit": about["commit"]} == json.loads((weights.parent / "recipe.json").read_text())
    assert about["recipe"]["augmented"] == 0.25
    assert about["steps"] == STEPS
    assert about["minutes"] == logged(weights)[-1]["minutes"]
    assert about["losses"] == {key: logged(weights)[-1][key] for key in ("train", "valid")}


def test_the_weights_are_ready_for_a_match(run: Run):
    beep = Sound(np.sin(np.arange(5_000) * 0.1).astype(np.float32), 22_050)

    result = Matcher.load("tone", model=run()).match(beep, renders=4)

    assert load_model(run(), Tone.space, models).space is Tone.space
    assert result.candidates[0].preset.synth == "tone"


def test_progress_tells_of_renders_then_of_steps(run: Run, tmp_path: Path):
    heard: list[Progress] = []

    run(progress=heard.append, cache=tmp_path / "cache")

    assert [(r.stage, r.done, r.total) for r in heard] == [
        ("render", 24, 24),
        ("render", 24, 24),
        ("train", 4, STEPS),
        ("train", 8, STEPS),
        ("train", 12, STEPS),
    ]
    assert heard[-1].losses.keys() == {"train", "valid"}


def test_where_the_clock_ends_the_run_progress_is_a_share_of_the_minutes(run: Run):
    heard: list[Progress] = []

    run(progress=heard.append, steps=1_000_000, minutes=0.02)

    last = heard[-1]
    assert (last.done, last.total, last.unit) == (0.02, 0.02, "minutes")
    assert last.steps
    assert last.steps < 1_000_000


def test_between_rare_checks_the_progress_tells_how_long_it_will_take(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "_FIRST_REPORT", 0.0)
    monkeypatch.setattr(loop, "_NEXT_REPORT", 1e-9)
    heard: list[Progress] = []

    run(progress=heard.append, steps=3, every=3)

    trained = [state for state in heard if state.stage == "train"]
    assert [(state.done, bool(state.losses)) for state in trained] == [(1, False), (2, False), (3, True)]
    assert [state.seconds_left is None for state in trained] == [False, False, True]


def test_it_tells_what_is_trained_on_what_and_until_when(tmp_path: Path, run: Run):
    run("first", steps=4)
    told: list[str] = []

    train(tmp_path / "recipe.toml", {"out": str(tmp_path / "first"), "steps": "8", "minutes": "9"}, tell=told.append)

    count = sum(weight.numel() for weight in load_model(run("first", steps=8), Tone.space, models).parameters())
    assert told[0] == f"trains the model posterior ({count:,} weights) for the synth tone, in {tmp_path / 'first'}"
    assert "rendered first, once" in told[1]
    assert told[2:] == ["ends after 9 minutes of training, or 8 steps if those are sooner", told[3]]
    assert told[3].startswith("goes on from step 4, after ")


def test_items_are_rendered_once(run: Run):
    run("first")
    heard: list[str] = []

    run("second", lambda report: heard.append(report.stage))

    assert set(heard) == {"train"}


def test_the_number_of_threads_is_as_before(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(report: Progress) -> None:
        raise KeyboardInterrupt

    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            run("other", stop, cache=tmp_path / "cache")
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"synth": "tona"}, "no synth named 'tona'. Did you mean 'tone'?"),
        ({"model": "posteriors"}, "no model named 'posteriors'. Did you mean 'posterior'?"),
        ({"weights.postrior": 2}, "no term of the model's loss named 'postrior'. Did you mean 'posterior'?"),
        ({"monitor": "sound"}, "no term of the model's loss named 'sound'. Known: posterior."),
        ({"sizes.widht": 4}, "no size of model 'posterior' named 'widht'. Did you mean 'width'?"),
    ],
    ids=str,
)
def test_an_unknown_name_is_refused_with_a_suggestion(run: Run, changes: dict[str, object], message: str):
    with pytest.raises(UnknownName) as caught:
        run(**changes)

    assert str(caught.value) == message


def test_a_missing_bank_is_named(run: Run, tmp_path: Path):
    with pytest.raises(StorageError, match=r"none\.npz: no such file"):
        run(bank=tmp_path / "none.npz")


def test_a_bank_of_another_synth_is_refused(run: Run, tmp_path: Path):
    Bank(np.full((4, 7), 0.5), np.arange(4), np.array(list("abcd")), np.array(["train"] * 4)).save(tmp_path / "b.npz")

    with pytest.raises(StorageError, match=r"b\.npz: has 7 parameters, not the 3 of synth 'tone'"):
        run(bank=tmp_path / "b.npz")


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_bank_without_a_split_is_refused(run: Run, split: str, tmp_path: Path):
    other = "valid" if split == "train" else "train"
    Bank(np.full((2, 3), 0.5), np.arange(2), np.array(["a", "b"]), np.array([other, "test"])).save(tmp_path / "b.npz")

    with pytest.raises(StorageError, match=f"has no presets for '{split}'"):
        run(bank=tmp_path / "b.npz")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_gpu_is_named(run: Run):
    with pytest.raises(OptionError, match="device='cuda': there is no CUDA device here"):
        run(device="cuda")


def test_an_output_that_is_a_file_is_refused(run: Run, tmp_path: Path):
    (tmp_path / "run").write_text("")

    with pytest.raises(StorageError, match="cannot make"):
        run()
