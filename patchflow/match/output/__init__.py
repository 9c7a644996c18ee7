"""Matches sound files and writes the results: presets, banks, audio, a picture and numbers.

What comes in are sound files and a `Matcher`, or one `MatchResult`; what goes out are files in one folder, those of one
sound all or none. Nothing here decides what is a good match. Open `match_files.py` first.

* `match_files`: matches sounds one after the other and has each result written
* `names`: names of all files, chosen before the first search so that none overwrites another or a sound; all files of
  one call written with their numbers, where what an earlier call left goes
* `writer`: writes the files of one sound, and the banks of several
* `rendition`: each synth as it plays candidates and makes files of them; all equally loud, measured by every metric
* `distances`: how far one sound is from another, by every metric; for `patchflow score` as well
* `picture`: the target beside its candidates, as PNG; `drawing` has it drawn by a process of its own
* `summary`: everything about a match in numbers, as JSON, and what an earlier one says
* `play`: reads one preset of a file, or a candidate of a result, and plays it into a sound file, for `patchflow render`
"""

__all__: list[str] = []
