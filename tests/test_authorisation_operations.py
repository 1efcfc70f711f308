"""Every operation that is built is denied to those without its permission and passes for those with it. The operations are
found out from the platform itself, so new ones join by themselves."""

import datetime
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ValidationError

from support.clients import Clients, client, new_account
from support.identities import Identities, policy

MODELS = Path(__file__).parents[1] / "models"
SERVICES = sorted(path.stem for path in (MODELS / "built").glob("*.txt"))
ACTIONS = json.loads((MODELS / "authz" / "operations.json").read_text())

DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}

# What no policy can withhold (STS API reference), and what AWS leaves unsigned.
OPEN = {
    "sts": {"GetCallerIdentity", "GetSessionToken", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"},
}

# Operations that nobody has said the permissions of: they are the account root's alone.
UNMAPPED = set()

# Operations whose answer tells what was refused of many things.
EACH = {"DeleteObjects"}

# Parameters that have to mean something for a call to be decided at all.
NAMES = {"Bucket": "bucket-of-nobody", "RoleArn": None}


def value(shape, name, arns):
    """The least value of a shape: validation comes after authorisation, so it need not be a good one."""
    if name in arns:
        return arns[name]
    kind = shape.type_name
    if kind == "structure":
        # One of several that are all optional, so that something is named.
        members = shape.required_members or list(shape.members)[:1]
        return {member: value(shape.members[member], member, arns) for member in members}
    if kind == "list":
        return [value(shape.member, name, arns)]
    if kind == "map":
        return {value(shape.key, name, arns): value(shape.value, name, arns)}
    if kind in ("integer", "long"):
        return 1
    if kind in ("float", "double"):
        return 1.0
    if kind == "boolean":
        return False
    if kind == "blob":
        return b"x"
    if kind == "timestamp":
        return datetime.datetime(2024, 1, 1)
    return shape.enum[0] if shape.enum else NAMES.get(name) or "x"


def parameters(model, arns):
    shape = model.input_shape
    return {} if shape is None else {name: value(shape.members[name], name, arns) for name in shape.required_members}


def outcome(clients, service, model, arns):
    """The code and text of the refusal; both are empty when there is none."""
    try:
        answer = clients(service)._make_api_call(model.name, parameters(model, arns))
    except ClientError as error:
        return error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    except (ParamValidationError, ValidationError) as error:
        pytest.fail(f"{model.name}: {error}")
    # What is done to many things is refused for each of them.
    failed = answer.get("Errors") if model.name in EACH else None
    return (failed[0]["Code"], failed[0]["Message"]) if failed else ("", "")


class Unchecked(Clients):
    """Clients that send what they are given."""

    def __init__(self, endpoint, account, key):
        super().__init__(endpoint, account)
        self.key = key

    def __call__(self, service):
        if service not in self._clients:
            self._clients[service] = client(
                service, self.endpoint, self.key["AccessKeyId"], secret=self.key["SecretAccessKey"], validate=False)
        return self._clients[service]


def user(platform, account, name):
    root = Clients(platform.endpoint, account)("iam")
    root.create_user(UserName=name)
    return Unchecked(platform.endpoint, account, root.create_access_key(UserName=name)["AccessKey"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_needs_its_permission_and_no_other(platform, service):
    account = new_account()
    root = Clients(platform.endpoint, account)
    role = Identities(root).role(Identities(root).own_account(), name="assumable")
    arns = {"RoleArn": role} if service == "sts" else {}
    if service == "s3":
        # Whether a bucket exists is no secret: there has to be one, and it has to stay.
        bucket = f"bucket-of-{account}"
        root("s3").create_bucket(Bucket=bucket)
        root("s3").put_object(Bucket=bucket, Key="kept")
        # The other one needs a code of a device, whatever the permissions.
        arns = {"Bucket": bucket, "MFADelete": "Disabled"}
    nobody, somebody = user(platform, account, "nobody"), user(platform, account, "somebody")
    model = nobody(service).meta.service_model
    unmapped, built = set(), 0
    for name in model.operation_names:
        operation = model.operation_model(name)
        code, text = outcome(nobody, service, operation, arns)
        if code.startswith(("NotImplemented", "501")) or "is not implemented" in text:
            continue
        built += 1
        if name in OPEN.get(service, ()):
            assert code not in DENIALS, (name, code, text)
            continue
        assert code in DENIALS or (code, operation.http["method"]) == ("403", "HEAD"), (name, code, text)
        known = ACTIONS.get(service, {}).get(name) or []
        actions = known["always"] if isinstance(known, dict) else known
        # What is newer than the catalogue of permissions is named as its operation.
        actions = actions or [f"{service}:{name}"]
        # A role that is handed on, and a key that is used, are further permissions; the test is of the operation's own.
        granted = policy((actions, "*"), (["iam:PassRole"], "*"))
        root("iam").put_user_policy(UserName="somebody", PolicyName="exactly", PolicyDocument=granted)
        code, text = outcome(somebody, service, operation, arns)
        if code in DENIALS and "on resource" not in text:
            unmapped.add(f"{service}:{name}")
            continue
        is_own = any(f"perform: {action} " in text for action in actions)
        assert code not in DENIALS or not is_own, (name, actions, code, text)
    assert unmapped == {name for name in UNMAPPED if name.startswith(f"{service}:")}, unmapped
    if service in ("iam", "lambda", "logs", "sts"):
        assert built, "nothing of the service was found"
