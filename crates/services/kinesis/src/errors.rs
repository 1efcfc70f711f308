//! Errors in AWS's words.

use std::fmt::Display;

use api::kinesis::errors;
use wire::Error;

use crate::names::StreamName;

/// `InvalidArgumentException`.
pub fn invalid(text: impl Display) -> Error {
    errors::invalid_argument_exception(text.to_string())
}

/// `ValidationException`.
pub fn validation(text: impl Display) -> Error {
    errors::validation_exception(text.to_string())
}

/// `ValidationException` in the words of one constraint.
pub fn constraint(what: impl Display) -> Error {
    validation(format!("1 validation error detected: {what}"))
}

/// No such stream.
pub fn no_stream(name: &StreamName) -> Error {
    let (stream, account) = (&name.name, &name.account);
    errors::resource_not_found_exception(format!("Stream {stream} under account {account} not found."))
}

/// The stream exists.
pub fn stream_exists(name: &StreamName) -> Error {
    let (stream, account) = (&name.name, &name.account);
    errors::resource_in_use_exception(format!("Stream {stream} under account {account} already exists."))
}

/// The stream is being changed.
pub fn not_active(name: &StreamName, status: &str) -> Error {
    let (stream, account) = (&name.name, &name.account);
    errors::resource_in_use_exception(format!(
        "Stream {stream} under account {account} not ACTIVE, instead in state {status}"
    ))
}

/// No such shard, where one is to be changed.
pub fn no_shard(name: &StreamName, shard: &str) -> Error {
    let (stream, account) = (&name.name, &name.account);
    errors::resource_not_found_exception(format!(
        "Could not find shard {shard} in stream {stream} under account {account}."
    ))
}

/// No such shard, where one is to be read.
pub fn shard_missing(name: &StreamName, shard: &str) -> Error {
    let (stream, account) = (&name.name, &name.account);
    errors::resource_not_found_exception(format!(
        "Shard {shard} in stream {stream} under account {account} does not exist"
    ))
}

/// No such consumer.
pub fn no_consumer(consumer: &str, account: &str) -> Error {
    errors::resource_not_found_exception(format!("Consumer {consumer}, account {account} not found."))
}

/// The stream's shards are not the caller's to change.
pub fn on_demand(name: &StreamName) -> Error {
    let (stream, account) = (&name.name, &name.account);
    validation(format!("Request is invalid. Stream {stream} under account {account} is in On-Demand mode."))
}

/// `LimitExceededException`.
pub fn limit(text: impl Display) -> Error {
    errors::limit_exceeded_exception(text.to_string())
}

/// The account would have too many shards.
pub fn too_many_shards(name: &StreamName, open: usize, more: usize, most: usize) -> Error {
    limit(format!(
        "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: {open}. \
         Limit: {most}. Number of additional shards that would have resulted from this request: {more}. Refer to the \
         AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current \
         limits and how to request higher limits.",
        name.account, name.region
    ))
}

/// The text for a record that its shard does not take now.
pub fn write_rate_text(name: &StreamName, shard: &str) -> String {
    format!("Rate exceeded for shard {shard} in stream {} under account {}.", name.name, name.account)
}

/// A shard takes no more now.
pub fn write_rate(name: &StreamName, shard: &str) -> Error {
    errors::provisioned_throughput_exceeded_exception(write_rate_text(name, shard))
}

/// A shard is read too fast.
pub fn read_rate(name: &StreamName, shard: &str) -> Error {
    let (account, stream) = (&name.account, &name.name);
    errors::provisioned_throughput_exceeded_exception(format!("Rate exceeded for Shard - {account}/{stream}/{shard}"))
}

/// The call would have succeeded.
pub fn dry_run() -> Error {
    errors::dry_run_operation_exception("Request would have succeeded, but DryRun flag is set.")
}
