"""IAM through boto3 and the AWS CLI: the life of each kind of resource, error texts, paging, and what survives a kill."""

import base64
import csv
import hashlib
import hmac
import io
import json
import os
import struct
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest

from support.clients import Clients, client, new_account, refused
from support.traca import Traca

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
def iam(aws):
    return aws("iam")


def make_role(iam, name="worker", **parameters):
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **parameters)["Role"]


def make_policy(iam, name="policy", **parameters):
    return iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(ALLOW), **parameters)["Policy"]["Arn"]


def said(refusal):
    return refusal.status, refusal.code, refusal.message


def test_the_life_of_a_user(iam, aws):
    user = iam.create_user(UserName="alice", Path="/staff/", Tags=[{"Key": "team", "Value": "red"}])["User"]
    assert user["Arn"] == f"arn:aws:iam::{aws.account}:user/staff/alice"
    assert user["UserId"].startswith("AIDA") and len(user["UserId"]) == 21
    assert set(user) == {"Path", "UserName", "UserId", "Arn", "CreateDate", "Tags"}
    assert said(refused(iam.create_user, UserName="ALICE")) == (
        409,
        "EntityAlreadyExists",
        "User with name ALICE already exists.",
    )
    assert iam.get_user(UserName="alice")["User"] == user
    assert [listed["UserName"] for listed in iam.list_users(PathPrefix="/staff")["Users"]] == ["alice"]
    assert "Tags" not in iam.list_users()["Users"][0]
    iam.tag_user(UserName="alice", Tags=[{"Key": "TEAM", "Value": "blue"}])
    assert iam.list_user_tags(UserName="alice")["Tags"] == [{"Key": "TEAM", "Value": "blue"}]
    iam.untag_user(UserName="alice", TagKeys=["team"])
    assert "Tags" not in iam.get_user(UserName="alice")["User"]
    iam.update_user(UserName="alice", NewUserName="bob", NewPath="/")
    assert iam.get_user(UserName="bob")["User"]["Arn"] == f"arn:aws:iam::{aws.account}:user/bob"
    iam.delete_user(UserName="bob")
    assert said(refused(iam.get_user, UserName="bob")) == (
        404,
        "NoSuchEntity",
        "The user with name bob cannot be found.",
    )


