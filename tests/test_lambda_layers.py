"""Layers: published, described, shared, merged under /opt and found by every runtime."""

import base64
import hashlib
import io
import json
import subprocess
import urllib.request
import zipfile

import pytest

from support.clients import Clients, new_account, refused
from support.functions import NODE, PYTHON, WAIT, Function, Functions
from support.identities import LAMBDA, Identities
from support.packages import package, program

LOOK = """
import os

def handler(event, context):
    answer = {}
    for path in event.get("files", []):
        answer[path] = open(path).read() if os.path.exists(path) else None
    for name in event.get("modules", []):
        answer[name] = __import__(name).WHO
    return answer
"""


def publish(client, name, files, **settings):
    return client.publish_layer_version(LayerName=name, Content={"ZipFile": package(files)}, **settings)


def test_a_version_is_published_described_listed_and_deleted(aws):
    client = aws("lambda")
    content = package({"python/shared.py": "WHO = 1\n"})
    settings = {"CompatibleRuntimes": [PYTHON], "CompatibleArchitectures": ["x86_64"], "LicenseInfo": "MIT"}
    first = client.publish_layer_version(
        LayerName="shared", Description="one", Content={"ZipFile": content}, **settings)
    arn = f"arn:aws:lambda:{client.meta.region_name}:{aws.account}:layer:shared"
    metadata = first.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 201
    location = first["Content"].pop("Location")
    assert urllib.request.urlopen(location).read() == content
    assert first.pop("CreatedDate")[-5:] == "+0000"
    assert first == {
        "Content": {"CodeSha256": base64.b64encode(hashlib.sha256(content).digest()).decode(), "CodeSize": len(content)},
        "LayerArn": arn, "LayerVersionArn": f"{arn}:1", "Description": "one", "Version": 1, **settings}
    second = publish(client, "shared", {"python/shared.py": "WHO = 2\n"})
    assert (second["Version"], second["Description"]) == (2, "") and "CompatibleRuntimes" not in second

    by_name = client.get_layer_version(LayerName="shared", VersionNumber=1)
    by_arn = client.get_layer_version_by_arn(Arn=f"{arn}:1")
    for described in (by_name, by_arn, client.get_layer_version(LayerName=arn, VersionNumber=1)):
        assert described["LayerVersionArn"] == f"{arn}:1" and described["CompatibleRuntimes"] == [PYTHON]
    versions = client.list_layer_versions(LayerName="shared")["LayerVersions"]
    assert [version["Version"] for version in versions] == [2, 1]
    assert set(versions[0]) == {"LayerVersionArn", "Version", "Description", "CreatedDate"}
    page = client.list_layer_versions(LayerName="shared", MaxItems=1)
    assert [version["Version"] for version in page["LayerVersions"]] == [2]
    rest = client.list_layer_versions(LayerName="shared", Marker=page["NextMarker"])
    assert [version["Version"] for version in rest["LayerVersions"]] == [1] and "NextMarker" not in rest

    publish(client, "other", {"a": "b"})
    names = [layer["LayerName"] for layer in client.list_layers()["Layers"]]
    assert names == ["other", "shared"]
    matching = client.list_layers(CompatibleRuntime=PYTHON)["Layers"]
    assert [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in matching] == [("shared", 1)]
    pages = client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1})
    assert [layer["LayerName"] for page in pages for layer in page["Layers"]] == ["other", "shared"]

    client.delete_layer_version(LayerName="shared", VersionNumber=2)
    client.delete_layer_version(LayerName="shared", VersionNumber=2)
    assert refused(client.get_layer_version, LayerName="shared", VersionNumber=2).code == "ResourceNotFoundException"
    assert publish(client, "shared", {"a": "b"})["Version"] == 3, "numbers are never used again"


