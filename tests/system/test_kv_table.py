"""The page of compatibility says of each operation whether it is answered; here it is held to that."""

import pathlib
import re

import pytest

from support.control import Control, house_config
from support.gateway import api_key
from support.openapi import operations

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
KEY = "key-of-admin-long-enough-0123456789abcdef"


def rows(title):
    """Cells of the table below a heading; the first is the path."""
    part = PAGE.read_text().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")]


@pytest.fixture
def admin(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth={"api_keys": [api_key("admin", KEY, ["admin"])]}))
    return Control(gateway, key=KEY)


def test_what_is_answered_is_what_the_page_lists(admin):
    document = admin.get("/api/v1/openapi.json").json()
    served = {(path.rstrip("/"), method) for path, method, _ in operations(document) if path.startswith("/v1/")}
    listed = {(f"/v1/{cells[0].strip('`')}", method) for cells in rows("Answered") for method in cells[1].split()}
    assert {each for each in listed if each[1] != "LIST"} == served
    lists = {path for path, method in listed if method == "LIST"}
    assert len(lists) == 9
    for path in lists:  # for which OpenAPI has no place
        assert admin.ask("LIST", re.sub(r"{\w+}", "none", path)).status in (200, 404)
    for path, method in served:
        assert admin.ask(method, re.sub(r"{\w+}", "none", path), {} if method in ("POST", "PUT", "PATCH") else None).status != 405


def test_what_is_refused_is_refused_as_the_page_says(admin):
    refused = rows("Refused")
    assert len(refused) > 10
    for path, methods, status, *_ in refused:
        for method in methods.split():
            answer = admin.ask(method, "/v1/" + re.sub(r"{\w+}", "none", path.strip("`")), {} if method != "GET" else None)
            assert answer.status == int(status), (method, path, answer)
