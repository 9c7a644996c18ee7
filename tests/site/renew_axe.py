"""Renews axe-core, which looks at the pages in tests: its released file and its licence, from npm.

Usage: python tests/site/renew_axe.py [VERSION]
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "axe"
FILES = ("axe.min.js", "LICENSE")


def main(version: str = "latest") -> None:
    """Writes the files and says which version they are of."""
    with tempfile.TemporaryDirectory() as work:
        packed = subprocess.check_output(["npm", "pack", "--silent", f"axe-core@{version}"], cwd=work, text=True)
        with tarfile.open(Path(work) / packed.strip()) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/{name}")
                assert member is not None
                (FOLDER / name).write_bytes(member.read())
    print(packed.strip())  # noqa: T201 - a command


if __name__ == "__main__":
    main(*sys.argv[1:])
