//! The unit of ownership: every key lives inside one partition, and a transaction stays inside one.

use bytes::Bytes;

use crate::error::{Limit, StoreError};
use crate::limits::PARTITION_BYTES_MAX;

/// A short name under which keys live together. All keys that one transaction must change together belong into one
/// partition; a partition has one owner when several nodes share a store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Bytes);

impl Partition {
    /// A partition of this name.
    ///
    /// # Errors
    /// [`StoreError::LimitExceeded`] when the name is empty or longer than [`PARTITION_BYTES_MAX`].
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, StoreError> {
        let name = name.as_ref();
        if name.is_empty() || name.len() > PARTITION_BYTES_MAX {
            let limit = Limit::PartitionBytes;
            return Err(StoreError::LimitExceeded { limit, actual: name.len(), max: PARTITION_BYTES_MAX });
        }
        Ok(Self(Bytes::copy_from_slice(name)))
    }

    /// The name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Partition({})", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        assert!(Partition::new("").is_err());
        assert!(Partition::new(vec![b'a'; PARTITION_BYTES_MAX]).is_ok());
        let error = Partition::new(vec![b'a'; PARTITION_BYTES_MAX + 1]).expect_err("one byte too long");
        assert_eq!(error.to_string(), "PartitionBytes is 513, and may be 512");
    }
}
