"""The server under test in both modes, and clients whose every frame is accounted for."""

import uuid

import pytest

from client import Client
from deployment import Deployment, deploy
from emulator import Emulator
from server import MODES, Server

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows what every server of a failed test logged while it ran."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        for name, value in getattr(item, "funcargs", {}).items():
            servers = value.servers if isinstance(value, Servers) else [value] if isinstance(value, Server) else []
            if isinstance(value, Deployment):
                report.sections += [(f"log of {name}", "\n".join(value.recent()))]
            report.sections += [(f"log of {name}", "\n".join(server.log().splitlines()[-60:])) for server in servers]
    return report


@pytest.fixture(scope="session", params=MODES)
def shared(request, tmp_path_factory):
    """One server for all tests that need no settings of their own: each has its own tenant on it."""
    with Server(tmp_path_factory.mktemp(request.param), request.param) as server:
        yield server


@pytest.fixture
def server(shared):
    assert shared.process.poll() is None, "an earlier test ended the server"
    return shared


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator") / "log") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def deployment(emulator):
    """The service on the emulator, for all tests that need no parameters of their own."""
    return deploy(emulator, LogLevel="debug")


@pytest.fixture(scope="session")
def impatient(emulator):
    """Another stack: short leases, a queue for every room of two, an authorizer before $connect."""
    return deploy(emulator, "impatient", PresenceTtl="8", FanoutThreshold="1", UseAuthorizer="true", StageName="dev", LogLevel="debug")


class Servers:
    """Starts servers with settings of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.servers: list[Server] = []

    def __call__(self, mode: str = "in-process", *flags: str, start: bool = True, **settings) -> Server:
        folder = self.folder / str(len(self.servers))
        folder.mkdir()
        self.servers.append(Server(folder, mode, *flags, **settings))
        return self.servers[-1].start() if start else self.servers[-1]


@pytest.fixture
def servers(tmp_path):
    servers = Servers(tmp_path)
    yield servers
    for server in servers.servers:
        server.kill()


@pytest.fixture
def tenant():
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def clients(request):
    """Opens clients; at the end no frame may be left that the test did not expect."""
    opened: list[Client] = []

    def open_client(server, user: str, tenant: str, **claims) -> Client:
        opened.append(Client(server, user, tenant, **claims))
        return opened[-1]

    yield open_client
    # A test that failed has told why; what it did not get to is no second failure.
    left = {} if request.node.stash.get(FAILED, False) else {f"{index}:{client.user}": client.left_over() for index, client in enumerate(opened)}
    for client in opened:
        client.close()
    assert not any(left.values()), f"frames that nobody expected: { {k: v for k, v in left.items() if v} }"


@pytest.fixture
def enter(server, tenant, clients):
    """A client of the shared server, in the test's own tenant."""
    return lambda user, tenant=tenant, **claims: clients(server, user, tenant, **claims)
