//! Pipes are made, changed, started, stopped and deleted.

use api::pipes::enums::requested_pipe_state;
use api::pipes::{
    CreatePipeRequest, CreatePipeResponse, DeletePipeRequest, DeletePipeResponse, DescribePipeRequest,
    DescribePipeResponse, PipeSourceParameters, StartPipeRequest, StartPipeResponse, StopPipeRequest, StopPipeResponse,
    UpdatePipeRequest, UpdatePipeResponse, UpdatePipeSourceParameters, errors as modelled,
};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::{Error, Timestamp};

use super::check;
use crate::errors::{busy, no_pipe, pipe_exists, validation};
use crate::limits::{PIPES_MAX, TAGS_MAX};
use crate::names::PipeName;
use crate::record::{Pipe, State};
use crate::service::Pipes;
use crate::{document, keys, rows, timers};

/// What answers have in common.
macro_rules! answer {
    ($kind:ident, $pipe:expr) => {{
        let pipe = $pipe;
        $kind {
            arn: Some(pipe.name.arn()),
            desired_state: Some(pipe.goal().to_owned()),
            current_state: Some(pipe.state.text().to_owned()),
            name: Some(pipe.name.name),
            creation_time: Some(Timestamp::from_milliseconds(pipe.created_at)),
            last_modified_time: Some(Timestamp::from_milliseconds(pipe.modified_at)),
        }
    }};
}

fn refuse_unsupported(has_logs: bool, has_key: bool) -> Result<(), Error> {
    if has_logs {
        return Err(validation("LogConfiguration is not supported."));
    }
    if has_key { Err(validation("KmsKeyIdentifier is not supported.")) } else { Ok(()) }
}

/// Makes a pipe.
///
/// # Errors
/// `ConflictException`, `ServiceQuotaExceededException`, `ValidationException`.
pub async fn create_pipe(service: &Pipes, cx: &Ctx, input: CreatePipeRequest) -> Result<CreatePipeResponse, Error> {
    let (name, now) = (PipeName::here(cx, &input.name), service.now());
    refuse_unsupported(input.log_configuration.is_some(), input.kms_key_identifier.is_some())?;
    let source_parameters = input.source_parameters.unwrap_or_default();
    let target_parameters = input.target_parameters.unwrap_or_default();
    check::source(&input.source, &source_parameters)?;
    check::enrichment(input.enrichment.as_deref(), input.enrichment_parameters.as_ref())?;
    check::target(&input.target, &target_parameters)?;
    let tags = input.tags.unwrap_or_default();
    if tags.len() > TAGS_MAX {
        return Err(validation(format!("A pipe cannot have more than {TAGS_MAX} tags.")));
    }
    let has_role = check::role(cx, &name, &input.role_arn).await?;
    let pipe = Pipe {
        name: name.clone(),
        id: service.platform.ids.uuid(),
        description: input.description,
        is_wanted: input.desired_state.as_deref() != Some(requested_pipe_state::STOPPED),
        state: State::Creating,
        source: input.source,
        source_parameters: document::text(&source_parameters),
        enrichment: input.enrichment.filter(|arn| !arn.is_empty()),
        enrichment_template: input.enrichment_parameters.and_then(|parameters| parameters.input_template),
        target: input.target,
        target_parameters: document::text(&target_parameters),
        role: input.role_arn,
        has_role,
        tags,
        created_at: now,
        modified_at: now,
    };
    let timers = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let settle = timers::settle(&timers, &name, Timestamp::from_milliseconds(now));
    let made = pipe.clone();
    service
        .transact(move |transaction| {
            let key = keys::pipe(&name.account, &name.region, &name.name);
            if transaction.get(&key)?.is_some() {
                return Err(pipe_exists(&name.name).into());
            }
            let all = keys::pipes_of(&name.account, &name.region, "");
            if transaction.scan(all, Direction::Forward, PIPES_MAX)?.len() >= PIPES_MAX {
                let text = format!("The maximum number of pipes ({PIPES_MAX}) was exceeded.");
                return Err(modelled::service_quota_exceeded_exception(text).into());
            }
            rows::put(transaction, &key, &pipe)?;
            Ok(timers.set(transaction, &settle)?)
        })
        .await?;
    Ok(answer!(CreatePipeResponse, made))
}

/// Changes a pipe.
///
/// # Errors
/// `NotFoundException`, `ConflictException`, `ValidationException`.
pub async fn update_pipe(service: &Pipes, cx: &Ctx, input: UpdatePipeRequest) -> Result<UpdatePipeResponse, Error> {
    let (name, now) = (PipeName::here(cx, &input.name), service.now());
    refuse_unsupported(input.log_configuration.is_some(), input.kms_key_identifier.is_some())?;
    let before = service.find(&name).await?.ok_or_else(|| no_pipe(&name.name))?;
    let source_parameters = match input.source_parameters {
        None => before.source_parameters(),
        Some(change) => changed(before.source_parameters(), change)?,
    };
    let target_parameters = input.target_parameters.unwrap_or_else(|| before.target_parameters());
    let target = input.target.unwrap_or(before.target);
    check::source(&before.source, &source_parameters)?;
    check::enrichment(input.enrichment.as_deref(), input.enrichment_parameters.as_ref())?;
    check::target(&target, &target_parameters)?;
    let has_role = check::role(cx, &name, &input.role_arn).await?;
    let source_parameters = document::text(&source_parameters);
    let target_parameters = document::text(&target_parameters);
    let template = input.enrichment_parameters.and_then(|parameters| parameters.input_template);
    let pipe = service
        .change(&name, move |pipe| {
            if !pipe.state.is_settled() {
                return Err(busy(&pipe.name.name, pipe.state.text()));
            }
            if let Some(wanted) = &input.desired_state {
                pipe.is_wanted = wanted == requested_pipe_state::RUNNING;
            }
            pipe.description = input.description.clone().or_else(|| pipe.description.take());
            if let Some(enrichment) = &input.enrichment {
                pipe.enrichment = Some(enrichment.clone()).filter(|arn| !arn.is_empty());
            }
            pipe.enrichment_template = template.clone().or_else(|| pipe.enrichment_template.take());
            pipe.source_parameters.clone_from(&source_parameters);
            pipe.target.clone_from(&target);
            pipe.target_parameters.clone_from(&target_parameters);
            pipe.role.clone_from(&input.role_arn);
            pipe.has_role = has_role;
            pipe.state = State::Updating;
            pipe.modified_at = now;
            Ok(())
        })
        .await?;
    Ok(answer!(UpdatePipeResponse, pipe))
}

