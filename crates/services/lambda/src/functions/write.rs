//! Changing functions: each change is one transaction. Those that may change what invocations run are announced once
//! they are durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use blob::Digest;
use platform::OrFailure;
use store::{Abort, Transaction};
use wire::Error;

use super::aliases;
use super::rows;
use super::{FunctionChange, Functions};
use crate::code_signing;
use crate::errors;
use crate::function::{
    CodePackage, Configuration, Failure, FunctionId, FunctionRecord, FunctionVersion, LastUpdate, State, Version,
    VersionRecord,
};
use crate::keys;
use crate::to_the_end;
use crate::urls::FunctionUrl;

/// A function to be created.
#[derive(Debug, Clone)]
pub struct NewFunction {
    /// Its name.
    pub id: FunctionId,
    /// What the user has set.
    pub configuration: Configuration,
    /// Its package, which the blob store already holds.
    pub code: CodePackage,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether version 1 is published along with it.
    pub publish: bool,
    /// ARN of its code signing configuration.
    pub code_signing: Option<String>,
}

/// The result of a change of `$LATEST`.
#[derive(Debug, Clone)]
pub struct Change {
    /// `$LATEST` as described now.
    pub latest: FunctionVersion,
    /// The version published along with it, and whether it is a new one.
    pub published: Option<Published>,
}

/// A published version.
#[derive(Debug, Clone)]
pub struct Published {
    /// The version.
    pub version: FunctionVersion,
    /// False if nothing had changed since it was published.
    pub is_new: bool,
}

/// Conditions of a change and what goes along with it.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The revision the caller has seen.
    pub revision_id: Option<String>,
    /// Whether a version is published along with it.
    pub publish: bool,
}

/// A version to be published from `$LATEST` as it is.
#[derive(Debug, Clone, Default)]
pub struct Publication {
    /// The revision the caller has seen.
    pub revision_id: Option<String>,
    /// The package the caller has seen: base64 of its SHA-256.
    pub code_sha256: Option<String>,
    /// The version's own description.
    pub description: Option<String>,
}

/// What a transaction must not draw itself, because it may run again.
#[derive(Debug, Clone)]
struct Stamp {
    deployment: String,
    published_deployment: String,
    latest_revision: String,
    published_revision: String,
    now: i64,
}

impl Functions {
    /// Creates a function. It is pending until its deployment is finished.
    ///
    /// # Errors
    /// `ResourceConflictException` if there is one of this name, `CodeStorageExceededException`.
    pub async fn create(&self, new: NewFunction) -> Result<Change, Error> {
        let (id, stamp) = (new.id.clone(), self.stamp());
        self.commit(&id, None, move |rows| create(rows, &new, &stamp)).await
    }

    /// Changes `$LATEST`: `apply` gets it as described and returns it changed. Invocations run what they ran before until
    /// the deployment is finished.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `PreconditionFailedException`, `ResourceConflictException` while another change is
    /// under way, `CodeStorageExceededException`, and what `apply` returns.
    pub async fn edit<F>(&self, id: &FunctionId, edit: Edit, apply: F) -> Result<Change, Error>
    where
        F: Fn(FunctionVersion) -> Result<FunctionVersion, Error> + Send + Sync + 'static,
    {
        let (key, stamp) = (id.clone(), self.stamp());
        self.commit(id, None, move |rows| change_latest(rows, &key, &edit, &stamp, &apply)).await
    }

    /// What [`Functions::edit`] would make of `$LATEST`; nothing changes.
    ///
    /// # Errors
    /// As [`Functions::edit`].
    pub async fn preview<F>(&self, id: &FunctionId, edit: &Edit, apply: F) -> Result<FunctionVersion, Error>
    where
        F: FnOnce(FunctionVersion) -> Result<FunctionVersion, Error>,
    {
        let record = self.version(id, Version::Latest).await?;
        let latest = record.ok_or_else(|| errors::function_not_found(id, None))?.described;
        check_revision(&latest, edit.revision_id.as_deref())?;
        check_settled(&latest)?;
        apply(latest)
    }

    /// Publishes `$LATEST` as it is, if it has changed since the version published last.
    ///
    /// # Errors
    /// As [`Functions::edit`], and `InvalidParameterValueException` for another package than the caller has seen.
    pub async fn publish(&self, id: &FunctionId, publication: Publication) -> Result<Published, Error> {
        let (key, stamp) = (id.clone(), self.stamp());
        self.commit(id, None, move |rows| publish(rows, &key, &publication, &stamp)).await
    }

