"""Devices of other machines: their clocks, their losses, and peers that are none."""

import asyncio
import json
import math
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import ConformanceError, UsageError
from conformance.profile.power import remote
from conformance.profile.power import sampler as sampler_module
from conformance.profile.power.energy import Rules, energy_of
from conformance.profile.power.recorder import Recorder
from conformance.profile.power.remote import RemoteReader, connect_samplers
from conformance.profile.power.sampler import Sampler
from conformance.profile.power.stream import (
    Address,
    Ping,
    Pong,
    SamplerError,
    Spoken,
    decode,
    encode,
    is_proven,
    parse_address,
    prove,
)
from tests.profile.power.readers import PlayedReader, S, wait_until

TOKEN = "a-token-of-some-length"
FREE = Address("127.0.0.1", 0)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Both sides are this process: on a busy machine neither has to be quick."""
    monkeypatch.setattr(remote, "CONNECT_S", 60.0)
    monkeypatch.setattr(remote, "SILENCE_S", 60.0)
    monkeypatch.setattr(sampler_module, "PATIENCE_S", 60.0)


LOOSE = Rules(gap_s=math.inf, least_rate_hz=0)


def another_clock():
    """A machine that was started an hour earlier and whose crystal is 50 ppm fast."""
    return round(time.perf_counter_ns() * (1 + 50e-6)) + 3600 * S


@contextmanager
def serving(*readers, node="rack-1", address=FREE, **other):
    """Run a sampler in a thread of its own; yield its address."""
    sampler = Sampler(readers, node, **({"hz": 100, "clock": another_clock} | other))
    at, begun, failed = [], threading.Event(), []
    loop = asyncio.new_event_loop()

    def announce(found):
        at.append(found)
        begun.set()

    def run():
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - told in the test's thread
            failed.append(error)
        finally:
            loop.close()
            begun.set()

    task = loop.create_task(sampler.serve(address, announce))
    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    try:
        if failed:
            raise failed[0]
        yield at[0]
    finally:
        if not failed:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()


@contextmanager
def connected(address, token=""):
    reader = RemoteReader(address, token)
    try:
        yield reader
    finally:
        reader.close()


def gathered(reader, least):
    """Read until there are so many readings."""
    readings = []

    def enough():
        readings.extend(reader.read())
        return len(readings) >= least

    wait_until(enough)
    return readings


def rising(begin):
    """A power that rises by 100 W a second, and its energy.

    A machine that stops for a while leaves readings out, and none between two of a line is missed.
    """

    def power(now):
        return 300 + 100 * (now - begin) / S

    def joules(now):
        return 300 * (now - begin) / S + 50 * ((now - begin) / S) ** 2

    return power, joules


def test_two_samplers_with_other_clocks_give_the_right_energy():
    """Off by an hour and drifting: readings by their own clocks would lie outside any window."""
    power, joules = rising(time.perf_counter_ns())
    slow_clock = {"clock": lambda: round(time.perf_counter_ns() * (1 - 50e-6)) - 900 * S}
    with (
        serving(PlayedReader({"0": power}), node="rack-1") as one,
        serving(PlayedReader({"0": power}), node="rack-2", **slow_clock) as two,
        Recorder(connect_samplers([str(one), str(two)]), hz=50) as recorder,
    ):
        wait_until(lambda: len({reading.device for reading in recorder.readings()}) == 2)
        start = time.perf_counter_ns()
        wait_until(lambda: time.perf_counter_ns() - start > 2.3 * S)
        end = time.perf_counter_ns()
        log = recorder.log()
    assert [device.key for device in log.devices] == [
        "rack-1/nvidia/GPU-0",
        "rack-2/nvidia/GPU-0",
    ]
    assert log.methods[0] == f"sampler rack-1 at {one}: played"
    assert log.header.problems == []
    energy = energy_of(log.readings, log.devices, start, end, rules=LOOSE)
    truth = joules(end) - joules(start)
    for part in energy.devices:
        assert abs(part.joules - truth) <= part.uncertainty_j
    assert abs(energy.joules - 2 * truth) <= energy.uncertainty_j


def test_readings_bear_our_time_and_what_it_may_be_off():
    begin = time.perf_counter_ns()
    with serving(PlayedReader({"0": lambda now: now % S / 1e6})) as at, connected(at) as reader:
        readings = gathered(reader, 10)
    for reading in readings:
        truth = reading.power_w * 1e6
        assert begin < reading.t_ns < time.perf_counter_ns()
        assert abs((reading.t_ns - truth + S / 2) % S - S / 2) <= reading.t_error_ns + 100_000


def test_a_counter_comes_through():
    with (
        serving(PlayedReader({"0": 250.0}, counts=True)) as at,
        connected(at) as reader,
    ):
        readings = gathered(reader, 20)
    start, end = readings[1].t_ns, readings[-2].t_ns
    energy = energy_of(readings, reader.devices(), start, end, rules=LOOSE)
    assert energy.devices[0].method == "counter"
    truth = 250 * (end - start) / S
    assert abs(energy.devices[0].counter_j - truth) <= energy.devices[0].uncertainty_j


def test_a_token_opens_and_another_does_not():
    with serving(PlayedReader({"0": 70.0}), token=TOKEN) as at:
        with connected(at, TOKEN) as reader:
            assert gathered(reader, 1)
        for wrong in ("", TOKEN + "x", "\u4e2d" * 20):
            with pytest.raises(SamplerError, match="token is not the sampler's"):
                RemoteReader(at, wrong)


def test_the_token_is_never_sent():
    assert TOKEN not in prove(TOKEN, "1")
    assert prove(TOKEN, "1") != prove(TOKEN, "2")
    assert is_proven(prove(TOKEN, "1"), TOKEN, "1")
    assert not is_proven(prove(TOKEN, "1"), TOKEN, "2")
    assert not is_proven("", TOKEN, "1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "gpu-node"])
def test_others_may_not_reach_it_without_a_token(host):
    with (
        pytest.raises(UsageError, match="there is no token"),
        serving(PlayedReader({"0": 70.0}), address=Address(host, 0)),
    ):
        pass


def test_an_address_that_is_taken_is_told():
    with (
        serving(PlayedReader({"0": 70.0})) as at,
        pytest.raises(UsageError, match="cannot listen on"),
        serving(PlayedReader({"0": 70.0}), address=at),
    ):
        pass


def test_two_samplers_of_one_name_are_refused():
    """The same sampler named twice would count its devices twice."""
    with (
        serving(PlayedReader({"0": 70.0})) as at,
        pytest.raises(ConformanceError, match="read twice"),
    ):
        connect_samplers([str(at), str(at)])


def test_several_clients_are_served_and_no_more_than_a_few(monkeypatch):
    monkeypatch.setattr(sampler_module, "MOST_CLIENTS", 2)
    with (
        serving(PlayedReader({"0": 70.0})) as at,
        connected(at) as one,
        connected(at) as two,
    ):
        assert gathered(one, 3)
        assert gathered(two, 3)
        with pytest.raises(SamplerError, match="2 clients already"):
            RemoteReader(at)


def test_a_lost_connection_is_a_gap_and_is_made_anew():
    with serving(PlayedReader({"0": 70.0})) as at:
        reader = RemoteReader(at)
        recorder = Recorder([reader], hz=100)
        recorder.__enter__()
        wait_until(lambda: len(recorder.readings()) >= 5)
    with kept(at):
        wait_until(lambda: recorder.problems)
        before = len(recorder.readings())
        lost = time.perf_counter_ns()
        wait_until(lambda: time.perf_counter_ns() - lost > 1.2 * S)
    with serving(PlayedReader({"0": 70.0}), address=at):
        wait_until(lambda: len(recorder.readings()) > before + 5)
        recorder.__exit__()
    assert "1 looks failed" in recorder.problems[0]
    readings = recorder.readings()
    energy = energy_of(readings, recorder.devices, readings[0].t_ns, readings[-1].t_ns)
    assert "power-gap" in [reason.code for reason in energy.reasons]
    assert energy.joules is None


@contextmanager
def kept(address):
    """Let nobody else have the port meanwhile; who connects is refused."""
    with socket.socket() as unused:
        unused.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        unused.bind(address)
        yield


def test_a_sampler_that_is_another_node_now_is_not_taken_for_the_first():
    with serving(PlayedReader({"0": 70.0})) as at:
        reader = RemoteReader(at)
    with (
        serving(PlayedReader({"0": 70.0}), node="rack-9", address=at),
        pytest.raises(SamplerError, match="another node than rack-1"),
    ):
        wait_until(lambda: not gathered_or_lost(reader))
    reader.close()


def gathered_or_lost(reader):
    """Read; a connection that was lost is expected, another node is not."""
    try:
        reader.read()
    except SamplerError as error:
        if "another node" in str(error):
            raise
    return True


def test_what_fails_at_the_sampler_is_told_at_the_client():
    played = PlayedReader({"0": 70.0}, failing=range(2, 4))
    told = ["rack-1: played: 2 looks failed, last: played: printed nothing"]
    with serving(played) as at, Recorder([RemoteReader(at)]) as recorder:
        # A beat may come between the two, and tell of one.
        wait_until(lambda: recorder.problems == told)


def test_nobody_there_is_told_with_how_to_mend_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SamplerError, match="cannot be reached") as caught:
        RemoteReader(Address("127.0.0.1", port))
    assert f"sampler 127.0.0.1:{port}" in str(caught.value)
    assert "conformance profile sampler" in str(caught.value)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70, "."])
def test_a_name_that_is_none_cannot_be_reached(host):
    with pytest.raises(SamplerError, match="cannot be reached"):
        RemoteReader(Address(host, 9))


GREETING = b'{"type":"greeting","format":"power-stream/1","nonce":"5"}\n'
DEVICE = {"vendor": "nvidia", "index": "0", "id": "GPU-0", "node": "rack-1"}
WELCOME = {
    "type": "welcome", "node": "rack-1", "devices": [DEVICE], "methods": ["played"], "hz": 20,
}  # fmt: skip


def line(document):
    return json.dumps(document).encode() + b"\n"


def pong(number, received, answered):
    return line({"type": "pong", "number": number, "received": received, "answered": answered})


@contextmanager
def played(*scripts):
    """Play a peer: each script gets a connection as a file."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run():
            for script in scripts:
                try:
                    connection, _ = server.accept()
                    with connection, connection.makefile("rwb", buffering=0) as file:
                        script(file)
                        while file.readline(100):
                            pass
                except OSError:
                    return

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Address("127.0.0.1", server.getsockname()[1])
        finally:
            with socket.socket() as last:
                last.settimeout(1)
                last.connect_ex(server.getsockname())
            thread.join()


