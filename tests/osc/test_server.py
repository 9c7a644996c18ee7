"""OSC over UDP: floods, damage, real clients, and the command itself."""

import socket
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

import patchflow
from patchflow.errors import OptionError
from patchflow.osc.server import OscOut, opened_socket

ROOT = Path(patchflow.__file__).parent.parent
BELL = ROOT / "patchflow" / "examples" / "bell.flac"


def message(path: str, *values: float | str) -> bytes:
    builder = OscMessageBuilder(path)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


# ---- floods


def test_a_flood_leaves_the_last_value_of_each_address(live_tone):
    packets = [
        message(path, number / 3_000) for number in range(3_001) for path in ("/param/amp/gain", "/param/amp/decay")
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number, packet in enumerate(packets):
            sender.sendto(packet, ("127.0.0.1", live_tone.server.port))
            if number % 64 == 0:
                time.sleep(0.002)  # 30 times as fast as anybody plays
    live_tone.settle()

    for name in ("gain", "decay"):
        assert live_tone.patch.parameter(name)[0] == pytest.approx(1.0)


def test_a_flood_while_something_takes_long_takes_no_room(live_tone):
    live_tone.server.mailbox.put(_sleeping(0.5))
    packet = message("/param/amp/gain", 0.25)
    most = 0
    tracemalloc.start()
    for _ in range(20):
        for _ in range(100):
            live_tone.send_bytes(packet)
        most = max(most, len(live_tone.server.mailbox))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most <= 2
    assert grown < 200_000
    live_tone.settle()
    assert live_tone.patch.parameter("gain")[0] == pytest.approx(0.25)


def _sleeping(seconds: float):
    from patchflow.osc.mailbox import Message

    return Message("a rest", lambda: time.sleep(seconds), "event")


def test_a_flood_of_mistakes_is_no_flood_of_answers(live_tone):
    for _ in range(200):  # as many as the system keeps for a reader that is late
        live_tone.send("/nothing", 1.0)
    time.sleep(1.1)
    live_tone.send("/nothing/more", 1.0)
    errors = []
    while not any("/nothing/more" in error for error in errors):
        errors += live_tone.wait("/error")

    assert len(errors) < 120
    assert any("errors that were not sent)" in error for error in errors)


# ---- damage


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"/param/amp/gain",
        b"/param/amp/gain\0,f\0\0\x3f",
        b"/param/amp/gain\0,f\0\0",
        b"/param/amp/gain\0f\0\0\0\x3f\x80\0\0",
        b"/param/amp/gain\0,[f\0\x3f\x80\0\0",
        b"/param/amp/gain\0,s\0\0abc",
        b"/param/amp/gain\0,f,\0\x3f\x80\0\0",
        b"/param/amp/gain\0,b\0\0\xff\xff\xff\xff",
        b"/\xff\xfe\0,\0\0\0",
        b"#bundle\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", -4) + b"/ping\0\0\0,\0\0\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", 2**31 - 1) + b"/pi",
        b"\0" * 64,
        b"/" + b"a" * 60_000,
    ],
)
def test_a_damaged_packet_is_one_error(live_tone, data: bytes):
    live_tone.send_bytes(data)

    assert len(live_tone.wait("/error")) == 1
    assert live_tone.settle() == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(min_size=1, max_size=200),
        st.builds(
            lambda start, rest: start + rest,
            st.sampled_from([b"#bundle\0" + bytes(8), b"/param/macro/1\0\0,", b"/decode\0,ffii\0\0\0", b"/q/"]),
            st.binary(max_size=80),
        ),
    )
)
def test_no_packet_ends_it(fuzzed, data: bytes):
    fuzzed.server._read(data)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    from .conftest import Live

    control = Live(synth="tone", model="none", folders=(tmp_path_factory.mktemp("fuzz"),))
    yield control
    control.settle_quietly()
    control.stop()


def test_bundles_in_bundles_are_read(live_tone):
    inner = OscBundleBuilder(IMMEDIATELY)
    inner.add_content(_built("/param/amp/gain", 0.25))
    outer = OscBundleBuilder(IMMEDIATELY)
    outer.add_content(inner.build())
    outer.add_content(_built("/param/amp/decay", 0.75))
    live_tone.send_bytes(outer.build().dgram)
    live_tone.settle()

    assert live_tone.patch.parameter("gain")[0] == pytest.approx(0.25)
    assert live_tone.patch.parameter("decay")[0] == pytest.approx(0.75)


def _built(path: str, value: float):
    builder = OscMessageBuilder(path)
    builder.add_arg(value)
    return builder.build()


def test_whole_numbers_are_the_same_value_as_others(live_tone):
    keys = {live_tone.server.understood("/param/amp/gain", [value]).key for value in (0, 1, 0.5, True)}

    assert len(keys) == 1


@pytest.mark.parametrize("value", [1, 1.0, True])
def test_numbers_of_every_type_are_numbers(live_tone, value: float):
    live_tone.send("/param/amp/gain", value)
    live_tone.settle()

    assert live_tone.patch.parameter("gain")[0] == 1.0


def test_a_fault_of_ours_is_an_error_and_not_the_end(live_tone):
    from patchflow.osc.mailbox import Message

    live_tone.server.mailbox.put(Message("/here", lambda: 1 / 0))

    assert live_tone.wait("/error")[0].startswith("/here: a fault of patchflow (ZeroDivisionError")
    live_tone.settle()


def test_a_port_in_use_is_said_with_what_to_do():
    with opened_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError) as caught:
            opened_socket("127.0.0.1", port)

    assert f"port={port}: cannot listen on 127.0.0.1" in str(caught.value)
    assert "--port" in str(caught.value)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("192.0.2.1", 0), ("no.such.host.invalid", 0)])
def test_an_address_that_is_not_ours_is_an_error(host: str, port: int):
    with pytest.raises(OptionError, match="cannot listen on"):
        opened_socket(host, port)


def test_a_place_that_is_not_there_is_an_error():
    with pytest.raises(OptionError, match=r"out=no\.\.where:9: no such host is known"):
        OscOut("no..where", 9)


def test_nobody_has_to_listen():
    out = OscOut("127.0.0.1", 9)

    for _ in range(10):
        out.send("/state", "synth", "tone", 1)
    out.close()


# ---- the command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--channel", "17"], "channel=17: not in [1, 16]"),
        (["--out", "nowhere"], "out='nowhere': not of the form HOST:PORT"),
        (["--folder", "gone"], "folder='gone': no such folder"),
        (["--synth", "tone", "--sysex", "--midi-out", "tcp:127.0.0.1:1"], "midi='tcp:127.0.0.1:1': cannot be opened"),
        (["--sysex"], "sysex: needs a MIDI output"),
        (["--midi-out", "tcp:here"], "midi='tcp:here': not of the form tcp:HOST:PORT"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path: Path, monkeypatch, capfd, words: list[str], said: str):
    from patchflow.cli import run

    monkeypatch.chdir(tmp_path)
    code = run(["live", "--port", "0", *words])
    _, err = capfd.readouterr()

    assert code == 1
    assert said in err
    assert len(err.splitlines()) == 1


def test_help_needs_no_torch():
    code = "import sys; from patchflow.cli import run; run(['live', '--help']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "--midi-in" in done.stdout
