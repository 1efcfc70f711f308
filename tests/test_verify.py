"""Verify mode: every signature is checked, and nothing that was tampered with gets in."""

import datetime
import http.client
import json
import os
import stat
import urllib.parse
from unittest import mock

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.clients import REGION, client, new_account, refused, root_key
from support.identities import Identities, Signer
from support.traca import PATIENCE_SECONDS, Traca, run

TARGET = "Logs_20140328.DescribeLogGroups"
JSON = "application/x-amz-json-1.1"
QUERY_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture(scope="module")
def verified():
    with Traca("--memory", "--verify") as traca:
        yield traca


@pytest.fixture(scope="module")
def root(verified):
    return Signer(verified.endpoint, verified.up["account"], root_key(verified.up["root_credentials"]))


@pytest.fixture
def connection(verified):
    connection = http.client.HTTPConnection(*verified.address, timeout=PATIENCE_SECONDS)
    yield connection
    connection.close()


class Signed:
    """A request with the signature of AWS's own client, to be tampered with."""

    def __init__(self, endpoint, key, service, region=REGION, at=None, query=False, headers=(), body=QUERY_BODY,
                 method="POST", path="/"):
        self.method, self.path, self.body = method, path, body
        request = AWSRequest(method, endpoint + path, dict(headers), body)
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken"))
        auth = (SigV4QueryAuth if query else SigV4Auth)(credentials, service, region)
        at = at or datetime.datetime.now(datetime.timezone.utc)
        with mock.patch("botocore.auth.get_current_datetime", lambda *_: at):
            auth.add_auth(request)
        self.headers = dict(request.headers)
        if query:
            url = urllib.parse.urlsplit(request.url)
            self.path = f"{url.path}?{url.query}"

    def send(self, connection):
        connection.request(self.method, self.path, self.body, self.headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()


def sts(verified, root, **settings):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Signed(verified.endpoint, root.credentials, "sts", headers=headers, **settings)


def logs(verified, root, **settings):
    headers = {"Content-Type": JSON, "X-Amz-Target": TARGET}
    return Signed(verified.endpoint, root.credentials, "logs", headers=headers, body=b'{"limit": 5}', **settings)


def functions(verified, root, **settings):
    path = settings.pop("path", "/2015-03-31/functions?MaxItems=5")
    return Signed(verified.endpoint, root.credentials, "lambda", method="GET", path=path, body=b"", **settings)


def told(answer, text):
    """The error's code, wherever the protocol puts it."""
    if text.startswith("<"):
        return text.split("<Code>")[1].split("</Code>")[0]
    return answer.getheader("x-amzn-errortype") or json.loads(text)["__type"].rpartition("#")[2]


MAKERS = {"query": (sts, "SignatureDoesNotMatch", 403), "json": (logs, "InvalidSignatureException", 400),
          "rest": (functions, "InvalidSignatureException", 403)}


@pytest.mark.parametrize("family", MAKERS)
def test_a_good_signature_gets_in_and_may_be_replayed_while_it_is_fresh(verified, root, connection, family):
    request = MAKERS[family][0](verified, root)
    for _ in range(2):
        answer, text = request.send(connection)
        assert answer.status == 200, text


def _signature(request):
    head, _, signature = request.headers["Authorization"].rpartition("=")
    request.headers["Authorization"] = f"{head}={'0' if signature[0] != '0' else '1'}{signature[1:]}"


def _date(request):
    # Another second of the same day.
    stamp = request.headers["X-Amz-Date"]
    request.headers["X-Amz-Date"] = stamp[:-2] + ("0" if stamp[-2] != "0" else "1") + "Z"


TAMPERINGS = {
    "signature": _signature,
    "signed header": _date,
    "body": lambda request: setattr(request, "body", request.body + b" "),
    "query": lambda request: setattr(request, "path", request.path + ("&" if "?" in request.path else "?") + "x=1"),
}


@pytest.mark.parametrize("family", MAKERS)
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_was_changed_after_signing_is_refused(verified, root, connection, family, tampering):
    make, code, status = MAKERS[family]
    request = make(verified, root)
    TAMPERINGS[tampering](request)
    answer, text = request.send(connection)
    assert (answer.status, told(answer, text)) == (status, code), text


def test_another_path_no_longer_fits_its_signature(verified, root, connection):
    request = functions(verified, root, path="/2015-03-31/functions/one")
    request.path = "/2015-03-31/functions/two"
    answer, text = request.send(connection)
    assert (answer.status, told(answer, text)) == (403, "InvalidSignatureException"), text


def test_a_changed_target_is_refused_if_it_was_signed(verified, root, connection):
    request = logs(verified, root)
    request.headers["X-Amz-Target"] = TARGET.replace("DescribeLogGroups", "DescribeLogStreams")
    answer, text = request.send(connection)
    assert (answer.status, told(answer, text)) == (400, "InvalidSignatureException"), text


def shifted(minutes):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)


