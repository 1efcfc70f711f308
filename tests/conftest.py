"""Fixtures of the end-to-end tests: a platform in memory for the whole run, and an account of its own for each test."""

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import BINARY, Traca

# Figures that tests want to be seen, whatever is captured.
FIGURES = pytest.StashKey[list]()


def pytest_configure(config):
    config.stash[FIGURES] = []


def pytest_report_header():
    return f"traca: {BINARY}"


def pytest_terminal_summary(terminalreporter, config):
    for figure in config.stash[FIGURES]:
        terminalreporter.write_line(figure)


@pytest.fixture(scope="session")
def tell(pytestconfig):
    """Has a line printed at the end of the run."""
    return pytestconfig.stash[FIGURES].append


@pytest.fixture(scope="session")
def platform():
    """A platform in memory. At the end it stops in order and leaves nothing behind."""
    with Traca("--memory") as traca:
        yield traca


@pytest.fixture
def aws(platform):
    """Clients of an account of the test's own."""
    return Clients(platform.endpoint, new_account())


@pytest.fixture
def functions(aws):
    """Makes functions in the test's account."""
    return Functions(aws)


@pytest.fixture(scope="module")
def shared(platform):
    """Makes functions in an account of the module's own, for fixtures that several tests share."""
    return Functions(Clients(platform.endpoint, new_account()))


@pytest.fixture
def data(tmp_path):
    """A data directory that does not exist yet."""
    return tmp_path / "data"
