"""Durable functions, with AWS's own SDK for them, unmodified."""

import importlib.util
import json
from pathlib import Path

import pytest

from support.clients import Clients, new_account, refused
from support.functions import Functions
from support.traca import Traca, eventually

SETTINGS = {"DurableConfig": {"ExecutionTimeout": 600, "RetentionPeriodInDays": 1}, "Timeout": 60, "MemorySize": 256}

STEPS = """
import boto3, os
from aws_durable_execution_sdk_python import DurableContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration

table = boto3.resource("dynamodb").Table("runs")

def note(name):
    table.update_item(Key={"pk": name}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})
    return name

@durable_step
def step(context, name):
    return note(name)

@durable_execution
def handler(event, context: DurableContext):
    first = context.step(step("first"))
    context.wait(Duration.from_seconds(event["wait"]))
    second = context.step(step("second"))
    return {"event": event, "steps": [first, second]}
"""

CALLBACK = """
from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration

@durable_execution
def handler(event, context: DurableContext):
    callback = context.create_callback(name="approval", config=CallbackConfig(timeout=Duration.from_seconds(event["timeout"])))
    return {"approved": callback.result()}
"""

RETRY = """
from aws_durable_execution_sdk_python import DurableContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import StepConfig, Duration
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy

@durable_step
def shaky(context):
    if context.attempt < 3:
        raise ValueError("not yet")
    return context.attempt

@durable_step
def hopeless(context):
    raise ValueError("never")

@durable_execution
def handler(event, context: DurableContext):
    delay = Duration.from_seconds(1)
    strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=3, initial_delay=delay, max_delay=delay))
    attempts = context.step(shaky(), config=StepConfig(retry_strategy=strategy))
    answer = context.invoke(event["function"], {"attempts": attempts}, name="call")
    if event.get("fail"):
        context.step(hopeless(), config=StepConfig(retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=1))))
    return answer
"""


def sdk():
    """The files of the SDK, for a package."""
    spec = importlib.util.find_spec("aws_durable_execution_sdk_python")
    root = Path(spec.origin).parent
    return {str(path.relative_to(root.parent)): path.read_text() for path in root.rglob("*.py")}


def table(aws):
    aws("dynamodb").create_table(
        TableName="runs",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def runs(aws):
    return {item["pk"]["S"]: int(item["n"]["N"]) for item in aws("dynamodb").scan(TableName="runs")["Items"]}


def create(functions, code):
    return functions.create({**sdk(), "app.py": code}, **SETTINGS)


def test_steps_outlive_a_kill_and_waits_cost_nothing(data):
    account = new_account()
    traca = Traca("--data", data)
    try:
        aws = Clients(traca.endpoint, account)
        table(aws)
        function = create(Functions(aws), STEPS)
        client = aws("lambda")
        started = client.invoke(
            FunctionName=function.name,
            Qualifier="$LATEST",
            InvocationType="Event",
            DurableExecutionName="order-7",
            Payload=json.dumps({"wait": 8}),
        )
        arn = started["DurableExecutionArn"]
        assert started["StatusCode"] == 202
        prefix = f"arn:aws:lambda:us-east-1:{account}:function:{function.name}:$LATEST/durable-execution/order-7/"
        assert arn.startswith(prefix)
        history = lambda: [event["EventType"] for event in client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]]
        # It waits: its invocation has ended.
        eventually(lambda: "InvocationCompleted" in history(), "the wait")
        assert history() == ["ExecutionStarted", "StepStarted", "StepSucceeded", "WaitStarted", "InvocationCompleted"]
        traca.kill()
        traca = Traca("--data", data)
        client = Clients(traca.endpoint, account)("lambda")
        got = lambda: client.get_durable_execution(DurableExecutionArn=arn)
        eventually(lambda: got()["Status"] != "RUNNING", "the end")
        execution = got()
        assert execution["Status"] == "SUCCEEDED", execution
        assert json.loads(execution["Result"]) == {"event": {"wait": 8}, "steps": ["first", "second"]}
        assert (execution["DurableExecutionName"], execution["Version"]) == ("order-7", "$LATEST")
        assert json.loads(execution["InputPayload"]) == {"wait": 8} and execution["EndTimestamp"] > execution["StartTimestamp"]
        assert runs(Clients(traca.endpoint, account)) == {"first": 1, "second": 1}
        assert history()[5:] == ["WaitSucceeded", "StepStarted", "StepSucceeded", "InvocationCompleted", "ExecutionSucceeded"]

        again = {"FunctionName": function.name, "Qualifier": "$LATEST", "DurableExecutionName": "order-7"}
        same = client.invoke(Payload=json.dumps({"wait": 8}), **again)
        assert (same["DurableExecutionArn"], json.loads(same["Payload"].read())["steps"]) == (arn, ["first", "second"])
        refusal = refused(client.invoke, Payload=b'{"wait": 9}', **again)
        assert refusal.code == "DurableExecutionAlreadyStartedException"
        listed = client.list_durable_executions_by_function(FunctionName=function.name, Statuses=["SUCCEEDED"])
        assert [each["DurableExecutionArn"] for each in listed["DurableExecutions"]] == [arn]
    finally:
        traca.kill()


