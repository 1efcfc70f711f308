"""Code that knows nothing of the platform reaches it under the names of AWS: old SDKs, hard-wired endpoints, plain HTTPS."""

import json
import os
from pathlib import Path

import pytest

from support.clients import Clients, new_account
from support.functions import NODE, Functions
from support.traca import Traca

PYTHON_CLIENTS = """
import json, os, socket, ssl, urllib.error, urllib.request
for name in ("AWS_ENDPOINT_URL",):
    os.environ.pop(name)
import boto3

def asked(url):
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

def certificate(name):
    with socket.create_connection((name, 443)) as plain:
        with ssl.create_default_context().wrap_socket(plain, server_hostname=name) as encrypted:
            return dict(pair for part in encrypted.getpeercert()["issuer"] for pair in part)["commonName"]

def handler(event, context):
    identity = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com").get_caller_identity()
    sqs = boto3.client("sqs", region_name="eu-west-1")
    return {
        "arn": identity["Arn"],
        "global": boto3.client("sts").get_caller_identity()["Account"],
        "queue": sqs.create_queue(QueueName="named-by-host")["QueueUrl"],
        "unsigned": [asked(f"{scheme}://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15")
                     for scheme in ("https", "http")],
        "issuer": certificate("anything.s3.dualstack.eu-west-1.amazonaws.com"),
        "pages": [asked(f"https://sts.us-east-1.amazonaws.com/_traca/{page}")[0] for page in ("denials", "access")],
    }
"""

FOREIGN_NAMES = """
import socket
def handler(event, context):
    found = {}
    for name in event:
        try:
            found[name] = sorted({entry[4][0] for entry in socket.getaddrinfo(name, 443, socket.AF_INET)})
        except socket.gaierror as error:
            found[name] = error.errno == socket.EAI_NONAME or error.errno
    return found
"""

JAVASCRIPT_2 = """
delete process.env.AWS_ENDPOINT_URL;
const STS = require("aws-sdk/clients/sts"), S3 = require("aws-sdk/clients/s3");
exports.handler = async () => {
  const s3 = new S3({ region: "us-east-1" });
  await s3.createBucket({ Bucket: "made-by-version-2" }).promise();
  await s3.putObject({ Bucket: "made-by-version-2", Key: "key", Body: "body" }).promise();
  const read = await s3.getObject({ Bucket: "made-by-version-2", Key: "key" }).promise();
  return { account: (await new STS().getCallerIdentity().promise()).Account, body: read.Body.toString() };
};
"""

JAVASCRIPT_3 = """
delete process.env.AWS_ENDPOINT_URL;
const { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand } = require("@aws-sdk/client-s3");
exports.handler = async () => {
  const s3 = new S3Client({ region: "eu-west-1" });
  const Bucket = "made-by-version-3";
  let host;
  s3.middlewareStack.add((next) => async (call) => { host = call.request.hostname; return next(call); }, { step: "finalizeRequest" });
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body" }));
  const read = await s3.send(new GetObjectCommand({ Bucket, Key: "key" }));
  return { host, body: await read.Body.transformToString() };
};
"""


@pytest.fixture(scope="module", params=["ahead", "at-once"])
def functions(request):
    """Makes functions on a platform that makes environments ahead of need, or does not."""
    with Traca("--memory", "--egress", "none", "--pools", "256" if request.param == "ahead" else "off") as traca:
        yield Functions(Clients(traca.endpoint, new_account()))


def test_hard_wired_endpoints_of_python(functions):
    found = functions.create(PYTHON_CLIENTS, Timeout=120, MemorySize=1769).answer()
    assert found["arn"].startswith(f"arn:aws:sts::{functions.account}:assumed-role/function/"), found
    assert found["global"] == functions.account
    assert found["queue"] == f"https://sqs.eu-west-1.amazonaws.com/{functions.account}/named-by-host"
    for status, body in found["unsigned"]:
        assert status == 403 and "<Code>MissingAuthenticationToken</Code>" in body, found
    assert found["issuer"] == "Traca execution environments"
    assert found["pages"] == [403, 403]


