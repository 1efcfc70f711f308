//! What is true of the whole account.

use api::dynamodb::{
    DescribeEndpointsRequest, DescribeEndpointsResponse, DescribeLimitsInput, DescribeLimitsOutput, Endpoint,
};
use platform::Ctx;
use wire::Error;

use crate::service::DynamoDb;

/// Read and write units of all provisioned tables of an account in a region (Quotas; the initial value).
const ACCOUNT_UNITS_MAX: i64 = 80_000;
/// Read and write units of one provisioned table (Quotas; the initial value).
const TABLE_UNITS_MAX: i64 = 40_000;
/// How long clients may keep the address: AWS answers a day.
const ENDPOINT_MINUTES: i64 = 1_440;

/// Answers the quotas of provisioned throughput.
///
/// # Errors
/// None of its own.
pub async fn describe_limits(_: &DynamoDb, _: &Ctx, _: DescribeLimitsInput) -> Result<DescribeLimitsOutput, Error> {
    Ok(DescribeLimitsOutput {
        account_max_read_capacity_units: Some(ACCOUNT_UNITS_MAX),
        account_max_write_capacity_units: Some(ACCOUNT_UNITS_MAX),
        table_max_read_capacity_units: Some(TABLE_UNITS_MAX),
        table_max_write_capacity_units: Some(TABLE_UNITS_MAX),
    })
}

/// Answers the address under which the caller reached the platform.
///
/// # Errors
/// None of its own.
pub async fn describe_endpoints(
    _: &DynamoDb,
    cx: &Ctx,
    _: DescribeEndpointsRequest,
) -> Result<DescribeEndpointsResponse, Error> {
    let address = cx.endpoint.split_once("://").map_or(cx.endpoint.as_str(), |(_, address)| address);
    let endpoint = Endpoint { address: address.to_owned(), cache_period_in_minutes: ENDPOINT_MINUTES };
    Ok(DescribeEndpointsResponse { endpoints: vec![endpoint] })
}
