"""Makes docs/map.png: the map of the DX7 voices that come with the package, as a browser shows it.

Usage: python docs/make_map_picture.py

It needs playwright and Chromium. Run it again after a new ear, new embedded presets or another look of the page.
"""

import io
import shutil
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from patchflow.browse import Shelf, places
from patchflow.browse.embedded import presets_called
from patchflow.browse.map_page import write_map
from patchflow.presets import Library

PICTURE = Path(__file__).parent / "map.png"
WIDTH, HEIGHT = 1_400, 900  # pixels


def main() -> None:
    """Writes the page into a folder that goes away again, and the picture of it."""
    shelf = Shelf.embedded("dexed")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "map.html")
        nobody = Library(Path(folder, "library.sqlite"))  # all of them are of the embedded bank
        write_map(page, shelf, partial(presets_called, library=nobody), places(shelf), sounds=0)
        data = picture_of(page)
    image = Image.open(io.BytesIO(data)).convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE)
    image.save(PICTURE, optimize=True)


def picture_of(page: Path) -> bytes:
    """Returns a page as a browser in the dark shows it, as PNG."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
        shown.goto(page.as_uri())
        shown.wait_for_function("() => document.querySelector('pf-map')?.view?.frames > 0")
        shown.wait_for_timeout(1_500)  # until nothing fades any more
        data = shown.screenshot()
        browser.close()
    return data


if __name__ == "__main__":
    main()
