//! Wiring: the only place that knows all services.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use blob::{BlobError, BlobStore};
use gateway::{Authority, Bound, Doors, Gateway, GatewayConfig, Listen, ListenError, Source, TlsFiles};
use image::{Credentials, Registries};
use outbound::{Egress, Reach};
use platform::credentials::{Issuer, KeyFileError};
use platform::{Clock, Config, Enforcement, Ids, Mode, Platform, Services};
use runtimes::{Runtimes, SearchPaths};
use sandbox::SandboxConfig;
use service_lambda::{InvokeSettings, Lambda};
use store::{OpenError, Profile, Store};

use crate::blobs;
use crate::cli::{BlobArgs, Iam, PlatformArgs};
use crate::data::{self, Directories};
use crate::failure::Failure;
use crate::inside;
use crate::root_key::RootKey;

/// How long requests and invocations under way may take to end when the platform stops.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(30);

/// A platform that answers.
pub struct Running {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Interpreters and SDKs.
    pub runtimes: Arc<Runtimes>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The account root's own access key, if it has one.
    pub root_key: Option<RootKey>,
    gateway: Gateway,
    directories: Directories,
}

impl Running {
    /// Opens the state, starts the services and begins to listen.
    pub async fn start(args: &PlatformArgs) -> Result<Running, Failure> {
        let directories = Directories::prepare(args)?;
        let clock = Clock::real();
        let ids = Ids::random();
        let issuer = match &directories.data {
            Some(directory) => Issuer::open(directory, clock.clone(), ids.clone()).map_err(key_failure)?,
            None => Issuer::in_memory(clock.clone(), ids.clone()),
        };
        let stores = Stores::open(directories.data.as_deref(), &args.blobs, &issuer).await?;
        let bound = bind(args).await?;
        let address = bound.address();
        let config = Config {
            account: args.account.clone(),
            region: args.region.clone(),
            mode: mode(args),
            enforcement: match args.iam {
                Iam::Enforce => Enforcement::Enforce,
                Iam::Audit => Enforcement::Audit,
            },
            endpoint: endpoint(args, address),
            egress: egress(args),
            data_directory: directories.data.clone(),
        };
        let platform =
            Arc::new(Platform::new(config, stores.control, stores.telemetry, stores.blobs, clock, ids, issuer));
        let root_key = root_key(&platform, &directories)?;
        let gateway = Gateway::new(
            Arc::clone(&platform),
            GatewayConfig { version: env!("CARGO_PKG_VERSION"), domains: Vec::new() },
        );
        let runtimes = Arc::new(runtimes(&directories.runtimes));
        let services = services(&platform, &gateway, &runtimes, &directories, args, address)?;
        platform.install(services);
        platform.start().await?;
        gateway.serve(bound);
        Ok(Running { platform, runtimes, address, root_key, gateway, directories })
    }

    /// Address that clients are told.
    pub fn endpoint(&self, args: &PlatformArgs) -> String {
        endpoint(args, self.address)
    }

    /// Where the state is kept; `None` in memory mode.
    pub fn data_directory(&self) -> Option<&Path> {
        self.directories.data.as_deref()
    }

    /// Resolves when the state can no longer be kept: the process has to end.
    pub async fn broken(&self) -> Failure {
        let reason = tokio::select! {
            reason = self.platform.store.fatal() => reason,
            reason = self.platform.telemetry.fatal() => reason,
        };
        Failure::new(Failure::DATA_DIRECTORY, format!("the state can no longer be written: {reason}"))
    }

    /// Finishes what was accepted, and ends.
    pub async fn stop(self) {
        self.gateway.shutdown(SHUTDOWN_DEADLINE).await;
        self.platform.shutdown(SHUTDOWN_DEADLINE).await;
    }
}

struct Stores {
    control: Store,
    telemetry: Store,
    blobs: BlobStore,
}

impl Stores {
    async fn open(directory: Option<&Path>, blobs: &BlobArgs, issuer: &Issuer) -> Result<Stores, Failure> {
        let Some(directory) = directory else {
            return Ok(Stores { control: Store::memory(), telemetry: Store::memory(), blobs: BlobStore::memory() });
        };
        Ok(Stores {
            control: Store::open(directory.join("state"), Profile::Durable).map_err(store_failure)?,
            telemetry: Store::open(directory.join("telemetry"), Profile::Relaxed).map_err(store_failure)?,
            blobs: match blobs::remote(blobs, issuer)? {
                Some(config) => BlobStore::open_remote(config, directory.join("blobs")).await,
                None => BlobStore::open(directory.join("blobs")),
            }
            .map_err(blob_failure)?,
        })
    }
}

/// The root's access key: made at the first start in verify mode, which nobody could use without one; good in every mode
/// from then on.
fn root_key(platform: &Platform, directories: &Directories) -> Result<Option<RootKey>, Failure> {
    let directory = directories.keys.as_path();
    let key = match RootKey::read(directory)? {
        None if platform.config.mode == Mode::Verify => Some(RootKey::make(directory, platform)?),
        key => key,
    };
    if let Some(key) = &key {
        key.install(platform);
    }
    Ok(key)
}

