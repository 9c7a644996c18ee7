"""The command line: one subcommand, one file; it parses options, calls the library and prints.

What comes in are the words after `patchflow`, what goes out is an exit code. Open `main.py` first. Whatever takes long
to import is imported inside the functions of the commands, so that `--help` answers at once.

* `__main__`: where it begins; Ctrl-C ends it in one line from the first moment on
* `main`: the subcommands, and every error on purpose as one line
* `match render score convert list`: sounds and presets; `presets`: the library; `synth`: plug-ins
* `dataset train evaluate tables`: from a recipe to a results table
* `_parse`: words and numbers of the command line to values
* `_console`: progress and JSON; `_match_output _preset_output`: what commands print
"""

from .__main__ import run

__all__ = ["run"]
