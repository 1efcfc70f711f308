//! One sequence of batches of a shard: records with the same key come the same way, so that they stay in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::Poller;
use super::keeper::Keeper;
use super::record::Record;
use crate::event_source::progress::Window;

/// Largest event, in bytes (Lambda quotas: 6 MB), with some room for what stands around the records.
const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024 - 64 * 1024;

/// A record and the number its shard's keeper knows it by.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The number.
    pub number: u64,
    /// The record.
    pub record: Record,
}

/// A lane.
pub struct Lane {
    pub(super) poller: Arc<Poller>,
    pub(super) keeper: Arc<Keeper>,
    pub(super) shard: String,
    /// The window that is being aggregated, if the mapping has windows.
    pub(super) window: Option<Window>,
    receiver: mpsc::Receiver<Vec<Tracked>>,
    pending: VecDeque<Tracked>,
}

/// What a lane does next.
enum Next {
    /// Some records wait.
    Records,
    /// The window is over.
    WindowEnd,
    /// No more records will come.
    End,
    /// The poller stops.
    Stop,
}

impl Lane {
    /// A lane that takes its records from a channel.
    pub fn new(
        poller: Arc<Poller>,
        keeper: Arc<Keeper>,
        shard: String,
        receiver: mpsc::Receiver<Vec<Tracked>>,
        window: Option<Window>,
    ) -> Lane {
        Lane { poller, keeper, shard, window, receiver, pending: VecDeque::new() }
    }

    /// Handles records until no more come or the poller stops.
    pub async fn run(mut self) {
        loop {
            let goes_on = match self.next().await {
                Next::Stop => return,
                Next::WindowEnd => self.finish_window().await,
                Next::End => {
                    self.finish_window().await;
                    return;
                }
                Next::Records => match self.gather().await {
                    Some(batch) => self.enter_window(&batch).await && self.deliver(batch).await,
                    None => return,
                },
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn next(&mut self) -> Next {
        if !self.pending.is_empty() {
            return Next::Records;
        }
        let left = self.window_left();
        let clock = self.poller.lambda.platform.clock.clone();
        let window_end = async {
            match left {
                Some(left) => clock.sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.poller.stop.cancelled() => Next::Stop,
            group = self.receiver.recv() => match group {
                Some(group) => {
                    self.pending.extend(group);
                    Next::Records
                }
                None if self.poller.stop.is_cancelled() => Next::Stop,
                None => Next::End,
            },
            () = window_end => Next::WindowEnd,
        }
    }

    /// Records for one event: what is there, or what comes within the batching window. `None` if the poller stops.
    async fn gather(&mut self) -> Option<Vec<Tracked>> {
        let clock = self.poller.lambda.platform.clock.clone();
        let end = clock.monotonic() + Duration::from_secs(u64::from(self.poller.mapping.window_seconds));
        let stop = self.poller.stop.clone();
        while !self.is_full() {
            match self.receiver.try_recv() {
                Ok(group) => {
                    self.pending.extend(group);
                    continue;
                }
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {}
            }
            let left = end.saturating_sub(clock.monotonic());
            if left.is_zero() {
                break;
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                group = self.receiver.recv() => match group {
                    Some(group) => self.pending.extend(group),
                    None => break,
                },
                () = clock.sleep(left) => break,
            }
        }
        let count = self.batch_length();
        Some(self.pending.drain(..count).collect())
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= self.poller.mapping.batch_size as usize || self.batch_length() < self.pending.len()
    }

    /// How many of the records that wait make up the next event: they fit into it, and belong to one window.
    fn batch_length(&self) -> usize {
        let window = self.pending.front().and_then(|first| self.window_start(first.record.arrived_at));
        let (mut count, mut bytes) = (0, 0);
        for tracked in self.pending.iter().take(self.poller.mapping.batch_size as usize) {
            bytes += tracked.record.json.len() + 1;
            let fits = bytes <= EVENT_BYTES_MAX || count == 0;
            if !fits || self.window_start(tracked.record.arrived_at) != window {
                break;
            }
            count += 1;
        }
        count
    }
}
