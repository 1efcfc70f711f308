"""Functions that are container images, from a registry, with no other program on the machine."""

import json

import pytest

from support.clients import Clients, new_account, refused
from support.functions import ROLE, WAIT, Function
from support.programs import native_program
from support.registry import Registry, layer
from support.traca import Traca, eventually

EXECUTABLE = 0o755


@pytest.fixture(scope="module")
def native():
    return native_program()


@pytest.fixture
def registry():
    registry = Registry()
    yield registry
    registry.close()


def parameters(account, uri, **settings):
    return {
        "FunctionName": "image",
        "Role": ROLE.format(account=account),
        "PackageType": "Image",
        "Code": {"ImageUri": uri},
        **settings,
    }


def create(aws, uri, **settings):
    """A function of an image, once it is active."""
    client = aws("lambda")
    created = client.create_function(**parameters(aws.account, uri, **settings))
    name = created["FunctionName"]
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=WAIT)
    return Function(client, name), created


def test_an_image_with_its_own_entry_point_runs(aws, registry, native):
    base = layer({"etc": None, "work": None, "srv/app": (native, EXECUTABLE), "etc/gone": "x", "bin": ("link", "srv")})
    # Written through a link of the layer below, and something taken away.
    upper = layer({"bin/other": "y", "etc/.wh.gone": ""})
    found = registry.push(
        "team/app", [base, upper], Entrypoint=["app"], Cmd=["ignored"], Env=["PATH=/none:/bin", "_HANDLER=x"],
        WorkingDir="/work", User="1000",
    )
    uri = f"{registry.host}/team/app:latest"
    function, created = create(aws, uri, Timeout=20, Environment={"Variables": {"CUSTOM": "1"}})
    assert function.answer({"a": 1}) == {"event": {"a": 1}, "served": 1, "handler": ""}
    assert function.answer(2)["served"] == 2
    client = aws("lambda")
    # As AWS describes it: no handler, no runtime, nothing of a configuration that was not given.
    created.pop("ResponseMetadata")
    assert created == {
        "FunctionName": "image",
        "FunctionArn": f"arn:aws:lambda:us-east-1:{aws.account}:function:image",
        "Role": ROLE.format(account=aws.account),
        "CodeSize": 0,
        "Description": "",
        "Timeout": 20,
        "MemorySize": 128,
        "LastModified": created["LastModified"],
        "CodeSha256": found.removeprefix("sha256:"),
        "Version": "$LATEST",
        "Environment": {"Variables": {"CUSTOM": "1"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": created["RevisionId"],
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Image",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/image"},
    }
    got = client.get_function(FunctionName="image")
    assert got["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": uri,
        "ResolvedImageUri": f"{registry.host}/team/app@{found}",
    }


def test_what_is_set_goes_before_what_the_image_says(aws, registry, native):
    registry.push("app", [layer({"a/app": (native, EXECUTABLE)})], Entrypoint=["/absent"], Cmd=["x"])
    config = {"EntryPoint": ["./app"], "Command": ["y"], "WorkingDirectory": "/a"}
    function, created = create(aws, f"{registry.host}/app:latest", Timeout=60, ImageConfig=config)
    assert created["ImageConfigResponse"] == {"ImageConfig": config}
    assert function.answer(1)["event"] == 1

    def error():
        answer = function.invoke(1)
        return answer.payload["errorType"], answer.payload["errorMessage"].partition("Error: ")[2]

    function.set(ImageConfig={"EntryPoint": ["/a/app"], "WorkingDirectory": "/absent"})
    assert error() == ("Runtime.InvalidWorkingDir", "chdir /absent: no such file or directory")
    function.set(ImageConfig={"EntryPoint": ["app"]})
    assert error() == ("Runtime.InvalidEntrypoint", 'exec: "app": executable file not found in $PATH')
    function.set(ImageConfig={})
    assert error() == ("Runtime.InvalidEntrypoint", "fork/exec /absent: no such file or directory")
    client = aws("lambda")
    for settings in ({"Handler": "a"}, {"Runtime": "python3.12"}):
        refusal = refused(client.update_function_configuration, FunctionName="image", **settings)
        assert refusal.message == (
            "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
        )


def test_an_image_on_a_provided_base_runs_its_bootstrap_and_is_published_and_updated(aws, registry, native):
    script = '#!/bin/sh\nexport _HANDLER="$1"\nexec /var/runtime/bootstrap\n'
    # What a base of AWS does, with the machine's own shell made part of it, is left to its entry point.
    base = layer({"var/runtime/bootstrap": (native, EXECUTABLE), "lambda-entrypoint.sh": (script, EXECUTABLE)})
    first = registry.push("base", [base], docker=True, Env=["LAMBDA_TASK_ROOT=/var/task"])
    arm = registry.push("base", [base, layer({"arm": "x"})], tag="arm", architecture="arm64")
    registry.index("base", "both", arm64=arm, amd64=first)
    function, _ = create(aws, f"{registry.host}/base:both", Publish=True)
    client = aws("lambda")
    assert function.answer(1)["served"] == 1
    assert function.invoke(1, Qualifier="1").payload["served"] == 1
    sha256 = client.get_function_configuration(FunctionName="image", Qualifier="1")["CodeSha256"]
    assert f"sha256:{sha256}" == first

    second = registry.push("base", [base, layer({"new": "x"})])
    updated = client.update_function_code(FunctionName="image", ImageUri=f"{registry.host}/base@{second}")
    assert (updated["LastUpdateStatus"], f"sha256:{updated['CodeSha256']}") == ("InProgress", second)
    client.get_waiter("function_updated_v2").wait(FunctionName="image", WaiterConfig=WAIT)
    assert function.answer(2)["served"] == 1
    # A layer that two images share comes once; their configurations are read each time.
    shared = registry.layer_of(first)
    assert sum(path.endswith(f"/elsewhere/{shared}") for path in registry.asked) == 1

    refusal = refused(client.update_function_code, FunctionName="image", ZipFile=b"x")
    assert refusal.message == "Please provide ImageUri when updating a function with packageType Image."


def test_images_that_cannot_be_taken_are_refused(aws, functions, registry, native):
    client = aws("lambda")
    registry.push("zstd", [layer({"a": "x"})], layer_type="application/vnd.oci.image.layer.v1.tar+zstd")
    registry.push("slip", [layer({"../../../slipped": "x"})])
    registry.push("damaged", [layer({"b": "x"})])
    damaged = [name for name, content in registry.blobs.items() if content[:2] == b"\x1f\x8b"][-1]

    def said(uri, **settings):
        refusal = refused(client.create_function, **parameters(aws.account, uri, **settings))
        return refusal.code, refusal.message

    absent = f"{registry.host}/absent:latest"
    invalid = "InvalidParameterValueException"
    assert said(absent) == (invalid, f"Source image {absent} does not exist. Provide a valid source image.")
    assert said("absent") == (invalid, "Source image absent is not valid. Provide a valid source image.")
    zstd = f"{registry.host}/zstd:latest"
    assert said(zstd)[1].startswith(
        f"The image manifest, config or layer media type for the source image {zstd} is not supported."
    )
    only_zip = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
    assert said(zstd, Handler="a", Runtime="python3.12") == (invalid, only_zip)
    assert refused(client.get_function, FunctionName="image").code == "ResourceNotFoundException"

    registry.blobs[damaged] = registry.blobs[damaged][:-1] + b"x"
    for name in ("damaged", "slip"):
        uri = f"{registry.host}/{name}:latest"
        client.create_function(**{**parameters(aws.account, uri), "FunctionName": name})
        state = lambda: client.get_function_configuration(FunctionName=name)
        eventually(lambda: state()["State"] == "Failed", "the failure")
        assert state()["StateReasonCode"] == "InvalidImage", state()
        assert refused(client.invoke, FunctionName=name).code == "ResourceConflictException"

    plain = functions.create("def handler(event, context):\n    return 1\n")
    refusal = refused(client.update_function_code, FunctionName=plain.name, ImageUri=zstd)
    assert refusal.message == "Please don't provide ImageUri when updating a function with packageType Zip."


def test_a_mapped_registry_that_wants_a_password_is_asked_with_it_and_images_outlive_a_kill(data, tmp_path, native):
    registry = Registry(password="s3cret")
    traca = None
    try:
        registry.push("app", [layer({"app": (native, EXECUTABLE)})], Entrypoint=["/app"])
        host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
        credentials = tmp_path / "config.json"
        credentials.write_text(json.dumps({"auths": {host: {"username": "user", "password": "s3cret"}}}))
        mapping = f"*.dkr.ecr.*.amazonaws.com=http://{registry.host}"
        arguments = ("--data", data, "--registry", mapping, "--registry-credentials", credentials)
        traca = Traca(*arguments)
        account = new_account()
        function, _ = create(Clients(traca.endpoint, account), f"{host}/app:latest")
        assert function.answer(1)["served"] == 1
        assert "s3cret" not in traca.log()
        traca.kill()
        # The registry is not needed any more.
        registry.close()
        traca = Traca(*arguments)
        client = Clients(traca.endpoint, account)("lambda")
        assert Function(client, "image").answer(2)["event"] == 2
        other = refused(client.create_function, **parameters(account, f"{host}/app:other", FunctionName="x"))
        assert other.message.startswith(f"Source image {host}/app:other is not valid.")
    finally:
        if traca:
            traca.kill()


def test_registries_that_the_operator_forbids_are_not_asked(data, registry):
    traca = Traca("--memory", "--egress-forbid", "127.0.0.0/8")
    try:
        account = new_account()
        client = Clients(traca.endpoint, account)("lambda")
        uri = f"{registry.host}/app:latest"
        refusal = refused(client.create_function, **parameters(account, uri))
        assert "may not be reached" in refusal.message and not registry.asked
    finally:
        traca.kill()
