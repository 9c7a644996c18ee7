"""Preset files: one format, one file. `formats["syx"]()` makes one."""

from ...registry import Registry
from ._format import PresetFormat, ReadReport, Rejected

__all__ = ["PresetFormat", "ReadReport", "Rejected", "formats"]

formats: Registry[type[PresetFormat]] = Registry("patchflow.presets.formats", "format")