def saying(*lines):
    def script(file):
        for said in lines:
            file.write(said)

    return script


def opened(file, welcome=WELCOME):
    file.write(GREETING)
    file.readline()
    file.write(line(welcome))
    for _ in range(8):
        answer(file)


def answer(file, shift=0):
    ping = decode(file.readline(), Ping, "client")
    now = time.perf_counter_ns() + shift
    file.write(encode(Pong(ping.number, now, now)))


BEAT = {"type": "beat", "problems": []}
HELLO = {"type": "greeting", "format": "power-stream/1", "nonce": "5"}


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "what is not known"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "what is not known"),
        ([b"\xff\x00\xfe\n"], "what is not known"),
        ([b"[" * 100_000 + b"\n"], "what is not known"),
        ([b"{" * 2_000_000], "a line without an end"),
        ([line(BEAT)], "no greeting"),
        ([line(HELLO | {"format": "power-stream/2"})], "no greeting"),
        ([line(HELLO | {"more": 1})], "what is not known"),
        ([GREETING, GREETING], "no welcome"),
        ([GREETING, line({"type": "refusal", "why": "no\x1b[2J"})], r"refuses: 'no\\x1b"),
        ([GREETING, line(WELCOME | {"node": ""})], "no name of its node"),
        ([GREETING, line(WELCOME | {"node": "\x1b[2Jrack-1"})], "cannot be shown"),
        ([GREETING, line(WELCOME | {"methods": ["x" * 1001]})], "cannot be shown"),
        ([GREETING, line(WELCOME | {"devices": [DEVICE | {"name": "a\nb"}]})], "cannot be shown"),
        ([GREETING, line(WELCOME | {"node": "rack-2"})], "devices of another node"),
        ([GREETING, line(WELCOME | {"devices": []})], "no devices, or too many"),
        ([GREETING, line(WELCOME | {"devices": [DEVICE, DEVICE]})], "two devices of one name"),
        ([GREETING, line(WELCOME | {"devices": [DEVICE | {"vendor": "x"}]})], "not known"),
        ([GREETING, line(WELCOME | {"hz": 0})], "no devices, or too many"),
        ([GREETING, line(WELCOME | {"hz": 1e9})], "no devices, or too many"),
        ([GREETING, line(WELCOME).replace(b'"hz": 20', b'"hz": NaN')], "what is not known"),
        ([GREETING, line(WELCOME), pong(7, 1, 1)], "not asked for"),
        ([GREETING, line(WELCOME), pong(1, 5, 1)], "before it was asked"),
        ([GREETING, line(WELCOME), pong(1, 0, 1 << 63)], "not asked for"),
        ([GREETING, line(WELCOME), GREETING], "a Greeting in the middle"),
    ],
)
def test_a_peer_that_is_no_sampler_is_refused(said, complaint):
    with played(saying(*said)) as at, pytest.raises(SamplerError, match=complaint):
        RemoteReader(at)


