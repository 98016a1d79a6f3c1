"""Whether all items of a batch can be spoken: all, or none is."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from app.core.exceptions import AppError, InvalidRequest, VoiceNotFound
from app.db.voices import VoiceReach
from app.models.access import Party
from app.models.batch_request import BatchRequest
from app.models.speech import Speaker, SpeechRequest
from app.models.voice import Voice

MOST_ERRORS: Final = 100
"""That are told of one request."""

Place = tuple[str | int, ...]
"""Where an item stands in what was sent."""
Ordered = tuple[Voice, SpeechRequest]


def wrong_items(errors: Sequence[Mapping[str, Any]], total: int) -> InvalidRequest:
    """The error that names items that cannot be taken.

    Args:
        errors: with `loc`, `msg` and `type`.
        total: number of items.
    """
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    if len(errors) >= MOST_ERRORS:
        more = f" The first {MOST_ERRORS} mistakes are listed."
    return InvalidRequest(
        f"Nothing was begun: not all of the {total} items can be spoken. {where}: "
        f"{first['msg']}{more}",
        "Correct or leave out what `errors` lists, then send the whole again.",
        errors=list(errors[:MOST_ERRORS]),
    )


def number_of_items(count: int, most: int) -> None:
    """Raise `InvalidRequest` if there are too few or too many."""
    if not 1 <= count <= most:
        raise InvalidRequest(
            f"The batch has {count} items; 1 to {most} are taken.",
            "Send some." if count < 1 else "Send several batches.",
            measured=count,
            limit=most,
        )


class ItemCheck:
    """Looks through the items of one batch.

    Args:
        places: where each item stands in what was sent.
    """

    def __init__(self, request: BatchRequest, places: Sequence[Place] | None) -> None:
        self._request = request
        self._places = places
        self._errors: dict[int, list[dict[str, Any]]] = {}

    async def orders(self, by: Party, reach: VoiceReach, speaker: Speaker) -> list[Ordered]:
        """What is to be spoken for somebody, in which voice.

        Raises:
            InvalidRequest: naming items.
            VoiceNotFound: that of the whole batch is not there.
        """
        asked = self._asked()
        self._check_names()
        found = await self._voices(by, reach, asked)
        places: list[int] = []
        orders: list[Ordered] = []
        for place, one in enumerate(asked):
            if one is not None and (voice := found.get(one.voice)) is not None:
                places.append(place)
                orders.append((voice, one))
        room = MOST_ERRORS - len(self._errors)
        if room > 0:
            for index, error in (await speaker.check(orders, by=by, most=room)).items():
                self._wrong(places[index], error)
        if self._errors:
            listed = [error for _, errors in sorted(self._errors.items()) for error in errors]
            raise wrong_items(listed, len(self._request.items))
        return orders

    def _asked(self) -> list[SpeechRequest | None]:
        asked: list[SpeechRequest | None] = []
        for place, item in enumerate(self._request.items):
            values = self._request.of_item(item)
            one = None
            if values["voice"] is None:
                self._add(
                    place, "voice", "Neither the item nor the batch names a voice.", "missing"
                )
            else:
                try:
                    one = SpeechRequest.model_validate(values)
                except ValidationError as error:
                    first = error.errors(include_input=False, include_url=False)[0]
                    field = ".".join(str(part) for part in first["loc"])
                    self._add(place, field, first["msg"], first["type"])
            asked.append(one)
        return asked

    def _check_names(self) -> None:
        seen: set[str] = set()
        for place, item in enumerate(self._request.items):
            if item.custom_id is not None and item.custom_id in seen:
                self._add(place, "custom_id", "Another item has the same.", "duplicate")
            elif item.custom_id is not None:
                seen.add(item.custom_id)

    async def _voices(
        self, by: Party, reach: VoiceReach, asked: Sequence[SpeechRequest | None]
    ) -> dict[str, Voice]:
        """Those that are there. That of the whole batch is told as any request would be, unless
        items have mistakes of their own.
        """
        found: dict[str, Voice] = {}
        missing: dict[str, VoiceNotFound] = {}
        for voice_id in dict.fromkeys(one.voice for one in asked if one):
            try:
                found[voice_id] = await reach.find(by, voice_id)
            except VoiceNotFound as error:
                missing[voice_id] = error
        usual = missing.get(self._request.voice or "")
        if usual and len(missing) == 1 and not self._errors:
            raise usual
        for place, one in enumerate(asked):
            if one and one.voice in missing:
                self._wrong(place, missing[one.voice], "voice")
        return found

    def _wrong(self, place: int, error: AppError, field: str | None = None) -> None:
        self._add(place, field, error.detail, error.code)

    def _add(self, place: int, field: str | None, message: str, kind: str) -> None:
        where = self._places[place] if self._places else ("body", "items", place)
        loc = [*where, field] if field else [*where]
        self._errors.setdefault(place, []).append({"loc": loc, "msg": message, "type": kind})
