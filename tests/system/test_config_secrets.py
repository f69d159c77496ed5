"""`${secret:PATH}` in a configuration, and environment variables that rest in the vault."""

import base64
import json
import os

import pytest

from support import jwt
from support.gateway import run, write_config
from support.wait import until

SECRET, NEXT = jwt.new_secret(), jwt.new_secret()
GUARDED = {"match": {"path_prefix": "/"}, "upstream": "backend", "access": "authenticated"}


def token(secret, issuer="https://idp.test"):
    return jwt.Key("HS256", secret=secret).token(jwt.claims(iss=issuer))


@pytest.fixture
def config(configure, upstream):
    def make(reference="${secret:apps/jwt}", **changes):
        issuer = {"issuer": "https://idp.test", "audience": "api", "algorithm": "HS256", "secret": reference}
        return configure([upstream], [GUARDED], auth={"trusted_issuers": [issuer]}, **changes)
    return make


class Shell:
    """Verbs of a house beside or before its `serve`."""

    def __init__(self, directory, config, env=None):
        directory.mkdir(exist_ok=True)
        self.file, self.env = directory / "gatehouse.yaml", env or {}
        write_config(self.file, config)

    def verb(self, *arguments, stdin=None):
        named = () if arguments[0] == "config" else ("--config",)
        return run(*arguments, *named, self.file, stdin=stdin, env=self.env)

    def done(self, *arguments, stdin=None):
        result = self.verb(*arguments, stdin=stdin)
        assert result.returncode == 0, result
        return result.stdout


@pytest.fixture
def shell(tmp_path):
    return lambda config, env=None: Shell(tmp_path / "gateway0", config, env)


def allowed(gateway, secret, issuer="https://idp.test"):
    return gateway.get("/", [("Authorization", f"Bearer {token(secret, issuer)}")]).status


def test_a_reference_is_what_the_vault_has(start, config, shell):
    verbs = shell(config())
    verbs.done("migrate", "up")  # verbs run before the secret is there
    verbs.done("secrets", "set", "apps/jwt", stdin=SECRET)
    assert "the configuration is good" in verbs.done("config", "check")
    shown = verbs.done("config", "show")
    assert "${secret:apps/jwt}" in shown and SECRET not in shown
    gateway = start(config())
    assert (allowed(gateway, SECRET), allowed(gateway, NEXT)) == (200, 401)
    until(lambda: any(line["component"] == "vault" and line["secrets"] == 1 for line in gateway.log()), "the log tells of it",
          timeout=5)
    assert SECRET not in gateway.output()
    assert "apps/jwt" in verbs.done("audit", "tail", "--action", "secret.read")


def test_a_new_version_counts_with_the_next_reload(start, config, shell):
    verbs = shell(config())
    verbs.done("migrate", "up")
    verbs.done("secrets", "set", "apps/jwt", stdin=SECRET)
    gateway = start(config())
    verbs.done("secrets", "set", "apps/jwt", stdin=NEXT)
    assert (allowed(gateway, SECRET), allowed(gateway, NEXT)) == (200, 401)
    gateway.reload()
    assert (allowed(gateway, SECRET), allowed(gateway, NEXT)) == (401, 200)
    verbs.done("secrets", "delete", "apps/jwt")
    gateway.reload(accepted=False)
    assert allowed(gateway, NEXT) == 200


def test_fields_are_named(start, config, shell):
    verbs = shell(config("${secret:apps/all#jwt}"))
    verbs.done("migrate", "up")
    verbs.done("secrets", "set", "apps/all", "--json", stdin=json.dumps({"jwt": SECRET, "other": "x"}))
    gateway = start(config("${secret:apps/all#jwt}"))
    assert allowed(gateway, SECRET) == 200


@pytest.mark.parametrize("reference, said", [
    ("${secret:apps/none}", "there is none; write it with gatehouse secrets set apps/none"),
    ("${secret:apps/two#none}", 'has no field "none"; it has: "a", "b"'),
    ("${secret:apps/two}", 'has no field "value"'), ("${secret:../x}", "secret"),
    ("${secret:apps/weak}", "cannot be used as a secret")])
def test_what_is_not_there_is_said_before_the_start(config, shell, reference, said):
    verbs = shell(config(reference))
    verbs.done("migrate", "up")
    verbs.done("secrets", "set", "apps/two", "--json", stdin='{"a": "1", "b": "2"}')
    verbs.done("secrets", "set", "apps/weak", stdin="change-me")
    for verb in (("config", "check"), ("serve",)):
        result = verbs.verb(*verb)
        assert result.returncode == 2 and said in result.stderr and "auth.trusted_issuers[0].secret" in result.stderr, result


def test_without_a_house_there_is_no_vault_to_ask(config, shell):
    result = shell(config()).verb("serve")
    assert result.returncode == 2 and "there is no data directory" in result.stderr


@pytest.mark.parametrize("section, key", [("vault", "key"), ("vault", "passphrase"), ("storage", "password"),
                                          ("vault", "azure.client_secret"), ("vault", "azure.ca_file")])
