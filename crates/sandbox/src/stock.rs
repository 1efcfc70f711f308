//! Environments made ahead of need, from the platform's side.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::launcher::message::Keep;
use crate::spec::Shape;

/// How many environments of a shape to keep ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What they are.
    pub shape: Shape,
    /// How many.
    pub count: usize,
}

/// What is ready of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeStock {
    /// What they are.
    pub shape: Shape,
    /// How many were asked for.
    pub wanted: usize,
    /// How many are ready.
    pub ready: usize,
    /// How many have been made ready so far.
    pub made: u64,
    /// Time that took in all.
    pub making: Duration,
    /// One could not be made ready; the shape is left alone until it is asked for again.
    pub spoilt: bool,
}

/// What is known of the launcher's stock, by its number for the shape.
#[derive(Default)]
pub(crate) struct Shelves(Mutex<Vec<(u64, ShapeStock)>>);

impl Shelves {
    /// What to tell the launcher to keep. A shape that is known keeps its number.
    pub(crate) fn keep(&self, wanted: &[Wanted], mut next_key: impl FnMut() -> u64) -> Vec<Keep> {
        let mut shelves = self.lock();
        shelves.retain(|(_, shelf)| wanted.iter().any(|wanted| wanted.shape == shelf.shape));
        for Wanted { shape, count } in wanted {
            match shelves.iter_mut().find(|(_, shelf)| shelf.shape == *shape) {
                Some((_, shelf)) => {
                    (shelf.wanted, shelf.spoilt) = (*count, false);
                    shelf.ready = shelf.ready.min(*count);
                }
                None => {
                    let (shape, making) = (shape.clone(), Duration::ZERO);
                    let shelf = ShapeStock { shape, wanted: *count, ready: 0, made: 0, making, spoilt: false };
                    shelves.push((next_key(), shelf));
                }
            }
        }
        let keep =
            |(key, shelf): &(u64, ShapeStock)| Keep { key: *key, shape: shelf.shape.clone(), count: shelf.wanted };
        shelves.iter().map(keep).collect()
    }

    pub(crate) fn look(&self) -> Vec<ShapeStock> {
        self.lock().iter().map(|(_, shelf)| shelf.clone()).collect()
    }

    pub(crate) fn changed(&self, key: u64, ready: usize, made_us: Option<u64>) {
        if let Some((_, shelf)) = self.lock().iter_mut().find(|(known, _)| *known == key) {
            shelf.ready = ready;
            if let Some(made_us) = made_us {
                shelf.made += 1;
                shelf.making += Duration::from_micros(made_us);
            }
        }
    }

    pub(crate) fn spoilt(&self, key: u64) {
        if let Some((_, shelf)) = self.lock().iter_mut().find(|(known, _)| *known == key) {
            shelf.spoilt = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, ShapeStock)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
