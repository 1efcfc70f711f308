//! The parameters of a simulation, read and checked.

use std::collections::BTreeSet;

use api::iam::{ContextEntry, OrderedOrganizationPolicyType};
use platform::Ctx;
use policy::{Caller, Context, Kind as Purpose, ResourceRules, ValueType};
use wire::Error;

use super::sources::{self, Entity, Source};
use crate::errors::invalid_input;
use crate::records::Kind;
use crate::service::Iam;

/// What both operations take.
pub struct Parameters {
    pub policies: Vec<String>,
    pub boundaries: Vec<String>,
    /// Service control policies, from the organization's root to the account.
    pub controls: Vec<OrderedOrganizationPolicyType>,
    pub actions: Vec<String>,
    /// Empty for any resource.
    pub resources: Vec<String>,
    pub resource_policy: Option<String>,
    pub resource_owner: Option<String>,
    pub caller: Option<String>,
    pub context: Vec<ContextEntry>,
    pub resource_handling: Option<String>,
}

/// A simulation, ready to be asked.
pub struct Simulation {
    pub actions: Vec<String>,
    /// Empty for any resource.
    pub resources: Vec<String>,
    pub identity: Vec<Source>,
    pub boundary: Option<Source>,
    pub resource: Option<Source>,
    pub controls: Vec<Vec<Source>>,
    pub context: Context<'static>,
    /// Keys that the request gives, in lower case.
    pub given_keys: BTreeSet<String>,
    /// Owner of resources whose ARN names none.
    pub owner: Option<String>,
    caller: SimulatedCaller,
}

/// Whose calls are simulated.
struct SimulatedCaller {
    account: String,
    /// Empty if the request names nobody.
    arn: String,
    id: String,
    is_role: bool,
}

/// The resource policy of any service.
const ANY_RESOURCE: Purpose = Purpose::Resource(ResourceRules { vendor: None, resource_required: false });
/// `aws:userid` where the request names no caller, as AWS has it.
const NOBODY: &str = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR";

impl Simulation {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `InvalidInput`, in AWS's words where they are known.
    pub fn new(service: &Iam, cx: &Ctx, parameters: Parameters, entity: Option<Entity>) -> Result<Simulation, Error> {
        let actions = check_actions(parameters.actions)?;
        if parameters.resource_handling.is_some() {
            let message =
                "Invalid input resource handling options. Action does not support resource handling options: ";
            return Err(invalid_input(format!("{message}{}.", actions.join(", "))));
        }
        let resources = check_resources(parameters.resources)?;
        let (mut context, given_keys) = read_context(&parameters.context)?;
        let given = sources::given(parameters.policies, "PolicyInputList")?;
        let caller = SimulatedCaller::read(cx, parameters.caller.as_deref(), entity.as_ref())?;
        caller.add_keys(&mut context);
        add_time(service, &mut context);
        let resource = parameters.resource_policy.map(|text| resource_policy(text, &caller, &resources)).transpose()?;
        let (mut identity, attached) = entity.map_or((Vec::new(), None), |entity| (entity.policies, entity.boundary));
        identity.extend(given);
        Ok(Simulation {
            actions,
            resources,
            identity,
            boundary: boundary(parameters.boundaries)?.or(attached),
            resource,
            controls: controls(parameters.controls)?,
            context,
            given_keys,
            owner: parameters.resource_owner.as_deref().map(owner).transpose()?,
            caller,
        })
    }

    /// Whose calls are simulated.
    pub fn caller(&self) -> Caller<'_> {
        let SimulatedCaller { account, arn, id, is_role } = &self.caller;
        if *is_role {
            return Caller::Session { account, arn: "", role_arn: arn, role_id: id, id: "" };
        }
        Caller::User { account, arn, id }
    }

    /// How many statements times resources there are, at least one.
    pub fn comparisons(&self) -> usize {
        let policies = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        let all = policies.chain(self.controls.iter().flatten());
        let statements: usize = all.map(|source| source.policy.statements().len()).sum();
        statements.max(1).saturating_mul(self.resources.len().max(1))
    }

    /// The account whose calls are simulated.
    pub fn account(&self) -> &str {
        &self.caller.account
    }
}

impl SimulatedCaller {
    fn read(cx: &Ctx, arn: Option<&str>, entity: Option<&Entity>) -> Result<SimulatedCaller, Error> {
        let Some(arn) = arn else {
            let account = cx.account.clone();
            return Ok(SimulatedCaller { account, arn: String::new(), id: String::new(), is_role: false });
        };
        let parsed = sources::parse_arn(arn).ok_or_else(|| {
            invalid_input("Invalid caller - Caller must be an IAM user, role or group in this context.")
        });
        let (account, kind, _) = parsed?;
        let id = entity.filter(|entity| entity.arn == arn).map(|entity| entity.id.clone()).unwrap_or_default();
        Ok(SimulatedCaller { account: account.to_owned(), arn: arn.to_owned(), id, is_role: kind == Kind::Role })
    }

