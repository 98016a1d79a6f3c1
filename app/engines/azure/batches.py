"""Batch synthesis of Azure, 2024-04-01: many texts in one job, their sound in one zip."""

from collections.abc import Sequence
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from app.core.tasks import in_thread
from app.engines.azure.contract import FAILED, SUCCEEDED
from app.engines.azure.errors import refusal, senseless
from app.engines.azure.http import Answer, AzureHttp, Call
from app.engines.azure.speech import output_format

MAX_ZIP: Final = 2 * 1024**3
_WRITTEN_AT_ONCE: Final = 1024 * 1024
_GONE: Final = (200, 202, 204, 404)


class _Outputs(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    result: str | None = None


class BatchJob(BaseModel):
    """A job, as it stands. `outputs`: where its results are, with a permission in it."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    status: str
    outputs: _Outputs | None = None

    @property
    def succeeded(self) -> bool:
        """Single texts may have failed all the same."""
        return self.status == SUCCEEDED

    @property
    def failed(self) -> bool:
        """The whole of it."""
        return self.status == FAILED


class BatchSynthesis:
    """The part of that API that is used. All methods raise EngineUnavailable, EngineBusy,
    EngineFailed.
    """

    def __init__(self, http: AzureHttp) -> None:
        self._http = http

    async def find(self, name: str) -> BatchJob | None:
        """A job that is there."""
        answer = await self._http.call(_call("GET", name), ok=(200, 404))
        return None if answer.status == 404 else _read(answer)

    async def look(self, name: str) -> tuple[BatchJob, float | None]:
        """A job that must be there, and in how many seconds to look again, if Azure says so."""
        answer = await self._http.call(_call("GET", name), ok=(200,))
        return _read(answer), answer.retry_after_s

    async def begin(self, name: str, documents: Sequence[bytes]) -> None:
        """Begin a job, or find that it was begun."""
        call = _call("PUT", name, json=self._body(documents), operation_id=uuid4().hex)
        answer = await self._http.call(call, ok=(200, 201, 202, 400, 409))
        # Or an earlier try got through, and only its answer was lost.
        if answer.status in (400, 409) and await self.find(name) is None:
            raise refusal(answer.status, {})

    async def delete(self, name: str) -> None:
        """Delete a job with its results; one that is not there is deleted. Tried once."""
        await self._http.call(_call("DELETE", name), ok=_GONE, tries=1)

    async def fetch(self, job: BatchJob, file: BinaryIO) -> None:
        """Write its zip into a file, in place of what is in it.

        Raises:
            OSError: it cannot be written.
        """
        held, size = bytearray(), 0
        file.seek(0)
        file.truncate()
        async with self._http.file(self._address(job)) as pieces:
            async for piece in pieces:
                held += piece
                size += len(piece)
                if size > MAX_ZIP:
                    raise senseless("far too much")
                if len(held) >= _WRITTEN_AT_ONCE:
                    await in_thread(None, file.write, bytes(held))
                    held.clear()
        await in_thread(None, _write_last, file, bytes(held))

    def _address(self, job: BatchJob) -> str:
        """Never an open one where the account's is not."""
        url = (job.outputs.result if job.outputs else None) or ""
        schemes = {"https", urlsplit(self._http.options.batch_url).scheme}
        try:
            address = urlsplit(url)
            usable = address.scheme in schemes and bool(address.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise senseless("no usable address of the results")
        return url

    def _body(self, documents: Sequence[bytes]) -> dict[str, Any]:
        options = self._http.options
        return {
            "inputKind": "SSML",
            "inputs": [{"content": document.decode()} for document in documents],
            "properties": {
                "outputFormat": output_format(options.sample_rate, "riff"),
                "concatenateResult": False,
                "decompressOutputFiles": False,
                "timeToLiveInHours": options.batch.ttl_hours,
            },
        }


def _write_last(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()


def _read(answer: Answer) -> BatchJob:
    try:
        return BatchJob.model_validate_json(answer.content)
    except ValidationError:
        raise senseless("something that is not as it is described") from None


def _call(method: str, name: str, **more: Any) -> Call:
    return Call(method, f"/batchsyntheses/{name}", batch=True, **more)
