//! Reading and writing rows.

use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::{Key, KeyError};
use store::{Abort, Direction, KeyRange, Snapshot, StoreError, Transaction, value};
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::SCANNED_ROWS;
use crate::names;
use crate::paging::{Page, Paged, encode};
use crate::records::{Account, Counts, Group, Identity, ManagedPolicy, Part, PolicyUse, User};

/// What a transaction answers.
pub type Outcome<T> = Result<T, Abort<Error>>;

/// The value of a row.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()
}

/// A part of a key.
pub fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Error> {
    part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}

/// Reads a row inside a transaction.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Outcome<Option<T>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
}

/// Writes a row.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &Key, value: &T) -> Outcome<()> {
    let row = value::encode(keys::FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// Whether nothing is under a prefix.
pub fn is_empty(rows: &mut dyn Transaction, range: KeyRange) -> Outcome<bool> {
    Ok(rows.scan(range, Direction::Forward, 1)?.is_empty())
}

/// Reads a row of a snapshot.
pub async fn get<T: DeserializeOwned>(snapshot: &Snapshot, key: &Key) -> Result<Option<T>, Error> {
    snapshot.get(key).await.or_failure()?.map(|row| decode(&row)).transpose()
}

/// A user, group or role inside a transaction.
pub fn identity<P: Part>(rows: &mut dyn Transaction, account: &str, name: &str) -> Outcome<Identity<P>> {
    names::check_name(P::KIND.name_parameter(), name)?;
    let found: Option<Identity<P>> = read(rows, &keys::identity(account, P::KIND, name))?;
    Ok(found.filter(|found| found.name == name).ok_or_else(|| errors::identity_absent(P::KIND, name))?)
}

/// Writes a user, group or role.
pub fn put_identity<P: Part>(rows: &mut dyn Transaction, account: &str, identity: &Identity<P>) -> Outcome<()> {
    put(rows, &keys::identity(account, P::KIND, &identity.name), identity)
}

/// A user, group or role of a snapshot, if there is one.
pub async fn find_identity<P: Part>(
    snapshot: &Snapshot,
    account: &str,
    name: &str,
) -> Result<Option<Identity<P>>, Error> {
    let found: Option<Identity<P>> = get(snapshot, &keys::identity(account, P::KIND, name)).await?;
    Ok(found.filter(|found| found.name == name))
}

/// A user, group or role of a snapshot.
pub async fn get_identity<P: Part>(snapshot: &Snapshot, account: &str, name: &str) -> Result<Identity<P>, Error> {
    names::check_name(P::KIND.name_parameter(), name)?;
    let found = find_identity(snapshot, account, name).await?;
    found.ok_or_else(|| errors::identity_absent(P::KIND, name))
}

/// The user or group of a unique id in a snapshot, whatever its name is by now.
pub async fn find_by_id<P: Part>(snapshot: &Snapshot, account: &str, id: &str) -> Result<Option<Identity<P>>, Error> {
    match get::<String>(snapshot, &keys::unique_id(account, id)).await? {
        Some(name) => find_identity(snapshot, account, &name).await,
        None => Ok(None),
    }
}

/// The groups a user is in, by name.
pub async fn groups_of(snapshot: &Snapshot, account: &str, user: &User) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::with_capacity(user.part.groups.len());
    for id in &user.part.groups {
        groups.extend(find_by_id(snapshot, account, id).await?);
    }
    groups.sort_by(|left: &Group, right: &Group| left.name.cmp(&right.name));
    Ok(groups)
}

/// The customer managed policy of that ARN inside a transaction; `None` if the account has none such.
pub fn policy(rows: &mut dyn Transaction, account: &str, arn: &str) -> Outcome<Option<ManagedPolicy>> {
    let (owner, _, name) = names::policy_arn(arn)?;
    if owner != account {
        return Ok(None);
    }
    let found: Option<ManagedPolicy> = read(rows, &keys::policy(account, name))?;
    Ok(found.filter(|found| found.arn(account) == arn))
}

/// The customer managed policy of that ARN in a snapshot; `None` if the account has none such.
pub async fn get_policy(snapshot: &Snapshot, account: &str, arn: &str) -> Result<Option<ManagedPolicy>, Error> {
    let (owner, _, name) = names::policy_arn(arn)?;
    if owner != account {
        return Ok(None);
    }
    let found: Option<ManagedPolicy> = get(snapshot, &keys::policy(account, name)).await?;
    Ok(found.filter(|found| found.arn(account) == arn))
}

