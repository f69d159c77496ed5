"""Whether a contestant does its work at all: asked before anything is timed."""

import http.client
import json
import ssl
import time

from material import token
from processes import Failed, load

SECURITY_HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": None,  # any value: houses differ in how strict they are
    "content-security-policy": None,
}


def require(good, what):
    if not good:
        raise Failed(what)


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.fields = {name.lower(): value for name, value in response.getheaders()}


def get(port, path, tls=None, bearer=None):
    context = ssl._create_unverified_context() if tls else None
    connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context) if tls
                  else http.client.HTTPConnection("127.0.0.1", port, timeout=20))
    try:
        fields = {"Host": "localhost"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        connection.request("GET", path, headers=fields)
        if tls:
            require(connection.sock.version() == "TLSv1.3", f"{connection.sock.version()} instead of TLSv1.3")
        return Answer(connection.getresponse())
    finally:
        connection.close()


def check_answers(setup):
    """Every body, byte by byte, on every listener."""
    good = token(setup.material.secret)
    for listener, tls, bearer in (("plain", False, None), ("tls", True, None), ("full", True, good)):
        for path, file in setup.material.answers.items():
            answer = get(setup.ports[listener], path, tls, bearer)
            require(answer.status == 200, f"{listener} {path}: status {answer.status}")
            require(answer.body == file.read_bytes(), f"{listener} {path}: another body")


def check_everything_on(setup, contestant):
    good = token(setup.material.secret)
    answers = [get(setup.ports["full"], "/small", True, good) for _ in range(2)]
    ids = [answer.fields.get("x-request-id") for answer in answers]
    require(all(ids) and ids[0] != ids[1], f"request ids {ids}")
    for name, value in SECURITY_HEADERS.items():
        found = answers[0].fields.get(name)
        require(found is not None and value in (None, found), f"{name}: {found}")
    echo = get(setup.ports["full"], "/echo", True, good)
    seen = {name.lower(): value for name, _, value in
            (line.partition(": ") for line in echo.body.decode().splitlines()[1:])}
    require(seen.get("x-request-id") == echo.fields.get("x-request-id"), "the origin got another request id")
    require(seen.get("x-forwarded-for") == "127.0.0.1", f"X-Forwarded-For: {seen.get('x-forwarded-for')}")
    require(seen.get("x-forwarded-proto") == "https", f"X-Forwarded-Proto: {seen.get('x-forwarded-proto')}")
    check_log(setup.directory / contestant.log, ids[0])
    metrics = get(setup.ports["metrics"], contestant.metrics_path)
    require(metrics.status == 200 and contestant.metrics_word in metrics.body.decode(), "no metrics")


def check_log(path, request_id):
    """One JSON line with the request's id and status, within ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        lines = [line for line in path.read_text(errors="replace").splitlines() if request_id in line]
        if lines:
            require(len(lines) == 1 and json.loads(lines[0])["status"] == 200, f"log: {lines}")
            return
        time.sleep(0.05)
    raise Failed(f"no line in the access log about {request_id}")


def check_tokens(setup):
    """401 for everything that is not a good token."""
    secret = setup.material.secret
    good = token(secret)
    head, claims, signature = good.split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    bad = {"none": None, "garbage": "garbage", "expired": token(secret, exp=int(time.time()) - 60),
           "another key": token("0" * 64), "alg none": token(secret, algorithm="none"),
           "signature flipped": f"{head}.{claims}.{flipped}", "signature cut off": f"{head}.{claims}."}
    for case, bearer in bad.items():
        status = get(setup.ports["full"], "/small", True, bearer).status
        require(status == 401, f"token {case}: status {status}")
    require(get(setup.ports["full"], "/small", True, good).status == 200, "a good token after bad ones")


def check_http2(setup, contestant, tools, cores):
    def ask(tokens, *expected):
        load(tools, cores, setup.ports["full"], ["--tls", "--h2", "--connections", 2, "--streams", 4, "--tokens", tokens,
                                                 *expected], warm=0.05, seconds=0.2)
    ask(setup.material.tokens, "--body", setup.material.small)
    if contestant.checks_tokens:
        bad = setup.directory / "bad_tokens"
        bad.write_text(token("0" * 64))
        ask(bad, "--status", 401)


def check_rate_limit(setup, tools, cores):
    """Started with a limit of 5 requests a second: of many at once some get 429, and some do not."""
    for seconds in (0.5, 2, 8):  # longer where a busy machine let too few pass to reach the limit
        seen = load(tools, cores, setup.ports["full"], ["--tls", "--connections", 4, "--tokens", setup.material.tokens,
                                                        "--status", "any"], warm=0, seconds=seconds)["statuses"]
        if set(seen) == {"200", "429"}:
            return
    raise Failed(f"over the rate limit: {seen}")


def check(setup, contestant, tools, cores):
    check_answers(setup)
    check_everything_on(setup, contestant)
    if contestant.checks_tokens:
        check_tokens(setup)
    check_http2(setup, contestant, tools, cores)