    /// Records how making a version ready has ended. Nothing happens if it was changed or deleted meanwhile.
    pub async fn finish(&self, version: &FunctionVersion, outcome: Result<(), Failure>) -> Result<(), Error> {
        let (key, number, deployment) = (version.function.clone(), version.version, version.deployment.clone());
        let (change, stamp) = (FunctionChange::Changed(key.clone(), number), self.stamp());
        let closure = move |rows: &mut dyn Transaction| finish(rows, &key, number, &deployment, &outcome, &stamp);
        self.commit(&version.function, Some(change), closure).await
    }

    /// Deletes a function with all its versions.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub async fn delete(&self, id: &FunctionId) -> Result<(), Error> {
        let key = id.clone();
        self.commit(id, Some(FunctionChange::Deleted(id.clone())), move |rows| delete(rows, &key)).await
    }

    /// Deletes a published version; it need not exist.
    ///
    /// # Errors
    /// `ResourceNotFoundException` if there is no such function.
    pub async fn delete_version(&self, id: &FunctionId, number: u64) -> Result<(), Error> {
        let (key, version) = (id.clone(), Version::Published(number));
        let change = FunctionChange::VersionDeleted(id.clone(), version);
        self.commit(id, Some(change), move |rows| delete_version(rows, &key, version)).await
    }

    /// Changes the tags of a function.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, and what `apply` returns.
    pub async fn edit_tags<F>(&self, id: &FunctionId, apply: F) -> Result<(), Error>
    where
        F: Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync + 'static,
    {
        let (key, stamp) = (id.clone(), self.stamp());
        self.commit(id, None, move |rows| {
            let mut function = rows::function(rows, &key)?;
            apply(&mut function.tags)?;
            rows::put(rows, &keys::function(&key), &function)?;
            let mut record = rows::latest(rows, &key)?;
            record.described.revision_id.clone_from(&stamp.latest_revision);
            rows::put(rows, &keys::version(&key, Version::Latest), &record)
        })
        .await
    }

    /// Runs a transaction and makes its outcome known, to the end even if the caller goes away: memory never lags behind
    /// the store.
    pub(crate) async fn commit<R, F>(
        &self,
        id: &FunctionId,
        change: Option<FunctionChange>,
        closure: F,
    ) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let (store, partition, id) = (self.platform.store.clone(), self.partition.clone(), id.clone());
        let (cache, changes) = (Arc::clone(&self.cache), self.changes.clone());
        to_the_end(async move {
            let outcome = store.transact(&partition, closure).await.or_failure();
            // Even a failed transaction may turn out to have been kept.
            cache.invalidate(&id);
            if let Some(change) = change.filter(|_| outcome.is_ok()) {
                // Nobody may be listening, which is no error.
                let _ = changes.send(change);
            }
            outcome
        })
        .await
    }

    /// Runs a transaction that concerns no single function.
    pub(crate) async fn change<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }

    fn stamp(&self) -> Stamp {
        let ids = &self.platform.ids;
        Stamp {
            deployment: ids.uuid(),
            published_deployment: ids.uuid(),
            latest_revision: ids.uuid(),
            published_revision: ids.uuid(),
            now: self.platform.clock.milliseconds(),
        }
    }
}

fn create(rows: &mut dyn Transaction, new: &NewFunction, stamp: &Stamp) -> Result<Change, Abort<Error>> {
    let id = &new.id;
    if rows.get(&keys::function(id))?.is_some() {
        return Err(errors::conflict(format!("Function already exist: {}", id.name)).into());
    }
    let latest = FunctionVersion {
        function: id.clone(),
        version: Version::Latest,
        configuration: new.configuration.clone(),
        code: new.code.clone(),
        deployment: stamp.deployment.clone(),
        revision_id: stamp.latest_revision.clone(),
        last_modified: stamp.now,
        state: State::Pending,
        last_update: None,
    };
    if let Some(arn) = &new.code_signing {
        let config = code_signing::read(rows, &id.account, &id.region, arn)?;
        config.check_unsigned(id)?;
        rows::put(rows, &keys::function_code_signing(id), &config.id)?;
    }
    rows::change_usage(rows, id, |usage| {
        usage.functions += 1;
        Ok(())
    })?;
    rows::replace_version(rows, id, Version::Latest, None, Some(&VersionRecord::new(latest.clone())))?;
    rows::mark_deployment(rows, id, Version::Latest);
    let mut function = FunctionRecord { tags: new.tags.clone(), ..FunctionRecord::default() };
    let published = if new.publish { Some(add_version(rows, &mut function, &latest, stamp)?) } else { None };
    rows::put(rows, &keys::function(id), &function)?;
    Ok(Change { latest, published })
}

