"""What a manifest in a file says, and whether it holds; the port of what reads it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, Literal, Protocol

from app.provenance.claim import LABEL

Standing = Literal["none", "trusted", "untrusted", "invalid", "elsewhere"]
"""None: there is no manifest. Trusted: it holds, and its signer is trusted; untrusted: it holds,
and anybody may have signed it. Invalid: it does not hold. Elsewhere: the file only names where its
manifest is."""

_MOST_TEXT: Final = 200
_MOST_PROBLEMS: Final = 20
_MOST_VOICES: Final = 100
_AI: Final = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
_UNTRUSTED: Final = "signingCredential.untrusted"
_EXPIRED: Final = ("signingCredential.expired", "claimSignature.outsideValidity")
_MATCHES: Final = ("assertion.dataHash.match", "assertion.bmffHash.match")
_MISMATCHES: Final = ("assertion.dataHash.mismatch", "assertion.bmffHash.mismatch")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed.

    Attributes:
        serial: of the certificate, decimal.
        time: by a timestamp authority, as it wrote it; None without one.
        valid: the signature fits what it signs.
    """

    name: str | None
    organisation: str | None
    serial: str | None
    algorithm: str | None
    time: str | None
    valid: bool
    expired: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What the manifest says. The words are those of whoever made it.

    Attributes:
        ours: it has the assertion that this program writes.
        voices: hashes.
    """

    generator: str | None
    generator_version: str | None
    title: str | None
    source_type: str | None
    ai_generated: bool
    created: str | None
    ours: bool
    request_id: str | None
    synthesis_id: str | None
    voices: tuple[str, ...]
    test_certificate: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Why it does not hold. `code` is C2PA's, or ours where it has none."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a file.

    Attributes:
        carrier: the file is of a format that takes a manifest.
        unchanged: the content is what was signed; None where nothing can be told.
        at: address of the manifest, if it is elsewhere. It was not asked.
    """

    standing: Standing
    carrier: bool
    unchanged: bool | None = None
    signature: Signature | None = None
    statement: Statement | None = None
    problems: tuple[Problem, ...] = ()
    at: str | None = None


class Reader(Protocol):
    """Reads manifests, of anybody. Blocks; thread safe; asks nothing of the network."""

    def read(self, file: IO[bytes], media_type: str) -> Reading:
        """What the manifest of a file says.

        Raises:
            UnreadableAudio: the file is damaged.
        """
        ...


def media_type_of(start: bytes) -> str | None:
    """Of formats that take a manifest, by the first bytes of the file (12 are enough)."""
    if start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE":
        return "audio/wav"
    if start[:4] == b"fLaC":
        return "audio/flac"
    if start[4:8] == b"ftyp":
        return "audio/mp4"
    # A frame of MPEG audio, layer III; AAC has layer 0. ID3 stands before MP3 and before FLAC.
    if start[:3] == b"ID3" or (start[:1] == b"\xff" and start[1:2] and start[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    return None


def told(store: Mapping[str, Any]) -> Reading:
    """What the library has found, in our words.

    Args:
        store: the library's JSON of the manifest store.
    """
    results = _mapping(_mapping(store.get("validation_results")).get("activeManifest"))
    good = {str(one.get("code")) for one in _mappings(results.get("success"))}
    failures = [*_mappings(results.get("failure")), *_of_ingredients(store)]
    bad = {str(one.get("code")) for one in failures}
    manifests = _mapping(store.get("manifests"))
    manifest = _mapping(manifests.get(str(store.get("active_manifest"))))
    standing: Standing = "invalid"
    if store.get("validation_state") in ("Valid", "Trusted") and not bad - {_UNTRUSTED}:
        standing = "untrusted" if bad else "trusted"
    return Reading(
        standing,
        carrier=True,
        unchanged=_unchanged(good, bad, standing),
        signature=_signature(_mapping(manifest.get("signature_info")), good, bad),
        statement=_statement(manifest),
        problems=tuple(
            Problem(_text(one.get("code")) or "unknown", _text(one.get("explanation")) or "")
            for one in failures[:_MOST_PROBLEMS]
        ),
    )


def _unchanged(good: set[str], bad: set[str], standing: Standing) -> bool | None:
    """A hash that fits tells nothing where what holds it is not what was signed."""
    if bad & set(_MISMATCHES):
        return False
    held = standing != "invalid" or not bad - {_UNTRUSTED, *_EXPIRED}
    return True if held and good & set(_MATCHES) else None


def _signature(info: Mapping[str, Any], good: set[str], bad: set[str]) -> Signature:
    return Signature(
        name=_text(info.get("common_name")),
        organisation=_text(info.get("issuer")),
        serial=_text(info.get("cert_serial_number")),
        algorithm=_text(info.get("alg")),
        time=_text(info.get("time")),
        valid="claimSignature.validated" in good,
        expired=bool(bad & set(_EXPIRED)),
    )


def _statement(manifest: Mapping[str, Any]) -> Statement:
    generator = next(iter(_mappings(manifest.get("claim_generator_info"))), {})
    assertions = list(_mappings(manifest.get("assertions")))
    ours = next((_mapping(one.get("data")) for one in assertions if one.get("label") == LABEL), {})
    actions = [
        action
        for one in assertions
        if str(one.get("label")).startswith("c2pa.actions")
        for action in _mappings(_mapping(one.get("data")).get("actions"))
    ]
    source = _first(action.get("digitalSourceType") for action in actions)
    voices = ours.get("voices")
    return Statement(
        generator=_text(generator.get("name")) or _text(manifest.get("claim_generator")),
        generator_version=_text(generator.get("version")),
        title=_text(manifest.get("title")),
        source_type=source,
        ai_generated=source is not None and source.rpartition("/")[2] in _AI,
        created=_first(action.get("when") for action in actions),
        ours=bool(ours),
        request_id=_text(ours.get("request_id")),
        synthesis_id=_text(ours.get("synthesis_id")),
        voices=tuple(
            filter(None, map(_text, voices[:_MOST_VOICES])) if isinstance(voices, list) else ()
        ),
        test_certificate=ours.get("test_certificate") is True,
    )


def _of_ingredients(store: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for delta in _mappings(_mapping(store.get("validation_results")).get("ingredientDeltas")):
        yield from _mappings(_mapping(delta.get("validationDeltas")).get("failure"))


def _first(values: Iterable[Any]) -> str | None:
    return next(filter(None, map(_text, values)), None)


def _text(value: Any) -> str | None:
    """Whoever made the manifest may have written anything there, of any length."""
    return value[:_MOST_TEXT] if isinstance(value, str) and value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()
