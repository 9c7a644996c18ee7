"""Training on examples: parts and folds, terms and their weights, plateaus, the best weights, and clear errors."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from patchflow.data.examples import Examples
from patchflow.engines import engines
from patchflow.errors import MissingDependency, ModelError, OptionError, StorageError, UnknownName
from patchflow.models import Batch, read_header
from patchflow.progress import Progress
from patchflow.train import loop
from tests.train.small import Several, write_small

Learn = Callable[..., Path]


def logged(weights: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (weights.parent / "log.jsonl").read_text().splitlines()]


def same(a: Path, b: Path) -> bool:
    ours, theirs = load_file(a), load_file(b)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_every_epoch_is_checked_and_every_term_logged(learn: Learn):
    lines = logged(learn())

    assert [line["epoch"] for line in lines] == [1, 2, 3]
    for part in ("train", "valid"):
        assert all(line[f"{part}.{term}"] > 0 for line in lines for term in ("regression", "latent", "tags"))


def test_the_loss_is_the_weighted_sum(learn: Learn):
    line = logged(learn(weights__latent=0.5, weights__tags=0, loss_warmup__latent=2))[-1]

    assert line["train"] == pytest.approx(line["train.regression"] + 0.5 * line["train.latent"])
    assert line["valid"] == pytest.approx(line["valid.regression"] + 0.5 * line["valid.latent"])


def test_a_term_of_no_weight_is_not_learned(learn: Learn):
    with_tags, without = (logged(learn(str(w), weights__tags=w, epochs=20))[-1] for w in (1, 0))

    assert with_tags["train.tags"] < 0.9 * without["train.tags"]


def test_warming_up_begins_as_if_the_term_were_not_there(learn: Learn):
    without, warming, whole = (
        learn(name, epochs=1, every=1, save_every=1, minutes=1e-9, weights=table, loss_warmup=warm)
        for name, table, warm in (
            ("without", "{tags = 0, latent = 0}", "{}"),
            ("warming", "{}", "{tags = 9, latent = 9}"),
            ("whole", "{}", "{}"),
        )
    )

    assert same(without, warming)
    assert not same(without, whole)


def test_it_learns(learn: Learn):
    lines = logged(learn(epochs=40, weights__tags=0, weights__latent=0.01, sizes__dropout=0.0, learning_rate=0.02))

    assert lines[-1]["train.regression"] < 0.5 * lines[0]["train.regression"]


def test_every_item_of_the_training_part_is_seen_once_an_epoch(learn: Learn, monkeypatch: pytest.MonkeyPatch, tmp_path):
    seen: list[np.ndarray] = []
    take = Examples.take
    monkeypatch.setattr(Examples, "take", lambda self, rows: (seen.append(rows), take(self, rows))[1])

    learn(batch=2, epochs=1, fold=1)

    examples = Examples(tmp_path / "examples", 1)
    train, test = examples.rows("train"), examples.rows("test")
    first = np.concatenate(seen[1 : 1 + len(train) // 2])
    assert len(set(first)) == len(first) == len(train) // 2 * 2
    assert set(first) <= set(train)
    assert not set(np.concatenate(seen)) & set(test)


def test_the_normalisation_is_that_of_the_training_part(learn: Learn, tmp_path: Path):
    weights = load_file(learn(fold=2))
    examples = Examples(tmp_path / "examples", 2)
    mean, std = examples.statistics(examples.rows("train"))

    np.testing.assert_allclose(weights["mean"].numpy(), mean, rtol=1e-6)
    np.testing.assert_allclose(weights["std"].numpy(), std, rtol=1e-6)


def test_batch_norm_counts_are_kept_whole(learn: Learn):
    assert load_file(learn(ema=0))["first.1.num_batches_tracked"] == 16  # one look before, fifteen steps


def test_the_recipe_and_where_it_comes_from_lie_beside_the_weights(learn: Learn, tmp_path: Path):
    kept = json.loads((learn(fold=1, seed=5).parent / "recipe.json").read_text())

    assert (kept["data"], kept["fold"], kept["seed"]) == (str(tmp_path / "examples"), 1, 5)
    assert (kept["model"], kept["synth"]) == ("several", "tone")
    assert len(kept["commit"]) >= 5


def test_the_weights_tell_which_examples_and_folds_they_are_of(learn: Learn, tmp_path: Path):
    about = json.loads(read_header(learn())["about"])

    assert about["data"] == Examples(about["recipe"]["data"]).fingerprint


def test_the_progress_tells_every_term_and_the_time_left(learn: Learn):
    heard: list[Progress] = []

    learn(progress=heard.append)

    assert {"train", "valid", "train.latent", "valid.tags"} <= heard[0].losses.keys()
    assert [r.seconds_left is None for r in heard] == [False, False, True]
    assert heard[0].seconds_left > 0  # type: ignore[operator]


def test_the_log_tells_the_share_of_waiting_for_items(learn: Learn):
    assert all(0 <= line["idle"] <= 1 for line in logged(learn()))


def rising(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Makes validations what is given, one after another."""
    values = iter(losses)
    monkeypatch.setattr(loop, "validate", lambda *_, **__: {"regression": next(values), "latent": 0.0, "tags": 0.0})


