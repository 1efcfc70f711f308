//! `PutRule`, `DeleteRule`, `DescribeRule`, `EnableRule`, `DisableRule`, `ListRules`, `ListRuleNamesByTarget`.

use std::sync::Arc;

use api::events::{
    DeleteRuleRequest, DescribeRuleRequest, DescribeRuleResponse, DisableRuleRequest, EnableRuleRequest,
    ListRuleNamesByTargetRequest, ListRuleNamesByTargetResponse, ListRulesRequest, ListRulesResponse, PutRuleRequest,
    PutRuleResponse, Rule as ListedRule,
};
use pattern::Pattern;
use platform::{Ctx, OrFailure};
use schedule::Schedule;
use wire::Error;

use super::page::{self, Listing};
use super::tags;
use crate::errors::{self, no_bus, no_rule, too_many, validation};
use crate::firing;
use crate::keys;
use crate::limits::RULES_MAX;
use crate::names::{BusId, DEFAULT_BUS};
use crate::records::Rule;
use crate::role;
use crate::rows;
use crate::service::{Events, changed, read_bus};

/// Makes a rule, or changes it; its targets and tags stay.
///
/// # Errors
/// `InvalidEventPatternException`, `ResourceNotFoundException`, `LimitExceededException`, `ValidationException`.
pub async fn put_rule(service: &Arc<Events>, cx: &Ctx, input: PutRuleRequest) -> Result<PutRuleResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    let rule = checked(cx, &bus, input).await?;
    let arn = bus.rule_arn(&rule.name);
    let (now, version) = (service.now(), service.version());
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let timer = firing::timer(&partition, &bus, &rule, now, now).filter(|_| rule.is_enabled());
    let made = service.transact(move |rows| {
        read_bus(rows, &bus)?;
        let key = keys::rule(&bus, &rule.name);
        let known: Option<Rule> = rows::read(rows, &key)?;
        let is_new = known.is_none();
        let is_same_schedule = known
            .as_ref()
            .is_some_and(|known| known.schedule == rule.schedule && known.is_enabled() == rule.is_enabled());
        let kept = match known {
            Some(known) => {
                Rule { targets: known.targets, tags: known.tags, created_by: known.created_by, ..rule.clone() }
            }
            None => rule.clone(),
        };
        rows::put(rows, &key, &kept)?;
        if changed(rows, &bus, version, i64::from(is_new))? > RULES_MAX {
            return Err(too_many().into());
        }
        if !is_same_schedule {
            partition.cancel(rows, &firing::timer_id(&bus, &rule.name))?;
            if let Some(timer) = &timer {
                partition.set(rows, timer)?;
            }
        }
        Ok(())
    });
    made.await?;
    Ok(PutRuleResponse { rule_arn: Some(arn) })
}

async fn checked(cx: &Ctx, bus: &BusId, input: PutRuleRequest) -> Result<Rule, Error> {
    let pattern = input.event_pattern.filter(|pattern| !pattern.is_empty());
    let schedule = input.schedule_expression.filter(|schedule| !schedule.is_empty());
    if pattern.is_none() && schedule.is_none() {
        return Err(validation("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    if let Some(pattern) = &pattern {
        Pattern::parse(pattern).map_err(|malformed| errors::pattern(&malformed))?;
    }
    if let Some(schedule) = &schedule {
        if bus.name != DEFAULT_BUS {
            return Err(validation("ScheduleExpression is supported only on the default event bus."));
        }
        if Schedule::parse(schedule).is_none() {
            return Err(validation("Parameter ScheduleExpression is not valid."));
        }
    }
    let has_role = match &input.role_arn {
        Some(role) => role::check(cx, role, &bus.rule_arn(&input.name)).await?,
        None => false,
    };
    Ok(Rule {
        name: input.name,
        pattern,
        schedule,
        state: input.state.unwrap_or_else(|| "ENABLED".to_owned()),
        description: input.description,
        role: input.role_arn,
        has_role,
        created_by: cx.account.clone(),
        tags: tags::checked(input.tags.unwrap_or_default())?,
        targets: Vec::new(),
    })
}

/// Deletes a rule that has no targets. One that does not exist is no error.
///
/// # Errors
/// `ValidationException`, `ResourceNotFoundException` for the bus.
pub async fn delete_rule(service: &Arc<Events>, cx: &Ctx, input: DeleteRuleRequest) -> Result<api::Empty, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    let version = service.version();
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let deleted = service.transact(move |rows| {
        read_bus(rows, &bus)?;
        let key = keys::rule(&bus, &input.name);
        let Some(rule) = rows::read::<Rule>(rows, &key)? else { return Ok(()) };
        if !rule.targets.is_empty() {
            return Err(validation("Rule can't be deleted since it has targets.").into());
        }
        rows.delete(&key);
        partition.cancel(rows, &firing::timer_id(&bus, &input.name))?;
        changed(rows, &bus, version, -1)?;
        Ok(())
    });
    deleted.await?;
    Ok(api::Empty)
}

/// Describes a rule.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn describe_rule(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DescribeRuleRequest,
) -> Result<DescribeRuleResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    if !service.has_bus(&bus).await? {
        return Err(no_bus(&bus.name));
    }
    let rule = service.rule(&bus, &input.name).await?.ok_or_else(|| no_rule(&bus, &input.name))?;
    let created_by = rule.created_by.clone();
    let ListedRule {
        name, arn, event_pattern, state, description, schedule_expression, role_arn, event_bus_name, ..
    } = view(&bus, rule);
    Ok(DescribeRuleResponse {
        name,
        arn,
        event_pattern,
        schedule_expression,
        state,
        description,
        role_arn,
        event_bus_name,
        created_by: Some(created_by),
        ..Default::default()
    })
}

