"""`patchflow studio`: the page on which a sound becomes a preset."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import LibraryFile, whole

__all__ = ["studio"]


def studio(
    *,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen. Other addresses than this machine's own, such as 0.0.0.0, let in whoever has the "
            "printed address with its token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="Port to listen at; 0 for any that is free.")
    ] = 8700,
    workspace: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="What is kept: sounds, presets, jobs, projects.  [default: in your data folder]"
        ),
    ] = None,
    library: LibraryFile = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Open the studio: drop a sound, hear the match, play it, turn macros, take the preset home.

    The page runs on this machine and works without a network. Ctrl-C ends it; what was made is kept.

    \b
    Example: patchflow studio
    Example: patchflow studio --port 0 --no-browser --workspace session
    Example: patchflow studio --host 0.0.0.0
    """
    import threading
    import webbrowser

    from ..storage import user_folder
    from ..studio.app import serve
    from ..studio.guard import StudioSettings
    from ._console import say

    def ready(address: str) -> None:
        say(f"patchflow studio: {address}  (Ctrl-C ends it)")
        if browser:  # some browsers return when they are closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    folder = user_folder() / "studio" if workspace is None else workspace
    serve(StudioSettings(folder.absolute(), library, host=host, port=port), ready)
