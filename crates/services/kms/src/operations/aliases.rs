//! Aliases.

use api::Empty;
use api::kms::errors::{already_exists_exception, invalid_alias_name_exception, limit_exceeded_exception};
use api::kms::{
    AliasListEntry, CreateAliasRequest, DeleteAliasRequest, ListAliasesRequest, ListAliasesResponse, UpdateAliasRequest,
};
use platform::{Ctx, OrFailure};
use store::{Abort, Direction, Transaction};
use wire::Error;

use crate::limits::{ALIASES_PER_KEY_MAX, PAGE_DEFAULT, PAGE_MAX};
use crate::names::{ALIAS_PREFIX, AWS_ALIAS_PREFIX, AliasName, KeyName};
use crate::operations::own_key;
use crate::paging::{self, Page};
use crate::records::{AliasRecord, KeyRecord};
use crate::resolve::{require_customers, require_kept};
use crate::service::{Kms, timestamp};
use crate::{errors, keys, rows};

/// Gives a key an alias.
pub async fn create_alias(kms: &Kms, cx: &Ctx, input: CreateAliasRequest) -> Result<Empty, Error> {
    let (alias, target) = (check_name(cx, &input.alias_name)?, own_key(cx, &input.target_key_id)?);
    let (now, call) = (kms.now(), cx.clone());
    kms.transact(&cx.account, move |rows| {
        let record = rows::key(rows, &target)?;
        require_customers(&call, &record)?;
        require_kept(&record)?;
        let key = keys::alias(&alias.region, &alias.name);
        if rows.get(&key)?.is_some() {
            let text = format!("An alias with the name {} already exists", alias.arn());
            return Err(already_exists_exception(text).into());
        }
        let row = AliasRecord { name: alias.name.clone(), key: target.id.clone(), created_at: now, updated_at: now };
        attach(rows, &target, &row)
    })
    .await?;
    Ok(Empty {})
}

/// Turns an alias to another key of the same kind.
pub async fn update_alias(kms: &Kms, cx: &Ctx, input: UpdateAliasRequest) -> Result<Empty, Error> {
    let (alias, target) = (check_name(cx, &input.alias_name)?, own_key(cx, &input.target_key_id)?);
    let (now, call) = (kms.now(), cx.clone());
    kms.transact(&cx.account, move |rows| {
        let mut row = find(rows, &alias)?;
        let record = rows::key(rows, &target)?;
        require_customers(&call, &record)?;
        require_kept(&record)?;
        let former: Option<KeyRecord> = rows::read(rows, &keys::key(&alias.region, &row.key))?;
        let is_alike =
            former.is_none_or(|former| former.usage == record.usage && former.spec.is_pair() == record.spec.is_pair());
        if !is_alike {
            return Err(errors::invalid(
                "The current and the new KMS key of an alias must be of the same type and have the same key usage.",
            )
            .into());
        }
        rows.delete(&keys::alias_of_key(&alias.region, &row.key, &alias.name));
        row.key.clone_from(&target.id);
        row.updated_at = now;
        attach(rows, &target, &row)
    })
    .await?;
    Ok(Empty {})
}

/// Takes an alias away; its key stays.
pub async fn delete_alias(kms: &Kms, cx: &Ctx, input: DeleteAliasRequest) -> Result<Empty, Error> {
    let alias = check_name(cx, &input.alias_name)?;
    kms.transact(&cx.account, move |rows| {
        let row = find(rows, &alias)?;
        rows.delete(&keys::alias_of_key(&alias.region, &row.key, &alias.name));
        rows.delete(&keys::alias(&alias.region, &alias.name));
        Ok(())
    })
    .await?;
    Ok(Empty {})
}

