"""Users and roles of a test's own account."""

import itertools
import json

from .clients import REGION, Clients, client

_numbers = itertools.count(1)


def policy(*statements):
    """A policy document. Each statement is a pair of actions and resources, or a whole one."""
    listed = [
        statement if isinstance(statement, dict)
        else {"Effect": "Allow", "Action": statement[0], "Resource": statement[1]}
        for statement in statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


def trust(principal, actions="sts:AssumeRole", **condition):
    """A trust policy."""
    statement = {"Effect": "Allow", "Action": actions, "Principal": principal}
    return policy({**statement, "Condition": condition} if condition else statement)


LAMBDA = trust({"Service": "lambda.amazonaws.com"})


class Signer(Clients):
    """The clients of somebody with credentials of their own."""

    def __init__(self, endpoint, account, credentials, region=REGION):
        super().__init__(endpoint, account, region)
        self.credentials = credentials

    def __call__(self, service):
        if service not in self._clients:
            self._clients[service] = client(
                service, self.endpoint, self.credentials["AccessKeyId"], self.region,
                token=self.credentials.get("SessionToken"), secret=self.credentials["SecretAccessKey"],
            )
        return self._clients[service]

    @property
    def arn(self):
        return self("sts").get_caller_identity()["Arn"]


class Identities:
    """Makes users and roles as the account's root."""

    def __init__(self, aws):
        self.aws, self.iam = aws, aws("iam")

    def user(self, *statements, name=None):
        """A user with an access key, who may do what the statements say."""
        name = name or f"user-{next(_numbers)}"
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Signer(self.aws.endpoint, self.aws.account, key, self.aws.region)

    def role(self, trusted, *statements, name=None, **settings):
        """A role's ARN."""
        name = name or f"role-{next(_numbers)}"
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, **settings)["Role"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return role["Arn"]

    def own_account(self, actions="sts:AssumeRole", **condition):
        """A trust policy that leaves it to the account's own policies."""
        return trust({"AWS": self.aws.account}, actions, **condition)

    def session(self, answer):
        """The clients of whoever holds the credentials in an answer of STS."""
        return Signer(self.aws.endpoint, self.aws.account, answer["Credentials"], self.aws.region)
