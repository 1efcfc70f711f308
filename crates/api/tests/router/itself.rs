//! Every operation of every model, in every protocol that it is offered in, is routed to itself.

use wire::schema::{OperationDef, Protocol, Segment, ServiceDef};

use super::*;

/// Operations that share their whole binding with a newer one, to which their requests go, as on AWS.
const SUPERSEDED: [(&str, &str); 4] = [
    ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
    ("PutBucketNotification", "PutBucketNotificationConfiguration"),
    ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    ("GetBucketNotification", "GetBucketNotificationConfiguration"),
];

/// A request of the operation: head, and form for query protocols.
fn request(service: &ServiceDef, operation: &OperationDef, protocol: Protocol, sign: bool) -> (Parts, Option<String>) {
    let name = operation.name;
    let signing_name = if name == "ListDirectoryBuckets" { "s3express" } else { service.signing_name };
    let authorization = scope(signing_name);
    let mut headers = vec![("host", "localhost:4566")];
    if sign {
        headers.push(("authorization", &authorization));
    }
    let target = format!("{}.{name}", service.target_prefix.unwrap_or_default());
    match protocol {
        Protocol::Json => {
            headers.extend([("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")]);
            (head("POST", "/", &headers), None)
        }
        Protocol::CborTarget => {
            headers.extend([("x-amz-target", target.as_str()), ("content-type", "application/x-amz-cbor-1.1")]);
            (head("POST", "/", &headers), None)
        }
        Protocol::Cbor => {
            headers.extend([("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")]);
            let uri = format!("/service/{}/operation/{name}", service.target_prefix.unwrap_or_default());
            (head("POST", &uri, &headers), None)
        }
        Protocol::Query | Protocol::Ec2 => {
            headers.push(("content-type", "application/x-www-form-urlencoded; charset=utf-8"));
            let form = format!("Action={name}&Version={}", service.api_version);
            (head("POST", "/", &headers), Some(form))
        }
        Protocol::RestJson | Protocol::RestXml => {
            headers.extend(operation.http.required_headers.iter().map(|name| (*name, "value")));
            (head(operation.http.method, &uri(operation), &headers), None)
        }
    }
}

/// The template with its labels filled in and all query keys that it needs.
fn uri(operation: &OperationDef) -> String {
    let mut uri = String::new();
    for segment in operation.http.segments {
        uri.push('/');
        uri.push_str(match segment {
            Segment::Literal(text) => text,
            Segment::Label(_) => "arn%3Aaws%3Ax%2Fy",
            Segment::Greedy(_) => "a/b%20c/d",
        });
    }
    if uri.is_empty() {
        uri.push('/');
    }
    let fixed = operation.http.query.iter().map(|key| format!("{}={}", key.key, key.value.unwrap_or_default()));
    let required = operation.http.required_query.iter().map(|key| format!("{key}=value"));
    let query: Vec<String> = fixed.chain(required).collect();
    if query.is_empty() { uri } else { format!("{uri}?{}", query.join("&")) }
}

fn check(service: &'static ServiceDef, operation: &OperationDef, protocol: Protocol, sign: bool) {
    let (parts, form) = request(service, operation, protocol, sign);
    let result = route_form(&parts, form.as_deref());
    let superseded = SUPERSEDED.iter().find(|(old, _)| *old == operation.name && service.id == "s3");
    let name = superseded.map_or(operation.name, |(_, new)| new);
    assert_eq!(told(&result), format!("{}.{name}", service.id), "{protocol:?} {} {}", parts.method, parts.uri);
    let route = result.expect("it was compared above");
    assert_eq!(route.protocol, protocol, "{name}");
    let mut values = route.labels.iter();
    for segment in route.operation.http.segments {
        let (label, expected) = match segment {
            Segment::Literal(_) => continue,
            Segment::Label(label) => (label, "arn:aws:x/y"),
            Segment::Greedy(label) => (label, "a/b c/d"),
        };
        let (found, value) = values.next().expect("every label has a value");
        assert_eq!((found, value.as_str()), (label, expected), "{name}");
    }
    assert_eq!(values.next(), None, "{name}");
}

#[test]
fn every_operation_is_routed_to_itself_when_signed() {
    let mut count = 0;
    for service in SERVICES {
        for operation in service.operations {
            for protocol in service.protocols {
                check(service, operation, *protocol, true);
                count += 1;
            }
        }
    }
    assert!(count > 1_800, "only {count} operations");
}

#[test]
fn every_operation_named_by_target_action_or_path_is_routed_to_itself_unsigned() {
    for service in SERVICES {
        for operation in service.operations {
            for protocol in service.protocols {
                let by_path = matches!(protocol, Protocol::RestJson | Protocol::RestXml);
                if !by_path
                    || service.id == "lambda"
                    || (service.id == "s3" && operation.name != "ListDirectoryBuckets")
                {
                    check(service, operation, *protocol, false);
                }
            }
        }
    }
}

#[test]
fn every_rest_operation_is_routed_to_itself_by_its_host() {
    for service in SERVICES {
        for operation in service.operations.iter().filter(|_| service.protocols.contains(&Protocol::RestJson)) {
            let (mut parts, _) = request(service, operation, Protocol::RestJson, false);
            let host = format!("{}.eu-west-1.amazonaws.com", service.endpoint_prefix);
            parts.headers.insert("host", host.parse().expect("a valid host"));
            assert_eq!(told(&route_form(&parts, None)), format!("{}.{}", service.id, operation.name));
        }
    }
}
