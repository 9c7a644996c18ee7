"""Puts right what Vital itself puts up with in its files, and says what that was.

Vital sets every control to what the file says, in range or not, passes over modulations that it does not know,
and leaves parts that are missing as they are in its first preset.
"""

import math
import re
from typing import Any

from ...errors import PresetError
from ...parsing import shown
from ._controls import SLOTS, VitalControl, controls, destinations, sources
from ._document import NEWEST, Document, fresh_part

__all__ = ["feature_version", "mend"]

_LISTS = {"lfos": 8, "wavetables": 3}
_POINTS = 100  # of an LFO's shape
_TEXTS = ("comments", "macro1", "macro2", "macro3", "macro4")
_VERSION = re.compile(r"\s*(\d{1,6})(?:\.(\d{1,6}))?(?:\.[\w.\-+ ]{0,20})?\s*")


def mend(document: Document) -> list[str]:
    """Puts a document right, in place.

    Args:
        document: With `settings`.

    Returns:
        What was wrong, in words.

    Raises:
        PresetError: If Vital would refuse the file too, for a value of a wrong kind.
    """
    settings = document["settings"]
    faults = _texts(document)
    faults += _controls(settings)
    faults += _modulations(settings)
    for part in _LISTS:
        faults += _parts(settings, part)
    faults += _sample(settings)
    _refuse_infinite(document)
    return faults


def feature_version(version: Any) -> tuple[int, int] | None:
    """Returns the first two numbers of a version, which are all that Vital compares; None if it is no version.

    Example:
        >>> feature_version("1.5.6"), feature_version("2"), feature_version("new")
        ((1, 5), (2, 0), None)
    """
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return (int(found[1]), int(found[2] or 0)) if found else None


def _texts(document: Document) -> list[str]:
    wrong = [key for key in _TEXTS if not isinstance(document.get(key, ""), str)]
    return [f"{key}={shown(document.pop(key))}: not a text, left out" for key in wrong]


def _controls(settings: Document) -> list[str]:
    faults = []
    switches = []
    for name, control in controls().items():
        value = settings.get(name, control.default)
        if isinstance(value, bool):
            switches.append(name)
            settings[name] = value = float(value)
        elif isinstance(value, str):
            settings[name] = value = _number(name, value)
            faults.append(f"{name}={value:g}: given as a text")
        if value is None or (isinstance(value, float) and math.isnan(value)):
            faults.append(f"{name}={shown(value)}: not a number, taken as {control.default:g}, Vital's default")
            del settings[name]
        elif not isinstance(value, int | float):
            raise PresetError(f"{name}={shown(value)}: not a number")
        elif not _allowed(control, value):
            settings[name] = _limited(control, value)
            whole = "a whole number " if control.discrete else ""
            allowed = f"not {whole}in [{control.low:g}, {control.high:g}]"
            faults.append(f"{name}={value!r}: {allowed}, taken as {settings[name]:g}")
    if switches:
        more = f", and {len(switches) - 1} more" if len(switches) > 1 else ""
        faults.append(f"{switches[0]}{more}: true or false, taken as 1 or 0")
    return faults


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PresetError(f"{name}={shown(text)}: not a number") from error


def _allowed(control: VitalControl, value: float) -> bool:
    try:
        control.value(value)
    except PresetError:
        return False
    return True


def _limited(control: VitalControl, value: float) -> float:
    limited = min(max(value, control.low), control.high)
    return float(round(limited)) if control.discrete else limited


def _modulations(settings: Document) -> list[str]:
    slots = settings.get("modulations")
    if slots is None:
        settings["modulations"] = []
        return ["modulations: missing, taken as none"]
    _check_list("modulations", slots)
    faults = []
    if len(slots) > SLOTS:
        faults.append(f"modulations: {len(slots):,}, of which the first {SLOTS} are taken, as many as Vital has")
        del slots[SLOTS:]
    for number, slot in enumerate(slots, 1):
        if not isinstance(slot, dict):
            raise PresetError(f"modulation {number}: {shown(slot)}: not an object")
        faults += _slot(slot, number)
    return faults


def _slot(slot: Document, number: int) -> list[str]:
    faults = []
    known = {"source": sources(), "destination": destinations()}
    for end, names in known.items():
        name = slot.get(end)
        if name is None:
            faults.append(f"modulation {number}: has no {end}, and is left out")
            slot[end] = ""
        elif not isinstance(name, str):
            raise PresetError(f"modulation {number}: {end}={shown(name)}: not a text")
        elif name and name not in names:
            faults.append(f"modulation {number}: {end}={shown(name)}: unknown, and it is left out")
            slot[end] = ""
        elif name == f"modulation_{number}_amount":
            faults.append(f"modulation {number}: modulates its own amount, and is left out")
            slot[end] = ""
    if faults:
        slot |= {"source": "", "destination": ""}
    if "line_mapping" in slot:
        faults += _shape(slot, "line_mapping", f"modulation {number}: line_mapping", "straight")
        if slot["line_mapping"] is None:
            del slot["line_mapping"]
    return faults


