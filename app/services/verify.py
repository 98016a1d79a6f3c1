"""Whether a file has a manifest, and what it says."""

from typing import IO, Final

from app.core.admission import Admission
from app.core.exceptions import UnreadableAudio, UploadTooLarge
from app.core.tasks import in_thread
from app.db.voices import VoiceReach
from app.models.access import Party
from app.models.provenance import (
    ManifestProblem,
    ManifestSigner,
    ManifestStatement,
    ProvenanceReport,
)
from app.provenance.opening import Provenance
from app.provenance.reading import Reading, media_type_of

_NO_FORMAT: Final = (
    "There is no manifest: the file is not WAV, MP3, FLAC or MP4, which are the audio formats that "
    "take one."
)
_SUMMARIES: Final = {
    "none": "There is no manifest. It was never there, or was removed: converting a file does.",
    "trusted": "Signed by somebody who is trusted, and unchanged since.",
    "untrusted": "Unchanged since it was signed, but the signer is nobody that this service "
    "trusts: anybody could have made it.",
    "invalid": "The manifest does not hold: `problems` says why.",
    "elsewhere": "The file has no manifest, but the address of one. It was not asked.",
}
_CHANGED: Final = "The file was changed after it was signed."
_TEST: Final = " The certificate is one for tests: it proves nothing outside of this machine."


class VerifyService:
    """Reads the manifests of files. They are not kept.

    Args:
        max_bytes: of a file.
    """

    def __init__(
        self,
        provenance: Provenance,
        *,
        reach: VoiceReach,
        admission: Admission,
        max_bytes: int,
    ) -> None:
        self._provenance = provenance
        self._reach = reach
        self._admission = admission
        self._max_bytes = max_bytes

    async def verify(
        self, by: Party, file: IO[bytes], size: int, *, voice_id: str | None = None
    ) -> ProvenanceReport:
        """What the manifest of a file says, and whether it holds.

        Args:
            by: who asks.
            size: of the file, in bytes.
            voice_id: a voice of theirs, or shared with them: does it speak in the file, by the
                manifest?

        Raises:
            UploadTooLarge, UnreadableAudio: the file is too long, empty or damaged.
            VoiceNotFound: there is none with this id, or it is not shared with them.
            EngineBusy: there are as many files as may be.
            ProvenanceUnavailable: there is nothing that reads manifests.
        """
        if size > self._max_bytes:
            raise UploadTooLarge(
                f"The file has {size} bytes; at most {self._max_bytes} are allowed.",
                "Send the one piece of audio that it is about.",
                limit=self._max_bytes,
            )
        if not size:
            raise UnreadableAudio("The file is empty.", "Send an audio file.")
        if voice_id is not None:
            await self._reach.find(by, voice_id)
        with self._admission.enter():
            return await in_thread(None, self._report, file, voice_id)

    def _report(self, file: IO[bytes], voice_id: str | None) -> ProvenanceReport:
        file.seek(0)
        media_type = media_type_of(file.read(12))
        file.seek(0)
        if media_type is None:
            return self._told(Reading("none", carrier=False), voice_id)
        return self._told(self._provenance.reader().read(file, media_type), voice_id)

    def _told(self, reading: Reading, voice_id: str | None) -> ProvenanceReport:
        there = reading.standing not in ("none", "elsewhere")
        return ProvenanceReport(
            verdict=reading.standing,
            summary=_summary(reading),
            manifest=there,
            takes_manifests=reading.carrier,
            valid=reading.standing in ("trusted", "untrusted") if there else None,
            unchanged=reading.unchanged,
            signer=self._signer(reading),
            statement=self._statement(reading, voice_id),
            problems=[ManifestProblem(code=one.code, text=one.text) for one in reading.problems],
            manifest_url=reading.at,
        )

    def _signer(self, reading: Reading) -> ManifestSigner | None:
        signed = reading.signature
        if signed is None:
            return None
        signing = self._provenance.signing
        return ManifestSigner(
            name=signed.name,
            organisation=signed.organisation,
            serial=signed.serial,
            algorithm=signed.algorithm,
            time=signed.time,
            signature_valid=signed.valid,
            trusted=reading.standing == "trusted",
            expired=signed.expired,
            # Serial numbers are unique only among certificates of one issuer.
            this_service=reading.standing == "trusted"
            and signing is not None
            and signing().serial == signed.serial,
            test_certificate=reading.statement is not None and reading.statement.test_certificate,
        )

    def _statement(self, reading: Reading, voice_id: str | None) -> ManifestStatement | None:
        said = reading.statement
        if said is None:
            return None
        matches = None
        if voice_id is not None and said.ours:
            matches = self._provenance.credentials.speaks(voice_id, said.voices)
        return ManifestStatement(
            generator=said.generator,
            generator_version=said.generator_version,
            title=said.title,
            ai_generated=said.ai_generated,
            digital_source_type=said.source_type,
            created=said.created,
            request_id=said.request_id,
            synthesis_id=said.synthesis_id,
            voice_hashes=list(said.voices),
            voice_matches=matches,
        )


def _summary(reading: Reading) -> str:
    if not reading.carrier:
        return _NO_FORMAT
    if reading.unchanged is False:
        return _CHANGED
    text = _SUMMARIES[reading.standing]
    said = reading.statement
    return text + _TEST if said is not None and said.test_certificate else text