def test_what_a_sampler_is_not_sure_of_is_part_of_what_a_time_may_be_off():
    def script(file):
        opened(file)
        now = time.perf_counter_ns()
        file.write(b'{"type":"batch","samples":[[%d,0,70,null,5000000]]}\n' % now)

    with played(script) as at, connected(at) as reader:
        (reading,) = gathered(reader, 1)
    assert 5_000_000 < reading.t_error_ns < S


def test_a_peer_that_says_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(remote, "CONNECT_S", 0.2)
    with (
        played(saying(b"")) as at,
        pytest.raises(SamplerError, match=r"was silent for 0\.2 s"),
    ):
        RemoteReader(at)


def test_a_sampler_that_falls_silent_is_a_lost_connection(monkeypatch):
    monkeypatch.setattr(remote, "SILENCE_S", 0.2)
    monkeypatch.setattr(remote, "PING_S", 0.1)
    with played(opened) as at, connected(at) as reader:
        wait_until(lambda: reader._lost)
        with pytest.raises(SamplerError, match="was silent"):
            reader.read()


def batch(sample):
    return b'{"type":"batch","samples":[' + sample + b"]}\n"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (batch(b"[%d,0,NaN,null,0]"), "not known"),
        (batch(b"[%d,0,1e999,null,0]"), "not known"),
        (batch(b"[%d,0,-1,null,0]"), "impossible reading"),
        (batch(b"[%d,0,30000,null,0]"), "impossible reading"),
        (batch(b"[%d,0,70,-5,0]"), "impossible reading"),
        (batch(b"[%d,1,70,null,0]"), "of no device, or of no time"),
        (batch(b"[%d,-1,70,null,0]"), "of no device, or of no time"),
        (batch(b"[%d,0,70,null,-1]"), "of no device, or of no time"),
        (batch(b"[%d0000000000,0,70,null,0]"), "of no device, or of no time"),
        (batch(b"[%d000,0,70,null,0]"), "impossible reading|of no time"),
        (batch(b"[-%d,0,70,null,0]"), "impossible reading"),
        (batch(b"[%d,0,70,null,0,1]"), "not known"),
        (b'{"type":"batch","samples":{"t":%d}}\n', "not known"),
        (b'{"type":"beat","problems":["\\u001b[31m%d"]}\n', "cannot be shown"),
        (b"%d\n", "not known"),
        (b'{"type":"pong","number":3,"received":%d,"answered":5}\n', "not asked for"),
        (line(WELCOME).replace(b"rack-1", b"rack-%d"), "a Welcome in the middle"),
        (b"x" * 1_200_000 + b"%d", "a line without an end"),
    ],
)
def test_a_sampler_that_says_impossible_things_is_let_go_of(said, complaint):
    def script(file):
        opened(file)
        file.write(said.replace(b"%d", b"%d" % time.perf_counter_ns()))

    with played(script) as at, connected(at) as reader:
        wait_until(lambda: reader._lost)
        with pytest.raises(SamplerError, match=complaint) as caught:
            reader.read()
        assert reader.read() == []
    assert str(caught.value).startswith(f"sampler {at}: ")