fn change_latest(
    rows: &mut dyn Transaction,
    id: &FunctionId,
    edit: &Edit,
    stamp: &Stamp,
    apply: &dyn Fn(FunctionVersion) -> Result<FunctionVersion, Error>,
) -> Result<Change, Abort<Error>> {
    let before = rows::latest(rows, id)?;
    check_revision(&before.described, edit.revision_id.as_deref())?;
    check_settled(&before.described)?;
    let mut latest = apply(before.described.clone())?;
    latest.deployment.clone_from(&stamp.deployment);
    latest.revision_id.clone_from(&stamp.latest_revision);
    latest.last_modified = stamp.now;
    // A function that has never been ready has nothing to serve meanwhile: it is made ready as if it were new.
    let serving = match latest.state {
        State::Active => {
            latest.last_update = Some(LastUpdate::InProgress);
            Some(before.clone().runnable())
        }
        State::Pending | State::Failed(_) => {
            latest.state = State::Pending;
            None
        }
    };
    let record = VersionRecord { described: latest.clone(), serving };
    rows::replace_version(rows, id, Version::Latest, Some(&before), Some(&record))?;
    rows::mark_deployment(rows, id, Version::Latest);
    let mut published = None;
    if edit.publish {
        let mut function = rows::function(rows, id)?;
        published = Some(publish_if_changed(rows, &mut function, &latest, stamp)?);
        rows::put(rows, &keys::function(id), &function)?;
    }
    Ok(Change { latest, published })
}

fn publish(
    rows: &mut dyn Transaction,
    id: &FunctionId,
    publication: &Publication,
    stamp: &Stamp,
) -> Result<Published, Abort<Error>> {
    let mut function = rows::function(rows, id)?;
    let mut record = rows::latest(rows, id)?;
    check_revision(&record.described, publication.revision_id.as_deref())?;
    check_settled(&record.described)?;
    check_ready(&record.described)?;
    let current = record.described.code.sha256();
    if let Some(given) = publication.code_sha256.as_deref().filter(|given| *given != current) {
        let text = format!(
            "CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). \
             Please try again with the CodeSHA256 in $LATEST."
        );
        return Err(errors::invalid_parameter(text).into());
    }
    let mut published = publish_if_changed(rows, &mut function, &record.described, stamp)?;
    if published.is_new {
        if let Some(description) = &publication.description {
            published.version.configuration.description.clone_from(description);
            let row = VersionRecord::new(published.version.clone());
            rows::put(rows, &keys::version(id, published.version.version), &row)?;
        }
        record.described.revision_id.clone_from(&stamp.latest_revision);
        rows::put(rows, &keys::version(id, Version::Latest), &record)?;
        rows::put(rows, &keys::function(id), &function)?;
    }
    Ok(published)
}

/// The next version of what `$LATEST` describes, or the last one if nothing has changed since.
fn publish_if_changed(
    rows: &mut dyn Transaction,
    function: &mut FunctionRecord,
    latest: &FunctionVersion,
    stamp: &Stamp,
) -> Result<Published, Abort<Error>> {
    let last = Version::Published(function.last_published);
    if function.published_content == Some(content(latest)) {
        let unchanged: Option<VersionRecord> = rows::read(rows, &keys::version(&latest.function, last))?;
        if let Some(unchanged) = unchanged {
            return Ok(Published { version: unchanged.described, is_new: false });
        }
    }
    add_version(rows, function, latest, stamp)
}

fn add_version(
    rows: &mut dyn Transaction,
    function: &mut FunctionRecord,
    latest: &FunctionVersion,
    stamp: &Stamp,
) -> Result<Published, Abort<Error>> {
    if function.last_published >= Functions::VERSIONS_MAX {
        let text = format!("A function can have at most {} versions.", Functions::VERSIONS_MAX);
        return Err(errors::invalid_parameter(text).into());
    }
    function.last_published += 1;
    function.published_content = Some(content(latest));
    let number = Version::Published(function.last_published);
    let mut version = latest.clone();
    version.version = number;
    version.deployment.clone_from(&stamp.published_deployment);
    version.revision_id.clone_from(&stamp.published_revision);
    version.last_modified = stamp.now;
    let is_ready = latest.state == State::Active && latest.last_update == Some(LastUpdate::Successful);
    if !is_ready {
        version.state = State::Pending;
        version.last_update = None;
        rows::mark_deployment(rows, &latest.function, number);
    }
    let record = VersionRecord::new(version.clone());
    rows::replace_version(rows, &latest.function, number, None, Some(&record))?;
    Ok(Published { version, is_new: true })
}

