//! Which events wait, and how many of each function are at work.

use std::collections::{BTreeSet, HashMap};

use super::Pace;
use crate::FunctionId;

/// How many events may be at work at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of one function at first.
    pub at_first: usize,
    /// Of one function at most.
    pub per_function_max: usize,
    /// Of all functions.
    pub max: usize,
}

/// The queues of all functions that have events.
pub struct Queues {
    limits: Limits,
    by_function: HashMap<FunctionId, Queue>,
    waiting: usize,
    running: usize,
}

struct Queue {
    /// When each is due, in milliseconds since 1970, and its id.
    waiting: BTreeSet<(i64, String)>,
    running: usize,
    /// Most at work at once: it grows as long as there is room.
    limit: usize,
}

impl Queues {
    /// Without events.
    pub fn new(limits: Limits) -> Queues {
        Queues { limits, by_function: HashMap::new(), waiting: 0, running: 0 }
    }

    /// Events that wait or are at work.
    pub fn len(&self) -> usize {
        self.waiting + self.running
    }

    /// Adds an event; one that is there already stays as it is.
    pub fn add(&mut self, function: &FunctionId, due: i64, id: String) {
        let limit = self.limits.at_first;
        let new = || Queue { waiting: BTreeSet::new(), running: 0, limit };
        let queue = match self.by_function.get_mut(function) {
            Some(queue) => queue,
            None => self.by_function.entry(function.clone()).or_insert_with(new),
        };
        self.waiting += usize::from(queue.waiting.insert((due, id)));
    }

    /// Takes out what is due and may be at work, and tells when the next event will be due, if it is time alone that it
    /// waits for.
    pub fn take_due(&mut self, now: i64) -> (Vec<(FunctionId, String)>, Option<i64>) {
        let (mut due, mut next) = (Vec::new(), None);
        for (function, queue) in &mut self.by_function {
            while queue.running < queue.limit && self.running < self.limits.max {
                let Some((time, _)) = queue.waiting.first() else { break };
                if *time > now {
                    next = Some(next.map_or(*time, |next: i64| next.min(*time)));
                    break;
                }
                if let Some((_, id)) = queue.waiting.pop_first() {
                    queue.running += 1;
                    self.running += 1;
                    self.waiting -= 1;
                    due.push((function.clone(), id));
                }
            }
        }
        (due, next)
    }

    /// An event is no longer at work: it waits again, or is gone.
    pub fn finish(&mut self, function: &FunctionId, again: Option<(i64, String)>, pace: Pace) {
        let limits = self.limits;
        let Some(queue) = self.by_function.get_mut(function) else { return };
        if queue.running > 0 {
            queue.running -= 1;
            self.running -= 1;
        }
        queue.limit = match pace {
            Pace::Faster => (queue.limit + 1).min(limits.per_function_max),
            Pace::Same => queue.limit,
            Pace::Slower => (queue.limit / 2).max(1),
        };
        if let Some(again) = again {
            self.waiting += usize::from(queue.waiting.insert(again));
        }
        if queue.running == 0 && queue.waiting.is_empty() {
            self.by_function.remove(function);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.by_function.clear();
        (self.waiting, self.running) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    fn queues() -> Queues {
        Queues::new(Limits { at_first: 2, per_function_max: 3, max: 4 })
    }

    #[test]
    fn events_are_taken_when_due_and_no_more_than_there_is_room_for() {
        let mut queues = queues();
        for number in 0..5 {
            queues.add(&id("f"), number, format!("e{number}"));
        }
        assert_eq!(queues.take_due(0), (vec![(id("f"), "e0".to_owned())], Some(1)));
        assert_eq!(queues.take_due(9).0.len(), 1);
        assert_eq!(queues.take_due(9), (Vec::new(), None));
        queues.finish(&id("f"), None, Pace::Faster);
        assert_eq!(queues.take_due(9).0.len(), 2);
        assert_eq!(queues.len(), 4);
    }

    #[test]
    fn a_slow_function_leaves_room_for_others() {
        let mut queues = queues();
        (0..9).for_each(|number| queues.add(&id("slow"), 0, format!("s{number}")));
        assert_eq!(queues.take_due(0).0.len(), 2);
        queues.add(&id("quick"), 0, "q".to_owned());
        assert_eq!(queues.take_due(0).0, [(id("quick"), "q".to_owned())]);
    }

    #[test]
    fn nothing_is_kept_of_a_function_without_events() {
        let mut queues = queues();
        queues.add(&id("f"), 0, "e".to_owned());
        queues.take_due(0);
        queues.finish(&id("f"), Some((7, "e".to_owned())), Pace::Slower);
        assert_eq!(queues.take_due(0), (Vec::new(), Some(7)));
        queues.take_due(7);
        queues.finish(&id("f"), None, Pace::Same);
        assert!(queues.by_function.is_empty() && queues.len() == 0);
    }
}
