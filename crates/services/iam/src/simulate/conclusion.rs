//! What the policies of a simulation say, and what follows from it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use api::iam::{
    EvaluationResult, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, ResourceSpecificResult, Statement,
};
use policy::{Effect, Request};

use super::position;
use super::simulation::Simulation;
use super::sources::Source;

/// A decision; the more it withholds, the greater it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Decision {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

impl Decision {
    /// As answers spell it.
    fn word(self) -> &'static str {
        match self {
            Decision::Allowed => "allowed",
            Decision::ImplicitDeny => "implicitDeny",
            Decision::ExplicitDeny => "explicitDeny",
        }
    }
}

/// Sorts of policies, as answers call them.
const IDENTITY: &str = "IAM Policy";
const BOUNDARY: &str = "Permissions Boundary Policy";
const RESOURCE: &str = "Resource Policy";

/// A statement that speaks of the request: its policy, the policy's sort, and its place in the document.
#[derive(Clone, Copy)]
struct Match<'s> {
    source: &'s Source,
    sort: &'static str,
    index: usize,
}

/// What a group of policies says.
struct Opinion<'s> {
    decision: Decision,
    /// The statements behind the decision.
    matches: Vec<Match<'s>>,
}

/// What follows for one resource.
struct Conclusion<'s> {
    decision: Decision,
    matches: Vec<Match<'s>>,
    missing: BTreeSet<&'s str>,
    boundary: Option<bool>,
    organizations: Option<bool>,
    /// What each sort of policies says, where accounts differ.
    details: BTreeMap<&'static str, Decision>,
}

impl Simulation {
    /// Decides an action on all resources.
    pub fn result(&self, action: &str) -> EvaluationResult {
        let any = ["*".to_owned()];
        let resources = if self.resources.is_empty() { &any[..] } else { &self.resources };
        let conclusions: Vec<Conclusion<'_>> =
            resources.iter().map(|resource| self.conclude(action, resource)).collect();
        let total = total(&conclusions);
        let specific = || resources.iter().zip(&conclusions).map(|(name, one)| one.specific(name)).collect();
        EvaluationResult {
            eval_action_name: action.to_owned(),
            // Several resources have no name in common.
            eval_resource_name: Some(if let [only] = resources { only.clone() } else { "*".to_owned() }),
            eval_decision: total.decision.word().to_owned(),
            matched_statements: Some(statements(&total.matches)),
            missing_context_values: Some(total.missing.iter().map(|key| (*key).to_owned()).collect()),
            organizations_decision_detail: total
                .organizations
                .map(|allowed| OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) }),
            permissions_boundary_decision_detail: boundary_detail(total.boundary),
            eval_decision_details: (!self.resources.is_empty()).then(|| details(&total.details)),
            resource_specific_results: (!self.resources.is_empty()).then(specific),
        }
    }

    /// Decides an action on one resource.
    fn conclude(&self, action: &str, resource: &str) -> Conclusion<'_> {
        let owner = self.owner.as_deref().or_else(|| resource.split(':').nth(4)).filter(|owner| !owner.is_empty());
        let owner = owner.unwrap_or(self.account());
        let request =
            Request { caller: self.caller(), action, resource, resource_account: owner, context: &self.context };
        let mut conclusion = Conclusion::new(Decision::Allowed);
        if !self.controls.is_empty() {
            let levels = self.controls.iter().map(|level| ask(level, IDENTITY, &request).decision);
            conclusion.decision = levels.max().unwrap_or(Decision::Allowed);
            conclusion.organizations = Some(conclusion.decision == Decision::Allowed);
            if conclusion.decision != Decision::Allowed {
                return conclusion;
            }
        }
        let identity = ask(&self.identity, IDENTITY, &request);
        let boundary = self.boundary.as_ref().map(|source| ask(std::slice::from_ref(source), BOUNDARY, &request));
        let resource = self.resource.as_ref().map(|source| ask(std::slice::from_ref(source), RESOURCE, &request));
        conclusion.boundary = boundary.as_ref().map(|boundary| boundary.decision == Decision::Allowed);
        if resource.is_some() && owner != self.account() {
            let sorts = [(IDENTITY, Some(&identity)), (RESOURCE, resource.as_ref()), (BOUNDARY, boundary.as_ref())];
            let said = sorts.into_iter().filter_map(|(sort, opinion)| Some((sort, opinion?.decision)));
            conclusion.details = said.collect();
        }
        conclusion.decision = combine(&identity, boundary.as_ref(), resource.as_ref(), owner != self.account());
        if conclusion.decision == Decision::ImplicitDeny {
            conclusion.missing = self.missing_keys();
            return conclusion;
        }
        let decision = conclusion.decision;
        // What a boundary allows is no reason for anything to be allowed.
        let boundary = boundary.filter(|_| decision == Decision::ExplicitDeny);
        let behind = [Some(identity), resource, boundary].into_iter().flatten();
        conclusion.matches =
            behind.filter(|opinion| opinion.decision == decision).flat_map(|opinion| opinion.matches).collect();
        conclusion
    }

    /// All keys that the policies look at and the request does not give: one of them may be why nothing is allowed.
    fn missing_keys(&self) -> BTreeSet<&str> {
        let sources = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        sources.flat_map(Source::condition_keys).filter(|key| !self.given_keys.contains(&key.to_lowercase())).collect()
    }
}

