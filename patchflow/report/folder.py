"""A folder that files can be written to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError
from ..storage import describe

__all__ = ["writable_folder"]


@contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Makes a folder, and finds out before the work starts whether it can be written to.

    Folders that were made and are still empty at the end are removed.

    Raises:
        StorageError: If it cannot be made or written to.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            reason = f"cannot write to the folder {folder}: {describe(error)}"
            raise StorageError(f"{reason}. Choose another with --out.") from error
        yield
    finally:
        with suppress(OSError):  # it is not empty
            for path in made:
                path.rmdir()