/// Changes how often a managed policy is used in the account.
pub fn count_policy_use(
    rows: &mut dyn Transaction,
    account: &str,
    arn: &str,
    change: impl FnOnce(&mut PolicyUse),
) -> Outcome<()> {
    let key = keys::policy_use(account, arn);
    let mut count: PolicyUse = read(rows, &key)?.unwrap_or_default();
    change(&mut count);
    if count == PolicyUse::default() {
        rows.delete(&key);
        return Ok(());
    }
    put(rows, &key, &count)
}

/// The account as a whole, changed and written. It is made when there is none yet.
pub fn change_account<R>(
    rows: &mut dyn Transaction,
    account: &str,
    now: i64,
    change: impl FnOnce(&mut Account) -> Outcome<R>,
) -> Outcome<R> {
    let key = keys::account(account);
    let mut record = read(rows, &key)?.unwrap_or_else(|| new_account(now));
    let result = change(&mut record)?;
    put(rows, &key, &record)?;
    Ok(result)
}

/// Counts one more of something, unless the quota is used up.
pub fn count_one_more(
    rows: &mut dyn Transaction,
    account: &str,
    now: i64,
    quota: (&'static str, u32),
    count: impl FnOnce(&mut Counts) -> &mut u32,
) -> Outcome<()> {
    change_account(rows, account, now, |record| {
        let count = count(&mut record.counts);
        if *count >= quota.1 {
            return Err(errors::quota(quota.0, quota.1).into());
        }
        *count += 1;
        Ok(())
    })
}

/// Counts one less of something.
pub fn count_one_less(
    rows: &mut dyn Transaction,
    account: &str,
    now: i64,
    count: impl FnOnce(&mut Counts) -> &mut u32,
) -> Outcome<()> {
    change_account(rows, account, now, |record| {
        let count = count(&mut record.counts);
        *count = count.saturating_sub(1);
        Ok(())
    })
}

/// An account of which nothing was written yet.
pub fn new_account(now: i64) -> Account {
    Account {
        created: now,
        alias: None,
        root_access_keys: Vec::new(),
        root_mfa_devices: Default::default(),
        token_version: 1,
        counts: Counts::default(),
    }
}

/// A page of the rows under a prefix whose keys end with one text segment, of those that are `wanted`. Markers hold
/// that segment.
pub async fn page<T: DeserializeOwned>(
    snapshot: &Snapshot,
    prefix: &Key,
    page: &Page,
    wanted: impl Fn(&T) -> bool,
) -> Result<Paged<T>, Error> {
    let mut range = prefix.range();
    if let Some(after) = &page.after {
        range = range.after(&prefix.clone().text(after));
    }
    let mut found: Vec<(String, T)> = Vec::new();
    loop {
        let rows = snapshot.scan(range.clone(), Direction::Forward, SCANNED_ROWS).await.or_failure()?;
        for (key, row) in &rows {
            let item: T = decode(row)?;
            if !wanted(&item) {
                continue;
            }
            if found.len() == page.items_max {
                let marker = found.last().map(|(name, _)| encode(name));
                return Ok(Paged { items: found.into_iter().map(|(_, item)| item).collect(), marker });
            }
            found.push((last_segment(prefix, key)?, item));
        }
        match rows.last() {
            Some((last, _)) if rows.len() == SCANNED_ROWS => range = range.after(last),
            _ => return Ok(Paged { items: found.into_iter().map(|(_, item)| item).collect(), marker: None }),
        }
    }
}

/// All rows under a prefix, with their keys. For what is bounded by a quota.
pub async fn all<T: DeserializeOwned>(snapshot: &Snapshot, prefix: &Key) -> Result<Vec<(bytes::Bytes, T)>, Error> {
    let mut range = prefix.range();
    let mut found = Vec::new();
    loop {
        let rows = snapshot.scan(range.clone(), Direction::Forward, SCANNED_ROWS).await.or_failure()?;
        for (key, row) in &rows {
            found.push((key.clone(), decode(row)?));
        }
        match rows.last() {
            Some((last, _)) if rows.len() == SCANNED_ROWS => range = range.after(last),
            _ => return Ok(found),
        }
    }
}

fn last_segment(prefix: &Key, key: &[u8]) -> Result<String, Error> {
    let rest = key.get(prefix.len()..).unwrap_or_default();
    key_part(store::keys::KeyReader::new(rest).text())
}
