//! Layers in the store.

use platform::OrFailure;
use store::{Abort, Direction, StoreError, Transaction, value};
use wire::Error;

use super::{LayerId, LayerRecord, LayerVersion, Wanted};
use crate::functions::{CODE_STORAGE_BYTES_MAX, Functions, rows};
use crate::{FunctionId, errors, keys};

/// Versions read at once while matching ones are looked for.
const ROWS_PAGE: usize = 200;

/// A part of an account's layers: of each the latest version that matches.
#[derive(Debug, Default)]
pub struct LayerPage {
    /// The versions, by their layer's name.
    pub versions: Vec<LayerVersion>,
    /// Name of the last layer looked at, if there are more.
    pub next: Option<String>,
}

/// A part of a layer's versions, the latest first.
#[derive(Debug, Default)]
pub struct LayerVersionPage {
    /// The versions that match.
    pub versions: Vec<LayerVersion>,
    /// Number of the last one, if there are more.
    pub next: Option<u64>,
}

impl Functions {
    /// Keeps a version under the next number of its layer; its own number is not looked at.
    ///
    /// # Errors
    /// `CodeStorageExceededException`.
    pub async fn publish_layer(&self, version: LayerVersion) -> Result<LayerVersion, Error> {
        let owner = owner(&version.layer);
        self.commit(&owner, None, move |rows| publish(rows, &version)).await
    }

    /// A version of a layer.
    pub async fn layer_version(&self, layer: &LayerId, number: u64) -> Result<Option<LayerVersion>, Error> {
        self.row(&keys::layer_version(layer, number)).await
    }

    /// Deletes a version with its policy; it need not exist.
    pub async fn delete_layer_version(&self, layer: &LayerId, number: u64) -> Result<(), Error> {
        let (key, owner) = (layer.clone(), owner(layer));
        self.commit(&owner, None, move |rows| delete(rows, &key, number)).await
    }

    /// The versions of a layer before the given number that match, the latest first.
    pub async fn layer_versions(
        &self,
        layer: &LayerId,
        before: Option<u64>,
        limit: usize,
        wanted: &Wanted,
    ) -> Result<LayerVersionPage, Error> {
        let mut versions = Vec::new();
        let mut range = keys::layer_versions(layer).range();
        if let Some(before) = before {
            range = range.before(&keys::layer_version(layer, before));
        }
        loop {
            let rows = self.layer_rows(range.clone()).await?;
            let Some(last) = rows.last().map(|last| last.number) else { break };
            range = range.before(&keys::layer_version(layer, last));
            versions.extend(rows.into_iter().filter(|version| version.matches(wanted)));
            if versions.len() > limit {
                versions.truncate(limit);
                let next = versions.last().map(|version| version.number);
                return Ok(LayerVersionPage { versions, next });
            }
        }
        Ok(LayerVersionPage { versions, next: None })
    }

    /// The layers of an account after the one named `after`, each by its latest version that matches. Layers without
    /// one are left out.
    pub async fn layers(
        &self,
        account: &str,
        region: &str,
        after: Option<&str>,
        limit: usize,
        wanted: &Wanted,
    ) -> Result<LayerPage, Error> {
        let id = |name: &str| LayerId { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() };
        let mut range = keys::layers(account, region).range();
        if let Some(after) = after {
            range = range.after(&keys::layer(&id(after)));
        }
        let mut versions = Vec::new();
        loop {
            let layers = self.rows::<LayerRecord>(range.clone(), ROWS_PAGE).await?;
            let Some((last, _)) = layers.last() else { break };
            range = range.after(last);
            for (key, _) in &layers {
                let name = keys::read_owner(key).map_err(|error| StoreError::Read(error.to_string().into()));
                let layer = id(&name.or_failure()?.name);
                let latest = self.layer_versions(&layer, None, 1, wanted).await?.versions;
                versions.extend(latest);
                if versions.len() > limit {
                    versions.truncate(limit);
                    let next = versions.last().map(|version| version.layer.name.clone());
                    return Ok(LayerPage { versions, next });
                }
            }
        }
        Ok(LayerPage { versions, next: None })
    }

    async fn layer_rows(&self, range: store::KeyRange) -> Result<Vec<LayerVersion>, Error> {
        let store = &self.platform().store;
        let partition = keys::partition().or_failure()?;
        let rows = store.scan(&partition, range, Direction::Backward, ROWS_PAGE).await.or_failure()?;
        let decoded: Result<Vec<_>, StoreError> =
            rows.into_iter().map(|(_, row)| Ok(value::decode(keys::FORMAT, &row)?)).collect();
        decoded.or_failure()
    }
}

/// Whose memory a change of a layer concerns: nobody's, as functions keep what their layers hold.
fn owner(layer: &LayerId) -> FunctionId {
    FunctionId { account: layer.account.clone(), region: layer.region.clone(), name: String::new() }
}

fn publish(rows: &mut dyn Transaction, version: &LayerVersion) -> Result<LayerVersion, Abort<Error>> {
    let layer = &version.layer;
    let mut record: LayerRecord = rows::read(rows, &keys::layer(layer))?.unwrap_or_default();
    record.last_published += 1;
    let published = LayerVersion { number: record.last_published, ..version.clone() };
    rows::put(rows, &keys::layer(layer), &record)?;
    rows::put(rows, &keys::layer_version(layer, published.number), &published)?;
    rows.put(&keys::layer_package(&published.code.digest, layer, published.number), &[]);
    rows::change_usage(rows, &owner(layer), |usage| {
        usage.code_bytes += published.code.size_bytes;
        if usage.code_bytes > CODE_STORAGE_BYTES_MAX { Err(errors::code_storage_exceeded()) } else { Ok(()) }
    })?;
    Ok(published)
}

fn delete(rows: &mut dyn Transaction, layer: &LayerId, number: u64) -> Result<(), Abort<Error>> {
    let key = keys::layer_version(layer, number);
    let Some(version) = rows::read::<LayerVersion>(rows, &key)? else { return Ok(()) };
    rows.delete(&key);
    rows.delete(&keys::layer_policy(layer, number));
    rows.delete(&keys::layer_package(&version.code.digest, layer, number));
    rows::change_usage(rows, &owner(layer), |usage| {
        usage.code_bytes = usage.code_bytes.saturating_sub(version.code.size_bytes);
        Ok(())
    })
}
