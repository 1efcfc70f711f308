"""Every operation of every service is reached under its own name by botocore, in its own protocol."""

import datetime
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError

from support.clients import Refusal, client, new_account

# Botocore's names of the services that Traca models.
SERVICES = [
    "apigateway",
    "apigatewayv2",
    "application-autoscaling",
    "cloudformation",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "dynamodbstreams",
    "ec2",
    "events",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "pipes",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "xray",
]

MODELS = Path(__file__).parents[1] / "models"

# Deprecated operations whose requests are those of their successors to the byte.
TWINS = {
    ("s3", f"{verb}Bucket{noun}"): f"{verb}Bucket{noun}Configuration"
    for verb in ["Get", "Put"]
    for noun in ["Lifecycle", "Notification"]
}

# How deep a required structure is filled in; some require themselves.
DEPTH_MAX = 6

SCALARS = {
    "integer": 1,
    "long": 1,
    "float": 1.0,
    "double": 1.0,
    "boolean": True,
    "blob": b"x",
    "timestamp": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
}


def sample(shape, depth=0):
    """A value that can be sent for a shape: what is required and no more."""
    if shape.type_name == "structure":
        required = shape.required_members if depth < DEPTH_MAX else []
        if getattr(shape, "is_tagged_union", False) and not required:
            required = list(shape.members)[:1]
        return {name: sample(shape.members[name], depth + 1) for name in required}
    if shape.type_name == "list":
        return [sample(shape.member, depth + 1)] if depth < DEPTH_MAX else []
    if shape.type_name == "map":
        return {"key": sample(shape.value, depth + 1)} if depth < DEPTH_MAX else {}
    if shape.type_name == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else "x" * max(1, shape.metadata.get("min", 1))
    return SCALARS[shape.type_name]


def built(service):
    """The operations that Traca has."""
    path = MODELS / "built" / f"{service}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


@pytest.fixture(scope="module")
def counts(tell):
    counts = {"built": 0, "not built": 0}
    yield counts
    tell(f"operations: {counts['built']} built, {counts['not built']} answered as not built")


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_reached_under_its_own_name(platform, counts, service):
    model = botocore.session.Session().get_service_model(service)
    caller = client(service, platform.endpoint, new_account(), validate=False, s3={"addressing_style": "path"})
    methods = caller.meta.method_to_api_mapping
    assert sorted(methods.values()) == sorted(model.operation_names)
    ours, wrong = built(service), []
    for method, operation in methods.items():
        shape = model.operation_model(operation).input_shape
        refusal = answered(getattr(caller, method), sample(shape) if shape else {})
        reached = TWINS.get((service, operation), operation)
        if reached in ours:
            counts["built"] += 1
            fits = refusal is None or refusal.status < 500
        else:
            counts["not built"] += 1
            # An answer to HEAD has no body that could name anything.
            is_head = model.operation_model(operation).http["method"] == "HEAD"
            named = "" if is_head else f"The {reached} operation of "
            fits = refusal is not None and refusal.status == 501 and named in refusal.message
        if not fits:
            wrong.append(f"{operation}: {refusal}")
    assert not wrong, "\n".join(wrong)


def answered(call, parameters):
    """What a refused call was told; `None` if it was not refused."""
    try:
        call(**parameters)
    except ClientError as error:
        return Refusal(error.response)
    return None