def test_what_cannot_be_a_layer_is_refused(aws, functions):
    client = aws("lambda")
    refusal = refused(client.publish_layer_version, LayerName="l", Content={"ZipFile": b"no zip"})
    assert refusal.code == "InvalidParameterValueException"
    assert refusal.message == "Could not unzip uploaded file. Please check your file, then try to upload again."
    assert client.list_layers()["Layers"] == []
    refusal = refused(client.get_layer_version, LayerName="l", VersionNumber=0)
    assert (refusal.code, refusal.message) == (
        "InvalidParameterValueException", "Layer Version Cannot be less than 1")

    arns = [publish(client, f"l{number}", {"a": str(number)})["LayerVersionArn"] for number in range(6)]
    again = publish(client, "l0", {"a": "b"})["LayerVersionArn"]
    for layers, message in [
        (arns, "Cannot reference more than 5 layers."),
        ([arns[0], again], "Two different versions of the same layer are not allowed to be referenced in the same "
                           f"function. {arns[0]} and {again} are versions of the same layer."),
        ([arns[0].replace(":l0:", ":none:")],
         f"Layer version {arns[0].replace(':l0:', ':none:')} does not exist."),
    ]:
        refusal = refused(client.create_function, **functions.settings(LOOK, Layers=layers))
        assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")
        assert refusal.message == message
    function = functions.create(LOOK)
    assert refused(client.update_function_configuration, FunctionName=function.name, Layers=arns).code == (
        "InvalidParameterValueException")


def test_layers_and_code_are_at_most_250_mb_together(aws, functions):
    client = aws("lambda")
    def zeros(megabytes):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            with archive.open("zeros", "w") as member:
                for _ in range(megabytes):
                    member.write(bytes(1024 * 1024))
        return buffer.getvalue()
    arns = [
        client.publish_layer_version(LayerName=name, Content={"ZipFile": zeros(size)})["LayerVersionArn"]
        for name, size in (("half", 130), ("rest", 120))]
    refusal = refused(client.create_function, **functions.settings(LOOK, Layers=arns))
    actual = 250 * 1024 * 1024 + len(LOOK)
    assert refusal.message == (
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
        f"The actual size is {actual} bytes.")
    function = functions.create(LOOK, Layers=arns[:1])
    refusal = refused(client.update_function_configuration, FunctionName=function.name, Layers=arns)
    assert refusal.code == "InvalidParameterValueException"


def test_three_layers_are_merged_in_order_and_found_by_python(aws, functions, tmp_path):
    client = aws("lambda")
    source = tmp_path / "native.c"
    source.write_text("int answer(void) { return 42; }\n")
    library = tmp_path / "libnative.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    native = publish(client, "native", {"lib/libnative.so": program(library.read_bytes()),
                                        "bin/tool": program("#!/bin/sh\necho tool\n")})
    below = publish(client, "below", {"python/shared.py": "WHO = 'below'\n", "both.txt": "below",
                                      "only/below.txt": "below"})
    above = publish(client, "above", {f"python/lib/{PYTHON}/site-packages/shared.py": "WHO = 'above'\n",
                                      "python/late.py": "WHO = 'late'\n", "both.txt": "above"})
    code = """
import ctypes, subprocess, late, shared
def handler(event, context):
    both = open("/opt/both.txt").read(), open("/opt/only/below.txt").read()
    native = ctypes.CDLL("libnative.so").answer()
    try:
        open("/opt/new", "w")
        writable = True
    except OSError:
        writable = False
    tool = subprocess.run(["tool"], capture_output=True, text=True).stdout
    return [shared.WHO, late.WHO, *both, native, tool, writable]
"""
    layers = [layer["LayerVersionArn"] for layer in (native, below, above)]
    function = functions.create(code, Layers=layers)
    # Both directories of modules are searched, the one of the interpreter's version first.
    assert function.answer() == ["above", "late", "above", "below", 42, "tool\n", False]
    configured = client.get_function_configuration(FunctionName=function.name)["Layers"]
    assert configured == [
        {"Arn": layer["LayerVersionArn"], "CodeSize": layer["Content"]["CodeSize"]} for layer in (native, below, above)]
    function.set(Layers=[layers[0], layers[2], layers[1]])
    assert function.answer()[2] == "below"
    function.set(Layers=[])
    assert "Layers" not in client.get_function_configuration(FunctionName=function.name)
    assert function.invoke().error == "Unhandled"


