//! Which records of a shard are done with, and how far that is written down.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use super::Poller;
use crate::event_source::Progress;
use crate::event_source::progress::Window;

/// Keeps a shard's progress: it moves past a record once that one and all before it are done with.
pub struct Keeper {
    poller: Arc<Poller>,
    shard: String,
    open: Mutex<Open>,
    saved: AsyncMutex<Progress>,
}

/// Records that were read and are not all done with.
#[derive(Debug, Default)]
struct Open {
    /// The number of the first of them.
    first: u64,
    /// Their sequence numbers, and whether they are done with.
    records: VecDeque<(String, bool)>,
    /// Sequence number of the last record before them.
    after: Option<String>,
}

impl Open {
    fn add(&mut self, sequence: String) -> u64 {
        self.records.push_back((sequence, false));
        self.first + self.records.len() as u64 - 1
    }

    fn done(&mut self, number: u64) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(record) = place.and_then(|place| self.records.get_mut(place)) {
            record.1 = true;
        }
        while let Some((sequence, true)) = self.records.front_mut() {
            self.after = Some(std::mem::take(sequence));
            self.records.pop_front();
            self.first += 1;
        }
    }
}

impl Keeper {
    /// Of a shard that was read that far.
    pub fn new(poller: Arc<Poller>, shard: String, progress: Progress) -> Keeper {
        let open = Open { after: progress.after.clone(), ..Open::default() };
        Keeper { poller, shard, open: Mutex::new(open), saved: AsyncMutex::new(progress) }
    }

    /// A record was read. Answers the number to name it by.
    pub fn add(&self, sequence: String) -> u64 {
        self.open.lock().add(sequence)
    }

    /// A record is done with.
    pub fn done(&self, number: u64) {
        self.open.lock().done(number);
    }

    /// Whether all that was read is done with.
    pub fn is_clear(&self) -> bool {
        self.open.lock().records.is_empty()
    }

    /// Writes down what is done with.
    pub async fn save(&self) {
        let mut saved = self.saved.lock().await;
        let after = self.open.lock().after.clone();
        if saved.after != after {
            self.write(&mut saved, |progress| progress.after = after).await;
        }
    }

    /// Writes down what is done with, and what has become of the window.
    pub async fn save_window(&self, window: Option<Window>) {
        let mut saved = self.saved.lock().await;
        let after = self.open.lock().after.clone();
        if saved.after != after || saved.window != window {
            self.write(&mut saved, |progress| {
                progress.after = after;
                progress.window = window;
            })
            .await;
        }
    }

    /// Writes down that the shard has no more records.
    pub async fn end(&self) {
        let mut saved = self.saved.lock().await;
        let after = self.open.lock().after.clone();
        self.write(&mut saved, |progress| {
            progress.after = after;
            progress.has_ended = true;
        })
        .await;
    }

    async fn write(&self, saved: &mut Progress, change: impl FnOnce(&mut Progress)) {
        let mut progress = saved.clone();
        change(&mut progress);
        let uuid = &self.poller.mapping.uuid;
        match self.poller.lambda.progress.save(uuid, &self.shard, &progress).await {
            Ok(()) => *saved = progress,
            // The next one is written with this one in it.
            Err(error) => tracing::warn!(%error, mapping = uuid, "a shard's progress could not be written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_waits_for_the_first_record_that_is_not_done_with() {
        let mut open = Open::default();
        let numbers: Vec<u64> = ["a", "b", "c"].iter().map(|name| open.add((*name).to_owned())).collect();
        open.done(numbers[1]);
        assert_eq!(open.after, None);
        open.done(numbers[0]);
        assert_eq!(open.after.as_deref(), Some("b"));
        open.done(numbers[0]);
        open.done(numbers[2]);
        assert!(open.records.is_empty() && open.after.as_deref() == Some("c"));
        assert_eq!(open.add("d".to_owned()), 3);
    }
}
