"""Key sets fetched over the network: rotation, outages, and no flood of fetches."""

import pytest

from support import jwt
from support import upstream as answers
from support.gateway import upstream_config
from support.wait import pass_time, until

ISSUER = "https://idp.test"
PROTECTED = [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"}}]


class Provider:
    """An identity provider's key endpoint with a counter."""

    def __init__(self, upstream, *keys):
        self.upstream, self.keys = upstream, list(keys)
        upstream.answer = self

    def __call__(self, connection, request):
        body = jwt.key_set(*self.keys)
        answers.normal(200, body, [("Content-Type", "application/json")])(connection, request)

    @property
    def fetches(self):
        return len(self.upstream.requests)


@pytest.fixture
def house(start, configure, make_upstream):
    provider = Provider(make_upstream(name="idp"), jwt.Key("ES256", kid="first"))
    backend = make_upstream()
    issuer = {"issuer": ISSUER, "jwks_uri": f"{provider.upstream.url}/jwks", "audience": "api"}
    gateway = start(configure([upstream_config(backend)], PROTECTED, workers=2, auth={"trusted_issuers": [issuer]}))
    until(lambda: status(gateway, provider.keys[0]) == 200, "the key set to be there")
    return gateway, provider


def status(gateway, key, body=None):
    return gateway.get("/", [("Authorization", f"Bearer {key.token(body)}")]).status


def test_an_unknown_kid_causes_at_most_one_fetch_in_ten_seconds(house):
    gateway, provider = house
    before = provider.fetches
    strangers = [jwt.Key("ES256", kid=f"stranger-{i}") for i in range(20)]
    assert all(status(gateway, key) == 401 for key in strangers)
    pass_time(0.5)
    assert provider.fetches - before <= 1
    assert status(gateway, provider.keys[0]) == 200


def test_a_rotated_key_is_found_without_a_reload(house):
    gateway, provider = house
    new = jwt.Key("ES256", kid="second")
    provider.keys.append(new)
    until(lambda: status(gateway, new) == 200, "the new key to be fetched", timeout=14, pause=0.2)
    assert status(gateway, provider.keys[0]) == 200


def test_the_last_good_set_outlives_an_outage(house):
    gateway, provider = house
    provider.upstream.stop()
    assert status(gateway, jwt.Key("ES256", kid="unknown")) == 401
    pass_time(0.3)
    assert status(gateway, provider.keys[0]) == 200


@pytest.mark.parametrize("garbage", [b"", b"<html>", b"{}", b'{"keys": 5}', b'{"keys": [{"kty": "EC"}]}', b"[" * 100000])
def test_a_broken_answer_does_not_replace_good_keys(house, garbage):
    gateway, provider = house
    provider.upstream.answer = answers.normal(200, garbage, [("Content-Type", "application/json")])
    assert status(gateway, jwt.Key("ES256", kid="unknown")) == 401
    pass_time(0.2)
    assert status(gateway, provider.keys[0]) == 200


def test_an_issuer_that_never_answers_holds_nobody_up(start, configure, make_upstream):
    silent = make_upstream(answers.never)
    backend = make_upstream()
    secret = jwt.new_secret()
    issuers = [{"issuer": ISSUER, "jwks_uri": f"{silent.url}/jwks", "audience": "api"},
               {"issuer": "legacy", "algorithm": "HS256", "secret": "${env:LEGACY_SECRET}", "audience": "any"}]
    gateway = start(configure([upstream_config(backend)], PROTECTED, auth={"trusted_issuers": issuers}), env={"LEGACY_SECRET": secret})
    assert status(gateway, jwt.Key("ES256", kid="k")) in (401, 503)
    assert status(gateway, jwt.Key("HS256", kid=None, secret=secret), jwt.claims(iss="legacy")) == 200


def test_keys_come_over_verified_https(start, configure, make_upstream, authority, server_certificate, tmp_path):
    from support.tls import Authority
    stranger = Authority(tmp_path / "stranger")
    key = jwt.Key("ES256", kid="k")
    trusted = Provider(make_upstream(tls=authority.server_context(*server_certificate)), key)
    untrusted = Provider(make_upstream(tls=stranger.server_context(*stranger.issue("evil"))), key)
    issuers = [
        {"issuer": ISSUER, "jwks_uri": f"{trusted.upstream.url}/jwks", "audience": "api", "ca_file": str(authority.certificate)},
        {"issuer": "https://evil.test", "jwks_uri": f"{untrusted.upstream.url}/jwks", "audience": "api",
         "ca_file": str(authority.certificate)},
    ]
    gateway = start(configure([upstream_config(make_upstream())], PROTECTED, auth={"trusted_issuers": issuers}))
    until(lambda: status(gateway, key) == 200, "the key set over https")
    until(lambda: untrusted.upstream.connections, "an attempt at the other issuer")
    assert status(gateway, key, jwt.claims(iss="https://evil.test")) in (401, 503)
    assert untrusted.fetches == 0
