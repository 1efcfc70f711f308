//! `CreateEventSourceMapping`, `UpdateEventSourceMapping`, `GetEventSourceMapping`, `ListEventSourceMappings` and
//! `DeleteEventSourceMapping`.

mod settings;
mod source;

use std::sync::Arc;

use api::lambda::{
    CreateEventSourceMappingRequest, DeleteEventSourceMappingRequest, EventSourceMappingConfiguration,
    GetEventSourceMappingRequest, ListEventSourceMappingsRequest, ListEventSourceMappingsResponse,
    UpdateEventSourceMappingRequest,
};
use platform::Ctx;
use store::{Direction, Transaction};
use wire::Error;

use super::{marker, tags};
use crate::event_source::settle_soon;
use crate::function::FunctionVersion;
use crate::functions::{self, rows};
use crate::mapping::{Mapping, State};
use crate::{Lambda, errors, keys, names};
use settings::Kind;

/// Most mappings looked at for one with the same source and function; an account has no more of them in a region.
const MAPPINGS_MAX: usize = 10_000;
/// Mappings on a page unless set, and at most. API reference, ListEventSourceMappings.
const PAGE_MAX: i32 = 100;
/// The answer about a mapping that does not exist.
const ABSENT: &str = "The resource you requested does not exist.";

/// Makes a mapping; it is at work soon.
pub async fn create_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CreateEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    let source = input.event_source_arn.clone().unwrap_or_default();
    let kind = Kind::of_source(&source)?;
    settings::refuse_unsupported(&input, kind)?;
    let target = names::target(cx, &input.function_name, None)?;
    let tags = input.tags.clone().unwrap_or_default();
    tags::check(&tags)?;
    let settings = settings::of_creation(&input, kind)?;
    let mapping = Mapping {
        uuid: cx.platform.ids.uuid(),
        account: cx.account.clone(),
        region: cx.region.clone(),
        function: target.function,
        qualifier: target.qualifier,
        source_arn: source,
        batch_size: settings.batch_size,
        window_seconds: settings.window_seconds,
        filters: settings::filters(input.filter_criteria.as_ref())?,
        reports_failures: settings::reports_failures(input.function_response_types.as_deref()),
        maximum_concurrency: settings::maximum_concurrency(input.scaling_config.as_ref()),
        state: State::Creating,
        is_enabled: input.enabled.unwrap_or(true),
        last_modified: cx.platform.clock.milliseconds(),
        revision: cx.platform.ids.uuid(),
        stream: settings.stream,
        tags,
    };
    settings::check(&mapping, kind)?;
    let version = target_version(lambda, &mapping).await?;
    source::check(lambda, cx, &mapping.source_arn, &version).await?;
    let new = mapping.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let all = keys::mappings(&new.account, &new.region).range();
        for (_, row) in rows.scan(all, Direction::Forward, MAPPINGS_MAX)? {
            let other: Mapping = rows::decode(&row)?;
            let is_same_target = other.function == new.function && other.qualifier == new.qualifier;
            if other.source_arn == new.source_arn && is_same_target {
                return Err(exists(&other).into());
            }
        }
        rows::put(rows, &keys::mapping(&new.account, &new.region, &new.uuid), &new)
    };
    lambda.functions.commit(&mapping.function, None, closure).await?;
    settle_soon(lambda, &mapping)?;
    Ok(mapping.describe(None))
}

/// What a mapping invokes.
async fn target_version(lambda: &Lambda, mapping: &Mapping) -> Result<Arc<FunctionVersion>, Error> {
    functions::resolve(lambda, &mapping.function, mapping.qualifier.as_deref()).await.map_err(|error| {
        let is_unknown = error.is("ResourceNotFoundException");
        if is_unknown { errors::invalid_parameter("Function does not exist") } else { error }
    })
}

/// AWS words it in two ways.
fn exists(other: &Mapping) -> Error {
    let (source, function, uuid) = (&other.source_arn, &other.function.name, &other.uuid);
    errors::conflict(if other.stream.is_some() {
        format!(
            "The event source arn (\" {source} \") and function (\" {function} \") provided mapping already exists. \
             Please update or delete the existing mapping with UUID {uuid}"
        )
    } else {
        format!(
            "An event source mapping with SQS arn (\" {source} \") and function (\" {function} \") already exists. \
             Please update or delete the existing mapping with UUID {uuid}"
        )
    })
}

