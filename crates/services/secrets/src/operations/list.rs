//! `ListSecrets`.

use std::collections::BTreeMap;

use api::secretsmanager::enums::{sort_by_type, sort_order_type};
use api::secretsmanager::{Filter, ListSecretsRequest, ListSecretsResponse, SecretListEntry};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use super::filters;
use crate::limits::{PAGE_MAX, SCANNED_ROWS};
use crate::records::{SecretRecord, time};
use crate::service::Secrets;
use crate::{keys, page, rows};

/// A page of the account's secrets in the region.
pub async fn list_secrets(
    secrets: &Secrets,
    cx: &Ctx,
    input: ListSecretsRequest,
) -> Result<ListSecretsResponse, Error> {
    let listing = Listing {
        filters: input.filters.as_deref().unwrap_or_default(),
        order: Order::of(input.sort_by.as_deref()),
        is_descending: input.sort_order.as_deref() == Some(sort_order_type::DESC),
        with_deleted: input.include_planned_deletion == Some(true),
        limit: input.max_results.map_or(PAGE_MAX, |limit| limit.max(1) as usize),
    };
    let (records, next_token) = listing.page(secrets, cx, input.next_token.as_deref()).await?;
    Ok(ListSecretsResponse { secret_list: Some(records.into_iter().map(entry).collect()), next_token })
}

/// What secrets are ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// When they were made.
    #[default]
    Created,
    /// When they were last read.
    Accessed,
    /// When they were last changed.
    Changed,
    /// Their names.
    Name,
}

impl Order {
    fn of(name: Option<&str>) -> Order {
        match name {
            Some(sort_by_type::LAST_ACCESSED_DATE) => Order::Accessed,
            Some(sort_by_type::LAST_CHANGED_DATE) => Order::Changed,
            Some(sort_by_type::NAME) => Order::Name,
            _ => Order::Created,
        }
    }

    fn time(self, record: &SecretRecord) -> i64 {
        match self {
            Order::Created => record.created_at,
            Order::Accessed => record.accessed_at.unwrap_or(0),
            Order::Changed => record.changed_at,
            Order::Name => 0,
        }
    }
}

/// Which secrets are wanted, and in which order.
pub struct Listing<'a> {
    /// All of them have to match.
    pub filters: &'a [Filter],
    /// What they are ordered by.
    pub order: Order,
    /// The last one first.
    pub is_descending: bool,
    /// Those too that are marked for deletion.
    pub with_deleted: bool,
    /// Most of a page.
    pub limit: usize,
}

/// A secret's place in an order.
type Position = (i64, String);

impl Listing<'_> {
    /// The page that a token names, and the token of the next one. All secrets of the region are looked at, so that any
    /// order can be had; only those of the page are kept.
    pub async fn page(
        &self,
        secrets: &Secrets,
        cx: &Ctx,
        token: Option<&str>,
    ) -> Result<(Vec<SecretRecord>, Option<String>), Error> {
        filters::check(self.filters)?;
        let after: Option<Position> = page::place(token)?;
        let mut best: BTreeMap<Position, SecretRecord> = BTreeMap::new();
        let partition = keys::partition(&cx.account).or_failure()?;
        let mut range = keys::secrets(&cx.region).range();
        loop {
            let store = &secrets.platform.store;
            let found = store.scan(&partition, range.clone(), Direction::Forward, SCANNED_ROWS).await.or_failure()?;
            for (_, row) in &found {
                self.consider(rows::decode(row)?, after.as_ref(), &mut best);
            }
            match found.last() {
                Some((key, _)) if found.len() == SCANNED_ROWS => range = range.after(key),
                _ => break,
            }
        }
        Ok(self.cut(best))
    }

    fn consider(&self, record: SecretRecord, after: Option<&Position>, best: &mut BTreeMap<Position, SecretRecord>) {
        if (record.deletion.is_some() && !self.with_deleted) || !filters::matches(self.filters, &record) {
            return;
        }
        let position = (self.order.time(&record), record.name.clone());
        let is_behind = |after: &Position| if self.is_descending { position < *after } else { position > *after };
        if after.is_none_or(is_behind) {
            best.insert(position, record);
            // One more than the page tells that there is a next one.
            if best.len() > self.limit + 1 {
                if self.is_descending {
                    best.pop_first()
                } else {
                    best.pop_last()
                };
            }
        }
    }

    fn cut(&self, mut best: BTreeMap<Position, SecretRecord>) -> (Vec<SecretRecord>, Option<String>) {
        let has_more = best.len() > self.limit;
        if has_more {
            if self.is_descending {
                best.pop_first()
            } else {
                best.pop_last()
            };
        }
        let mut found: Vec<(Position, SecretRecord)> = best.into_iter().collect();
        if self.is_descending {
            found.reverse();
        }
        let next = found.last().filter(|_| has_more).map(|(position, _)| page::token(position));
        (found.into_iter().map(|(_, record)| record).collect(), next)
    }
}

fn entry(record: SecretRecord) -> SecretListEntry {
    let tags = record.tag_list();
    let rotation = record.rotation.as_ref();
    SecretListEntry {
        rotation_enabled: rotation.map(|rotation| rotation.is_enabled),
        rotation_lambda_arn: rotation.map(|rotation| rotation.lambda_arn.clone()),
        rotation_rules: rotation.and_then(|rotation| rotation.rules.as_ref()).map(|rules| rules.output()),
        last_rotated_date: rotation.and_then(|rotation| rotation.last_rotated_at).map(time),
        next_rotation_date: rotation.and_then(|rotation| rotation.next_rotation_date()),
        arn: Some(record.arn),
        name: Some(record.name),
        description: record.description,
        kms_key_id: record.kms_key_id,
        last_changed_date: Some(time(record.changed_at)),
        last_accessed_date: record.accessed_at.map(time),
        deleted_date: record.deletion.map(|deletion| time(deletion.asked_at)),
        tags,
        secret_versions_to_stages: Some(record.labels.by_version()).filter(|versions| !versions.is_empty()),
        created_date: Some(time(record.created_at)),
        primary_region: record.primary_region,
        ..Default::default()
    }
}
