//! Which shapes of a model need what: a schema, a type, a note of missing members, a box.

use std::collections::BTreeSet;

use super::load::Service;
use super::model::{Model, Reference, Shape};

/// The shapes that are generated for a service.
#[derive(Debug)]
pub struct Scope {
    /// Reachable from inputs of built operations: may arrive incomplete.
    pub inputs: BTreeSet<String>,
    /// Reachable from built operations: have types.
    pub types: BTreeSet<String>,
    /// Those and whatever errors carry: have schemas.
    pub schemas: BTreeSet<String>,
    /// Errors of the model.
    pub errors: BTreeSet<String>,
}

impl Scope {
    /// The scope of a service's built operations and its errors.
    pub fn of(service: &Service) -> Scope {
        let model = &service.model;
        let built = || service.built.iter().map(|name| &model.operations[name]);
        let input_roots = built().filter_map(|operation| operation.input.as_ref()).map(|root| root.shape.clone());
        let output_roots = built().filter_map(|operation| operation.output.as_ref()).map(|root| root.shape.clone());
        let inputs = reachable(model, input_roots);
        let types = reachable(model, inputs.iter().cloned().chain(output_roots));
        let errors = errors(model);
        let members = errors.iter().flat_map(|name| error_members(model.shape(name)).map(|(_, m)| m.shape.clone()));
        let schemas = reachable(model, types.iter().cloned().chain(members));
        Scope { inputs, types, schemas, errors }
    }
}

fn reachable(model: &Model, roots: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<String> = roots.into_iter().collect();
    while let Some(name) = pending.pop() {
        if found.contains(&name) {
            continue;
        }
        let references = model.shape(&name).references();
        pending.extend(references.map(|reference| reference.shape.clone()));
        found.insert(name);
    }
    found
}

fn errors(model: &Model) -> BTreeSet<String> {
    let marked = model.shapes.iter().filter(|(_, shape)| shape.exception).map(|(name, _)| name);
    let listed = model.operations.values().flat_map(|operation| &operation.errors);
    marked.chain(listed).cloned().collect()
}

/// The member that carries an error's text.
pub fn message_member(error: &Shape) -> Option<&str> {
    error.members.iter().map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case("message"))
}

/// What an error carries beside its text.
pub fn error_members(error: &Shape) -> impl Iterator<Item = (&str, &Reference)> {
    error.members.iter().filter(|(name, _)| Some(*name) != message_member(error))
}

/// Whether a member of `holder` of shape `member` would make the type infinite: one leads to the other through plain
/// members alone.
pub fn needs_box(model: &Model, holder: &str, member: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut pending = vec![member];
    while let Some(name) = pending.pop() {
        if name == holder {
            return true;
        }
        if seen.insert(name) {
            pending.extend(embedded(model.shape(name)));
        }
    }
    false
}

/// Shapes that the Rust type of a shape contains without indirection.
fn embedded(shape: &Shape) -> impl Iterator<Item = &str> {
    shape.members.iter().map(|(_, member)| member.shape.as_str())
}

/// Whether a member is a body that is streamed: bytes of any length, or the frames of an event stream.
pub fn is_body(model: &Model, shape: &Shape, name: &str) -> bool {
    shape.payload.as_deref() == Some(name)
        && shape.members.iter().any(|(member, reference)| {
            let target = model.shape(&reference.shape);
            member == name && (reference.streaming || target.streaming || target.eventstream)
        })
}

/// Whether a value of the shape must be kept out of logs. A structure hides its own members.
pub fn is_sensitive(model: &Model, name: &str) -> bool {
    let shape = model.shape(name);
    shape.sensitive
        || matches!(shape.kind.as_str(), "list" | "map")
            && shape.references().any(|reference| is_sensitive(model, &reference.shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(shapes: &str) -> Model {
        let text = format!(
            r#"{{"metadata": {{"apiVersion": "1", "endpointPrefix": "e", "protocol": "json", "serviceId": "S",
            "validation": {{"family": "own"}}}}, "operations": {{}}, "shapes": {shapes}}}"#
        );
        serde_json::from_str(&text).expect("a model")
    }

    #[test]
    fn only_direct_recursion_needs_a_box() {
        let model = model(
            r#"{"Filter": {"type": "structure", "members": {"Not": {"shape": "Filter"}, "All": {"shape": "Filters"}}},
                "Filters": {"type": "list", "member": {"shape": "Filter"}}}"#,
        );
        assert!(needs_box(&model, "Filter", "Filter"));
        assert!(!needs_box(&model, "Filter", "Filters"));
    }

    #[test]
    fn a_list_of_secrets_is_a_secret() {
        let model = model(
            r#"{"Secret": {"type": "string", "sensitive": true},
                "Secrets": {"type": "list", "member": {"shape": "Secret"}},
                "Holder": {"type": "structure", "members": {"Inner": {"shape": "Secrets"}}}}"#,
        );
        assert!(is_sensitive(&model, "Secrets"));
        assert!(!is_sensitive(&model, "Holder"), "it hides its own member");
    }
}