/// Asks a group of policies.
fn ask<'s>(sources: &'s [Source], sort: &'static str, request: &Request<'_>) -> Opinion<'s> {
    let mut matches: [Vec<Match<'s>>; 2] = Default::default();
    for source in sources {
        for (index, statement) in source.policy.statements().iter().enumerate() {
            if statement.speaks_of(request) {
                matches[usize::from(statement.effect() == Effect::Deny)].push(Match { source, sort, index });
            }
        }
    }
    let [allowing, denying] = matches;
    let (decision, matches) = match (allowing.is_empty(), denying.is_empty()) {
        (_, false) => (Decision::ExplicitDeny, denying),
        (false, true) => (Decision::Allowed, allowing),
        (true, true) => (Decision::ImplicitDeny, Vec::new()),
    };
    Opinion { decision, matches }
}

/// Puts the opinions together. Within an account the resource's policy is enough, whatever a boundary leaves unsaid; from
/// one account to another all have to allow.
fn combine(
    identity: &Opinion<'_>,
    boundary: Option<&Opinion<'_>>,
    resource: Option<&Opinion<'_>>,
    crosses_accounts: bool,
) -> Decision {
    let boundary = boundary.map_or(Decision::Allowed, |boundary| boundary.decision);
    let Some(resource) = resource.map(|resource| resource.decision) else {
        return identity.decision.max(boundary);
    };
    let strictest = identity.decision.max(resource).max(boundary);
    if crosses_accounts || strictest == Decision::ExplicitDeny {
        return strictest;
    }
    if resource == Decision::Allowed { Decision::Allowed } else { identity.decision.max(boundary) }
}

/// The conclusion for all resources: the strictest decision, with the statements behind each.
fn total<'s>(conclusions: &[Conclusion<'s>]) -> Conclusion<'s> {
    let mut total = Conclusion::new(Decision::Allowed);
    let and = |one: Option<bool>, other: Option<bool>| match (one, other) {
        (Some(one), Some(other)) => Some(one && other),
        (one, other) => one.or(other),
    };
    total.decision = conclusions.iter().map(|one| one.decision).max().unwrap_or(Decision::ImplicitDeny);
    for one in conclusions {
        // A denial is its own and only reason.
        if total.decision != Decision::ExplicitDeny || one.decision == Decision::ExplicitDeny {
            total.matches.extend(&one.matches);
        }
        total.missing.extend(&one.missing);
        total.boundary = and(total.boundary, one.boundary);
        total.organizations = and(total.organizations, one.organizations);
        for (sort, decision) in &one.details {
            let entry = total.details.entry(sort).or_insert(*decision);
            *entry = (*entry).max(*decision);
        }
    }
    total
}

impl<'s> Conclusion<'s> {
    fn new(decision: Decision) -> Conclusion<'s> {
        let (matches, missing, details) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        Conclusion { decision, matches, missing, boundary: None, organizations: None, details }
    }

    /// As answers show it for one resource, where AWS leaves out what is empty.
    fn specific(&self, resource: &str) -> ResourceSpecificResult {
        let missing: Vec<String> = self.missing.iter().map(|key| (*key).to_owned()).collect();
        ResourceSpecificResult {
            eval_resource_name: resource.to_owned(),
            eval_resource_decision: self.decision.word().to_owned(),
            matched_statements: Some(statements(&self.matches)).filter(|statements| !statements.is_empty()),
            missing_context_values: Some(missing).filter(|missing| !missing.is_empty()),
            eval_decision_details: (!self.details.is_empty()).then(|| details(&self.details)),
            permissions_boundary_decision_detail: boundary_detail(self.boundary),
        }
    }
}

fn details(details: &BTreeMap<&'static str, Decision>) -> BTreeMap<String, String> {
    details.iter().map(|(sort, decision)| ((*sort).to_owned(), decision.word().to_owned())).collect()
}

fn boundary_detail(allowed: Option<bool>) -> Option<PermissionsBoundaryDecisionDetail> {
    allowed.map(|allowed| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) })
}

/// Each statement once, with its place in its document.
fn statements(matches: &[Match<'_>]) -> Vec<Statement> {
    let mut seen = HashSet::new();
    let mut shown = Vec::new();
    for one in matches.iter().filter(|one| seen.insert((std::ptr::from_ref(one.source), one.index))) {
        let written = one.source.policy.statements();
        let Some(statement) = written.get(one.index) else { continue };
        let before = one.index.checked_sub(1).and_then(|index| written.get(index)).map(|before| before.span().end);
        let (start, end) = position::of(&one.source.text, &statement.span(), before);
        shown.push(Statement {
            source_policy_id: Some(one.source.id.clone()),
            source_policy_type: Some(one.sort.to_owned()),
            start_position: Some(start),
            end_position: Some(end),
        });
    }
    shown
}
