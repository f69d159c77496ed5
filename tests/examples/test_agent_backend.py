"""The example backend by itself: every route that the README of the example names."""

import asyncio
import hashlib
import http.client
import json

import pytest

from support.agent_backend import AgentBackend

@pytest.fixture(scope="module")
def port():
    backend = AgentBackend()
    yield backend.port
    backend.stop()


def call(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response, response.read()


def post(port, path, value):
    response, body = call(port, "POST", path, json.dumps(value), {"Content-Type": "application/json"})
    return response.status, json.loads(body)


@pytest.mark.parametrize("path", ["/api/query", "/api/query/hybrid"])
def test_a_search_finds_the_passage_that_is_about_it_and_says_the_same_twice(port, path):
    question = {"query": "what does a circuit breaker do?"}
    status, found = post(port, path, question)
    assert status == 200 and found["results"][0]["title"] == "Circuit breaker"
    assert 1 <= len(found["results"]) <= 3
    assert post(port, path, question)[1] == found


def test_hybrid_search_forgives_a_spelling_that_keywords_do_not(port):
    misspelt = {"query": "certificat authoritys renewl"}
    assert post(port, "/api/query", misspelt)[1]["results"] == []
    assert post(port, "/api/query/hybrid", misspelt)[1]["results"][0]["title"] == "Certificates"


def test_an_answer_is_a_sentence_of_the_corpus_and_names_its_source(port):
    question = {"query": "which status has a request over the rate limit?"}
    status, found = post(port, "/api/query/rag", question)
    assert status == 200 and "status 429" in found["answer"]
    assert found["sources"][0]["source"] == "gateway.md"
    assert post(port, "/api/query/ask", question)[1]["answer"] == found["answer"]


def test_a_question_about_nothing_known_gets_no_invention(port):
    assert post(port, "/api/query/rag", {"query": "zebra quantum"}) == (
        200, {"query": "zebra quantum", "answer": "I have no page about that.", "sources": []})


@pytest.mark.parametrize("value", [{}, {"query": ""}, {"query": "x" * 2001}, {"query": "x", "limit": 0}])
def test_wrong_fields_are_refused(port, value):
    assert post(port, "/api/query", value)[0] == 422


def test_a_stream_arrives_word_by_word_and_ends_with_done(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/api/query/stream?pause_ms=30", json.dumps({"query": "what is a tool?"}),
                       {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200 and response.getheader("content-type").startswith("text/event-stream")
    first = response.read1()
    assert first.count(b"event: token") < 3, "the words came all at once"
    blocks = (first + response.read()).decode().strip().split("\n\n")
    events = [tuple(line.split(": ", 1)[1] for line in block.split("\n")) for block in blocks]
    spoken = [json.loads(data)["text"] for name, data in events if name == "token"]
    assert " ".join(spoken) == "A tool is a function that an agent may call."
    assert events[-1][0] == "done"
    done = json.loads(events[-1][1])
    assert done["tokens"] == len(spoken) and "agents.md" in done["sources"]
    assert [name for name, _ in events].count("done") == 1


@pytest.mark.parametrize("path, key", [("/", "ask"), ("/api/agent/list", "items"), ("/system/info", "version"),
                                       ("/health", "status"), ("/openapi.json", "paths")])
def test_pages_about_itself_answer_without_credentials(port, path, key):
    response, body = call(port, "GET", path)
    assert response.status == 200 and key in json.loads(body)


def test_it_repeats_what_the_gateway_says_about_the_caller(port):
    _, body = call(port, "GET", "/whoami", headers={"X-Gatehouse-Subject": "alice", "X-Gatehouse-Roles": "user, admin"})
    assert json.loads(body) == {"subject": "alice", "roles": ["user", "admin"], "principal_type": None, "request_id": None}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_raw_upload_is_measured_whole(port, chunked):
    data = bytes(range(256)) * 4096
    body = (data[i:i + 50_000] for i in range(0, len(data), 50_000)) if chunked else data
    _, answer = call(port, "POST", "/upload", body, {"Content-Type": "application/octet-stream"})
    assert json.loads(answer) == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_a_multipart_upload_is_measured_file_by_file(port):
    parts = [("a", "one.txt", b"first"), ("b", "two.bin", b"\x00\xff" * 1000)]
    body = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n' % (
            name.encode(), file.encode(), data) for name, file, data in parts) + b"--edge--\r\n"
    _, answer = call(port, "POST", "/upload", body, {"Content-Type": "multipart/form-data; boundary=edge"})
    assert json.loads(answer)["files"] == [
        {"field": name, "name": file, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, file, data in parts]


def test_the_websocket_echoes_text_and_bytes(port):
    websockets = pytest.importorskip("websockets", reason="python3-websockets is not installed")

    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws/echo") as peer:
            for message in ("hello", b"\x00\x01\xff", "ü" * 5000):
                await peer.send(message)
                assert await asyncio.wait_for(peer.recv(), 10) == message

    asyncio.run(talk())
