"""The errors of a call; all are VultusError."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .types import Job, Lesson


class VultusError(Exception):
    """The base of all errors."""


class InvalidArgument(VultusError, ValueError):
    """An argument cannot be sent: a URL, a key, a name, an option. Nothing was sent."""


class UnreadablePhoto(VultusError, OSError):
    """The photo's file cannot be read, is empty or too large. Nothing was sent."""


class Refused(VultusError):
    """The service answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, code: str, title: str, detail: str, trace_id: str = "") -> None:
        super().__init__(f"{title}: {detail}" if detail and detail != title else title)
        self.status, self.code, self.title, self.detail, self.trace_id = status, code, title, detail, trace_id

    @classmethod
    def of(cls, status: int, document: Any) -> Refused:
        text = document if isinstance(document, dict) else {}
        return cls(status, str(text.get("type", "")).rsplit("/", 1)[-1],
                   str(text.get("title") or f"the service answered {status}"), str(text.get("detail", "")),
                   str(text.get("trace_id", "")))


class Unusable(VultusError):
    """The service cannot be used. From train_folder, `lessons` has every photo, also those not tried."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lessons: list[Lesson] = []


class InvalidResponse(Unusable):
    """The answer is not one of Vultus or not complete: a redirect, HTML, truncated JSON, JSON of other types. The
    request is not repeated."""


class Unreachable(Unusable):
    """No answer, or only "try again", during patience_s."""


class JobFailed(VultusError):
    """The job ended without a result: `job.state` is failed, dead or cancelled."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.error_detail or f"the job is {job.state}")
        self.job, self.code = job, job.error_code


class JobTimeout(VultusError):
    """The job has not ended within the client's job_s. It is still running: wait(error.job) continues to wait."""

    def __init__(self, job: Job, seconds: float) -> None:
        super().__init__(f"job {job.id} is still {job.state} after {seconds:.0f} s")
        self.job = job
