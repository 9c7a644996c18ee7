"""What the tests of several processes start: trains the small models, or computes one gradient of one."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from patchflow.data.examples import Examples
from patchflow.engines.tone import Tone
from patchflow.train import run, train
from patchflow.train.distributed import Replicas, joined
from patchflow.train.training_data import load_batch
from tests.train.small import Crowd, Several

__all__ = ["gradient"]

ITEMS = 22  # an odd number of which falls to each of four


def gradient(folder: Path, workers: int = 1) -> dict[str, torch.Tensor]:
    """Gradients, statistics and terms of one batch, on as many processes as there are."""
    examples = Examples(folder)
    batch = load_batch(examples, examples.rows("train")[:ITEMS], examples.input)
    torch.manual_seed(0)
    model = Crowd(Tone.space)
    with joined("cpu") as team:
        team.prepare(model)
        with Replicas(model, workers, team) as replicas:
            terms = replicas.backward(batch, {"latent": 0.3}, seed=0)
    found = {f"gradient.{name}": w.grad for name, w in model.named_parameters() if w.grad is not None}
    found |= {f"buffer.{name}": x.float() for name, x in model.named_buffers()}
    found |= {f"term.{name}": x for name, x in terms.items()}
    if team.leads:
        save_file({name: x.contiguous() for name, x in found.items()}, folder / f"gradient{team.size}.safetensors")
    return found


if __name__ == "__main__":
    run.models = {"several": Several, "crowd": Crowd}  # type: ignore[assignment]
    if sys.argv[1] == "gradient":
        gradient(Path(sys.argv[2]))
    else:
        train(sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:]))
