//! A running sandbox: the launcher process and the way to it.

use std::os::fd::AsFd;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::capabilities::Capabilities;
use crate::config::SandboxConfig;
use crate::environment::Environment;
use crate::error::SandboxError;
use crate::launcher::message::{LauncherConfig, Reply};
use crate::launcher::{LAUNCHER_ARGUMENT, socket};
use crate::limits;
use crate::link::Link;
use crate::network::{Authority, Shared};
use crate::spec::EnvironmentSpec;
use crate::stock::{ShapeStock, Wanted};

/// Makes execution environments. Dropping it, or ending this process in any way, ends all of them.
pub struct Sandbox {
    link: Arc<Link>,
    reader: JoinHandle<()>,
    launcher: Child,
    capabilities: Capabilities,
    network: Arc<Shared>,
}

impl Sandbox {
    /// Starts the launcher and learns what this machine gives. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`SandboxError::Unsupported`] when functions cannot be isolated here at all, with the reason.
    pub async fn start(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
        std::fs::create_dir_all(&config.state_dir).map_err(SandboxError::io("create the sandbox's directory"))?;
        let state_dir =
            std::fs::canonicalize(&config.state_dir).map_err(SandboxError::io("find the sandbox's directory"))?;
        let authority = config.network.authority.as_ref().map(|Authority(tell)| tell()).transpose();
        let authority = authority.map_err(SandboxError::io("make the platform's authority"))?;
        let launcher_config = LauncherConfig {
            state_dir,
            spare_environments: config.spare_environments.min(limits::SPARE_ENVIRONMENTS_MAX),
            endpoint_port: config.endpoint_port,
            has_outside: config.network.outside.is_some(),
            authority,
            cpu_quota: config.cpu_quota,
        };
        let (ours, theirs) = socket::pair().map_err(SandboxError::io("make a socket pair"))?;
        // Not as an argument: every environment's first process is a copy of the launcher and shows its command line.
        socket::send(ours.as_fd(), &launcher_config, &[])
            .map_err(SandboxError::io("tell the launcher its settings"))?;
        let launcher = Command::new(&config.launcher_program)
            .arg(LAUNCHER_ARGUMENT)
            .env_clear()
            .current_dir("/")
            // A Ctrl-C is for the platform, which then ends the launcher in good order.
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(SandboxError::io("start the launcher"))?;
        let link = Arc::new(Link::new(ours).map_err(SandboxError::io("prepare the launcher's socket"))?);
        let capabilities = greet(&link).await?;
        let reader = tokio::spawn(Arc::clone(&link).run());
        let network = Arc::new(Shared::new(config.network));
        Ok(Sandbox { link, reader, launcher, capabilities, network })
    }

    /// What isolation this machine gives.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Process id of the launcher, parent of every environment's first process.
    pub fn launcher_pid(&self) -> Option<u32> {
        self.launcher.id()
    }

    /// Makes an environment and starts its program. It is initialised with [`Environment::init`].
    ///
    /// # Errors
    /// [`SandboxError::InvalidSpec`] when the specification cannot be met, [`SandboxError::Launch`] when the machine
    /// refuses a step; nothing is left behind in either case.
    pub async fn launch(&self, spec: EnvironmentSpec) -> Result<Environment, SandboxError> {
        spec.validate()?;
        let traits = Environment::traits(&spec);
        let launched = self.link.launch(spec).await?;
        Environment::new(traits, launched, &self.network).await
    }

    /// Has environments made ahead of need, in the background, and kept ready: these and no others, from now on. One that
    /// is launched with a matching [`EnvironmentSpec::shape`] and the smallest `/tmp` starts from there.
    ///
    /// # Errors
    /// [`SandboxError::InvalidSpec`] when that is too much to ask, [`SandboxError::LauncherGone`].
    pub async fn keep(&self, wanted: &[Wanted]) -> Result<(), SandboxError> {
        self.link.keep(wanted).await
    }

    /// What is ready, of each shape that is kept.
    pub fn stock(&self) -> Vec<ShapeStock> {
        self.link.stock()
    }

    /// Ends every environment and the launcher, and waits until nothing is left.
    ///
    /// # Errors
    /// [`SandboxError::LauncherGone`] when the launcher did not end in time; it has been killed then, and the kernel
    /// ends everything it had started.
    pub async fn shutdown(mut self) -> Result<(), SandboxError> {
        self.link.close();
        let ended = tokio::time::timeout(limits::SHUTDOWN_TIMEOUT, self.launcher.wait()).await;
        match ended {
            Ok(status) => status.map(|_| ()).map_err(SandboxError::io("wait for the launcher")),
            Err(_) => {
                // The error that matters is the one reported below.
                let _ = self.launcher.kill().await;
                Err(SandboxError::LauncherGone("it did not end in time".into()))
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The launcher sees its socket close, ends every environment and then itself.
        self.link.close();
        self.reader.abort();
    }
}

async fn greet(link: &Link) -> Result<Capabilities, SandboxError> {
    let hello = tokio::time::timeout(limits::LAUNCHER_ANSWER_TIMEOUT, link.receive())
        .await
        .map_err(|_| SandboxError::LauncherGone("no greeting in time".into()))?
        .map_err(SandboxError::io("read the launcher's greeting"))?;
    match hello {
        Some((Reply::Hello(capabilities), _)) => Ok(capabilities),
        Some((Reply::Unsupported(reason), _)) => Err(SandboxError::Unsupported(reason)),
        Some(_) | None => Err(SandboxError::LauncherGone(
            "it ended before it could greet; does the program forward to sandbox::launcher?".into(),
        )),
    }
}