fn view(bus: &BusId, rule: Rule) -> ListedRule {
    ListedRule {
        arn: Some(bus.rule_arn(&rule.name)),
        name: Some(rule.name),
        event_pattern: rule.pattern,
        state: Some(rule.state),
        description: rule.description,
        schedule_expression: rule.schedule,
        role_arn: rule.role,
        event_bus_name: Some(bus.name.clone()),
        ..Default::default()
    }
}

/// Lets a rule work.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn enable_rule(service: &Arc<Events>, cx: &Ctx, input: EnableRuleRequest) -> Result<api::Empty, Error> {
    set_state(service, BusId::read(cx, input.event_bus_name.as_deref())?, input.name, "ENABLED").await
}

/// Lets a rule rest.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn disable_rule(service: &Arc<Events>, cx: &Ctx, input: DisableRuleRequest) -> Result<api::Empty, Error> {
    set_state(service, BusId::read(cx, input.event_bus_name.as_deref())?, input.name, "DISABLED").await
}

async fn set_state(service: &Arc<Events>, bus: BusId, name: String, state: &'static str) -> Result<api::Empty, Error> {
    let (now, version) = (service.now(), service.version());
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let set = service.transact(move |rows| {
        read_bus(rows, &bus)?;
        let key = keys::rule(&bus, &name);
        let mut rule: Rule = rows::read(rows, &key)?.ok_or_else(|| no_rule(&bus, &name))?;
        if rule.state == state {
            return Ok(());
        }
        state.clone_into(&mut rule.state);
        rows::put(rows, &key, &rule)?;
        changed(rows, &bus, version, 0)?;
        partition.cancel(rows, &firing::timer_id(&bus, &name))?;
        if let Some(timer) = firing::timer(&partition, &bus, &rule, now, now).filter(|_| rule.is_enabled()) {
            partition.set(rows, &timer)?;
        }
        Ok(())
    });
    set.await?;
    Ok(api::Empty)
}

/// Lists the rules of a bus.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn list_rules(service: &Arc<Events>, cx: &Ctx, input: ListRulesRequest) -> Result<ListRulesResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    if !service.has_bus(&bus).await? {
        return Err(no_bus(&bus.name));
    }
    let listing = Listing {
        all: keys::rules(&bus),
        name_prefix: input.name_prefix.as_deref(),
        limit: input.limit,
        token: input.next_token.as_deref(),
    };
    let (found, next_token) = page::read::<Rule>(service, listing, |_| true).await?;
    let rules = found.into_iter().map(|(_, rule)| view(&bus, rule)).collect();
    Ok(ListRulesResponse { rules: Some(rules), next_token })
}

/// Lists the names of the rules that have a target.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn list_rule_names_by_target(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListRuleNamesByTargetRequest,
) -> Result<ListRuleNamesByTargetResponse, Error> {
    let bus = BusId::read(cx, input.event_bus_name.as_deref())?;
    if !service.has_bus(&bus).await? {
        return Err(no_bus(&bus.name));
    }
    let listing =
        Listing { all: keys::rules(&bus), name_prefix: None, limit: input.limit, token: input.next_token.as_deref() };
    let has_target = |rule: &Rule| rule.targets.iter().any(|target| target.arn == input.target_arn);
    let (found, next_token) = page::read::<Rule>(service, listing, has_target).await?;
    let names = found.into_iter().map(|(name, _)| name).collect();
    Ok(ListRuleNamesByTargetResponse { rule_names: Some(names), next_token })
}
