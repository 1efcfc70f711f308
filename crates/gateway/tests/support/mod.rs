//! A platform with a few test services behind a real gateway, and a client that speaks HTTP/1.1 by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{lambda, logs, sts};
use blob::BlobStore;
use platform::credentials::TemporaryCredentials;
use platform::{Clock, Config, Ctx, Ids, Issuer, Mode, Platform, Principal, Registration, Services};
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use traca_gateway::{Gateway, GatewayConfig, Listen};
use wire::{Error, Timestamp};

pub mod signer;

/// Longest real time a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Time of the controlled clock when a test starts.
pub const START: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };

/// The key that makes [`TestService`] panic.
pub const PANIC_KEY: &str = "AKIAPANICPANICPANICP";

/// The key that makes [`TestService`] wait for its gate.
pub const WAIT_KEY: &str = "AKIAWAITWAITWAITWAIT";

/// What the test services share.
#[derive(Default)]
pub struct TestService {
    /// A handler has begun to wait.
    pub entered: Notify,
    /// Lets it go on.
    pub gate: Notify,
}

impl TestService {
    async fn identity(
        self: &Arc<Self>,
        cx: &Ctx,
        _: sts::GetCallerIdentityRequest,
    ) -> Result<sts::GetCallerIdentityResponse, Error> {
        let text = Some(format!("{} in {} of {}", cx.principal.arn(), cx.region, cx.endpoint));
        Ok(sts::GetCallerIdentityResponse { account: Some(cx.account.clone()), arn: text, user_id: None })
    }

    async fn key_info(
        self: &Arc<Self>,
        _: &Ctx,
        input: sts::GetAccessKeyInfoRequest,
    ) -> Result<sts::GetAccessKeyInfoResponse, Error> {
        assert!(input.access_key_id != PANIC_KEY, "this handler panics when asked to");
        if input.access_key_id == WAIT_KEY {
            self.entered.notify_one();
            self.gate.notified().await;
        }
        Ok(sts::GetAccessKeyInfoResponse { account: Some("answered".to_owned()) })
    }
}

/// Answers an invocation with its own payload.
async fn echo(_: Ctx, input: lambda::InvocationRequest) -> Result<lambda::InvocationResponse, Error> {
    Ok(lambda::InvocationResponse { payload: input.payload, status_code: Some(200), ..Default::default() })
}

pub struct Fixture {
    pub platform: Arc<Platform>,
    pub gateway: Gateway,
    pub service: Arc<TestService>,
    pub clock: Clock,
    pub address: SocketAddr,
}

impl Fixture {
    pub async fn start() -> Fixture {
        Fixture::with(Mode::Open, |services| services).await
    }

    pub async fn with(mode: Mode, more: impl FnOnce(Services) -> Services) -> Fixture {
        let clock = Clock::controlled(START);
        let ids = Ids::random();
        let issuer = Issuer::in_memory(clock.clone(), ids.clone());
        let config = Config { mode, ..Config::default() };
        let stores = (Store::memory(), Store::memory());
        let platform = Platform::new(config, stores.0, stores.1, BlobStore::memory(), clock.clone(), ids, issuer);
        let platform = Arc::new(platform);
        let service = Arc::new(TestService::default());
        platform.install(more(services(&service)));
        platform.start().await.expect("nothing to take up");
        let config = GatewayConfig { version: "1.2.3", domains: Vec::new() };
        let gateway = Gateway::new(Arc::clone(&platform), config);
        let listen = Listen { address: "127.0.0.1:0".parse().expect("an address"), tls: None };
        let bound = listen.bind(mode).await.expect("a free port");
        let address = bound.address();
        gateway.serve(bound);
        Fixture { platform, gateway, service, clock, address }
    }

    pub async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address).await.expect("the gateway listens"))
    }

    /// One request on a connection of its own.
    pub async fn send(&self, request: &Request) -> Reply {
        self.connect().await.send(request).await
    }

    /// Credentials of a role's session in account 111111111111.
    pub fn session(&self) -> TemporaryCredentials {
        let principal = Principal::Session {
            account: "111111111111".to_owned(),
            role: "worker".to_owned(),
            role_id: "AROAEXAMPLE".to_owned(),
            session: "run".to_owned(),
            facts: Arc::default(),
        };
        self.platform.issuer.mint(&principal, Duration::from_secs(900)).expect("sessions hold credentials")
    }
}