def test_node_finds_modules_of_layers_by_require_and_import(aws, functions):
    client = aws("lambda")
    module = "module.exports = { who: '%s' };\n"
    general = publish(client, "general", {
        "nodejs/node_modules/shared/index.js": module % "general",
        "nodejs/node_modules/general/index.js": module % "general"})
    major = NODE.removeprefix("nodejs").removesuffix(".x")
    special = publish(client, "special", {f"nodejs/node{major}/node_modules/shared/index.js": module % "special"})
    layers = [general["LayerVersionArn"], special["LayerVersionArn"]]
    code = "exports.handler = async () => [require('shared').who, require('general').who];\n"
    assert functions.create(code, NODE, Layers=layers).answer() == ["special", "general"]
    code = """
import shared from 'shared';
import general from 'general';
export const handler = async () => [shared.who, general.who];
"""
    assert functions.create({"index.mjs": code}, NODE, Layers=layers).answer() == ["special", "general"]


def test_a_custom_runtime_may_be_in_a_layer(aws, functions):
    client = aws("lambda")
    bootstrap = """#!/bin/sh
while :; do
  id=$(curl -sD - -o /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" |
    tr -d '\\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  curl -s -d '"from the layer"' "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" > /dev/null
done
"""
    layer = publish(client, "runtime", {"bootstrap": program(bootstrap)})
    function = functions.create({"unused": "x"}, "provided.al2023", Layers=[layer["LayerVersionArn"]])
    assert function.answer() == "from the layer"


def test_a_deleted_layer_version_goes_on_where_it_is_in_use(aws, functions):
    client = aws("lambda")
    layer = publish(client, "short", {"note.txt": "still here"})
    function = functions.create(LOOK, Layers=[layer["LayerVersionArn"]])
    client.delete_layer_version(LayerName="short", VersionNumber=1)
    # A change makes new environments, which need the layer again.
    function.set(Description="changed")
    assert function.answer({"files": ["/opt/note.txt"]}) == {"/opt/note.txt": "still here"}
    version = client.publish_version(FunctionName=function.name)
    assert version["Layers"][0]["Arn"] == layer["LayerVersionArn"]
    refusal = refused(client.update_function_configuration, FunctionName=function.name,
                      Layers=[layer["LayerVersionArn"]])
    assert refusal.message == f"Layer version {layer['LayerVersionArn']} does not exist."


def test_a_layers_policy_lets_others_use_it(platform, aws, functions):
    client, stranger = aws("lambda"), Clients(platform.endpoint, new_account())
    layer = publish(client, "shared", {"note.txt": "hello"})
    arn = layer["LayerVersionArn"]
    refusal = refused(client.get_layer_version_policy, LayerName="shared", VersionNumber=1)
    assert (refusal.code, refusal.message) == (
        "ResourceNotFoundException", "No policy is associated with the given resource.")
    for call in (stranger("lambda").get_layer_version_by_arn,):
        assert refused(call, Arn=arn).code == "AccessDeniedException"
    permission = {"LayerName": "shared", "VersionNumber": 1, "StatementId": "s",
                  "Action": "lambda:GetLayerVersion", "Principal": stranger.account}
    added = client.add_layer_version_permission(**permission)
    assert json.loads(added["Statement"]) == {
        "Sid": "s", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{stranger.account}:root"},
        "Action": "lambda:GetLayerVersion", "Resource": arn}
    refusal = refused(client.add_layer_version_permission, **permission)
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    refusal = refused(client.add_layer_version_permission, **{**permission, "StatementId": "t"}, RevisionId="stale")
    assert refusal.code == "PreconditionFailedException"
    document = client.get_layer_version_policy(LayerName="shared", VersionNumber=1)
    assert document["RevisionId"] == added["RevisionId"]
    assert json.loads(document["Policy"])["Statement"] == [json.loads(added["Statement"])]

    theirs = Functions(stranger).create(LOOK, Layers=[arn])
    assert theirs.answer({"files": ["/opt/note.txt"]}) == {"/opt/note.txt": "hello"}
    assert stranger("lambda").get_layer_version_by_arn(Arn=arn)["Version"] == 1

    client.remove_layer_version_permission(LayerName="shared", VersionNumber=1, StatementId="s")
    refusal = refused(client.remove_layer_version_permission, LayerName="shared", VersionNumber=1, StatementId="s")
    assert (refusal.code, refusal.message) == (
        "ResourceNotFoundException", "Statement s is not found in resource policy.")
    assert refused(stranger("lambda").get_layer_version_by_arn, Arn=arn).code == "AccessDeniedException"
    refusal = refused(client.add_layer_version_permission, **{**permission, "VersionNumber": 9})
    assert refusal.message == f"Layer version {arn[:-1]}9 does not exist."


