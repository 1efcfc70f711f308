//! What a connection survives, and what it does not.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod support;

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::signer::sign;
use support::{Client, Fixture, PANIC_KEY, Request, WAIT_KEY};
use tokio::net::TcpStream;

/// A JSON request to CloudWatch Logs.
fn logs(target: &str, body: &str) -> Request {
    let request = Request::new("POST", "/").header("x-amz-target", &format!("Logs_20140328.{target}"));
    request.header("content-type", "application/x-amz-json-1.1").body(body).key("AKIAUNKNOWN", "us-east-1", "logs")
}

#[tokio::test]
async fn bad_input_is_answered_in_the_services_words_and_the_connection_goes_on() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let reply = client.send(&logs("CreateLogGroup", "{\"logGroupName\": ")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("SerializationException"), "{}", reply.text());
    let reply = client.send(&logs("CreateLogGroup", "{}")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("1 validation error detected"), "{}", reply.text());
    let reply = client.send(&logs("CreateNothing", "{}")).await;
    assert!(reply.text().contains("UnknownOperationException"), "{}", reply.text());
    let reply = client.send(&Request::sts("Action=Nothing&Version=2011-06-15")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("<Code>InvalidAction</Code>"), "{}", reply.text());
    let reply = client.send(&Request::new("POST", "/").header("authorization", "AWS4-HMAC-SHA256 nonsense")).await;
    assert!((400..500).contains(&reply.status));
    let reply = client.send(&Request::identity()).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("x-amzn-requestid").is_some());
    assert!(reply.text().contains("arn:aws:iam::000000000000:root in us-east-1"), "{}", reply.text());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_in_aws_words_and_drained() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let payload = vec![b'1'; 6_291_456];
    let reply = client.send(&Request::invoke(payload.clone())).await;
    assert_eq!((reply.status, reply.body == payload), (200, true), "the limit itself is allowed");
    let too_large = Request::invoke(vec![b'1'; 6_291_457]);
    let reply = client.send(&too_large).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.header("x-amzn-errortype"), Some("RequestEntityTooLargeException"));
    let text = "Request must be smaller than 6291456 bytes for the InvokeFunction operation";
    assert!(reply.text().contains(text), "{}", reply.text());
    let chunked = too_large.header("transfer-encoding", "chunked");
    client.write(&chunked.head()).await;
    client.write(format!("{:x}\r\n", chunked.body.len()).as_bytes()).await;
    client.write(&chunked.body).await;
    client.write(b"\r\n0\r\n\r\n").await;
    assert_eq!(client.reply(false).await.status, 413);
    assert_eq!(client.send(&Request::identity()).await.status, 200);
}

#[tokio::test]
async fn a_body_beyond_what_is_drained_ends_the_connection_after_the_answer() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    client.write(&Request::invoke("").header("content-length", "1000000000").head()).await;
    let reply = client.reply(false).await;
    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
    client.closed().await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_refused_at_once() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let request = Request::invoke("{}").header("expect", "100-continue");
    client.write(&request.head()).await;
    assert_eq!(client.reply(false).await.status, 100);
    client.write(&request.body).await;
    let reply = client.reply(false).await;
    assert_eq!((reply.status, reply.text()), (200, "{}"));
    client.write(&request.header("content-length", "1000000000").head()).await;
    assert_eq!(client.reply(false).await.status, 413, "without a byte of the body");
}

#[tokio::test]
async fn http2_with_prior_knowledge_shares_the_port() {
    let fixture = Fixture::start().await;
    let stream = TokioIo::new(TcpStream::connect(fixture.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let spelt = Request::identity();
        let mut request = http::Request::post(format!("http://localhost:{}/", fixture.address.port()));
        for (name, value) in spelt.headers.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        let response =
            sender.send_request(request.body(Full::<bytes::Bytes>::new(spelt.body.into())).unwrap()).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("of http://localhost:"), "the endpoint is the client's own");
    }
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let reply = client.send(&Request::key_info(PANIC_KEY)).await;
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("<Code>InternalFailure</Code>"), "{}", reply.text());
    assert_eq!(client.send(&Request::identity()).await.status, 200);
}