fn runtimes(directory: &Path) -> Runtimes {
    let notify = Arc::new(|text: &str| tracing::info!("{text}"));
    Runtimes::new(directory, SearchPaths::of_process(directory), notify)
}

fn services(
    platform: &Arc<Platform>,
    gateway: &Gateway,
    runtimes: &Arc<Runtimes>,
    directories: &Directories,
    args: &PlatformArgs,
    address: SocketAddr,
) -> Result<Services, Failure> {
    runtimes.remove_outdated();
    let served = gateway.clone();
    let authority = Arc::new(Authority::new(directories.data.clone()));
    let network = inside::network(args, address, Arc::clone(&authority));
    let settings = InvokeSettings {
        runtimes: Arc::clone(runtimes),
        packages: directories.packages.clone(),
        registries: registries(args)?,
        strict_runtimes: args.strict_runtimes,
        ahead_memory_mb: args.pools.0,
        sandbox: SandboxConfig { network, ..SandboxConfig::new(&directories.sandbox) },
        serve_endpoint: Arc::new(move |listeners, function| {
            let doors = Doors {
                plain: [listeners.endpoint, listeners.plain],
                encrypted: listeners.encrypted,
                authority: Arc::clone(&authority),
            };
            Box::new(served.serve_inside(doors, Source::Function(Arc::from(function))))
        }),
    };
    let lambda = Arc::new(Lambda::new(Arc::clone(platform), settings)?);
    let mut services = Services::default();
    services.register(lambda.registration());
    let iam = service_iam::Iam::new(Arc::clone(platform));
    platform.install_directory(Arc::clone(&iam) as Arc<dyn platform::Directory>);
    let [tables, table_streams] = service_dynamodb::registrations(platform);
    for registration in [
        tables,
        table_streams,
        service_events::registration(platform),
        service_kinesis::registration(platform),
        service_kms::registration(platform),
        service_logs::registration(platform),
        service_pipes::registration(platform),
        service_s3::registration(platform),
        service_scheduler::registration(platform),
        service_secrets::registration(platform),
        service_sns::registration(platform),
        service_sqs::registration(platform),
        service_ssm::registration(platform),
        iam.registration(),
        service_iam::sts(&iam),
    ] {
        services.register(registration);
    }
    Ok(services)
}

/// Others may use a platform that they can reach, but not to look around behind it.
fn egress(args: &PlatformArgs) -> Egress {
    let reach = if args.listen.is_loopback() { Reach::Local } else { Reach::Public };
    Egress::new(reach, args.egress_allow.clone(), args.egress_forbid.clone())
}

/// Where container images come from, and as whom they are asked for.
fn registries(args: &PlatformArgs) -> Result<Registries, Failure> {
    let credentials = match &args.registry_credentials {
        None => Credentials::default(),
        Some(file) => Credentials::read(file).map_err(|error| {
            let text = format!("the credentials of registries in {} cannot be used: {error}", file.display());
            Failure::new(Failure::CONFIGURATION, text)
        })?,
    };
    Ok(Registries::new(egress(args), args.registry.clone(), credentials))
}

fn mode(args: &PlatformArgs) -> Mode {
    if args.verify { Mode::Verify } else { Mode::Open }
}

async fn bind(args: &PlatformArgs) -> Result<Bound, Failure> {
    let tls = args.tls_certificate.clone().zip(args.tls_key.clone());
    let tls = tls.map(|(certificates, key)| TlsFiles { certificates, key });
    let listen = Listen { address: SocketAddr::new(args.listen, args.port), tls };
    listen.bind(mode(args)).await.map_err(|error| {
        let (code, hint) = match &error {
            ListenError::Taken(_) => (Failure::UNAVAILABLE, "; choose another with --port, or 0 for any free one"),
            ListenError::Exposed { .. } | ListenError::Tls { .. } => (Failure::CONFIGURATION, ""),
            ListenError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                (Failure::PERMISSION, "; ports below 1024 need privileges")
            }
            ListenError::Io { .. } => (Failure::UNAVAILABLE, ""),
        };
        Failure::new(code, format!("{error}{hint}"))
    })
}

fn endpoint(args: &PlatformArgs, address: SocketAddr) -> String {
    let scheme = if args.tls_key.is_some() { "https" } else { "http" };
    format!("{scheme}://{address}")
}

fn store_failure(error: OpenError) -> Failure {
    match &error {
        OpenError::Locked(_) => {
            Failure::new(Failure::LOCKED, format!("{error}; choose another data directory with --data DIR"))
        }
        OpenError::Io { path, source } => data::unusable(path, source),
        _ => Failure::new(Failure::DATA_DIRECTORY, error.to_string()),
    }
}

fn blob_failure(error: BlobError) -> Failure {
    let code = match &error {
        BlobError::Remote(_) => Failure::UNAVAILABLE,
        _ => Failure::DATA_DIRECTORY,
    };
    Failure::new(code, error.to_string())
}

fn key_failure(error: KeyFileError) -> Failure {
    match &error {
        KeyFileError::Io { path, source } => data::unusable(path, source),
        _ => Failure::new(Failure::CONFIGURATION, error.to_string()),
    }
}
