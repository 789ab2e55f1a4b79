"""A load in processes of its own: dealt out, joined, and never left behind."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import time
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.profile import workers
from conformance.profile.load import LoadWorkerError, run_load
from conformance.profile.log import read_log, write_log
from conformance.profile.shape import Bounds, Closed, Open
from conformance.profile.target import Step, Target
from tests.profile import servers
from tests.profile.servers import Asks, serving_in_thread

MS = 1_000_000
TRIO = servers.whole(servers.chat(3))


def answer_after(seconds):
    async def answer(asked, writer):
        await asyncio.sleep(seconds)
        writer.write(TRIO)

    return answer


def children():
    """Return the worker processes of this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            _, _, said = (folder / "stat").read_text("utf-8", "replace").rpartition(")")
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        state, parent, *_ = said.split()
        if int(parent) == os.getpid() and state != "Z" and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    assert children() == []


def within(requests=None, **more):
    return Bounds(requests=requests, **{"warm_up_s": 0.0, "drain_s": 120.0, **more})


def test_a_closed_load_is_dealt_to_its_workers_and_joined(tmp_path):
    with serving_in_thread(answer_after(0.005)) as server:
        log = run_load(
            Target(server.url, "m", key="sk-secret"), Asks(), Closed(3, 0.1),
            within(40, warm_up_s=0.1), workers=2,
        )  # fmt: skip

    header = log.header
    assert (header.workers, header.model, header.workload) == (2, "m", {"kind": "asks"})
    assert header.measured_from == 200 * MS
    assert len(log.measured) == 40
    assert header.measured_to == max(request.intended for request in log.measured)
    assert {(request.session, request.worker) for request in log.requests} == {
        (0, 0), (1, 1), (2, 0),
    }  # fmt: skip
    assert [request.intended for request in log.requests] == sorted(
        request.intended for request in log.requests
    )
    assert all(request.error is None for request in log.requests)
    assert {f"{request.worker}-{request.number}" for request in log.requests} == {
        asked.id for asked in server.asked
    }
    assert [client.worker for client in log.clients] == [0, 1]
    assert sum(client.connections for client in log.clients) == server.connections == 3
    assert all(
        client.is_uvloop is bool(importlib.util.find_spec("uvloop")) for client in log.clients
    )

    write_log(log, tmp_path / "load.jsonl")
    assert read_log(tmp_path / "load.jsonl") == log
    assert b"sk-secret" not in (tmp_path / "load.jsonl").read_bytes()


def test_the_times_of_all_workers_are_of_one_origin():
    with serving_in_thread(answer_after(0.001)) as server:
        before = time.perf_counter_ns(), time.time_ns()
        log = run_load(Target(server.url, "m"), Asks(), Closed(2, 0.0), within(20), workers=2)

    sent = {f"{request.worker}-{request.number}": request for request in log.requests}
    for asked in server.asked:
        request = sent[asked.id]
        assert request.sent < asked.at - log.header.origin_ns < request.ended
    since = log.header.origin_ns - before[0]
    assert log.header.origin_unix_ns - before[1] == pytest.approx(since, abs=20 * MS)


def test_an_open_load_is_dealt_in_turn():
    with serving_in_thread(answer_after(0.05)) as server:
        log = run_load(
            Target(server.url, "m"), Asks(), Open(100.0, "constant"), within(20), workers=2
        )

    assert [request.intended for request in log.requests] == [n * 10 * MS for n in range(20)]
    assert [request.worker for request in log.requests] == [0, 1] * 10
    assert [request.session for request in log.requests] == list(range(20))


def test_a_worker_whose_slots_are_fast_does_not_take_the_others_place():
    """The measured requests are counted over all workers: none stops before the others."""

    async def answer(asked, writer):
        # The first worker gets an answer for every fifteen of the other's, whatever the machine
        # makes of either process; and none waits for what will not come any more.
        def may_go():
            slow = sum(one.id.startswith("0-") for one in server.asked)
            quick = len(server.asked) - slow
            is_turn = quick >= 15 * slow if asked.id.startswith("0-") else quick <= 15 * slow
            return is_turn or len(server.asked) == 60

        while not may_go():  # noqa: ASYNC110 - the server counts them
            await asyncio.sleep(0.002)
        writer.write(TRIO)

    with serving_in_thread(answer) as server:
        log = run_load(Target(server.url, "m"), Asks(), Closed(2, 0.0), within(60), workers=2)

    last = {request.worker: request.intended for request in log.requests}
    slow = [request for request in log.requests if request.worker == 0]
    assert len(log.requests) == 60
    assert 1 <= len(slow) < 20
    assert abs(last[0] - last[1]) <= max(request.ended - request.intended for request in slow)


def test_no_more_workers_are_started_than_there_are_slots():
    with serving_in_thread(answer_after(0.0)) as server:
        log = run_load(Target(server.url, "m"), Asks(), Closed(1, 0.0), within(2), workers=3)

    assert log.header.workers == len(log.clients) == 1


