//! Reading functions from the store.

use std::collections::HashSet;

use blob::Digest;
use bytes::Bytes;
use platform::OrFailure;
use serde::de::DeserializeOwned;
use store::keys::Key;
use store::{Direction, KeyRange, StoreError, value};
use wire::Error;

use super::Functions;
use crate::function::{FunctionId, FunctionRecord, FunctionVersion, Usage, Version, VersionRecord};
use crate::keys;

/// Marks read at once when all of them have to be looked at; each is a key of some 100 bytes.
const ROWS_PAGE: usize = 1_000;

/// A part of an account's functions.
#[derive(Debug, Default)]
pub struct FunctionPage {
    /// The functions' `$LATEST` versions, by name.
    pub versions: Vec<FunctionVersion>,
    /// Name of the last one, if there are more.
    pub next: Option<String>,
}

/// A part of the versions of one function or of all of an account's functions.
#[derive(Debug, Default)]
pub struct VersionPage {
    /// The versions, by name and number, `$LATEST` first.
    pub versions: Vec<FunctionVersion>,
    /// The last one, if there are more.
    pub next: Option<(String, Version)>,
}

impl Functions {
    /// A version as it is stored.
    pub async fn version(&self, id: &FunctionId, version: Version) -> Result<Option<VersionRecord>, Error> {
        let row = self.platform.store.get(&self.partition, &keys::version(id, version)).await.or_failure()?;
        row.map(|row| value::decode(keys::FORMAT, &row).map_err(StoreError::from)).transpose().or_failure()
    }

    /// A row's value, whatever its kind.
    pub(crate) async fn row<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Error> {
        let row = self.platform.store.get(&self.partition, key).await.or_failure()?;
        row.map(|row| value::decode(keys::FORMAT, &row).map_err(StoreError::from)).transpose().or_failure()
    }

    /// Some rows of one kind, in the order of their keys.
    pub(crate) async fn rows<T: DeserializeOwned>(
        &self,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<(Bytes, T)>, Error> {
        let rows = self.platform.store.scan(&self.partition, range, Direction::Forward, limit).await.or_failure()?;
        let decoded: Result<Vec<_>, StoreError> =
            rows.into_iter().map(|(key, row)| Ok((key, value::decode(keys::FORMAT, &row)?))).collect();
        decoded.or_failure()
    }

    /// Every row of one kind.
    pub(crate) async fn all_rows<T: DeserializeOwned>(&self, mut range: KeyRange) -> Result<Vec<(Bytes, T)>, Error> {
        let mut all = Vec::new();
        loop {
            let rows = self.rows(range.clone(), ROWS_PAGE).await?;
            let Some((last, _)) = rows.last() else { return Ok(all) };
            range = range.after(last);
            all.extend(rows);
        }
    }

    /// What belongs to a function as a whole.
    pub async fn function(&self, id: &FunctionId) -> Result<Option<FunctionRecord>, Error> {
        let row = self.platform.store.get(&self.partition, &keys::function(id)).await.or_failure()?;
        row.map(|row| value::decode(keys::FORMAT, &row).map_err(StoreError::from)).transpose().or_failure()
    }

    /// What an account uses in a region.
    pub async fn usage(&self, account: &str, region: &str) -> Result<Usage, Error> {
        let row = self.platform.store.get(&self.partition, &keys::usage(account, region)).await.or_failure()?;
        let usage = row.map(|row| value::decode(keys::FORMAT, &row).map_err(StoreError::from)).transpose();
        Ok(usage.or_failure()?.unwrap_or_default())
    }

    /// The `$LATEST` versions of an account's functions after the one named `after`.
    pub async fn list(
        &self,
        account: &str,
        region: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<FunctionPage, Error> {
        let snapshot = self.platform.store.snapshot(&self.partition).await.or_failure()?;
        let id = |name: String| FunctionId { account: account.to_owned(), region: region.to_owned(), name };
        let mut range = keys::functions(account, region).range();
        if let Some(after) = after {
            range = range.after(&keys::function(&id(after.to_owned())));
        }
        let rows = snapshot.scan(range, Direction::Forward, limit + 1).await.or_failure()?;
        let mut page = FunctionPage::default();
        for (key, _) in rows.iter().take(limit) {
            let name = keys::read_function(key).map_err(damaged).or_failure()?.name;
            if let Some(row) = snapshot.get(&keys::version(&id(name), Version::Latest)).await.or_failure()? {
                page.versions.push(described(&row).or_failure()?);
            }
        }
        if rows.len() > limit {
            page.next = page.versions.last().map(|version| version.function.name.clone());
        }
        Ok(page)
    }

    /// The versions below `prefix` after the given one.
    pub async fn list_versions(&self, prefix: Key, after: Option<Key>, limit: usize) -> Result<VersionPage, Error> {
        let range = after.map_or_else(|| prefix.range(), |after| prefix.range().after(&after));
        let store = &self.platform.store;
        let rows = store.scan(&self.partition, range, Direction::Forward, limit + 1).await.or_failure()?;
        let versions: Result<Vec<_>, _> = rows.iter().take(limit).map(|(_, row)| described(row)).collect();
        let versions = versions.or_failure()?;
        let last = versions.last().filter(|_| rows.len() > limit);
        let next = last.map(|version| (version.function.name.clone(), version.version));
        Ok(VersionPage { versions, next })
    }

    /// The versions that are being made ready.
    pub async fn deployments(&self) -> Result<Vec<(FunctionId, Version)>, Error> {
        let mut deployments = Vec::new();
        let mut range = keys::deployments();
        loop {
            let scan = self.platform.store.scan(&self.partition, range.clone(), Direction::Forward, ROWS_PAGE);
            let rows = scan.await.or_failure()?;
            let Some((last, _)) = rows.last() else { return Ok(deployments) };
            range = range.after(last);
            for (key, _) in &rows {
                deployments.push(keys::read_deployment(key).map_err(damaged).or_failure()?);
            }
        }
    }

    /// The packages that any version needs: the blobs that must be kept.
    pub async fn packages(&self) -> Result<HashSet<Digest>, Error> {
        let mut packages = HashSet::new();
        let mut range = keys::packages();
        loop {
            let scan = self.platform.store.scan(&self.partition, range.clone(), Direction::Forward, ROWS_PAGE);
            let rows = scan.await.or_failure()?;
            let Some((last, _)) = rows.last() else { return Ok(packages) };
            range = range.after(last);
            for (key, _) in &rows {
                packages.insert(keys::read_package(key).map_err(damaged).or_failure()?);
            }
        }
    }

    /// Whether any version needs this package.
    pub async fn needs_package(&self, digest: &Digest) -> Result<bool, StoreError> {
        let rows = self.platform.store.scan(&self.partition, keys::package_users(digest), Direction::Forward, 1);
        Ok(!rows.await?.is_empty())
    }
}

fn described(row: &[u8]) -> Result<FunctionVersion, StoreError> {
    Ok(value::decode::<VersionRecord>(keys::FORMAT, row)?.described)
}

fn damaged(error: store::keys::KeyError) -> StoreError {
    StoreError::Read(error.to_string().into())
}
