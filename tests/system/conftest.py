import pytest

from support import pebble as pebbles
from support import postgres as postgresql
from support.gateway import Gatehouse, basic_config
from support.house import House
from support.tls import Authority
from support.upstream import Upstream


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_certificate(authority):
    return authority.issue("server")


@pytest.fixture(scope="session")
def tls_files(server_certificate):
    """The `tls` key of a listener with a certificate of the test authority."""
    return {"certificate": {"cert_file": str(server_certificate[0]), "key_file": str(server_certificate[1])}}


@pytest.fixture(scope="session")
def postgres_of_session():
    if not postgresql.INSTALLED:
        pytest.skip("PostgreSQL 15 is not installed (tools/setup test)")
    server = postgresql.Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres(postgres_of_session):
    """A PostgreSQL that runs; what a test does to its life is mended afterwards."""
    postgres_of_session.ensure_running()
    yield postgres_of_session
    postgres_of_session.ensure_running()


@pytest.fixture
def make_upstream():
    """Upstreams that end with the test."""
    running = []

    def make(answer=None, **options):
        upstream = Upstream(answer, **options)
        running.append(upstream)
        return upstream
    yield make
    for upstream in running:
        upstream.let_go.set()
        upstream.stop()


@pytest.fixture
def upstream(make_upstream):
    return make_upstream()


@pytest.fixture
def start(tmp_path):
    """Starts gateways; at the end of the test each is stopped gracefully and judged."""
    running = []

    def starter(config=None, **options):
        gateway = Gatehouse(tmp_path / f"gateway{len(running)}", config, **options)
        running.append(gateway)
        return gateway
    yield starter
    problems = []
    for gateway in running:
        try:
            gateway.close()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def configure(tmp_path):
    """basic_config in the directory of the first gateway `start` makes."""
    def make(upstreams, routes=None, **options):
        return basic_config(tmp_path / "gateway0", upstreams, routes, **options)
    return make


@pytest.fixture
def gateway(start, configure, upstream):
    """One worker, one public route, one echoing upstream."""
    return start(configure([upstream]))


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request):
    """None for SQLite, or the server."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
def make_house(tmp_path, engine):
    names = iter(range(100))

    def make(**options):
        return House(tmp_path / f"house{next(names)}", engine, **options)
    return make


@pytest.fixture
def lived_in(make_house):
    """A house with keys, users and a key of its own."""
    house = make_house().migrate()
    for name in ("ada", "uli"):
        house.add_user(name)
    house.done("key", "create", "nightly", "--role", "user")
    return house


@pytest.fixture
def make_pebble(tmp_path):
    """Servers of ACME that end with the test."""
    if not pebbles.INSTALLED:
        pytest.skip("Pebble is not installed (tools/setup test)")
    made = []

    def make(**options):
        made.append(pebbles.Pebble(tmp_path / f"pebble{len(made)}", **options))
        return made[-1]
    yield make
    for each in made:
        each.close()
