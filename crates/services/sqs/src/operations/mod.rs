//! The operations, by what they are about.

pub mod attributes;
pub mod batch;
pub mod create_queue;
pub mod dead_letters;
pub mod delete_message;
pub mod delete_queue;
pub mod list_queues;
pub mod move_tasks;
pub mod permissions;
pub mod purge;
pub mod receive;
pub mod send;
pub mod tags;
pub mod visibility;
