"""From the files of a request to recordings: as they are, or out of a zip file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import IO, Final

from app.core.exceptions import ArchiveInvalid, InvalidRequest, UploadTooLarge
from app.services.voices.archive import SIGNATURES, Packed, open_archive
from app.services.voices.tools import Incoming, VoiceLimits
from app.services.voices.words import clean_filename

_AUDIO: Final = frozenset(
    {
        ".wav", ".wave", ".mp3", ".m4a", ".mp4", ".aac", ".ogg", ".oga", ".opus", ".webm", ".weba",
        ".mka", ".flac",
    }
)  # fmt: skip
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of a request. `file` can be read again and again."""

    filename: str
    size: int
    file: IO[bytes] = field(repr=False)

    def read(self) -> bytes:
        self.file.seek(0)
        return self.file.read()

    def digest(self) -> str:
        """SHA-256, hexadecimal."""
        self.file.seek(0)
        digest = sha256()
        while block := self.file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()

    @property
    def is_archive(self) -> bool:
        self.file.seek(0)
        return self.file.read(4) in SIGNATURES


@dataclass(frozen=True, slots=True)
class Received:
    """What came. `ignored`: names of what was in a zip file besides recordings."""

    recordings: list[Incoming]
    ignored: list[str]


def received(files: Sequence[Sent], limits: VoiceLimits) -> Received:
    """The recordings of a request. Blocks.

    Raises:
        InvalidRequest: there is no file, or there are too many.
        ArchiveInvalid: the zip file cannot be used, or there are two.
        UploadTooLarge: a recording is longer than may be.
    """
    if not files:
        raise InvalidRequest(
            "There is no recording.", "Send a form: curl -F 'files=@one.wav' -F 'files=@two.wav'."
        )
    archives = [sent for sent in files if sent.is_archive]
    if len(archives) > 1:
        raise ArchiveInvalid("There are several zip files.", "Send one, or the recordings.")
    recordings, ignored = [], []
    for sent in files:
        if sent in archives:
            packed = open_archive(sent.file, limits.archive)
            audio = [one for one in packed if _is_audio(one)]
            ignored = [one.name for one in packed if not _is_audio(one)]
            if not audio:
                raise ArchiveInvalid(
                    "There is no recording in the archive.",
                    f"Recordings are told by their ending: {', '.join(sorted(_AUDIO))}.",
                )
            recordings += [Incoming(one.name, one.size, one.read) for one in audio]
        else:
            recordings.append(_recording(sent, limits))
    if len(recordings) > limits.samples:
        raise InvalidRequest(
            f"There are {len(recordings)} recordings; a voice has at most {limits.samples}.",
            "Send the best ones, or join short ones.",
            limit=limits.samples,
        )
    return Received(recordings, ignored)


def _recording(sent: Sent, limits: VoiceLimits) -> Incoming:
    if sent.size > limits.file_bytes:
        raise UploadTooLarge(
            f"A recording has {sent.size} bytes; at most {limits.file_bytes} are allowed.",
            "Send a shorter or compressed recording (MP3, Opus, FLAC).",
            limit=limits.file_bytes,
        )
    return Incoming(clean_filename(sent.filename), sent.size, sent.read)


def _is_audio(packed: Packed) -> bool:
    return PurePosixPath(packed.name).suffix.lower() in _AUDIO
