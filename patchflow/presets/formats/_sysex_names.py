"""Says in words what a MIDI message that holds no DX7 voice is: by its maker, and by what Yamaha's other synths send.

References:
    MIDI Association, SysEx ID table; Yamaha, MIDI data formats of the DX7II, TX81Z, DX11, TX802, FB-01
"""

import numpy as np

__all__ = ["describe_message", "is_four_operator_bank"]

_FOUR = "a 4-operator synth (DX21, DX27, DX100, TX81Z, DX11)"

_YAMAHA_FORMATS = {
    0x00: "a single voice of a DX7, cut off",
    0x01: "function data of a TX7, DX1 or DX5, not used",
    0x02: "64 sets of function data of a TX7, DX1 or DX5, not used",
    0x03: f"a voice of {_FOUR}, which this synth cannot play",
    0x04: f"a bank of 32 voices of {_FOUR}, which this synth cannot play",
    0x05: "the supplement of a voice of a DX7II or TX802 (ACED), not used",
    0x06: "the supplements of 32 voices of a DX7II or TX802 (AMEM), not used",
    0x09: "a bank of voices of a DX7, cut off",
}

_YAMAHA_BULK = {
    "LM  8976AE": "the supplement of a voice of a TX81Z (ACED), which this synth cannot play",
    "LM  8976": "performances or settings of a TX81Z, not used",
    "LM  8023": "the supplement of a voice of a DX11 or V2 (ACED2), which this synth cannot play",
    "LM  8036": "data of a YS100, YS200 or B200, which this synth cannot play",
    "LM  8073": "data of a V50, which this synth cannot play",
    "LM  8054": "data of a WT11, which this synth cannot play",
    "LM  8973P": "performances of a DX7II, not used",
    "LM  8973S": "settings of a DX7II, not used",
    "LM  8952P": "performances of a TX802, not used",
    "LM  8952": "settings of a TX802, not used",
    "LM  MCR": "a micro-tuning of a Yamaha synth, not used",
    "LM  FKS": "fractional scaling of a DX7II, not used",
}

_MAKERS = {
    0x01: "Sequential",
    0x04: "Moog",
    0x06: "Lexicon",
    0x07: "Kurzweil",
    0x0F: "Ensoniq",
    0x10: "Oberheim",
    0x18: "E-mu",
    0x1C: "Eventide",
    0x29: "PPG",
    0x2F: "Elka",
    0x33: "Clavia",
    0x3E: "Waldorf",
    0x40: "Kawai",
    0x41: "Roland",
    0x42: "Korg",
    0x44: "Casio",
    0x47: "Akai",
    0x4C: "Sony",
}

_MORE_MAKERS = {
    bytes((0x00, 0x0E)): "Alesis",
    bytes((0x20, 0x29)): "Novation",
    bytes((0x20, 0x33)): "Access",
    bytes((0x20, 0x3C)): "Elektron",
    bytes((0x20, 0x6B)): "Arturia",
    bytes((0x21, 0x35)): "Dreadbox",
}


def describe_message(message: bytes) -> str:
    r"""Returns what a system-exclusive message is.

    Args:
        message: From F0 on, perhaps cut off.

    Example:
        >>> describe_message(b"\xf0\x41\x10\x00\xf7")
        'a message for a Roland synth'
        >>> describe_message(b"\xf0\x43\x00\x06\x08\x60")
        'the supplements of 32 voices of a DX7II or TX802 (AMEM), not used'
    """
    body = message[1:].removesuffix(b"\xf7")
    if not body:
        return "a message without content"
    if body[0] == 0x43:
        return _of_yamaha(body)
    if body[0] in (0x7E, 0x7F):
        return "a universal message, for any MIDI device"
    if body[0] == 0x7D:
        return "a message for private use"
    maker = _MORE_MAKERS.get(bytes(body[1:3]), "") if body[0] == 0 else _MAKERS.get(body[0], "")
    return f"a message for a {maker} synth" if maker else "a message of another maker's device"


def _of_yamaha(body: bytes) -> str:
    if len(body) < 3:
        return "a message for a Yamaha device, cut off"
    if body[1] == 0x75:
        return "data of an FB-01, which this synth cannot play"
    if body[1] == 0x4C:
        return "a message for a Yamaha XG device"
    kind = body[1] >> 4
    if kind == 1:
        return "a parameter change of a Yamaha synth"
    if kind == 2:
        return "a request for a dump of a Yamaha synth"
    if kind == 0 and body[2] == 0x7E:
        ident = body[5:15].decode("ascii", "replace")
        for start, what in _YAMAHA_BULK.items():
            if ident.startswith(start):
                return what
    if kind == 0 and body[2] in _YAMAHA_FORMATS:
        return _YAMAHA_FORMATS[body[2]]
    return "a message for another Yamaha device"


def is_four_operator_bank(data: bytes) -> bool:
    """Returns whether bytes without a message are voices of a 4-operator synth: by where their names stand.

    Args:
        data: A file, or a part of one.
    """
    if len(data) < 4096:
        return False
    rows = np.frombuffer(data[:4096], np.uint8).reshape(32, 128)
    names = rows[:, 57:67]
    printable = ((names >= 0x20) & (names < 0x7F)).all(1) & (names != 0x20).any(1)
    return bool(printable.mean() >= 0.75 and not rows[:, 100:].any(1).mean() > 0.25 and (rows[:, :57] < 128).all())
