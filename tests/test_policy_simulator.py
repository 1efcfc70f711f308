"""The policy simulator: what policies would say, asked by real clients, and that live calls say the same."""

import json

import pytest
from support.clients import refused
from support.identities import Identities, policy

OBJECT = "arn:aws:s3:::bucket/home/ana"


@pytest.fixture
def identities(aws):
    return Identities(aws)


def decisions(answer):
    return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}


def test_policies_of_a_request_are_simulated(aws):
    answer = aws("iam").simulate_custom_policy(
        PolicyInputList=[policy(("dynamodb:*", "*"))], ActionNames=["dynamodb:CreateBackup", "s3:GetObject"]
    )
    assert not answer["IsTruncated"]
    allowed, denied = answer["EvaluationResults"]
    assert allowed["EvalDecision"] == "allowed" and allowed["EvalResourceName"] == "*"
    [statement] = allowed["MatchedStatements"]
    assert (statement["SourcePolicyId"], statement["SourcePolicyType"]) == ("PolicyInputList.1", "IAM Policy")
    assert statement["StartPosition"] == {"Line": 1, "Column": 41}
    assert denied["EvalDecision"] == "implicitDeny" and denied["MatchedStatements"] == []
    assert "EvalDecisionDetails" not in allowed and "ResourceSpecificResults" not in allowed
    assert "PermissionsBoundaryDecisionDetail" not in allowed and "OrganizationsDecisionDetail" not in allowed


def test_a_users_policies_are_simulated_with_its_name_in_them(aws, identities):
    own = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/home/${aws:username}"}
    user = identities.user(own, name="ana")
    simulate = aws("iam").simulate_principal_policy
    names = {"PolicySourceArn": user.arn, "ActionNames": ["s3:GetObject", "s3:PutObject"], "ResourceArns": [OBJECT]}
    answer = simulate(**names)
    assert decisions(answer) == {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"}
    result = answer["EvaluationResults"][0]
    assert result["MatchedStatements"][0]["SourcePolicyId"] == "user_ana_own"
    assert result["EvalDecisionDetails"] == {}
    assert [one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]] == ["allowed"]
    assert answer["EvaluationResults"][1]["MissingContextValues"] == ["aws:username"]
    answer = simulate(**names, PolicyInputList=[policy({"Effect": "Deny", "Action": "*", "Resource": OBJECT})])
    assert set(decisions(answer).values()) == {"explicitDeny"}
    answer = simulate(**names, PermissionsBoundaryPolicyInputList=[policy(("s3:PutObject", "*"))])
    assert set(decisions(answer).values()) == {"implicitDeny"}
    assert answer["EvaluationResults"][0]["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    keys = aws("iam").get_context_keys_for_principal_policy(PolicySourceArn=user.arn)
    assert keys["ContextKeyNames"] == ["aws:username"]


def test_across_accounts_each_sort_of_policy_has_its_say(aws, identities):
    user = identities.user(("iam:*", "*"))
    door = policy({
        "Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"
    })
    answer = aws("iam").simulate_principal_policy(
        PolicySourceArn=user.arn, ActionNames=["s3:GetObject"], ResourceArns=[OBJECT], ResourcePolicy=door,
        ResourceOwner="arn:aws:iam::999999999999:root",
    )
    [result] = answer["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}


def test_context_keys_count_as_given(aws):
    document = json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:userid}"]},
                      "Null": {"dynamodb:LeadingKeys": "false"}},
    }})
    iam = aws("iam")
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[document])
    assert keys["ContextKeyNames"] == ["dynamodb:LeadingKeys", "aws:userid"]
    for leading, expected in [(["me"], "allowed"), (["me", "you"], "implicitDeny")]:
        answer = iam.simulate_custom_policy(
            PolicyInputList=[document], ActionNames=["dynamodb:GetItem"],
            ContextEntries=[
                {"ContextKeyName": "aws:userid", "ContextKeyType": "string", "ContextKeyValues": ["me"]},
                {"ContextKeyName": "dynamodb:LeadingKeys", "ContextKeyType": "stringList", "ContextKeyValues": leading},
            ],
        )
        assert decisions(answer) == {"dynamodb:GetItem": expected}


def test_pages_and_paginators(aws):
    actions = [f"s3:Action{number}" for number in range(7)]
    pages = aws("iam").get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[policy(("s3:*", "*"))], ActionNames=actions, PaginationConfig={"PageSize": 3}
    )
    sizes, seen = [], []
    for page in pages:
        sizes.append(len(page["EvaluationResults"]))
        seen += [result["EvalActionName"] for result in page["EvaluationResults"]]
    assert sizes == [3, 3, 1] and seen == actions


def test_what_is_wrong_is_named(aws):
    simulate = aws("iam").simulate_custom_policy
    refusal = refused(simulate, PolicyInputList=["{"], ActionNames=["s3:GetObject"])
    assert refusal.code == "InvalidInput"
    arguments = {"PolicyInputList": [policy(("*", "*"))], "ActionNames": ["s3:GetObject"]}
    refusal = refused(simulate, **arguments, ResourceArns=["bucket"])
    assert (refusal.code, refusal.message) == ("InvalidInput", "ResourceNames are not in a valid ARN format: bucket.")
    arn = f"arn:aws:iam::{aws.account}:user/nobody"
    refusal = refused(aws("iam").simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    assert refusal.code == "NoSuchEntity"


def test_the_simulator_and_live_calls_agree(aws, identities):
    user = identities.user(("iam:GetUser", "*"), {"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"})
    actions = {"iam:GetUser": user("iam").get_user, "iam:ListUsers": user("iam").list_users,
               "iam:ListRoles": user("iam").list_roles}
    answer = aws("iam").simulate_principal_policy(PolicySourceArn=user.arn, ActionNames=list(actions))
    for action, decision in decisions(answer).items():
        if decision == "allowed":
            actions[action]()
        else:
            phrase = "with an explicit deny" if decision == "explicitDeny" else "because no identity-based policy allows"
            assert phrase in refused(actions[action]).message
