"""Reads a secret and two parameters, keeps them for a while, and never shows them.

What the function has to be allowed is in policy.json beside it: two actions, on exactly these names.
"""
import json
import logging
import os
import time

import boto3

log = logging.getLogger()
log.setLevel(logging.INFO)

STAGE = os.environ.get("STAGE", "test")
# After this time a rotated secret is seen.
KEPT_SECONDS = 300

secrets = boto3.client("secretsmanager")
parameters = boto3.client("ssm")
kept = {}


def keep(name, read):
    """What `read` answers, asked for once in a while."""
    value, since = kept.get(name, (None, None))
    if since is None or time.monotonic() - since > KEPT_SECONDS:
        value = read()
        kept[name] = value, time.monotonic()
        log.info("read %s", name)
    return value


def secret(name):
    return keep(name, lambda: json.loads(secrets.get_secret_value(SecretId=name)["SecretString"]))


def parameter(name):
    return keep(name, lambda: parameters.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def handler(event, context):
    database = secret(f"{STAGE}/database")
    retries = int(parameter(f"/{STAGE}/retries"))
    token = parameter(f"/{STAGE}/token")
    log.info("connecting to %s as %s", database["host"], database["username"])
    return {"host": database["host"], "retries": retries, "token_characters": len(token)}
