"""What is made of a description of Azure: all that it asks for, and no prose."""

import json
from typing import Any

import pytest

from tools.azure_contracts import Unknown, contract, written


def description() -> dict[str, Any]:
    return {
        "swagger": "2.0",
        "info": {"title": "Things", "version": "1", "description": "PROSE"},
        "x-ms-parameterized-host": {"hostTemplate": "{endpoint}/things"},
        "consumes": ["application/json"],
        "security": [{"key": []}],
        "securityDefinitions": {"key": {"type": "apiKey", "name": "X-Key", "in": "header"}},
        "paths": {
            "/a/{id}": {
                "put": {
                    "operationId": "A_Put",
                    "description": "PROSE",
                    "x-ms-examples": {"PROSE": {}},
                    "parameters": [
                        {"$ref": "#/parameters/Id"},
                        {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/A"}},
                    ],
                    "responses": {"201": {"description": "PROSE"}},
                }
            }
        },
        "parameters": {
            "Id": {"name": "id", "in": "path", "required": True, "type": "string", "minLength": 3}
        },
        "definitions": {
            "A": {
                "type": "object",
                "description": "PROSE",
                "required": ["description"],
                "properties": {
                    "description": {"type": "string", "example": "PROSE", "readOnly": True},
                    "kind": {"enum": ["X"], "x-ms-enum": {"name": "PROSE", "modelAsString": True}},
                },
            }
        },
    }


def test_what_is_asked_for_stays_and_prose_goes():
    made = contract(description())

    assert made == {
        "title": "Things",
        "version": "1",
        "base": "/things",
        "key_header": "X-Key",
        "operations": [
            {
                "id": "A_Put",
                "method": "PUT",
                "path": "/a/{id}",
                "in_path": {"id": {"type": "string", "minLength": 3, "required": True}},
                "body": {"$ref": "#/definitions/A"},
                "body_required": False,
                "consumes": ["application/json"],
                "answers": {"201": None},
            }
        ],
        "definitions": {
            "A": {
                "type": "object",
                "required": ["description"],
                "properties": {
                    "description": {"type": "string", "readOnly": True},
                    "kind": {"enum": ["X"], "x-grows": True},
                },
            }
        },
    }
    assert json.loads(written(made)) == made
    assert "PROSE" not in written(made)


@pytest.mark.parametrize("change", [{"oneOf": []}, {"$ref": "./common.json#/definitions/B"}])
def test_a_word_that_is_not_understood_is_an_error(change):
    said = description()
    said["definitions"]["A"] |= change

    with pytest.raises(Unknown, match="definitions/A"):
        contract(said)
