"""kill -9 at any moment, again and again: what was acknowledged is there."""

import os
import random
import signal
import threading

import pytest

from support import raw
from support.control import Control, add_user, house_config
from support.gateway import Gatehouse
from support.wait import pass_time, until

PASSWORD = "the engine weaves"
ROUNDS = 200 if os.environ.get("GATEHOUSE_SLOW") == "1" else 20


class Writers:
    """Each makes, rotates and ends what the API lets it, and keeps a list of what it was told is done."""

    def __init__(self, admin):
        self.admin, self.over = admin, threading.Event()
        self.users, self.keys, self.ended, self.errors = [], [], [], []
        self.threads = [threading.Thread(target=self.run, args=(work,)) for work in (self.make_keys, self.make_keys,
                                                                                    self.make_users)]
        for thread in self.threads:
            thread.start()

    def run(self, work):
        while not self.over.is_set():
            try:
                work()
            except (OSError, raw.Closed):
                return  # killed: nobody knows what became of the last one

    def take(self, response, status):
        if response.status == status:
            return True
        self.errors.append(response)
        return False

    def make_keys(self):
        made = self.admin.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]})
        if self.take(made, 201):
            key = made.json()["id"]
            self.keys.append(key)
            if len(self.keys) % 2 and self.take(self.admin.ask("DELETE", f"/api/v1/keys/{key}"), 200):
                self.ended.append(key)

    def make_users(self):
        made = self.admin.ask("POST", "/api/v1/users", {"name": f"u{random.getrandbits(64):x}", "roles": ["user"]})
        if self.take(made, 201):
            self.users.append(made.json()["name"])

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def everything(admin, path):
    items, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"{path}?limit=200{cursor and '&cursor=' + cursor}").json()
        items, cursor = items + page["items"], page["next_cursor"]
    return items


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    config, env = house_config(tmp_path / "gateway0", workers=2), None
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres")
        env = postgres.env
        config["storage"] = postgres.storage(postgres.make_database(), pool={"min": 2, "max": 6})
        postgres.migrate(tmp_path / "gateway0", config)
    return tmp_path / "gateway0", config, env


def test_nothing_acknowledged_is_lost(place):
    directory, config, env = place
    gateway = Gatehouse(directory, config, env=env)
    try:
        users, keys, ended = set(), set(), set()
        chance = random.Random(20)
        for attempt in range(ROUNDS):
            if attempt % 4 == 0:  # nobody may own as many keys as all rounds make
                add_user(gateway.config_file, f"ada{attempt}", PASSWORD, "admin", env=env)
                admin = Control(gateway).sign_in(f"ada{attempt}", PASSWORD)
            writers = Writers(admin)
            if attempt % 5 == 0:  # hashing a password takes longer than most rounds last
                until(lambda: writers.users, "a user", timeout=20)
            pass_time(chance.uniform(0.02, 0.25))
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            writers.stop()
            assert not writers.errors, writers.errors[:3]
            gateway = Gatehouse(directory, config, env=env)
            admin = Control(gateway, token=admin.fields[0][1].split()[1])
            users, keys, ended = users | set(writers.users), keys | set(writers.keys), ended | set(writers.ended)
        found = everything(admin, "/api/v1/keys")
        assert keys <= {key["id"] for key in found}
        assert ended <= {key["id"] for key in found if key.get("revoked_at")}
        assert users <= {user["name"] for user in everything(admin, "/api/v1/users")}
        assert len(keys) > ROUNDS and len(ended) > ROUNDS / 2 and len(users) >= ROUNDS / 5, (len(keys), len(ended), len(users))
        gateway.close()
    finally:
        gateway.kill()