def test_the_life_of_a_group(iam):
    iam.create_user(UserName="alice")
    group = iam.create_group(GroupName="staff")["Group"]
    assert group["GroupId"].startswith("AGPA")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    assert [user["UserName"] for user in iam.get_group(GroupName="staff")["Users"]] == ["alice"]
    iam.update_group(GroupName="staff", NewGroupName="crew")
    assert [listed["GroupName"] for listed in iam.list_groups_for_user(UserName="alice")["Groups"]] == ["crew"]
    assert refused(iam.delete_group, GroupName="crew").code == "DeleteConflict"
    iam.remove_user_from_group(GroupName="crew", UserName="alice")
    iam.put_group_policy(GroupName="crew", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    assert iam.get_group_policy(GroupName="crew", PolicyName="inline")["PolicyDocument"] == ALLOW
    text = refused(iam.delete_group, GroupName="crew").message
    assert text == "Cannot delete entity, must delete policies first."
    iam.delete_group_policy(GroupName="crew", PolicyName="inline")
    iam.delete_group(GroupName="crew")
    assert iam.list_groups()["Groups"] == []


def test_the_life_of_a_role(iam, aws):
    role = make_role(iam, Path="/a/", Description="works", Tags=[{"Key": "k", "Value": "v"}])
    assert set(role) == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument", "Tags"}
    assert role["AssumeRolePolicyDocument"] == TRUST
    shown = iam.get_role(RoleName="worker")["Role"]
    assert (shown["MaxSessionDuration"], shown["Description"], shown["RoleLastUsed"]) == (3600, "works", {})
    iam.update_role(RoleName="worker", MaxSessionDuration=7200)
    iam.update_assume_role_policy(
        RoleName="worker",
        PolicyDocument=json.dumps(TRUST).replace("lambda.", "events."),
    )
    shown = iam.get_role(RoleName="worker")["Role"]
    assert (shown["MaxSessionDuration"], shown["Description"]) == (7200, "works")
    [statement] = shown["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    for document, text in [
        ("no json", "This policy contains invalid Json"),
        (
            json.dumps(TRUST).replace("sts:AssumeRole", "s3:GetObject"),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
    ]:
        refusal = refused(iam.update_assume_role_policy, RoleName="worker", PolicyDocument=document)
        assert said(refusal) == (400, "MalformedPolicyDocument", text)
    iam.attach_role_policy(RoleName="worker", PolicyArn=BASIC)
    [attached] = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
    assert attached == {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}
    refusal = refused(iam.delete_role, RoleName="worker")
    assert said(refusal) == (409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
    iam.detach_role_policy(RoleName="worker", PolicyArn=BASIC)
    refusal = refused(iam.detach_role_policy, RoleName="worker", PolicyArn=BASIC)
    assert said(refusal) == (404, "NoSuchEntity", f"Policy {BASIC} was not found.")
    iam.delete_role(RoleName="worker")
    refusal = refused(iam.get_role, RoleName="worker")
    assert said(refusal) == (404, "NoSuchEntity", "The role with name worker cannot be found.")


def test_the_life_of_a_policy(iam, aws):
    arn = make_policy(iam, Path="/team/", Description="reads", Tags=[{"Key": "a", "Value": "1"}])
    assert arn == f"arn:aws:iam::{aws.account}:policy/team/policy"
    text = refused(make_policy, iam).message
    assert text == "A policy called policy already exists. Duplicate names are not allowed."
    document = json.dumps(ALLOW, indent=4)
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v2", True)
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == ALLOW
    shown = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (shown["DefaultVersionId"], shown["Description"], shown["AttachmentCount"]) == ("v2", "reads", 0)
    make_role(iam)
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=arn)
    boundary = iam.get_role(RoleName="worker")["Role"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    [bound] = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")["PolicyRoles"]
    assert bound["RoleName"] == "worker"
    assert refused(iam.delete_policy, PolicyArn=arn).message == "Cannot delete a policy attached to entities."
    iam.delete_role_permissions_boundary(RoleName="worker")
    assert refused(iam.delete_policy, PolicyArn=arn).message.startswith("This policy has more than one version.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    assert said(refused(iam.get_policy, PolicyArn=arn)) == (404, "NoSuchEntity", f"Policy {arn} was not found.")


def test_what_is_no_policy_is_refused_and_changes_nothing(iam):
    for document, text in [
        ("", None),
        ("{}", None),
        (json.dumps(ALLOW).replace("s3:GetObject", "GetObject"), "Actions/Conditions must be prefaced by a vendor"),
        (json.dumps(ALLOW).replace('"*"', '"bucket"'), 'Resource bucket must be in ARN format or "*".'),
    ]:
        refusal = refused(
            client("iam", iam.meta.endpoint_url, iam._request_signer._credentials.access_key, validate=False).create_policy,
            PolicyName="broken",
            PolicyDocument=document,
        )
        if text:
            assert refusal.code == "MalformedPolicyDocument" and refusal.message.startswith(text)
        else:
            assert refusal.status == 400
    long = {**ALLOW, "Statement": [{**ALLOW["Statement"][0], "Sid": "x" * 6200}]}
    refusal = refused(iam.create_policy, PolicyName="long", PolicyDocument=json.dumps(long))
    assert said(refusal) == (409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_documents_are_percent_encoded_on_the_wire(iam):
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    bodies = []
    iam.meta.events.register("after-call.iam.GetUserPolicy", lambda http_response, **_: bodies.append(http_response.text))
    iam.get_user_policy(UserName="alice", PolicyName="inline")
    assert urllib.parse.quote(json.dumps(ALLOW), safe="-_.~") in bodies[0]


def test_names_and_paths_have_rules(iam):
    for operation, parameters, name in [
        (iam.create_user, {"UserName": "a b"}, "userName"),
        (iam.create_group, {"GroupName": "a/b"}, "groupName"),
        (iam.get_role, {"RoleName": "a:b"}, "roleName"),
    ]:
        refusal = refused(operation, **parameters)
        text = (
            f"The specified value for {name} is invalid. It must contain only alphanumeric characters and/or the "
            "following: +=,.@_-"
        )
        assert said(refusal) == (400, "ValidationError", text)
    refusal = refused(iam.create_user, UserName="a", Path="x")
    text = (
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric "
        "characters and/or / characters."
    )
    assert said(refusal) == (400, "ValidationError", text)
    refusal = refused(iam.create_user, UserName="a" * 65)
    assert refusal.message == (
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less "
        "than or equal to 64"
    )
    tags = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert refused(iam.create_user, UserName="a", Tags=tags).message == (
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than "
        "or equal to 50"
    )


def test_paginators_see_everything_once(iam):
    names = [f"user-{number:02}" for number in range(25)]
    for name in names:
        iam.create_user(UserName=name)
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 10}))
    assert [len(page["Users"]) for page in pages] == [10, 10, 5]
    assert [user["UserName"] for page in pages for user in page["Users"]] == names
    policies = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 100})
    arns = [policy["Arn"] for page in policies for policy in page["Policies"]]
    assert len(arns) == len(set(arns)) > 200 and BASIC in arns
    assert said(refused(iam.list_users, Marker="invalid")) == (400, "ValidationError", "Invalid Marker.")


