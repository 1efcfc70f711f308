//! Why there is no answer.

/// Why a document could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not an address that may be asked for.
    #[error("the address is not one of https")]
    Url,
    /// An address that the operator does not let requests go to.
    #[error("the host's address may not be reached")]
    Forbidden,
    /// No connection, or one that broke.
    #[error("the host cannot be reached")]
    Unreachable,
    /// Nobody who is trusted vouches for the host.
    #[error("the host's certificate is not trusted")]
    Certificate,
    /// Not finished in time.
    #[error("the host did not answer in time")]
    Slow,
    /// A longer answer than is read.
    #[error("the host's answer is too long")]
    TooLarge,
    /// An answer, but not the document.
    #[error("the host answered with status {0}")]
    Status(u16),
}
