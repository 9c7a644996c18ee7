"""Writes the page of the studio's API: every path with what it takes, and an example for curl and for Python.

What there is comes from the API's own document, and the examples from the table below, so that none goes stale:
`tests/studio/test_api_page.py` runs all of them, one after the other, and compares the page with what this writes.

Usage: python docs/make_api.py
"""

import json
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from patchflow.studio import StudioSettings, build_app
from patchflow.studio.app import BASE

__all__ = ["EXAMPLES", "KNOWN", "PAGE", "Example", "api_page", "operations"]

PAGE = Path(__file__).parent / "studio_api.md"

WIDTH = 120  # columns, of a line

# What the examples are about. The same sound, and the same preset, has the same id everywhere. What is made anew each
# time has another: that is in capitals.
SOUND = "4bb54dfd3a289958"
PRESET = "9fe9a40adcf9713f"
MINE = "299b7d29f4dcbe81"
EDITED = "9ddd83619fbc24be"
KNOWN = {"sound_id": SOUND, "preset_id": PRESET, "other_id": EDITED, "synth": "dexed", "key": "1", "what": "cancel"}
NEW = {"job_id": "JOB", "project_id": "PROJECT", "sitting_id": "SITTING", "name": "SOUND_NAME"}
TITLES = {
    "studio": "The studio",
    "sounds": "Sounds",
    "presets": "Synths and presets",
    "shapes": "Shaping a preset",
    "jobs": "Jobs: what takes longer",
    "library": "The library, search and the map",
    "projects": "Projects",
    "listening": "Listening blind",
}


@dataclass(frozen=True)
class Example:
    """How a path is used.

    Args:
        query: What is behind the question mark.
        body: What is sent as JSON.
        file: A file that is sent as it is, by its name.
        saved: What the answer is saved as, if it is no JSON.
        path: Values of parts of the path, where they are not those of `KNOWN`.
        name: What the id in the answer is called from here on.
    """

    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    file: str = ""
    saved: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


TRIAL = {
    "target": {"sound": SOUND},
    "a": {"preset": PRESET},
    "b": {"preset": EDITED},
    "labels": ["first method", "second method"],
}
# In this order: what one makes, a later one uses, and what is removed is removed last.
EXAMPLES: dict[str, Example] = {
    "GET /about": Example(),
    "POST /sounds/example": Example(),
    "POST /sounds": Example(query={"name": "my bell.flac"}, file="bell.flac"),
    "GET /sounds": Example(),
    "GET /sounds/{sound_id}": Example(),
    "GET /sounds/{sound_id}/heard": Example(query={"start": 0.1, "end": 1.5}),
    "GET /sounds/{sound_id}/audio": Example(query={"start": 0.1, "end": 1.5}, saved="part.wav"),
    "GET /sounds/{sound_id}/spectrogram": Example(saved="sound.png"),
    "GET /synths": Example(),
    "GET /synths/{synth}": Example(),
    "POST /presets/random": Example(body={"synth": "dexed", "seed": 3}),
    "POST /presets/edit": Example(body={"preset": PRESET, "values": {"feedback": 7}, "from": "more feedback"}),
    "GET /presets/{preset_id}": Example(),
    "GET /presets/{preset_id}/audio": Example(query={"pitch": 48, "hold": 1, "length": 2}, saved="note.wav"),
    "GET /presets/{preset_id}/spectrogram": Example(query={"pitch": 48}, saved="note.png"),
    "GET /presets/{preset_id}/file": Example(saved="voice.syx"),
    "POST /presets": Example(query={"name": "voice.syx"}, file="voice.syx"),
    "POST /bank": Example(body={"presets": [PRESET, EDITED], "name": "my bank"}, saved="bank.syx"),
    "GET /synths/{synth}/macros": Example(),
    "POST /macros/turn": Example(body={"preset": PRESET, "words": {"brightness": 1.0}, "lock": ["algorithm"]}),
    "GET /presets/{preset_id}/moves/{other_id}": Example(),
    "GET /presets/{preset_id}/curves": Example(),
    "POST /encode": Example(body={"synth": "dexed", "preset": PRESET}, saved="place.json"),
    "POST /decode": Example(file="place.json"),
    "POST /jobs": Example(
        body={"kind": "match", "sound": SOUND, "synths": ["dexed"], "seconds": 30, "candidates": 2}, name="JOB"
    ),
    "GET /jobs": Example(),
    "GET /jobs/{job_id}": Example(),
    "POST /jobs/{job_id}/{what}": Example(path={"what": "cancel"}),
    "GET /jobs/{job_id}/events": Example(),
    "POST /library/add": Example(body={"preset": PRESET}),
    "POST /library/import": Example(query={"name": "voice.syx"}, file="voice.syx"),
    "GET /library": Example(query={"text": "lead", "limit": 5}),
    "GET /library/facets": Example(),
    "POST /library/{key}/favourite": Example(body={"favourite": True}),
    "POST /library/{key}/labels": Example(body={"tags": ["sharp"], "category": "Lead"}),
    "GET /library/{key}/preset": Example(),
    "POST /library/presets": Example(body={"keys": ["1", "dexed:17"]}),
    "GET /library/{key}/audio": Example(path={"key": "dexed:17"}, query={"length": 1}, saved="note.wav"),
    "POST /search": Example(body={"words": "bright bell", "synth": "dexed", "limit": 3}),
    "GET /map": Example(query={"synth": "dexed"}),
    "POST /map/place": Example(body={"preset": PRESET, "synth": "dexed"}),
    "POST /projects": Example(body={"name": "Bells", "state": {"sound": SOUND, "preset": PRESET}}, name="PROJECT"),
    "GET /projects": Example(),
    "GET /projects/{project_id}": Example(),
    "PUT /projects/{project_id}": Example(body={"name": "Bells and leads"}),
    "GET /projects/{project_id}/file": Example(saved="bells.patchflow"),
    "POST /projects/file": Example(query={"name": "bells.patchflow"}, file="bells.patchflow"),
    "POST /listening": Example(body={"question": "closer", "trials": [TRIAL], "seed": 1}, name="SITTING"),
    "GET /listening": Example(),
    "GET /listening/{sitting_id}": Example(),
    "GET /listening/{sitting_id}/sounds/{name}": Example(saved="first.wav"),
    "POST /listening/{sitting_id}/answers": Example(body={"trial": 0, "choice": "first", "seconds": 4.2}),
    "GET /listening/{sitting_id}/result": Example(query={"format": "csv"}, saved="answers.csv"),
    "DELETE /jobs/{job_id}": Example(),
    "DELETE /listening/{sitting_id}": Example(),
    "DELETE /projects/{project_id}": Example(),
    "DELETE /sounds/{sound_id}": Example(path={"sound_id": MINE}),
}

