"""Parameters whose effect is seen elsewhere than in their own answer."""

import json

import pytest

from support.clients import Clients, new_account, refused
from support.traca import Traca


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3, aws):
    name = f"effects-{aws.account}"
    s3.create_bucket(Bucket=name)
    return name


def allow(s3, bucket, principal, *actions):
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions),
                 "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_who_pays_is_told_to_who_pays(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    other = Clients(platform.endpoint, new_account())
    allow(s3, bucket, {"AWS": other.account}, "s3:GetObject", "s3:ListBucket")
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    for call, named in ((other("s3").get_object, {"Key": "k"}), (other("s3").head_object, {"Key": "k"}),
                        (other("s3").list_objects_v2, {}), (other("s3").list_objects, {})):
        assert call(Bucket=bucket, RequestPayer="requester", **named)["RequestCharged"] == "requester"
    assert "RequestCharged" not in s3.get_object(Bucket=bucket, Key="k", RequestPayer="requester")
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert "RequestCharged" not in other("s3").get_object(Bucket=bucket, Key="k", RequestPayer="requester")


def test_a_policy_may_name_an_account_by_its_canonical_id(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    one, other = Clients(platform.endpoint, new_account()), Clients(platform.endpoint, new_account())
    allow(s3, bucket, {"CanonicalUser": one("s3").list_buckets()["Owner"]["ID"]}, "s3:GetObject")
    assert one("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"
    assert refused(other("s3").get_object, Bucket=bucket, Key="k").code == "AccessDenied"


def test_only_a_confirmed_policy_takes_itself_from_the_root(s3, bucket):
    denied = {"Effect": "Deny", "Principal": "*", "Action": ["s3:PutBucketPolicy", "s3:GetBucketPolicy"],
              "Resource": f"arn:aws:s3:::{bucket}"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    s3.put_bucket_policy(Bucket=bucket, Policy=policy, ConfirmRemoveSelfBucketAccess=True)
    assert refused(s3.get_bucket_policy, Bucket=bucket).code == "AccessDenied"
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=policy).code == "AccessDenied"
    s3.delete_bucket_policy(Bucket=bucket)


def test_listings_tell_what_is_restored_where_that_is_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", StorageClass="GLACIER")
    s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1})
    asked = {"Bucket": bucket, "OptionalObjectAttributes": ["RestoreStatus"]}
    listed = [s3.list_objects_v2(**asked)["Contents"], s3.list_objects(**asked)["Contents"],
              s3.list_object_versions(**asked)["Versions"]]
    for [entry] in listed:
        assert isinstance(entry["RestoreStatus"]["IsRestoreInProgress"], bool)
    assert "RestoreStatus" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]


def test_logs_are_granted_to_whom_the_configuration_names(data):
    with Traca("--data", data) as platform:
        s3, other = (Clients(platform.endpoint, account)("s3") for account in ("111122223333", "444455556666"))
        grantee = {"Type": "CanonicalUser", "ID": other.list_buckets()["Owner"]["ID"]}
        s3.create_bucket(Bucket="granted-logs", ObjectOwnership="ObjectWriter")
        s3.create_bucket(Bucket="granted-source")
        allow(s3, "granted-logs", {"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", "s3:PutObjectAcl")
        s3.put_bucket_logging(Bucket="granted-source", BucketLoggingStatus={"LoggingEnabled": {
            "TargetBucket": "granted-logs", "TargetPrefix": "log/",
            "TargetGrants": [{"Grantee": grantee, "Permission": "READ"}]}})
        stored = s3.get_bucket_logging(Bucket="granted-source")["LoggingEnabled"]["TargetGrants"]
        assert stored == [{"Grantee": grantee, "Permission": "READ"}]
        s3.put_object(Bucket="granted-source", Key="k", Body=b"hello")
    with Traca("--data", data) as platform:
        s3, other = (Clients(platform.endpoint, account)("s3") for account in ("111122223333", "444455556666"))
        key = s3.list_objects_v2(Bucket="granted-logs")["Contents"][0]["Key"]
        assert b"REST.PUT.OBJECT" in other.get_object(Bucket="granted-logs", Key=key)["Body"].read()