/// Lists the aliases of the account in the region, or of one key.
pub async fn list_aliases(kms: &Kms, cx: &Ctx, input: ListAliasesRequest) -> Result<ListAliasesResponse, Error> {
    let limit = paging::limit(input.limit, PAGE_DEFAULT, PAGE_MAX)?;
    let last = paging::read_marker(input.marker.as_deref())?;
    let found = match &input.key_id {
        Some(key_id) => of_key(kms, &own_key(cx, key_id)?, last, limit + 1).await?,
        None => of_region(kms, cx, last, limit + 1).await?,
    };
    let page = Page::of(found, limit, |alias| alias.name.clone()).map(|alias| AliasListEntry {
        alias_arn: Some(AliasName::here(cx, &alias.name).arn()),
        alias_name: Some(alias.name),
        target_key_id: Some(alias.key),
        creation_date: Some(timestamp(alias.created_at)),
        last_updated_date: Some(timestamp(alias.updated_at)),
    });
    Ok(ListAliasesResponse { truncated: page.truncated(), aliases: Some(page.entries), next_marker: page.next_marker })
}

async fn of_region(kms: &Kms, cx: &Ctx, last: Option<String>, limit: usize) -> Result<Vec<AliasRecord>, Error> {
    let mut range = keys::aliases_of(&cx.region);
    if let Some(last) = last {
        range = range.after(&keys::alias(&cx.region, &last));
    }
    let partition = keys::partition(&cx.account).or_failure()?;
    let found = kms.platform.store.scan(&partition, range, Direction::Forward, limit).await.or_failure()?;
    found.iter().map(|(_, row)| rows::decode(row)).collect()
}

async fn of_key(kms: &Kms, name: &KeyName, last: Option<String>, limit: usize) -> Result<Vec<AliasRecord>, Error> {
    kms.find(name).await?;
    let mut range = keys::aliases_of_key(&name.region, &name.id);
    if let Some(last) = last {
        range = range.after(&keys::alias_of_key(&name.region, &name.id, &last));
    }
    let snapshot = kms.snapshot(&name.account).await?;
    let mut found = Vec::new();
    for (mark, _) in snapshot.scan(range, Direction::Forward, limit).await.or_failure()? {
        let alias = rows::key_part(keys::read_alias_of_key(&mark))?;
        found.extend(rows::get(&snapshot, &keys::alias(&name.region, &alias)).await?);
    }
    Ok(found)
}

/// The names of a key's aliases.
pub async fn names_of(kms: &Kms, record: &KeyRecord) -> Result<Vec<String>, Error> {
    let partition = keys::partition(&record.account).or_failure()?;
    let range = keys::aliases_of_key(&record.region, &record.id);
    let store = &kms.platform.store;
    let marks = store.scan(&partition, range, Direction::Forward, ALIASES_PER_KEY_MAX).await.or_failure()?;
    marks.iter().map(|(mark, _)| rows::key_part(keys::read_alias_of_key(mark))).collect()
}

fn find(rows: &mut dyn Transaction, alias: &AliasName) -> Result<AliasRecord, Abort<Error>> {
    let row = rows::read(rows, &keys::alias(&alias.region, &alias.name))?;
    Ok(row.ok_or_else(|| errors::alias_not_found(&alias.arn()))?)
}

fn attach(rows: &mut dyn Transaction, target: &KeyName, row: &AliasRecord) -> Result<(), Abort<Error>> {
    let range = keys::aliases_of_key(&target.region, &target.id);
    if rows.scan(range, Direction::Forward, ALIASES_PER_KEY_MAX)?.len() >= ALIASES_PER_KEY_MAX {
        return Err(limit_exceeded_exception("The number of aliases of this key is at its limit.").into());
    }
    rows::put(rows, &keys::alias(&target.region, &row.name), row)?;
    rows::put(rows, &keys::alias_of_key(&target.region, &target.id, &row.name), &())
}

fn check_name(cx: &Ctx, name: &str) -> Result<AliasName, Error> {
    let Some(rest) = name.strip_prefix(ALIAS_PREFIX) else {
        return Err(errors::invalid(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    };
    if name.starts_with(AWS_ALIAS_PREFIX) || rest == "aws" {
        return Err(errors::reserved_alias());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
    if rest.is_empty() || !rest.bytes().all(is_plain) {
        return Err(invalid_alias_name_exception(format!("{name} contains invalid characters for an alias")));
    }
    Ok(AliasName::here(cx, name))
}