def test_a_load_of_failures_is_a_log_of_them():
    with servers.deaf() as url:
        log = run_load(
            Target(url, "m", timeout_s=0.2), Asks(), Closed(1, 0.0), within(2), workers=1
        )

    assert [request.error for request in log.requests] == ["connect", "connect"]


def test_progress_is_the_sum_of_all_workers():
    told = []
    with serving_in_thread(answer_after(0.05)) as server:
        run_load(
            Target(server.url, "m"), Asks(), Closed(2, 0.0), within(30), workers=2,
            progress=told.append,
        )  # fmt: skip

    assert len(told) >= 2
    assert (told[-1].sent, told[-1].done, told[-1].tokens, told[-1].in_flight) == (30, 30, 90, 0)
    assert all(one.in_flight <= 2 for one in told)


def test_a_worker_that_dies_is_an_error_and_not_a_hang():
    def kill(progress):
        for child in children()[:1]:
            os.kill(child, signal.SIGKILL)

    with (
        serving_in_thread(answer_after(0.05)) as server,
        pytest.raises(LoadWorkerError, match=r"ended by itself \(exit code -9\)"),
    ):
        run_load(
            Target(server.url, "m"), Asks(), Closed(2, 0.0), within(100_000), workers=2,
            progress=kill,
        )  # fmt: skip


def test_an_interrupt_ends_the_workers_and_goes_on():
    def interrupt(progress):
        raise KeyboardInterrupt

    with serving_in_thread(answer_after(0.05)) as server, pytest.raises(KeyboardInterrupt):
        run_load(
            Target(server.url, "m"), Asks(), Closed(2, 0.0), within(100_000), workers=2,
            progress=interrupt,
        )  # fmt: skip


def test_a_worker_is_deaf_to_the_terminals_interrupt():
    def interrupt(progress):
        if progress.done < 3:
            for child in children():
                os.kill(child, signal.SIGINT)

    with serving_in_thread(answer_after(0.1)) as server:
        log = run_load(
            Target(server.url, "m"), Asks(), Closed(1, 0.0), within(6), progress=interrupt
        )

    assert [request.error for request in log.requests] == [None] * 6


class Broken(Asks, frozen=True):
    """Breaks in the worker; ``is_ours`` says how."""

    is_ours: bool = False

    def steps(self, slot):
        yield Step(b"{}")
        if self.is_ours:
            raise UsageError("cannot be read", where="prompts.jsonl", mend="write it")
        raise ValueError("broken")


def test_a_users_error_in_a_worker_is_raised_as_it_is():
    with (
        serving_in_thread(answer_after(0.0)) as server,
        pytest.raises(UsageError, match=r"prompts\.jsonl: cannot be read — write it"),
    ):
        run_load(Target(server.url, "m"), Broken(is_ours=True), Closed(1, 0.0), within(5))


def test_another_error_in_a_worker_is_raised_with_its_traceback():
    with (
        serving_in_thread(answer_after(0.0)) as server,
        pytest.raises(RuntimeError, match="ValueError: broken"),
    ):
        run_load(Target(server.url, "m"), Broken(), Closed(1, 0.0), within(5))


@pytest.mark.parametrize(
    ("target", "shape", "count"),
    [
        (Target("h", "m"), Closed(1), 1),
        (Target("https://h/v1", "m", ca_file="/nowhere.pem"), Closed(1), 1),
        (Target("http://h/v1", "m"), Closed(0), 1),
        (Target("http://h/v1", "m"), Closed(1), 0),
    ],
)
def test_what_cannot_be_used_is_refused_before_a_process_starts(monkeypatch, target, shape, count):
    monkeypatch.setattr(workers.multiprocessing, "get_context", None)

    with pytest.raises(UsageError):
        run_load(target, Asks(), shape, within(1), workers=count)


def test_a_worker_ends_when_its_parent_is_gone():
    """The pipe breaks; the worker's load, which has ten minutes to go, stops with it."""
    context = workers.multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    taken = context.Value("q", 0)
    with serving_in_thread(answer_after(0.05)) as server:
        job = workers._Job(
            Target(server.url, "m"), Asks(), Closed(1, 0.0), within(duration_s=600.0),
            workers.Share(0, 1),
        )  # fmt: skip
        process = context.Process(target=workers._work, args=(theirs, job, taken))
        process.start()
        theirs.close()
        assert ours.recv() == ("ready", None)
        ours.send(time.perf_counter_ns())
        assert ours.recv()[0] == "progress"
        ours.close()
        process.join(120)
        code = process.exitcode
        process.kill()
        process.join()
        process.close()

    assert code == 0


def test_tickets_are_given_out_once_among_workers():
    taken = workers.multiprocessing.get_context("spawn").Value("q", 0)
    first, second = workers._SharedTickets(taken, 3), workers._SharedTickets(taken, 3)

    assert [first.take(), second.take()] == [True, True]
    assert not first.are_gone()
    assert [second.take(), first.take(), second.take()] == [True, False, False]
    assert first.are_gone()
    assert second.are_gone()
    assert workers._SharedTickets(taken, None).take()
    assert not workers._SharedTickets(taken, None).are_gone()
