//! The operations, one file per family.

pub mod acl;
pub mod attributes;
pub mod bucket_encryption;
pub mod buckets;
pub mod complete;
pub mod copy;
pub mod cors;
pub mod delete;
pub mod features;
pub mod get;
pub mod lifecycle;
pub mod list;
pub mod locks;
pub mod logging;
pub mod notification;
pub mod policy;
pub mod put;
pub mod replication;
pub mod reports;
pub mod restore;
pub mod tagging;
pub mod uploads;
pub mod versioning;
pub mod website;
