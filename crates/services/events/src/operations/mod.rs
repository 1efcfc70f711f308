//! The operations, one file for each noun.

pub mod api_destinations;
pub mod archives;
pub mod buses;
pub mod connections;
pub mod page;
pub mod permissions;
pub mod put_events;
pub mod replays;
pub mod rules;
pub mod tags;
pub mod targets;
