//! Reading the objects of an import, one after the other and piece by piece. An object that a restart has interrupted is
//! read again from its beginning: the same items are put once more.

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;

use api::s3;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt;
use wire::{Body, Error};

use super::formats::{Records, Splitter};
use super::import::{Counts, Import};
use super::import_log::{self, Refused};
use super::{State, call_for_account};
use crate::background::Place;
use crate::item::check;
use crate::item::write::{self, Origin};
use crate::limits::{CHUNK_BYTES, CHUNK_ROWS, IMPORT_ERRORS_MAX, IMPORT_RECORD_BYTES_MAX, ITEM_BYTES_MAX};
use crate::rows::{self, Revised};
use crate::service::DynamoDb;
use crate::value::{Item, item_size};
use crate::{errors, keys};

/// The request that lists the next objects of an import.
pub fn list_request(import: &Import) -> s3::ListObjectsV2Request {
    s3::ListObjectsV2Request {
        bucket: import.source.bucket.clone(),
        prefix: import.source.prefix.clone(),
        start_after: import.after.clone(),
        expected_bucket_owner: import.source.owner.clone(),
        ..Default::default()
    }
}

/// What ends an import, or only its present attempt.
enum Failure {
    /// The objects cannot be read.
    Source(State),
    /// The store fails.
    Here(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Here(error)
    }
}

/// Goes on with an import until it has ended.
///
/// # Errors
/// When the store fails, and `AccessDeniedException` if the table's key cannot be used.
pub async fn run(service: &DynamoDb, place: &Place, work: &[u8], number: u32) -> Result<(), Error> {
    let snapshot = service.snapshot(&place.partition).await?;
    let Some(mut import) = rows::get::<Import>(&snapshot, &keys::import(number)).await? else {
        return end(service, place, work, None).await;
    };
    drop(snapshot);
    let known = service.known_for_work(place, &import.table).await?;
    let Some(known) = known.filter(|known| known.table.id == import.table_id) else {
        let state = State::Failed("TableNotFound".to_owned(), "The table was deleted".to_owned());
        return end(service, place, work, Some(Import { state, ended_at: Some(service.now()), ..import })).await;
    };
    let state = match objects(service, place, &mut import, &known).await {
        Ok(()) => State::Completed,
        Err(Failure::Source(state)) => state,
        Err(Failure::Here(error)) => return Err(error),
    };
    end(service, place, work, Some(Import { state, ended_at: Some(service.now()), ..import })).await
}

async fn objects(service: &DynamoDb, place: &Place, import: &mut Import, known: &Revised) -> Result<(), Failure> {
    loop {
        let page = call_for_account::<s3::ListObjectsV2>(service, place, list_request(import)).await;
        let page = page.map_err(|error| Failure::Source(State::failed(&error)))?;
        let keys: Vec<String> = page.contents.into_iter().flatten().filter_map(|object| object.key).collect();
        for key in &keys {
            // What only stands for a folder holds nothing.
            if !key.ends_with('/') {
                let mut reading = Reading::new(import);
                let outcome = object(service, place, import, known, key, &mut reading).await;
                import.counts = reading.counts;
                import_log::write(service, place, import, key, &reading.refused).await;
                outcome?;
            }
            import.after = Some(key.clone());
            let noted = import.clone();
            let note = move |rows: &mut dyn store::Transaction| rows::put(rows, &keys::import(noted.number), &noted);
            service.transact(&place.partition, note).await?;
        }
        if keys.is_empty() || page.is_truncated != Some(true) {
            return Ok(());
        }
    }
}

/// Reads one object.
async fn object(
    service: &DynamoDb,
    place: &Place,
    import: &Import,
    known: &Revised,
    key: &str,
    reading: &mut Reading,
) -> Result<(), Failure> {
    let request = s3::GetObjectRequest {
        bucket: import.source.bucket.clone(),
        key: key.to_owned(),
        expected_bucket_owner: import.source.owner.clone(),
        ..Default::default()
    };
    let answer = call_for_account::<s3::GetObject>(service, place, request).await;
    let answer = answer.map_err(|error| Failure::Source(State::failed(&error)))?;
    let mut records = Records::new(&known.table, &import.format);
    let mut decoder = import.compressed.then(|| MultiGzDecoder::new(Vec::new()));
    let mut pieces = Box::pin(pieces(answer.body));
    while let Some(piece) = next(&mut pieces).await? {
        reading.counts.bytes += piece.len() as u64;
        let plain = match &mut decoder {
            None => piece,
            Some(decoder) => {
                decoder.write_all(&piece).and_then(|()| decoder.flush()).map_err(|_| not_gzip(key))?;
                Bytes::from(std::mem::take(decoder.get_mut()))
            }
        };
        // However much a piece unpacks to, it is put a part at a time.
        for part in plain.chunks(CHUNK_BYTES) {
            reading.feed(&mut records, part)?;
            reading.put(service, place, known, false).await?;
        }
    }
    if let Some(decoder) = decoder {
        reading.feed(&mut records, &decoder.finish().map_err(|_| not_gzip(key))?)?;
    }
    reading.finish(&mut records)?;
    reading.put(service, place, known, true).await
}

fn not_gzip(key: &str) -> Failure {
    Failure::Source(State::Failed("InvalidFormat".to_owned(), format!("The object {key} is not compressed with GZIP")))
}

