//! Every operation that AWS models and the test platform has not built answers 501, naming itself, in its protocol.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod support;

use support::{Fixture, Reply, Request};
use wire::schema::{OperationDef, Protocol, Segment, ServiceDef};

/// A request for an operation with whatever its route needs.
fn request(service: &ServiceDef, operation: &OperationDef, protocol: Protocol) -> Request {
    let target = || format!("{}.{}", service.target_prefix.unwrap_or_default(), operation.name);
    let spelt = match protocol {
        Protocol::Json => {
            let content_type = format!("application/x-amz-json-{}", service.json_version);
            Request::new("POST", "/").header("x-amz-target", &target()).header("content-type", &content_type).body("{}")
        }
        Protocol::CborTarget => {
            let request = Request::new("POST", "/").header("x-amz-target", &target());
            request.header("content-type", "application/x-amz-cbor-1.1").body([0xa0])
        }
        Protocol::Query | Protocol::Ec2 => {
            let request = Request::new("POST", "/").header("content-type", "application/x-www-form-urlencoded");
            request.body(format!("Action={}&Version={}", operation.name, service.api_version))
        }
        Protocol::Cbor => {
            let prefix = service.target_prefix.unwrap_or_default();
            let request = Request::new("POST", &format!("/service/{prefix}/operation/{}", operation.name));
            request.header("smithy-protocol", "rpc-v2-cbor").header("content-type", "application/cbor").body([0xa0])
        }
        Protocol::RestJson | Protocol::RestXml => rest(operation),
    };
    let service_name = match operation.name {
        "ListDirectoryBuckets" => "s3express",
        _ => service.signing_name,
    };
    spelt.key("AKIAUNKNOWN", "us-east-1", service_name)
}

fn rest(operation: &OperationDef) -> Request {
    let http = &operation.http;
    let segment = |segment: &Segment| match segment {
        Segment::Literal(text) => (*text).to_owned(),
        Segment::Label(_) | Segment::Greedy(_) => "x".to_owned(),
    };
    let path: Vec<String> = http.segments.iter().map(segment).collect();
    let fixed = http.query.iter().map(|query| match query.value {
        Some(value) => format!("{}={value}", query.key),
        None => query.key.to_owned(),
    });
    let required = http.required_query.iter().map(|key| format!("{key}=1"));
    let query: Vec<String> = fixed.chain(required).collect();
    let request = Request::new(http.method, &format!("/{}?{}", path.join("/"), query.join("&")));
    http.required_headers.iter().fold(request, |request, name| request.header(name, "1"))
}

/// Checks the form by what SDKs look at: the code, and where the name stands.
fn check(reply: &Reply, operation: &OperationDef, protocol: Protocol, name: &str) -> Result<(), String> {
    let text = String::from_utf8_lossy(&reply.body);
    let names = match protocol {
        Protocol::Json => text.contains("NotImplementedException\""),
        Protocol::RestJson => reply.header("x-amzn-errortype") == Some("NotImplementedException"),
        Protocol::Query => text.starts_with("<ErrorResponse") && text.contains("<Code>NotImplemented</Code>"),
        Protocol::Ec2 => text.contains("<Response><Errors><Error><Code>NotImplemented</Code>"),
        Protocol::RestXml => text.contains("<Error><Code>NotImplemented</Code>") || operation.http.method == "HEAD",
        Protocol::Cbor | Protocol::CborTarget => text.contains("NotImplementedException"),
    };
    let says = text.contains(&format!("The {name} operation of ")) || operation.http.method == "HEAD";
    if reply.status == 501 && names && says { Ok(()) } else { Err(format!("{} {text}", reply.status)) }
}

/// The operation that gets the requests of this one: another one only if this one is deprecated and shares its binding.
fn successor(service: &ServiceDef, operation: &'static OperationDef) -> &'static OperationDef {
    let rest = service.protocols.iter().any(|protocol| matches!(protocol, Protocol::RestJson | Protocol::RestXml));
    let same = |other: &&OperationDef| {
        !other.deprecated && other.http.method == operation.http.method && other.http.uri == operation.http.uri
    };
    let successor = service.operations.iter().find(same).filter(|_| operation.deprecated && rest);
    successor.unwrap_or(operation)
}

#[tokio::test]
async fn whatever_is_not_built_says_so() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let mut failures = Vec::new();
    let mut asked = 0;
    for service in api::SERVICES {
        for operation in service.operations.iter().filter(|operation| operation.codec.is_none()) {
            for protocol in service.protocols {
                asked += 1;
                let reply = client.send(&request(service, operation, *protocol)).await;
                if let Err(what) = check(&reply, operation, *protocol, successor(service, operation).name) {
                    failures.push(format!("{} {} {protocol:?}: {what}", service.id, operation.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {asked} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(asked > 1_800, "only {asked} operations were asked for");
}

#[tokio::test]
async fn services_out_of_the_catalogue_are_named() {
    let fixture = Fixture::start().await;
    let reply = fixture.send(&Request::new("GET", "/x").key("AKIAUNKNOWN", "us-east-1", "eks")).await;
    assert_eq!(reply.status, 501);
    assert!(reply.text().contains("The service eks is not implemented"), "{}", reply.text());
}
