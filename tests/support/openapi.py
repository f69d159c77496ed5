"""What an OpenAPI document of ours must look like: the parts of OpenAPI 3.1.0 that we use, and nothing besides."""

import re

import jsonschema

METHODS = ("get", "put", "post", "delete", "patch")
_TEXT = {"type": "string", "minLength": 1}


def _map(values, names=".+", **more):
    return {"type": "object", "patternProperties": {names: values}, "additionalProperties": False} | more


def _object(required, **optional):
    return {"type": "object", "required": list(required), "properties": required | optional,
            "additionalProperties": False}


_SCHEMA = {"type": "object"}  # judged by the meta-schema of JSON Schema itself
_CONTENT = _map(_object({}, schema=_SCHEMA), r"^([a-z]+/[a-z+.-]+|[*]/[*])$", minProperties=1)
_RESPONSE = _object({"description": _TEXT}, content=_CONTENT)
_PARAMETER = _object({"name": _TEXT, "in": {"enum": ["path", "query"]}, "required": {"type": "boolean"},
                      "schema": _SCHEMA}, description=_TEXT)
_OPERATION = _object(
    {"operationId": {"type": "string", "pattern": "^[a-z0-9_]+$"}, "summary": _TEXT,
     "responses": _map(_RESPONSE, "^([1-5][0-9][0-9]|default)$", required=["default"]),
     "security": {"type": "array", "items": _map({"type": "array", "items": _TEXT}, minProperties=1)}},
    parameters={"type": "array", "items": _PARAMETER},
    requestBody=_object({"required": {"const": True}, "content": _CONTENT}))
_DOCUMENT = _object({
    "openapi": {"const": "3.1.0"},
    "info": _object({"title": _TEXT, "version": _TEXT}),
    "paths": _map(_map(_OPERATION, f"^({'|'.join(METHODS)})$", minProperties=1), "^/"),
    "components": _object({"securitySchemes": _map({"type": "object", "required": ["type"]}),
                           "schemas": _map(_SCHEMA, "^[A-Za-z0-9]+$")}),
})


def operations(document):
    """(path, method in capitals, operation) of each."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _schemas(value):
    """Every schema of an operation."""
    if isinstance(value, dict):
        yield from ([value["schema"]] if isinstance(value.get("schema"), dict) else [])
        for each in value.values():
            yield from _schemas(each)
    elif isinstance(value, list):
        for each in value:
            yield from _schemas(each)


def judge(document):
    """Raises where the document is not what OpenAPI 3.1 says."""
    jsonschema.Draft202012Validator(_DOCUMENT).validate(document)
    for reference in _references(document):
        assert reference.startswith("#/components/schemas/"), reference
        assert reference.rsplit("/", 1)[1] in document["components"]["schemas"], reference
    for schema in [*document["components"]["schemas"].values(), *_schemas(document["paths"])]:
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, _, operation in operations(document):
        said = [item["name"] for item in operation.get("parameters", []) if item["in"] == "path"]
        assert said == re.findall(r"\{([a-z_]+)\}", path), path
        for requirement in operation["security"]:
            assert requirement.keys() <= document["components"]["securitySchemes"].keys()


def validate_answer(document, operation, response):
    """Raises where an answer is not what its operation says."""
    said = operation["responses"].get(str(response.status), operation["responses"]["default"])
    if "content" not in said:
        assert response.body == b""
        return
    media_type = response.get("content-type").split(";")[0]
    assert media_type in said["content"], (response, said)
    schema = said["content"][media_type].get("schema")
    if schema is not None:
        whole = {**schema, "components": document["components"]}
        jsonschema.Draft202012Validator(whole).validate(response.json())
