//! The tables of every service hold together.

use std::collections::HashSet;

use traca_api::SERVICES;
use wire::schema::{Kind, Location, Member, OperationDef, Protocol, Segment, ServiceDef, Shape};

fn operations() -> impl Iterator<Item = (&'static ServiceDef, &'static OperationDef)> {
    SERVICES.iter().flat_map(|service| service.operations.iter().map(move |operation| (*service, operation)))
}

fn is_sorted_without_repetition<'a>(names: impl Iterator<Item = &'a str> + Clone) -> bool {
    names.clone().zip(names.skip(1)).all(|(one, next)| one < next)
}

#[test]
fn services_are_found_by_their_id() {
    assert!(is_sorted_without_repetition(SERVICES.iter().map(|service| service.id)));
    for service in SERVICES {
        assert_eq!(traca_api::service(service.id).map(|found| found.service_id), Some(service.service_id));
    }
    assert!(traca_api::service("lambada").is_none());
}

#[test]
fn operations_are_found_by_their_name_and_stand_where_they_say() {
    for service in SERVICES {
        assert!(
            is_sorted_without_repetition(service.operations.iter().map(|operation| operation.name)),
            "{}",
            service.id
        );
        for (index, operation) in service.operations.iter().enumerate() {
            assert_eq!(usize::from(operation.index), index, "{} {}", service.id, operation.name);
            assert_eq!(service.operation(operation.name).map(|found| found.index), Some(operation.index));
        }
        assert!(service.operation("NoSuchOperation").is_none());
    }
}

#[test]
fn errors_are_found_by_their_name() {
    for service in SERVICES {
        assert!(is_sorted_without_repetition(service.errors.iter().map(|error| error.name)), "{}", service.id);
        for error in service.errors {
            assert_eq!(service.error(error.name).map(|found| found.code), Some(error.code));
            assert!((300..600).contains(&error.status), "{} {}", service.id, error.name);
        }
    }
}

#[test]
fn json_services_name_their_target_and_xml_services_their_namespace() {
    for service in SERVICES {
        let speaks = |protocol| service.protocols.contains(&protocol);
        assert!(!service.protocols.is_empty(), "{}", service.id);
        if speaks(Protocol::Json) || speaks(Protocol::CborTarget) {
            assert!(service.target_prefix.is_some(), "{}", service.id);
        }
        if speaks(Protocol::Query) || speaks(Protocol::Ec2) || speaks(Protocol::RestXml) {
            assert!(service.xml_namespace.is_some(), "{}", service.id);
        }
    }
}

#[test]
fn path_templates_and_their_pieces_agree() {
    for (service, operation) in operations().filter(|(service, _)| is_rest(service)) {
        let path: String = operation
            .http
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(text) => format!("/{text}"),
                Segment::Label(label) => format!("/{{{label}}}"),
                Segment::Greedy(label) => format!("/{{{label}+}}"),
            })
            .collect();
        let template = operation.http.uri.split('?').next().unwrap_or_default().trim_end_matches('/');
        assert_eq!(path, template, "{} {}", service.id, operation.name);
    }
}

fn is_rest(service: &ServiceDef) -> bool {
    service.protocols.iter().any(|protocol| matches!(protocol, Protocol::RestJson | Protocol::RestXml))
}

#[test]
fn every_label_of_a_path_is_a_member_of_the_input() {
    for (service, operation) in operations() {
        let Some(codec) = operation.codec.filter(|_| is_rest(service)) else { continue };
        let members = || codec.input.members().iter().filter(|member| member.location == Location::Uri);
        for segment in operation.http.segments {
            if let Segment::Label(label) | Segment::Greedy(label) = segment {
                assert!(members().any(|member| member.wire_name() == *label), "{} {label}", operation.name);
            }
        }
        assert_eq!(members().count(), labels(operation), "{}", operation.name);
    }
}

fn labels(operation: &OperationDef) -> usize {
    operation.http.segments.iter().filter(|segment| !matches!(segment, Segment::Literal(_))).count()
}

/// Walks every shape that the root reaches, once.
fn walk(root: &'static Shape, seen: &mut HashSet<*const Shape>, visit: &mut dyn FnMut(&'static Shape)) {
    if !seen.insert(root) {
        return;
    }
    visit(root);
    match &root.kind {
        Kind::List { member, .. } => walk(member.shape, seen, visit),
        Kind::Map { key, value, .. } => {
            walk(key.shape, seen, visit);
            walk(value.shape, seen, visit);
        }
        _ => root.members().iter().for_each(|member| walk(member.shape, seen, visit)),
    }
}

#[test]
fn schemas_of_built_operations_keep_the_rules_codecs_rely_on() {
    let mut seen = HashSet::new();
    for (_, operation) in operations() {
        let Some(codec) = operation.codec else { continue };
        for root in [codec.input, codec.output] {
            assert!(matches!(root.kind, Kind::Structure { .. }), "{}", root.name);
            walk(root, &mut seen, &mut |shape| {
                let payloads = shape.members().iter().filter(|member| member.location == Location::Payload).count();
                assert!(payloads <= 1, "{} has several payloads", shape.name);
                let late: Vec<&Member> = shape.members().iter().skip(128).filter(|member| member.required).collect();
                assert!(late.is_empty(), "{}: members that are required must be among the first 128", shape.name);
                if let Kind::Map { key, .. } = &shape.kind {
                    assert!(matches!(key.shape.kind, Kind::String), "{}", shape.name);
                }
            });
        }
    }
    assert!(!seen.is_empty());
}

#[test]
fn only_operations_that_no_policy_can_withhold_go_without_actions_and_are_still_allowed() {
    let allowed: Vec<&str> =
        operations().filter(|(_, operation)| operation.always_allowed).map(|(_, operation)| operation.name).collect();
    assert!(allowed.contains(&"GetCallerIdentity"));
    for (service, operation) in operations().filter(|(_, operation)| operation.always_allowed) {
        assert!(operation.actions.is_empty(), "{} {}", service.id, operation.name);
        assert!(operation.actions_by_content.is_empty(), "{} {}", service.id, operation.name);
    }
}
