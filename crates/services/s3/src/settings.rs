//! Configurations of a bucket that are kept as the API has them: each in a row of its own, as JSON by the members' names.

use api::ReadStructure;
use api::s3::{
    AnalyticsConfiguration, BucketLifecycleConfiguration, CORSConfiguration, IntelligentTieringConfiguration,
    InventoryConfiguration, LoggingEnabled, MetricsConfiguration, WebsiteConfiguration,
};
use platform::OrFailure;
use store::{Abort, Direction, StoreError, Transaction};
use wire::Error;
use wire::codec::Writer;
use wire::codec::json::{JsonReader, JsonWriter};

use crate::keys;
use crate::service::S3;

/// A configuration.
pub trait Setting: ReadStructure + Sync {
    /// What tells it from the others in its key.
    const KIND: &'static str;
}

macro_rules! settings {
    ($($setting:ty => $kind:literal),* $(,)?) => {
        $(impl Setting for $setting {
            const KIND: &'static str = $kind;
        })*
    };
}

settings! {
    AnalyticsConfiguration => "analytics",
    BucketLifecycleConfiguration => "lifecycle",
    CORSConfiguration => "cors",
    IntelligentTieringConfiguration => "intelligent-tiering",
    InventoryConfiguration => "inventory",
    LoggingEnabled => "logging",
    MetricsConfiguration => "metrics",
    WebsiteConfiguration => "website",
}

/// Where there is one of a kind, it has no id.
pub const ONLY: &str = "";

fn encode<T: Setting>(setting: &T) -> Vec<u8> {
    let mut writer = JsonWriter::new();
    writer.begin_structure(setting.shape());
    setting.write_members(&mut writer);
    writer.end_structure();
    [&[keys::FORMAT], writer.finish().as_bytes()].concat()
}

fn decode<T: Setting>(row: &[u8]) -> Result<T, Error> {
    let unreadable = |reason: String| StoreError::Read(reason.into());
    let read = || {
        let [keys::FORMAT, json @ ..] = row else {
            return Err(unreadable("a configuration of another format".to_owned()));
        };
        let mut reader = JsonReader::new(json, wire::codec::json::Wording::Class);
        let reader = reader.as_mut().map_err(|error| unreadable(error.to_string()))?;
        api::read_structure(reader).map_err(|error| unreadable(error.to_string()))
    };
    read().or_failure()
}

/// Writes a configuration inside a transaction.
pub fn put<T: Setting>(rows: &mut dyn Transaction, id: &str, setting: &T) {
    rows.put(&keys::setting(T::KIND, id), &encode(setting));
}

/// Removes one inside a transaction; tells whether there was one.
///
/// # Errors
/// A failure of the store.
pub fn remove<T: Setting>(rows: &mut dyn Transaction, id: &str) -> Result<bool, Abort<Error>> {
    let key = keys::setting(T::KIND, id);
    let found = rows.get(&key)?.is_some();
    rows.delete(&key);
    Ok(found)
}

impl S3 {
    /// A configuration of a bucket.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn setting<T: Setting>(&self, bucket: &str, id: &str) -> Result<Option<T>, Error> {
        let key = keys::setting(T::KIND, id);
        let row = self.platform.store.get(&keys::bucket_partition(bucket), &key).await.or_failure()?;
        row.map(|row| decode(&row)).transpose()
    }

    /// Gives a bucket a configuration.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) async fn put_setting<T: Setting>(&self, bucket: &str, setting: T) -> Result<(), Error> {
        self.on_bucket(bucket, move |_, rows| {
            put(rows, ONLY, &setting);
            Ok(())
        })
        .await
    }

    /// Takes a configuration away.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) async fn remove_setting<T: Setting>(&self, bucket: &str) -> Result<(), Error> {
        self.on_bucket(bucket, move |_, rows| remove::<T>(rows, ONLY).map(|_| ())).await
    }

    /// Configurations of a kind behind the one with this id, at most so many.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn settings_after<T: Setting>(
        &self,
        bucket: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<T>, Error> {
        let mut range = keys::settings(T::KIND);
        if let Some(after) = after {
            range = range.after(&keys::setting(T::KIND, after));
        }
        let partition = keys::bucket_partition(bucket);
        let found = self.platform.store.scan(&partition, range, Direction::Forward, max).await.or_failure()?;
        found.iter().map(|(_, row)| decode(row)).collect()
    }
}
