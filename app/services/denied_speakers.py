"""People who may not be cloned: adding, listing, deleting them."""

from dataclasses import dataclass

from app.abuse.speakers import SpeakerWatch, packed
from app.audio.ears import Ears
from app.core.exceptions import DeniedSpeakerNotFound
from app.core.ids import is_id
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection, Page
from app.models.access import Principal
from app.models.audit import Action
from app.models.speaker import DeniedSpeaker


@dataclass(frozen=True, slots=True)
class Denial:
    """Who may not be cloned, and why. `content`: a recording, of which nothing is kept."""

    name: str
    reason: str
    content: bytes


class DeniedSpeakerService:
    """The list of people whose voices are refused."""

    def __init__(
        self,
        *,
        denied: Collection[DeniedSpeaker],
        ears: Ears,
        watch: SpeakerWatch,
        audit: AuditTrail,
    ) -> None:
        self._denied = denied
        self._ears = ears
        self._watch = watch
        self._audit = audit

    async def add(self, principal: Principal, denial: Denial) -> DeniedSpeaker:
        """From now on, recordings of this person are refused; of voices that are there already,
        administrators are told.

        Raises:
            UnreadableAudio, UnsuitableRecording, UploadTooLarge: nothing can be told from the file.
            EngineUnavailable: there is nothing here that tells speakers apart.
        """
        recording, _ = await self._ears.listen(denial.content)
        embedding = await self._watch.identity(recording)
        denied = DeniedSpeaker(
            owner=principal.owner,
            name=denial.name,
            reason=denial.reason,
            created_by=principal.subject,
            embedding=packed(embedding),
        )
        return await see_through(self._add(denied))

    async def list(self, *, limit: int, cursor: str | None) -> Page[DeniedSpeaker]:
        """All, newest first."""
        return await self._denied.list(limit=limit, cursor=cursor)

    async def delete(self, denied_id: str) -> None:
        """Let somebody be cloned again.

        Raises:
            DeniedSpeakerNotFound: there is none with this id.
        """
        denied = await self._denied.get(denied_id) if is_id(denied_id) else None
        if denied is None:
            raise DeniedSpeakerNotFound(
                f"There is no denied speaker {denied_id[:64]!r}.",
                "GET /api/v1/denied-speakers lists them.",
            )
        await see_through(self._delete(denied))

    async def _add(self, denied: DeniedSpeaker) -> DeniedSpeaker:
        async with self._audit.recorded(Action.DENIED_SPEAKER_ADDED, denied):
            added = await self._denied.add(denied)
            await self._watch.tell_of(added)
            return added

    async def _delete(self, denied: DeniedSpeaker) -> None:
        async with self._audit.recorded(Action.DENIED_SPEAKER_DELETED, denied):
            await self._denied.delete(denied.id)