def test_a_plateau_halves_the_rate(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    rising(monkeypatch, [1, 2, 2, 2, 2, 0.5, 2])

    rates = [
        line["learning_rate"]
        for line in logged(learn(schedule="plateau", plateau_patience=2, epochs=7, learning_rate=0.01))
    ]

    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025])


def test_a_run_stops_early_and_keeps_the_best(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    rising(monkeypatch, [3, 1, 2, 2, 2, 2, 2, 2])
    stopped = learn("stopped", patience=3, epochs=8)
    rising(monkeypatch, [3, 1])
    about = json.loads(read_header(stopped)["about"])

    assert [line["epoch"] for line in logged(stopped)] == [1, 2, 3, 4, 5]
    assert about["best"] == {"step": 10, "loss": 1}
    checkpoint = load_file(stopped.parent / "checkpoint.safetensors")
    for key, tensor in load_file(stopped).items():
        assert torch.equal(tensor, checkpoint[f"best.{key}"].to(tensor.dtype))


def test_the_last_weights_can_be_kept_all_the_same(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    rising(monkeypatch, [1, 2, 3])

    weights = learn(patience=9, keep="last")

    assert "best" not in json.loads(read_header(weights)["about"])


def test_a_run_that_has_stopped_is_not_trained_again(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    rising(monkeypatch, [1, 2, 2])
    before = logged(learn(patience=2))

    assert logged(learn(patience=2)) == before


def test_the_chosen_term_decides_what_is_best(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    values = iter([(3.0, 1.0), (2.0, 9.0), (1.0, 99.0)])
    monkeypatch.setattr(
        loop,
        "validate",
        lambda *_, **__: dict(zip(("regression", "latent"), next(values), strict=True)) | {"tags": 0.0},
    )

    about = json.loads(read_header(learn(keep="best", monitor="regression"))["about"])

    assert about["best"] == {"step": 15, "loss": 1.0}


def test_the_error_of_the_best_guess_may_decide_what_is_best(learn: Learn):
    weights = learn(keep="best", monitor="error")

    best = json.loads(read_header(weights)["about"])["best"]
    errors = {line["step"]: line["valid.error"] for line in logged(weights)}
    assert best["loss"] == min(errors.values()) == errors[best["step"]]


def test_the_error_is_that_of_the_guess_without_noise(learn: Learn, tmp_path: Path):
    weights = learn(monitor="error")

    examples = Examples(tmp_path / "examples")
    mels, points, notes = (torch.from_numpy(x).float() for x in examples.take(examples.rows("valid"))[:3])
    model = Several(engines["tone"].space).eval().requires_grad_(False)
    model.load_state_dict(load_file(weights))
    guess = model.decode(torch.zeros(len(points), 3), model.encode(mels, notes))
    error = float((guess - points).square().mean())
    assert logged(weights)[-1]["valid.error"] == pytest.approx(error, rel=1e-3)  # weights are kept in half precision


def test_warm_ups_are_over_in_time_where_the_clock_ends_the_run(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    seen: list[float] = []
    right = loop.take_step

    def step(*arguments: object) -> dict[str, Tensor]:
        seen.append(arguments[4]["latent"])  # type: ignore[index]
        return right(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "take_step", step)
    minute = count(0, 60)
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(minute))
    learn(epochs=500, minutes=20, loss_warmup__latent=100)

    assert len(seen) < 5 * 100
    assert seen[0] == 0 < seen[1] < 1 == seen[-1]


@pytest.mark.parametrize("more", [{}, {"schedule": "plateau", "plateau_patience": 1, "patience": 2, "ema": 0}], ids=str)
@pytest.mark.parametrize("steps", [1, 7, 13])
def test_killed_anywhere_and_resumed_is_as_if_never_killed(
    learn: Learn, steps: int, more: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    right, taken = loop.take_step, 0

    def step(*arguments: object) -> dict[str, Tensor]:
        nonlocal taken
        taken += 1
        if taken > steps:
            raise KeyboardInterrupt
        return right(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "take_step", step)
    with pytest.raises(KeyboardInterrupt):
        learn("killed", save_every=3, loss_warmup__latent=2, **more)
    monkeypatch.setattr(loop, "take_step", right)
    killed, whole = (learn(name, save_every=3, loss_warmup__latent=2, **more) for name in ("killed", "whole"))

    assert same(killed, whole)
    facts = ("step", "train", "valid", "learning_rate", "train.latent", "valid.tags")
    assert [[line[key] for key in facts] for line in logged(killed)] == [
        [line[key] for key in facts] for line in logged(whole)
    ]


def test_a_torn_line_of_the_log_is_removed(learn: Learn):
    log = learn(epochs=1).parent / "log.jsonl"
    with log.open("a") as file:
        file.write('{"step": 99, "train": 1}\n{"step": 10, "tra')

    assert [line["step"] for line in logged(learn(epochs=2))] == [5, 10]


def test_a_term_that_is_no_number_is_named_and_the_checkpoint_kept(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    checkpoint = learn(epochs=1).parent / "checkpoint.safetensors"
    before, right = checkpoint.read_bytes(), Several.loss

    def loss(self: Several, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        terms = right(self, batch, generator)
        return {**terms, "latent": terms["latent"] * float("inf")} if self.training else terms

    monkeypatch.setattr(Several, "loss", loss)
    with pytest.raises(ModelError, match=r"loss: latent=inf at step 6: stopped; the last checkpoint is kept in .*run$"):
        learn(epochs=2)

    assert checkpoint.read_bytes() == before


def greedy(monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
    """Makes the loss ask for more memory than there is, for more than `fits` items."""
    right = Several.loss

    def loss(self: Several, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        if len(batch) > fits and torch.is_grad_enabled():
            torch.empty(2**60)
        return right(self, batch, generator)

    monkeypatch.setattr(Several, "loss", loss)


def test_too_large_a_batch_is_told_with_one_that_fits(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    greedy(monkeypatch, 7)

    with pytest.raises(OptionError, match=r"^batch=32: out of memory on cpu at step 1. batch=4 fits: it was tried.$"):
        learn(batch=32)


def test_a_model_that_is_too_large_is_told(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    greedy(monkeypatch, 0)

    with pytest.raises(OptionError, match=r"batch=8: out of memory on cpu at step 1. No batch fits"):
        learn()


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"weights__latnt": 2}, UnknownName, "no term of the model's loss named 'latnt'. Did you mean 'latent'?"),
        ({"loss_warmup__sound": 2}, UnknownName, "named 'sound'. Known: latent, regression, tags."),
        ({"monitor": "latents"}, UnknownName, "Did you mean 'latent'?"),
        ({"sizes__width": 0}, OptionError, "sizes.width=0: not a whole number of at least 1"),
        ({"sizes__width": 1.5}, OptionError, "sizes.width=1.5: not a whole number of at least 1"),
        ({"sizes__dropout": "much"}, OptionError, "sizes.dropout='much': not a number"),
        ({"sizes__pairs": 3}, OptionError, "sizes.attributes=3: the data has 1 attributes"),
        ({"sizes__dropout": 7.0}, OptionError, "model='several', sizes dropout=7.0, attributes=1: dropout probability"),
        ({"workers": 2}, OptionError, "workers=2: 'several' drops out at random. Give workers=1."),
        ({"augmented": 0.5}, OptionError, "augmented=0.5: only levels can be, not 'paper'. Give augmented=0."),
        ({"fold": 9}, OptionError, "fold=9: not in [0, 4]"),
        ({"synth": "dexed"}, StorageError, "holds examples of synth 'tone', not 'dexed'"),
        ({"data": "nowhere"}, StorageError, "nowhere: holds no examples"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_clear_line(learn: Learn, changes: dict[str, object], kind: type, message: str):
    with pytest.raises(kind) as caught:
        learn(**changes)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_takes_another_input_is_refused(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Several, "input", "levels")

    with pytest.raises(OptionError, match=r"model='several': takes the input 'levels', but .*examples gives 'paper'"):
        learn()


@pytest.mark.parametrize(("key", "value"), [("fold", 1), ("seed", 7)])
def test_a_run_does_not_go_on_with_what_it_should_not_see(learn: Learn, key: str, value: int):
    learn(epochs=1)

    with pytest.raises(ModelError, match=rf"another model or run; remove it to start again \(of {key}=0, not {value}"):
        learn(**{key: value})


def test_a_checkpoint_of_another_kind_of_model_is_refused(learn: Learn):
    learn(epochs=1, sizes__dropout=0.0)

    with pytest.raises(ModelError, match=r"another model or run.*of a Several, not a Crowd"):
        learn(model="crowd")


def test_fewer_examples_than_a_batch_are_one_batch(learn: Learn, tmp_path: Path):
    short = write_small(tmp_path / "short", count=24)

    weights = learn(data=short, batch=64, epochs=2)

    assert [line["step"] for line in logged(weights)] == [1, 2]  # one batch of all there are


def test_tensorboard_is_told_every_term(learn: Learn):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(learn(tensorboard="true").parent / "tensorboard"))
    board.Reload()

    assert {"total/train", "total/valid", "latent/train", "tags/valid", "learning_rate"} <= set(board.Tags()["scalars"])
    assert [event.step for event in board.Scalars("latent/valid")] == [5, 10, 15]


def test_without_tensorboard_its_package_is_named(learn: Learn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)

    with pytest.raises(MissingDependency, match=r"tensorboard=true needs the package .*pip install 'patchflow\[tensor"):
        learn(tensorboard="true")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_a_compiled_model_learns_the_same(learn: Learn):
    plain, compiled = (logged(learn(str(c), compile=c, epochs=1, sizes__dropout=0.0))[-1] for c in ("false", "true"))

    assert compiled["valid"] == pytest.approx(plain["valid"], rel=1e-3)


def test_bfloat16_learns_about_the_same(learn: Learn):
    plain, mixed = (
        logged(learn(p, precision=p, epochs=1, sizes__dropout=0.0))[-1]["valid"] for p in ("float32", "bfloat16")
    )

    assert mixed != plain
    assert mixed == pytest.approx(plain, rel=0.05)
