"""What many clients see at once while the platform is killed: no anomaly, nothing lost, and index, table and stream say
the same. `TRACA_HISTORY_ROUNDS` and `TRACA_HISTORY_SECONDS` make the run longer."""

import os
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from support.clients import Clients, client, new_account
from support.histories import NEVER, Operation, Transaction, anomalies, linearizable
from support.tables import Tables
from support.traca import Traca

ROUNDS = int(os.environ.get("TRACA_HISTORY_ROUNDS", "2"))
SECONDS = float(os.environ.get("TRACA_HISTORY_SECONDS", "2"))
CLIENTS = 6
LISTS = 5
# Few operations on each register, so that the search stays short.
REGISTERS = 12
OPERATIONS_PER_REGISTER = 60


def read(value, called, answered):
    return Operation("read", value, called, answered)


def write(value, called, answered=NEVER):
    return Operation("write", value, called, answered)


def swap(expected, new, called, answered=NEVER, done=True):
    return Operation("swap", (expected, new), called, answered, done)


@pytest.mark.parametrize(
    "history, expected",
    [
        ([], True),
        ([write(1, 0, 1), read(1, 2, 3)], True),
        ([write(1, 0, 1), read(None, 2, 3)], False),
        ([write(1, 0, 5), read(None, 1, 2), read(1, 3, 4)], True),
        ([write(1, 0, 5), read(1, 1, 2), read(None, 3, 4)], False),
        ([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)], False),
        ([write(1, 0), read(1, 5, 6)], True),
        ([write(1, 0), read(None, 5, 6)], True),
        ([write(1, 0), read(1, 5, 6), read(None, 7, 8)], False),
        ([write(1, 0, 1), swap(1, 2, 2, 3), read(2, 4, 5)], True),
        ([write(1, 0, 1), swap(5, 2, 2, 3)], False),
        ([write(1, 0, 1), swap(5, 2, 2, 3, done=False), read(1, 4, 5)], True),
        ([write(1, 0, 1), swap(1, 2, 2, 3, done=False)], False),
        ([write(1, 0, 1), swap(1, 2, 2, 5), swap(1, 3, 2, 5)], False),
        ([write(1, 0, 1), swap(1, 2, 2), read(2, 9, 10)], True),
    ],
)
def test_the_search_for_an_order(history, expected):
    assert linearizable(history) == expected


@pytest.mark.parametrize(
    "transactions, final, expected",
    [
        ([Transaction("a", 0, 1, {"x": 1}), Transaction("b", 2, 3, reads={"x": [1]})], {"x": [1]}, None),
        ([Transaction("a", 0, 1, {"x": 1})], {"x": []}, "lost"),
        ([Transaction("a", 0, NEVER, {"x": 1})], {"x": []}, None),
        ([Transaction("a", 0, NEVER, {"x": 1, "y": 1})], {"x": [1], "y": []}, "only a part"),
        ([Transaction("a", 0, 1, {"x": 1})], {"x": [1, 1]}, "twice"),
        ([Transaction("a", 0, 1, {"x": 1})], {"x": [1, 2]}, "nobody"),
        ([Transaction("a", 0, 1, {"x": 1}), Transaction("b", 0, 1, {"x": 2}, {"x": [2]})], {"x": [1, 2]}, "has read"),
        # Each sees the list before the other's append.
        (
            [Transaction("a", 0, 9, {"x": 1}, {"y": []}), Transaction("b", 0, 9, {"y": 1}, {"x": []})],
            {"x": [1], "y": [1]},
            "cycle",
        ),
        # A read that comes later sees less.
        ([Transaction("a", 0, 1, {"x": 1}), Transaction("b", 2, 3, reads={"x": []})], {"x": [1]}, "cycle"),
    ],
)
def test_the_search_for_anomalies(transactions, final, expected):
    found = anomalies(transactions, final)
    assert not found if expected is None else any(expected in text for text in found), found


