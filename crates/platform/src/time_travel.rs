//! Moving the platform's clock ahead: kept in the store, so that what was written in the future stays in the past.

use std::time::Duration;

use store::{Partition, StoreError, TransactError, value};

use crate::core::Platform;

/// Most that the clock can be ahead of the machine's: ten years, so that every time has a year of four digits wherever it
/// is written. A bound of our own.
pub const AHEAD_MAX: Duration = Duration::from_secs(3_650 * 86_400);

/// Where it is kept by how much the clock is ahead.
const PARTITION: &str = "platform/clock";

/// Key of the only row: milliseconds.
const AHEAD: &[u8] = b"ahead";

/// Format number of the row.
const FORMAT: u8 = 1;

/// Why the clock was not moved.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// It would be ahead by more than [`AHEAD_MAX`].
    #[error("the clock cannot be more than ten years ahead of the machine's")]
    TooFar,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Platform {
    /// Moves the clock ahead, durably: what falls due until then happens now, once.
    ///
    /// # Errors
    /// [`AdvanceError`]; then the clock is where it was.
    pub async fn advance_clock(&self, by: Duration) -> Result<(), AdvanceError> {
        let by_milliseconds = u64::try_from(by.as_millis()).map_err(|_| AdvanceError::TooFar)?;
        let most = AHEAD_MAX.as_millis() as u64;
        let partition = Partition::new(PARTITION)?;
        let moved = self.store.transact(&partition, move |rows| {
            let before: u64 = match rows.get(AHEAD)? {
                Some(row) => value::decode(FORMAT, &row).map_err(StoreError::from)?,
                None => 0,
            };
            let ahead = before.saturating_add(by_milliseconds);
            if ahead > most {
                return Ok(false);
            }
            rows.put(AHEAD, &value::encode(FORMAT, &ahead).map_err(StoreError::from)?);
            Ok(true)
        });
        if !moved.await.map_err(TransactError::<StoreError>::flatten)? {
            return Err(AdvanceError::TooFar);
        }
        self.clock.advance(Duration::from_millis(by_milliseconds));
        Ok(())
    }

    /// Moves the clock to where an earlier run left it.
    pub(crate) async fn restore_clock(&self) -> Result<(), StoreError> {
        let row = self.store.get(&Partition::new(PARTITION)?, AHEAD).await?;
        let ahead: u64 = row.map(|row| value::decode(FORMAT, &row)).transpose()?.unwrap_or_default();
        let missing = Duration::from_millis(ahead).saturating_sub(self.clock.ahead());
        if !missing.is_zero() {
            tracing::info!(seconds = missing.as_secs(), "the clock is ahead of the machine's, as it was left");
            self.clock.advance(missing);
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use blob::BlobStore;
    use store::Store;

    use super::*;
    use crate::testing::{NOW, TestPlatform};

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_moved_clock_stays_moved_over_a_restart_and_a_reset_takes_it_back() {
        let store = Store::memory();
        let first = TestPlatform::over(store.clone(), BlobStore::memory(), |_| Vec::new());
        first.platform.advance_clock(HOUR).await.expect("moved");
        first.platform.advance_clock(HOUR).await.expect("moved");
        assert_eq!(first.clock.milliseconds(), NOW + 7_200_000);
        let second = TestPlatform::over(store, BlobStore::memory(), |_| Vec::new());
        second.platform.start().await.expect("started");
        assert_eq!(second.clock.milliseconds(), NOW + 7_200_000);
        second.platform.reset().await.expect("reset");
        assert_eq!(second.clock.milliseconds(), NOW);
    }

    #[tokio::test]
    async fn nobody_gets_further_than_ten_years() {
        let bench = TestPlatform::new(|_| Vec::new());
        bench.platform.advance_clock(AHEAD_MAX).await.expect("just in reach");
        let refused = bench.platform.advance_clock(Duration::from_millis(1)).await;
        assert!(matches!(refused, Err(AdvanceError::TooFar)));
        assert_eq!(bench.clock.ahead(), AHEAD_MAX);
    }
}