/// Changes a mapping.
pub async fn update_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    let before = find(lambda, cx, &input.uuid).await?;
    let kind = Kind::of_source(&before.source_arn)?;
    settings::refuse_unsupported_changes(&input, kind)?;
    let mut changed = before.clone();
    if let Some(name) = &input.function_name {
        let target = names::target(cx, name, None)?;
        (changed.function, changed.qualifier) = (target.function, target.qualifier);
    }
    settings::apply(&mut changed, &input)?;
    let is_enabled = input.enabled.unwrap_or(before.is_enabled);
    changed.state = match (before.is_enabled, is_enabled) {
        (false, true) => State::Enabling,
        (true, false) => State::Disabling,
        _ => State::Updating,
    };
    changed.is_enabled = is_enabled;
    settings::check(&changed, kind)?;
    if input.function_name.is_some() {
        let version = target_version(lambda, &changed).await?;
        source::check(lambda, cx, &changed.source_arn, &version).await?;
    }
    replace(lambda, cx, &before, changed).await
}

/// A mapping.
pub async fn get_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    let mapping = find(lambda, cx, &input.uuid).await?;
    describe(lambda, &mapping).await
}

async fn describe(lambda: &Lambda, mapping: &Mapping) -> Result<EventSourceMappingConfiguration, Error> {
    let result = match mapping.stream {
        Some(_) => lambda.progress.last_result(&mapping.uuid).await?,
        None => None,
    };
    Ok(mapping.describe(result.as_deref()))
}

/// The mappings of an account, of a source or of a function.
pub async fn list_event_source_mappings(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListEventSourceMappingsRequest,
) -> Result<ListEventSourceMappingsResponse, Error> {
    let target = input.function_name.as_deref().map(|name| names::target(cx, name, None)).transpose()?;
    let limit = input.max_items.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX).unsigned_abs() as usize;
    let mut range = keys::mappings(&cx.account, &cx.region).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::mapping(&cx.account, &cx.region, &after));
    }
    let is_wanted = |mapping: &Mapping| {
        input.event_source_arn.as_ref().is_none_or(|arn| *arn == mapping.source_arn)
            && target
                .as_ref()
                .is_none_or(|target| target.function == mapping.function && target.qualifier == mapping.qualifier)
    };
    let all = lambda.functions.all_rows::<Mapping>(range).await?;
    let mut found: Vec<Mapping> =
        all.into_iter().map(|(_, mapping)| mapping).filter(is_wanted).take(limit + 1).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let mut described = Vec::with_capacity(found.len());
    for mapping in &found {
        described.push(describe(lambda, mapping).await?);
    }
    Ok(ListEventSourceMappingsResponse {
        next_marker: found.last().filter(|_| has_more).map(|mapping| marker::write_name(&mapping.uuid)),
        event_source_mappings: Some(described),
    })
}

/// Deletes a mapping; it is gone soon.
pub async fn delete_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    let before = find(lambda, cx, &input.uuid).await?;
    let changed = Mapping { state: State::Deleting, is_enabled: false, ..before.clone() };
    replace(lambda, cx, &before, changed).await
}

async fn find(lambda: &Lambda, cx: &Ctx, uuid: &str) -> Result<Mapping, Error> {
    let found = lambda.functions.row(&keys::mapping(&cx.account, &cx.region, uuid)).await?;
    found.ok_or_else(|| errors::not_found(ABSENT))
}

/// Writes a changed mapping, unless something else is being done with it.
async fn replace(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    before: &Mapping,
    mut changed: Mapping,
) -> Result<EventSourceMappingConfiguration, Error> {
    changed.revision = cx.platform.ids.uuid();
    changed.last_modified = cx.platform.clock.milliseconds();
    let (new, seen) = (changed.clone(), before.revision.clone());
    let closure = move |rows: &mut dyn Transaction| {
        let key = keys::mapping(&new.account, &new.region, &new.uuid);
        let found: Option<Mapping> = rows::read(rows, &key)?;
        let found = found.ok_or_else(|| errors::not_found(ABSENT))?;
        if found.revision != seen || found.state.is_passing() {
            let text = "Cannot update the event source mapping because it is in use.";
            return Err(api::lambda::errors::resource_in_use_exception(text).with("Type", "User".into()).into());
        }
        let mut new = new.clone();
        new.tags = found.tags;
        if let (Some(new), Some(found)) = (new.stream.as_mut(), found.stream) {
            new.began_at = found.began_at;
        }
        rows::put(rows, &key, &new)
    };
    lambda.functions.commit(&changed.function, None, closure).await?;
    settle_soon(lambda, &changed)?;
    describe(lambda, &changed).await
}