@pytest.mark.parametrize("family", MAKERS)
@pytest.mark.parametrize(("minutes", "words"), [(-20, "Signature expired"), (20, "Signature not yet current")])
def test_dates_outside_the_window_are_refused(verified, root, connection, family, minutes, words):
    make, code, status = MAKERS[family]
    answer, text = make(verified, root, at=shifted(minutes)).send(connection)
    assert (answer.status, told(answer, text)) == (status, code), text
    assert words in text


def test_a_presigned_request_of_a_rest_service_expires(verified, root, connection):
    # An hour is what AWS's client asks for.
    for minutes, status in [(0, 200), (-50, 200), (-70, 403), (20, 403)]:
        request = functions(verified, root, query=True, at=shifted(minutes) if minutes else None)
        answer, text = request.send(connection)
        assert answer.status == status, text


@pytest.mark.parametrize("family", MAKERS)
@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLE", "123456789012", "ASIAIOSFODNN7EXAMPLE"])
def test_an_unknown_key_is_refused(verified, root, connection, family, key):
    stranger = Signer(verified.endpoint, "x", {"AccessKeyId": key, "SecretAccessKey": "secret"})
    answer, text = MAKERS[family][0](verified, stranger).send(connection)
    code = "InvalidClientTokenId" if family == "query" else "UnrecognizedClientException"
    assert (answer.status, told(answer, text)) == (400 if family == "json" else 403, code), text


@pytest.mark.parametrize("family", MAKERS)
def test_a_wrong_secret_is_refused(verified, root, connection, family):
    make, code, status = MAKERS[family]
    wrong = Signer(verified.endpoint, "x", {**root.credentials, "SecretAccessKey": "x" * 40})
    answer, text = make(verified, wrong).send(connection)
    assert (answer.status, told(answer, text)) == (status, code), text


@pytest.mark.parametrize("family", MAKERS)
def test_a_scope_that_names_no_region_is_refused(verified, root, connection, family):
    make, code, status = MAKERS[family]
    answer, text = make(verified, root, region="nowhere").send(connection)
    assert (answer.status, told(answer, text)) == (status, code), text
    assert "Credential should be scoped to a valid region" in text


def test_the_hosts_region_is_the_only_one(verified, root, connection):
    for region, status in [("eu-west-1", 200), ("us-east-1", 403)]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": "sts.eu-west-1.amazonaws.com"}
        request = Signed(verified.endpoint, root.credentials, "sts", region=region, headers=headers)
        answer, text = request.send(connection)
        assert answer.status == status, text


def test_a_scope_for_another_service_is_refused(verified, root, connection):
    headers = {"Content-Type": JSON, "X-Amz-Target": TARGET}
    request = Signed(verified.endpoint, root.credentials, "lambda", headers=headers, body=b"{}")
    answer, text = request.send(connection)
    assert (answer.status, told(answer, text)) == (400, "InvalidSignatureException"), text
    assert "Credential should be scoped to correct service: 'logs'" in text


