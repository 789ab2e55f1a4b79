"""The client against the bundled endpoint, whose own record of its writes is the truth.

An error is a quantile as the client read it less the same quantile of the record: what the client,
and the system between the two, add. Both clocks are one, that of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.errors import AgentUnavailableError
from conformance.mock.truth import lag_of
from conformance.profile.document import Calibration, CalibrationPoint
from conformance.profile.metrics import MS, readings
from conformance.profile.percentiles import quantile
from conformance.profile.shape import Bounds, Closed
from conformance.profile.target import Step, Target
from conformance.profile.workload import Envelope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.mock import Written
    from conformance.profile.log import LoadLog
    from conformance.profile.metrics import Readings
    from conformance.profile.target import LoadDialect

MOST_LAG_MS = 2.0
"""Of the bundled endpoint's own writes at p99; above it nothing is said of the client."""
TRIES = 3
"""How often a point is measured whose truth is void; what the client read has no part in it."""
_SECONDS = 3.0
"""Of the measured part of a point, where no number of requests is asked for."""
_WARM_UP_S = 0.5
_ASKED = b'{"role":"user","content":"How long does this take?"}'


class _Same(msgspec.Struct, frozen=True):
    """One and the same request, again and again."""

    body: bytes
    tokens: int

    def steps(self, slot: int) -> Iterator[Step]:
        """See ``Workload``."""
        del slot
        while True:
            yield Step(self.body, asked_tokens=self.tokens)

    def describe(self) -> dict[str, Any]:
        """See ``Workload``."""
        return {"kind": "calibration", "tokens": self.tokens}


def calibrate(
    concurrencies: Sequence[int],
    *,
    ttft_ms: float = 50.0,
    chunk_gap_ms: float = 10.0,
    tokens: int = 100,
    requests: int | None = None,
    workers: int = 1,
    dialect: LoadDialect = "chat",
) -> Calibration:
    """Load the bundled endpoint, in a process of its own, and compare what the client read.

    Args:
        concurrencies: Of the points, the lowest first; each is measured again where it is void.
        ttft_ms: What the endpoint is to take to the first token.
        chunk_gap_ms: And between two tokens, each an event.
        tokens: Of an answer.
        requests: Of the measured part of a point; three seconds of them where None. One answer
            of the default pace takes a second, so that this is quick, and its p99 is rough.
        workers: Processes of the client, as the profile's.
        dialect: As the profile's.

    Raises:
        AgentUnavailableError: the endpoint did not start, or not one request was answered.
    """
    from conformance.mock import Pace, PacedMock, PacedReply
    from conformance.profile.load import run_load

    pace = Pace(ttft_s=ttft_ms / 1000, itl_s=chunk_gap_ms / 1000)
    answer_s = (ttft_ms + (tokens - 1) * chunk_gap_ms) / 1000
    bounds = Bounds(
        requests=requests,
        duration_s=_SECONDS if requests is None else None,
        warm_up_s=_WARM_UP_S,
    )
    points = []
    with PacedMock(PacedReply(tokens=tokens, pace=pace)) as mock:
        target = Target(mock.base_url, mock.reply.model, dialect)
        workload = _Same(Envelope(target.model, dialect).body(_ASKED, tokens), tokens)
        for concurrency in sorted(set(concurrencies)):
            # Over one answer, so that no two slots are in step.
            shape = Closed(concurrency, stagger_s=answer_s)
            for _ in range(TRIES):
                log = run_load(target, workload, shape, bounds, workers=min(workers, concurrency))
                point = compare(log, mock.truth().written)
                if not point.is_void:
                    break
            points.append(point)
    return Calibration(ttft_ms=ttft_ms, chunk_gap_ms=chunk_gap_ms, tokens=tokens, points=points)


def compare(log: LoadLog, truth: Iterable[Written]) -> CalibrationPoint:
    """Hold a closed loop's log against the endpoint's record.

    Only requests of the measured part count that were done and are in the record, joined by the
    id that was on the wire. TTFT is to the first content: the client's from its actual send, the
    record's from the arrival of the request, so that a slow send is the client's error. Gaps are
    between events that bring tokens, all requests pooled.

    Args:
        log: Of the client.
        truth: Of the endpoint; it may hold other requests too.

    Raises:
        AgentUnavailableError: not one request is in both.
        ValueError: the log is of no closed loop.
    """
    shape = log.header.shape
    if not isinstance(shape, Closed):
        raise ValueError("a calibration is a closed loop")  # noqa: TRY004 - the type is right
    written = {answer.request_id: answer for answer in truth}
    read: list[Readings] = []
    answers: list[Written] = []
    for request in log.measured:
        reading = readings(request, None)
        answer = written.get(f"{request.worker}-{request.number}")
        if reading is not None and answer is not None and answer.is_whole:
            read.append(reading)
            answers.append(answer)
    if not read:
        raise AgentUnavailableError(
            "not one request of the calibration was answered",
            where=log.header.base_url,
            mend="see whether other programs take all of this machine's processors",
        )
    ttft = _Pair(
        [one.ttft for one in read if one.ttft is not None],
        [answer.ttft_ns / MS for answer in answers if answer.ttft_ns is not None],
    )
    gap = _Pair(
        [gap for one in read for gap in one.chunk_gaps],
        [gap / MS for answer in answers for gap in answer.gaps_ns],
    )
    lag_ms = lag_of(answers).p99_ms
    return CalibrationPoint(
        concurrency=shape.concurrency,
        requests=len(read),
        ttft_p50_error_ms=ttft.error(0.5),
        ttft_p99_error_ms=ttft.error(0.99),
        chunk_gap_p50_error_ms=gap.error(0.5),
        chunk_gap_p99_error_ms=gap.error(0.99),
        mock_lag_p99_ms=lag_ms,
        is_void=lag_ms > MOST_LAG_MS,
    )


class _Pair(NamedTuple):
    """What the client read, and what is true, in milliseconds."""

    read: list[float]
    true: list[float]

    def error(self, share: float) -> float:
        """Return by how much a quantile was read too high; 0 where there is nothing to read."""
        read, true = quantile(sorted(self.read), share), quantile(sorted(self.true), share)
        return 0.0 if read is None or true is None else read - true
