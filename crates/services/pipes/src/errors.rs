//! Errors in AWS's words.

use std::fmt::Display;

use api::pipes::errors;
use wire::Error;

/// `ValidationException`.
pub fn validation(text: impl Display) -> Error {
    errors::validation_exception(text.to_string())
}

/// No such pipe.
pub fn no_pipe(name: &str) -> Error {
    errors::not_found_exception(format!("Pipe {name} does not exist."))
}

/// The pipe exists.
pub fn pipe_exists(name: &str) -> Error {
    errors::conflict_exception(format!("Pipe {name} already exists."))
}

/// The pipe is being changed.
pub fn busy(name: &str, state: &str) -> Error {
    errors::conflict_exception(format!("Pipe {name} is in state {state}."))
}
