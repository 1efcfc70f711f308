//! Names of the condition keys that every request has (IAM user guide, "AWS global condition context keys").

pub(super) const CALLED_VIA: &str = "aws:CalledVia";
pub(super) const CALLED_VIA_FIRST: &str = "aws:CalledViaFirst";
pub(super) const CALLED_VIA_LAST: &str = "aws:CalledViaLast";
pub(super) const CURRENT_TIME: &str = "aws:CurrentTime";
pub(super) const EPOCH_TIME: &str = "aws:EpochTime";
pub(super) const FEDERATED_PROVIDER: &str = "aws:FederatedProvider";
pub(super) const MFA_AGE: &str = "aws:MultiFactorAuthAge";
pub(super) const MFA_PRESENT: &str = "aws:MultiFactorAuthPresent";
pub(super) const PRINCIPAL_ACCOUNT: &str = "aws:PrincipalAccount";
pub(super) const PRINCIPAL_ARN: &str = "aws:PrincipalArn";
pub(super) const PRINCIPAL_IS_SERVICE: &str = "aws:PrincipalIsAWSService";
pub(super) const PRINCIPAL_SERVICE_NAME: &str = "aws:PrincipalServiceName";
pub(super) const PRINCIPAL_SERVICE_NAMES: &str = "aws:PrincipalServiceNamesList";
pub(super) const PRINCIPAL_TAG: &str = "aws:PrincipalTag/";
pub(super) const PRINCIPAL_TYPE: &str = "aws:PrincipalType";
pub(super) const REFERER: &str = "aws:referer";
pub(super) const REQUESTED_REGION: &str = "aws:RequestedRegion";
pub(super) const RESOURCE_ACCOUNT: &str = "aws:ResourceAccount";
pub(super) const RESOURCE_TAG: &str = "aws:ResourceTag/";
pub(super) const SECURE_TRANSPORT: &str = "aws:SecureTransport";
pub(super) const SOURCE_ACCOUNT: &str = "aws:SourceAccount";
pub(super) const SOURCE_ARN: &str = "aws:SourceArn";
pub(super) const SOURCE_FUNCTION_ARN: &str = "lambda:SourceFunctionArn";
pub(super) const SOURCE_IDENTITY: &str = "aws:SourceIdentity";
pub(super) const SOURCE_IP: &str = "aws:SourceIp";
pub(super) const TOKEN_ISSUE_TIME: &str = "aws:TokenIssueTime";
pub(super) const USER_AGENT: &str = "aws:UserAgent";
pub(super) const USER_ID: &str = "aws:userid";
pub(super) const USER_NAME: &str = "aws:username";
pub(super) const VIA_SERVICE: &str = "aws:ViaAWSService";

/// Services that live in one region whatever region the client names: their `aws:RequestedRegion`.
pub(super) const GLOBAL_SERVICES: [&str; 1] = ["iam"];

/// The region of global services.
pub(super) const GLOBAL_REGION: &str = "us-east-1";