HEAD = f"""# The API of the studio

What `patchflow studio` answers by HTTP: everything that its page does, for programs.

Made by `docs/make_api.py` from the API's own document, `{BASE}/openapi.json`. Do not edit.

* Start the server: `patchflow studio --no-browser`. It prints its address. `$STUDIO` below is
  `http://127.0.0.1:8700{BASE}`.
* In Python, `studio` is a client such as `httpx.Client(base_url="http://127.0.0.1:8700{BASE}", timeout=60)`.
* An error has a status of 400 or more and one line: `{{"error": "pitch=128: …", "kind": "OptionError"}}`.
* The same file, and the same preset, has the same id everywhere; presets never change. In capitals, such as `JOB`, are
  ids that are made anew each time.
* Reached from other machines (`--host`), the server prints a token: send `Authorization: Bearer TOKEN`.
* Only programs and the studio's own page are answered: requests of other pages, by `Origin`, and of other names for
  this machine, by `Host`, are refused.
* A file that is sent may have 64 MiB, a sound 10 minutes. Files are sent bare, or as the field `file` of a form.
"""


def main() -> None:
    """Writes the page."""
    PAGE.write_text(api_page(), "utf-8")


def operations() -> dict[str, dict[str, Any]]:
    """Returns what the API's document says of every operation, by method and path."""
    document = _document()
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[f"{method.upper()} {path.removeprefix(BASE)}"] = operation
    return found


def api_page() -> str:
    """Returns the page.

    Raises:
        SystemExit: If an operation has no example, or an example no operation.
    """
    known = operations()
    if set(known) != set(EXAMPLES):
        raise SystemExit(f"no example, or no operation: {', '.join(sorted(set(known) ^ set(EXAMPLES)))}")
    lines = [HEAD]
    for tag, title in TITLES.items():
        lines.append(f"## {title}\n")
        for name, example in EXAMPLES.items():
            if known[name]["tags"] == [tag]:
                lines += _section(name, known[name], example)
    lines += ["## What is sent and what comes back\n", *_objects()]
    return "\n".join(lines).rstrip() + "\n"


def _document() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return build_app(StudioSettings(Path(folder), warm=())).openapi()


def _section(name: str, operation: dict[str, Any], example: Example) -> Iterator[str]:
    yield f"### `{name}`\n"
    yield _folded(_plain(operation.get("description", ""))) + "\n"
    for parameter in operation.get("parameters", []):
        about = parameter.get("description", "")
        needed = "" if parameter["required"] else f", {_default(parameter['schema'])}"
        yield _folded(f"* `{parameter['name']}`: {_kind(parameter['schema'])}{needed}{f'. {about}' if about else ''}")
    sent = _json_of(operation.get("requestBody", {}))
    answer = next(
        (_json_of(operation["responses"][code]) for code in ("200", "201") if code in operation["responses"]), {}
    )
    if sent:
        yield _folded(f"* sent: {_kind(sent)}")
    if answer:
        yield _folded(f"* answer: {_kind(answer)}")
    yield f"\n```sh\n{_curl(name, example)}\n```\n\n```python\n{_python(name, example)}\n```\n"


def _plain(text: str) -> str:
    """A docstring's words, without the list of its arguments."""
    return " ".join(re.split(r"\n\s*(?:Args|Raises|Returns):", text)[0].split())


