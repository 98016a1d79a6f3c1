"""Files of entries: what callers ask for, and what becomes of each row."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_RESULTS: Final = 1000
"""Rows that a report tells of one by one."""

_ID = "3b0f2a4e-6f0d-4f63-9c0c-1a2b3c4d5e6f"


class UploadMode(StrEnum):
    """What becomes of a file with rows that cannot be used."""

    ALL_OR_NOTHING = "all-or-nothing"
    KEEP_GOOD = "keep-good"


class Duplicates(StrEnum):
    """What becomes of a row whose entry is there already."""

    REPORT = "report"
    REPLACE = "replace"
    SKIP = "skip"


RowStatus = Literal["created", "replaced", "skipped", "duplicate", "invalid"]


class RowResult(BaseModel):
    """What becomes of a row."""

    row: int = Field(description="Row of the table (its header is 1), item, or lexeme.")
    line: int | None = Field(description="In the file; null in JSON.")
    grapheme: str | None = Field(description="At most 200 characters of it.")
    status: RowStatus
    code: str | None = Field(None, description="Why it is not used: stable.")
    field: str | None = Field(None, description="What is wrong.")
    message: str | None = Field(None, description="The same in words; or what was left out.")
    entry_id: str | None = Field(None, description="The entry that was there already.")
    same_as_row: int | None = Field(None, description="The row before it that says the same.")


class RowCounts(BaseModel):
    """How many rows, by what becomes of them."""

    rows: int = 0
    created: int = 0
    replaced: int = 0
    skipped: int = 0
    duplicate: int = 0
    invalid: int = 0


class UploadReport(BaseModel):
    """What becomes of a file of entries."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lexicon_id": _ID,
                    "lexicon_name": "Places",
                    "lexicon_created": False,
                    "revision": 4,
                    "entries": 414,
                    "dry_run": False,
                    "applied": True,
                    "format": "csv",
                    "mode": "keep-good",
                    "counts": {
                        "rows": 3,
                        "created": 2,
                        "replaced": 0,
                        "skipped": 0,
                        "duplicate": 0,
                        "invalid": 1,
                    },
                    "results": [
                        {
                            "row": 3,
                            "line": 3,
                            "grapheme": "Thames",
                            "status": "invalid",
                            "code": "alias-missing",
                            "field": "alias",
                            "message": "An entry has either an alias or phonemes.",
                            "entry_id": None,
                            "same_as_row": None,
                        }
                    ],
                    "more_results": 0,
                }
            ]
        }
    )

    lexicon_id: str | None = Field(description="Null if there is none of the name yet.")
    lexicon_name: str
    lexicon_created: bool = Field(description="Whether the lexicon was made for the file.")
    revision: int = Field(description="Of the lexicon, now.")
    entries: int = Field(description="Of the lexicon, now.")
    dry_run: bool
    applied: bool = Field(description="Whether the lexicon was changed.")
    format: str
    mode: UploadMode
    counts: RowCounts = Field(description="Of all rows; where nothing was applied: what would be.")
    results: list[RowResult] = Field(
        description="Of the first 1,000 rows; if there are more, those with problems come first."
    )
    more_results: int = Field(description="How many rows are not in `results`.")