def test_a_user_needs_the_right_to_a_layer(platform, aws, functions):
    layer = publish(aws("lambda"), "guarded", {"a": "b"})
    identities = Identities(aws)
    builder = identities.user((["lambda:CreateFunction", "iam:PassRole"], "*"))("lambda")
    identities.role(LAMBDA, name="function")
    settings = functions.settings(LOOK, Layers=[layer["LayerVersionArn"]])
    refusal = refused(builder.create_function, **settings)
    assert refusal.code == "AccessDeniedException" and "lambda:GetLayerVersion" in refusal.message
    builder.create_function(**{**settings, "Layers": []})


def test_code_and_layers_come_from_s3(aws, functions):
    client, s3 = aws("lambda"), aws("s3")
    s3.create_bucket(Bucket=f"code-{aws.account}")
    bucket = f"code-{aws.account}"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    answer = "def handler(event, context):\n    return %r\n"
    first = s3.put_object(Bucket=bucket, Key="f.zip", Body=package({"app.py": answer % "one"}))["VersionId"]
    s3.put_object(Bucket=bucket, Key="f.zip", Body=package({"app.py": answer % "two"}))
    settings = functions.settings({})
    settings["Code"] = {"S3Bucket": bucket, "S3Key": "f.zip"}
    client.create_function(**settings)
    name = settings["FunctionName"]
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=WAIT)
    function = Function(client, name)
    assert function.answer() == "two"
    client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="f.zip", S3ObjectVersion=first)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=WAIT)
    assert function.answer() == "one"
    s3.put_object(Bucket=bucket, Key="l.zip", Body=package({"note.txt": "from S3"}))
    layer = client.publish_layer_version(LayerName="l", Content={"S3Bucket": bucket, "S3Key": "l.zip"})
    assert layer["Content"]["CodeSize"] == s3.head_object(Bucket=bucket, Key="l.zip")["ContentLength"]

    s3.put_object(Bucket=bucket, Key="bad.zip", Body=b"no zip")
    for where, message in [
        ({"S3Bucket": bucket, "S3Key": "none"},
         "Error occurred while GetObject. S3 Error Code: NoSuchKey. "
         "S3 Error Message: The specified key does not exist."),
        ({"S3Bucket": bucket + "-none", "S3Key": "none"},
         "Error occurred while GetObject. S3 Error Code: NoSuchBucket. "
         "S3 Error Message: The specified bucket does not exist"),
        ({"S3Bucket": bucket, "S3Key": "bad.zip"},
         "Could not unzip uploaded file. Please check your file, then try to upload again."),
    ]:
        refusal = refused(client.update_function_code, FunctionName=name, **where)
        assert (refusal.status, refusal.code, refusal.message) == (400, "InvalidParameterValueException", message)
        refusal = refused(client.publish_layer_version, LayerName="l", Content=where)
        assert refusal.message == message
    assert function.answer() == "one"


@pytest.mark.parametrize("runtime", [PYTHON, NODE])
def test_versions_keep_the_layers_they_were_published_with(aws, functions, runtime):
    client = aws("lambda")
    code = LOOK if runtime == PYTHON else (
        "exports.handler = async () => ({'/opt/n': require('fs').readFileSync('/opt/n', 'utf8')});\n")
    arns = [publish(client, "l", {"n": text})["LayerVersionArn"] for text in ("one", "two")]
    function = functions.create(code, runtime, Layers=arns[:1])
    version = client.publish_version(FunctionName=function.name)["Version"]
    function.set(Layers=arns[1:])
    event = {"files": ["/opt/n"]}
    assert function.answer(event) == {"/opt/n": "two"}
    assert function.invoke(event, Qualifier=version).payload == {"/opt/n": "one"}