def _folded(text: str) -> str:
    """A paragraph or an item of a list in lines that are not too long; hidden addresses of links do not count."""
    if len(re.sub(r"\]\([^)]*\)", "]()", text)) <= WIDTH:
        return text
    indent = "  " if text.startswith("* ") else ""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _json_of(part: dict[str, Any]) -> dict[str, Any]:
    return part.get("content", {}).get("application/json", {}).get("schema", {})


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "or nothing" if default in (None, "", [], {}) else f"`{json.dumps(default)}` if not given"


def _kind(schema: dict[str, Any]) -> str:
    """A kind of value in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = [_kind(one) for one in schema[several] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_kind(inner)}" if isinstance(inner, dict) else "object"
    return f"{schema.get('type', 'anything')}{_range(schema)}"


def _range(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None or high is None:
        return ""
    return f", {'above ' if 'exclusiveMinimum' in schema else ''}{low:g} to {high:g}"


def _objects() -> Iterator[str]:
    for name, schema in sorted(_document()["components"]["schemas"].items()):
        yield f"### {name}\n\n{_folded(_plain(schema.get('description', '')))}\n"
        needed = schema.get("required", [])
        for key, value in schema.get("properties", {}).items():
            about = f". {value['description']}" if "description" in value else ""
            optional = "" if key in needed else f", {_default(value)}"
            yield _folded(f"* `{key}`: {_kind(value)}{optional}{about}")
        yield ""


def _address(name: str, example: Example) -> str:
    return name.partition(" ")[2].format(**{**KNOWN, **NEW, **example.path})


def _curl(name: str, example: Example) -> str:
    method = name.partition(" ")[0]
    query = f"?{urlencode(example.query)}" if example.query else ""
    words = ["curl"]
    if name.endswith("/events"):
        words.append("--no-buffer")
    if (method != "GET" and example.body is None and not example.file) or method == "PUT":
        words.append(f"--request {method}")
    if example.body is not None:
        words.append(f"--json '{json.dumps(example.body)}'")
    if example.file:
        words.append(f"--json @{example.file}" if example.file.endswith(".json") else f"--data-binary @{example.file}")
    if example.saved:
        words.append(f"--output {example.saved}")
    words.append(f'"$STUDIO{_address(name, example)}{query}"')
    line = " ".join(words)
    if len(line) <= WIDTH:
        return line
    # An argument that is too long by itself is JSON, which may have line ends wherever it has spaces.
    return " \\\n  ".join(
        word if len(word) < WIDTH - 4 else f"--json '{json.dumps(example.body, indent=2)}'" for word in words
    ).replace("curl \\\n  ", "curl ", 1)


def _python(name: str, example: Example) -> str:
    method = name.partition(" ")[0].lower()
    arguments = [json.dumps(_address(name, example))]
    if name.endswith("/events"):
        with_ = f'with studio.stream("GET", {arguments[0]}) as reply:'
        return f"{with_}\n    for line in reply.iter_lines():\n        print(line)"
    if example.query:
        arguments.append(f"params={_literal(example.query)}")
    if example.body is not None:
        arguments.append(f"json={_literal(example.body)}")
    if example.file.endswith(".json"):
        arguments.append(f"json=json.loads(Path({json.dumps(example.file)}).read_text())")
    elif example.file:
        arguments.append(f"content=Path({json.dumps(example.file)}).read_bytes()")
    call = _call(method, arguments)
    if example.saved:
        line = f"Path({json.dumps(example.saved)}).write_bytes({call}.content)"
        return (
            line
            if len(line) <= WIDTH
            else f"reply = {call}\nPath({json.dumps(example.saved)}).write_bytes(reply.content)"
        )
    if method == "delete":
        return call
    line = f"{call}.json()"
    return line if len(line) <= WIDTH else f"{_call(method, arguments, example.body)}.json()"


def _call(method: str, arguments: Sequence[str], body: Any = None) -> str:
    """A call of the client; with a body, in several lines, and where that is not enough, so is the body."""
    if body is None:
        return f"studio.{method}({', '.join(arguments)})"
    lines = [each if len(each) < WIDTH - 4 else f"json={_in_lines(body, WIDTH - 10)}" for each in arguments]
    inside = textwrap.indent(",\n".join(lines) + ",", "    ")
    return f"studio.{method}(\n{inside}\n)"


def _literal(value: Any) -> str:
    """A value as Python writes it, with the quotes of this project."""
    return re.sub(r"\btrue\b", "True", json.dumps(value))


def _in_lines(value: Any, width: int) -> str:
    """A value in one line where it fits and else an item a line, as the formatter of this project has it."""
    line = _literal(value)
    if len(line) <= width or not isinstance(value, dict | list):
        return line
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_in_lines(one, width - 4)}" for key, one in value.items()]
    else:
        items = [_in_lines(one, width - 4) for one in value]
    # As the formatter has it: no comma after the only item of a list.
    comma = "," if len(items) > 1 or isinstance(value, dict) else ""
    inside = textwrap.indent(",\n".join(items) + comma, "    ")
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inside}\n{closing}"


if __name__ == "__main__":
    main()
