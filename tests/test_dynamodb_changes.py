"""DynamoDB: streams, expiry, PartiQL, backups, and who may touch which items, through boto3."""

import json
import time

import pytest

from support import clients
from support.tables import Tables, refused
from support.traca import Traca, eventually


@pytest.fixture
def tables(aws):
    return Tables(aws)


def test_a_stream_tells_what_happened_in_order(tables):
    made = tables.create("followed", "pk", stream="NEW_AND_OLD_IMAGES")
    client = tables.client
    key = {"pk": {"S": "a"}}
    client.put_item(TableName="followed", Item=key | {"n": {"N": "1"}})
    client.put_item(TableName="followed", Item=key | {"n": {"N": "1"}})
    client.update_item(
        TableName="followed", Key=key, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}}
    )
    client.delete_item(TableName="followed", Key=key)
    records = tables.records(made["LatestStreamArn"])
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["dynamodb"].get("NewImage", {}).get("n") for record in records] == [{"N": "1"}, {"N": "2"}, None]
    assert [record["dynamodb"].get("OldImage", {}).get("n") for record in records] == [None, {"N": "1"}, {"N": "2"}]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))
    assert [each["StreamArn"] for each in tables.streams.list_streams(TableName="followed")["Streams"]] == [
        made["LatestStreamArn"]
    ]


def test_items_expire(tables):
    made = tables.create("passing", "pk", stream="KEYS_ONLY")
    client = tables.client
    client.update_time_to_live(
        TableName="passing", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    now = int(time.time())
    client.put_item(TableName="passing", Item={"pk": {"S": "short"}, "until": {"N": str(now + 1)}})
    client.put_item(TableName="passing", Item={"pk": {"S": "long"}, "until": {"N": str(now + 3600)}})
    eventually(lambda: client.scan(TableName="passing")["Count"] == 1, "an item to expire")
    assert client.scan(TableName="passing")["Items"][0]["pk"] == {"S": "long"}
    last = tables.records(made["LatestStreamArn"])[-1]
    assert last["eventName"] == "REMOVE"
    assert last["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


def test_statements_do_what_calls_do(tables):
    tables.create("stated", "pk", "sk:N")
    client = tables.client
    for number in range(3):
        client.execute_statement(
            Statement="INSERT INTO stated VALUE {'pk': 'a', 'sk': ?, 'v': 'first'}", Parameters=[{"N": str(number)}]
        )
    code, _ = refused(lambda: client.execute_statement(Statement="INSERT INTO stated VALUE {'pk': 'a', 'sk': 1}"))
    assert code == "DuplicateItemException"
    client.execute_statement(Statement="UPDATE stated SET v = 'second' WHERE pk = 'a' AND sk = 1")
    client.execute_statement(Statement="DELETE FROM stated WHERE pk = 'a' AND sk = 2")
    found = client.execute_statement(Statement="SELECT sk, v FROM stated WHERE pk = 'a' AND sk >= 0 ORDER BY sk DESC")
    assert found["Items"] == [{"sk": {"N": "1"}, "v": {"S": "second"}}, {"sk": {"N": "0"}, "v": {"S": "first"}}]
    answers = client.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT v FROM stated WHERE pk = 'a' AND sk = 0"},
            {"Statement": "SELECT v FROM absent WHERE pk = 'a' AND sk = 0"},
        ]
    )["Responses"]
    assert answers[0]["Item"] == {"v": {"S": "first"}}
    assert answers[1]["Error"]["Code"] == "ResourceNotFound"
    code, _ = refused(
        lambda: client.execute_transaction(
            TransactStatements=[
                {"Statement": "INSERT INTO stated VALUE {'pk': 'b', 'sk': 1}"},
                {"Statement": "INSERT INTO stated VALUE {'pk': 'a', 'sk': 1}"},
            ]
        )
    )
    assert code == "TransactionCanceledException"
    assert client.scan(TableName="stated")["Count"] == 2


