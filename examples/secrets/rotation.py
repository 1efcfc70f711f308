"""Rotates a secret whose value is a JSON object with a password, in the four steps of Secrets Manager.

Each step may be called again, so each looks first at what is there. What the function has to be allowed is in
rotation-policy.json beside it.
"""
import json

import boto3

secrets = boto3.client("secretsmanager")


def handler(event, context):
    secret, version = event["SecretId"], event["ClientRequestToken"]
    STEPS[event["Step"]](secret, version)


def value(secret, **which):
    return json.loads(secrets.get_secret_value(SecretId=secret, **which)["SecretString"])


def create(secret, version):
    current = value(secret, VersionStage="AWSCURRENT")
    try:
        value(secret, VersionId=version, VersionStage="AWSPENDING")
    except secrets.exceptions.ResourceNotFoundException:
        current["password"] = secrets.get_random_password(ExcludePunctuation=True)["RandomPassword"]
        secrets.put_secret_value(
            SecretId=secret, ClientRequestToken=version, SecretString=json.dumps(current), VersionStages=["AWSPENDING"]
        )


def set_in_database(secret, version):
    """Here the database would be told the new password."""


def test(secret, version):
    """Here the new password would be tried."""
    assert value(secret, VersionId=version, VersionStage="AWSPENDING")["password"]


def finish(secret, version):
    versions = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    current = next(known for known, labels in versions.items() if "AWSCURRENT" in labels)
    if current != version:
        secrets.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
        )


STEPS = {"createSecret": create, "setSecret": set_in_database, "testSecret": test, "finishSecret": finish}