def _parts(settings: Document, part: str) -> list[str]:
    """Fills up the LFOs or wavetables with those of the first preset, as many as Vital has."""
    most = _LISTS[part]
    found = settings.get(part)
    if found is None:
        settings[part] = fresh_part(part)
        return [f"{part}: missing, taken from Vital's first preset"]
    _check_list(part, found)
    faults = []
    if len(found) > most:
        faults.append(f"{part}: {len(found):,}, of which the first {most} are taken, as many as Vital has")
        del found[most:]
    if len(found) < most:
        faults.append(f"{part}: {len(found)} instead of {most}, the others are taken from Vital's first preset")
        found += fresh_part(part)[len(found) :]
    for place, item in enumerate(found):
        where = f"{part[:-1]} {place + 1}"
        if item is not None and not isinstance(item, dict):
            raise PresetError(f"{where}: {shown(item)}: not an object")
        # A wavetable may be drawn as an LFO is.
        if part == "wavetables" and item is not None and "points" not in item:
            faults += _wavetable(found, place, where)
        else:
            faults += _shape(found, place, where)
        if found[place] is None:
            found[place] = fresh_part(part)[place]
    return faults


def _wavetable(tables: list[Any], place: int, where: str) -> list[str]:
    """Makes a wavetable None that cannot be read; in one of a newer Vital, only the version is changed."""
    table = tables[place]
    if not isinstance(table.get("groups"), list):
        tables[place] = None
        return [f"{where}: has no groups, taken from Vital's first preset"]
    version = feature_version(table.get("version"))
    if version and version > (feature_version(NEWEST) or version):
        table["version"] = NEWEST
    return []


def _shape(holder: Any, key: Any, where: str, instead: str = "from Vital's first preset") -> list[str]:
    """Makes the counts of a shape agree, or the shape None if there is none left."""
    shape = holder[key]
    points = _numbers(shape, "points")
    powers = _numbers(shape, "powers")
    count = min(len(points) // 2, _POINTS)
    if not count:
        holder[key] = None
        return [f"{where}: has no points that can be read, taken {instead}"]
    # Vital reads as many points as there are powers, and asks num_points where the shape ends.
    agrees = shape.get("num_points") == len(powers) == count and len(points) == 2 * count
    smooth = shape.get("smooth", False)
    if agrees and isinstance(smooth, bool) and isinstance(shape.get("name", ""), str):
        return []
    powers = [*powers, *[0.0] * count][:count]
    name = shape.get("name", "")
    fixed = {"name": name if isinstance(name, str) else "", "num_points": count, "smooth": bool(smooth)}
    holder[key] = {**shape, **fixed, "points": points[: 2 * count], "powers": powers}
    return [f"{where}: its points and powers do not agree, or are of a wrong kind, taken as {count} points"]


def _numbers(shape: Any, key: str) -> list[float]:
    """The numbers of a list, up to the first that is none."""
    found = shape.get(key) if isinstance(shape, dict) else None
    numbers = []
    for number in found if isinstance(found, list) else []:
        if not isinstance(number, int | float) or not math.isfinite(number):
            break
        numbers.append(number)
    return numbers


def _sample(settings: Document) -> list[str]:
    sample = settings.get("sample")
    if sample is None:
        settings["sample"] = fresh_part("sample")
        return ["sample: missing, taken from Vital's first preset"]
    if not isinstance(sample, dict):
        raise PresetError(f"sample={shown(sample)}: not an object")
    numbers = all(isinstance(sample.get(key), int | float) for key in ("length", "sample_rate"))
    if numbers and isinstance(sample.get("samples"), str):
        return _length(sample)
    settings["sample"] = fresh_part("sample")
    return ["sample: has no length, sample_rate or samples, taken from Vital's first preset"]


def _length(sample: Document) -> list[str]:
    """Limits the length of a sample to what is there: Vital would play what lies behind it in memory."""
    texts = [sample[key] for key in ("samples", "samples_stereo") if isinstance(sample.get(key), str)]
    there = [len(text.rstrip("=")) * 6 // 16 for text in texts]  # base 64, of 16 bits a sample
    if 0 <= sample["length"] <= min(there):
        return []
    fault = f"sample: its length is given as {shown(sample['length'])}, and is {min(there):,}"
    sample["length"] = min(there)
    return [fault]


def _check_list(name: str, found: Any) -> None:
    if not isinstance(found, list):
        raise PresetError(f"{name}: {shown(found)} is no list")


def _refuse_infinite(document: Document) -> None:
    """Refuses numbers that no file may hold, outside of controls and shapes."""
    left: list[tuple[str, Any]] = list(document.items())
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += value.items()
        elif isinstance(value, list):
            left += [(name, item) for item in value]
        elif isinstance(value, float) and not math.isfinite(value):
            raise PresetError(f"{shown(name)}={value}: not a finite number")
