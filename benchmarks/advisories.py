"""Renews the list of known faults of the packages that we lock, tests/advisories.json.

Usage: python benchmarks/advisories.py DATABASE

DATABASE is a clone of https://github.com/pypa/advisory-database, from which pip-audit has its findings too. Every fault
of a package in constraints.txt is listed, with all versions that have it and the day of the clone. What stands in the
list by hand stays if it is newer than the clone: an entry with `source`. The names of all packages that were looked up
are in the list, so that the test notices a new one.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tests" / "advisories.json"
LONGEST = 100  # letters of what an advisory is about


def main(database: str) -> None:
    """Writes the list and says how long it is."""
    folder = Path(database)
    seconds = subprocess.check_output(["git", "-C", folder, "log", "-1", "--format=%ct"], text=True)
    day = datetime.fromtimestamp(int(seconds), UTC).date().isoformat()
    found: list[dict[str, str]] = []
    packages = locked()
    for package in packages:
        for file in sorted((folder / "vulns" / package).glob("*.yaml")):
            found += entries(package, yaml.safe_load(file.read_text("utf-8")))
    known = {entry["id"] for entry in found}
    kept = [entry for entry in json.loads(LIST.read_text("utf-8"))["advisories"] if "source" in entry]
    by_hand = [entry for entry in kept if entry["id"] not in known and entry["id"][4:8] >= day[:4]]
    content = {
        "source": "https://github.com/pypa/advisory-database, by benchmarks/advisories.py",
        "database": day,
        "date": datetime.now(UTC).date().isoformat(),
        "packages": packages,
        "advisories": [*found, *by_hand],
    }
    LIST.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(f"{len(found)} of the database of {day}, {len(by_hand)} by hand")


def locked() -> list[str]:
    """Returns the names of all packages in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line and not line.startswith("#")]


def entries(package: str, advisory: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yields an entry for each range of versions of a package that an advisory is about."""
    if "withdrawn" in advisory:
        return
    names = [name for name in advisory.get("aliases", ()) if name.startswith("CVE-")]
    about = " ".join(advisory.get("details", "").split())
    for affected in advisory["affected"]:
        if canonicalize_name(affected["package"]["name"]) != package:
            continue
        for versions in ranges(affected):
            yield {
                "package": package,
                "id": (names or [advisory["id"]])[0],
                "affected": versions,
                "about": about[:LONGEST].rsplit(" ", 1)[0] if len(about) > LONGEST else about,
            }


def ranges(affected: dict[str, Any]) -> Iterator[str]:
    """Yields version specifiers: ranges, or single versions where there are none."""
    known = [part for part in affected.get("ranges", ()) if part["type"] == "ECOSYSTEM"]
    for part in known:
        low = "0"
        for event in part["events"]:
            low = event.get("introduced", low)
            above = "" if low == "0" else f">={low},"
            if "fixed" in event:
                yield f"{above}<{event['fixed']}"
            elif "last_affected" in event:
                yield f"{above}<={event['last_affected']}"
        if not any("fixed" in event or "last_affected" in event for event in part["events"]):
            yield "" if low == "0" else f">={low}"  # never mended
    if not known:
        for version in affected.get("versions", ()):
            yield f"=={version}"


if __name__ == "__main__":
    main(*sys.argv[1:])
