"""`patchflow macros`: what can be turned of the sounds of a synth, and learning which way."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import synth_name, whole

__all__ = ["macros"]


def macros(
    synth: Annotated[
        str, typer.Argument(metavar="SYNTH", parser=synth_name, help="Name of a synth, see `patchflow list engines`.")
    ],
    *,
    learn: Annotated[
        bool, typer.Option("--learn", help="Play presets of the synth, and learn which way its attributes turn.")
    ] = False,
    sounds: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="With --learn: how many sounds to play in all.")
    ] = 200_000,
    library: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --learn: a preset library to learn from.  [default: your own]"),
    ] = None,
    latent: Annotated[
        bool, typer.Option("--latent", help="Measure what the latent dimensions of a model do, and name them by that.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE|RUN|NAME", help="With --latent: the weights.  [default: flow_joint of the synth]"),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")] = False,
) -> None:
    """List the macro-controls of SYNTH, learn its map, or measure the latent dimensions of a model.

    A macro-control is an attribute that is measured of the sound, such as brightness, a word that names of
    presets carry, such as natural, or a latent dimension of a model; `patchflow turn` turns it. With the
    learned map that comes with a synth, or that --learn makes, turning is quicker and goes farther. --learn
    goes on where it stopped.

    \b
    Example: patchflow macros dexed
    Example: patchflow macros amsynth --learn --sounds 50000
    Example: patchflow macros dexed --latent
    """
    from ..engines import engines
    from ._console import ProgressBar, say

    engines[synth]  # what is wrong with the name is said first
    if learn:
        from ..explore.learn_map import learn_map_for_synth
        from ._parse import library_file

        with ProgressBar("loading") as bar:
            own = library_file(library, none=False)
            weights = learn_map_for_synth(synth, library=own, sounds=sounds, seed=seed, progress=bar.show)
        say(str(weights), f"`patchflow turn` uses this map of {synth} from now on")
    elif latent:
        _latent(synth, model, seed, as_json=as_json)
    else:
        _list(synth, as_json=as_json)


def _list(synth: str, *, as_json: bool) -> None:
    from ..engines import engines
    from ..explore.attribute_map import load_map
    from ..explore.named_words import named_words
    from ..features.measures import ATTRIBUTES, MEASURES
    from ..models import weights_of
    from ._console import print_json, print_table, say

    learned = load_map(synth, engines[synth].space)
    spreads = [one.spread for one in MEASURES] if learned is None else learned.std.tolist()
    known = list(zip(ATTRIBUTES, spreads, strict=False))
    words = list({word.name: word for word in named_words(synth).values()}.values())
    if as_json:
        rows = [
            {"name": one.name, "low": one.low, "high": one.high, "unit": one.unit, "spread": spread,
             "meaning": one.meaning}
            for one, spread in known
        ]  # fmt: skip
        from_names = [vars(one) for one in words]
        print_json({"synth": synth, "learned_map": learned is not None, "macros": rows, "from_names": from_names})
        return
    table = [[one.name, f"{one.low} to {one.high}", f"{spread:.1f} {one.unit}", one.meaning] for one, spread in known]
    print_table(f"macro-controls of {synth}", ["attribute", "ends", "+1 is", "measured as"], table)
    over = "DX7 voices" if learned is None else "the presets that the learned map is from"
    say(f"+1 is one standard deviation over {over}")
    for word in words:
        say(f"{word.low} to {word.high}: {word.provenance}")
    if learned is None:
        say(
            f"no learned map of {synth}: turning measures its slopes first. Learn one: patchflow macros {synth} --learn"
        )
    if weights_of(synth, engines[synth].space, "flow_joint"):
        say(f"latent:0=+1 and so on: latent dimensions of flow_joint; `patchflow macros {synth} --latent` names them")
    missing = "" if words else f"; natural and synthetic, since no names of presets of {synth} were learned from"
    say(
        "not there: wide and narrow, since synths are played in mono; modern and vintage, since hardly any preset is "
        f"called so{missing}"
    )


def _latent(synth: str, model: Path | None, seed: int, *, as_json: bool) -> None:
    from ..explore.named_words import LATENT, measure_latents
    from ._console import ProgressBar, print_json, print_table

    with ProgressBar("loading") as bar:
        found = measure_latents(synth, model, seed=seed, progress=bar.show)
    if as_json:
        print_json([one.content() for one in found])
        return
    rows = [[f"{LATENT}{one.dimension}", f"{one.heard_db:.1f} dB", one.name] for one in found[:24]]
    head = ["word", "heard", "what more of it does"]
    print_table(f"latent dimensions of {synth}, the most audible first", head, rows)
