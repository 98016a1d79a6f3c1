"""Files of entries: tables, JSON, W3C PLS."""

from app.lexicons.formats.azure import write_azure
from app.lexicons.formats.objects import read_objects, write_objects
from app.lexicons.formats.pls import read_pls
from app.lexicons.formats.pls_written import write_pls
from app.lexicons.formats.rows import FileContents, Form, Row
from app.lexicons.formats.table import read_table, write_table

__all__ = [
    "FileContents",
    "Form",
    "Row",
    "guessed",
    "read_file",
    "write_azure",
    "write_objects",
    "write_pls",
    "write_table",
]

_ENDINGS = {"csv": Form.CSV, "tsv": Form.CSV, "json": Form.JSON, "pls": Form.PLS, "xml": Form.PLS}
_LOOKED_AT = 400
_BEGINNINGS = {"<": Form.PLS, "{": Form.JSON, "[": Form.JSON}


def guessed(content: bytes, filename: str) -> Form:
    """The form of a file, by how its name ends, else by how it begins."""
    if form := _ENDINGS.get(filename.rpartition(".")[2].lower()):
        return form
    beginning = content[:_LOOKED_AT].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return _BEGINNINGS.get(beginning[:1].decode("ascii", "replace"), Form.CSV)


def read_file(content: bytes, form: Form, *, limit: int) -> FileContents:
    """The entries of a file, not checked yet.

    Raises:
        LexiconFileInvalid: it cannot be read, or has more than `limit` entries.
    """
    readers = {Form.CSV: read_table, Form.JSON: read_objects, Form.PLS: read_pls}
    return readers[form](content, limit=limit)