fn finish(
    rows: &mut dyn Transaction,
    id: &FunctionId,
    version: Version,
    deployment: &str,
    outcome: &Result<(), Failure>,
    stamp: &Stamp,
) -> Result<(), Abort<Error>> {
    let before: Option<VersionRecord> = rows::read(rows, &keys::version(id, version))?;
    let Some(before) = before.filter(|record| record.described.deployment == deployment) else { return Ok(()) };
    let mut after = before.clone();
    let described = &mut after.described;
    described.revision_id.clone_from(&stamp.latest_revision);
    match (outcome, &described.state) {
        (Ok(()), _) => {
            described.state = State::Active;
            described.last_update = Some(LastUpdate::Successful);
            after.serving = None;
        }
        (Err(failure), State::Active) => described.last_update = Some(LastUpdate::Failed(failure.clone())),
        (Err(failure), State::Pending | State::Failed(_)) => described.state = State::Failed(failure.clone()),
    }
    rows.delete(&keys::deployment(id, version));
    rows::replace_version(rows, id, version, Some(&before), Some(&after))
}

fn delete(rows: &mut dyn Transaction, id: &FunctionId) -> Result<(), Abort<Error>> {
    rows::function(rows, id)?;
    let prefix = keys::versions(id).range();
    let limit = Functions::VERSIONS_MAX as usize + 1;
    for (_, row) in rows.scan(prefix, store::Direction::Forward, limit)? {
        let record: VersionRecord = rows::decode(&row)?;
        let version = record.described.version;
        rows::replace_version(rows, id, version, Some(&record), None)?;
        rows.delete(&keys::deployment(id, version));
    }
    for (_, row) in rows.scan(keys::urls(id).range(), store::Direction::Forward, limit)? {
        let url: FunctionUrl = rows::decode(&row)?;
        rows.delete(&keys::url(id, url.alias.as_deref()));
        rows.delete(&keys::url_by_id(&url.id));
    }
    rows.delete(&keys::function(id));
    rows.delete(&keys::reservation(id));
    rows.delete(&keys::function_code_signing(id));
    let further = [
        keys::aliases(id),
        keys::policies(id),
        keys::event_invokes(id),
        keys::runtime_managements(id),
        keys::provisioned_of(id),
    ];
    further.into_iter().for_each(|key| rows.delete_range(key.range()));
    rows::change_usage(rows, id, |usage| {
        usage.functions = usage.functions.saturating_sub(1);
        Ok(())
    })
}

fn delete_version(rows: &mut dyn Transaction, id: &FunctionId, version: Version) -> Result<(), Abort<Error>> {
    rows::function(rows, id)?;
    let record: Option<VersionRecord> = rows::read(rows, &keys::version(id, version))?;
    aliases::check_unreferenced(rows, id, version)?;
    rows.delete(&keys::policy(id, Some(&version.to_string())));
    rows.delete(&keys::event_invoke(id, &version.to_string()));
    rows.delete(&keys::provisioned(id, &version.to_string()));
    rows.delete(&keys::runtime_management(id, version));
    if let Some(record) = record {
        rows::replace_version(rows, id, version, Some(&record), None)?;
        rows.delete(&keys::deployment(id, version));
    }
    Ok(())
}

fn check_revision(latest: &FunctionVersion, seen: Option<&str>) -> Result<(), Error> {
    match seen {
        Some(seen) if seen != latest.revision_id => Err(errors::stale_revision()),
        Some(_) | None => Ok(()),
    }
}

/// One change at a time.
fn check_settled(latest: &FunctionVersion) -> Result<(), Error> {
    if latest.state == State::Pending {
        return Err(unsuitable_state("Pending"));
    }
    if latest.last_update == Some(LastUpdate::InProgress) {
        return Err(errors::update_in_progress(&latest.arn()));
    }
    Ok(())
}

fn check_ready(latest: &FunctionVersion) -> Result<(), Error> {
    let failed = matches!(latest.state, State::Failed(_)) || matches!(latest.last_update, Some(LastUpdate::Failed(_)));
    if failed { Err(unsuitable_state("Failed")) } else { Ok(()) }
}

fn unsuitable_state(state: &str) -> Error {
    errors::conflict(format!(
        "The operation cannot be performed at this time. The function is currently in the following state: {state}"
    ))
}

/// A short name for all that a published version takes from `$LATEST`.
fn content(latest: &FunctionVersion) -> String {
    let mut configuration = latest.configuration.clone();
    configuration.environment = configuration.environment.map(|environment| environment.identity());
    let text = serde_json::to_vec(&(&configuration, &latest.code));
    Digest::of(&text.expect("the records have only text keys, so that they always have a JSON form")).to_string()
}
