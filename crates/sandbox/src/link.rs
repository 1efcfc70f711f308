//! This process's side of the conversation with the launcher.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::control::kill_by_pidfd;
use crate::error::SandboxError;
use crate::launcher::message::{ControlFiles, End, EndCause, Reply, Request};
use crate::launcher::socket;
use crate::launcher::sockets::Sockets;
use crate::limits;
use crate::spec::EnvironmentSpec;
use crate::stock::{ShapeStock, Shelves, Wanted};

/// What the launcher hands over for a new environment.
pub(crate) struct Launched {
    pub(crate) sockets: Sockets,
    pub(crate) output: OwnedFd,
    pub(crate) pidfd: OwnedFd,
    pub(crate) control: ControlFiles,
    /// It was made ahead of need.
    pub(crate) parked: bool,
    /// Becomes `Some` when the environment has ended and nothing of it is left.
    pub(crate) end: watch::Receiver<Option<End>>,
}

type Started = Result<(ControlFiles, bool, Box<Handles>), SandboxError>;

/// What comes with the news of a new environment.
struct Handles {
    output: OwnedFd,
    pidfd: OwnedFd,
    sockets: Sockets,
}

impl Handles {
    fn from_descriptors(descriptors: Vec<OwnedFd>) -> Option<Handles> {
        let mut descriptors = descriptors.into_iter();
        let (output, pidfd) = (descriptors.next()?, descriptors.next()?);
        Some(Handles { output, pidfd, sockets: Sockets::from_descriptors(descriptors.collect())? })
    }
}

/// One environment as the link knows it.
struct Entry {
    started: Option<oneshot::Sender<Started>>,
    end: watch::Sender<Option<End>>,
}

/// The socket to the launcher and everyone who waits for something from it.
pub(crate) struct Link {
    socket: AsyncFd<OwnedFd>,
    /// Environments alive or being made; `None` once the launcher is gone.
    entries: Mutex<Option<HashMap<u64, Entry>>>,
    next_id: AtomicU64,
    launches: Semaphore,
    stock: Shelves,
}

impl Link {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Link> {
        nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
        Ok(Link {
            // SAFETY: the descriptor is owned by the value handed over, which never gives it up before it is dropped.
            socket: unsafe { AsyncFd::register(socket)? },
            entries: Mutex::new(Some(HashMap::new())),
            next_id: AtomicU64::new(1),
            launches: Semaphore::new(limits::LAUNCHES_MAX),
            stock: Shelves::default(),
        })
    }

    /// The next message from the launcher; `None` when it is gone.
    pub(crate) async fn receive(&self) -> io::Result<Option<(Reply, Vec<OwnedFd>)>> {
        self.socket.async_io(Interest::READABLE, |fd| socket::receive(fd.as_fd())).await
    }

    /// Asks for an environment and waits until it is on its way.
    pub(crate) async fn launch(&self, spec: EnvironmentSpec) -> Result<Launched, SandboxError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = socket::encode(&Request::Launch { id, spec: Box::new(spec) }).map_err(|_| {
            SandboxError::InvalidSpec(format!("larger than {} bytes in all", limits::LAUNCHER_MESSAGE_BYTES_MAX))
        })?;
        let _turn = self.launches.acquire().await.map_err(|_| gone())?;
        let (started, start) = oneshot::channel();
        let (end, end_receiver) = watch::channel(None);
        match &mut *self.lock() {
            Some(entries) => entries.insert(id, Entry { started: Some(started), end }),
            None => return Err(gone()),
        };
        let sent = self.socket.async_io(Interest::WRITABLE, |fd| socket::send_bytes(fd.as_fd(), &request, &[])).await;
        if let Err(error) = sent {
            self.forget(id);
            return Err(SandboxError::LauncherGone(error.to_string()));
        }
        let answer = tokio::time::timeout(limits::LAUNCHER_ANSWER_TIMEOUT, start).await;
        let (control, parked, handles) =
            answer.map_err(|_| SandboxError::LauncherGone("no answer in time".into()))?.map_err(|_| gone())??;
        let Handles { output, pidfd, sockets } = *handles;
        Ok(Launched { sockets, output, pidfd, control, parked, end: end_receiver })
    }

    /// Asks for environments to be kept ready.
    pub(crate) async fn keep(&self, wanted: &[Wanted]) -> Result<(), SandboxError> {
        let request = self.stock.keep(wanted, || self.next_id.fetch_add(1, Ordering::Relaxed));
        let request = socket::encode(&Request::Keep(request)).map_err(|_| {
            SandboxError::InvalidSpec(format!("larger than {} bytes in all", limits::LAUNCHER_MESSAGE_BYTES_MAX))
        })?;
        let sent = self.socket.async_io(Interest::WRITABLE, |fd| socket::send_bytes(fd.as_fd(), &request, &[])).await;
        sent.map_err(|error| SandboxError::LauncherGone(error.to_string()))
    }

    /// What is ready.
    pub(crate) fn stock(&self) -> Vec<ShapeStock> {
        self.stock.look()
    }

    /// Hands messages to whoever waits for them, until the launcher is gone.
    pub(crate) async fn run(self: Arc<Link>) {
        loop {
            match self.receive().await {
                Ok(Some((reply, descriptors))) => self.dispatch(reply, descriptors),
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "the launcher cannot be understood");
                    break;
                }
            }
        }
        for (_, entry) in self.lock().take().into_iter().flatten() {
            // Whatever the launcher started dies with it.
            entry.end.send_replace(Some(End { cause: EndCause::Killed, oom_kills: 0, peak_bytes: 0 }));
        }
    }

    fn dispatch(&self, reply: Reply, descriptors: Vec<OwnedFd>) {
        match reply {
            Reply::Launched { id, control, parked } => {
                let started = Handles::from_descriptors(descriptors)
                    .map(|handles| (control, parked, Box::new(handles)))
                    .ok_or_else(|| SandboxError::LauncherGone("descriptors are missing from its answer".into()));
                self.answer(id, started);
            }
            Reply::Refused { id, failure } => {
                let source = io::Error::from_raw_os_error(failure.errno);
                self.answer(id, Err(SandboxError::Launch { step: failure.step, source }));
                self.forget(id);
            }
            Reply::Gone { id, end } => {
                if let Some(entry) = self.forget(id) {
                    entry.end.send_replace(Some(end));
                }
            }
            Reply::Stock { key, ready, made_us } => self.stock.changed(key, ready, made_us),
            Reply::Spoilt { key, reason } => {
                tracing::warn!(reason, "environments of one kind cannot be made ahead of need");
                self.stock.spoilt(key);
            }
            Reply::Hello(_) | Reply::Unsupported(_) => {}
        }
    }

    fn answer(&self, id: u64, started: Started) {
        let sender = self.lock().as_mut().and_then(|entries| entries.get_mut(&id)?.started.take());
        // Nobody waits any more: what was started for them must not stay.
        if let Some(Err(Ok((_, _, handles)))) = sender.map(|sender| sender.send(started)) {
            kill_by_pidfd(&handles.pidfd);
        }
    }

    /// Closes the conversation; the launcher then ends everything it started.
    pub(crate) fn close(&self) {
        // It may have closed it from its side already.
        let _ = nix::sys::socket::shutdown(self.socket.get_ref().as_raw_fd(), nix::sys::socket::Shutdown::Both);
    }

    fn forget(&self, id: u64) -> Option<Entry> {
        self.lock().as_mut().and_then(|entries| entries.remove(&id))
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> SandboxError {
    SandboxError::LauncherGone("its socket is closed".into())
}