def test_a_sampler_that_floods_is_let_go_of():
    def script(file):
        opened(file)
        many = b"[%d,0,70,null,0]," % time.perf_counter_ns() * 900
        file.write(b'{"type":"batch","samples":[' + many[:-1] + b"]}\n")

    with played(script) as at, connected(at) as reader:
        wait_until(lambda: reader._lost)
        with pytest.raises(SamplerError, match="more readings than announced"):
            reader.read()


def test_a_clock_that_jumps_is_a_lost_connection():
    def script(file):
        opened(file)
        answer(file, shift=5 * S)

    with played(script) as at, connected(at) as reader:
        wait_until(lambda: reader._lost)
        with pytest.raises(SamplerError, match="clock jumped"):
            reader.read()


def raw(at, *said):
    """Say something to a sampler; return its greeting and all it says then, or for a while."""
    heard = b""
    with socket.create_connection(at, 60) as connection, suppress(OSError):
        for words in said:
            connection.sendall(words)
        while more := connection.recv(65536):
            heard += more
            connection.settimeout(0.3)
    return heard


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\n",
        b"{" * 100_000,
        b'{"type":"proof","proof":5}\n',
        b'{"type":"ping","number":1}\n',
        b'{"type":"proof","proof":"\xe4\xb8\xad"}\n',
        b'{"type":"proof","proof":"' + b"0" * 64 + b'"}\n',
    ],
)
def test_a_client_without_the_token_gets_no_reading_and_harms_nobody(said):
    with serving(PlayedReader({"0": 70.0}), token=TOKEN) as at, connected(at, TOKEN) as reader:
        heard = raw(at, said)
        assert heard.startswith(b'{"type":"greeting"')
        assert b"welcome" not in heard
        assert b"batch" not in heard
        assert gathered(reader, 5)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5))
