//! The operations, one file per family.

pub mod create_group;
pub mod delete;
pub mod describe_groups;
pub mod describe_streams;
pub mod filter_events;
pub mod get_events;
pub mod metric_filter;
pub mod put_events;
pub mod retention;
pub mod streams;
pub mod tags;