fn services(service: &Arc<TestService>) -> Services {
    let mut services = Services::default();
    let mut registration = Registration::new(&sts::SERVICE);
    let shared = Arc::clone(service);
    registration.add::<sts::GetCallerIdentity, _, _>(move |cx, input| {
        let service = Arc::clone(&shared);
        async move { service.identity(&cx, input).await }
    });
    let shared = Arc::clone(service);
    registration.add::<sts::GetAccessKeyInfo, _, _>(move |cx, input| {
        let service = Arc::clone(&shared);
        async move { service.key_info(&cx, input).await }
    });
    services.register(registration);
    let mut registration = Registration::new(&lambda::SERVICE);
    registration.add::<lambda::Invoke, _, _>(echo);
    services.register(registration);
    let mut registration = Registration::new(&logs::SERVICE);
    registration.add::<logs::CreateLogGroup, _, _>(|_, _| async { Ok(api::Empty) });
    services.register(registration);
    services
}

/// A request spelt by hand.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Request {
        let headers = vec![("host".to_owned(), "localhost:4566".to_owned())];
        Request { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() }
    }

    /// A query request to STS with an unknown key's credentials.
    pub fn sts(form: &str) -> Request {
        let content_type = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let request = Request::new("POST", "/").header(content_type.0, content_type.1);
        request.body(form).key("AKIAUNKNOWN", "us-east-1", "sts")
    }

    /// `GetCallerIdentity`.
    pub fn identity() -> Request {
        Request::sts("Action=GetCallerIdentity&Version=2011-06-15")
    }

    /// `GetAccessKeyInfo`.
    pub fn key_info(key: &str) -> Request {
        Request::sts(&format!("Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId={key}"))
    }

    /// An invocation.
    pub fn invoke(payload: impl Into<Vec<u8>>) -> Request {
        let request = Request::new("POST", "/2015-03-31/functions/echo/invocations");
        request.body(payload).key("AKIAUNKNOWN", "us-east-1", "lambda")
    }

    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// Claims a key, without a signature that would hold.
    pub fn key(self, key: &str, region: &str, service: &str) -> Request {
        let scope = format!("{key}/20231114/{region}/{service}/aws4_request");
        let signature = "0".repeat(64);
        let value = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={signature}");
        self.header("authorization", &value).header("x-amz-date", "20231114T221320Z")
    }

    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = |name: &str| self.headers.iter().any(|(known, _)| known == name);
        if !framed("content-length") && !framed("transfer-encoding") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        (head + "\r\n").into_bytes()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("answers are text")
    }
}

/// A connection that is kept.
pub struct Client<S> {
    pub stream: S,
    /// Read but not looked at.
    pending: Vec<u8>,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Client<S> {
        Client { stream, pending: Vec::new() }
    }

    pub async fn send(&mut self, request: &Request) -> Reply {
        self.write(&[request.head(), request.body.clone()].concat()).await;
        self.reply(request.method == "HEAD").await
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the gateway reads");
    }

    /// The next answer.
    pub async fn reply(&mut self, is_head: bool) -> Reply {
        tokio::time::timeout(PATIENCE, self.read_reply(is_head)).await.expect("an answer in time")
    }

    /// Waits until the gateway closes the connection; returns what it sent before.
    pub async fn closed(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.pending);
        let end = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        let _ = end.expect("the connection is closed in time");
        rest
    }

    async fn read_reply(&mut self, is_head: bool) -> Reply {
        let end = loop {
            if let Some(end) = self.pending.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            self.fill().await;
        };
        let head = String::from_utf8(self.pending.drain(..end + 4).collect()).expect("heads are text");
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().expect("a status line");
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers: Vec<_> = lines.map(header).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().expect("a length"));
        let length = if is_head || status == 100 { 0 } else { length };
        while self.pending.len() < length {
            self.fill().await;
        }
        Reply { status, headers, body: self.pending.drain(..length).collect() }
    }

    async fn fill(&mut self) {
        let read = self.stream.read_buf(&mut self.pending).await.expect("the gateway writes");
        assert!(read > 0, "the gateway closed the connection");
    }
}