def test_no_garbage_after_the_welcome_ends_the_sampler(garbage):
    with serving(PlayedReader({"0": 70.0})) as at:
        raw(at, b'{"type":"proof","proof":""}\n', *(words + b"\n" for words in garbage))
        with connected(at) as reader:
            assert gathered(reader, 2)


def test_a_client_that_does_not_listen_is_let_go(monkeypatch):
    monkeypatch.setattr(sampler_module, "BEHIND", 3)
    wide = PlayedReader({str(number): 70.0 for number in range(2000)})
    with serving(wide) as at, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(at)
        deaf.sendall(b'{"type":"proof","proof":""}\n')
        wait_until(lambda: wide.looks >= 10)
        with connected(at) as reader:
            assert gathered(reader, 2000)


def test_a_client_that_is_too_far_behind_gets_the_end_in_place_of_all_that_waits():
    queue = asyncio.Queue(2)
    for word in (b"1", b"2", b"3"):
        sampler_module._put(queue, word)
    assert queue.get_nowait() is None
    assert queue.empty()


def test_a_line_without_an_end_ends_the_connection(monkeypatch):
    monkeypatch.setattr(sampler_module, "PATIENCE_S", 600)
    with (
        serving(PlayedReader({"0": 70.0})) as at,
        socket.create_connection(at, 20) as connection,
    ):
        connection.recv(1000)
        with suppress(ConnectionError):
            connection.sendall(b"{" * 100_000)
            assert connection.recv(1000) == b""


@given(st.binary(max_size=100) | st.text('{}[]":,typebatchsm01-.e', max_size=60).map(str.encode))
def test_any_line_is_a_message_or_a_sampler_error(words):
    with suppress(SamplerError):
        assert isinstance(decode(words, Spoken, "here"), Spoken)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.7:80", Address("10.0.0.7", 80)),
        ("node-1", Address("node-1", 9560)),
        ("[fd00::7]:80", Address("fd00::7", 80)),
        ("[::1]", Address("::1", 9560)),
        (" localhost:0 ", Address("localhost", 0)),
    ],
)
def test_an_address_is_read(text, address):
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", ":", ":80", "host:", "host:x", "host:70000", "::1:80", "[::1", "[::1]80", "[host]:80",
     "host:-1", "a:b:1", "::1]:80", "host:٣"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match=r"is no HOST:PORT"):
        parse_address(text)


def test_only_loopback_is_loopback():
    near = ["127.0.0.1", "127.8.0.1", "::1", "localhost"]
    far = ["0.0.0.0", "::", "10.0.0.7", "localhost.example", "127.0.0.1.example", ""]
    assert all(Address(host, 1).is_loopback for host in near)
    assert not any(Address(host, 1).is_loopback for host in far)