def test_access_keys_sign_until_they_are_off_or_gone(iam, aws, platform):
    user = iam.create_user(UserName="alice")["User"]
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA") and len(key["SecretAccessKey"]) == 40
    sts = lambda secret: client("sts", platform.endpoint, key["AccessKeyId"], secret=secret)
    identity = sts(key["SecretAccessKey"]).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (user["Arn"], user["UserId"])
    assert refused(sts("wrong" * 8).get_caller_identity).code == "SignatureDoesNotMatch"
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert used["UserName"] == "alice"
    assert (used["AccessKeyLastUsed"]["ServiceName"], used["AccessKeyLastUsed"]["Region"]) == ("sts", "us-east-1")
    iam.create_access_key(UserName="alice")
    refusal = refused(iam.create_access_key, UserName="alice")
    assert said(refusal) == (409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(sts(key["SecretAccessKey"]).get_caller_identity).code == "InvalidClientTokenId"
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Active")
    sts(key["SecretAccessKey"]).get_caller_identity()
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    assert refused(sts(key["SecretAccessKey"]).get_caller_identity).code == "InvalidClientTokenId"
    assert len(iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]) == 1


def test_a_user_may_do_what_its_policies_say(iam, platform):
    iam.create_user(UserName="alice", Path="/team/")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = client("iam", platform.endpoint, key["AccessKeyId"], secret=key["SecretAccessKey"])
    refusal = refused(alice.get_user, UserName="alice")
    assert (refusal.status, refusal.code) == (403, "AccessDenied")
    arn = iam.get_user(UserName="alice")["User"]["Arn"]
    assert f"iam:GetUser on resource: {arn}" in refusal.message
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:Get*", "Resource": arn}]}
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=json.dumps(own))
    assert alice.get_user()["User"]["UserName"] == "alice"
    assert refused(alice.list_users).code == "AccessDenied"
    iam.create_user(UserName="bob")
    assert refused(alice.get_user, UserName="bob").code == "AccessDenied"
    iam.delete_user_policy(UserName="alice", PolicyName="own")
    assert refused(alice.get_user).code == "AccessDenied"


def test_login_profiles_and_the_password_policy(iam, aws):
    refusal = refused(iam.get_account_password_policy)
    assert said(refusal) == (
        404,
        "NoSuchEntity",
        f"The Password Policy with domain name {aws.account} cannot be found.",
    )
    iam.update_account_password_policy(MinimumPasswordLength=10, RequireSymbols=True)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["RequireSymbols"], policy["ExpirePasswords"]) == (10, True, False)
    iam.create_user(UserName="alice")
    refusal = refused(iam.create_login_profile, UserName="alice", Password="longenough1")
    assert said(refusal) == (400, "PasswordPolicyViolation", "Password should have at least one symbol")
    iam.create_login_profile(UserName="alice", Password="longenough!1", PasswordResetRequired=True)
    assert iam.get_login_profile(UserName="alice")["LoginProfile"]["PasswordResetRequired"] is True
    iam.update_login_profile(UserName="alice", PasswordResetRequired=False)
    assert refused(iam.delete_user, UserName="alice").message == "Cannot delete entity, must delete login profile first."
    iam.delete_login_profile(UserName="alice")
    refusal = refused(iam.get_login_profile, UserName="alice")
    assert refusal.message == "Login Profile for User alice cannot be found."
    iam.delete_account_password_policy()
    refusal = refused(iam.delete_account_password_policy)
    assert refusal.message == "The account policy with name PasswordPolicy cannot be found."