/// The pieces of a body.
fn pieces(body: Body) -> wire::body::ByteStream {
    match body {
        Body::Empty => Box::pin(futures_util::stream::empty()),
        Body::Bytes(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
        Body::Stream { stream, .. } => stream,
    }
}

async fn next(pieces: &mut Pin<Box<wire::body::ByteStream>>) -> Result<Option<Bytes>, Failure> {
    let piece = pieces.next().await.transpose();
    piece.map_err(|error| Failure::Source(State::Failed("S3ReadError".to_owned(), error.to_string())))
}

/// An object being read.
struct Reading {
    counts: Counts,
    splitter: Splitter,
    /// Records of this object so far.
    records: u64,
    /// Items that are not put yet, and which records they were.
    items: Vec<(u64, Item)>,
    /// Bytes of the items.
    bytes: usize,
    refused: Refused,
}

impl Reading {
    fn new(import: &Import) -> Reading {
        Reading {
            counts: import.counts.clone(),
            splitter: Splitter::new(&import.format),
            records: 0,
            items: Vec::new(),
            bytes: 0,
            refused: Refused::new(),
        }
    }

    fn feed(&mut self, records: &mut Records, bytes: &[u8]) -> Result<(), Failure> {
        for record in self.splitter.feed(bytes) {
            self.record(records, &record)?;
        }
        if self.splitter.pending() > IMPORT_RECORD_BYTES_MAX {
            let text = "A record is larger than any item can be".to_owned();
            return Err(Failure::Source(State::Failed("InvalidFormat".to_owned(), text)));
        }
        Ok(())
    }

    fn finish(&mut self, records: &mut Records) -> Result<(), Failure> {
        match std::mem::take(&mut self.splitter).rest() {
            Some(record) => self.record(records, &record),
            None => Ok(()),
        }
    }

    fn record(&mut self, records: &mut Records, record: &[u8]) -> Result<(), Failure> {
        let Some(read) = records.item(record) else { return Ok(()) };
        let number = self.records;
        self.records += 1;
        self.counts.processed += 1;
        match read {
            Ok(item) if item_size(&item) <= ITEM_BYTES_MAX => {
                self.bytes += item_size(&item);
                self.items.push((number, item));
                Ok(())
            }
            Ok(_) => self.refuse(number, "Item size has exceeded the maximum allowed size".to_owned()),
            Err(text) => self.refuse(number, text),
        }
    }

    fn refuse(&mut self, number: u64, text: String) -> Result<(), Failure> {
        self.refused.push((number, text));
        self.counts.errors += 1;
        if self.counts.errors < IMPORT_ERRORS_MAX {
            return Ok(());
        }
        let text = format!("{IMPORT_ERRORS_MAX} records could not be imported");
        Err(Failure::Source(State::Failed("ItemValidationError".to_owned(), text)))
    }

    /// Puts what has been read, if it is enough for a transaction or the last of it.
    async fn put(&mut self, service: &DynamoDb, place: &Place, known: &Revised, all: bool) -> Result<(), Failure> {
        if !all && self.items.len() < CHUNK_ROWS && self.bytes < CHUNK_BYTES {
            return Ok(());
        }
        let copies = 1 + known.table.indexes().count();
        while !self.items.is_empty() {
            let mut bytes = 0;
            let mut fits = |(_, item): &(u64, Item)| {
                bytes += item_size(item) * copies;
                bytes <= CHUNK_BYTES
            };
            let count = self.items.iter().take(CHUNK_ROWS).take_while(|item| fits(item)).count().max(1);
            let items: Vec<(u64, Item)> = self.items.drain(..count).collect();
            let (known, now) = (known.clone(), service.now());
            let items = Arc::new(items);
            let refused = service.transact(&place.partition, move |rows| put_some(rows, &known, &items, now)).await?;
            self.counts.imported += (count - refused.len()) as u64;
            for (number, text) in refused {
                self.refuse(number, text)?;
            }
        }
        self.bytes = 0;
        Ok(())
    }
}

/// Puts items that fit the table; answers those that do not.
fn put_some(
    rows: &mut dyn store::Transaction,
    known: &Revised,
    items: &[(u64, Item)],
    now: i64,
) -> Result<Refused, store::Abort<Error>> {
    let found = rows::table(rows, &known.table.name, Some(known))?;
    let table = found.filter(|found| found.table.id == known.table.id).ok_or_else(errors::table_missing)?.table;
    let mut refused = Refused::new();
    for (number, item) in items {
        match check::item(&table, item) {
            Ok(key) => {
                let found = write::find(rows, &table, key)?;
                write::replace(rows, &table, &found, Some(item), Origin::Call, now)?;
            }
            Err(fault) => {
                let error: Error = fault.into();
                refused.push((*number, error.message.unwrap_or_default().into_owned()));
            }
        }
    }
    Ok(refused)
}

/// Keeps how an import ended; the table is an ordinary one from then on.
async fn end(service: &DynamoDb, place: &Place, work: &[u8], import: Option<Import>) -> Result<(), Error> {
    let work = work.to_vec();
    let table = import.as_ref().map(|import| import.table.clone());
    service
        .transact(&place.partition, move |rows| {
            rows.delete(&work);
            let Some(import) = &import else { return Ok(()) };
            rows::put(rows, &keys::import(import.number), import)?;
            let found = rows::table(rows, &import.table, None)?.filter(|found| found.table.id == import.table_id);
            let Some(found) = found else { return Ok(()) };
            let mut table = found.table.as_ref().clone();
            table.importing = false;
            rows::put_table(rows, &table)
        })
        .await?;
    if let Some(table) = table {
        service.forget_in(place, &table);
    }
    Ok(())
}
