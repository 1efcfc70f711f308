"""Which services are modelled, and which part of EC2."""

import re

# The botocore name of every modelled service.
SERVICES = (
    "apigateway",
    "apigatewayv2",
    "application-autoscaling",
    "cloudformation",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "dynamodbstreams",
    "ec2",
    "events",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "pipes",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "xray",
)

# The IAM service prefixes those services (and their data planes) are authorised under.
IAM_PREFIXES = (
    "apigateway",
    "application-autoscaling",
    "cloudformation",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "ec2",
    "events",
    "execute-api",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "pipes",
    "s3",
    "s3-object-lambda",
    "s3express",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "xray",
)

# The nouns that make up a VPC. EC2 operations naming none of them keep their name and
# HTTP binding only, so that a client learns the operation exists but is not built.
_VPC_NOUN = re.compile(
    r"(Vpc|Subnet|RouteTable|Route$|InternetGateway|NatGateway|SecurityGroup|NetworkAcl"
    r"|DhcpOptions|NetworkInterface|Address|Tags$|AvailabilityZones|Regions|PrefixList"
    r"|FlowLogs|AccountAttributes)"
)

# Products that share a noun with the VPC without being part of it.
_OTHER_PRODUCT = re.compile(
    r"(TransitGateway|LocalGateway|ClientVpn|CoipPool|CoipCidr|Ipam|VerifiedAccess|Byoip"
    r"|ClassicLink|RouteServer|VpnConnectionRoute|CarrierGateway)"
)


def ec2_operation_is_vpc(name):
    """Tell whether the EC2 operation `name` belongs to the modelled part of EC2."""
    return bool(_VPC_NOUN.search(name)) and not _OTHER_PRODUCT.search(name)
