//! Acting on the rules, step by step.

use std::sync::Arc;

use api::s3::BucketLifecycleConfiguration;
use platform::{Firing, OrFailure, Timer, TimerPartition};
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, KeyRange, Transaction};
use wire::{Error, Timestamp};

use super::plan::{Act, plan};
use super::{Rules, keeps_versions, midnight_after};
use crate::bucket::{Bucket, Versioning};
use crate::event::{Kind, Occasion};
use crate::keys;
use crate::limits::{LIFECYCLE_STEP_ROWS, LIFECYCLE_VERSIONS_MAX};
use crate::rows;
use crate::service::S3;
use crate::settings::ONLY;
use crate::version::{Upload, Version};
use crate::versions;

/// The kind of the timers.
pub const KIND: &str = "s3/lifecycle";

/// The id of a bucket's timer.
pub const TIMER: &str = "lifecycle";

/// How far a run has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The bucket.
    bucket: String,
    /// Its id: another one of its name has rules of its own.
    id: String,
    /// The last key whose versions were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    versions_after: Option<String>,
    /// The last upload that was looked at, once all versions were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uploads_after: Option<(String, String)>,
}

/// What a step found out.
enum Step {
    /// There is more to look at.
    More(Progress),
    /// The run is over.
    Done,
}

impl Progress {
    /// The begin of a run.
    pub fn new(bucket: &str, id: &str) -> Progress {
        Progress { bucket: bucket.to_owned(), id: id.to_owned(), ..Progress::default() }
    }

    /// The timer of the run, or of its next step.
    pub fn timer(&self, timers: &TimerPartition, due: Timestamp) -> Timer {
        let payload = serde_json::json!({
            "bucket": self.bucket, "id": self.id,
            "versions_after": self.versions_after, "uploads_after": self.uploads_after,
        });
        timers.timer(TIMER, due, KIND, payload)
    }
}

impl S3 {
    /// The rules of a bucket that are in force, if it has any.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn lifecycle(&self, name: &str, bucket: &Bucket) -> Result<Option<Rules>, Error> {
        let Some(keeps_small) = bucket.lifecycle_keeps_small else { return Ok(None) };
        let found: Option<BucketLifecycleConfiguration> = self.setting(name, ONLY).await?;
        Ok(found.map(|found| Rules::of(found, keeps_small)).filter(|rules| !rules.is_empty()))
    }

    async fn step(&self, rules: &Rules, progress: &Progress, occasion: &Occasion, now: i64) -> Result<Step, Error> {
        if progress.uploads_after.is_none() {
            let seen = self.age_versions(rules, progress, occasion, now).await?;
            if let Some(key) = seen {
                return Ok(Step::More(Progress { versions_after: Some(key), ..progress.clone() }));
            }
        }
        let seen = self.abandon_uploads(rules, progress, now).await?;
        Ok(seen.map_or(Step::Done, |last| Step::More(Progress { uploads_after: Some(last), ..progress.clone() })))
    }

    /// Acts on the versions of some keys; answers the last of them if there are more.
    async fn age_versions(
        &self,
        rules: &Rules,
        progress: &Progress,
        occasion: &Occasion,
        now: i64,
    ) -> Result<Option<String>, Error> {
        let mut range = keys::versions("");
        if let Some(key) = &progress.versions_after {
            range = range.after(&keys::version(key, 0));
        }
        let found = self.some(progress, range).await?;
        let mut seen: Vec<String> = Vec::new();
        for (row_key, _) in &found {
            let key = rows::key_part(keys::read_object(row_key))?;
            if seen.last() != Some(&key) {
                seen.push(key);
            }
        }
        for key in &seen {
            let aging = Aging { rules: rules.clone(), key: key.clone(), occasion: occasion.clone(), now };
            self.on_bucket(&progress.bucket, move |bucket, rows| aging.run(rows, bucket)).await?;
        }
        Ok(seen.pop().filter(|_| found.len() == LIFECYCLE_STEP_ROWS))
    }

    /// Abandons uploads; answers the last one looked at if there are more.
    async fn abandon_uploads(
        &self,
        rules: &Rules,
        progress: &Progress,
        now: i64,
    ) -> Result<Option<(String, String)>, Error> {
        let mut range = keys::uploads("");
        if let Some((key, id)) = &progress.uploads_after {
            range = range.after(&keys::upload(key, id));
        }
        let found = self.some(progress, range).await?;
        let mut last = None;
        for (row_key, row) in &found {
            let key = rows::key_part(keys::read_object(row_key))?;
            let upload: Upload = rows::decode(row)?;
            if rules.abandonment(&key, upload.initiated).is_some_and(|(at, _)| at <= now) {
                let (key, id) = (key.clone(), upload.id.clone());
                self.on_bucket(&progress.bucket, move |_, rows| {
                    rows.delete(&keys::upload(&key, &id));
                    rows.delete_range(keys::parts_of(&id));
                    Ok(())
                })
                .await?;
            }
            last = Some((key, upload.id));
        }
        Ok(last.filter(|_| found.len() == LIFECYCLE_STEP_ROWS))
    }

    async fn some(&self, progress: &Progress, range: KeyRange) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, Error> {
        let partition = keys::bucket_partition(&progress.bucket);
        let found = self.platform.store.scan(&partition, range, Direction::Forward, LIFECYCLE_STEP_ROWS).await;
        found.or_failure()
    }
}

