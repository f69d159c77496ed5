"""The configuration file is read strictly, and its reader says where and what."""

import json
import re

import pytest
import yaml

from support.gateway import BINARY, ROOT, public_route, run, upstream_config, write_config
from support.jwt import new_secret

SECRET = new_secret()


@pytest.fixture
def base(configure, upstream):
    return configure([upstream_config(upstream)])


@pytest.fixture
def check(tmp_path):
    """(exit code, everything said, the file) of `config check` on a dict or text."""
    def checker(config, env=None):
        path = tmp_path / "gatehouse.yaml"
        write_config(path, config)
        done = run("config", "check", path, env={"SECRET": SECRET, "SHORT": "a-rather-short-one"} | (env or {}))
        return done.returncode, done.stdout + done.stderr, path
    return checker


def test_a_good_file_passes(check, base):
    code, said, _ = check(base)
    assert code == 0, said


def line_of(path, text):
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def with_route(**changes):
    return lambda config: config["routes"][0].update(changes)


def with_key(name, value):
    return lambda config: config.update({name: value})


def with_upstream(**changes):
    return lambda config: config["upstreams"][0].update(changes)


def with_listener(**changes):
    return lambda config: config["listeners"][0].update(changes)


MISTAKES = {
    # name: (change, text on the line that is wrong, what the message must name)
    "unknown key": (with_key("colour", "blue"), '"colour"', "colour"),
    "misspelt key": (with_key("workerz", 2), '"workerz"', "workers"),
    "unknown key of a route": (with_route(acess="public"), '"acess"', "access"),
    "unknown key of an upstream": (with_upstream(endpoint="http://127.0.0.1:1"), '"endpoint"', "endpoints"),
    "text for a number": (with_key("workers", "many"), '"workers"', "workers"),
    "negative number": (with_key("workers", -1), '"workers"', "workers"),
    "list for a text": (with_listener(name=["a"]), '"name"', "name"),
    "unit unknown": (with_key("limits", {"header_timeout": "10 parsecs"}), '"header_timeout"', "header_timeout"),
    "number without unit": (with_key("limits", {"header_timeout": 10}), '"header_timeout"', "header_timeout"),
    "size with a bad unit": (with_route(request_body_max="10XB"), '"request_body_max"', "request_body_max"),
    "zero header bytes": (with_key("limits", {"header_bytes_max": "0B"}), '"header_bytes_max"', "header_bytes_max"),
    "endpoint without scheme": (with_upstream(endpoints=["127.0.0.1:80"]), '"127.0.0.1:80"', "endpoints"),
    "endpoint with a path": (with_upstream(endpoints=["http://a.test/x"]), '"http://a.test/x"', "endpoints"),
    "endpoint with credentials": (with_upstream(endpoints=["http://u:p@a.test"]), "a.test", "endpoints"),
    "no endpoint": (with_upstream(endpoints=[]), '"endpoints"', "endpoints"),
    "unknown balance": (with_upstream(balance="luck"), '"balance"', "balance"),
    "unknown upstream": (with_route(upstream="nobody"), '"upstream"', "nobody"),
    "two demands at once": (with_route(access={"role": "user", "scopes": ["a"]}), '"access"', "role"),
    "unknown access": (with_route(access="everyone"), '"access"', "access"),
    "unknown service": (with_listener(serve=["gatway"]), "gatway", "gateway"),
    "room that is not built": (with_listener(serve=["console"]), "console", "console"),
    "serves and redirects": (with_listener(redirect_to="admin"), '"name"', "redirect_to"),
    "bind without port": (with_listener(bind="127.0.0.1"), '"bind"', "bind"),
    "bind by name": (with_listener(bind="localhost:80"), '"bind"', "bind"),
    "port beyond 65535": (with_listener(bind="127.0.0.1:70000"), '"bind"', "bind"),
    "plain gateway beyond loopback": (with_listener(bind="0.0.0.0:8088"), '"bind"', "tls"),
    "bad network": (with_key("trusted_proxies", ["10.0.0.0/33"]), "10.0.0.0/33", "trusted_proxies"),
    "network with host bits": (with_key("trusted_proxies", ["10.0.0.1/8"]), "10.0.0.1/8", "trusted_proxies"),
    "wildcard origin with credentials": (with_route(cors={"origins": ["*"], "credentials": True}), '"c', "credentials"),
    "origin with a path": (with_route(cors={"origins": ["http://a.test/"]}), "a.test", "origin"),
    "rate of nothing": (with_route(rate_limit=[{"requests": 0, "per": "1m"}]), '"requests"', "requests"),
    "prefix without slash": (with_route(match={"path_prefix": "api"}), '"path_prefix"', "path_prefix"),
    "path and prefix": (with_route(match={"path_prefix": "/a", "path": "/b"}), '"path', "path"),
    "audience forgotten": (with_key("auth", {"trusted_issuers": [{"issuer": "x", "algorithm": "HS256", "secret": "${env:SECRET}"}]}),
                           '"issuer"', "audience"),
    "secret too short": (with_key("auth", {"trusted_issuers": [{"issuer": "x", "algorithm": "HS256", "secret": "${env:SHORT}", "audience": "any"}]}),
                         '"secret"', "secret"),
    "algorithm none": (with_key("auth", {"trusted_issuers": [{"issuer": "x", "algorithm": "none", "secret": "${env:SECRET}", "audience": "any"}]}),
                       '"algorithm"', "algorithm"),
    "secret without algorithm": (with_key("auth", {"trusted_issuers": [{"issuer": "x", "secret": "${env:SECRET}", "audience": "any"}]}),
                                 '"', "algorithm"),
    "keys over plain http": (with_key("auth", {"trusted_issuers": [{"issuer": "x", "jwks_uri": "http://idp.test/jwks", "audience": "a"}]}),
                             '"jwks_uri"', "jwks_uri"),
    "reference to nothing": (with_key("data_dir", "${env:NOT_SET_ANYWHERE}"), "NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
    "reference of no kind": (with_key("data_dir", "${gold:x}"), "${gold", "data_dir"),
}


@pytest.mark.parametrize("change, marker, named", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_file_line_and_key(check, base, change, marker, named):
    change(base)
    code, said, path = check(base)
    assert code == 2, said
    assert named in said
    place = re.search(re.escape(str(path)) + r":(\d+): ", said)
    assert place, said
    text = path.read_text().splitlines()
    around = "\n".join(text[max(0, int(place[1]) - 3):int(place[1]) + 2])
    assert marker in around, f"points at line {place[1]}:\n{said}"


def test_a_route_without_access_does_not_start(check, base, tmp_path):
    del base["routes"][0]["access"]
    code, said, path = check(base)
    assert code == 2 and "access" in said
    assert run("serve", "--config", path).returncode == 2


def test_every_mistake_of_the_text_is_told_at_once(check, base):
    base["colour"] = "blue"
    base["workers"] = "many"
    base["upstreams"][0]["endpoints"] = ["ftp://nowhere"]
    _, said, _ = check(base)
    assert "colour" in said and "workers" in said and "endpoints" in said


def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(check, base):
    base["auth"] = {"api_keys": [{"id": "k", "value": SECRET}]}
    code, said, _ = check(base)
    assert code == 2 and "auth.api_keys[0].value" in said and SECRET not in said


@pytest.mark.parametrize("text", ["listeners: [", "a: b: c", "\tx: 1", "- a\n- b", "x: &a [*a]", "a: 1\na: 2", "\x00", "{" * 5000,
                                  "%YAML 9.9\n---\n", "a: !!python/object:os.system x"])
def test_what_is_no_configuration_is_refused_with_its_place(check, text):
    code, said, path = check(text)
    assert code == 2 and str(path) in said
    assert "terminate" not in said and "exception" not in said.lower()


def test_names_are_unique(check, base):
    for room in ("listeners", "upstreams"):
        twice = json.loads(json.dumps(base))
        twice[room].append(dict(twice[room][0]))
        code, said, _ = check(twice)
        assert code == 2 and twice[room][0]["name"] in said


@pytest.mark.parametrize("secret", ["CHANGE_ME_IN_PRODUCTION", "YOUR_SECRET_KEY_GOES_RIGHT_IN_HERE_PLEASE", "change-me-in-production"])
def test_placeholders_are_no_secrets(check, base, secret):
    base["auth"] = {"trusted_issuers": [{"issuer": "x", "algorithm": "HS256", "audience": "any", "secret": "${env:HELD}"}]}
    for held in (secret, secret.ljust(40, "_")):
        code, said, _ = check(base, {"HELD": held})
        assert code == 2 and "auth.trusted_issuers[0].secret" in said and secret not in said


def test_auth_may_be_switched_off_for_development_on_loopback_only(check, base):
    base["auth"] = {"enabled": False}
    assert check(base)[0] == 2, "refused in the production profile"
    base["profile"] = "development"
    code, said, _ = check(base)
    assert code == 0 and "auth" in said.lower(), "and said aloud"
    base["listeners"][0].update({"bind": "0.0.0.0:8443", "tls": {"certificate": "internal"}})
    assert check(base)[0] == 2


def test_shadowed_routes_are_listed(check, base):
    base["listeners"][0]["serve"] = ["gateway", "health"]
    base["routes"] = [public_route("/health"), public_route("/"), public_route("/never/")]
    code, said, _ = check(base)
    assert code == 0
    assert "/health" in said and "/never/" in said


def test_show_masks_secrets_and_keeps_references(base, tmp_path):
    key_file = tmp_path / "secret"
    key_file.write_text(SECRET + "\n")
    base["auth"] = {"trusted_issuers": [{"issuer": "a", "algorithm": "HS256", "audience": "any", "secret": f"${{file:{key_file}}}"},
                                        {"issuer": "${env:ISSUER_NAME}", "algorithm": "HS256", "audience": "any", "secret": "${env:OTHER_SECRET}"}],
                    "api_keys": [{"id": "k", "value": "${env:A_KEY}"}]}
    path = tmp_path / "gatehouse.yaml"
    write_config(path, base)
    done = run("config", "show", path, env={"ISSUER_NAME": "named-by-environment", "OTHER_SECRET": SECRET[::-1],
                                                  "A_KEY": "a-key-that-must-not-be-shown-0123456789"})
    assert done.returncode == 0, done.stderr
    for secret in (SECRET, SECRET[::-1], "a-key-that-must-not-be-shown"):
        assert secret not in done.stdout + done.stderr
    assert "${env:ISSUER_NAME}" in done.stdout and f"${{file:{key_file}}}" in done.stdout, "references stand as written"
    for default in ("keep_alive_timeout", "header_bytes_max", "least_requests", "request_body_max"):
        assert default in done.stdout, "defaults are shown too"


def test_what_show_prints_can_be_read_again(base, tmp_path):
    path, again = tmp_path / "gatehouse.yaml", tmp_path / "again.yaml"
    write_config(path, base)
    again.write_text(run("config", "show", path).stdout)
    done = run("config", "show", again)
    assert done.returncode == 0, done.stderr
    assert done.stdout == again.read_text()


def test_the_schema_is_json_schema_and_knows_the_keys():
    done = run("config", "schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert "json-schema.org" in schema["$schema"]
    assert schema["additionalProperties"] is False
    assert {"listeners", "upstreams", "routes", "auth", "limits", "telemetry"} <= schema["properties"].keys()


@pytest.fixture(scope="module")
def schema():
    jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")
    made = json.loads(run("config", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


class YamlOf2009(yaml.SafeLoader):
    """YAML 1.2, as the gateway and editors read it: of the words only true and false are booleans."""

    yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
                               for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


YamlOf2009.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def test_what_the_gateway_accepts_the_schema_accepts(check, schema, base):
    assert list(schema.iter_errors(base)) == []
    every_key = yaml.load((ROOT / "docs/gatehouse.yaml").read_text(), YamlOf2009)
    assert [f"{error.json_path}: {error.message}" for error in schema.iter_errors(every_key)] == []


@pytest.mark.parametrize("name", ["unknown key", "misspelt key", "unknown key of a route", "unknown key of an upstream",
                                  "text for a number", "negative number", "list for a text", "unit unknown",
                                  "number without unit", "size with a bad unit", "no endpoint", "unknown access",
                                  "rate of nothing", "algorithm none"])
def test_an_editor_with_the_schema_sees_what_the_gateway_refuses(schema, base, name):
    MISTAKES[name][0](base)  # that the gateway refuses it is tested above
    assert not schema.is_valid(base)


def test_the_schema_wants_access_of_every_route(schema, base):
    del base["routes"][0]["access"]
    assert "'access' is a required property" in [error.message for error in schema.iter_errors(base)]


@pytest.mark.parametrize("arguments", [(), ("config",), ("nonsense",), ("config", "check"), ("serve", "--nonsense"),
                                       ("serve", "--upstream"), ("config", "check", "does-not-exist.yaml"),
                                       ("serve", "--config", "does-not-exist.yaml"), ("serve", "--profile", "casual"),
                                       ("serve", "--upstream", "ftp://x"), ("serve", "--upstream", "not a url")])
def test_wrong_usage_exits_2_and_says_why(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr + done.stdout) > 20


@pytest.mark.parametrize("verb", [(), ("serve",), ("config",), ("config", "check"), ("config", "show"), ("config", "schema"), ("version",)])
def test_every_verb_has_help_with_an_example(verb):
    done = run(*verb, "--help")
    assert done.returncode == 0
    assert "gatehouse" in done.stdout
    assert verb == () or "xample" in done.stdout


def test_version_names_what_it_was_built_from():
    text = run("version")
    assert text.returncode == 0 and re.search(r"\d+\.\d+\.\d+", text.stdout)
    facts = json.loads(run("version", "--json").stdout)
    assert {"version", "commit", "compiler"} <= facts.keys()
    assert BINARY.exists()
