"""JSON Schemas made of Google's own discovery document: nothing undeclared or deprecated, int64 as texts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
import jsonschema_rs

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache/documents/walletobjects.v1.json"


@cache
def validator(name: str) -> Any:
    """What a resource of that name must be."""
    return jsonschema_rs.validator_for(strict_schema(name))


def strict_schema(name: str) -> dict[str, Any]:
    schemas = json.loads(DOCUMENT.read_text())["schemas"]

    def convert(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in node:
            return {"$ref": f"#/$defs/{node['$ref']}"}
        if node["type"] == "object":
            properties = {key: convert(part) for key, part in node["properties"].items() if not part.get("deprecated")}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        if node["type"] == "array":
            return {"type": "array", "items": convert(node["items"]), "minItems": 1}
        if "enum" in node:
            deprecated = node.get("enumDeprecated", [False] * len(node["enum"]))
            return {"enum": [word for word, old in zip(node["enum"], deprecated, strict=True) if not old]}
        if node.get("format") in ("int64", "uint64"):
            return {"type": "string", "pattern": "^-?[0-9]+$"}
        return {"type": node["type"]}

    usable = {key: schema for key, schema in schemas.items() if "properties" in schema}
    definitions = {key: convert(schema) for key, schema in usable.items()}
    return {"$ref": f"#/$defs/{name}", "$defs": definitions}
