//! Who a request acts as.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod support;

use std::time::Duration;

use platform::Mode;
use support::signer::{presign, sign};
use support::{Fixture, Reply, Request};

/// The controlled clock's first moment, as signatures write it.
const NOW: &str = "20231114T221320Z";
const FIVE_MINUTES_AGO: &str = "20231114T220820Z";

const FORM: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn unsigned() -> Request {
    let mut request = Request::identity();
    request.headers.retain(|(name, _)| name != "authorization");
    request
}

fn has(reply: &Reply, status: u16, text: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert!(reply.text().contains(text), "{text} in {}", reply.text());
}

#[tokio::test]
async fn open_mode_takes_unknown_keys_for_the_root_and_twelve_digits_for_an_account() {
    let fixture = Fixture::start().await;
    has(&fixture.send(&Request::identity()).await, 200, "arn:aws:iam::000000000000:root in us-east-1");
    let account = Request::identity().key("123456789012", "ap-south-1", "sts");
    has(&fixture.send(&account).await, 200, "arn:aws:iam::123456789012:root in ap-south-1");
    has(&fixture.send(&account).await, 200, "<Account>123456789012</Account>");
    let region = Request::identity().key("AKIAUNKNOWN", "nowhere%0a", "sts");
    has(&fixture.send(&region).await, 200, "in us-east-1");
}

#[tokio::test]
async fn nobody_may_only_call_what_needs_no_signature() {
    let fixture = Fixture::start().await;
    has(&fixture.send(&unsigned()).await, 403, "<Code>MissingAuthenticationToken</Code>");
}

#[tokio::test]
async fn credentials_minted_here_are_verified_and_name_their_session() {
    let fixture = Fixture::start().await;
    let credentials = fixture.session();
    let signed = sign(Request::identity(), &credentials, NOW, "sts");
    has(&fixture.send(&signed).await, 200, "arn:aws:sts::111111111111:assumed-role/worker/run in eu-west-1");
    let refused = "<Code>SignatureDoesNotMatch</Code>";
    has(&fixture.send(&signed.clone().body(format!("{FORM}&Extra=1"))).await, 403, refused);
    let mut wrong = credentials.clone();
    wrong.secret_access_key.replace_range(..1, "_");
    has(&fixture.send(&sign(Request::identity(), &wrong, NOW, "sts")).await, 403, refused);
    let late = sign(Request::identity(), &credentials, "20231114T215319Z", "sts");
    has(&fixture.send(&late).await, 403, "Signature expired");
    let without_token = Request::identity().key(&credentials.access_key_id, "us-east-1", "sts");
    has(&fixture.send(&without_token).await, 403, "<Code>InvalidClientTokenId</Code>");
    fixture.clock.advance(Duration::from_secs(900));
    let expired = sign(Request::identity(), &credentials, "20231114T222820Z", "sts");
    has(&fixture.send(&expired).await, 403, "<Code>ExpiredToken</Code>");
}

#[tokio::test]
async fn presigned_urls_are_verified_until_they_end() {
    let fixture = Fixture::start().await;
    let credentials = fixture.session();
    let url = presign(Request::new("GET", &format!("/?{FORM}")), &credentials, FIVE_MINUTES_AGO, "sts");
    // STS does not look at the lifetime that the URL names: presigned or not, a request is good for 15 minutes.
    has(&fixture.send(&url).await, 200, "assumed-role/worker/run");
    let mut altered = url.clone();
    altered.target = altered.target.replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    has(&fixture.send(&altered).await, 403, "SignatureDoesNotMatch");
    fixture.clock.advance(Duration::from_secs(10 * 60));
    has(&fixture.send(&url).await, 200, "assumed-role/worker/run");
    fixture.clock.advance(Duration::from_secs(1));
    has(&fixture.send(&url).await, 403, "Signature expired");
}

#[tokio::test]
async fn malformed_credentials_are_incomplete_signatures() {
    let fixture = Fixture::start().await;
    for value in ["AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=x"]
    {
        let reply = fixture.send(&unsigned().header("authorization", value)).await;
        has(&reply, 400, "<Code>IncompleteSignature</Code>");
    }
}

#[tokio::test]
async fn verify_mode_refuses_unknown_keys_in_each_familys_words() {
    let fixture = Fixture::with(Mode::Verify, |services| services).await;
    let key = |request: Request, service| request.key("123456789012", "us-east-1", service);
    has(&fixture.send(&key(Request::identity(), "sts")).await, 403, "<Code>InvalidClientTokenId</Code>");
    let reply = fixture.send(&key(Request::invoke("{}"), "lambda")).await;
    assert_eq!((reply.status, reply.header("x-amzn-errortype")), (403, Some("UnrecognizedClientException")));
    let reply = fixture.send(&key(Request::new("GET", "/bucket/key"), "s3")).await;
    has(&reply, 403, "<Code>InvalidAccessKeyId</Code>");
    assert!(reply.header("x-amz-request-id").is_some() && reply.header("x-amz-id-2").is_some());
    let signed = sign(Request::identity(), &fixture.session(), NOW, "sts");
    has(&fixture.send(&signed).await, 200, "assumed-role/worker/run");
}

#[tokio::test]
async fn a_foreign_web_page_cannot_act_as_the_root() {
    let fixture = Fixture::start().await;
    let refused = "<Code>InvalidClientTokenId</Code>";
    let page = Request::identity().header("origin", "https://evil.example");
    has(&fixture.send(&page).await, 403, refused);
    has(&fixture.send(&Request::identity().header("host", "evil.example:4566")).await, 403, refused);
    let local = Request::identity().header("origin", "http://localhost:3000");
    has(&fixture.send(&local).await, 200, ":root");
    let signed = sign(page, &fixture.session(), NOW, "sts");
    has(&fixture.send(&signed).await, 200, "assumed-role/worker/run");
}
