"""The manifest of a bundle, read with distrust."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from app.core.exceptions import ArchiveInvalid
from app.models.bundle import FORMAT, MANIFEST, BundleManifest
from app.services.voices.archive import Packed
from app.services.voices.tools import VoiceLimits

_MAX_BYTES: Final = 8 * 1024 * 1024
_MAX_VERSIONS: Final = 500
_FORM: Final = re.compile(r"voice-cloning/bundle\.v[0-9]{1,6}")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_ADVICE: Final = "Send a file that GET /api/v1/voices/{voice_id}/export has given."


def read_manifest(files: Mapping[str, Packed], limits: VoiceLimits) -> BundleManifest:
    """What a bundle says of itself; every file that it names is there.

    Raises:
        ArchiveInvalid: it is no bundle, or of a newer version of this program.
    """
    packed = files.get(MANIFEST)
    if packed is None or packed.size > _MAX_BYTES:
        raise ArchiveInvalid(f"The archive is no bundle: it has no {MANIFEST}.", _ADVICE)
    content = _parsed(packed.read())
    _check_format(content)
    try:
        manifest = BundleManifest.model_validate(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ArchiveInvalid(
            f"The manifest of the bundle is wrong at {where[:200]!r}.", _ADVICE
        ) from error
    _check_files(manifest, files, limits)
    return manifest


def _parsed(content: bytes) -> Any:
    """JSON that can be stored and sent: no infinities, no characters that databases refuse."""
    try:
        parsed = json.loads(content)
        json.dumps(parsed, allow_nan=False)
        if any(_UNSTORABLE.search(text) for text in _texts(parsed)):
            raise ValueError("unstorable characters")
    except (ValueError, RecursionError) as error:
        raise ArchiveInvalid("The manifest of the bundle cannot be read.", _ADVICE) from error
    return parsed


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from _texts(value)


def _check_format(content: Any) -> None:
    form = content.get("format") if isinstance(content, dict) else None
    if form == FORMAT:
        return
    if isinstance(form, str) and _FORM.fullmatch(form):
        raise ArchiveInvalid(
            f"The bundle has the format {form}; this server reads {FORMAT}.",
            "Import it into a server of the version that has exported it, or a newer one.",
            format=form,
        )
    raise ArchiveInvalid("The archive is no bundle: its manifest names another format.", _ADVICE)


def _check_files(
    manifest: BundleManifest, files: Mapping[str, Packed], limits: VoiceLimits
) -> None:
    if not 1 <= len(manifest.recordings) <= limits.samples:
        raise ArchiveInvalid(
            f"The bundle has {len(manifest.recordings)} recordings; 1 to {limits.samples} are "
            "taken.",
            "The operator can raise MAX_SAMPLES_PER_VOICE.",
            limit=limits.samples,
        )
    numbers = [version.number for version in manifest.versions]
    ids = [recording.id for recording in manifest.recordings]
    named = [part.file for part in (*manifest.recordings, *manifest.versions)]
    for what in (numbers, ids, named):
        if len(set(what)) < len(what):
            raise ArchiveInvalid("The manifest of the bundle names something twice.", _ADVICE)
    if len(numbers) > _MAX_VERSIONS:
        raise ArchiveInvalid(f"The bundle has more than {_MAX_VERSIONS} versions.", _ADVICE)
    for part in (*manifest.recordings, *manifest.versions):
        packed = files.get(part.file)
        if packed is None or packed.size != part.bytes:
            raise ArchiveInvalid(
                "A file that the manifest tells of is missing, or not of its size.",
                "Export the voice again.",
            )
