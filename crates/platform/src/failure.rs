//! Failures of the platform's own parts, as the errors that clients see.

use blob::BlobError;
use store::{StoreError, TransactError};
use wire::Error;
use wire::error::common;

use crate::background::SpawnError;
use crate::credentials::MintError;
use crate::timers::TimerError;

/// Turns a failure of the stores, the timers or the background pool into what a client is told: to try again later if the
/// platform is overloaded, `InternalFailure` otherwise. The reason goes to the log, never to the client.
pub trait OrFailure<T> {
    /// The value, or the client's error.
    fn or_failure(self) -> Result<T, Error>;
}

impl<T, F: Failure> OrFailure<T> for Result<T, F> {
    fn or_failure(self) -> Result<T, Error> {
        self.map_err(Failure::into_error)
    }
}

/// A failure that has a client's error.
pub trait Failure {
    /// The client's error.
    fn into_error(self) -> Error;
}

impl Failure for StoreError {
    fn into_error(self) -> Error {
        match self {
            StoreError::Overloaded => overloaded(&self),
            _ => internal(&self),
        }
    }
}

impl Failure for BlobError {
    fn into_error(self) -> Error {
        internal(&self)
    }
}

impl Failure for TransactError<Error> {
    fn into_error(self) -> Error {
        match self {
            TransactError::Aborted(error) => error,
            TransactError::Store(error) => error.into_error(),
        }
    }
}

impl Failure for SpawnError {
    fn into_error(self) -> Error {
        overloaded(&self)
    }
}

impl Failure for TimerError {
    fn into_error(self) -> Error {
        match self {
            TimerError::TooManyPartitions => overloaded(&self),
            TimerError::Store(error) => error.into_error(),
        }
    }
}

impl Failure for MintError {
    fn into_error(self) -> Error {
        internal(&self)
    }
}

fn overloaded(reason: &(dyn std::error::Error + 'static)) -> Error {
    tracing::warn!(reason, "overloaded");
    Error::new(&common::SERVICE_UNAVAILABLE, "Service is unable to handle request.")
}

fn internal(reason: &(dyn std::error::Error + 'static)) -> Error {
    tracing::error!(reason, "internal failure");
    Error::bare(&common::INTERNAL_FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_keeps_its_own_error_and_hides_the_stores() {
        let own = Error::new(&common::ACCESS_DENIED, "no");
        let aborted: Result<(), _> = Err(TransactError::Aborted(own));
        assert_eq!(aborted.or_failure().unwrap_err().to_string(), "AccessDeniedException: no");
        let failed: Result<(), TransactError<Error>> = Err(StoreError::Read("sector 7".into()).into());
        assert_eq!(failed.or_failure().unwrap_err().to_string(), "InternalFailure");
        let busy: Result<(), _> = Err(StoreError::Overloaded);
        assert!(busy.or_failure().unwrap_err().is("ServiceUnavailableException"));
    }
}
