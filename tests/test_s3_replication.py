"""Replication between buckets: configurations, and what really arrives at the other end."""

import json

import pytest

from support.clients import refused as refusal
from support.traca import eventually


def refused(code, operation, **parameters):
    """Calls an operation that must be refused with this code."""
    told = refusal(operation, **parameters)
    assert told.code == code, told
    return told


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def buckets(aws, s3):
    """A source and a destination, both with versions."""
    names = f"source-{aws.account}", f"target-{aws.account}"
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return names


@pytest.fixture
def role(aws, buckets):
    """A role that S3 may assume, which may do nothing yet."""
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return aws("iam").create_role(RoleName="replicator", AssumeRolePolicyDocument=document)["Role"]["Arn"]


def allow(aws, *actions):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").put_role_policy(RoleName="replicator", PolicyName="p", PolicyDocument=document)


RIGHTS = ("s3:GetObjectVersionForReplication", "s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete")


def replicate(s3, buckets, role, **rule):
    rule = {
        "ID": "rule", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "in/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{buckets[1]}"}, **rule,
    }
    configuration = {"Role": role, "Rules": [rule]}
    s3.put_bucket_replication(Bucket=buckets[0], ReplicationConfiguration=configuration)
    assert s3.get_bucket_replication(Bucket=buckets[0])["ReplicationConfiguration"] == configuration


def status(s3, bucket, key):
    return s3.head_object(Bucket=bucket, Key=key).get("ReplicationStatus")


def settled(s3, bucket, key):
    return eventually(lambda: status(s3, bucket, key) not in ("PENDING", None) and status(s3, bucket, key), key)


@pytest.mark.parametrize("size", [0, 10, 20_000])
def test_versions_arrive_with_their_ids_and_all_that_is_said_of_them(aws, s3, buckets, role, size):
    allow(aws, *RIGHTS)
    replicate(s3, buckets, role)
    put = s3.put_object(
        Bucket=buckets[0], Key="in/k", Body=b"x" * size, Metadata={"colour": "blue"}, Tagging="a=b",
        ContentType="text/plain",
    )
    assert settled(s3, buckets[0], "in/k") == "COMPLETED"
    got = s3.get_object(Bucket=buckets[1], Key="in/k")
    assert got["Body"].read() == b"x" * size and got["ReplicationStatus"] == "REPLICA"
    assert (got["VersionId"], got["ETag"]) == (put["VersionId"], put["ETag"])
    assert (got["Metadata"], got["ContentType"]) == ({"colour": "blue"}, "text/plain")
    assert s3.get_object_tagging(Bucket=buckets[1], Key="in/k")["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_object(Bucket=buckets[0], Key="out/k", Body=b"x")
    assert status(s3, buckets[0], "out/k") is None
    s3.put_object_tagging(Bucket=buckets[0], Key="in/k", Tagging={"TagSet": [{"Key": "c", "Value": "d"}]})
    wanted = [{"Key": "c", "Value": "d"}]
    eventually(lambda: s3.get_object_tagging(Bucket=buckets[1], Key="in/k")["TagSet"] == wanted, "the other tags")


def test_objects_in_parts_arrive_in_parts(aws, s3, buckets, role):
    allow(aws, *RIGHTS)
    replicate(s3, buckets, role, Destination={"Bucket": f"arn:aws:s3:::{buckets[1]}", "StorageClass": "STANDARD_IA"})
    named = {"Bucket": buckets[0], "Key": "in/parts"}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    bodies = [b"1" * 5 * 1024 * 1024, b"2" * 10]
    tags = [s3.upload_part(**named, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    parts = {"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]}
    s3.complete_multipart_upload(**named, MultipartUpload=parts)
    assert settled(s3, buckets[0], "in/parts") == "COMPLETED"
    got = s3.get_object(Bucket=buckets[1], Key="in/parts", PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"], got["StorageClass"]) == (bodies[1], 2, "STANDARD_IA")


@pytest.mark.parametrize("markers", ["Enabled", "Disabled"])
def test_delete_markers_arrive_if_the_rule_says_so(aws, s3, buckets, role, markers):
    allow(aws, *RIGHTS)
    replicate(s3, buckets, role, DeleteMarkerReplication={"Status": markers}, Filter={})
    s3.put_object(Bucket=buckets[0], Key="k", Body=b"x")
    assert settled(s3, buckets[0], "k") == "COMPLETED"
    s3.delete_object(Bucket=buckets[0], Key="k")
    s3.put_object(Bucket=buckets[0], Key="later", Body=b"x")
    assert settled(s3, buckets[0], "later") == "COMPLETED"

    def count():
        return len(s3.list_object_versions(Bucket=buckets[1], Prefix="k").get("DeleteMarkers", []))

    if markers == "Enabled":
        eventually(lambda: count() == 1, "the marker")
    else:
        assert count() == 0


def test_a_role_without_rights_copies_nothing(aws, s3, buckets, role):
    allow(aws, "s3:GetObjectVersionForReplication")
    replicate(s3, buckets, role)
    s3.put_object(Bucket=buckets[0], Key="in/k", Body=b"x")
    assert settled(s3, buckets[0], "in/k") == "FAILED"
    refused("NoSuchKey", s3.get_object, Bucket=buckets[1], Key="in/k")


def test_wrong_configurations_are_refused(aws, s3, buckets, role):
    def put(bucket, **rule):
        rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": f"arn:aws:s3:::{buckets[1]}"}, **rule}
        return dict(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": [rule]})

    plain = f"plain-{aws.account}"
    s3.create_bucket(Bucket=plain)
    error = refused("InvalidRequest", s3.put_bucket_replication, **put(plain))
    assert error.message == "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    for target in (plain, "there-is-no-such-bucket"):
        wrong = put(buckets[0], Destination={"Bucket": f"arn:aws:s3:::{target}"})
        error = refused("InvalidRequest", s3.put_bucket_replication, **wrong)
        assert error.message == "Destination bucket must have versioning enabled."
    refused("ReplicationConfigurationNotFoundError", s3.get_bucket_replication, Bucket=buckets[0])
    s3.put_bucket_replication(**put(buckets[0]))
    s3.delete_bucket_replication(Bucket=buckets[0])
    error = refused("ReplicationConfigurationNotFoundError", s3.get_bucket_replication, Bucket=buckets[0])
    assert error.message == "The replication configuration was not found"


@pytest.mark.parametrize("name, rule", [
    ("ReplicationTime", {"Destination": {"ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}}}}),
    ("Metrics", {"Destination": {"Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}}}),
    ("ReplicaModifications", {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}}),
    ("ExistingObjectReplication", {"ExistingObjectReplication": {"Status": "Enabled"}}),
])
def test_what_has_no_effect_here_is_refused_by_name(s3, buckets, role, name, rule):
    to = {"Bucket": f"arn:aws:s3:::{buckets[1]}", **rule.get("Destination", {})}
    rule = {"Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"}, **rule, "Destination": to}
    error = refused("NotImplemented", s3.put_bucket_replication, Bucket=buckets[0],
                    ReplicationConfiguration={"Role": role, "Rules": [rule]})
    assert error.message == f"Traca does not support {name} of S3 yet."
    refused("ReplicationConfigurationNotFoundError", s3.get_bucket_replication, Bucket=buckets[0])
