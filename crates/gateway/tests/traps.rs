//! What clients expect of a connection that a simple server gets wrong.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod support;

use std::time::{Duration, Instant};

use support::{Fixture, Request};

/// How long Linux lets an acknowledgement wait at most before it is sent alone.
const DELAYED_ACKNOWLEDGEMENT: Duration = Duration::from_millis(40);

/// Exchanges after which the system no longer acknowledges at once, as it does on a new connection.
const WARM_UP: usize = 20;

/// Exchanges of which the fastest counts. The machine may be busy during most of them.
const ATTEMPTS: usize = 30;

#[tokio::test]
async fn the_second_of_two_answers_does_not_wait_for_an_acknowledgement_of_the_first() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let request = Request::identity();
    let two = [request.head(), request.body.clone(), request.head(), request.body.clone()].concat();
    let mut fastest = Duration::MAX;
    for attempt in 0..WARM_UP + ATTEMPTS {
        let start = Instant::now();
        client.write(&two).await;
        assert_eq!(client.reply(false).await.status, 200);
        assert_eq!(client.reply(false).await.status, 200);
        if attempt >= WARM_UP {
            fastest = fastest.min(start.elapsed());
        }
    }
    assert!(fastest < DELAYED_ACKNOWLEDGEMENT, "the fastest of {ATTEMPTS} took {fastest:?}");
}

#[tokio::test]
async fn an_answer_of_known_length_is_not_chunked_and_keeps_the_connection() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let unknown = Request::sts("Action=Nothing&Version=2011-06-15");
    let empty = Request::new("HEAD", "/bucket").key("AKIAUNKNOWN", "us-east-1", "s3");
    for (request, status) in [(Request::identity(), 200), (unknown, 400), (Request::invoke("{}"), 200), (empty, 501)] {
        let reply = client.send(&request).await;
        assert_eq!(reply.status, status);
        assert_eq!((reply.header("transfer-encoding"), reply.header("connection")), (None, None));
        let length = reply.header("content-length").map(|length| length.parse::<usize>().unwrap());
        assert!(request.method == "HEAD" || length == Some(reply.body.len()), "{reply:?}");
        assert!(reply.header("date").is_some());
    }
}

#[tokio::test]
async fn the_region_is_that_of_the_scope_whatever_host_and_client_say() {
    let fixture = Fixture::start().await;
    let identity = |host: &str, region: &str| {
        let request = Request::sts("Action=GetCallerIdentity&Version=2011-06-15").key("AKIAUNKNOWN", region, "sts");
        request.header("host", host).header("user-agent", "aws-sdk-js/3 os/linux region/ap-south-1")
    };
    for (host, region) in [("localhost:4566", "eu-west-3"), ("sts.amazonaws.com", "us-east-1")] {
        let reply = fixture.send(&identity(host, region)).await;
        assert!(reply.text().contains(&format!("root in {region} of")), "{}", reply.text());
    }
    let default = format!("root in {} of", fixture.platform.config.region);
    let reply = fixture.send(&identity("localhost:4566", "No-Region!")).await;
    assert!(reply.text().contains(&default), "{}", reply.text());
}

#[tokio::test]
async fn an_unknown_action_repeats_the_version_that_was_asked_for() {
    let fixture = Fixture::start().await;
    for (form, version) in [
        ("Action=Nothing&Version=2011-06-15", "2011-06-15"),
        ("Action=Nothing&Version=2000-01-01", "2000-01-01"),
        ("Action=Nothing", "NO_VERSION_SPECIFIED"),
    ] {
        let reply = fixture.send(&Request::sts(form)).await;
        let text = format!("<Message>Could not find operation Nothing for version {version}</Message>");
        assert!(reply.status == 400 && reply.text().contains(&text), "{}", reply.text());
        assert!(reply.text().contains("http://webservices.amazon.com/AWSFault/2005-15-09"), "{}", reply.text());
    }
    let reply = fixture.send(&Request::sts("Version=2011-06-15")).await;
    assert_eq!((reply.status, reply.text()), (404, "<UnknownOperationException/>\n"));
}

#[tokio::test]
async fn a_path_that_api_gateway_does_not_have_lacks_a_token() {
    let fixture = Fixture::start().await;
    let request = Request::new("GET", "/nothing/here").key("AKIAUNKNOWN", "us-east-1", "apigateway");
    let reply = fixture.send(&request).await;
    let error_type = reply.header("x-amzn-errortype");
    assert_eq!((reply.status, error_type), (403, Some("MissingAuthenticationTokenException")));
    assert_eq!(reply.text(), r#"{"message":"Missing Authentication Token"}"#);
}