def code(seed, at):
    digest = hmac.new(base64.b32decode(seed), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def test_the_life_of_an_mfa_device(iam, aws):
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/x/")["VirtualMFADevice"]
    serial = device["SerialNumber"]
    assert serial == f"arn:aws:iam::{aws.account}:mfa/x/phone"
    assert device["QRCodePNG"].startswith(b"\x89PNG")
    refusal = refused(iam.create_virtual_mfa_device, VirtualMFADeviceName="phone", Path="/x/")
    assert said(refusal) == (409, "EntityAlreadyExists", "MFA device already exists.")
    iam.create_user(UserName="alice")
    now = time.time()
    codes = {"AuthenticationCode1": code(device["Base32StringSeed"], now - 30), "AuthenticationCode2": code(device["Base32StringSeed"], now)}
    refusal = refused(
        iam.enable_mfa_device,
        UserName="alice",
        SerialNumber=serial,
        AuthenticationCode1=codes["AuthenticationCode1"],
        AuthenticationCode2=codes["AuthenticationCode1"],
    )
    assert refusal.code == "InvalidAuthenticationCode"
    iam.enable_mfa_device(UserName="alice", SerialNumber=serial, **codes)
    assert [listed["SerialNumber"] for listed in iam.list_mfa_devices(UserName="alice")["MFADevices"]] == [serial]
    [assigned] = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert assigned["User"]["UserName"] == "alice"
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
    iam.deactivate_mfa_device(UserName="alice", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    refusal = refused(iam.delete_virtual_mfa_device, SerialNumber=serial)
    assert refusal.message == f"MFA Device with serial number {serial} does not exist."


def test_the_life_of_providers(iam, aws):
    arn = iam.create_open_id_connect_provider(
        Url="https://issuer.example.com/a", ClientIDList=["one"], ThumbprintList=["a" * 40]
    )["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{aws.account}:oidc-provider/issuer.example.com/a"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (shown["Url"], shown["ClientIDList"]) == ("issuer.example.com/a", ["one", "two"])
    assert (shown["ThumbprintList"], shown["Tags"]) == (["b" * 40], [{"Key": "k", "Value": "v"}])
    refusal = refused(iam.create_open_id_connect_provider, Url="https://issuer.example.com/a")
    assert refusal.message == "Provider with url https://issuer.example.com/a already exists."
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    refusal = refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    assert refusal.message == f"OpenIDConnect Provider not found for arn {arn}"

    metadata = (
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f"<!-- {'x' * 1000} --></md:IDPSSODescriptor></md:EntityDescriptor>"
    )
    assert refused(iam.create_saml_provider, Name="corp", SAMLMetadataDocument="x" * 1000).code == "InvalidInput"
    arn = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    shown = iam.get_saml_provider(SAMLProviderArn=arn)
    assert (shown["SAMLMetadataDocument"], shown["AssertionEncryptionMode"]) == (metadata, "Allowed")
    assert [listed["Arn"] for listed in iam.list_saml_providers()["SAMLProviderList"]] == [arn]
    iam.delete_saml_provider(SAMLProviderArn=arn)
    refusal = refused(iam.get_saml_provider, SAMLProviderArn=arn)
    assert refusal.message == f"Manifest not found for arn {arn}"


def test_instance_profiles(iam):
    make_role(iam)
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="worker")
    shown = iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"]
    assert [role["RoleName"] for role in shown["Roles"]] == ["worker"]
    refusal = refused(iam.delete_instance_profile, InstanceProfileName="profile")
    assert refusal.message == "Cannot delete entity, must remove roles from instance profile first."
    iam.remove_role_from_instance_profile(InstanceProfileName="profile", RoleName="worker")
    iam.delete_instance_profile(InstanceProfileName="profile")
    refusal = refused(iam.get_instance_profile, InstanceProfileName="profile")
    assert refusal.message == "Instance Profile profile cannot be found."


def test_service_linked_roles(iam):
    role = iam.create_service_linked_role(AWSServiceName="replicator.lambda.amazonaws.com")["Role"]
    assert role["Path"] == "/aws-service-role/replicator.lambda.amazonaws.com/"
    refusal = refused(iam.delete_role, RoleName=role["RoleName"])
    assert refusal.code == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_the_account_as_a_whole(iam, aws):
    iam.create_account_alias(AccountAlias=f"alias-{aws.account}")
    assert iam.list_account_aliases()["AccountAliases"] == [f"alias-{aws.account}"]
    iam.delete_account_alias(AccountAlias=f"alias-{aws.account}")
    iam.create_user(UserName="alice")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["UsersQuota"], len(summary)) == (1, 5000, 34)
    with pytest.raises(iam.exceptions.CredentialReportNotPresentException):
        iam.get_credential_report()
    assert iam.generate_credential_report()["State"] == "STARTED"
    report = iam.get_credential_report()
    lines = list(csv.DictReader(io.StringIO(report["Content"].decode())))
    assert [line["user"] for line in lines] == ["<root_account>", "alice"]
    assert (report["ReportFormat"], lines[1]["password_enabled"]) == ("text/csv", "false")
    details = iam.get_account_authorization_details(Filter=["User"])
    assert [user["UserName"] for user in details["UserDetailList"]] == ["alice"]


def test_the_cli_makes_and_shows_a_role(platform, tmp_path):
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(TRUST))

    def aws(*arguments):
        done = subprocess.run(
            [Path(sys.executable).with_name("aws"), "--endpoint-url", platform.endpoint, "iam", *arguments],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "AWS_ACCESS_KEY_ID": account,
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_PAGER": "",
            },
        )
        return done

    account = new_account()
    made = aws("create-role", "--role-name", "worker", "--assume-role-policy-document", f"file://{trust}")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["Role"]["AssumeRolePolicyDocument"] == TRUST
    assert aws("attach-role-policy", "--role-name", "worker", "--policy-arn", BASIC).returncode == 0
    listed = json.loads(aws("list-attached-role-policies", "--role-name", "worker").stdout)
    assert [policy["PolicyArn"] for policy in listed["AttachedPolicies"]] == [BASIC]
    refusal = aws("delete-role", "--role-name", "worker")
    assert refusal.returncode != 0
    assert "(DeleteConflict) when calling the DeleteRole operation: Cannot delete entity" in refusal.stderr


def test_what_was_acknowledged_survives_being_killed(data):
    account = new_account()
    with Traca("--data", data) as traca:
        iam = Clients(traca.endpoint, account)("iam")
        keys = {}
        for number in range(10):
            name = f"user-{number}"
            iam.create_user(UserName=name)
            keys[name] = iam.create_access_key(UserName=name)["AccessKey"]
        make_role(iam)
        iam.attach_role_policy(RoleName="worker", PolicyArn=BASIC)
        traca.kill()
    secrets = [key["SecretAccessKey"].encode() for key in keys.values()]
    files = [path.read_bytes() for path in data.rglob("*") if path.is_file()]
    assert not any(secret in content for secret in secrets for content in files), "a secret lies open"
    with Traca("--data", data) as traca:
        iam = Clients(traca.endpoint, account)("iam")
        assert [user["UserName"] for user in iam.list_users()["Users"]] == sorted(keys)
        [attached] = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
        assert attached["PolicyArn"] == BASIC
        for name, key in keys.items():
            sts = client("sts", traca.endpoint, key["AccessKeyId"], secret=key["SecretAccessKey"])
            assert sts.get_caller_identity()["Arn"].endswith(f":user/{name}")
