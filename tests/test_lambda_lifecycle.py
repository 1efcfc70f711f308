"""A function's life through boto3: creation, description, lists, updates, tags, deletion."""

import base64
import hashlib
import re
import urllib.request

import pytest

from support.clients import Clients, client, new_account, refused
from support.functions import NODE, PYTHON, WAIT
from support.packages import package

ECHO = "def handler(event, context):\n    return event\n"
OTHER = "def handler(event, context):\n    return 'other'\n"


def sha256(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def download(function):
    with urllib.request.urlopen(function["Code"]["Location"], timeout=60) as answer:
        return answer.read()


def test_creation_describes_the_function_as_on_aws(aws, functions):
    parameters = functions.settings(
        ECHO,
        name="described",
        Description="what it does",
        Timeout=7,
        MemorySize=256,
        Environment={"Variables": {"COLOUR": "blue"}},
        Tags={"team": "red"},
        EphemeralStorage={"Size": 1024},
        Architectures=["x86_64"],
    )
    made = aws("lambda").create_function(**parameters)
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:described"
    code = parameters["Code"]["ZipFile"]
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {
        "FunctionName": "described",
        "FunctionArn": arn,
        "Runtime": PYTHON,
        "Role": parameters["Role"],
        "Handler": "app.handler",
        "CodeSize": len(code),
        "CodeSha256": sha256(code),
        "Description": "what it does",
        "Timeout": 7,
        "MemorySize": 256,
        "Version": "$LATEST",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 1024},
        "Environment": {"Variables": {"COLOUR": "blue"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReasonCode": "Creating",
        "StateReason": "The function is being created.",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/described"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    }
    assert {name: made[name] for name in expected} == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["RevisionId"])

    aws("lambda").get_waiter("function_active_v2").wait(FunctionName="described", WaiterConfig=WAIT)
    aws("lambda").get_waiter("function_exists").wait(FunctionName="described", WaiterConfig=WAIT)
    got = aws("lambda").get_function(FunctionName=arn)
    assert got["Configuration"]["State"] == "Active"
    assert got["Configuration"]["LastUpdateStatus"] == "Successful"
    assert got["Tags"] == {"team": "red"}
    assert got["Code"]["RepositoryType"] == "S3"
    configuration = aws("lambda").get_function_configuration(FunctionName=f"{aws.account}:function:described")
    del configuration["ResponseMetadata"]
    assert configuration == got["Configuration"]


def test_defaults_are_those_of_aws(aws, functions):
    functions.create(ECHO, name="defaults")
    got = aws("lambda").get_function(FunctionName="defaults")
    configuration = got["Configuration"]
    assert (configuration["Timeout"], configuration["MemorySize"], configuration["Description"]) == (3, 128, "")
    assert configuration["EphemeralStorage"] == {"Size": 512}
    assert configuration["Architectures"] == ["x86_64"]
    assert "Environment" not in configuration
    assert "Tags" not in got


def test_the_code_location_downloads_the_very_package(aws, functions):
    code = package({"app.py": ECHO, "nested/data.bin": bytes(range(256)) * 4_000})
    functions.create({}, name="download", Code={"ZipFile": code})
    assert download(aws("lambda").get_function(FunctionName="download")) == code


def test_an_existing_function_is_not_created_again(aws, functions):
    functions.create(ECHO, name="twice")
    refusal = refused(aws("lambda").create_function, **functions.settings(OTHER, name="twice"))
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    assert refusal.message == "Function already exist: twice"
    assert refusal.response["Type"] == "User"
    assert aws("lambda").get_function_configuration(FunctionName="twice")["CodeSha256"] == sha256(
        package({"app.py": ECHO})
    )


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (
            {"Runtime": "cobol1.x"},
            "InvalidParameterValueException",
            r"Value cobol1.x at 'runtime' failed to satisfy constraint",
        ),
        (
            {"Role": "nobody"},
            "ValidationException",
            r"Value 'nobody' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern",
        ),
        ({"Timeout": 901}, "ValidationException", r"Value '901' at 'timeout' .*less than or equal to 900"),
        ({"Timeout": 0}, "ValidationException", r"Value '0' at 'timeout' .*greater than or equal to 1"),
        ({"MemorySize": 127}, "ValidationException", r"Value '127' at 'memorySize' .*greater than or equal to 128"),
        (
            {"EphemeralStorage": {"Size": 511}},
            "ValidationException",
            r"at 'ephemeralStorage.size' .*greater than or equal to 512",
        ),
        ({"FunctionName": "has space"}, "ValidationException", r"at 'functionName' .*regular expression pattern"),
        ({"FunctionName": "x" * 65}, "InvalidParameterValueException", r"at 'functionName' .*less than or equal to 64"),
        ({"Architectures": ["mips"]}, "ValidationException", r"at 'architectures' .*enum value set"),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "InvalidParameterValueException",
            r"reserved keys that are currently not supported for modification\. "
            r"Reserved keys used in this request: AWS_REGION",
        ),
        (
            {"Environment": {"Variables": {"LONG": "x" * 5_000}}},
            "InvalidParameterValueException",
            r"exceeded the 4KB limit",
        ),
        ({"Code": {}}, "InvalidParameterValueException", r"Please provide a source for function code\."),
        (
            {"Layers": ["arn:aws:lambda:us-east-1:ACCOUNT:layer:any:1"]},
            "InvalidParameterValueException",
            r"^Layer version .*:layer:any:1 does not exist\.$",
        ),
    ],
)
def test_invalid_settings_are_refused_in_the_words_of_aws(aws, functions, settings, code, message):
    if "Layers" in settings:
        settings = {"Layers": [layer.replace("ACCOUNT", aws.account) for layer in settings["Layers"]]}
    parameters = {**functions.settings(ECHO, name="invalid"), **settings}
    unchecked = client("lambda", aws.endpoint, aws.account, validate=False)
    refusal = refused(unchecked.create_function, **parameters)
    assert (refusal.status, refusal.code) == (400, code), refusal
    assert re.search(message, refusal.message), refusal
    assert aws("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize("missing", ["Runtime", "Handler"])
def test_zip_functions_need_a_runtime_and_a_handler(aws, functions, missing):
    parameters = functions.settings(ECHO)
    del parameters[missing]
    refusal = refused(aws("lambda").create_function, **parameters)
    assert refusal.code == "InvalidParameterValueException"
    assert (
        refusal.message
        == "Runtime and Handler are mandatory parameters for functions created with deployment packages."
    )


def test_what_does_not_exist_is_not_found(aws):
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:absent"
    functions = aws("lambda")
    calls = [
        (functions.get_function, {}),
        (functions.get_function_configuration, {}),
        (functions.delete_function, {}),
        (functions.invoke, {}),
        (functions.update_function_configuration, {"Timeout": 5}),
        (functions.update_function_code, {"ZipFile": package({"app.py": ECHO})}),
    ]
    for call, parameters in calls:
        refusal = refused(call, FunctionName="absent", **parameters)
        assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException"), call
        assert refusal.message == f"Function not found: {arn}", call
    assert refused(functions.list_tags, Resource=arn).code == "ResourceNotFoundException"
    refusal = refused(functions.invoke, FunctionName="absent", Qualifier="live")
    assert refusal.message == f"Function not found: {arn}:live"


def test_lists_come_in_pages_in_order(aws, functions):
    names = [f"page-{number:02}" for number in range(7)]
    for name in reversed(names):
        aws("lambda").create_function(**functions.settings(ECHO, name=name))
    pages = list(aws("lambda").get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [[function["FunctionName"] for function in page["Functions"]] for page in pages] == [
        names[:3],
        names[3:6],
        names[6:],
    ]
    refusal = refused(aws("lambda").list_functions, Marker="nonsense")
    assert refusal.code == "InvalidParameterValueException"
    refusal = refused(client("lambda", aws.endpoint, aws.account, validate=False).list_functions, MaxItems=0)
    assert refusal.code == "ValidationException"


def test_accounts_and_regions_have_their_own_functions(platform, aws, functions):
    functions.create(ECHO, name="mine")
    for clients in [Clients(platform.endpoint, new_account()), Clients(platform.endpoint, aws.account, "eu-west-1")]:
        assert clients("lambda").list_functions()["Functions"] == []
        assert refused(clients("lambda").get_function, FunctionName="mine").code == "ResourceNotFoundException"
    foreign = Clients(platform.endpoint, new_account())("lambda")
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:mine"
    assert refused(foreign.invoke, FunctionName=arn).code == "AccessDeniedException"


def test_code_is_updated_and_waiters_see_it(aws, functions):
    function = functions.create(ECHO)
    assert function.answer("before") == "before"
    code = package({"app.py": OTHER})
    updated = aws("lambda").update_function_code(FunctionName=function.name, ZipFile=code)
    assert updated["CodeSha256"] == sha256(code)
    assert updated["LastUpdateStatus"] == "InProgress"
    aws("lambda").get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=WAIT)
    assert function.answer("after") == "other"
    assert download(aws("lambda").get_function(FunctionName=function.name)) == code


def test_configuration_is_updated_and_what_is_left_out_stays(aws, functions):
    function = functions.create(
        "import os\ndef handler(event, context):\n"
        "    return [os.environ.get('FIRST'), os.environ.get('SECOND'), context.memory_limit_in_mb]\n",
        Environment={"Variables": {"FIRST": "1"}},
        Description="kept",
    )
    assert function.answer() == ["1", None, "128"]
    function.set(Environment={"Variables": {"SECOND": "2"}}, MemorySize=192)
    assert function.answer() == [None, "2", "192"]
    configuration = aws("lambda").get_function_configuration(FunctionName=function.name)
    assert configuration["Description"] == "kept"
    refusal = refused(aws("lambda").update_function_configuration, FunctionName=function.name, Timeout=901)
    assert refusal.code == "ValidationException"
    assert (
        aws("lambda").get_function_configuration(FunctionName=function.name)["RevisionId"]
        == configuration["RevisionId"]
    )


def test_a_stale_revision_is_refused(aws, functions):
    function = functions.create(ECHO)
    stale = aws("lambda").get_function_configuration(FunctionName=function.name)["RevisionId"]
    function.set(Description="new")
    calls = [
        (aws("lambda").update_function_configuration, {"Description": "lost"}),
        (aws("lambda").update_function_code, {"ZipFile": package({"app.py": OTHER})}),
    ]
    for call, parameters in calls:
        refusal = refused(call, FunctionName=function.name, RevisionId=stale, **parameters)
        assert (refusal.status, refusal.code) == (412, "PreconditionFailedException")
        assert refusal.message.startswith("The Revision Id provided does not match the latest Revision Id.")
    configuration = aws("lambda").get_function_configuration(FunctionName=function.name)
    assert configuration["Description"] == "new"
    updated = aws("lambda").update_function_configuration(
        FunctionName=function.name, RevisionId=configuration["RevisionId"], Description="newer"
    )
    assert updated["RevisionId"] != configuration["RevisionId"]


def test_a_dry_run_of_an_update_changes_nothing(aws, functions):
    function = functions.create(ECHO)
    before = aws("lambda").get_function_configuration(FunctionName=function.name)
    code = package({"app.py": OTHER})
    answer = aws("lambda").update_function_code(FunctionName=function.name, ZipFile=code, DryRun=True)
    assert answer["CodeSha256"] == sha256(code)
    after = aws("lambda").get_function_configuration(FunctionName=function.name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])
    assert function.answer("same") == "same"


