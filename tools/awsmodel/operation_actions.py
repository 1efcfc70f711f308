"""Which IAM actions an API operation needs, where the names do not match."""

# Services whose IAM prefix differs from their botocore name.
_PREFIX = {
    "apigatewayv2": "apigateway",
    "dynamodbstreams": "dynamodb",
    "stepfunctions": "states",
}

# API Gateway authorises the HTTP method on the resource's path, save where the operation
# has an action of its own.
_BY_METHOD = {"apigateway", "apigatewayv2"}


def _by_content(*actions, always=()):
    return {"always": list(always), "byContent": list(actions)}


_PARTIQL = _by_content(
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLSelect",
    "dynamodb:PartiQLUpdate",
)

_DELETE_OBJECT = _by_content(
    "s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"
)

_NEW_OBJECT = _by_content(
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    always=["s3:PutObject"],
)

_OTHER_NAMES = {
    "apigateway": {
        "CreateDomainName": _by_content(
            "apigateway:AddCertificateToDomain",
            "apigateway:UpdateDomainNamePolicy",
            always=["apigateway:POST"],
        ),
        "CreateDomainNameAccessAssociation": [
            "apigateway:CreateAccessAssociation",
            "apigateway:POST",
        ],
        "CreateRestApi": _by_content("apigateway:UpdateRestApiPolicy", always=["apigateway:POST"]),
        "ImportRestApi": _by_content("apigateway:UpdateRestApiPolicy", always=["apigateway:POST"]),
        "PutRestApi": _by_content("apigateway:UpdateRestApiPolicy", always=["apigateway:PUT"]),
        "RejectDomainNameAccessAssociation": [
            "apigateway:POST",
            "apigateway:RejectAccessAssociation",
        ],
        "UpdateDomainName": _by_content(
            "apigateway:AddCertificateToDomain",
            "apigateway:RemoveCertificateFromDomain",
            "apigateway:UpdateDomainNameManagementPolicy",
            "apigateway:UpdateDomainNamePolicy",
            always=["apigateway:PATCH"],
        ),
        "UpdateRestApi": _by_content("apigateway:UpdateRestApiPolicy", always=["apigateway:PATCH"]),
    },
    "apigatewayv2": {
        "CreateDomainName": _by_content(
            "apigateway:AddCertificateToDomain", always=["apigateway:POST"]
        ),
        "UpdateDomainName": _by_content(
            "apigateway:AddCertificateToDomain",
            "apigateway:RemoveCertificateFromDomain",
            always=["apigateway:PATCH"],
        ),
    },
    "dynamodb": {
        "BatchExecuteStatement": _PARTIQL,
        "ExecuteStatement": _PARTIQL,
        "ExecuteTransaction": _PARTIQL,
        "TransactGetItems": ["dynamodb:GetItem"],
        "TransactWriteItems": _by_content(
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ),
    },
    "kms": {"ReEncrypt": ["kms:ReEncryptFrom", "kms:ReEncryptTo"]},
    "lambda": {
        "GetLayerVersionByArn": ["lambda:GetLayerVersion"],
        "Invoke": ["lambda:InvokeFunction"],
        "InvokeWithResponseStream": ["lambda:InvokeFunction"],
    },
    "s3": {
        "CompleteMultipartUpload": ["s3:PutObject"],
        "CopyObject": _by_content(
            "s3:GetObject",
            "s3:GetObjectTagging",
            "s3:GetObjectVersion",
            "s3:GetObjectVersionTagging",
            "s3:PutObjectAcl",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
            "s3:PutObjectTagging",
            always=["s3:PutObject"],
        ),
        "CreateBucket": _by_content(
            "s3:PutBucketAcl",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketVersioning",
            always=["s3:CreateBucket"],
        ),
        "CreateBucketMetadataConfiguration": ["s3:CreateBucketMetadataTableConfiguration"],
        "CreateMultipartUpload": _NEW_OBJECT,
        "CreateSession": ["s3express:CreateSession"],
        "DeleteBucketAnalyticsConfiguration": ["s3:PutAnalyticsConfiguration"],
        "DeleteBucketCors": ["s3:PutBucketCORS"],
        "DeleteBucketEncryption": ["s3:PutEncryptionConfiguration"],
        "DeleteBucketIntelligentTieringConfiguration": ["s3:PutIntelligentTieringConfiguration"],
        "DeleteBucketInventoryConfiguration": ["s3:PutInventoryConfiguration"],
        "DeleteBucketLifecycle": ["s3:PutLifecycleConfiguration"],
        "DeleteBucketMetadataConfiguration": ["s3:DeleteBucketMetadataTableConfiguration"],
        "DeleteBucketMetricsConfiguration": ["s3:PutMetricsConfiguration"],
        "DeleteBucketOwnershipControls": ["s3:PutBucketOwnershipControls"],
        "DeleteBucketReplication": ["s3:PutReplicationConfiguration"],
        "DeleteBucketTagging": ["s3:PutBucketTagging"],
        "DeleteObject": _DELETE_OBJECT,
        "DeleteObjectTagging": _by_content(
            "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"
        ),
        "DeleteObjects": _DELETE_OBJECT,
        "DeletePublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
        "GetBucketAccelerateConfiguration": ["s3:GetAccelerateConfiguration"],
        "GetBucketAnalyticsConfiguration": ["s3:GetAnalyticsConfiguration"],
        "GetBucketCors": ["s3:GetBucketCORS"],
        "GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
        "GetBucketIntelligentTieringConfiguration": ["s3:GetIntelligentTieringConfiguration"],
        "GetBucketInventoryConfiguration": ["s3:GetInventoryConfiguration"],
        "GetBucketLifecycle": ["s3:GetLifecycleConfiguration"],
        "GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
        "GetBucketMetadataConfiguration": ["s3:GetBucketMetadataTableConfiguration"],
        "GetBucketMetricsConfiguration": ["s3:GetMetricsConfiguration"],
        "GetBucketNotificationConfiguration": ["s3:GetBucketNotification"],
        "GetBucketReplication": ["s3:GetReplicationConfiguration"],
        "GetObject": _by_content("s3:GetObject", "s3:GetObjectVersion"),
        "GetObjectAcl": _by_content("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
        "GetObjectAttributes": _by_content(
            "s3:GetObject",
            "s3:GetObjectAttributes",
            "s3:GetObjectVersion",
            "s3:GetObjectVersionAttributes",
        ),
        "GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
        "GetObjectTagging": _by_content("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
        "GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
        "HeadBucket": ["s3:ListBucket"],
        "HeadObject": _by_content("s3:GetObject", "s3:GetObjectVersion"),
        "ListBucketAnalyticsConfigurations": ["s3:GetAnalyticsConfiguration"],
        "ListBucketIntelligentTieringConfigurations": ["s3:GetIntelligentTieringConfiguration"],
        "ListBucketInventoryConfigurations": ["s3:GetInventoryConfiguration"],
        "ListBucketMetricsConfigurations": ["s3:GetMetricsConfiguration"],
        "ListBuckets": ["s3:ListAllMyBuckets"],
        "ListDirectoryBuckets": ["s3express:ListAllMyDirectoryBuckets"],
        "ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
        "ListObjectVersions": ["s3:ListBucketVersions"],
        "ListObjects": ["s3:ListBucket"],
        "ListObjectsV2": ["s3:ListBucket"],
        "ListParts": ["s3:ListMultipartUploadParts"],
        "PutBucketAccelerateConfiguration": ["s3:PutAccelerateConfiguration"],
        "PutBucketAnalyticsConfiguration": ["s3:PutAnalyticsConfiguration"],
        "PutBucketCors": ["s3:PutBucketCORS"],
        "PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
        "PutBucketIntelligentTieringConfiguration": ["s3:PutIntelligentTieringConfiguration"],
        "PutBucketInventoryConfiguration": ["s3:PutInventoryConfiguration"],
        "PutBucketLifecycle": ["s3:PutLifecycleConfiguration"],
        "PutBucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
        "PutBucketMetricsConfiguration": ["s3:PutMetricsConfiguration"],
        "PutBucketNotificationConfiguration": ["s3:PutBucketNotification"],
        "PutBucketReplication": ["s3:PutReplicationConfiguration"],
        "PutObject": _NEW_OBJECT,
        "PutObjectAcl": _by_content("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
        "PutObjectLockConfiguration": ["s3:PutBucketObjectLockConfiguration"],
        "PutObjectRetention": _by_content(
            "s3:BypassGovernanceRetention", always=["s3:PutObjectRetention"]
        ),
        "PutObjectTagging": _by_content("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
        "PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
        "SelectObjectContent": ["s3:GetObject"],
        "UploadPart": ["s3:PutObject"],
        "UploadPartCopy": _by_content(
            "s3:GetObject", "s3:GetObjectVersion", always=["s3:PutObject"]
        ),
        "WriteGetObjectResponse": ["s3-object-lambda:WriteGetObjectResponse"],
    },
    "sns": {"PublishBatch": ["sns:Publish"]},
    "sqs": {
        "ChangeMessageVisibilityBatch": ["sqs:ChangeMessageVisibility"],
        "DeleteMessageBatch": ["sqs:DeleteMessage"],
        "SendMessageBatch": ["sqs:SendMessage"],
    },
    "sts": {
        # Unsigned, but the role's trust policy must allow the action.
        "AssumeRoleWithSAML": ["sts:AssumeRoleWithSAML"],
        "AssumeRoleWithWebIdentity": ["sts:AssumeRoleWithWebIdentity"],
        # Policies cannot withhold these two from a caller with valid credentials.
        "GetCallerIdentity": [],
        "GetSessionToken": [],
    },
}


def needed(service, name, operation, actions_by_prefix):
    """Return what `authz.map_operations` records for one operation, or None if unknown."""
    other = _OTHER_NAMES.get(service, {})
    if name in other:
        return other[name]
    if operation.get("authtype") == "none":
        return []
    prefix = _PREFIX.get(service, service)
    candidates = [name]
    if service in _BY_METHOD:
        candidates.append(operation["http"]["method"])
    for action in candidates:
        if action in actions_by_prefix.get(prefix, ()):
            return [f"{prefix}:{action}"]
    return None
