//! Starting an environment for a version of a function.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use platform::credentials::TemporaryCredentials;
use platform::{Platform, Principal};
use runtimes::{
    CommandOptions, FunctionFacts, Language, Parkable, Resolved, Runtime, Runtimes, SdkNeed, SdkUse, Support,
};
use sandbox::{
    Bind, EnvironmentSpec, HeadStart, Host, Listeners, ParkedProgram, RootSpec, Sandbox, SandboxConfig, SandboxError,
    Shape, ShutdownReason, TASK_ROOT,
};
use tokio::sync::OnceCell;

use super::ahead::{self, Ahead};
use super::container;
use super::extensions::{self, PlatformHost};
use super::failure::Failure;
use super::instance::Instance;
use super::journal::Journal;
use super::lines::{Lines, Phase, RuntimeVersion};
use super::metrics::{Kind, Metrics};
use super::shipper::{Shipper, Target};
use crate::container::ContainerImage;
use crate::function::{EnvironmentVariables, FunctionId, FunctionVersion, LogFormat};
use crate::package::{PackageDirectory, Packages};
use crate::role::CREDENTIALS_LIFETIME;
use crate::variables;

/// Serves the platform's endpoint on the listeners that belong to one environment of the function that the text names,
/// until the answer is dropped.
pub type EndpointServer = Arc<dyn Fn(Listeners, &str) -> Box<dyn Any + Send + Sync> + Send + Sync>;

/// Where functions find the platform inside their environment.
const ENDPOINT_INSIDE: &str = "http://127.0.0.1:4566";

/// The variable that names a file of authorities that Node.js trusts besides its own.
const NODE_TRUST: &str = "NODE_EXTRA_CA_CERTS";

/// Variables that tell clients which bring authorities of their own whom to trust: the AWS SDKs and the CLI, Requests, and
/// what is built on an OpenSSL of its own.
const TRUST: [(&str, &str); 4] = [
    (NODE_TRUST, sandbox::AUTHORITY_FILE),
    ("AWS_CA_BUNDLE", sandbox::BUNDLE_FILE),
    ("REQUESTS_CA_BUNDLE", sandbox::BUNDLE_FILE),
    ("SSL_CERT_FILE", sandbox::BUNDLE_FILE),
];

/// Where custom runtimes without a bootstrap in their package may have one.
pub const LAYER_BOOTSTRAP: &str = "/opt/bootstrap";

/// The runtime whose variables the environments of container images begin with.
const RUNTIME_OF_IMAGES: &str = "provided.al2023";

/// Why an environment is initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitializationType {
    /// An invocation waits for it.
    OnDemand,
    /// It is kept for invocations to come.
    Provisioned,
}

impl InitializationType {
    /// As functions and their logs see it.
    pub fn name(self) -> &'static str {
        match self {
            InitializationType::OnDemand => "on-demand",
            InitializationType::Provisioned => "provisioned-concurrency",
        }
    }
}