/// A source's parameters with a change; where reading starts cannot be changed.
fn changed(
    mut parameters: PipeSourceParameters,
    change: UpdatePipeSourceParameters,
) -> Result<PipeSourceParameters, Error> {
    let foreign = [
        ("ActiveMQBrokerParameters", change.active_mq_broker_parameters.is_some()),
        ("RabbitMQBrokerParameters", change.rabbit_mq_broker_parameters.is_some()),
        ("ManagedStreamingKafkaParameters", change.managed_streaming_kafka_parameters.is_some()),
        ("SelfManagedKafkaParameters", change.self_managed_kafka_parameters.is_some()),
    ];
    if let Some((name, _)) = foreign.iter().find(|(_, is_given)| *is_given) {
        return Err(validation(format!("{name} are not supported.")));
    }
    parameters.filter_criteria = change.filter_criteria.or(parameters.filter_criteria);
    if let Some(change) = change.sqs_queue_parameters {
        let mut queue = parameters.sqs_queue_parameters.unwrap_or_default();
        queue.batch_size = change.batch_size.or(queue.batch_size);
        queue.maximum_batching_window_in_seconds =
            change.maximum_batching_window_in_seconds.or(queue.maximum_batching_window_in_seconds);
        parameters.sqs_queue_parameters = Some(queue);
    }
    macro_rules! apply {
        ($member:ident) => {
            if let Some(change) = change.$member {
                let mut stream = parameters.$member.unwrap_or_default();
                stream.batch_size = change.batch_size.or(stream.batch_size);
                stream.dead_letter_config = change.dead_letter_config.or(stream.dead_letter_config);
                stream.on_partial_batch_item_failure =
                    change.on_partial_batch_item_failure.or(stream.on_partial_batch_item_failure);
                stream.maximum_batching_window_in_seconds =
                    change.maximum_batching_window_in_seconds.or(stream.maximum_batching_window_in_seconds);
                stream.maximum_record_age_in_seconds =
                    change.maximum_record_age_in_seconds.or(stream.maximum_record_age_in_seconds);
                stream.maximum_retry_attempts = change.maximum_retry_attempts.or(stream.maximum_retry_attempts);
                stream.parallelization_factor = change.parallelization_factor.or(stream.parallelization_factor);
                parameters.$member = Some(stream);
            }
        };
    }
    apply!(kinesis_stream_parameters);
    apply!(dynamodb_stream_parameters);
    Ok(parameters)
}

/// Describes a pipe.
///
/// # Errors
/// `NotFoundException`.
pub async fn describe_pipe(
    service: &Pipes,
    cx: &Ctx,
    input: DescribePipeRequest,
) -> Result<DescribePipeResponse, Error> {
    let found = service.find(&PipeName::here(cx, &input.name)).await?;
    Ok(found.ok_or_else(|| no_pipe(&input.name))?.describe())
}

/// Starts a pipe that is stopped.
///
/// # Errors
/// `NotFoundException`, `ConflictException`.
pub async fn start_pipe(service: &Pipes, cx: &Ctx, input: StartPipeRequest) -> Result<StartPipeResponse, Error> {
    let pipe = set_wanted(service, cx, &input.name, true).await?;
    Ok(answer!(StartPipeResponse, pipe))
}

/// Stops a pipe that runs.
///
/// # Errors
/// `NotFoundException`, `ConflictException`.
pub async fn stop_pipe(service: &Pipes, cx: &Ctx, input: StopPipeRequest) -> Result<StopPipeResponse, Error> {
    let pipe = set_wanted(service, cx, &input.name, false).await?;
    Ok(answer!(StopPipeResponse, pipe))
}

async fn set_wanted(service: &Pipes, cx: &Ctx, name: &str, is_wanted: bool) -> Result<Pipe, Error> {
    let now = service.now();
    service
        .change(&PipeName::here(cx, name), move |pipe| {
            let from = if is_wanted { State::Stopped } else { State::Running };
            if pipe.state != from {
                return Err(busy(&pipe.name.name, pipe.state.text()));
            }
            (pipe.is_wanted, pipe.modified_at) = (is_wanted, now);
            pipe.state = if is_wanted { State::Starting } else { State::Stopping };
            Ok(())
        })
        .await
}

/// Deletes a pipe.
///
/// # Errors
/// `NotFoundException`, `ConflictException`.
pub async fn delete_pipe(service: &Pipes, cx: &Ctx, input: DeletePipeRequest) -> Result<DeletePipeResponse, Error> {
    let now = service.now();
    let pipe = service
        .change(&PipeName::here(cx, &input.name), move |pipe| {
            if pipe.state == State::Deleting {
                return Err(busy(&pipe.name.name, pipe.state.text()));
            }
            (pipe.is_wanted, pipe.modified_at, pipe.state) = (false, now, State::Deleting);
            Ok(())
        })
        .await?;
    Ok(answer!(DeletePipeResponse, pipe))
}
