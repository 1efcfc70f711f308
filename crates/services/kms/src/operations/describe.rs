//! Looking at keys.

use api::kms::{DescribeKeyRequest, DescribeKeyResponse, KeyListEntry, ListKeysRequest, ListKeysResponse};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use crate::limits::{LONG_PAGE_DEFAULT, LONG_PAGE_MAX};
use crate::metadata::metadata;
use crate::operations::grants::check_tokens;
use crate::paging::{self, Page};
use crate::records::{KeyRecord, MultiRegionRecord};
use crate::service::Kms;
use crate::{errors, keys, rows};

/// Describes a key.
pub async fn describe_key(kms: &Kms, cx: &Ctx, input: DescribeKeyRequest) -> Result<DescribeKeyResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let record = kms.locate(cx, &input.key_id).await?;
    let regions = kms.regions_of(&record).await?;
    Ok(DescribeKeyResponse { key_metadata: Some(metadata(&record, regions.as_ref())) })
}

/// Lists the keys of the account in the region, those of AWS's own included.
pub async fn list_keys(kms: &Kms, cx: &Ctx, input: ListKeysRequest) -> Result<ListKeysResponse, Error> {
    if input.resource_owners.is_some_and(|owners| owners.iter().any(|owner| owner != "SELF")) {
        return Err(errors::unsupported_parameter("ResourceOwners"));
    }
    let limit = paging::limit(input.limit, LONG_PAGE_DEFAULT, LONG_PAGE_MAX)?;
    let mut range = keys::keys_of(&cx.region);
    if let Some(last) = paging::read_marker(input.marker.as_deref())? {
        range = range.after(&keys::key(&cx.region, &last));
    }
    let partition = keys::partition(&cx.account).or_failure()?;
    let found = kms.platform.store.scan(&partition, range, Direction::Forward, limit + 1).await.or_failure()?;
    let records = found.iter().map(|(_, row)| rows::decode(row)).collect::<Result<Vec<KeyRecord>, _>>()?;
    let page = Page::of(records, limit, |record| record.id.clone())
        .map(|record| KeyListEntry { key_arn: Some(record.arn()), key_id: Some(record.id) });
    Ok(ListKeysResponse { truncated: page.truncated(), keys: Some(page.entries), next_marker: page.next_marker })
}

impl Kms {
    /// Where a multi-Region key is; `None` for others.
    pub(crate) async fn regions_of(&self, record: &KeyRecord) -> Result<Option<MultiRegionRecord>, Error> {
        if !record.is_multi_region {
            return Ok(None);
        }
        rows::get(&self.snapshot(&record.account).await?, &keys::multi_region(&record.id)).await
    }
}
