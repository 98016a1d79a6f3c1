"""Consents: what a speaker is to read, whether it was read, and what was decided."""

from contextlib import suppress
from typing import Any, Final

from app.consents.judging import judge
from app.consents.listening import Agreement, Named
from app.consents.statements import new_code, statement
from app.core.exceptions import (
    AppError,
    AudioNotKept,
    ConsentUnusable,
    InvalidRequest,
    StatementExpired,
)
from app.core.ids import is_id
from app.core.logging import actor
from app.core.tasks import in_thread, see_through
from app.db.base import Page
from app.db.voices import find_voice
from app.models.audit import Action
from app.models.consent import Consent, ConsentChallenge, ConsentMethod, ConsentStatus
from app.models.voice import Voice
from app.services.consents.binding import Binding
from app.services.consents.providing import BLOB, ProviderRecording, provided
from app.services.consents.tools import ConsentOrder, ConsentTools
from app.services.consents.words import checked, line

_BLANK: Final = "…"


class ConsentService:
    """The agreements of speakers, of all owners."""

    def __init__(self, tools: ConsentTools) -> None:
        self._tools = tools
        self._binding = Binding(tools)

    async def ask(self, owner: str, language: str, named: Named) -> tuple[ConsentChallenge, str]:
        """A statement to be read, good for some minutes and once.

        Args:
            named: a name that is empty is left open in the text.

        Raises:
            UnsupportedLanguage: there is no statement in it.
            InvalidRequest: a name cannot be read.
        """
        speaker, company = (line("name", name) for name in (named.speaker, named.company))
        code = new_code()
        names = {"speaker": speaker or _BLANK, "company": company or _BLANK}
        text = statement(language, code=code, **names)
        now = self._tools.clock()
        challenge = ConsentChallenge(
            owner=owner,
            language=language,
            speaker=speaker,
            company=company,
            code=code,
            created_at=now,
            updated_at=now,
            expires_at=now + self._tools.code_for,
        )
        return await self._tools.challenges.add(challenge), text

    async def create(self, owner: str, order: ConsentOrder) -> Consent:
        """Take a consent and check it. One that is rejected is told as such, and its recording is
        not kept.

        Raises:
            InvalidRequest, UnsupportedLanguage: the order cannot be used.
            StatementExpired: the statement was asked for too long ago, was used, or is another's.
            UploadTooLarge, UnreadableAudio, UnsuitableRecording: nothing can be told from the
                recording. The statement can still be read.
            VoiceNotFound, VoiceSuspended, ConsentMismatch: of a voice that was to get it. The
                consent is kept; the error has its `consent_id`.
            EngineBusy, AssetError, EngineUnavailable, StorageError, DatabaseError: it failed.
        """
        order = checked(order)
        for voice_id in order.voice_ids:
            await find_voice(self._tools.voices, owner, voice_id)
        there = await provided(self._tools, order)
        consent = await (
            self._attested(owner, order, there)
            if order.read is None
            else self._heard(owner, order, there)
        )
        if consent.status is ConsentStatus.VERIFIED:
            try:
                for voice_id in order.voice_ids:
                    await self._binding.bind(owner, consent.id, voice_id)
            except AppError as error:
                error.extra["consent_id"] = consent.id
                raise
        return consent

    def provider_statement(self, language: str, named: Named) -> str | None:
        """What the provider of the engine that runs wants to hear; None if it wants nothing, or
        has no such text in a language. A name that is empty is left open.
        """
        bound = self._tools.bound
        speaker, company = (name.strip() or _BLANK for name in (named.speaker, named.company))
        if bound is None:
            return None
        return bound.provider_statement(language, speaker=speaker, company=company)

    async def get(self, owner: str, consent_id: str) -> Consent:
        """One consent.

        Raises:
            ConsentNotFound: there is none with this id, or it is somebody else's.
        """
        return await self._tools.desk.find(owner, consent_id)

    async def list(self, where: dict[str, Any], *, limit: int, cursor: str | None) -> Page[Consent]:
        """Consents whose fields equal `where`, newest first."""
        return await self._tools.consents.list(where=where, limit=limit, cursor=cursor)

    async def bind(self, owner: str, consent_id: str, voice_id: str) -> Voice:
        """Let a voice speak under a consent; see `Binding.bind`."""
        return await self._binding.bind(owner, consent_id, voice_id)

    async def audio(self, owner: str | None, consent_id: str) -> bytes:
        """The recording, as it was sent. None: of whichever owner.

        Raises:
            ConsentNotFound: there is none with this id, or it is somebody else's.
            AudioNotKept: there is no recording.
        """
        consent = await self._tools.desk.find(owner, consent_id)
        if consent.recording_blob is not None:
            with suppress(FileNotFoundError):
                return await self._tools.recordings.get(consent.recording_blob)
        raise AudioNotKept("The consent has no recording.", "One that was attested has none.")

    async def decide(self, consent_id: str, *, verified: bool, note: str) -> Consent:
        """End the review of a consent, of whichever owner.

        Raises:
            ConsentNotFound: there is none with this id.
            ConsentUnusable: it is not under review.
        """
        consent = await self._tools.desk.find(None, consent_id)
        if consent.status is not ConsentStatus.NEEDS_REVIEW:
            raise ConsentUnusable(
                f"The consent is {consent.status.value}, not under review.",
                "GET /api/v1/consents/reviews lists those that are.",
                consent_status=consent.status.value,
            )
        now = self._tools.clock()
        decided = consent.model_copy(
            update={
                "status": ConsentStatus.VERIFIED if verified else ConsentStatus.REJECTED,
                "reasons": (*consent.reasons, f"Decided: {note}" if note else "Decided."),
                "decided_by": actor.get(),
                "decided_at": now,
            }
        )
        action = Action.CONSENT_APPROVED if verified else Action.CONSENT_REJECTED
        async with self._tools.audit.recorded(action, consent):
            return await self._tools.consents.update(decided)

    async def _attested(
        self, owner: str, order: ConsentOrder, there: ProviderRecording | None
    ) -> Consent:
        consent = self._record(
            owner,
            order,
            method=ConsentMethod.ATTESTED,
            status=ConsentStatus.VERIFIED,
            statement=(
                f"{order.signed_by} states that {order.speaker} agrees that {order.company} makes "
                f"a synthetic copy of their voice and uses it. Purpose: {order.purpose}"
            ),
        )
        return await see_through(self._store(consent, None, there))

    async def _heard(
        self, owner: str, order: ConsentOrder, there: ProviderRecording | None
    ) -> Consent:
        assert order.read is not None  # noqa: S101 - there is a recording
        challenge = await self._challenge(owner, order)
        named = Named(order.speaker, order.company)
        with self._tools.admission.enter():
            content = await in_thread(None, order.read)
            heard = await self._tools.listener.listen(content, challenge, named)
        if there is not None:
            there.check_speaker(heard.embedding)
        if not await self._tools.challenges.delete(challenge.id):
            raise _expired()  # used meanwhile
        consent = self._judged(owner, order, challenge, heard)
        if consent.status is ConsentStatus.REJECTED:
            return await see_through(self._store(consent, None, None))
        return await see_through(self._store(consent, content, there))

    def _judged(
        self, owner: str, order: ConsentOrder, challenge: ConsentChallenge, heard: Agreement
    ) -> Consent:
        status, reasons = judge(heard.scores)
        names = {"speaker": order.speaker, "company": order.company}
        rejected = status is ConsentStatus.REJECTED
        return self._record(
            owner,
            order,
            method=ConsentMethod.RECORDED,
            status=status,
            statement=statement(challenge.language, code=challenge.code, **names),
            scores=heard.scores,
            reasons=reasons,
            embedding=None if rejected else heard.embedding,
        )

    async def _challenge(self, owner: str, order: ConsentOrder) -> ConsentChallenge:
        wanted = order.statement_id or ""
        found = await self._tools.challenges.get(wanted) if is_id(wanted) else None
        if found is None or found.owner != owner or found.expires_at <= self._tools.clock():
            raise _expired()
        if found.language != order.language:
            raise InvalidRequest(
                f"The statement is in {found.language}.", f"Send `language={found.language}`."
            )
        for asked, given in ((found.speaker, order.speaker), (found.company, order.company)):
            if asked and asked != given:
                raise InvalidRequest(
                    "The statement names somebody else.", "Send the names that it was made with."
                )
        return found

    def _record(self, owner: str, order: ConsentOrder, **fields: Any) -> Consent:
        now = self._tools.clock()
        return Consent(
            owner=owner,
            speaker=order.speaker,
            company=order.company,
            language=order.language,
            purpose=order.purpose,
            signed_by=order.signed_by,
            created_at=now,
            updated_at=now,
            **fields,
        )

    async def _store(
        self, consent: Consent, content: bytes | None, there: ProviderRecording | None
    ) -> Consent:
        tools, blobs = self._tools, {}
        if content is not None:
            blobs["recording_blob"] = f"{consent.id}/statement"
            await tools.recordings.put(blobs["recording_blob"], content)
        if there is not None:
            blobs["provider_blob"] = f"{consent.id}/{BLOB}"
            await tools.recordings.put(blobs["provider_blob"], there.content)
        consent = consent.model_copy(update=blobs)
        async with tools.audit.recorded(Action.CONSENT_CREATED, consent):
            return await tools.consents.add(consent)  # without it the recording is swept


def _expired() -> StatementExpired:
    return StatementExpired(
        "There is no such statement: it was used, or asked for too long ago.",
        "GET /api/v1/consents/statement gives a new one; read that.",
    )
