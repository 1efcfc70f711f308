//! The platform's side of the conversation with the process that starts an environment's extensions and its runtime.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::launcher::message::{Notice, Order, Process};
use crate::launcher::socket;
use crate::limits;
use crate::runtime_api::RuntimeApi;

/// A socket to a supervisor.
pub(crate) struct Supervisor {
    socket: AsyncFd<OwnedFd>,
    runtime_is_started: bool,
    is_gone: bool,
}

impl Supervisor {
    /// Waits until the supervisor runs, or the environment has ended before it did, in which case there is no pipe. The
    /// pipe is what extensions print.
    pub(crate) async fn meet(socket: OwnedFd) -> io::Result<(Supervisor, Option<OwnedFd>)> {
        fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // SAFETY: the descriptor is owned by the value handed over, which never gives it up before it is dropped.
        let socket = unsafe { AsyncFd::register(socket)? };
        let mut supervisor = Supervisor { socket, runtime_is_started: false, is_gone: false };
        let greeting = tokio::time::timeout(limits::LAUNCHER_ANSWER_TIMEOUT, supervisor.receive());
        let pipe = match greeting.await.unwrap_or(None) {
            Some((Notice::Supervising, mut descriptors)) => descriptors.pop(),
            _ => None,
        };
        supervisor.is_gone = pipe.is_none();
        Ok((supervisor, pipe))
    }

    async fn receive(&self) -> Option<(Notice, Vec<OwnedFd>)> {
        self.socket.async_io(Interest::READABLE, |fd| socket::receive(fd.as_fd())).await.unwrap_or(None)
    }

    /// Takes notices as long as it is polled, and has the runtime started once every extension has registered. May be
    /// dropped at any time.
    pub(crate) async fn drive(&mut self, api: &RuntimeApi) -> Infallible {
        while !self.is_gone {
            let registered = async {
                if self.runtime_is_started {
                    pending::<()>().await;
                }
                api.until_extensions(|registry| registry.all_registered()).await;
            };
            tokio::select! {
                notice = self.receive() => match notice {
                    Some((Notice::Ended { process, wait_status }, _)) => api.process_ended(&process, Ok(wait_status)),
                    Some((Notice::NotExecuted { process, errno }, _)) => api.process_ended(&process, Err(errno)),
                    Some((Notice::Supervising, _)) => {}
                    // The environment has ended, which is told otherwise.
                    None => self.is_gone = true,
                },
                () = registered => {
                    self.runtime_is_started = true;
                    self.order(&Order::StartRuntime);
                }
            }
        }
        pending().await
    }

    /// Whether the runtime was started.
    pub(crate) fn has_started_runtime(&self) -> bool {
        self.runtime_is_started
    }

    /// Sends a signal to a process and to those it has started.
    pub(crate) fn signal(&self, process: Process, signal: Signal) {
        self.order(&Order::Signal { process, signal: signal as i32 });
    }

    /// The socket has room for many times the orders there are in an environment's life.
    fn order(&self, order: &Order) {
        if let Err(error) = socket::send(self.socket.get_ref().as_fd(), order, &[]) {
            tracing::debug!(%error, "an environment has ended before it could be told what to do");
        }
    }
}
