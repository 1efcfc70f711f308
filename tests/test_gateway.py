"""The endpoint itself: raw requests, connections, Traca's own pages, and who may call."""

import http.client
import json
import re
import socket
import urllib.error
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.clients import Clients, client, new_account, refused
from support.functions import Functions
from support.traca import PATIENCE_SECONDS, Traca

ECHO = "def handler(event, context):\n    return event\n"
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"


def signed(
    endpoint, account, method="POST", path="/", body=IDENTITY, service="sts", token=None, secret="secret", **headers
):
    """A request's headers with a signature of AWS's own client."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, endpoint + path, headers, body)
    SigV4Auth(Credentials(account, secret, token), service, "us-east-1").add_auth(request)
    return dict(request.headers)


@pytest.fixture
def connection(platform):
    connection = http.client.HTTPConnection(*platform.address, timeout=PATIENCE_SECONDS)
    yield connection
    connection.close()


def exchange(connection, method, path, body=None, headers=()):
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    return answer, answer.read()


# --- Traca's own pages ---


def test_health_and_version_are_told_to_anybody(platform):
    health, version = json.loads(platform.page("health")), json.loads(platform.page("version"))
    assert health["status"] == "ok"
    assert {"lambda", "logs", "sts"} <= set(health["services"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", version["version"]) and health["version"] == version["version"]


def test_metrics_count_requests(platform, aws):
    def answered():
        line = r'^traca_requests_total\{service="sts",operation="GetCallerIdentity",status="200"\} (\d+)$'
        found = re.search(line, platform.page("metrics").decode(), re.MULTILINE)
        return int(found[1]) if found else 0

    before = answered()
    aws("sts").get_caller_identity()
    assert answered() == before + 1


def test_a_reset_drops_the_state_of_all_accounts():
    with Traca("--memory") as traca:
        accounts = [Clients(traca.endpoint, new_account()) for _ in range(2)]
        for clients in accounts:
            Functions(clients).create(ECHO, name="lost").answer()
            clients("logs").create_log_group(logGroupName="lost")
        traca.reset()
        for clients in accounts:
            assert clients("lambda").list_functions()["Functions"] == []
            assert clients("logs").describe_log_groups()["logGroups"] == []
            assert Functions(clients).create(ECHO, name="lost").answer("new") == "new"


def test_only_local_programs_may_reset(platform, connection):
    for headers in [{"Origin": "https://example.com"}, {"Host": "rebound.example.com"}]:
        answer, _ = exchange(connection, "POST", "/_traca/reset", headers=headers)
        assert answer.status == 403, headers
    answer, _ = exchange(connection, "GET", "/_traca/reset")
    assert answer.status == 405
    answer, _ = exchange(connection, "GET", "/_traca/unknown")
    assert answer.status == 404


# --- Connections ---


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        (
            "POST",
            "/",
            b"Action=NoSuchOperation&Version=2011-06-15",
            {"Content-Type": "application/x-www-form-urlencoded"},
        ),
        (
            "POST",
            "/",
            b"{not json",
            {"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1"},
        ),
        (
            "POST",
            "/",
            b"{}",
            {"X-Amz-Target": "Logs_20140328.NoSuchOperation", "Content-Type": "application/x-amz-json-1.1"},
        ),
        ("POST", "/", b"\xff\xfe", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("POST", "/2015-03-31/functions", b"{", {"Content-Type": "application/json"}),
        ("POST", "/2015-03-31/functions", b"[" * 100_000, {"Content-Type": "application/json"}),
        ("DELETE", "/2015-03-31/no-such-path", b"", {}),
        ("GET", "/2015-03-31/functions/%zz", b"", {}),
        ("GET", "/2015-03-31/functions?MaxItems=many", b"", {}),
        ("PATCH", "/", b"", {}),
    ],
)
def test_a_bad_request_is_an_error_and_the_connection_goes_on(platform, connection, method, path, body, headers):
    account = new_account()
    service = "lambda" if path.startswith("/2015") else "logs" if "X-Amz-Target" in headers else "sts"
    request = AWSRequest(method, platform.endpoint + path, headers, body)
    SigV4Auth(Credentials(account, "secret"), service, "us-east-1").add_auth(request)
    answer, text = exchange(connection, method, path, body, request.headers)
    assert 400 <= answer.status < 500, text
    assert answer.getheader("x-amzn-requestid") or answer.getheader("x-amz-request-id")
    port = connection.sock.getsockname()
    answer, text = exchange(connection, "POST", "/", IDENTITY, signed(platform.endpoint, account))
    assert (answer.status, account in text.decode()) == (200, True)
    assert connection.sock.getsockname() == port, "still the same connection"


def test_what_is_no_http_is_refused_and_others_are_served(platform, aws):
    with socket.create_connection(platform.address, timeout=PATIENCE_SECONDS) as stranger:
        stranger.sendall(b"\x00\x01 this is not HTTP\r\n\r\n")
        answer = stranger.recv(4096)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert aws("sts").get_caller_identity()["Account"] == aws.account


def test_a_head_without_end_is_refused(platform):
    with socket.create_connection(platform.address, timeout=PATIENCE_SECONDS) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        try:
            for _ in range(1024):
                stranger.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        except OSError:
            return
        assert stranger.recv(4096)[:12] in (b"", b"HTTP/1.1 431", b"HTTP/1.1 400")


def test_a_client_that_asks_first_is_told_to_go_on(platform):
    body = IDENTITY
    headers = signed(platform.endpoint, new_account(), body=body)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(platform.address, timeout=PATIENCE_SECONDS) as asker:
        request = f"POST / HTTP/1.1\r\nHost: {platform.endpoint[7:]}\r\n{head}Content-Length: {len(body)}\r\n"
        asker.sendall(f"{request}Expect: 100-continue\r\n\r\n".encode())
        assert asker.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        asker.sendall(body)
        assert asker.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_2_is_spoken_without_tls(platform):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    # HPACK by index: ":method: GET", ":scheme: http", then ":path" and ":authority" as literals.
    path, authority = b"/_traca/health", b"localhost"
    block = b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01" + bytes([len(authority)]) + authority
    end_of_stream_and_headers = 0x5
    headers = len(block).to_bytes(3, "big") + b"\x01" + bytes([end_of_stream_and_headers]) + b"\x00\x00\x00\x01" + block
    with socket.create_connection(platform.address, timeout=PATIENCE_SECONDS) as peer:
        peer.sendall(preface + settings + headers)
        stream = peer.makefile("rb")
        kinds, data = set(), b""
        while b'"status":"ok"' not in data:
            head = stream.read(9)
            payload = stream.read(int.from_bytes(head[:3], "big"))
            kinds.add(head[3])
            data += payload if head[3] == 0 else b""
    assert {0, 1, 4} <= kinds, "data, headers and settings"


# --- Who calls ---


def test_an_access_key_of_twelve_digits_names_the_account(platform):
    account = new_account()
    identity = Clients(platform.endpoint, account)("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (account, f"arn:aws:iam::{account}:root")


def test_any_other_key_is_the_default_account(platform):
    identity = client("sts", platform.endpoint, "AKIDEXAMPLE").get_caller_identity()
    assert identity["Account"] == "000000000000"


def test_the_signature_names_the_region(platform, functions):
    functions.create(ECHO, name="here")
    arns = []
    for region in ["us-east-1", "eu-west-1"]:
        made = Functions(Clients(platform.endpoint, functions.account, region))
        arns.append(made.client.create_function(**made.settings(ECHO, name="regional"))["FunctionArn"])
    assert arns == [
        f"arn:aws:lambda:{region}:{functions.account}:function:regional" for region in ["us-east-1", "eu-west-1"]
    ]


def test_account_and_region_of_callers_can_be_set():
    with Traca("--memory", "--account", "111122223333", "--region", "eu-central-1") as traca:
        assert (traca.up["account"], traca.up["region"]) == ("111122223333", "eu-central-1")
        assert client("sts", traca.endpoint, "any").get_caller_identity()["Account"] == "111122223333"


def test_unsigned_requests_are_refused(platform, connection):
    for method, path, body, headers in [
        ("POST", "/", IDENTITY, {"Content-Type": "application/x-www-form-urlencoded"}),
        ("GET", "/2015-03-31/functions", None, {}),
        (
            "POST",
            "/",
            b"{}",
            {"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1"},
        ),
    ]:
        answer, text = exchange(connection, method, path, body, headers)
        assert (answer.status, b"MissingAuthenticationToken" in text + str(answer.headers).encode()) in [
            (403, True),
            (400, True),
        ], text


def test_credentials_of_a_session_are_verified(platform, aws):
    credentials = aws("sts").get_session_token()["Credentials"]
    key, secret, token = (credentials[name] for name in ["AccessKeyId", "SecretAccessKey", "SessionToken"])
    good = client("sts", platform.endpoint, key, secret=secret, token=token)
    assert good.get_caller_identity()["Account"] == aws.account
    assert good.get_access_key_info(AccessKeyId=key)["Account"] == aws.account

    wrong = refused(client("sts", platform.endpoint, key, secret="wrong", token=token).get_caller_identity)
    assert (wrong.status, wrong.code) == (403, "SignatureDoesNotMatch")
    altered = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    for bad in [altered, None]:
        refusal = refused(client("sts", platform.endpoint, key, secret=secret, token=bad).get_caller_identity)
        assert (refusal.status, refusal.code) == (403, "InvalidClientTokenId"), refusal
    refusal = refused(client("lambda", platform.endpoint, key, secret="wrong", token=token).list_functions)
    assert (refusal.status, refusal.code) == (403, "InvalidSignatureException")
    assert refused(good.get_session_token).code == "AccessDenied"


def test_a_changed_request_no_longer_fits_its_signature(platform, aws, connection):
    credentials = aws("sts").get_session_token()["Credentials"]
    headers = signed(
        platform.endpoint,
        credentials["AccessKeyId"],
        secret=credentials["SecretAccessKey"],
        token=credentials["SessionToken"],
    )
    answer, _ = exchange(connection, "POST", "/", IDENTITY, headers)
    assert answer.status == 200
    answer, text = exchange(connection, "POST", "/", IDENTITY + b"&More=1", headers)
    assert (answer.status, b"SignatureDoesNotMatch" in text) == (403, True)


def test_malformed_signatures_are_refused_in_open_mode_too(connection):
    for header in ["AWS4-HMAC-SHA256 nonsense", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x"]:
        headers = {"Authorization": header, "Content-Type": "application/x-www-form-urlencoded"}
        answer, text = exchange(connection, "POST", "/", IDENTITY, headers)
        assert (answer.status, b"<Code>IncompleteSignature</Code>" in text) in [(400, True), (403, True)], text


def test_verify_mode_refuses_unknown_keys():
    with Traca("--memory", "--verify") as traca:
        refusal = refused(client("sts", traca.endpoint, new_account()).get_caller_identity)
        assert (refusal.status, refusal.code) == (403, "InvalidClientTokenId")
        with pytest.raises(urllib.error.HTTPError) as caught:
            traca.reset()
        assert caught.value.code == 403
