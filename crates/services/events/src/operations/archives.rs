//! `CreateArchive`, `DeleteArchive`, `DescribeArchive`, `ListArchives`, `UpdateArchive`.

use std::sync::Arc;

use api::events::{
    Archive as ListedArchive, CreateArchiveRequest, CreateArchiveResponse, DeleteArchiveRequest, DeleteArchiveResponse,
    DescribeArchiveRequest, DescribeArchiveResponse, ListArchivesRequest, ListArchivesResponse, UpdateArchiveRequest,
    UpdateArchiveResponse,
};
use pattern::Pattern;
use platform::{Ctx, OrFailure};
use wire::{Error, Timestamp};

use super::buses::own;
use super::page::{self, Listing};
use crate::errors::{self, exists, invalid, missing, unsupported};
use crate::keys;
use crate::names::BusId;
use crate::records::Archive;
use crate::rows;
use crate::service::{Events, changed, read_bus};

const ENABLED: &str = "ENABLED";

fn source(cx: &Ctx, arn: &str) -> Result<BusId, Error> {
    let bus = BusId::parse(arn).ok_or_else(|| invalid("EventSourceArn", "Provided Arn is not in correct format."))?;
    own(cx, bus)
}

fn check(pattern: Option<&String>) -> Result<(), Error> {
    pattern
        .map_or(Ok(()), |pattern| Pattern::parse(pattern).map(|_| ()).map_err(|malformed| errors::pattern(&malformed)))
}

fn arn(cx: &Ctx, name: &str) -> String {
    cx.arn("events", &format!("archive/{name}"))
}

/// An archive as it is now.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn find(service: &Events, cx: &Ctx, name: &str) -> Result<Archive, Error> {
    let key = keys::archive(&cx.account, &cx.region, name);
    let row = service.store().get(&keys::partition(), &key).await.or_failure()?;
    rows::decode(&row.ok_or_else(|| missing("Archive", name))?)
}

/// Makes an archive of a bus.
///
/// # Errors
/// `ResourceAlreadyExistsException`, `ResourceNotFoundException`, `InvalidEventPatternException`, `ValidationException`.
pub async fn create_archive(
    service: &Arc<Events>,
    cx: &Ctx,
    input: CreateArchiveRequest,
) -> Result<CreateArchiveResponse, Error> {
    if input.kms_key_identifier.is_some() {
        return Err(unsupported("KmsKeyIdentifier"));
    }
    let bus = source(cx, &input.event_source_arn)?;
    check(input.event_pattern.as_ref())?;
    let (now, version) = (service.now(), service.version());
    let archive = Archive {
        id: service.platform.ids.uuid(),
        name: input.archive_name.clone(),
        source: bus.arn(),
        description: input.description,
        pattern: input.event_pattern,
        retention_days: input.retention_days.unwrap_or_default(),
        created: now,
        ..Archive::default()
    };
    let key = keys::archive(&cx.account, &cx.region, &archive.name);
    let made = service.transact(move |rows| {
        read_bus(rows, &bus)?;
        if rows.get(&key)?.is_some() {
            return Err(exists("Archive", &archive.name).into());
        }
        rows::put(rows, &key, &archive)?;
        changed(rows, &bus, version, 0).map(|_| ())
    });
    made.await?;
    Ok(CreateArchiveResponse {
        archive_arn: Some(arn(cx, &input.archive_name)),
        state: Some(ENABLED.to_owned()),
        creation_time: Some(Timestamp::from_milliseconds(now)),
        ..Default::default()
    })
}