/// What environments are made with.
pub struct Launcher {
    platform: Arc<Platform>,
    host: Arc<dyn Host>,
    runtimes: Arc<Runtimes>,
    strict: bool,
    config: SandboxConfig,
    sandbox: OnceCell<Sandbox>,
    serve_endpoint: EndpointServer,
    shipper: Shipper,
    plans: Mutex<LruCache<String, Arc<Plan>>>,
    ahead: Ahead,
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// No interpreter may run it.
    #[error(transparent)]
    Runtime(#[from] runtimes::RuntimeUnavailable),
    /// The machine refuses.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The runtime's client files cannot be written, or the platform's endpoint not be served.
    #[error("the runtime's files or the endpoint: {0}")]
    Files(#[from] io::Error),
    /// The package cannot be unpacked.
    #[error("the function's package: {0}")]
    Package(#[from] crate::package::PackageError),
    /// The role's credentials cannot be made.
    #[error("the role's credentials: {0}")]
    Credentials(#[from] platform::credentials::MintError),
    /// The function's variables cannot be opened.
    #[error("the function's environment variables: {0}")]
    Variables(#[from] platform::Unsealable),
    /// The function's variables are under a key that cannot be used.
    #[error("the function's environment variables: {0}")]
    Key(#[from] wire::Error),
    /// The program of a container image cannot be found.
    #[error("{0}")]
    EntryPoint(String),
    /// The working directory of a container image is none.
    #[error("chdir {0}: no such file or directory")]
    WorkingDirectory(String),
    /// The runtime is unknown here.
    #[error("the runtime {0} cannot be run here")]
    UnknownRuntime(String),
}

/// Deployments whose plans are kept, a few hundred bytes each.
const PLANS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("the number is not zero");

/// What is the same for all environments of a deployment.
pub struct Plan {
    version: Arc<FunctionVersion>,
    /// The function's own package, then its layers.
    packages: Vec<Arc<PackageDirectory>>,
    base: Base,
}

/// What a deployment's environments share with those of other deployments.
struct Base {
    resolved: Resolved,
    root: RootSpec,
    command: Vec<String>,
    working_directory: String,
    /// The function's own variables.
    variables: BTreeMap<String, String>,
    /// What can be done for them ahead of need.
    head_start: HeadStart,
    /// File names of the extensions that its layers bring.
    extensions: Vec<String>,
    /// What the log of each environment begins with, if there is something to be told.
    notice: Option<String>,
}

impl Plan {
    /// What runs in its environments.
    pub fn kind(&self) -> Kind {
        ahead::kind(&self.base.head_start)
    }
}

impl Base {
    fn shape(&self) -> Shape {
        Shape { root: self.root.clone(), head_start: self.head_start.clone() }
    }
}

impl Launcher {
    /// A launcher that starts its sandbox on first need.
    pub fn new(
        platform: Arc<Platform>,
        runtimes: Arc<Runtimes>,
        strict: bool,
        config: SandboxConfig,
        serve_endpoint: EndpointServer,
        shipper: Shipper,
        ahead: Ahead,
    ) -> Launcher {
        let plans = Mutex::new(LruCache::new(PLANS_MAX));
        let host: Arc<dyn Host> = Arc::new(PlatformHost(Arc::clone(&platform)));
        Launcher {
            platform,
            host,
            runtimes,
            strict,
            config,
            sandbox: OnceCell::new(),
            serve_endpoint,
            shipper,
            plans,
            ahead,
        }
    }

    /// The sandbox, started on first need.
    pub async fn sandbox(&self) -> Result<&Sandbox, SandboxError> {
        self.sandbox.get_or_try_init(|| Sandbox::start(self.config.clone())).await
    }

    /// Makes ready, ahead of the first invocation, what a function needs besides its package. An SDK that cannot be
    /// installed is no failure: the function runs without, and its log says so.
    pub async fn prepare(
        &self,
        version: &FunctionVersion,
        packages: &[Arc<PackageDirectory>],
    ) -> Result<(), LaunchError> {
        if version.code.image.is_some() {
            // It brings all that it needs.
            return Ok(());
        }
        // Variables under a key are decrypted for environments alone.
        let base = self.base(version, packages, self.sealed_variables(version).unwrap_or_default()).await?;
        self.ahead.expect(&base.shape());
        Ok(())
    }

    /// What environments are made ahead of need, kept as it should be, for ever.
    pub async fn keep_stock(&self, metrics: &Metrics) {
        if let Ok(sandbox) = self.sandbox().await {
            self.ahead.look_after(sandbox, metrics).await;
        }
    }

    /// What environments of a version need; gathered once per deployment.
    pub async fn plan(&self, version: &Arc<FunctionVersion>, packages: &Packages) -> Result<Arc<Plan>, LaunchError> {
        if let Some(plan) = self.plans.lock().get(&version.deployment) {
            return Ok(Arc::clone(plan));
        }
        let keyed = match &version.configuration.environment {
            Some(EnvironmentVariables::Keyed(keyed)) => Some(keyed),
            _ => None,
        };
        let (is_keyed, variables) = match keyed {
            Some(keyed) => (true, variables::for_environment(&self.platform, version, keyed).await?),
            None => (false, self.sealed_variables(version)?),
        };
        let mut directories = Vec::with_capacity(1 + version.configuration.layers.len());
        for package in version.packages() {
            directories.push(packages.ensure(package).await?);
        }
        let base = match &version.code.image {
            Some(image) => self.base_of_image(version, image, &directories, variables).await?,
            None => self.base(version, &directories, variables).await?,
        };
        let plan = Arc::new(Plan { version: Arc::clone(version), packages: directories, base });
        if is_keyed {
            // Whether the key may be used is asked for each environment.
            return Ok(plan);
        }
        self.plans.lock().put(version.deployment.clone(), Arc::clone(&plan));
        Ok(plan)
    }

    async fn base(
        &self,
        version: &FunctionVersion,
        packages: &[Arc<PackageDirectory>],
        variables: BTreeMap<String, String>,
    ) -> Result<Base, LaunchError> {
        let configuration = &version.configuration;
        let resolved = self.resolve(&configuration.runtime).await?;
        let sdk = uses_of_sdk(packages, resolved.runtime.language).await;
        let (client, sdk_notice) = self.client_directory(&resolved, sdk.need).await?;
        let mut binds: Vec<Bind> = Vec::new();
        if let Some(interpreter) = &resolved.interpreter {
            binds.extend(interpreter.binds().into_iter().map(|(host, inside)| Bind { host, inside }));
        }
        binds.extend(client.map(|host| Bind { host, inside: runtimes::RUNTIME_DIRECTORY.into() }));
        let user = |name: &str| variables.get(name).map(String::as_str);
        let options = CommandOptions {
            memory_mb: configuration.memory_mb,
            exec_wrapper: user("AWS_LAMBDA_EXEC_WRAPPER"),
            node_options: user("NODE_OPTIONS"),
        };
        let own = variables.keys().map(String::as_str);
        let preload = if sdk_notice.is_none() { sdk.parts.as_slice() } else { &[] };
        let extensions = extensions::names(packages).await;
        let head_start = match runtimes::parkable(&resolved, &options, own, preload) {
            // Extensions come before the runtime, and are known only with the layers.
            _ if !extensions.is_empty() => HeadStart::None,
            Some(Parkable { command, mut env }) => {
                // Node.js reads it when it starts.
                env.push((NODE_TRUST.to_owned(), sandbox::AUTHORITY_FILE.to_owned()));
                HeadStart::Program(ParkedProgram { command, env })
            }
            None => HeadStart::FileSystem,
        };
        let mut command = runtimes::command(&resolved, &options);
        let bootstrap = packages.first().map(|code| code.path().join("bootstrap"));
        if resolved.interpreter.is_none() && !bootstrap.is_some_and(|bootstrap| bootstrap.exists()) {
            command = vec![LAYER_BOOTSTRAP.to_owned()];
        }
        let notices: Vec<String> = resolved.notice.iter().cloned().chain(sdk_notice).collect();
        let notice = (!notices.is_empty()).then(|| notices.join("; "));
        let root = RootSpec { binds, ..RootSpec::default() };
        let working_directory = TASK_ROOT.to_owned();
        Ok(Base { resolved, root, command, working_directory, variables, head_start, extensions, notice })
    }

    /// Environments of a container image: its own root, in which what it says is run.
    async fn base_of_image(
        &self,
        version: &FunctionVersion,
        image: &ContainerImage,
        packages: &[Arc<PackageDirectory>],
        variables: BTreeMap<String, String>,
    ) -> Result<Base, LaunchError> {
        let directory = packages.first().map(|package| package.path().to_path_buf()).unwrap_or_default();
        let (image, overrides) = (image.clone(), version.configuration.image.clone().unwrap_or_default());
        let root = directory.clone();
        let calling = tokio::task::spawn_blocking(move || container::calling(&image, &overrides, &root));
        let calling = calling.await.map_err(io::Error::other)??;
        Ok(Base {
            resolved: self.resolve(RUNTIME_OF_IMAGES).await?,
            root: RootSpec { image: Some(directory.clone()), ..RootSpec::default() },
            command: calling.command,
            working_directory: calling.working_directory,
            variables,
            head_start: HeadStart::None,
            extensions: extensions::names_of_image(&directory).await,
            notice: None,
        })
    }

    /// The function's own variables, unless they are under a key.
    fn sealed_variables(&self, version: &FunctionVersion) -> Result<BTreeMap<String, String>, LaunchError> {
        let variables = version.configuration.environment.as_ref();
        let variables = variables.map(|variables| variables.open(&self.platform.sealing, &version.function));
        Ok(variables.transpose()?.unwrap_or_default())
    }

    /// Forgets the plans of a function that has changed, or of all.
    pub fn forget(&self, function: Option<&FunctionId>) {
        let mut plans = self.plans.lock();
        let stale = |plan: &Plan| function.is_none_or(|function| plan.version.function == *function);
        let names: Vec<String> = plans.iter().filter(|(_, plan)| stale(plan)).map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| {
            plans.pop(name);
        });
    }

    /// Starts an environment that writes to the given log stream; it is not initialised yet.
    ///
    /// `phase` is [`Phase::Invoke`] when it replaces one whose initialisation failed.
    pub async fn launch(
        &self,
        plan: &Plan,
        target: &Arc<Target>,
        phase: Phase,
        initialization: InitializationType,
    ) -> Result<Instance, LaunchError> {
        let credentials = self.platform.issuer.mint(&target.principal, CREDENTIALS_LIFETIME)?;
        let credentials_end = credentials.expiration.seconds;
        self.ahead.need(&plan.base.shape());
        let mut environment =
            self.sandbox().await?.launch(self.spec(plan, target, credentials, initialization)).await?;
        let listeners = environment.take_listeners().expect("a new environment has its listeners");
        environment.introduce(extensions::description(&plan.version), Arc::clone(&self.host));
        let lines = lines(&plan.version, initialization);
        let mut first = Vec::new();
        if phase == Phase::Init {
            if plan.version.code.image.is_none() {
                first.extend(lines.init_start(self.platform.clock.now(), &self.runtime_version(plan)));
            }
            first.extend(plan.base.notice.as_ref().map(|notice| format!("NOTICE {notice}\n")));
        }
        let (shipper, clock) = (self.shipper.clone(), self.platform.clock.clone());
        let returns_are_line_feeds = plan.base.resolved.interpreter.is_some();
        let mut journal = Journal::new(Arc::clone(target), shipper, lines, clock, returns_are_line_feeds);
        journal.open(first);
        let endpoint = (self.serve_endpoint)(listeners, &plan.version.qualified_arn());
        let (version, packages) = (Arc::clone(&plan.version), plan.packages.clone());
        let identity = target.principal.clone();
        let unwritten = None;
        let slot = None;
        let reason = ShutdownReason::default();
        Ok(Instance {
            version,
            environment,
            journal,
            unwritten,
            identity,
            credentials_end,
            endpoint,
            slot,
            packages,
            reason,
        })
    }

    async fn resolve(&self, id: &str) -> Result<Resolved, LaunchError> {
        let runtime = runnable(id).ok_or_else(|| LaunchError::UnknownRuntime(id.to_owned()))?;
        Ok(self.runtimes.resolve(&runtime, self.strict).await?)
    }

    /// The directory for `/var/runtime`, and what to tell when the SDK that the package needs is not in it.
    async fn client_directory(
        &self,
        resolved: &Resolved,
        need: SdkNeed,
    ) -> Result<(Option<PathBuf>, Option<String>), LaunchError> {
        let Some(interpreter) = &resolved.interpreter else { return Ok((None, None)) };
        if need == SdkNeed::Needed {
            match self.runtimes.ensure_sdk(interpreter).await {
                Ok(directory) => return Ok((Some(directory), None)),
                Err(error) => {
                    return Ok((Some(self.runtimes.client_directory(interpreter).await?), Some(error.to_string())));
                }
            }
        }
        Ok((Some(self.runtimes.client_directory(interpreter).await?), None))
    }

    fn spec(
        &self,
        plan: &Plan,
        target: &Target,
        credentials: TemporaryCredentials,
        initialization: InitializationType,
    ) -> EnvironmentSpec {
        let configuration = &plan.version.configuration;
        let env = variables(plan, target, credentials, initialization);
        let (code, layers) = plan.packages.split_first().expect("a plan has the function's own package");
        EnvironmentSpec {
            root: plan.base.root.clone(),
            command: plan.base.command.clone(),
            working_directory: plan.base.working_directory.clone(),
            code_dir: match plan.version.code.image {
                Some(_) => code.path().join(TASK_ROOT.trim_start_matches('/')),
                None => code.path().to_path_buf(),
            },
            layer_dirs: layers.iter().map(|layer| layer.path().to_path_buf()).collect(),
            extensions: extensions::of(&plan.base.extensions, &env),
            env,
            memory_mb: configuration.memory_mb,
            tmp_mb: configuration.ephemeral_mb,
            head_start: plan.base.head_start.clone(),
        }
    }

    /// A new log stream of a version, written as the session that its environment runs as.
    pub fn target(&self, version: &FunctionVersion, principal: Principal) -> Arc<Target> {
        let now = jiff::Timestamp::from_millisecond(self.platform.clock.milliseconds()).unwrap_or_default();
        let stream = format!("{}[{}]{}", now.strftime("%Y/%m/%d/"), version.version, self.platform.ids.hex(32));
        Arc::new(Target {
            principal,
            account: version.function.account.clone(),
            region: version.function.region.clone(),
            group: version.configuration.logging.log_group.clone(),
            stream,
            generation: self.shipper.generation(),
        })
    }

    fn runtime_version(&self, plan: &Plan) -> RuntimeVersion {
        let runtime = &plan.base.resolved.runtime;
        let version = match &plan.base.resolved.interpreter {
            None => runtime.id.replace('.', ":"),
            Some(interpreter) => {
                let language = if runtime.language == Language::Node { "nodejs" } else { "python" };
                format!("{language}:{}", interpreter.version)
            }
        };
        RuntimeVersion {
            version,
            arn: crate::configuration::runtime_version_arn(&plan.version.function.region, runtime.id),
        }
    }
}

/// All variables of an environment: Lambda's own, under the function's.
fn variables(
    plan: &Plan,
    target: &Target,
    credentials: TemporaryCredentials,
    initialization: InitializationType,
) -> Vec<(String, String)> {
    let version = &plan.version;
    let facts = FunctionFacts {
        function_name: &version.function.name,
        function_version: &version.version.to_string(),
        memory_mb: version.configuration.memory_mb,
        handler: &version.configuration.handler,
        log_group: &target.group,
        log_stream: &target.stream,
        region: &version.function.region,
        initialization_type: initialization.name(),
    };
    let mut variables = runtimes::default_environment(&plan.base.resolved.runtime, &facts);
    if let Some(image) = &version.code.image {
        variables = container::variables(variables, image);
    }
    // An image may have settings of its own.
    let mut set = |name: &str, value: String| {
        if !variables.iter().any(|(own, _)| own == name) {
            variables.push((name.to_owned(), value));
        }
    };
    set("AWS_ACCESS_KEY_ID", credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key);
    set("AWS_SESSION_TOKEN", credentials.session_token);
    set("AWS_ENDPOINT_URL", ENDPOINT_INSIDE.to_owned());
    set("AWS_EC2_METADATA_DISABLED", "true".to_owned());
    for (name, file) in TRUST {
        set(name, file.to_owned());
    }
    set("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{}", sandbox::limits::RUNTIME_API_PORT));
    if let LogFormat::Json { application_level, .. } = &version.configuration.logging.format {
        set("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned());
        set("AWS_LAMBDA_LOG_LEVEL", application_level.clone());
    }
    let own = &plan.base.variables;
    variables.retain(|(name, _)| !own.contains_key(name));
    variables.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
    variables
}

/// The lines of a version's log.
pub fn lines(version: &FunctionVersion, initialization: InitializationType) -> Lines {
    Lines {
        format: version.configuration.logging.format.clone(),
        version: version.version.to_string(),
        function: version.function.name.clone(),
        initialization_type: initialization.name(),
    }
}

/// The failure a caller is told when there is no environment. What the machine refused stays in the platform's log.
pub fn launch_failure(error: &LaunchError) -> Failure {
    let kind = super::failure::FailureKind::Error;
    let of_image = |error_type: &str| Failure { error_type: error_type.to_owned(), reason: error.to_string(), kind };
    let reason = match error {
        LaunchError::EntryPoint(_) => return of_image("Runtime.InvalidEntrypoint"),
        LaunchError::WorkingDirectory(_) => return of_image("Runtime.InvalidWorkingDir"),
        LaunchError::Runtime(error) => error.to_string(),
        LaunchError::UnknownRuntime(_) | LaunchError::Package(_) => error.to_string(),
        _ => "the execution environment could not be started".to_owned(),
    };
    Failure { error_type: "Runtime.Unavailable".to_owned(), reason, kind }
}

fn runnable(id: &str) -> Option<Runtime> {
    match runtimes::find(id)? {
        Support::Runs(runtime) => Some(runtime),
        Support::NotBuilt | Support::Retired { .. } => None,
    }
}

/// The scan reads files, so it runs where that may block.
async fn uses_of_sdk(packages: &[Arc<PackageDirectory>], language: Language) -> SdkUse {
    let packages: Vec<PathBuf> = packages.iter().map(|package| package.path().to_path_buf()).collect();
    let scan = tokio::task::spawn_blocking(move || match packages.split_first() {
        Some((package, layers)) => runtimes::uses_of_sdk(package, layers, language),
        None => SdkUse { need: SdkNeed::None, parts: Vec::new() },
    });
    scan.await.unwrap_or(SdkUse { need: SdkNeed::None, parts: Vec::new() })
}
