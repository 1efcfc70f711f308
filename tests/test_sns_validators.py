"""The validators that subscribers use accept our messages: npm's `sns-validator` and PyPI's `aws-sns-message-validator`.

Both fetch the certificate over HTTPS from a host that they trust, so the platform speaks TLS here."""

import http.server
import json
import queue as queues
import shutil
import subprocess
import threading
import uuid
from pathlib import Path

import pytest
import sns_message_validator as validator

from support.clients import client
from support.traca import PATIENCE_SECONDS, Traca

NODE = Path(__file__).parent / "node" / "validate.cjs"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", names]
    files = directory / "certificate.pem", directory / "key.pem"
    subprocess.run([*made, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


@pytest.fixture(scope="module")
def traca(certificate):
    with Traca("--memory", "--tls-certificate", certificate[0], "--tls-key", certificate[1]) as traca:
        yield traca


@pytest.fixture(autouse=True)
def trust(certificate, monkeypatch):
    """All clients of the test trust the platform's certificate."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.setenv(name, str(certificate[0]))


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        # What another test's topic still has for a port that was given away again is none of ours.
        if self.path == self.server.path:
            self.server.requests.put(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.requests = queues.Queue()
    server.path = f"/{uuid.uuid4()}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def sent(traca, endpoint, signature_version):
    """What an HTTP endpoint is sent: the request to confirm, and a notification."""
    sns = client("sns", traca.endpoint, "111122223333")
    topic = sns.create_topic(Name=f"version-{signature_version}")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=signature_version)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{endpoint.server_port}{endpoint.path}")
    request = endpoint.requests.get(timeout=PATIENCE_SECONDS)
    sns.confirm_subscription(TopicArn=topic, Token=json.loads(request)["Token"])
    sns.publish(TopicArn=topic, Subject="Grüße", Message="Zeile eins\nzwei")
    return [request, endpoint.requests.get(timeout=PATIENCE_SECONDS)]


@pytest.mark.parametrize("signature_version", ["1", "2"])
def test_npms_validator_accepts_our_messages(traca, endpoint, signature_version):
    def validate(hosts, message):
        command = ["node", NODE, hosts, message]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True).stdout.strip()

    for message in sent(traca, endpoint, signature_version):
        assert validate(r"^127\.0\.0\.1:\d+$", message) == "valid"
        changed = json.dumps({**json.loads(message), "Message": "another"})
        assert validate(r"^127\.0\.0\.1:\d+$", changed) == "The message signature is invalid."


def test_pypis_validator_accepts_our_messages(traca, endpoint):
    ours = validator.SNSMessageValidator(cert_url_regex=rf"^{traca.endpoint}/")
    for message in sent(traca, endpoint, "1"):
        ours.validate_message(json.loads(message))
        changed = {**json.loads(message), "Message": "another"}
        with pytest.raises(validator.exceptions.SignatureVerificationFailureException):
            ours.validate_message(changed)