def test_backups_and_recovery_bring_back_what_was(tables):
    tables.create("kept", "pk")
    client = tables.client
    client.update_continuous_backups(
        TableName="kept", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    client.put_item(TableName="kept", Item={"pk": {"S": "a"}, "v": {"S": "before"}})
    backup = client.create_backup(TableName="kept", BackupName="first")["BackupDetails"]["BackupArn"]
    eventually(
        lambda: client.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupStatus"]
        == "AVAILABLE",
        "the backup",
    )
    time.sleep(1.1)
    then = time.time()
    time.sleep(1.1)
    client.put_item(TableName="kept", Item={"pk": {"S": "a"}, "v": {"S": "after"}})
    client.put_item(TableName="kept", Item={"pk": {"S": "b"}})
    client.restore_table_from_backup(TargetTableName="from-backup", BackupArn=backup)
    client.restore_table_to_point_in_time(
        SourceTableName="kept", TargetTableName="from-then", RestoreDateTime=then
    )
    for name in ["from-backup", "from-then"]:
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        assert client.scan(TableName=name)["Items"] == [{"pk": {"S": "a"}, "v": {"S": "before"}}]
    client.delete_backup(BackupArn=backup)
    assert client.list_backups(TableName="kept")["BackupSummaries"] == []


def test_a_role_reaches_only_its_own_items(tables, aws):
    tables.create("shared", "pk", "sk:N")
    iam = aws("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName="alice-only", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["dynamodb:*Item", "dynamodb:Query", "dynamodb:PartiQL*"],
                "Resource": f"arn:aws:dynamodb:{aws.region}:{aws.account}:table/shared",
                "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["alice"]}},
            }
        ],
    }
    iam.put_role_policy(RoleName="alice-only", PolicyName="own", PolicyDocument=json.dumps(policy))
    issued = aws("sts").assume_role(RoleArn=role, RoleSessionName="alice")["Credentials"]
    alice = clients.client(
        "dynamodb",
        aws.endpoint,
        issued["AccessKeyId"],
        secret=issued["SecretAccessKey"],
        token=issued["SessionToken"],
    )

    def item(owner):
        return {"pk": {"S": owner}, "sk": {"N": "1"}}

    alice.put_item(TableName="shared", Item=item("alice"))
    code, _ = refused(lambda: alice.put_item(TableName="shared", Item=item("bob")))
    assert code == "AccessDeniedException"
    query = {"TableName": "shared", "KeyConditionExpression": "pk = :p"}
    assert alice.query(**query, ExpressionAttributeValues={":p": {"S": "alice"}})["Count"] == 1
    code, _ = refused(lambda: alice.query(**query, ExpressionAttributeValues={":p": {"S": "bob"}}))
    assert code == "AccessDeniedException"
    statement = "SELECT * FROM shared WHERE pk = '{}'"
    assert alice.execute_statement(Statement=statement.format("alice"))["Items"] == [item("alice")]
    code, _ = refused(lambda: alice.execute_statement(Statement=statement.format("bob")))
    assert code == "AccessDeniedException"
    code, _ = refused(lambda: alice.scan(TableName="shared"))
    assert code == "AccessDeniedException"


def test_a_table_under_a_key_is_encrypted_across_restarts(data):
    account, secret = clients.new_account(), "never-seen-on-disk"
    with Traca("--data", data) as traca:
        aws = clients.Clients(traca.endpoint, account)
        key = aws("kms").create_key()["KeyMetadata"]["Arn"]
        specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        Tables(aws).create("vault", "pk", stream="NEW_IMAGE", SSESpecification=specification)
        client = aws("dynamodb")
        client.put_item(TableName="vault", Item={"pk": {"S": "a"}, "v": {"S": secret}})
        described = client.describe_table(TableName="vault")["Table"]["SSEDescription"]
        assert described == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files and not any(secret.encode() in path.read_bytes() for path in files)
    with Traca("--data", data) as traca:
        aws = clients.Clients(traca.endpoint, account)
        found = aws("dynamodb").get_item(TableName="vault", Key={"pk": {"S": "a"}})
        assert found["Item"]["v"]["S"] == secret
        aws("kms").disable_key(KeyId=key)
        table = aws("dynamodb").describe_table(TableName="vault")["Table"]
        assert table["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"


def test_a_table_goes_to_s3_and_comes_back(tables, aws):
    client, s3 = tables.client, aws("s3")
    s3.create_bucket(Bucket=f"transfers-{aws.account}")
    tables.create("source", "pk", "sk:N")
    recovery = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="source", PointInTimeRecoverySpecification=recovery)
    items = [{"pk": {"S": "a"}, "sk": {"N": str(number)}, "v": {"B": b"\x00\xff"}} for number in range(30)]
    for item in items:
        client.put_item(TableName="source", Item=item)
    arn = client.describe_table(TableName="source")["Table"]["TableArn"]
    begun = client.export_table_to_point_in_time(TableArn=arn, S3Bucket=f"transfers-{aws.account}", S3Prefix="out")
    export = begun["ExportDescription"]["ExportArn"]

    def exported():
        described = client.describe_export(ExportArn=export)["ExportDescription"]
        return described if described["ExportStatus"] != "IN_PROGRESS" else None

    described = eventually(exported, "the export to end")
    assert (described["ExportStatus"], described["ItemCount"]) == ("COMPLETED", 30)
    folder = described["ExportManifest"].rsplit("/", 1)[0]
    begun = client.import_table(
        S3BucketSource={"S3Bucket": f"transfers-{aws.account}", "S3KeyPrefix": f"{folder}/data/"},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": "copy",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        },
    )
    import_ = begun["ImportTableDescription"]["ImportArn"]

    def imported():
        described = client.describe_import(ImportArn=import_)["ImportTableDescription"]
        return described if described["ImportStatus"] != "IN_PROGRESS" else None

    described = eventually(imported, "the import to end")
    assert (described["ImportStatus"], described["ImportedItemCount"]) == ("COMPLETED", 30), described
    assert client.scan(TableName="copy")["Items"] == items