def test_names_of_aws_lead_here_and_others_nowhere(functions):
    ours = ["sts.amazonaws.com", "BUCKET.s3.eu-west-1.amazonaws.com", "kms-fips.us-gov-west-1.amazonaws.com",
            "lambda.eu-west-1.api.aws", "x.lambda-url.eu-west-1.on.aws", "sqs.cn-north-1.amazonaws.com.cn", "a.localhost"]
    others = ["example.com", "amazonaws.com.example.com", "notamazonaws.com", "localdomain", "x" * 63 + ".org"]
    found = functions.create(FOREIGN_NAMES, Timeout=120).answer(ours + others)
    assert found == {**dict.fromkeys(ours, ["127.0.0.1"]), **dict.fromkeys(others, True)}


def modules(name, found=None):
    """The files of an installed package and of all it depends on, but for other services' parts of SDK 2."""
    installed = Path(os.environ["NODE_PATH"])
    found = {} if found is None else found
    if f"node_modules/{name}/package.json" in found or not (installed / name).is_dir():
        return found
    wanted = ("sts", "s3", "metadata", "cognito-identity", "cognitoidentity", "sso")
    for path in (installed / name).rglob("*"):
        parts = path.relative_to(installed / name).parts
        is_other = name == "aws-sdk" and parts[0] in ("apis", "clients") and not parts[-1].startswith(wanted)
        if path.is_file() and path.suffix in (".js", ".json") and not is_other and not parts[0].startswith("dist"):
            found[f"node_modules/{path.relative_to(installed)}"] = path.read_bytes()
    for dependency in json.loads((installed / name / "package.json").read_text()).get("dependencies", {}):
        modules(dependency, found)
    return found


def test_the_old_sdk_of_javascript_without_any_configuration(functions):
    code = {"index.js": JAVASCRIPT_2, **modules("aws-sdk")}
    found = functions.create(code, NODE, Timeout=120, MemorySize=1769).answer()
    assert found == {"account": functions.account, "body": "body"}


def test_buckets_in_the_host_of_the_new_sdk(functions):
    # A function that trusts what Lambda's documentation says instead of what it is given.
    variables = {"NODE_EXTRA_CA_CERTS": "/var/runtime/ca-cert.pem"}
    found = functions.create(
        JAVASCRIPT_3, NODE, Timeout=120, MemorySize=1769, Environment={"Variables": variables}).answer()
    assert found == {"host": "made-by-version-3.s3.eu-west-1.amazonaws.com", "body": "body"}


def test_a_function_calls_the_address_of_another(functions):
    other = functions.create("def handler(event, context):\n    return event['rawPath']\n")
    functions.client.create_function_url_config(FunctionName=other.name, AuthType="NONE")
    for action, facts in [("InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}), ("InvokeFunction", {"InvokedViaFunctionUrl": True})]:
        functions.client.add_permission(
            FunctionName=other.name, StatementId=action, Action=f"lambda:{action}", Principal="*", **facts
        )
    url = functions.client.get_function_url_config(FunctionName=other.name)["FunctionUrl"]
    name = url.split("//")[1].split(".")[0]
    caller = functions.create(
        "import urllib.request\ndef handler(event, context):\n    return urllib.request.urlopen(event).read().decode()\n",
        Timeout=60,
    )
    assert caller.answer(f"https://{name}.lambda-url.us-east-1.on.aws/some/path") == "/some/path"


def test_the_authority_is_one_for_an_installation_and_its_key_nobody_elses(data):
    told = []
    code = "def handler(event, context):\n    return open('/etc/traca/authority.pem').read()\n"
    for _ in range(2):
        with Traca("--data", data) as traca:
            told.append(Functions(Clients(traca.endpoint, new_account())).create(code, Timeout=60).answer())
    kept = data / "environments-authority.pem"
    assert told[0] == told[1] and told[0].startswith("-----BEGIN CERTIFICATE-----") and "KEY" not in told[0]
    assert kept.read_text().startswith(told[0]) and kept.stat().st_mode & 0o777 == 0o600
