//! The Lambda Runtime API of one environment, served to the function from outside its network namespace.

mod answer;
mod extensions;
mod held;
mod server;
mod state;
mod streaming;

pub(crate) use server::Server;
pub(crate) use state::{Broken, Introduction, RuntimeApi, RuntimeReply};
