"""The versions that `make install` installs have no fault that is on the list of known ones."""

import json
from datetime import date
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).parent
LIST = json.loads((HERE / "advisories.json").read_text("utf-8"))


def locked() -> dict[str, str]:
    """The version of every package in `constraints.txt`."""
    lines = (HERE.parent / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version.split(";")[0].strip() for name, version in pairs}


def faults(versions: dict[str, str]) -> list[str]:
    """The ids of the advisories that are about one of these versions."""
    found = []
    for entry in LIST["advisories"]:
        version = versions.get(entry["package"])
        if version and SpecifierSet(entry["affected"]).contains(Version(version), prereleases=True):
            found.append(f"{entry['package']} {version}: {entry['id']}")
    return found


def test_no_locked_version_has_a_known_fault():
    assert faults(locked()) == []


def test_every_locked_package_was_looked_up():
    assert sorted(locked().keys() - LIST["packages"]) == [], "python benchmarks/advisories.py looks them up"


def test_an_old_version_is_found():
    assert faults({"torch": "2.5.1", "h11": "0.14.0", "numpy": "2.0"}) == [
        "torch 2.5.1: CVE-2025-32434",
        "h11 0.14.0: CVE-2025-43859",
    ]


def test_the_list_says_of_when_it_is_and_every_entry_is_whole():
    assert date.fromisoformat(LIST["date"]) >= date(2026, 11, 25)
    assert date.fromisoformat(LIST["database"]) >= date(2024, 10, 10)
    for entry in LIST["advisories"]:
        assert entry.keys() - {"source"} == {"package", "id", "affected", "about"}
        assert entry["package"] == canonicalize_name(entry["package"])
        assert entry["id"].startswith(("CVE-", "GHSA-", "PYSEC-"))
