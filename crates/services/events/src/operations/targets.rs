//! `PutTargets`, `RemoveTargets`, `ListTargetsByRule`.

use std::sync::Arc;

use api::events::{
    ListTargetsByRuleRequest, ListTargetsByRuleResponse, PutTargetsRequest, PutTargetsResponse, RemoveTargetsRequest,
    RemoveTargetsResponse, RemoveTargetsResultEntry, Target as ApiTarget,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::errors::{invalid, no_rule, too_many, validation};
use crate::input::RESERVED_NAMES;
use crate::keys;
use crate::limits::{PAGE, TARGETS_MAX};
use crate::names::{BusId, arn_parts};
use crate::records::{Rule, Target};
use crate::role;
use crate::rows;
use crate::service::{Events, changed, read_bus};

/// Adds targets to a rule, or changes them.
///
/// # Errors
/// `ResourceNotFoundException`, `LimitExceededException`, `ValidationException`.
pub async fn put_targets(
    service: &Arc<Events>,
    cx: &Ctx,
    input: PutTargetsRequest,
) -> Result<PutTargetsResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    let rule_arn = bus.rule_arn(&input.rule);
    let mut targets = Vec::with_capacity(input.targets.len());
    for target in input.targets {
        check(&target)?;
        let mut target = Target::from(target);
        if let Some(role) = &target.role {
            target.has_role = role::check(cx, role, &rule_arn).await?;
        }
        targets.push(target);
    }
    on_rule(service, bus, input.rule, move |rule, _| {
        for target in &targets {
            match rule.targets.iter_mut().find(|known| known.id == target.id) {
                Some(known) => known.clone_from(target),
                None => rule.targets.push(target.clone()),
            }
        }
        if rule.targets.len() > TARGETS_MAX { Err(too_many().into()) } else { Ok(()) }
    })
    .await?;
    Ok(PutTargetsResponse { failed_entry_count: Some(0), failed_entries: Some(Vec::new()) })
}

/// Whether a target can be called, and what is said of it fits.
fn check(target: &ApiTarget) -> Result<(), Error> {
    let malformed = || invalid(&target.arn, "Provided Arn is not in correct format.");
    let (service, _, _, resource) = arn_parts(&target.arn).ok_or_else(malformed)?;
    let is_destination = service == "events" && resource.starts_with("api-destination/");
    let is_known = match service {
        "sqs" | "sns" => true,
        "lambda" => resource.starts_with("function:"),
        "logs" => resource.starts_with("log-group:"),
        "kinesis" => resource.starts_with("stream/"),
        "events" => BusId::parse(&target.arn).is_some() || is_destination,
        _ => false,
    };
    if !is_known {
        return Err(invalid(&target.arn, &format!("Targets of {service} are not supported.")));
    }
    let refused = [
        ("KinesisParameters", target.kinesis_parameters.is_some() && service != "kinesis"),
        ("RunCommandParameters", target.run_command_parameters.is_some()),
        ("EcsParameters", target.ecs_parameters.is_some()),
        ("BatchParameters", target.batch_parameters.is_some()),
        ("HttpParameters", target.http_parameters.is_some() && !is_destination),
        ("RedshiftDataParameters", target.redshift_data_parameters.is_some()),
        ("SageMakerPipelineParameters", target.sage_maker_pipeline_parameters.is_some()),
        ("AppSyncParameters", target.app_sync_parameters.is_some()),
        ("SqsParameters", target.sqs_parameters.is_some() && service != "sqs"),
    ];
    if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(validation(format!("Parameter(s) {name} cannot be used with the target: {}.", target.id)));
    }
    if is_destination && target.role_arn.is_none() {
        return Err(validation(format!("RoleArn is required for target {}.", target.arn)));
    }
    let group = target.sqs_parameters.as_ref().and_then(|parameters| parameters.message_group_id.as_ref());
    if resource.ends_with(".fifo") && service == "sqs" && group.is_none() {
        return Err(validation(format!("Parameter(s) SqsParameters must be specified for target: {}.", target.id)));
    }
    let dead_letters = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
    if let Some(queue) = dead_letters
        && !arn_parts(queue).is_some_and(|(service, _, _, name)| service == "sqs" && !name.ends_with(".fifo"))
    {
        return Err(invalid("DeadLetterConfig", "The queue for dead letters must be a standard queue of Amazon SQS."));
    }
    check_input(target)
}

