"""Tables and items, with the Python SDK."""

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from support.tables import Tables, refused


@pytest.fixture
def tables(aws):
    """Makes tables in the test's account."""
    return Tables(aws)


def test_a_table_lives_from_creation_to_deletion(tables):
    client = tables.client
    answer = tables.create("people", hash_key="id", range_key="at:N", stream="NEW_AND_OLD_IMAGES")
    assert answer["TableStatus"] == "CREATING"
    described = client.describe_table(TableName="people")["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert described["KeySchema"] == [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    assert described["LatestStreamArn"].startswith(described["TableArn"] + "/stream/")
    assert client.list_tables()["TableNames"] == ["people"]
    assert refused(lambda: tables.create("people", hash_key="id")) == (
        "ResourceInUseException",
        "Table already exists: people",
    )
    assert client.delete_table(TableName="people")["TableDescription"]["TableStatus"] == "DELETING"
    client.get_waiter("table_not_exists").wait(TableName="people", WaiterConfig={"Delay": 1})
    code, text = refused(lambda: client.describe_table(TableName="people"))
    assert (code, text) == ("ResourceNotFoundException", "Requested resource not found: Table: people not found")


def test_items_of_every_type_come_back_as_they_were(tables):
    table = tables.resource("types", hash_key="id")
    item = {
        "id": "1",
        "text": "größe",
        "empty": "",
        "number": tables.number("-12.340"),
        "binary": tables.binary(b"\x00\x01"),
        "yes": True,
        "nothing": None,
        "texts": {"b", "a"},
        "numbers": {tables.number("1"), tables.number("2.5")},
        "list": [tables.number("1"), {"k": ["deep"]}],
        "map": {"inner": {"x": tables.number("1e3")}},
    }
    table.put_item(Item=item)
    assert table.get_item(Key={"id": "1"}, ConsistentRead=True)["Item"] == item
    only = table.get_item(Key={"id": "1"}, ProjectionExpression="#l[1].k, #t", ExpressionAttributeNames={"#l": "list", "#t": "text"})
    assert only["Item"] == {"list": [{"k": ["deep"]}], "text": "größe"}
    assert "Item" not in table.get_item(Key={"id": "2"})


def test_conditions_protect_items(tables):
    table = tables.resource("guarded", hash_key="id")
    new = Attr("id").not_exists()
    table.put_item(Item={"id": "1", "v": 1}, ConditionExpression=new)
    with pytest.raises(ClientError) as error:
        table.put_item(Item={"id": "1", "v": 2}, ConditionExpression=new, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert error.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert error.value.response["Item"] == {"id": {"S": "1"}, "v": {"N": "1"}}
    old = table.delete_item(Key={"id": "1"}, ConditionExpression=Attr("v").eq(1), ReturnValues="ALL_OLD")
    assert old["Attributes"] == {"id": "1", "v": 1}


def test_updates_change_places_in_items(tables):
    table = tables.resource("changed", hash_key="id")
    answer = table.update_item(
        Key={"id": "1"},
        UpdateExpression="SET #c = if_not_exists(#c, :zero) + :one, #l = list_append(if_not_exists(#l, :none), :more) ADD tags :t",
        ExpressionAttributeNames={"#c": "count", "#l": "log"},
        ExpressionAttributeValues={":zero": 0, ":one": 1, ":none": [], ":more": ["x"], ":t": {"a"}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == {"id": "1", "count": 1, "log": ["x"], "tags": {"a"}}
    answer = table.update_item(
        Key={"id": "1"},
        UpdateExpression="REMOVE #l[0] DELETE tags :t SET #c = #c - :one",
        ExpressionAttributeNames={"#c": "count", "#l": "log"},
        ExpressionAttributeValues={":one": 5, ":t": {"a"}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"count": -4}
    assert table.get_item(Key={"id": "1"})["Item"] == {"id": "1", "count": -4, "log": []}


def test_queries_read_a_partition_in_order_and_page_by_page(tables):
    table = tables.resource("ordered", hash_key="id", range_key="n:N")
    numbers = [-100, -2.5, -1, 0, 0.001, 1, 2, 10, 33]
    with table.batch_writer() as batch:
        for number in numbers:
            batch.put_item(Item={"id": "a", "n": tables.number(str(number)), "odd": number % 2 == 1})
        batch.put_item(Item={"id": "b", "n": 5})
    read = lambda **more: [float(item["n"]) for item in table.query(**more)["Items"]]  # noqa: E731
    of_a = Key("id").eq("a")
    assert read(KeyConditionExpression=of_a) == numbers
    assert read(KeyConditionExpression=of_a, ScanIndexForward=False) == numbers[::-1]
    assert read(KeyConditionExpression=of_a & Key("n").between(-1, 2)) == [-1, 0, 0.001, 1, 2]
    assert read(KeyConditionExpression=of_a & Key("n").gt(2)) == [10, 33]
    assert read(KeyConditionExpression=of_a & Key("n").lt(-1)) == [-100, -2.5]
    assert read(KeyConditionExpression=of_a, FilterExpression=Attr("odd").eq(True)) == [-1, 1, 33]
    for forward in (True, False):
        pages, start = [], {}
        while True:
            page = table.query(KeyConditionExpression=of_a, Limit=4, ScanIndexForward=forward, **start)
            pages.append([float(item["n"]) for item in page["Items"]])
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert [number for page in pages for number in page] == (numbers if forward else numbers[::-1])
        assert [len(page) for page in pages] == [4, 4, 1]


def test_indexes_follow_their_table(tables):
    table = tables.resource(
        "indexed",
        hash_key="id",
        range_key="sort",
        locals_={"by-size": ("id", "size:N", "KEYS_ONLY")},
        globals_={"by-color": ("color", None, "ALL"), "by-shape": ("shape", "size:N", ["note"])},
    )
    table.put_item(Item={"id": "1", "sort": "a", "size": 3, "color": "red", "shape": "round", "note": "n", "x": "y"})
    table.put_item(Item={"id": "1", "sort": "b", "size": 1, "color": "blue"})
    by_size = Key("id").eq("1")
    found = table.query(IndexName="by-size", KeyConditionExpression=by_size)["Items"]
    assert found == [{"id": "1", "sort": "b", "size": 1}, {"id": "1", "sort": "a", "size": 3}]
    whole = table.query(IndexName="by-size", KeyConditionExpression=by_size, Select="ALL_ATTRIBUTES")["Items"]
    assert whole[1]["x"] == "y"
    red = table.query(IndexName="by-color", KeyConditionExpression=Key("color").eq("red"))
    assert [item["sort"] for item in red["Items"]] == ["a"]
    round_ = table.scan(IndexName="by-shape")["Items"]
    assert round_ == [{"id": "1", "sort": "a", "size": 3, "shape": "round", "note": "n"}]
    table.update_item(
        Key={"id": "1", "sort": "a"},
        UpdateExpression="SET color = :c REMOVE shape",
        ExpressionAttributeValues={":c": "blue"},
    )
    assert table.scan(IndexName="by-shape")["Count"] == 0
    assert table.query(IndexName="by-color", KeyConditionExpression=Key("color").eq("blue"))["Count"] == 2
    table.delete_item(Key={"id": "1", "sort": "b"})
    assert table.scan(IndexName="by-color")["Count"] == 1
    page = table.scan(IndexName="by-color", Limit=1)
    assert set(page["LastEvaluatedKey"]) == {"id", "sort", "color"}


def test_scans_in_segments_see_every_item_once(tables):
    table = tables.resource("scanned", hash_key="id")
    with table.batch_writer() as batch:
        for number in range(200):
            batch.put_item(Item={"id": f"item-{number}"})
    seen = []
    for segment in range(4):
        start = {}
        while True:
            page = table.scan(TotalSegments=4, Segment=segment, Limit=17, **start)
            seen += [item["id"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(seen) == sorted(f"item-{number}" for number in range(200))
    assert tables.client.describe_table(TableName="scanned")["Table"]["ItemCount"] == 200


def test_a_page_ends_at_a_megabyte(tables):
    table = tables.resource("large", hash_key="id", range_key="n:N")
    for number in range(5):
        table.put_item(Item={"id": "a", "n": number, "body": "x" * 390_000})
    page = table.query(KeyConditionExpression=Key("id").eq("a"), ReturnConsumedCapacity="TOTAL")
    assert (page["Count"], page["LastEvaluatedKey"]["n"]) == (3, 2)
    assert page["ConsumedCapacity"]["CapacityUnits"] > 100
    with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
        table.put_item(Item={"id": "a", "n": 9, "body": "x" * 410_000})


def test_batches_read_and_write_several_tables(tables):
    for name in ("one", "two"):
        tables.create(name, hash_key="id")
    client = tables.client
    write = {name: [{"PutRequest": {"Item": {"id": {"S": f"{n}"}}}} for n in range(3)] for name in ("one", "two")}
    assert client.batch_write_item(RequestItems=write)["UnprocessedItems"] == {}
    keys = {"Keys": [{"id": {"S": "1"}}, {"id": {"S": "9"}}]}
    read = client.batch_get_item(RequestItems={"one": keys, "two": keys}, ReturnConsumedCapacity="TOTAL")
    assert read["Responses"] == {"one": [{"id": {"S": "1"}}], "two": [{"id": {"S": "1"}}]}
    assert [entry["CapacityUnits"] for entry in read["ConsumedCapacity"]] == [1.0, 1.0]
    client.batch_write_item(RequestItems={"one": [{"DeleteRequest": {"Key": {"id": {"S": "1"}}}}]})
    assert client.scan(TableName="one")["Count"] == 2


def test_transactions_are_all_or_nothing(tables):
    client = tables.client
    tables.create("accounts", hash_key="id")
    put = lambda id_, sum_: {"Put": {"TableName": "accounts", "Item": {"id": {"S": id_}, "sum": {"N": sum_}}}}  # noqa: E731
    client.transact_write_items(TransactItems=[put("a", "10"), put("b", "0")])

    def move(amount, token=None):
        take = {
            "Update": {
                "TableName": "accounts",
                "Key": {"id": {"S": "a"}},
                "UpdateExpression": "SET #s = #s - :x",
                "ConditionExpression": "#s >= :x",
                "ExpressionAttributeNames": {"#s": "sum"},
                "ExpressionAttributeValues": {":x": {"N": amount}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }
        give = {
            "Update": {
                "TableName": "accounts",
                "Key": {"id": {"S": "b"}},
                "UpdateExpression": "ADD #s :x",
                "ExpressionAttributeNames": {"#s": "sum"},
                "ExpressionAttributeValues": {":x": {"N": amount}},
            }
        }
        more = {"ClientRequestToken": token} if token else {}
        return client.transact_write_items(TransactItems=[take, give], **more)

    def sums():
        wanted = [{"Get": {"TableName": "accounts", "Key": {"id": {"S": id_}}}} for id_ in "ab"]
        answer = client.transact_get_items(TransactItems=wanted)["Responses"]
        return [response["Item"]["sum"]["N"] for response in answer]

    move("4", "once")
    move("4", "once")
    assert sums() == ["6", "4"]
    with pytest.raises(ClientError) as error:
        move("7")
    response = error.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert response["Error"]["Message"].endswith("[ConditionalCheckFailed, None]")
    first, second = response["CancellationReasons"]
    assert first["Item"]["sum"] == {"N": "6"} and first["Message"] == "The conditional request failed"
    assert second == {"Code": "None"}
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        move("5", "once")
    assert sums() == ["6", "4"]


def test_older_parameters_still_work(tables):
    client = tables.client
    tables.create("older", hash_key="id", range_key="n:N")
    for number in range(5):
        client.put_item(
            TableName="older",
            Item={"id": {"S": "a"}, "n": {"N": str(number)}, "t": {"S": f"text-{number}"}},
            Expected={"id": {"Exists": False}},
        )
    equal = {"id": {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"}}
    more = {"n": {"AttributeValueList": [{"N": "2"}], "ComparisonOperator": "GE"}}
    found = client.query(TableName="older", KeyConditions=equal | more, AttributesToGet=["n"])
    assert found["Items"] == [{"n": {"N": "2"}}, {"n": {"N": "3"}}, {"n": {"N": "4"}}]
    either = {
        "t": {"AttributeValueList": [{"S": "-1"}], "ComparisonOperator": "CONTAINS"},
        "n": {"AttributeValueList": [{"N": "4"}], "ComparisonOperator": "EQ"},
    }
    assert client.scan(TableName="older", ScanFilter=either, ConditionalOperator="OR")["Count"] == 2
    client.update_item(
        TableName="older",
        Key={"id": {"S": "a"}, "n": {"N": "0"}},
        AttributeUpdates={"hits": {"Action": "ADD", "Value": {"N": "2"}}, "t": {"Action": "DELETE"}},
    )
    item = client.get_item(TableName="older", Key={"id": {"S": "a"}, "n": {"N": "0"}})["Item"]
    assert item == {"id": {"S": "a"}, "n": {"N": "0"}, "hits": {"N": "2"}}


def test_a_table_gets_and_loses_an_index_while_it_lives(tables):
    table = tables.resource("growing", hash_key="id")
    with table.batch_writer() as batch:
        for number in range(300):
            batch.put_item(Item={"id": f"{number}", "kind": f"kind-{number % 3}"})
    client = tables.client
    create = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    answer = client.update_table(
        TableName="growing",
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": create}],
    )["TableDescription"]
    assert answer["TableStatus"] == "UPDATING"
    tables.wait_for_index("growing", "by-kind")
    assert table.query(IndexName="by-kind", KeyConditionExpression=Key("kind").eq("kind-1"))["Count"] == 100
    index = client.describe_table(TableName="growing")["Table"]["GlobalSecondaryIndexes"][0]
    assert (index["ItemCount"], index["IndexStatus"]) == (300, "ACTIVE")
    client.update_table(TableName="growing", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}])
    code, text = refused(lambda: table.scan(IndexName="by-kind"))
    assert (code, text) == ("ValidationException", "The table does not have the specified index: by-kind")


def test_everything_is_there_after_a_restart(data):
    from support.clients import Clients, new_account
    from support.traca import Traca

    account = new_account()
    with Traca("--data", str(data)) as traca:
        tables = Tables(Clients(traca.endpoint, account))
        table = tables.resource("kept", hash_key="id")
        table.put_item(Item={"id": "1", "v": 7})
    with Traca("--data", str(data)) as traca:
        tables = Tables(Clients(traca.endpoint, account))
        assert tables.boto("kept").get_item(Key={"id": "1"})["Item"] == {"id": "1", "v": 7}
