//! A service over empty stores, called as a client would call it.

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::Operation;
use api::lambda::{self, CreateFunctionRequest, FunctionCode, FunctionConfiguration};
use blob::BlobStore;
use bytes::Bytes;
use platform::{Call, Clock, Config, Ctx, Ids, Issuer, Mode, Platform, Principal, Services};
use runtimes::{Runtimes, SearchPaths};
use sandbox::SandboxConfig;
use store::Store;
use wire::{Error, Timestamp};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Lambda;
use crate::function::{LastUpdate, State};
use crate::invoke::InvokeSettings;
use crate::{FunctionId, Version};

/// The caller's account and region.
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-west-1";

/// A deployment takes milliseconds; this only keeps a broken one from hanging the tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The service and what it stands on.
pub struct Bench {
    pub lambda: Arc<Lambda>,
    pub clock: Clock,
    _files: tempfile::TempDir,
}

impl Bench {
    /// Over empty stores in memory.
    pub fn new() -> Bench {
        Bench::over(Store::memory(), BlobStore::memory(), None)
    }

    /// Over empty stores in memory, with callers identified that strictly.
    pub fn with_mode(mode: Mode) -> Bench {
        Bench::with(Store::memory(), BlobStore::memory(), Config { mode, ..Config::default() })
    }

    /// Over the given stores, as after a restart.
    pub fn over(store: Store, blobs: BlobStore, data_directory: Option<PathBuf>) -> Bench {
        Bench::with(store, blobs, Config { data_directory, ..Config::default() })
    }

    fn with(store: Store, blobs: BlobStore, config: Config) -> Bench {
        let files = tempfile::tempdir().unwrap();
        let clock = Clock::controlled(Timestamp { seconds: 1_704_067_200, nanoseconds: 7_000_000 });
        let packages = config.data_directory.as_deref().unwrap_or(files.path()).join("packages");
        let config_egress = config.egress.clone();
        let ids = Ids::seeded(7);
        let issuer = Issuer::in_memory(clock.clone(), ids.clone());
        let platform = Platform::new(config, store, Store::memory(), blobs, clock.clone(), ids, issuer);
        let platform = Arc::new(platform);
        let settings = InvokeSettings {
            runtimes: Arc::new(Runtimes::new(files.path(), SearchPaths::default(), Arc::new(|_| {}))),
            packages,
            registries: image::Registries::new(config_egress, Vec::new(), image::Credentials::default()),
            strict_runtimes: false,
            ahead_memory_mb: 0,
            // Nothing is invoked here.
            sandbox: SandboxConfig { launcher_program: "/bin/false".into(), ..SandboxConfig::new(files.path()) },
            serve_endpoint: Arc::new(|_, _| Box::new(())),
        };
        let lambda = Arc::new(Lambda::new(Arc::clone(&platform), settings).unwrap());
        let mut services = Services::default();
        services.register(lambda.registration());
        platform.install(services);
        Bench { lambda, clock, _files: files }
    }

    /// A call of the root of an account.
    pub fn context(&self, account: &str) -> Ctx {
        self.context_of(Principal::Root { account: account.to_owned() })
    }

    /// A call of somebody in its own account.
    pub fn context_of(&self, principal: Principal) -> Ctx {
        Ctx::new(Call {
            platform: Arc::clone(&self.lambda.platform),
            account: principal.account().unwrap_or(ACCOUNT).to_owned(),
            region: REGION.to_owned(),
            principal,
            request_id: "request".to_owned(),
            service: &lambda::SERVICE,
            operation: lambda::GetFunction::definition(),
            protocol: None,
            source_ip: None,
            endpoint: "http://127.0.0.1:4566".to_owned(),
            access_key_id: None,
            user_agent: None,
            trace_header: None,
            origin: platform::Origin::default(),
        })
    }

    /// Calls an operation: authorised, validated, handled.
    pub async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.context(ACCOUNT).call::<O>(input).await
    }

    /// Creates a function and waits until it is ready.
    pub async fn create(&self, name: &str) -> FunctionConfiguration {
        let created = self.call::<lambda::CreateFunction>(request(name)).await.unwrap();
        self.settle(name).await;
        created
    }

    /// Waits until nothing is under way at a function.
    pub async fn settle(&self, name: &str) {
        let mut changes = self.lambda.functions.changes();
        let settled = async {
            while !self.is_settled(name).await {
                changes.recv().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("a deployment ends");
    }

    async fn is_settled(&self, name: &str) -> bool {
        let page = self.lambda.functions.list_versions(crate::keys::versions(&id(name)), None, 100).await.unwrap();
        page.versions
            .iter()
            .all(|version| version.state != State::Pending && version.last_update != Some(LastUpdate::InProgress))
    }
}

/// A function of the caller.
pub fn id(name: &str) -> FunctionId {
    FunctionId { account: ACCOUNT.to_owned(), region: REGION.to_owned(), name: name.to_owned() }
}

/// A package with one file.
pub fn package(content: &str) -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    zip.write_all(content.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner().into()
}

/// The least that creates a function. Its runtime needs nothing of the machine.
pub fn request(name: &str) -> CreateFunctionRequest {
    CreateFunctionRequest {
        function_name: name.to_owned(),
        runtime: Some("provided.al2023".to_owned()),
        role: format!("arn:aws:iam::{ACCOUNT}:role/worker"),
        handler: Some("index.handler".to_owned()),
        code: FunctionCode { zip_file: Some(package("#!/bin/sh")), ..FunctionCode::default() },
        ..CreateFunctionRequest::default()
    }
}

/// The error's name and text.
pub fn said<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    outcome.unwrap_err().to_string()
}

/// `$LATEST`.
pub const LATEST: Version = Version::Latest;
