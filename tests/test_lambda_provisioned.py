"""Provisioned concurrency: environments that are initialised before they are needed, and kept."""

import pytest

from support.clients import Clients, new_account, refused
from support.functions import WAIT, Functions
from support.traca import Traca, eventually

# Tells the environment it runs in, how it was made, and which version it is of.
WHERE = """
import os, time, uuid
ENVIRONMENT = uuid.uuid4().hex
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    if event.get("die"):
        os._exit(1)
    return [ENVIRONMENT, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], context.function_version]
"""

BROKEN = "raise RuntimeError('not today')\n"


def refuses(code, text, operation, *arguments, **parameters):
    refusal = refused(operation, *arguments, **parameters)
    assert refusal.code == code and text in refusal.message, refusal


def provision(client, name, qualifier, count):
    return client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )


def state(client, name, qualifier):
    answer = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def ready(client, name, qualifier):
    return eventually(
        lambda: (found := state(client, name, qualifier))["Status"] != "IN_PROGRESS" and found,
        f"what is provisioned for {name}:{qualifier}",
    )


@pytest.fixture
def published(functions):
    function = functions.create(WHERE, Timeout=30)
    function.client.publish_version(FunctionName=function.name)
    return function


def test_environments_are_initialised_ahead_kept_and_let_go(aws, published):
    client, name = published.client, published.name
    asked = provision(client, name, "1", 2)
    assert asked["ResponseMetadata"]["HTTPStatusCode"] == 202
    del asked["ResponseMetadata"]
    changed = asked.pop("LastModified")
    assert asked == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    expected = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 2,
        "Status": "READY",
        "LastModified": changed,
    }
    assert ready(client, name, "1") == expected
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    arn = f"arn:aws:lambda:us-east-1:{aws.account}:function:{name}:1"
    assert listed == [{"FunctionArn": arn, **expected}]

    first = published.invoke({}, Qualifier="1")
    environment, how, version = first.payload
    assert (how, version) == ("provisioned-concurrency", "1")
    assert "Init Duration" not in first.report
    assert published.answer({})[1:] == ["on-demand", "$LATEST"]

    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    refuses("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this", state, client, name, "1")

    def let_go():
        again = published.invoke({}, Qualifier="1").payload
        return again[0] != environment and again[1] == "on-demand"

    eventually(let_go, "the end of what was provisioned")


def test_an_environment_that_ends_is_replaced(published):
    client, name = published.client, published.name
    provision(client, name, "1", 1)
    ready(client, name, "1")
    environment = published.invoke({}, Qualifier="1").payload[0]
    assert published.invoke({"die": True}, Qualifier="1").error == "Unhandled"

    def replaced():
        answer = published.invoke({}, Qualifier="1").payload
        return answer[1] == "provisioned-concurrency" and answer[0] != environment

    eventually(replaced, "another provisioned environment")


def test_a_failing_initialisation_says_so(functions):
    function = functions.create(BROKEN)
    client, name = function.client, function.name
    client.publish_version(FunctionName=name)
    provision(client, name, "1", 1)
    failed = ready(client, name, "1")
    assert (failed["Status"], failed["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert failed["AvailableProvisionedConcurrentExecutions"] == 0


def test_an_alias_brings_its_environments_along(published):
    client, name = published.client, published.name
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    provision(client, name, "1", 1)
    refuses("ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an ", provision, client, name, "live", 1)
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    provision(client, name, "live", 1)
    refuses("ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias", provision, client, name, "1", 1)
    ready(client, name, "live")
    assert published.invoke({}, Qualifier="live").payload[1:] == ["provisioned-concurrency", "1"]

    published.set(Description="second")
    client.publish_version(FunctionName=name)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    ready(client, name, "live")
    assert published.invoke({}, Qualifier="live").payload[1:] == ["provisioned-concurrency", "2"]

    client.delete_alias(FunctionName=name, Name="live")
    assert client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []


def test_numbers_stay_within_the_reservation_and_the_account(published):
    client, name = published.client, published.name
    invalid = "InvalidParameterValueException"
    refuses(invalid, "Specified ConcurrentExecutions for function is greater than account's unreserved concur", provision, client, name, "1", 1_001)
    refuses(invalid, "decreases account's UnreservedConcurrentExecution below its minimum value of [100].", provision, client, name, "1", 901)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    refuses(invalid, "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExec", provision, client, name, "1", 3)
    provision(client, name, "1", 2)
    refuses(invalid, " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned ", client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1)
    client.delete_function_concurrency(FunctionName=name)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998


def test_what_cannot_be_provisioned_is_refused_in_the_words_of_aws(published):
    client, name = published.client, published.name
    refuses("InvalidParameterValueException", "cannot be applied to unpublished function versions.", provision, client, name, "$LATEST", 1)
    refuses("ResourceNotFoundException", f"function:{name}:10", provision, client, name, "10", 1)
    refuses("ResourceNotFoundException", "Cannot find alias arn: ", provision, client, "nobody", "noalias", 1)
    refuses("InvalidParameterValueException", "must be an alias or a published version.", state, client, name, "$LATEST")
    refuses("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found", state, client, name, "1")
    refuses("ResourceNotFoundException", "Function not found: ", client.list_provisioned_concurrency_configs, FunctionName="nobody")
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")


def test_a_restart_initialises_them_again(data):
    with Traca("--data", data) as platform:
        functions = Functions(Clients(platform.endpoint, new_account()))
        function = functions.create(WHERE)
        function.client.publish_version(FunctionName=function.name)
        provision(function.client, function.name, "1", 1)
        ready(function.client, function.name, "1")
        account = functions.account
        platform.kill()
    with Traca("--data", data) as platform:
        function.client = Clients(platform.endpoint, account)("lambda")
        assert ready(function.client, function.name, "1")["Status"] == "READY"
        assert function.invoke({}, Qualifier="1").payload[1] == "provisioned-concurrency"
        function.client.get_waiter("function_active_v2").wait(FunctionName=function.name, WaiterConfig=WAIT)
