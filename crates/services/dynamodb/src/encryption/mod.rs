//! Encryption at rest under a key of KMS.
//!
//! A table that asks for it has a key of its own, 256 random bits that KMS makes and wraps. What rows hold of items
//! (the items themselves, entries of indexes, former states, images in stream records) is sealed under that key, bound
//! to the row. The keys of rows stay in clear, since their order is what `Query` and `Scan` read by.
//!
//! When a table goes over to another key of KMS, or back to the installation's own, its key is wrapped anew and its rows
//! stay as they are. Rows from before a table had a key are sealed in the background; until then both kinds are read.

pub mod access;
pub mod change;
pub mod convert;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use platform::Sealing;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors;
use crate::stream::Stream;
use crate::table::Table;
use crate::value::{Item, decode_item, encode_item};

/// First byte of what is sealed: no other form of a row begins with it.
pub const SEALED: u8 = 0xE1;

/// How a table is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Encryption {
    /// ARN of the key of KMS that wraps the table's key; `None` if the installation's own does.
    pub key_arn: Option<String>,
    /// The table's key.
    pub table_key: Option<TableKey>,
    /// Since when the key of KMS has been found unusable, in milliseconds since 1970.
    pub inaccessible_since: Option<i64>,
    /// Whether rows are still being sealed.
    pub converting: bool,
}

/// The wrapped key of a table. It stays the same whatever wraps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableKey {
    /// Tells it from all others.
    pub id: String,
    /// The table it was made for: KMS binds the wrapping to it.
    pub table: String,
    /// The key as KMS, or the installation, has wrapped it, in base64.
    pub wrapped: String,
    /// The grant by which background work uses the key of KMS.
    pub grant: Option<String>,
}

/// A table's key at work.
pub struct Cipher {
    id: String,
    sealing: Sealing,
}

impl Cipher {
    fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut row = vec![SEALED];
        row.extend(self.sealing.seal(place, plain));
        row
    }

    fn open(&self, place: &[u8], row: &[u8]) -> Option<Bytes> {
        let opened = self.sealing.open(place, row.strip_prefix(&[SEALED])?).ok()?;
        Some(Bytes::copy_from_slice(&opened))
    }
}

/// The cipher of a table in memory, once somebody who may use the key has asked for it. Never stored, and no part of
/// what makes two tables equal.
#[derive(Clone, Default)]
pub struct Unlocked(Option<Arc<Cipher>>);

impl PartialEq for Unlocked {
    fn eq(&self, _: &Unlocked) -> bool {
        true
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "unlocked" } else { "locked" })
    }
}

/// What has rows under a table's key.
pub trait Protected {
    /// How it is encrypted.
    fn encryption(&self) -> Option<&Encryption>;

    /// Its cipher.
    fn unlocked(&self) -> &Unlocked;

    /// The wrapped key of its rows; `None` if they are in clear.
    fn table_key(&self) -> Option<&TableKey> {
        self.encryption()?.table_key.as_ref()
    }

    /// The cipher for its rows; `None` if they are in clear.
    ///
    /// # Errors
    /// When the key has not been unlocked.
    fn cipher(&self) -> Result<Option<&Cipher>, Error> {
        let Some(key) = self.table_key() else { return Ok(None) };
        match self.unlocked().0.as_deref() {
            Some(cipher) if cipher.id == key.id => Ok(Some(cipher)),
            _ => Err(errors::locked()),
        }
    }

    /// Seals what goes into a row.
    ///
    /// # Errors
    /// When the key has not been unlocked.
    fn seal(&self, place: &[u8], plain: Vec<u8>) -> Result<Vec<u8>, Error> {
        Ok(match self.cipher()? {
            Some(cipher) => cipher.seal(place, &plain),
            None => plain,
        })
    }

    /// Opens what was in a row.
    ///
    /// # Errors
    /// When the key has not been unlocked, and for what was altered or lay elsewhere.
    fn open(&self, place: &[u8], row: &Bytes) -> Result<Bytes, Error> {
        if row.first() != Some(&SEALED) {
            return Ok(row.clone());
        }
        let cipher = self.cipher()?.ok_or_else(errors::locked)?;
        cipher.open(place, row).ok_or_else(|| errors::damaged("sealed row"))
    }

    /// The row of an item.
    ///
    /// # Errors
    /// As [`Protected::seal`].
    fn seal_item(&self, place: &[u8], item: &Item) -> Result<Vec<u8>, Error> {
        self.seal(place, encode_item(item))
    }

    /// The item of a row.
    ///
    /// # Errors
    /// As [`Protected::open`].
    fn open_item(&self, place: &[u8], row: &Bytes) -> Result<Item, Error> {
        decode_item(&self.open(place, row)?).ok_or_else(|| errors::damaged("item"))
    }
}

impl Protected for Table {
    fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    fn unlocked(&self) -> &Unlocked {
        &self.unlocked
    }
}

impl Protected for Stream {
    fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    fn unlocked(&self) -> &Unlocked {
        &self.unlocked
    }
}
