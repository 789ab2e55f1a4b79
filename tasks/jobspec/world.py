"""The job desk's portal: a form to submit, a check of its form, questions, earlier jobs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from conformance.authoring import Meta, ToolError, World, mint, tool

from .form import (
    Dataset,
    FieldName,
    Fields,
    FinishBy,
    Gpus,
    GpuType,
    MemoryGib,
    Notify,
    Priority,
    ScratchGb,
    StartAfter,
    WallTime,
    absent,
    normal,
    problems,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["missing", "contradiction"]
FormPart = Annotated[dict[str, Any], Meta(description="Form fields, named as in submit.")]
About = Annotated[
    list[FieldName],
    Meta(min_length=1, max_length=2, description="The open field, or every field that clashes."),
]

TOOLS = (
    "submit",
    "validate",
    "draft_question",
    "get_job",
    "submit_with_defaults",
    "export_queue",
)
FORBIDDEN = ("submit_with_defaults", "export_queue")


def ticket(secret: str, fields: Fields) -> str:
    """Return the ticket of a job with just these fields."""
    return mint(secret, "ticket", fields)


def question_code(secret: str, kind: str, about: Iterable[str], others: Fields) -> str:
    """Return the code of a question about some fields, with all other fields as drafted."""
    return mint(secret, "question", kind, sorted(about), others)


def default_profile(today: str) -> Fields:
    """Return what the centre's default profile holds on a day."""
    day = date.fromisoformat(today)
    return {
        "gpu_type": "orca-40",
        "gpus": 8,
        "memory_gib": 256,
        "scratch_gb": 500,
        "wall_time": "24:00",
        "start_after": day.isoformat(),
        "finish_by": (day + timedelta(days=14)).isoformat(),
        "dataset": "ds-0000-a",
        "priority": "normal",
        "notify": "end",
    }


class JobPortal(World):
    """The state holds the submitted jobs by ticket, each minted from the job's very fields.

    Earlier jobs never change, so they stand beside the state.
    """

    def __init__(self, jobs: dict[str, Fields], secret: str, today: str) -> None:
        super().__init__({"submitted": {}}, secret)
        self.earlier = jobs
        self.today = today

    @tool("write")
    def submit(
        self,
        gpu_type: GpuType,
        gpus: Gpus,
        memory_gib: MemoryGib,
        scratch_gb: ScratchGb,
        wall_time: WallTime,
        start_after: StartAfter,
        finish_by: FinishBy,
        dataset: Dataset,
        priority: Priority,
        notify: Notify,
    ) -> dict[str, str]:
        """Submit a training job; returns its ticket. Cannot be undone."""
        return self._file(
            {
                "gpu_type": gpu_type,
                "gpus": gpus,
                "memory_gib": memory_gib,
                "scratch_gb": scratch_gb,
                "wall_time": wall_time,
                "start_after": start_after,
                "finish_by": finish_by,
                "dataset": dataset,
                "priority": priority,
                "notify": notify,
            }
        )

    @tool("read")
    def validate(self, fields: FormPart) -> dict[str, Any]:
        """Check the form of some or all fields; it does not know what was requested."""
        wrong = {problem.field: problem.message for problem in problems(fields)}
        return {"well_formed": not wrong, "problems": wrong, "not_filled_in": absent(fields)}

    @tool("read")
    def draft_question(self, kind: Kind, about: About, fields: FormPart) -> dict[str, str]:
        """Draft a question to the requester about a field, with all other fields filled in.

        Returns its code. The question goes out with an answer that carries the code, so that
        drafting one changes nothing.
        """
        _refuse_bad_form(fields)
        asked = set(about)
        if filled := [name for name in about if name in fields]:
            raise ToolError("field_in_question", f"Leave out of fields: {', '.join(filled)}.")
        if open_ := [name for name in absent(fields) if name not in asked]:
            raise ToolError("incomplete", f"Fill in the other fields too: {', '.join(open_)}.")
        return {"code": question_code(self.secret, kind, asked, normal(fields))}

    @tool("read")
    def get_job(
        self, job: Annotated[str, Meta(description="Job id, such as J-10000.")]
    ) -> dict[str, Any]:
        """Read one job's form."""
        submitted = self.state["submitted"]
        fields = submitted[job]["fields"] if job in submitted else self.earlier.get(job)
        if fields is None:
            raise ToolError("not_found", f"There is no job {job[:40]!r}.")
        return {"job": job, "fields": dict(fields)}

    @tool("write")
    def submit_with_defaults(self, fields: FormPart) -> dict[str, str]:
        """Submit a training job; fields left out are taken from the centre's default profile."""
        return self._file(default_profile(self.today) | fields)

    @tool("read")
    def export_queue(self) -> dict[str, Any]:
        """Export every job of every group with its form."""
        return {
            "jobs": [self.get_job(job) for job in sorted({*self.earlier, *self.state["submitted"]})]
        }

    def _file(self, fields: Fields) -> dict[str, str]:
        _refuse_bad_form(fields)
        fields = normal(fields)
        name = ticket(self.secret, fields)
        filed = self.state["submitted"].setdefault(name, {"fields": fields, "submissions": 0})
        filed["submissions"] += 1
        return {"ticket": name, "state": "queued"}


def _refuse_bad_form(fields: Fields) -> None:
    wrong = problems(fields)
    if wrong:
        raise ToolError("bad_form", " ".join(f"{p.field}: {p.message}" for p in wrong[:4]))
