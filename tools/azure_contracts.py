"""Make a small contract for the checks of tests/azure_fake/published.py of a description that
Azure publishes (OpenAPI 2.0): what a request and an answer must be, without the prose.

The descriptions are in a public repository under the MIT licence and are not kept here:

    python tools/azure_contracts.py FILE -o tests/azure_fake/contracts/NAME.json --path P --commit C

with the path and commit of the file there: `origin` of the contracts names them. A word of the
description that this script knows neither as meaning something nor as prose is an error: nothing
is left out unseen. Standard library only.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPOSITORY, LICENCE = "https://github.com/Azure/azure-rest-api-specs", "MIT"
MOST_BYTES = 60_000
METHODS = ("get", "put", "post", "patch", "delete", "head", "options")
_MEANING = frozenset(
    {
        *("type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum"),
        *("minItems", "maxItems", "uniqueItems", "required", "additionalProperties", "readOnly"),
    }
)
_NESTED = frozenset({"properties", "items", "allOf", "additionalProperties", "$ref"})
_PROSE = frozenset({"description", "title", "summary", "example", "default", "externalDocs"})
_PLACES = {"query": "query", "header": "headers", "path": "in_path", "formData": "form"}
_OF_PARAMETERS = frozenset({"name", "in", "required"})


class Unknown(Exception):
    """The description says something that is not understood here."""


def contract(description: Mapping[str, Any]) -> dict[str, Any]:
    """What it asks of calls. Definitions stay by name; parameters stand where they are used."""
    if description.get("swagger") != "2.0":
        raise Unknown("only OpenAPI 2.0 is read")
    return {
        "title": description["info"]["title"],
        "version": description["info"]["version"],
        "base": _base(description),
        "key_header": _key_header(description),
        "operations": list(_operations(description)),
        "definitions": {
            name: _schema(one, f"definitions/{name}")
            for name, one in sorted(description.get("definitions", {}).items())
        },
    }


def _base(description: Mapping[str, Any]) -> str:
    template = description.get("x-ms-parameterized-host", {}).get("hostTemplate", "")
    found = re.fullmatch(r"\{\w+\}(/[\w/]*)?", template)
    if found is None:
        raise Unknown(f"host {template!r}")
    return (found[1] or "") + description.get("basePath", "").rstrip("/")


def _key_header(description: Mapping[str, Any]) -> str | None:
    """The header of keys, where one or a token is needed for every call."""
    if not description.get("security"):
        return None
    ways = description["securityDefinitions"].values()
    return next((way["name"] for way in ways if way["type"] == "apiKey"), None)


def _operations(description: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, item in description["paths"].items():
        if unknown := set(item) - {*METHODS, "parameters"}:
            raise Unknown(f"{path}: {sorted(unknown)}")
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", [])
                yield _operation(description, (method, path), item[method], shared)


def _operation(
    description: Mapping[str, Any],
    at: tuple[str, str],
    said: Mapping[str, Any],
    shared: list[Any],
) -> dict[str, Any]:
    method, path = at
    made: dict[str, Any] = {"id": said["operationId"], "method": method.upper(), "path": path}
    for parameter in [*shared, *said.get("parameters", [])]:
        one = _resolved(description, parameter)
        where, name = one["in"], one["name"]
        if where == "body":
            made["body"] = _schema(one["schema"], f"{path} body")
            made["body_required"] = one.get("required", False)
        elif where in _PLACES:
            rule = _schema(one, f"{path} {name}", _OF_PARAMETERS)
            rule["required"] = one.get("required", False)
            made.setdefault(_PLACES[where], {})[name] = rule
        else:
            raise Unknown(f"{path}: a parameter in {where!r}")
    if "body" in made or "form" in made:
        made["consumes"] = said.get("consumes", description.get("consumes", []))
    made["answers"] = {
        status: _schema(one["schema"], f"{path} {status}") if "schema" in one else None
        for status, one in said["responses"].items()
    }
    return made


def _resolved(description: Mapping[str, Any], parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in parameter:
        return parameter
    kind, _, name = parameter["$ref"].removeprefix("#/").partition("/")
    found: Mapping[str, Any] = description[kind][name]
    return found


def _schema(said: Mapping[str, Any], at: str, more: frozenset[str] = frozenset()) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for word, value in sorted(said.items()):
        if word in more or word in _PROSE:
            continue
        if word in _NESTED and not isinstance(value, bool):
            made[word] = _nested(word, value, f"{at}/{word}")
        elif word in _MEANING:
            made[word] = value
        elif word == "x-ms-enum":
            if value.get("modelAsString"):
                made["x-grows"] = True  # Azure may come to know more values
        elif word == "x-ms-max-length":
            made["x-max-bytes"] = value
        elif not word.startswith("x-"):
            raise Unknown(f"{at}: {word!r}")
    return made


def _nested(word: str, value: Any, at: str) -> Any:
    if word == "$ref":
        if not re.fullmatch(r"#/definitions/[\w.]+", value):
            raise Unknown(f"{at}: {value!r}")
        return value
    if word == "properties":
        return {name: _schema(one, f"{at}/{name}") for name, one in sorted(value.items())}
    if word == "allOf":
        return [_schema(one, at) for one in value]
    return _schema(value, at)


def written(made: Mapping[str, Any]) -> str:
    """JSON, with an operation or definition on each line: changes can be read."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    operations = ",\n".join(f"  {line(one)}" for one in made["operations"])
    definitions = ",\n".join(
        f"  {line(name)}: {line(one)}" for name, one in made["definitions"].items()
    )
    first = [
        f" {line(name)}: {line(value)},\n"
        for name, value in made.items()
        if name not in ("operations", "definitions")
    ]
    return (
        f'{{\n{"".join(first)} "operations": [\n{operations}\n ],\n'
        f' "definitions": {{\n{definitions}\n }}\n}}\n'
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="A contract of a description that Azure publishes")
    parser.add_argument("file", type=Path, help="the description")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--path", required=True, help="where it is in its repository")
    parser.add_argument("--commit", required=True)
    parser.add_argument("--note", help="how the file was come by, if it is not the original")
    told = parser.parse_args()
    origin = {
        "repository": REPOSITORY,
        "path": told.path,
        "commit": told.commit,
        "licence": LICENCE,
        "made_by": "tools/azure_contracts.py",
    }
    if told.note:
        origin["note"] = told.note
    try:
        made = contract(json.loads(told.file.read_text(encoding="utf-8")))
    except Unknown as error:
        sys.stderr.write(f"{told.file}: not understood: {error}\n")
        return 1
    text = written({"origin": origin, **made})
    if len(text.encode()) > MOST_BYTES:
        sys.stderr.write(f"{told.file}: {len(text.encode())} bytes, at most {MOST_BYTES}\n")
        return 1
    told.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
