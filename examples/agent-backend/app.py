"""An agent backend as teams have it before Gatehouse: plain HTTP, no authentication, no limits of its own.

Answers questions from the pages in docs/. Everything is deterministic, and nothing leaves the machine.

  uvicorn --app-dir examples/agent-backend app:app --port 8000
  python3 examples/agent-backend/app.py --port 0      # says `listening on http://...` once it does
"""

import argparse
import asyncio
import hashlib
import json
import platform
import re
import socket
import time

import fastapi
import uvicorn
from fastapi import Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from corpus import Corpus, read_passages, words

VERSION = "1.0.0"
STARTED = time.monotonic()
AGENTS = (
    {"id": "librarian", "role": "finds passages by keyword", "serves": ["/api/query"]},
    {"id": "answerer", "role": "answers with the best sentence", "serves": ["/api/query/ask", "/api/query/stream"]},
    {"id": "researcher", "role": "answers and names its sources", "serves": ["/api/query/rag"]},
    {"id": "matcher", "role": "joins two rankings", "serves": ["/api/query/hybrid"]},
)

app = fastapi.FastAPI(title="Example agent backend", version=VERSION)
corpus = Corpus(read_passages())


class Query(BaseModel):
    query: str = Field(min_length=1, max_length=2000)
    limit: int = Field(default=3, ge=1, le=20)


def shown(ranking):
    return [{"source": p.source, "title": p.title, "text": p.text, "score": round(score, 4)} for score, p in ranking]


def answer_to(query):
    """(sentence, passages): the sentence of the best passages that shares most words with the question."""
    ranking = corpus.by_keywords(query, 3)
    wanted = set(words(query))
    sentences = [s for _, passage in ranking for s in re.split(r"(?<=[.!?])\s+", passage.text)]
    if not sentences:
        return "I have no page about that.", []
    return max(sentences, key=lambda sentence: len(wanted & set(words(sentence)))), ranking


@app.get("/")
def index():
    """Where a newcomer lands who asks for nothing in particular."""
    return {"service": "example-agent-backend", "ask": "POST /api/query/ask", "routes": "/openapi.json"}


@app.post("/api/query")
def find(query: Query):
    return {"query": query.query, "results": shown(corpus.by_keywords(query.query, query.limit))}


@app.post("/api/query/ask")
def ask(query: Query):
    answer, _ = answer_to(query.query)
    return {"query": query.query, "answer": answer}


@app.post("/api/query/rag")
def answer_with_sources(query: Query):
    answer, ranking = answer_to(query.query)
    return {"query": query.query, "answer": answer, "sources": shown(ranking[:query.limit])}


@app.post("/api/query/hybrid")
def hybrid(query: Query):
    return {"query": query.query, "results": shown(corpus.hybrid(query.query, query.limit))}


@app.post("/api/query/stream")
async def stream(query: Query, pause_ms: int = fastapi.Query(default=40, ge=0, le=5000)):
    """The answer word by word, as a model would write it: server-sent events `token`, then one `done`."""
    answer, ranking = answer_to(query.query)

    async def events():
        spoken = answer.split()
        for index, word in enumerate(spoken):
            yield event("token", {"index": index, "text": word})
            await asyncio.sleep(pause_ms / 1000)
        yield event("done", {"tokens": len(spoken), "sources": sorted({p.source for _, p in ranking})})

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


def event(name, data):
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


@app.get("/api/agent/list")
def agents():
    return {"items": AGENTS, "total": len(AGENTS)}


@app.get("/system/info")
def info():
    return {"service": "example-agent-backend", "version": VERSION, "python": platform.python_version(),
            "passages": len(corpus.passages), "uptime_seconds": round(time.monotonic() - STARTED, 3)}


@app.get("/health")
def health():
    return {"status": "healthy", "passages": len(corpus.passages)}


@app.post("/upload")
async def upload(request: Request):
    """Raw or multipart (every file part); read piece by piece, kept nowhere, answered with size and SHA-256."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return {"files": await digests_of_parts(request)}
    size, digest = 0, hashlib.sha256()
    async for piece in request.stream():
        size += len(piece)
        digest.update(piece)
    return {"size": size, "sha256": digest.hexdigest()}


async def digests_of_parts(request):
    files = []
    for name, part in (await request.form()).multi_items():
        if not hasattr(part, "read"):
            continue
        size, digest = 0, hashlib.sha256()
        while piece := await part.read(64 * 1024):
            size += len(piece)
            digest.update(piece)
        files.append({"field": name, "name": part.filename, "size": size, "sha256": digest.hexdigest()})
    return files


@app.websocket("/ws/echo")
async def echo(socket_: WebSocket):
    """Sends back what comes, text as text and bytes as bytes, until the other side closes."""
    await socket_.accept()
    try:
        while True:
            message = await socket_.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await socket_.send_text(message["text"])
            else:
                await socket_.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        return


@app.get("/whoami")
def who_am_i(request: Request):
    """What the gateway said about the caller; nobody, when asked without one."""
    headers = request.headers
    return JSONResponse({
        "subject": headers.get("x-gatehouse-subject"),
        "roles": [role.strip() for role in headers.get("x-gatehouse-roles", "").split(",") if role.strip()],
        "principal_type": headers.get("x-gatehouse-principal-type"),
        "request_id": headers.get("x-request-id"),
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0: the system picks one")
    arguments = parser.parse_args()
    listener = socket.create_server((arguments.host, arguments.port), backlog=512)
    print(f"listening on http://{arguments.host}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_keep_alive=75, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
