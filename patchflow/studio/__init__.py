"""The studio: the HTTP server behind the page on which a sound becomes a preset; it holds no logic of its own.

Requests come in, answers of the library go out: everything is done by `match`, `explore`, `ear`, `browse` and the
engines. Whatever is kept lies in one folder, the workspace. Open `app.py` first.

* `app.py`: builds the server: its routers, errors and pages
* `guard.py`: who may ask, how much may be sent, and what a page may load
* `desk.py`: what all requests share: settings, and sounds and presets on the disk
* `players.py`: the synths that play notes at once, and the notes that were played
* `jobs.py`: the queue of long work, fair and kept on the disk; `job_states.py` is what a job is, `worker.py` the
  process that does them, `tasks.py` what each kind does
* `curves.py`: what can be drawn of a preset
* `sound_routes.py`, `preset_routes.py`, `job_routes.py`: sounds, presets and jobs by HTTP; `shape_routes.py`: macros,
  curves, and what differs between presets
"""

from .app import build_app
from .desk import Desk, desk
from .guard import StudioSettings

__all__ = ["Desk", "StudioSettings", "build_app", "desk"]
