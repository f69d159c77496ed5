import os

import pytest

from support.wine import Prefix


@pytest.fixture(scope="session")
def wine():
    prefix = Prefix(os.environ.get("WINEPREFIX"))
    yield prefix
    prefix.close()


@pytest.fixture
def other_windows():
    """Another one, that knows nobody of the first; its files get no rights that they are not given."""
    prefix = Prefix(umask=0o077)
    yield prefix
    prefix.close()
