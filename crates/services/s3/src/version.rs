//! A version of an object at rest.

use std::collections::BTreeMap;

use blob::Digest;
use serde::{Deserialize, Serialize};
use wire::Timestamp;

use crate::access::Grant;
use crate::checksum::{Algorithm, Checksum};
use crate::envelope::{Encryption, SealedKey};
use crate::lock::Protection;

/// The id of versions made while versioning is not enabled.
pub const NULL: &str = "null";

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Greater than that of any older version of the key.
    pub sequence: u64,
    /// `null`, or what the API knows the version by.
    pub id: String,
    /// It says that the object was deleted.
    pub is_marker: bool,
    /// When it was made, in milliseconds since 1970.
    pub modified: i64,
    /// Bytes of the body.
    pub size: u64,
    /// The entity tag without its quotes.
    pub etag: String,
    /// The checksum of the body.
    pub checksum: Option<Checksum>,
    /// How many parts it was uploaded in, if it was.
    pub parts: Option<u32>,
    /// Account that owns it.
    pub owner: String,
    /// What the client said about the body.
    pub description: Description,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Where the body is.
    pub content: Content,
    /// Its grants; `None` if its owner has full control and nobody else any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
    /// What protects it from being deleted.
    #[serde(default)]
    pub protection: Protection,
    /// How it is encrypted.
    #[serde(default)]
    pub encryption: Encryption,
    /// The key of the body. Pieces of parts have keys of their own, and a body of an earlier release has none: it lies in
    /// the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_key: Option<SealedKey>,
    /// Whether it is to be copied, was copied or is a copy: [`crate::replication::status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<String>,
    /// What became of the last request to restore it from an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<Restore>,
}

/// A restored copy of an archived object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// Until when it can be read, in milliseconds since 1970; `None` while it is still being restored.
    pub until: Option<i64>,
    /// Days for which it was asked.
    pub days: i32,
}

/// What a client says about a body when it uploads it, and gets back with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without the framing of the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Expires`, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// `x-amz-meta-…`, names in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The storage class, if it is not `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// Where a body is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// It has no bytes.
    Empty,
    /// In a row of the store with this id.
    Inline(String),
    /// In a blob.
    Blob(Digest),
    /// In the pieces of the parts that the row with this id lists.
    Parts(String),
}

/// A stretch of a body that lies in a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The blob.
    pub digest: Digest,
    /// Where it begins in the body, in bytes.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
    /// The key of the blob. A blob of an earlier release has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SealedKey>,
}

/// A part of an upload, or of the object that it became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// The MD5 of its bytes, hexadecimal.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
    /// Its checksum.
    pub checksum: Option<String>,
    /// When it was uploaded, in milliseconds since 1970.
    pub modified: i64,
    /// The bytes.
    pub pieces: Vec<Piece>,
}

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// When it began, in milliseconds since 1970.
    pub initiated: i64,
    /// Account that owns the object to be.
    pub owner: String,
    /// ARN of who began it.
    pub initiator: String,
    /// What is said about the object.
    pub description: Description,
    /// The tags of the object.
    pub tags: BTreeMap<String, String>,
    /// How the object will be encrypted.
    #[serde(default)]
    pub encryption: Encryption,
    /// The algorithm that parts must have checksums of, and whether the object's is taken over its bytes.
    pub checksum: Option<(Algorithm, crate::checksum::Scope)>,
    /// The grants of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
    /// What will protect the object.
    #[serde(default)]
    pub protection: Protection,
}

impl Version {
    /// A delete marker, before it is added.
    pub fn marker(owner: &str, now: i64) -> Version {
        Version {
            sequence: 0,
            id: NULL.to_owned(),
            is_marker: true,
            modified: now,
            size: 0,
            etag: String::new(),
            checksum: None,
            parts: None,
            owner: owner.to_owned(),
            description: Description::default(),
            tags: BTreeMap::new(),
            content: Content::Empty,
            grants: None,
            protection: Protection::default(),
            encryption: Encryption::default(),
            body_key: None,
            restore: None,
            replication: None,
        }
    }

    /// The entity tag in quotes.
    pub fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    /// Its grants.
    pub fn grants(&self) -> Vec<Grant> {
        self.grants.clone().unwrap_or_else(|| vec![Grant::full_control(&self.owner)])
    }

    /// Until when a restored copy can be read, in milliseconds since 1970, if there is one.
    pub fn restored_until(&self) -> Option<i64> {
        self.restore.as_ref()?.until
    }

    /// When it was made.
    pub fn modified_at(&self) -> Timestamp {
        whole_seconds(self.modified)
    }

    /// The storage class as listings show it.
    pub fn storage_class(&self) -> String {
        self.description.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())
    }
}

/// A time as S3 keeps it: in whole seconds.
pub fn whole_seconds(milliseconds: i64) -> Timestamp {
    Timestamp { seconds: milliseconds.div_euclid(1000), nanoseconds: 0 }
}