class Workload:
    """Clients that write, read and swap registers, and append to lists and read them in transactions."""

    def __init__(self, account):
        self.account = account
        self.registers = {f"r{number}": [] for number in range(REGISTERS)}
        self.transactions = []
        self.lock = threading.Lock()
        self.numbers = iter(range(1, 10**9))

    def number(self):
        with self.lock:
            return next(self.numbers)

    def run(self, endpoint, stop, seed):
        chance = random.Random(seed)
        dynamodb = client("dynamodb", endpoint, self.account)
        while not stop.is_set():
            try:
                if chance.random() < 0.5:
                    self.register(dynamodb, chance)
                else:
                    self.transaction(dynamodb, chance)
            except (BotoConnectionError, HTTPClientError):
                return

    def register(self, dynamodb, chance):
        name = chance.choice(list(self.registers))
        with self.lock:
            if len(self.registers[name]) >= OPERATIONS_PER_REGISTER:
                return
        kind, new = chance.choice(["read", "write", "swap"]), self.number()
        key = {"pk": {"S": name}}
        operation = Operation(kind, new, time.monotonic())
        if kind == "swap":
            # What it expects is what the last answered write wrote: right often enough.
            known = [one for one in self.registers[name] if one.kind == "write" and one.answered < NEVER]
            expected = known[-1].value if known else None
            operation.value = (expected, new)
        if kind != "read":
            with self.lock:
                self.registers[name].append(operation)
        if kind == "read":
            item = dynamodb.get_item(TableName="registers", Key=key, ConsistentRead=True).get("Item")
            operation.value = int(item["v"]["N"]) if item else None
            operation.answered = time.monotonic()
            with self.lock:
                self.registers[name].append(operation)
        elif kind == "write":
            dynamodb.put_item(TableName="registers", Item={**key, "v": {"N": str(new)}, "g": {"S": f"g{new % 3}"}})
            operation.answered = time.monotonic()
        else:
            condition = {"ConditionExpression": "attribute_not_exists(pk)"}
            values = {":v": {"N": str(new)}, ":g": {"S": f"g{new % 3}"}}
            if expected is not None:
                condition = {"ConditionExpression": "v = :e"}
                values[":e"] = {"N": str(expected)}
            try:
                dynamodb.update_item(
                    TableName="registers",
                    Key=key,
                    UpdateExpression="SET v = :v, g = :g",
                    ExpressionAttributeValues=values,
                    **condition,
                )
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ConditionalCheckFailedException", error
                operation.done = False
            operation.answered = time.monotonic()

    def transaction(self, dynamodb, chance):
        names = chance.sample([f"l{number}" for number in range(LISTS)], chance.choice([1, 2, 3]))
        one = Transaction(f"t{self.number()}", time.monotonic())
        if chance.random() < 0.5:
            gets = [{"Get": {"TableName": "lists", "Key": {"pk": {"S": name}}}} for name in names]
            answer = dynamodb.transact_get_items(TransactItems=gets)["Responses"]
            for name, response in zip(names, answer):
                values = response.get("Item", {}).get("all", {"L": []})["L"]
                one.reads[name] = [int(value["N"]) for value in values]
            one.answered = time.monotonic()
            with self.lock:
                self.transactions.append(one)
            return
        one.appends = {name: self.number() for name in names}
        with self.lock:
            self.transactions.append(one)
        update = "SET #a = list_append(if_not_exists(#a, :none), :v), g = :g, #n = :n"
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": "lists",
                        "Key": {"pk": {"S": name}},
                        "UpdateExpression": update,
                        "ExpressionAttributeNames": {"#a": "all", "#n": "last"},
                        "ExpressionAttributeValues": {
                            ":none": {"L": []},
                            ":v": {"L": [{"N": str(value)}]},
                            ":g": {"S": f"g{value % 3}"},
                            ":n": {"N": str(value)},
                        },
                    }
                }
                for name, value in one.appends.items()
            ]
        )
        one.answered = time.monotonic()


def scan(dynamodb, table, **more):
    items = []
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, **more):
        items += page["Items"]
    return {item["pk"]["S"]: item for item in items}


def records(clients, table):
    """All records of a table's stream, in order."""
    streams = clients("dynamodbstreams")
    arn = clients("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    found = []
    for shard in described["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            found += answer["Records"]
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    return [record["dynamodb"] for record in found]


def assert_agreement(clients, table):
    """Table, index and stream say the same, and each record goes on from where the last of its item ended."""
    dynamodb = clients("dynamodb")
    items = scan(dynamodb, table)
    assert scan(dynamodb, table, IndexName="by-g") == items
    last = {}
    for record in records(clients, table):
        key = record["Keys"]["pk"]["S"]
        assert record.get("OldImage") == last.get(key), key
        last[key] = record["NewImage"]
    assert last == items


def test_no_anomaly_under_load_and_kills(data, tell):
    account = new_account()
    final = None
    for round_ in range(ROUNDS):
        workload = Workload(account)
        with Traca("--data", data) as traca:
            clients = Clients(traca.endpoint, account)
            tables, dynamodb = Tables(clients), clients("dynamodb")
            for name in ("registers", "lists"):
                if round_:
                    dynamodb.delete_table(TableName=name)
                tables.create(name, hash_key="pk", globals_={"by-g": ("g", None, "ALL")}, stream="NEW_AND_OLD_IMAGES")
            for half in range(2):
                stop = threading.Event()
                threads = [
                    threading.Thread(target=workload.run, args=(traca.endpoint, stop, f"{round_}/{half}/{number}"))
                    for number in range(CLIENTS)
                ]
                for thread in threads:
                    thread.start()
                time.sleep(SECONDS / 2)
                if half == 0:
                    traca.kill()
                    stop.set()
                    for thread in threads:
                        thread.join()
                    traca = Traca("--data", data)
                    clients = Clients(traca.endpoint, account)
                else:
                    stop.set()
                    for thread in threads:
                        thread.join()
            with traca:
                for name in ("registers", "lists"):
                    assert_agreement(clients, name)
                final = {
                    name: [int(value["N"]) for value in item["all"]["L"]]
                    for name, item in scan(clients("dynamodb"), "lists").items()
                }
                values = {name: int(item["v"]["N"]) for name, item in scan(clients("dynamodb"), "registers").items()}
        assert not anomalies(workload.transactions, final)
        now = time.monotonic()
        for name, operations in workload.registers.items():
            # What is there in the end is one more read.
            seen = operations + [Operation("read", values.get(name), now, now + 1)]
            assert linearizable(seen), (name, seen)
        answered = sum(one.answered < NEVER for one in workload.transactions)
        tell(f"histories, round {round_}: {answered} transactions, {sum(map(len, workload.registers.values()))} on registers")