def test_what_opens_the_vault_cannot_be_in_it(config, shell, section, key):
    settings = {key: "${secret:apps/key}"}
    if section == "storage":
        settings["url"] = "postgresql://gatehouse@127.0.0.1:1/x"
    if key.startswith("azure."):
        settings = {"azure_key": "gatehouse", "azure": {"url": "https://team.vault.azure.net", key[6:]: settings[key]}}
    verbs = shell(config("${env:ISSUER}", **{section: settings}), {"ISSUER": SECRET})
    for verb in (("serve",), ("config", "check"), ("secrets", "list")):
        result = verbs.verb(*verb)
        assert result.returncode == 2 and "it says how to open it" in result.stderr, result


def test_after_an_import_the_variable_is_good_from_the_vault_alone(start, configure, upstream, shell, tmp_path):
    """The whole way from a .env to a vault that is the only source."""
    env = {"ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode()}
    config = configure([upstream], [GUARDED])
    verbs = shell(config, env)
    dotenv = tmp_path / "gateway0" / ".env"
    dotenv.write_text(f"DEBUG=1\nJWT_SECRET_KEY={SECRET}\n")
    first = {"ENABLE_SECURE_SECRETS": "true"}  # an empty house has no vault to ask yet
    assert "JWT_SECRET_KEY: is a secret" in shell(config, env | first).verb("config", "check").stderr
    gateway = start(config, env=env)
    assert allowed(gateway, SECRET, "legacy") == 200
    gateway.close()
    only = env | {"ENABLE_SECURE_SECRETS": "true"}
    refused = shell(config, only).verb("serve")
    assert refused.returncode == 2 and "JWT_SECRET_KEY: is a secret outside the vault" in refused.stderr
    assert "gatehouse secrets import" in refused.stderr and SECRET not in refused.stderr
    verbs.env = only
    verbs.done("secrets", "import", dotenv, "--backup")
    gateway = start(config, env=only)
    assert (allowed(gateway, SECRET, "legacy"), allowed(gateway, NEXT, "legacy")) == (200, 401)
    assert all(SECRET.encode() not in path.read_bytes() for path in gateway.directory.rglob("*") if path.is_file())
    environ = open(f"/proc/{gateway.process.pid}/environ", "rb").read()
    assert SECRET.encode() not in environ


def test_variables_of_the_vault_stand_below_those_that_are_set(start, configure, upstream, shell):
    config = configure([upstream], [GUARDED], vault={"variables": "env/"})
    verbs = shell(config)
    verbs.done("migrate", "up")
    verbs.done("secrets", "set", "env/JWT_SECRET_KEY", stdin=SECRET)
    verbs.done("secrets", "set", "env/DATABASE_URL", stdin="postgresql://nobody:nothing@127.0.0.1:1/none")
    first = start(config)
    assert allowed(first, SECRET, "legacy") == 200
    first.close()
    second = start(config, env={"JWT_SECRET_KEY": NEXT})
    assert (allowed(second, NEXT, "legacy"), allowed(second, SECRET, "legacy")) == (200, 401)


def test_other_secrets_of_the_folder_are_not_looked_at(start, configure, upstream, shell):
    config = configure([upstream], [GUARDED], vault={"variables": "env/"})
    verbs = shell(config)
    verbs.done("migrate", "up")
    verbs.done("secrets", "set", "env/other-app", "--json", stdin='{"a": "1", "b": "2"}')
    verbs.done("secrets", "set", "env/JWT_SECRET", stdin=SECRET)
    gateway = start(config)
    assert allowed(gateway, SECRET, "legacy") == 200
    read = verbs.done("audit", "tail", "--action", "secret.read")
    assert "env/JWT_SECRET" in read and "other-app" not in read


def test_the_other_name_of_a_variable_is_no_way_around_the_vault(configure, upstream, shell):
    config = configure([upstream], [GUARDED], vault={"variables": "env/", "variables_only": True})
    refused = shell(config, {"JWT_SECRET": SECRET}).verb("config", "check")
    assert refused.returncode == 2 and "JWT_SECRET: is a secret outside the vault" in refused.stderr


def test_an_empty_house_starts_with_the_vault_as_its_only_source(start, configure, upstream):
    env = {"ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(), "ENABLE_SECURE_SECRETS": "true"}
    assert start(configure([upstream], [GUARDED]), env=env).get("/").status == 401


def test_who_only_looks_makes_nothing(config, shell):
    verbs = shell(config())
    (verbs.file.parent / "data").mkdir()
    for verb in ("check", "show"):
        result = verbs.verb("config", verb)
        assert result.returncode == 2 and "there is no vault" in result.stderr, result
        assert not list((verbs.file.parent / "data").iterdir())


def test_a_database_that_is_away_is_no_fault_of_the_configuration(config, shell, postgres, tmp_path):
    settings = config(storage=postgres.storage(postgres.make_database()))
    verbs = shell(settings, dict(postgres.env))
    verbs.done("migrate", "up")
    verbs.done("secrets", "set", "apps/jwt", stdin=SECRET)
    assert verbs.verb("config", "check").returncode == 0
    postgres.stop()
    for verb in (("config", "check"), ("serve",)):
        result = verbs.verb(*verb)
        assert result.returncode == 1 and result.stderr, result