/// Acts on a bucket's rules when its timer fires.
///
/// # Errors
/// A failure of the store: the step is taken again later.
pub async fn fire(service: Arc<S3>, firing: Firing) -> Result<(), Error> {
    let Ok(progress) = serde_json::from_value::<Progress>(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "a lifecycle run of an unknown format is dropped");
        return Ok(());
    };
    // A bucket of the same name may have been made meanwhile: it has a timer of its own.
    let bucket = service.find_bucket(&progress.bucket).await?.filter(|bucket| bucket.id == progress.id);
    let Some(bucket) = bucket else { return Ok(()) };
    let Some(rules) = service.lifecycle(&progress.bucket, &bucket).await? else { return Ok(()) };
    let now = service.platform.clock.milliseconds();
    let occasion = Occasion::quiet(&service, &progress.bucket, &bucket).await?;
    let (next, due) = match service.step(&rules, &progress, &occasion, now).await? {
        Step::More(next) => (next, now),
        Step::Done => (Progress::new(&progress.bucket, &progress.id), midnight_after(now, 0)),
    };
    let timers = service.platform.timers.partition(&firing.partition).await.or_failure()?;
    let timer = next.timer(&timers, Timestamp::from_milliseconds(due));
    let set = service.transact(firing.partition.clone(), move |rows| {
        if firing.complete(rows)? {
            timers.set(rows, &timer)?;
        }
        Ok(())
    });
    set.await
}

/// The work on the versions of a key.
struct Aging {
    rules: Rules,
    key: String,
    occasion: Occasion,
    now: i64,
}

impl Aging {
    fn run(&self, rows: &mut dyn Transaction, bucket: &Bucket) -> Result<(), Abort<Error>> {
        let range = keys::versions_of(&self.key);
        let found = rows.scan(range, Direction::Forward, LIFECYCLE_VERSIONS_MAX)?;
        let all = found.iter().map(|(_, row)| rows::decode(row)).collect::<Result<Vec<Version>, Error>>()?;
        for act in plan(&self.rules, &self.key, &all, keeps_versions(bucket), self.now) {
            let of = |sequence: u64| all.iter().find(|version| version.sequence == sequence);
            match act {
                Act::Expire if bucket.versioning == Versioning::Never => self.remove(rows, bucket, all.first())?,
                Act::Expire => self.cover(rows, bucket)?,
                Act::Remove(sequence) => self.remove(rows, bucket, of(sequence))?,
                Act::Move(sequence, class) => {
                    let Some(version) = of(sequence) else { continue };
                    let mut version = version.clone();
                    version.description.storage_class = Some(class.to_owned());
                    let is_newest = all.first().is_some_and(|newest| newest.sequence == sequence);
                    versions::save(rows, &self.key, &version, is_newest)?;
                    self.occasion.tell(rows, bucket, Kind::Transition, &self.key, &version)?;
                }
            }
        }
        Ok(())
    }

    fn remove(
        &self,
        rows: &mut dyn Transaction,
        bucket: &Bucket,
        version: Option<&Version>,
    ) -> Result<(), Abort<Error>> {
        let Some(version) = version else { return Ok(()) };
        versions::remove(rows, &self.key, version)?;
        let gone = Version { sequence: versions::sequence_after(self.now, Some(version)), ..version.clone() };
        self.occasion.tell(rows, bucket, Kind::ExpirationDelete, &self.key, &gone)
    }

    /// Puts a delete marker over the object.
    fn cover(&self, rows: &mut dyn Transaction, bucket: &Bucket) -> Result<(), Abort<Error>> {
        // Its id follows from what it is, so that a transaction that is run again makes the same one.
        let id = blob::Digest::of(format!("{} expired at {}", self.key, self.now).as_bytes()).to_string();
        let marker = Version::marker(&bucket.owner, self.now);
        let marker = versions::add(rows, bucket, &self.key, marker, &id[..versions::ID_CHARACTERS])?;
        self.occasion.tell(rows, bucket, Kind::ExpirationMarkerCreated, &self.key, &marker)
    }
}
