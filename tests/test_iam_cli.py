"""The life of every kind of IAM resource, with AWS's command line."""

import json

import pytest

from support.commands import aws_cli

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})


@pytest.fixture
def iam(aws):
    return lambda *arguments: aws_cli(aws, "iam", *arguments)


def test_users_groups_keys_and_passwords(iam):
    user = iam("create-user", "--user-name", "alice", "--path", "/staff/")["User"]
    assert user["Path"] == "/staff/"
    iam("tag-user", "--user-name", "alice", "--tags", "Key=team,Value=red")
    assert iam("list-user-tags", "--user-name", "alice")["Tags"] == [{"Key": "team", "Value": "red"}]
    iam("create-group", "--group-name", "readers")
    iam("add-user-to-group", "--user-name", "alice", "--group-name", "readers")
    assert [group["GroupName"] for group in iam("list-groups-for-user", "--user-name", "alice")["Groups"]] == ["readers"]
    iam("put-group-policy", "--group-name", "readers", "--policy-name", "read", "--policy-document", ALLOW)
    assert iam("list-group-policies", "--group-name", "readers")["PolicyNames"] == ["read"]
    key = iam("create-access-key", "--user-name", "alice")["AccessKey"]["AccessKeyId"]
    iam("update-access-key", "--user-name", "alice", "--access-key-id", key, "--status", "Inactive")
    assert iam("list-access-keys", "--user-name", "alice")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    iam("create-login-profile", "--user-name", "alice", "--password", "Correct-horse-battery-9")
    assert iam("get-login-profile", "--user-name", "alice")["LoginProfile"]["UserName"] == "alice"
    iam("delete-login-profile", "--user-name", "alice")
    iam("delete-access-key", "--user-name", "alice", "--access-key-id", key)
    iam("remove-user-from-group", "--user-name", "alice", "--group-name", "readers")
    iam("delete-group-policy", "--group-name", "readers", "--policy-name", "read")
    iam("delete-group", "--group-name", "readers")
    iam("delete-user", "--user-name", "alice")
    assert iam("list-users")["Users"] == [] and iam("list-groups")["Groups"] == []


def test_policies_and_their_versions(iam):
    arn = iam("create-policy", "--policy-name", "read", "--policy-document", ALLOW)["Policy"]["Arn"]
    iam("create-policy-version", "--policy-arn", arn, "--policy-document", ALLOW, "--set-as-default")
    assert iam("get-policy", "--policy-arn", arn)["Policy"]["DefaultVersionId"] == "v2"
    iam("create-role", "--role-name", "worker", "--assume-role-policy-document", TRUST, "--permissions-boundary", arn)
    iam("attach-role-policy", "--role-name", "worker", "--policy-arn", arn)
    entities = iam("list-entities-for-policy", "--policy-arn", arn, "--policy-usage-filter", "PermissionsPolicy")
    assert [role["RoleName"] for role in entities["PolicyRoles"]] == ["worker"]
    iam("detach-role-policy", "--role-name", "worker", "--policy-arn", arn)
    iam("delete-role-permissions-boundary", "--role-name", "worker")
    iam("delete-policy-version", "--policy-arn", arn, "--version-id", "v1")
    iam("delete-policy", "--policy-arn", arn)
    iam("delete-role", "--role-name", "worker")
    assert iam("list-policies", "--scope", "Local")["Policies"] == []


def test_instance_profiles_and_service_linked_roles(iam):
    iam("create-role", "--role-name", "worker", "--assume-role-policy-document", TRUST)
    iam("create-instance-profile", "--instance-profile-name", "profile")
    iam("add-role-to-instance-profile", "--instance-profile-name", "profile", "--role-name", "worker")
    profile = iam("get-instance-profile", "--instance-profile-name", "profile")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["worker"]
    iam("remove-role-from-instance-profile", "--instance-profile-name", "profile", "--role-name", "worker")
    iam("delete-instance-profile", "--instance-profile-name", "profile")
    linked = iam("create-service-linked-role", "--aws-service-name", "dynamodb.application-autoscaling.amazonaws.com")
    name = linked["Role"]["RoleName"]
    task = iam("delete-service-linked-role", "--role-name", name)["DeletionTaskId"]
    assert iam("get-service-linked-role-deletion-status", "--deletion-task-id", task)["Status"] == "SUCCEEDED"
    assert [role["RoleName"] for role in iam("list-roles")["Roles"]] == ["worker"]


def test_the_account_and_its_providers(iam, tmp_path):
    iam("create-account-alias", "--account-alias", "my-company-17")
    assert iam("list-account-aliases")["AccountAliases"] == ["my-company-17"]
    iam("delete-account-alias", "--account-alias", "my-company-17")
    iam("update-account-password-policy", "--minimum-password-length", "12")
    assert iam("get-account-password-policy")["PasswordPolicy"]["MinimumPasswordLength"] == 12
    iam("delete-account-password-policy")
    assert iam("get-account-summary")["SummaryMap"]["Users"] == 0
    arn = iam("create-open-id-connect-provider", "--url", "https://idp.example.com", "--client-id-list", "app",
              "--thumbprint-list", "a" * 40)["OpenIDConnectProviderArn"]
    assert iam("get-open-id-connect-provider", "--open-id-connect-provider-arn", arn)["ClientIDList"] == ["app"]
    iam("delete-open-id-connect-provider", "--open-id-connect-provider-arn", arn)
    device = iam("create-virtual-mfa-device", "--virtual-mfa-device-name", "phone", "--outfile", str(tmp_path / "seed"),
                 "--bootstrap-method", "Base32StringSeed")["VirtualMFADevice"]["SerialNumber"]
    assert [held["SerialNumber"] for held in iam("list-virtual-mfa-devices")["VirtualMFADevices"]] == [device]
    iam("delete-virtual-mfa-device", "--serial-number", device)
