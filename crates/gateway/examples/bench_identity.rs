//! Measures a signed `GetCallerIdentity` over one loopback connection: what the whole pipeline costs, verification of
//! the signature included. `cargo run --release -p traca-gateway --example bench_identity`

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::sts;
use platform::{Clock, Config, Ids, Issuer, Platform, Principal, Registration, Services};
use traca_gateway::{Gateway, GatewayConfig, Listen};

#[path = "../tests/support/mod.rs"]
mod support;

/// Requests before the measurement.
const WARM_UP: usize = 2_000;

/// Requests measured.
const MEASURED: usize = 20_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (address, request) = runtime.block_on(start());
    let mut times = exchange(address, &request);
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_nanos() as f64 / 1_000.0;
    let line = format!("signed GetCallerIdentity round trip: p50 {:.1} us, p99 {:.1} us\n", at(0.5), at(0.99));
    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).expect("standard output");
}

/// Serves STS; returns where, and a signed request.
async fn start() -> (SocketAddr, Vec<u8>) {
    let (clock, ids) = (Clock::controlled(support::START), Ids::random());
    let issuer = Issuer::in_memory(clock.clone(), ids.clone());
    let (store, telemetry) = (store::Store::memory(), store::Store::memory());
    let platform = Platform::new(Config::default(), store, telemetry, blob::BlobStore::memory(), clock, ids, issuer);
    let platform = Arc::new(platform);
    let mut services = Services::default();
    let mut registration = Registration::new(&sts::SERVICE);
    registration.add::<sts::GetCallerIdentity, _, _>(|cx, _| async move {
        let (account, arn) = (Some(cx.account.clone()), Some(cx.principal.arn()));
        Ok(sts::GetCallerIdentityResponse { account, arn, user_id: Some(cx.principal.user_id()) })
    });
    services.register(registration);
    platform.install(services);
    let root = Principal::Root { account: Config::DEFAULT_ACCOUNT.to_owned() };
    let credentials = platform.issuer.mint(&root, Duration::from_secs(900)).expect("roots hold credentials");
    let gateway = Gateway::new(platform, GatewayConfig::default());
    let listen = Listen { address: ([127, 0, 0, 1], 0).into(), tls: None };
    let bound = listen.bind(platform::Mode::Open).await.expect("a free port");
    let address = bound.address();
    gateway.serve(bound);
    let request = support::signer::sign(support::Request::identity(), &credentials, "20231114T221320Z", "sts");
    (address, [request.head(), request.body].concat())
}

/// Sends the request over and over; a plain blocking client adds the least.
fn exchange(address: SocketAddr, request: &[u8]) -> Vec<Duration> {
    use std::io::{Read, Write};
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    stream.set_nodelay(true).expect("a fresh socket");
    let mut buffer = [0; 4_096];
    let mut times = Vec::with_capacity(MEASURED);
    for round in 0..WARM_UP + MEASURED {
        let started = Instant::now();
        stream.write_all(request).expect("the gateway reads");
        let read = stream.read(&mut buffer).expect("the gateway answers");
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
        if round >= WARM_UP {
            times.push(started.elapsed());
        }
    }
    times
}
