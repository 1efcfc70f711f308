"""What functions reach outside their environments: hosts, if the platform lets them, and never the machine itself."""

import socket
import socketserver
import threading

import pytest

from support.clients import Clients, new_account
from support.functions import Functions
from support.traca import Traca

CLIENT = r"""
import errno, hashlib, select, socket, struct, time
BYTES = 4_000_000

def tcp(host, port):
    with socket.create_connection((host, port), timeout=60) as connection:
        sent, peer = hashlib.sha256(), connection.getpeername()
        chunk = bytes(range(256)) * 256
        for _ in range(BYTES // len(chunk)):
            connection.sendall(chunk)
            sent.update(chunk)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        return [peer == (host, port), received.decode() == sent.hexdigest()]

def download(host, port):
    with socket.create_connection((host, port), timeout=60) as connection:
        connection.sendall(b"send")
        return sum(map(len, iter(lambda: connection.recv(65536), b"")))

def reset(host, port):
    with socket.create_connection((host, port), timeout=60) as connection:
        connection.sendall(b"x")
        return connection.recv(1).decode() or "end"

def udp(host, port, text="hello", bytes=None):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(60)
        sender.connect((host, port))
        sender.send(text.encode() if bytes is None else b"x" * bytes)
        answer = sender.recv(65536)
        return answer.decode() if bytes is None else len(answer)

def many(host, port, count):
    '''As many connections one after the other: each says its number and hears it again.'''
    for number in range(count):
        with socket.create_connection((host, port), timeout=60) as connection:
            connection.sendall(struct.pack("!I", number))
            connection.shutdown(socket.SHUT_WR)
            if connection.recv(4, socket.MSG_WAITALL) != struct.pack("!I", number):
                return number
    return count

def flood(host, port, count):
    '''Datagrams from as many ports to as many ports.'''
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(count):
            try:
                sender.sendto(b"x", (host, 1024 + number))
            except OSError:
                pass
    return udp(host, port)

def garbage(count):
    '''Messages that are no questions, to the resolver; then one that is.'''
    import random
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        for number in range(count):
            with socket.socket(socket.AF_INET, kind) as sender:
                sender.connect(("127.0.0.1", 53))
                try:
                    sender.sendall(random.Random(number).randbytes(number * 60000 // count))
                except OSError:
                    pass
    return socket.gethostbyname("sts.amazonaws.com")

def handler(event, context):
    act, *arguments = event
    try:
        return globals()[act](*arguments)
    except socket.gaierror as error:
        return "no such name"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
"""


def own_address():
    """An address of this machine that is not of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("a machine without any network")
        return probe.getsockname()[0]


class Digest(socketserver.BaseRequestHandler):
    """Answers with the digest of what it was sent."""

    def handle(self):
        import hashlib

        digest = hashlib.sha256()
        while part := self.request.recv(65536):
            digest.update(part)
        self.request.sendall(digest.hexdigest().encode())


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while part := self.request.recv(65536):
            self.request.sendall(part)


class Source(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4)
        self.request.sendall(bytes(4_000_000))


class Breaking(socketserver.BaseRequestHandler):
    """Breaks a connection off."""

    def handle(self):
        self.request.recv(1)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.request.close()


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        text, server = self.request
        server.sendto(text, self.client_address)


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, request_queue_size = True, True, 128


@pytest.fixture(scope="module")
def host():
    """A host outside, as far as functions know: its address, and the ports of its servers."""
    address = own_address()
    servers = {
        "digest": Tcp((address, 0), Digest),
        "echo": Tcp((address, 0), Echo),
        "source": Tcp((address, 0), Source),
        "breaking": Tcp((address, 0), Breaking),
        "datagrams": socketserver.ThreadingUDPServer((address, 0), Datagrams),
    }
    servers["datagrams"].max_packet_size = 65_535
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address, {name: server.server_address[1] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


def client(traca):
    return Functions(Clients(traca.endpoint, new_account())).create(CLIENT, Timeout=300, MemorySize=1769)


@pytest.fixture(scope="module")
def function(host):
    """A function that may reach the host."""
    with Traca("--memory", "--egress-allow", host[0]) as traca:
        yield client(traca)


def test_bytes_go_both_ways_whole(function, host):
    address, ports = host
    assert function.answer(["tcp", address, ports["digest"]]) == [True, True]
    assert function.answer(["download", address, ports["source"]]) == 4_000_000
    assert function.answer(["many", address, ports["echo"], 300]) == 300


def test_what_a_host_does_is_seen_inside(function, host):
    address, ports = host
    with socket.create_server((address, 0)) as closed:
        port = closed.getsockname()[1]
    assert function.answer(["tcp", address, port]) == "ECONNREFUSED"
    assert function.answer(["udp", address, port]) == "ECONNREFUSED"
    assert function.answer(["reset", address, ports["breaking"]]) == "ECONNRESET"


def test_datagrams_are_answered(function, host):
    address, ports = host
    assert function.answer(["udp", address, ports["datagrams"]]) == "hello"
    assert function.answer(["udp", address, ports["datagrams"], "", 60_000]) == 60_000
    assert function.answer(["flood", address, ports["datagrams"], 10_000]) == "hello"


def test_what_is_no_question_is_no_harm(function):
    assert function.answer(["garbage", 200]) == "127.0.0.1"


def test_the_machine_itself_is_never_outside(host):
    address, ports = host
    with Traca("--memory") as traca:
        reaching = client(traca)
        for target, reason in [
            (address, "EHOSTUNREACH"),
            ("192.0.0.8", "EHOSTUNREACH"),
            ("169.254.169.254", "ECONNREFUSED"),
            ("169.254.170.2", "ECONNREFUSED"),
        ]:
            assert reaching.answer(["tcp", target, ports["digest"]]) == reason, target
            assert reaching.answer(["udp", target, ports["datagrams"]]) == reason, target
        assert reaching.answer(["tcp", *traca.address]) == "ECONNREFUSED"


def test_a_network_that_is_forbidden_is_out_of_reach(host):
    address, ports = host
    with Traca("--memory", "--egress-allow", address, "--egress-forbid", f"{address}/8") as traca:
        assert client(traca).answer(["tcp", address, ports["digest"]]) == "EHOSTUNREACH"


def test_without_egress_there_is_no_way_and_no_name(host):
    address, ports = host
    with Traca("--memory", "--egress", "none", "--egress-allow", address) as traca:
        closed = client(traca)
        for target in (address, "192.0.2.1", "10.0.0.1", "169.254.169.254"):
            assert closed.answer(["tcp", target, ports["digest"]]) == "ENETUNREACH", target
        assert closed.answer(["udp", address, ports["datagrams"]]) == "ENETUNREACH"
        assert closed.answer(["tcp", "example.com", 443]) == "no such name"