def test_session_tokens_are_checked(verified, root):
    credentials = root("sts").get_session_token(DurationSeconds=900)["Credentials"]
    good = Signer(verified.endpoint, root.account, credentials)
    assert good("sts").get_caller_identity()["Account"] == root.account
    token = credentials["SessionToken"]
    for bad in [token[:-8] + "AAAAAAAA", "made up", None]:
        tampered = Signer(verified.endpoint, root.account, {**credentials, "SessionToken": bad})
        assert refused(tampered("sts").get_caller_identity).code == "InvalidClientTokenId", bad
        assert refused(tampered("lambda").list_functions).code == "UnrecognizedClientException", bad
    with_token = Signer(verified.endpoint, root.account, {**root.credentials, "SessionToken": token})
    assert refused(with_token("sts").get_caller_identity).code == "InvalidClientTokenId"


def test_unsigned_requests_are_refused(verified, connection):
    connection.request("POST", "/", QUERY_BODY, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    assert (answer.status, b"MissingAuthenticationToken" in answer.read()) == (403, True)


def test_users_made_by_the_root_are_verified_and_enforced(root):
    user = Identities(root).user(("lambda:ListFunctions", "*"))
    user("lambda").list_functions()
    assert refused(user("logs").describe_log_groups).code == "AccessDeniedException"


def test_the_operators_pages_need_the_roots_signature(verified, root, connection):
    user = Identities(root).user({"Effect": "Allow", "Action": "*", "Resource": "*"})
    for page in ["/_traca/denials", "/_traca/access"]:
        connection.request("GET", page)
        assert (answer := connection.getresponse()).status == 403 and answer.read()
        for key, service, status in [(root, "traca", 200), (root, "sts", 403), (user, "traca", 403)]:
            request = Signed(verified.endpoint, key.credentials, service, method="GET", path=page, body=b"")
            answer, text = request.send(connection)
            assert answer.status == status, text
    for page in ["/_traca/health", "/_traca/version", "/_traca/metrics"]:
        connection.request("GET", page)
        assert (answer := connection.getresponse()).status == 200 and answer.read()


def test_the_first_start_makes_the_roots_key_once_and_never_shows_it(data):
    with Traca("--data", data, "--verify") as traca:
        path = traca.up["root_credentials"]
        first = root_key(path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and os.path.dirname(path) == str(data)
        own = Signer(traca.endpoint, traca.up["account"], first)
        assert own.arn == f"arn:aws:iam::{traca.up['account']}:root"
        user = Identities(own).user(("lambda:ListFunctions", "*"))
        assert first["SecretAccessKey"] not in traca.log() + json.dumps(traca.up)
    with Traca("--data", data, "--verify") as traca:
        assert root_key(traca.up["root_credentials"]) == first
        Signer(traca.endpoint, traca.up["account"], user.credentials)("lambda").list_functions()
    # In open mode the keys that exist are verified all the same.
    with Traca("--data", data) as traca:
        wrong = client("sts", traca.endpoint, first["AccessKeyId"], secret="wrong")
        assert refused(wrong.get_caller_identity).code == "SignatureDoesNotMatch"
        assert client("sts", traca.endpoint, new_account()).get_caller_identity()


def test_a_key_file_that_others_can_read_is_refused(data):
    with Traca("--data", data, "--verify") as traca:
        path = traca.up["root_credentials"]
    os.chmod(path, 0o644)
    ended = run("up", "--data", data, "--verify", "--port", "0")
    assert ended.returncode == 78 and "can be read by others" in ended.stderr, ended


@pytest.mark.parametrize("settings", [[], ["--verify"], ["--iam", "audit"]])
def test_a_listener_for_others_needs_verify_and_tls(settings):
    ended = run("up", "--memory", "--listen", "0.0.0.0", "--port", "0", *settings)
    assert ended.returncode == 78, ended
    assert "TLS" in ended.stderr or "--tls" in ended.stderr, ended.stderr
