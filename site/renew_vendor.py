"""Renews what the studio's page is shipped with of others: released files of npm, their licences and their hashes.

Usage: python site/renew_vendor.py            fetches the versions of `vendored.json` again
       python site/renew_vendor.py NAME@VERSION ...   renews these packages, and writes their hashes down
       python site/renew_vendor.py --check    compares the files that are there with their hashes, without a network
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "patchflow" / "web" / "vendor"
LIST = FOLDER / "vendored.json"
LICENCE = "LICENSE"


def main(*words: str) -> None:
    """Fetches what is asked for and writes the list; or says which files differ from it."""
    entries = json.loads(LIST.read_text("utf-8"))
    if "--check" in words:
        sys.exit("\n".join(faults(entries)) or None)
    wanted = dict(word.rsplit("@", 1) for word in words)
    renewed = [_fetched(entry, wanted.get(entry["name"])) for entry in entries]
    LIST.write_text(json.dumps(renewed, indent=1) + "\n", "utf-8")
    for entry in renewed:
        print(entry["name"], entry["version"])


def faults(entries: list[dict[str, Any]]) -> list[str]:
    """Returns a line for each file that is missing, too many, or not what the list has."""
    found = []
    listed = set()
    for entry in entries:
        for name, digest in entry["files"].items():
            path = FOLDER / entry["folder"] / name
            listed.add(path)
            if not path.is_file():
                found.append(f"{path.name}: missing in {entry['folder']}")
            elif _sha256(path.read_bytes()) != digest:
                found.append(f"{entry['folder']}/{name}: not the released file")
    there = {path for path in FOLDER.rglob("*") if path.is_file()} - {LIST}
    return found + [f"{path.relative_to(FOLDER)}: not in {LIST.name}" for path in sorted(there - listed)]


def _fetched(entry: dict[str, Any], version: str | None) -> dict[str, Any]:
    """Unpacks one package, checked against npm's own hash of it unless its version is a new one."""
    wanted = version or entry["version"]
    with tempfile.TemporaryDirectory() as work:
        command = ["npm", "pack", "--silent", f"{entry['name']}@{wanted}"]
        packed = Path(work) / subprocess.check_output(command, cwd=work, text=True).strip()
        digest = _integrity(packed.read_bytes())
        if version is None and entry.get("integrity") not in {None, digest}:
            sys.exit(f"{entry['name']}@{wanted}: {digest} is not {entry['integrity']}")
        folder = f"{entry['name'].split('/')[-1]}-{wanted}"
        shutil.rmtree(FOLDER / entry["folder"], ignore_errors=True)
        files = _unpacked(packed, FOLDER / folder, list(entry["files"]))
    return {**entry, "version": wanted, "folder": folder, "integrity": digest, "files": files}


def _unpacked(packed: Path, folder: Path, names: list[str]) -> dict[str, str]:
    hashes = {}
    with tarfile.open(packed) as archive:
        for name in sorted({*names, LICENCE}):
            member = archive.extractfile(f"package/{name}")
            assert member is not None, name
            data = member.read()
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            hashes[name] = _sha256(data)
    return hashes


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _integrity(data: bytes) -> str:
    """Returns what npm's registry calls `integrity`: sha512 in base64."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
