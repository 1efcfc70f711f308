//! Figures for operators.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A moment's figures of one store. Counters start at zero when the store is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions waiting for the writer.
    pub queue_depth: usize,
    /// Most transactions that may wait, [`QUEUE_DEPTH_MAX`](crate::limits::QUEUE_DEPTH_MAX).
    pub queue_depth_max: usize,
    /// Batches made durable.
    pub commits: u64,
    /// Transactions that committed.
    pub transactions_committed: u64,
    /// Transactions whose closure gave up.
    pub transactions_aborted: u64,
    /// Transactions refused by the store: over a limit, panicked, disk full.
    pub transactions_refused: u64,
    /// Most transactions seen in one batch.
    pub batch_transactions_max: u64,
    /// Time spent making batches durable, in all.
    pub commit_time_total: Duration,
    /// The longest single commit.
    pub commit_time_max: Duration,
    /// Bytes of the database file; 0 in memory.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log; 0 in memory.
    pub log_bytes: u64,
}

/// The counters behind [`Stats`], written by the writer's thread alone.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) refused: AtomicU64,
    batch_max: AtomicU64,
    commit_nanos_total: AtomicU64,
    commit_nanos_max: AtomicU64,
}

impl Counters {
    /// Counts one durable batch.
    pub(crate) fn batch(&self, transactions: u64, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Relaxed);
        self.batch_max.fetch_max(transactions, Relaxed);
        self.commit_nanos_total.fetch_add(nanos, Relaxed);
        self.commit_nanos_max.fetch_max(nanos, Relaxed);
    }

    /// The figures so far, without those of the queue and the files.
    pub(crate) fn read(&self) -> Stats {
        Stats {
            commits: self.commits.load(Relaxed),
            transactions_committed: self.committed.load(Relaxed),
            transactions_aborted: self.aborted.load(Relaxed),
            transactions_refused: self.refused.load(Relaxed),
            batch_transactions_max: self.batch_max.load(Relaxed),
            commit_time_total: Duration::from_nanos(self.commit_nanos_total.load(Relaxed)),
            commit_time_max: Duration::from_nanos(self.commit_nanos_max.load(Relaxed)),
            ..Stats::default()
        }
    }
}