    /// The keys a call of this caller has, where the request does not give them.
    fn add_keys(&self, context: &mut Context<'static>) {
        context.set("aws:PrincipalAccount", self.account.clone());
        let Some((_, kind, name)) = sources::parse_arn(&self.arn) else {
            context.set("aws:userid", NOBODY);
            return;
        };
        context.set("aws:PrincipalArn", self.arn.clone());
        context.set("aws:userid", if self.id.is_empty() { self.arn.clone() } else { self.id.clone() });
        if kind == Kind::User {
            context.set("aws:username", name.to_owned());
        }
    }
}

fn add_time(service: &Iam, context: &mut Context<'static>) {
    let now = service.platform.clock.now();
    let mut text = String::new();
    now.write(wire::schema::TimestampFormat::Iso8601, &mut text);
    context.set("aws:CurrentTime", text);
    context.set("aws:EpochTime", now.seconds.to_string());
}

fn check_actions(actions: Vec<String>) -> Result<Vec<String>, Error> {
    if actions.is_empty() {
        return Err(invalid_input("ActionNames is required."));
    }
    if !actions.iter().all(|action| action.contains(':')) {
        return Err(invalid_input("The action is invalid since it is missing names"));
    }
    Ok(actions)
}

/// No resource, or `*` alone, is any resource.
fn check_resources(resources: Vec<String>) -> Result<Vec<String>, Error> {
    if resources == ["*"] {
        return Ok(Vec::new());
    }
    match resources.iter().find(|resource| !is_arn(resource)) {
        Some(resource) => Err(invalid_input(format!("ResourceNames are not in a valid ARN format: {resource}."))),
        None => Ok(resources),
    }
}

fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, service, _, _, resource]
        if ![partition, service, resource].iter().any(|part| part.is_empty()))
}

fn boundary(texts: Vec<String>) -> Result<Option<Source>, Error> {
    if texts.len() > 1 {
        return Err(invalid_input("The list of Permissions Boundary policies cannot exceed 1 items."));
    }
    Ok(sources::given(texts, "PermissionsBoundaryPolicyInputList")?.pop())
}

fn controls(levels: Vec<OrderedOrganizationPolicyType>) -> Result<Vec<Vec<Source>>, Error> {
    let read = |(place, level): (usize, OrderedOrganizationPolicyType)| {
        let texts = level.service_control_policy_input_list.unwrap_or_default();
        if texts.is_empty() {
            let place = place + 1;
            let message =
                format!("Organization policy at index {place} must contain at least one service control policy");
            return Err(invalid_input(message));
        }
        sources::given(texts, "ServiceControlPolicyInputList")
    };
    levels.into_iter().enumerate().map(read).collect()
}

fn resource_policy(text: String, caller: &SimulatedCaller, resources: &[String]) -> Result<Source, Error> {
    if caller.arn.is_empty() {
        return Err(invalid_input("Invalid caller - Caller cannot be null or empty."));
    }
    if resources.is_empty() {
        return Err(invalid_input("Invalid Entity Arn: * does not clearly define entity type and name."));
    }
    Source::given("ResourcePolicy", text, ANY_RESOURCE)
}

/// The account of `arn:aws:iam::ACCOUNT:root`.
fn owner(arn: &str) -> Result<String, Error> {
    let parsed = crate::names::split_arn(arn);
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    match parsed {
        Some((account, resource)) if is_account(account) && !resource.is_empty() => Ok(account.to_owned()),
        _ => Err(invalid_input("Invalid Resource Owner.")),
    }
}

/// The request's condition keys, and their names in lower case.
fn read_context(entries: &[ContextEntry]) -> Result<(Context<'static>, BTreeSet<String>), Error> {
    let (mut context, mut given) = (Context::new(), BTreeSet::new());
    for entry in entries {
        let name = entry.context_key_name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(invalid_input("ContextKeyName cannot be null or empty."));
        }
        if !given.insert(name.to_lowercase()) {
            return Err(invalid_input(format!("Duplicate context key: {name}.")));
        }
        let Some(kind) = entry.context_key_type.as_deref() else {
            return Err(invalid_input(format!("Context key {name} has invalid type null.")));
        };
        let values = entry.context_key_values.clone().unwrap_or_default();
        check_values(name, kind, &values)?;
        match (kind.ends_with("List"), values.as_slice()) {
            (false, [value]) => context.set(name.to_owned(), value.clone()),
            _ => context.set_many(name.to_owned(), values),
        }
    }
    Ok((context, given))
}

fn check_values(name: &str, kind: &str, values: &[String]) -> Result<(), Error> {
    if values.is_empty() {
        let message = format!("Context values for context key {name} cannot be null or empty.");
        return Err(invalid_input(message));
    }
    let (single, count) = (kind.trim_end_matches("List"), values.len());
    if single == kind && count != 1 {
        return Err(invalid_input(format!("Context key {kind} expected a single value, but received {count}.")));
    }
    let (value_type, expected) = match single {
        "numeric" => (ValueType::Number, "numeric format"),
        "date" => (ValueType::Date, "DateTime format"),
        "ip" => (ValueType::Address, "IP address"),
        "binary" => (ValueType::Binary, "base-64 encoded binary format"),
        _ => return Ok(()),
    };
    if values.iter().all(|value| value_type.accepts(value)) {
        return Ok(());
    }
    Err(invalid_input(format!("Invalid context value for key {name}: expected {expected}.")))
}
