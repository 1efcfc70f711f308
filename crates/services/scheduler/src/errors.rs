//! Errors in AWS's words.

use std::fmt::Display;

use api::scheduler::errors;
use wire::Error;

/// `ValidationException`.
pub fn validation(text: impl Display) -> Error {
    errors::validation_exception(text.to_string())
}

/// No such schedule.
pub fn no_schedule(name: &str) -> Error {
    errors::resource_not_found_exception(format!("Schedule {name} does not exist."))
}

/// No such group.
pub fn no_group(name: &str) -> Error {
    errors::resource_not_found_exception(format!("Schedule group {name} does not exist."))
}

/// The schedule exists.
pub fn schedule_exists(name: &str) -> Error {
    errors::conflict_exception(format!("Schedule {name} already exists."))
}

/// The group exists.
pub fn group_exists(name: &str) -> Error {
    errors::conflict_exception(format!("Schedule group {name} already exists."))
}

/// The group is about to go.
pub fn group_deleting(name: &str) -> Error {
    errors::conflict_exception(format!("Schedule group {name} is being deleted."))
}