/// Changes an archive.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidEventPatternException`, `ValidationException`.
pub async fn update_archive(
    service: &Arc<Events>,
    cx: &Ctx,
    input: UpdateArchiveRequest,
) -> Result<UpdateArchiveResponse, Error> {
    if input.kms_key_identifier.is_some() {
        return Err(unsupported("KmsKeyIdentifier"));
    }
    check(input.event_pattern.as_ref())?;
    let (version, name) = (service.version(), input.archive_name.clone());
    let key = keys::archive(&cx.account, &cx.region, &name);
    let done = service.transact(move |rows| {
        let known: Option<Archive> = rows::read(rows, &key)?;
        let mut archive = known.ok_or_else(|| missing("Archive", &input.archive_name))?;
        archive.description = input.description.clone().or(archive.description);
        archive.pattern = input.event_pattern.clone().or(archive.pattern);
        archive.retention_days = input.retention_days.unwrap_or(archive.retention_days);
        rows::put(rows, &key, &archive)?;
        if let Some(bus) = BusId::parse(&archive.source) {
            changed(rows, &bus, version, 0)?;
        }
        Ok(archive.created)
    });
    let created = done.await?;
    Ok(UpdateArchiveResponse {
        archive_arn: Some(arn(cx, &name)),
        state: Some(ENABLED.to_owned()),
        creation_time: Some(Timestamp::from_milliseconds(created)),
        ..Default::default()
    })
}

/// Deletes an archive with its events.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn delete_archive(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DeleteArchiveRequest,
) -> Result<DeleteArchiveResponse, Error> {
    let version = service.version();
    let key = keys::archive(&cx.account, &cx.region, &input.archive_name);
    let deleted = service.transact(move |rows| {
        let known: Option<Archive> = rows::read(rows, &key)?;
        let archive = known.ok_or_else(|| missing("Archive", &input.archive_name))?;
        rows.delete(&key);
        if let Some(bus) = BusId::parse(&archive.source) {
            changed(rows, &bus, version, 0)?;
        }
        Ok(archive.id)
    });
    let id = deleted.await?;
    service.store().delete_range(&keys::partition(), keys::archived_all(&id).range()).await.or_failure()?;
    Ok(DeleteArchiveResponse::default())
}

/// Describes an archive.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_archive(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DescribeArchiveRequest,
) -> Result<DescribeArchiveResponse, Error> {
    let archive = find(service, cx, &input.archive_name).await?;
    Ok(DescribeArchiveResponse {
        archive_arn: Some(arn(cx, &archive.name)),
        archive_name: Some(archive.name),
        event_source_arn: Some(archive.source),
        description: archive.description,
        event_pattern: archive.pattern,
        state: Some(ENABLED.to_owned()),
        retention_days: Some(archive.retention_days),
        size_bytes: Some(archive.bytes),
        event_count: Some(archive.count),
        creation_time: Some(Timestamp::from_milliseconds(archive.created)),
        ..Default::default()
    })
}

/// Lists archives.
///
/// # Errors
/// `ResourceNotFoundException` for a bus, `ValidationException`.
pub async fn list_archives(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListArchivesRequest,
) -> Result<ListArchivesResponse, Error> {
    if let Some(arn) = &input.event_source_arn {
        service.bus(&source(cx, arn)?).await?;
    }
    let listing = Listing {
        all: keys::archives(&cx.account, &cx.region),
        name_prefix: input.name_prefix.as_deref(),
        limit: input.limit,
        token: input.next_token.as_deref(),
    };
    let wanted = |archive: &Archive| {
        input.event_source_arn.as_ref().is_none_or(|arn| *arn == archive.source)
            && input.state.as_ref().is_none_or(|state| state == ENABLED)
    };
    let (found, next_token) = page::read::<Archive>(service, listing, wanted).await?;
    let view = |(name, archive): (String, Archive)| ListedArchive {
        archive_name: Some(name),
        event_source_arn: Some(archive.source),
        state: Some(ENABLED.to_owned()),
        retention_days: Some(archive.retention_days),
        size_bytes: Some(archive.bytes),
        event_count: Some(archive.count),
        creation_time: Some(Timestamp::from_milliseconds(archive.created)),
        ..Default::default()
    };
    Ok(ListArchivesResponse { archives: Some(found.into_iter().map(view).collect()), next_token })
}