/// Time stands still unless everybody waits; then it jumps. So these tests wait for minutes in no time.
#[tokio::test(start_paused = true)]
async fn clients_that_stop_in_the_middle_are_let_go() {
    let fixture = Fixture::start().await;
    assert!(fixture.connect().await.closed().await.is_empty(), "a client that says nothing");
    for begun in ["PRI * HT", "POST / HTTP/1.1\r\nhost: loc"] {
        let mut client = fixture.connect().await;
        client.write(begun.as_bytes()).await;
        client.closed().await;
    }
    let mut client = fixture.connect().await;
    client.write(&Request::invoke("").header("content-length", "10").head()).await;
    client.write(b"12345").await;
    let reply = client.reply(false).await;
    assert_eq!((reply.status, reply.header("connection")), (400, Some("close")));
    assert!(reply.text().contains("not read from or written to within the timeout period"), "{}", reply.text());
    client.closed().await;
    let mut client = fixture.connect().await;
    assert_eq!(client.send(&Request::identity()).await.status, 200);
    assert!(client.closed().await.is_empty(), "an idle connection is closed");
}

#[tokio::test]
async fn heads_are_bounded() {
    let fixture = Fixture::start().await;
    let many = (0..200).fold(Request::identity(), |request, number| request.header(&format!("x-{number}"), "1"));
    assert_eq!(fixture.send(&many).await.status, 431);
    let mut client = fixture.connect().await;
    let long = Request::identity().header("x-long", &"x".repeat(traca_gateway::limits::HEAD_BYTES_MAX));
    client.write(&long.head()).await;
    assert_eq!(client.reply(false).await.status, 431);
    client.closed().await;
    assert_eq!(fixture.send(&Request::identity()).await.status, 200);
}

#[tokio::test]
async fn shutdown_finishes_what_is_under_way_and_takes_no_more() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let mut idle = fixture.connect().await;
    assert_eq!(idle.send(&Request::identity()).await.status, 200);
    let waiting = Request::key_info(WAIT_KEY);
    client.write(&waiting.head()).await;
    client.write(&waiting.body).await;
    fixture.service.entered.notified().await;
    let gateway = fixture.gateway.clone();
    let shutdown = tokio::spawn(async move { gateway.shutdown(support::PATIENCE).await });
    idle.closed().await;
    assert!(TcpStream::connect(fixture.address).await.is_err(), "nothing listens any more");
    fixture.service.gate.notify_one();
    let reply = client.reply(false).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("<Account>answered</Account>"), "{}", reply.text());
    assert!(shutdown.await.unwrap(), "all was finished");
}

#[tokio::test]
async fn shutdown_drops_what_does_not_end_in_time() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let waiting = Request::key_info(WAIT_KEY);
    client.write(&waiting.head()).await;
    client.write(&waiting.body).await;
    fixture.service.entered.notified().await;
    assert!(!fixture.gateway.shutdown(Duration::from_millis(10)).await);
    assert!(client.closed().await.is_empty(), "no answer");
}

async fn listener() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn functions_are_served_on_listeners_and_streams_of_their_own() {
    let fixture = Fixture::start().await;
    let (plain, other) = (listener().await, listener().await);
    let address = plain.local_addr().unwrap();
    let source = traca_gateway::Source::Function("arn:of:it".into());
    let doors = traca_gateway::Doors {
        plain: [plain, other],
        encrypted: listener().await,
        authority: std::sync::Arc::new(traca_gateway::Authority::new(None)),
    };
    let served = fixture.gateway.serve_inside(doors, source.clone());
    let mut client = Client::new(TcpStream::connect(address).await.unwrap());
    let own = sign(Request::identity(), &fixture.session(), "20231114T221320Z", "sts");
    assert_eq!(client.send(&own).await.status, 200);
    let made_up = client.send(&Request::identity()).await;
    assert_eq!(made_up.status, 403, "a function must not make itself a root");
    assert!(made_up.text().contains("InvalidClientTokenId"), "{}", made_up.text());
    for page in ["/_traca/denials", "/_traca/access"] {
        assert_eq!(client.send(&Request::new("GET", page)).await.status, 403, "{page}");
    }
    let reset = client.send(&Request::new("POST", "/_traca/reset")).await;
    assert_eq!(reset.status, 403, "a function must not reset the platform");
    drop(served);
    assert_eq!(client.send(&own).await.status, 200, "what was accepted goes on");
    let (near, far) = tokio::io::duplex(65_536);
    fixture.gateway.serve_stream(far, traca_gateway::ConnectionInfo { source, is_tls: false });
    assert_eq!(Client::new(near).send(&own).await.status, 200);
}
