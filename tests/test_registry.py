"""Plug-ins found by file name."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchflow.errors import MissingDependency, UnknownName
from patchflow.registry import Registry

FILES = {
    "__init__.py": "",
    "_private.py": "raise RuntimeError('imported')",
    "brass_pad.py": "class BrassPad: pass\nOTHER = 1\n__all__ = ['OTHER', 'BrassPad']",
    "broken.py": "import zoo.nothing_here\n__all__ = ['broken']",
    "loud.py": "raise RuntimeError('imported')",
    "nameless.py": "__all__ = []",
    "optional.py": "import a_package_nobody_has\n__all__ = ['optional']",
}


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[type]]:
    (tmp_path / "zoo").mkdir()
    for name, text in FILES.items():
        (tmp_path / "zoo" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield Registry("zoo", "animal")
    for name in [name for name in sys.modules if name.split(".")[0] == "zoo"]:
        del sys.modules[name]


def test_every_public_file_is_an_entry(zoo: Registry[type]):
    assert list(zoo) == ["brass_pad", "broken", "loud", "nameless", "optional"]


def test_listing_counting_and_asking_import_nothing(zoo: Registry[type]):
    assert len(zoo) == 5
    assert "loud" in zoo
    assert "zoo.loud" not in sys.modules


def test_an_entry_is_the_object_called_like_its_file(zoo: Registry[type]):
    assert zoo["brass_pad"].__name__ == "BrassPad"


def test_an_unknown_name_suggests_the_nearest(zoo: Registry[type]):
    with pytest.raises(UnknownName, match=r"no animal named 'bras_pad'\. Did you mean 'brass_pad'\?"):
        zoo["bras_pad"]


def test_a_private_file_is_unknown(zoo: Registry[type]):
    with pytest.raises(UnknownName, match="_private"):
        zoo["_private"]


def test_get_gives_the_default_for_an_unknown_name(zoo: Registry[type]):
    assert zoo.get("unicorn") is None
    assert "unicorn" not in zoo


def test_an_absent_package_is_named_with_its_remedy(zoo: Registry[type]):
    with pytest.raises(MissingDependency, match="'optional' needs .* pip install a_package_nobody_has"):
        zoo["optional"]


def test_our_own_typo_is_not_called_an_absent_package(zoo: Registry[type]):
    with pytest.raises(ModuleNotFoundError, match=r"zoo\.nothing_here"):
        zoo["broken"]


def test_a_file_without_its_object_is_named(zoo: Registry[type]):
    with pytest.raises(AttributeError, match=r"zoo\.nameless"):
        zoo["nameless"]


def test_a_package_that_is_not_there_is_an_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        list(Registry("no_such_package", "animal"))
