"""What was acknowledged survives: an ordinary restart, and being killed under load."""

import random
import threading
import time

import pytest
from botocore.exceptions import HTTPClientError

from support.clients import Clients, new_account
from support.functions import WAIT, Function, Functions
from support.load import Client, Promises
from support.logs import wait_for
from support.packages import package
from support.traca import PATIENCE_SECONDS, Traca

CLIENTS = 64
ROUNDS = 20

# Changes that are acknowledged before the platform is killed, chosen anew in each round.
CHANGES = (CLIENTS, 8 * CLIENTS)

ECHO = "def handler(event, context):\n    return event\n"
SLEEP = "import time\ndef handler(event, context):\n    print('asleep', flush=True)\n    time.sleep(600)\n"


def test_everything_is_there_after_a_restart(data):
    account = new_account()
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        function = Functions(clients).create(
            ECHO, name="kept", Description="kept", Tags={"team": "red"}, Environment={"Variables": {"COLOUR": "blue"}}
        )
        clients("lambda").publish_version(FunctionName="kept")
        assert function.answer(1) == 1
        before = clients("lambda").get_function(FunctionName="kept")
        clients("logs").create_log_group(logGroupName="group", tags={"a": "b"})
        clients("logs").put_retention_policy(logGroupName="group", retentionInDays=7)
        clients("logs").create_log_stream(logGroupName="group", logStreamName="stream")
        clients("logs").put_log_events(
            logGroupName="group",
            logStreamName="stream",
            logEvents=[{"timestamp": int(time.time() * 1000), "message": "kept"}],
        )
        credentials = clients("sts").get_session_token()["Credentials"]
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        after = clients("lambda").get_function(FunctionName="kept")
        assert (after["Configuration"], after["Tags"]) == (before["Configuration"], before["Tags"])
        assert Function(clients("lambda"), "kept").answer("again") == "again"
        versions = clients("lambda").list_versions_by_function(FunctionName="kept")["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST", "1"]
        [group] = clients("logs").describe_log_groups(logGroupNamePrefix="group")["logGroups"]
        assert group["retentionInDays"] == 7
        assert clients("logs").list_tags_log_group(logGroupName="group")["tags"] == {"a": "b"}
        [event] = clients("logs").get_log_events(logGroupName="group", logStreamName="stream")["events"]
        assert event["message"] == "kept"
        assert clients("sts").get_access_key_info(AccessKeyId=credentials["AccessKeyId"])["Account"] == account


def test_nothing_acknowledged_is_lost_when_killed_under_load(data, tell):
    account, chance = new_account(), random.Random(1)
    kept, slowest = Promises(), 0.0
    for number in range(ROUNDS + 1):
        started = time.monotonic()
        with Traca("--data", data) as traca:
            clients = Clients(traca.endpoint, account)
            assert clients("sts").get_caller_identity()["Account"] == account
            slowest = max(slowest, time.monotonic() - started)
            assert_kept(clients, kept, f"round-{number - 1}" if number < ROUNDS else "")
            if number < ROUNDS:
                load(traca, account, f"round-{number}", chance.randint(*CHANGES), kept)
    tell(f"{kept.count} changes in {ROUNDS} rounds; slowest first answer {slowest * 1000:.0f} ms after the start")


def load(traca, account, prefix, changes, kept):
    """Lets the clients at it and kills the platform in the midst of it."""
    promises = Promises()
    clients = [Client(traca.address, account, f"{prefix}-{number}", promises) for number in range(CLIENTS)]
    try:
        promises.wait_for(changes, PATIENCE_SECONDS)
    finally:
        traca.kill()
        for client in clients:
            client.thread.join()
    traca.assert_nothing_is_left()
    assert [client.failures for client in clients if client.failures] == []
    kept.functions.update(promises.functions)
    kept.groups.update(promises.groups)
    kept.count += promises.count


def assert_kept(clients, kept, prefix):
    """All that was promised under this prefix is there, and one of its functions runs."""
    pages = clients("lambda").get_paginator("list_functions").paginate()
    names = {function["FunctionName"] for page in pages for function in page["Functions"]}
    functions = {name: tags for name, tags in kept.functions.items() if name.startswith(f"{prefix}-" if prefix else "")}
    assert functions.keys() <= names
    for name, tags in functions.items():
        found = clients("lambda").list_tags(Resource=f"arn:aws:lambda:us-east-1:{clients.account}:function:{name}")[
            "Tags"
        ]
        assert tags <= found.keys(), name
    parameters = {"logGroupNamePrefix": f"{prefix}-"} if prefix else {}
    pages = clients("logs").get_paginator("describe_log_groups").paginate(**parameters)
    groups = {group["logGroupName"] for page in pages for group in page["logGroups"]}
    assert {group for group in kept.groups if group.startswith(prefix)} <= groups
    for name in list(functions)[:1]:
        clients("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=WAIT)
        assert Function(clients("lambda"), name).answer("still") == "still"


def test_code_that_was_acknowledged_is_the_code_that_runs_after_a_kill(data):
    account = new_account()
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        Functions(clients).create(ECHO, name="changed")
        code = package({"app.py": "def handler(event, context):\n    return 'new'\n"})
        clients("lambda").update_function_code(FunctionName="changed", ZipFile=code)
        traca.kill()
    with Traca("--data", data) as traca:
        clients = Clients(traca.endpoint, account)
        clients("lambda").get_waiter("function_updated_v2").wait(FunctionName="changed", WaiterConfig=WAIT)
        assert Function(clients("lambda"), "changed").answer() == "new"


@pytest.mark.parametrize("mode", ["memory", "data"])
def test_a_killed_platform_leaves_no_process_and_the_next_one_tidies_up(data, mode):
    arguments = ["--memory"] if mode == "memory" else ["--data", data]
    with Traca(*arguments) as traca:
        clients = Clients(traca.endpoint, new_account())
        function = Functions(clients).create(SLEEP, name="asleep", Timeout=900)
        caller = threading.Thread(target=abandoned, args=(function,))
        caller.start()
        wait_for(clients, function, "asleep")
        traca.kill()
        caller.join()
        traca.assert_nothing_is_left()
        killed = traca
    with Traca(*arguments) as traca:
        assert Functions(Clients(traca.endpoint, new_account())).create(ECHO).answer("up") == "up"
        assert killed.cgroups() == []


def abandoned(function):
    """Invokes a function whose platform will be killed."""
    with pytest.raises(HTTPClientError):
        function.invoke()