fn check_input(target: &ApiTarget) -> Result<(), Error> {
    let id = &target.id;
    let given = [target.input.is_some(), target.input_path.is_some(), target.input_transformer.is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(validation(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    if let Some(text) = &target.input
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()
    {
        return Err(validation(format!("JSON syntax error in input for target {id}.")));
    }
    check_placeholders(target)?;
    let paths = target.input_transformer.iter().flat_map(|transformer| transformer.input_paths_map.iter().flatten());
    let paths = paths.map(|(_, path)| path).chain(&target.input_path);
    for path in paths {
        if !pattern::template::is_path(path) {
            return Err(validation(format!("Invalid InputPath for target {id}.")));
        }
    }
    Ok(())
}

/// Checks that a template asks for nothing that has no path and no reserved name.
fn check_placeholders(target: &ApiTarget) -> Result<(), Error> {
    let Some(transformer) = &target.input_transformer else { return Ok(()) };
    let has_path = |name: &str| transformer.input_paths_map.iter().flatten().any(|(known, _)| known == name);
    let mut names = pattern::template::names(&transformer.input_template);
    match names.find(|name| !has_path(name) && !RESERVED_NAMES.contains(name)) {
        Some(name) => {
            let text = format!("InputTemplate for target {} contains invalid placeholder {name}.", target.id);
            Err(validation(text))
        }
        None => Ok(()),
    }
}

/// Changes a rule.
async fn on_rule<R, F>(service: &Arc<Events>, bus: BusId, name: String, work: F) -> Result<R, Error>
where
    R: Send + 'static,
    F: Fn(&mut Rule, &mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
{
    let version = service.version();
    let done = service.transact(move |rows| {
        read_bus(rows, &bus)?;
        let key = keys::rule(&bus, &name);
        let mut rule: Rule = rows::read(rows, &key)?.ok_or_else(|| no_rule(&bus, &name))?;
        let result = work(&mut rule, rows)?;
        rows::put(rows, &key, &rule)?;
        changed(rows, &bus, version, 0)?;
        Ok(result)
    });
    done.await
}

/// Removes targets from a rule.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn remove_targets(
    service: &Arc<Events>,
    cx: &Ctx,
    input: RemoveTargetsRequest,
) -> Result<RemoveTargetsResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    let name = input.rule.clone();
    let failed = on_rule(service, bus, input.rule, move |rule, _| {
        let missing = |id: &&String| !rule.targets.iter().any(|target| target.id == **id);
        let failed: Vec<String> = input.ids.iter().filter(missing).cloned().collect();
        rule.targets.retain(|target| !input.ids.contains(&target.id));
        Ok(failed)
    })
    .await?;
    let entry = |id: String| RemoveTargetsResultEntry {
        error_message: Some(format!("Rule '{name}' does not have a target with the Id '{id}'.")),
        error_code: Some("ResourceNotFoundException".to_owned()),
        target_id: Some(id),
    };
    let entries: Vec<RemoveTargetsResultEntry> = failed.into_iter().map(entry).collect();
    Ok(RemoveTargetsResponse { failed_entry_count: Some(entries.len() as i32), failed_entries: Some(entries) })
}

/// Lists the targets of a rule.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn list_targets_by_rule(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListTargetsByRuleRequest,
) -> Result<ListTargetsByRuleResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    service.bus(&bus).await?;
    let rule = service.rule(&bus, &input.rule).await?.ok_or_else(|| no_rule(&bus, &input.rule))?;
    let start = match input.next_token.as_deref().map(str::parse::<usize>) {
        None => 0,
        Some(Ok(start)) if start <= rule.targets.len() => start,
        Some(_) => return Err(invalid("NextToken", "The token is not valid.")),
    };
    let limit = input.limit.map_or(PAGE, |limit| limit.max(1) as usize);
    let end = start.saturating_add(limit).min(rule.targets.len());
    let next_token = (end < rule.targets.len()).then(|| end.to_string());
    let targets = rule.targets.get(start..end).unwrap_or_default().iter().cloned().map(ApiTarget::from).collect();
    Ok(ListTargetsByRuleResponse { targets: Some(targets), next_token })
}
