//! What all batches have in common.

use std::collections::HashSet;

use api::sqs::{BatchResultErrorEntry, errors};
use wire::Error;
use wire::schema::Fault;

use crate::errors::code_of;
use crate::limits::{BATCH_ENTRIES_MAX, BATCH_ID_CHARACTERS_MAX};

/// Checks number and ids of a batch's entries. `entry` is the name of the entries' type.
///
/// # Errors
/// `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `InvalidBatchEntryId`, `BatchEntryIdsNotDistinct`.
pub fn check<'a>(entry: &str, ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Error> {
    let count = ids.len();
    if count == 0 {
        return Err(errors::empty_batch_request(format!("There should be at least one {entry} in the request.")));
    }
    if count > BATCH_ENTRIES_MAX {
        let text = format!("Maximum number of entries per request are {BATCH_ENTRIES_MAX}. You have sent {count}.");
        return Err(errors::too_many_entries_in_batch_request(text));
    }
    let mut seen = HashSet::new();
    for id in ids {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=BATCH_ID_CHARACTERS_MAX).contains(&id.len()) || !id.bytes().all(allowed) {
            return Err(errors::invalid_batch_entry_id(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most \
                 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(errors::batch_entry_ids_not_distinct(format!("Id {id} repeated.")));
        }
    }
    Ok(())
}

/// An entry that failed.
pub fn failed(id: &str, error: &Error) -> BatchResultErrorEntry {
    BatchResultErrorEntry {
        id: id.to_owned(),
        sender_fault: error.definition.fault == Fault::Client,
        code: code_of(error).to_owned(),
        message: error.message.as_ref().map(|message| message.clone().into_owned()),
    }
}