@pytest.fixture
def durable(aws, functions):
    return lambda code: create(functions, code)


def begin(client, function, event):
    """Begins an execution. Its ARN."""
    answer = client.invoke(
        FunctionName=function.name, Qualifier="$LATEST", InvocationType="Event", Payload=json.dumps(event)
    )
    return answer["DurableExecutionArn"]


def ended(client, arn):
    """An execution, once it has ended."""
    get = lambda: client.get_durable_execution(DurableExecutionArn=arn)
    eventually(lambda: get()["Status"] != "RUNNING", "the end of an execution")
    return get()


def callback_id(client, arn):
    def found():
        events = client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
        return [e["CallbackStartedDetails"]["CallbackId"] for e in events if e["EventType"] == "CallbackStarted"]

    return eventually(found, "a callback")[0]


def test_callbacks_end_what_waits_for_them(aws, durable):
    client = aws("lambda")
    function = durable(CALLBACK)
    arn = begin(client, function, {"timeout": 300})
    callback = callback_id(client, arn)
    client.send_durable_execution_callback_heartbeat(CallbackId=callback)
    client.send_durable_execution_callback_success(CallbackId=callback, Result=b'"yes"')
    execution = ended(client, arn)
    assert (execution["Status"], json.loads(execution["Result"])["approved"]) == ("SUCCEEDED", '"yes"')
    late = refused(client.send_durable_execution_callback_success, CallbackId=callback, Result=b"1")
    assert late.code == "CallbackTimeoutException"

    arn = begin(client, function, {"timeout": 300})
    error = {"ErrorType": "Refused", "ErrorMessage": "no"}
    client.send_durable_execution_callback_failure(CallbackId=callback_id(client, arn), Error=error)
    assert ended(client, arn)["Status"] == "FAILED"

    timed_out = begin(client, function, {"timeout": 1})
    assert ended(client, timed_out)["Status"] == "FAILED"
    kinds = [e["EventType"] for e in client.get_durable_execution_history(DurableExecutionArn=timed_out)["Events"]]
    assert "CallbackTimedOut" in kinds

    stopped = begin(client, function, {"timeout": 300})
    callback_id(client, stopped)
    client.stop_durable_execution(DurableExecutionArn=stopped, Error={"ErrorType": "Enough"})
    execution = ended(client, stopped)
    assert (execution["Status"], execution["Error"]["ErrorType"]) == ("STOPPED", "Enough")


def test_an_execution_that_has_ended_is_deleted_and_no_other(aws, durable):
    client = aws("lambda")
    function = durable(CALLBACK)
    arn = begin(client, function, {"timeout": 300})
    callback = callback_id(client, arn)
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.delete_durable_execution(DurableExecutionArn=arn)
    client.stop_durable_execution(DurableExecutionArn=arn)
    assert client.delete_durable_execution(DurableExecutionArn=arn)["DeletionRequestTimestamp"]
    for gone in (client.get_durable_execution, client.get_durable_execution_history, client.delete_durable_execution):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            gone(DurableExecutionArn=arn)
    refused(client.send_durable_execution_callback_success, CallbackId=callback, Result=b"1")
    assert client.list_durable_executions_by_function(FunctionName=function.name)["DurableExecutions"] == []


def test_steps_are_repeated_and_other_functions_called(aws, functions, durable):
    client = aws("lambda")
    other = functions.create("def handler(event, context):\n    return {'got': event}\n")
    function = durable(RETRY)
    invoke = {"FunctionName": function.name, "Qualifier": "$LATEST"}
    answer = client.invoke(Payload=json.dumps({"function": other.name}), **invoke)
    assert "FunctionError" not in answer and json.loads(answer["Payload"].read()) == {"got": {"attempts": 3}}
    arn = answer["DurableExecutionArn"]
    events = client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    kinds = [event["EventType"] for event in events]
    assert kinds.count("StepFailed") == 2 and "ChainedInvokeSucceeded" in kinds
    failed = next(event for event in events if event["EventType"] == "StepFailed")["StepFailedDetails"]
    assert failed["RetryDetails"] == {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 1}

    answer = client.invoke(Payload=json.dumps({"function": other.name, "fail": True}), **invoke)
    assert answer["FunctionError"] == "Unhandled"
    assert "never" in json.loads(answer["Payload"].read())["errorMessage"]


def test_what_durable_functions_do_not_take_is_refused(aws, functions, durable):
    client = aws("lambda")
    function = durable(STEPS)
    config = client.get_function_configuration(FunctionName=function.name)
    assert config["DurableConfig"] == SETTINGS["DurableConfig"]
    refusal = refused(client.invoke, FunctionName=function.name, Payload=b"{}")
    assert (refusal.code, refusal.message) == (
        "InvalidParameterValueException",
        "You cannot invoke a durable function using an unqualified ARN.",
    )
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:{function.name}:1/durable-execution/a/b"
    assert refused(client.get_durable_execution, DurableExecutionArn=arn).code == "ResourceNotFoundException"
    plain = functions.create("def handler(event, context):\n    return 1\n")
    refusal = refused(client.invoke, FunctionName=plain.name, DurableExecutionName="a", Payload=b"{}")
    assert refusal.code == "InvalidParameterValueException"
