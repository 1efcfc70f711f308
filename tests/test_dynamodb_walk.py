"""What else boto3's client does with tables, and what the other tests leave out."""

import json

import pytest

from support.tables import Tables, refused
from support.traca import eventually


@pytest.fixture
def tables(aws):
    return Tables(aws)


def test_tables_carry_tags_policies_and_switches(tables):
    client = tables.client
    arn = tables.create("labelled", "pk")["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "red"}, {"Key": "tier", "Value": "one"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["tier"])
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "red"}]

    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "dynamodb:GetItem", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    revision = client.put_resource_policy(ResourceArn=arn, Policy=policy)["RevisionId"]
    found = client.get_resource_policy(ResourceArn=arn)
    assert (json.loads(found["Policy"]), found["RevisionId"]) == (json.loads(policy), revision)
    client.delete_resource_policy(ResourceArn=arn)
    assert refused(lambda: client.get_resource_policy(ResourceArn=arn))[0] == "PolicyNotFoundException"

    client.update_time_to_live(
        TableName="labelled", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    eventually(
        lambda: client.describe_time_to_live(TableName="labelled")["TimeToLiveDescription"]
        == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"},
        "time to live",
    )
    insights = client.describe_contributor_insights(TableName="labelled")
    assert insights["ContributorInsightsStatus"] == "DISABLED"

    client.update_table(TableName="labelled", DeletionProtectionEnabled=True)
    assert refused(lambda: client.delete_table(TableName="labelled"))[0] == "ValidationException"
    client.update_table(TableName="labelled", DeletionProtectionEnabled=False)
    client.delete_table(TableName="labelled")


def test_accounts_have_limits_and_an_endpoint(tables):
    limits = tables.client.describe_limits()
    assert (limits["AccountMaxReadCapacityUnits"], limits["TableMaxWriteCapacityUnits"]) == (80000, 40000)
    assert tables.client.describe_endpoints()["Endpoints"][0]["CachePeriodInMinutes"] == 1440


def test_writes_tell_the_size_of_a_collection(tables):
    tables.create("collected", "pk", "sk", locals_={"by-extent": ("pk", "extent:N", "ALL")})
    put = lambda key: tables.client.put_item(
        TableName="collected",
        Item={"pk": {"S": "a"}, "sk": {"S": key}, "extent": {"N": "1"}},
        ReturnItemCollectionMetrics="SIZE",
    )["ItemCollectionMetrics"]
    assert put("1")["ItemCollectionKey"] == {"pk": {"S": "a"}}
    low, high = put("2")["SizeEstimateRangeGB"]
    assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize(
    "view, images",
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_stream_has_the_images_of_its_view(tables, view, images):
    arn = tables.create("viewed", "pk", stream=view)["LatestStreamArn"]
    for value in ["before", "after"]:
        tables.client.put_item(TableName="viewed", Item={"pk": {"S": "a"}, "v": {"S": value}})
    shard = tables.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = tables.streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    inserted, modified = eventually(
        lambda: (found := tables.streams.get_records(ShardIterator=iterator)["Records"]) and len(found) == 2 and found,
        "both records",
    )
    assert (inserted["eventName"], modified["eventName"]) == ("INSERT", "MODIFY")
    change = modified["dynamodb"]
    assert {name for name in change if name.endswith("Image")} == images
    assert change["StreamViewType"] == view
    assert change["Keys"] == {"pk": {"S": "a"}}
    assert all(change[name]["v"]["S"] == {"NewImage": "after", "OldImage": "before"}[name] for name in images)