def test_updates_can_publish_a_version_that_stays(aws, functions):
    function = functions.create(ECHO)
    published = aws("lambda").update_function_code(
        FunctionName=function.name, ZipFile=package({"app.py": ECHO}), Publish=True
    )
    assert published["Version"] == "1"
    assert published["FunctionArn"].endswith(f":{function.name}:1")
    aws("lambda").get_waiter("published_version_active").wait(
        FunctionName=function.name, Qualifier="1", WaiterConfig=WAIT
    )
    aws("lambda").update_function_code(FunctionName=function.name, ZipFile=package({"app.py": OTHER}))
    aws("lambda").get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=WAIT)
    old, new = function.invoke("event", Qualifier="1"), function.invoke("event", Qualifier="$LATEST")
    assert (old.payload, old.version) == ("event", "1")
    assert (new.payload, new.version) == ("other", "$LATEST")
    versions = aws("lambda").list_versions_by_function(FunctionName=function.name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_tags_are_added_replaced_removed_and_limited(aws, functions):
    functions.create(ECHO, name="tagged", Tags={"a": "1"})
    tagging, arn = aws("lambda"), f"arn:aws:lambda:us-east-1:{aws.account}:function:tagged"
    tagging.tag_resource(Resource=arn, Tags={"a": "2", "b": "3"})
    assert tagging.list_tags(Resource=arn)["Tags"] == {"a": "2", "b": "3"}
    tagging.untag_resource(Resource=arn, TagKeys=["a", "never-set"])
    assert tagging.get_function(FunctionName="tagged")["Tags"] == {"b": "3"}
    refusal = refused(tagging.tag_resource, Resource=arn, Tags={f"key-{number}": "" for number in range(50)})
    assert refusal.code == "InvalidParameterValueException"
    assert tagging.list_tags(Resource=arn)["Tags"] == {"b": "3"}


def test_account_settings_count_what_is_there(aws, functions):
    before = aws("lambda").get_account_settings()
    assert before["AccountLimit"]["ConcurrentExecutions"] == 1_000
    assert before["AccountLimit"]["CodeSizeUnzipped"] == 262_144_000
    assert before["AccountLimit"]["CodeSizeZipped"] == 52_428_800
    assert before["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 0}
    functions.create(ECHO)
    usage = aws("lambda").get_account_settings()["AccountUsage"]
    assert usage == {"TotalCodeSize": len(package({"app.py": ECHO})), "FunctionCount": 1}


def test_a_deleted_function_is_gone(aws, functions):
    function = functions.create(ECHO)
    assert function.answer("there") == "there"
    answer = aws("lambda").delete_function(FunctionName=function.name)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(aws("lambda").get_function, FunctionName=function.name).code == "ResourceNotFoundException"
    assert refused(aws("lambda").invoke, FunctionName=function.name).code == "ResourceNotFoundException"
    again = functions.create(OTHER, name=function.name)
    assert again.answer() == "other"


def test_all_managed_runtimes_can_be_created_and_run(functions):
    sources = {"python": ECHO, "nodejs": "exports.handler = async (event) => event;\n"}
    for runtime in [
        "python3.9",
        "python3.10",
        "python3.11",
        "python3.13",
        "python3.14",
        "nodejs18.x",
        "nodejs22.x",
        "nodejs24.x",
    ]:
        code = next(code for start, code in sources.items() if runtime.startswith(start))
        assert functions.create(code, runtime).answer({"on": runtime}) == {"on": runtime}


def test_versions_other_than_the_runtimes_own_are_said_in_the_log(platform, functions):
    function = functions.create("exports.handler = async () => process.version;\n", NODE)
    invocation = function.invoke()
    if not invocation.payload.startswith("v20."):
        assert "nodejs20.x runs on Node.js" in platform.log()
