"""DynamoDB tables of a test."""

import decimal

import boto3
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from .traca import eventually


def refused(call):
    """The code and text that a call is refused with."""
    try:
        answer = call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError(f"not refused: {answer}")


def _split(name):
    """`"n:N"` is an attribute with its type; without one it is a string."""
    name, _, kind = name.partition(":")
    return name, kind or "S"


class Tables:
    """Makes tables in an account, and gives both of boto3's views of them."""

    number = staticmethod(decimal.Decimal)
    binary = staticmethod(Binary)

    def __init__(self, aws):
        self.client = aws("dynamodb")
        self.streams = aws("dynamodbstreams")
        session = boto3.Session(
            aws_access_key_id=aws.account, aws_secret_access_key="secret", region_name=aws.region
        )
        self._resource = session.resource("dynamodb", endpoint_url=aws.endpoint)

    def boto(self, name):
        """boto3's resource of a table."""
        return self._resource.Table(name)

    def create(self, name, hash_key, range_key=None, locals_=None, globals_=None, stream=None, **more):
        """Makes a table on demand. Indexes are (hash, range, projection), a projection a name or a list of attributes."""
        kinds = {}

        def schema(hash_name, range_name):
            elements = [(hash_name, "HASH")] + ([(range_name, "RANGE")] if range_name else [])
            for element, _ in elements:
                attribute, kind = _split(element)
                kinds.setdefault(attribute, kind)
            return [{"AttributeName": _split(element)[0], "KeyType": kind} for element, kind in elements]

        def projection(wanted):
            if isinstance(wanted, str):
                return {"ProjectionType": wanted}
            return {"ProjectionType": "INCLUDE", "NonKeyAttributes": wanted}

        def indexes(given):
            return [
                {"IndexName": index, "KeySchema": schema(*keys[:2]), "Projection": projection(keys[2])}
                for index, keys in given.items()
            ]

        input_ = {"TableName": name, "KeySchema": schema(hash_key, range_key), "BillingMode": "PAY_PER_REQUEST"}
        if locals_:
            input_["LocalSecondaryIndexes"] = indexes(locals_)
        if globals_:
            input_["GlobalSecondaryIndexes"] = indexes(globals_)
        if stream:
            input_["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream}
        input_["AttributeDefinitions"] = [{"AttributeName": n, "AttributeType": k} for n, k in kinds.items()]
        return self.client.create_table(**input_, **more)["TableDescription"]

    def resource(self, name, hash_key, **more):
        """Makes a table, waits for it as clients do, and gives boto3's resource of it."""
        self.create(name, hash_key, **more)
        table = self.boto(name)
        table.wait_until_exists()
        return table

    def wait_for_index(self, table, index):
        """Waits until an index is filled."""

        def ready():
            found = self.client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
            return [each for each in found if each["IndexName"] == index and each["IndexStatus"] == "ACTIVE"]

        return eventually(ready, f"index {index}")

    def records(self, stream_arn):
        """All records of a stream, in order."""
        found = []
        for shard in self.streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]:
            iterator = self.streams.get_shard_iterator(
                StreamArn=stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                page = self.streams.get_records(ShardIterator=iterator)
                found += page["Records"]
                iterator = page.get("NextShardIterator") if page["Records"] else None
        return found
