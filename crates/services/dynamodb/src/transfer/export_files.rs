//! Writing an export to S3: one file at a time, of which each is noted before the next is begun.

use std::io::Write;

use api::s3;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use platform::OrFailure;
use serde_json::{Value as Json, json};
use sha2::Sha256;
use store::{Abort, Direction, Transaction};
use wire::Error;
use wire::schema::TimestampFormat;

use super::export::{DataFile, Export, Window};
use super::{State, call_for_account, put_request};
use crate::background::Place;
use crate::background::fill::chunk;
use crate::backup::Backup;
use crate::encryption::Protected;
use crate::encryption::access::unlock_for_service;
use crate::item::write::item_json;
use crate::limits::{EXPORT_FILE_BYTES, PAGE_ROWS_FIRST};
use crate::service::DynamoDb;
use crate::value::Item;
use crate::{errors, keys, rows, table};

/// Goes on with an export until it has ended, or has to wait for a copy.
///
/// # Errors
/// When the store fails, and `AccessDeniedException` if the table's key cannot be used.
pub async fn run(service: &DynamoDb, place: &Place, work: &[u8], number: u32) -> Result<(), Error> {
    loop {
        let snapshot = service.snapshot(&place.partition).await?;
        let Some(export) = rows::get::<Export>(&snapshot, &keys::export(number)).await? else {
            return end(service, place, work, None).await;
        };
        let Some(sources) = Sources::open(service, place, &snapshot, &export).await? else { return Ok(()) };
        drop(snapshot);
        if export.window.is_some() && !export.noted {
            note_changes(service, place, &export).await?;
            continue;
        }
        match write_file(service, place, &sources, &export).await {
            Ok(true) => {}
            Ok(false) => return finish(service, place, work, export).await,
            Err(Failure::Here(error)) => return Err(error),
            Err(Failure::Bucket(error)) => {
                let state = State::failed(&error);
                let ended = Export { state, ended_at: Some(service.now()), ..export };
                return end(service, place, work, Some(ended)).await;
            }
        }
    }
}

/// What ends an export, or only its present attempt.
enum Failure {
    /// S3 refuses.
    Bucket(Error),
    /// The store fails.
    Here(Error),
}

/// The backups an export reads.
struct Sources {
    after: Backup,
    before: Option<Backup>,
}

impl Sources {
    /// `None` while they are not complete.
    async fn open(
        service: &DynamoDb,
        place: &Place,
        snapshot: &store::Snapshot,
        export: &Export,
    ) -> Result<Option<Sources>, Error> {
        let read = async |number: u32| -> Result<Option<Backup>, Error> {
            let backup: Option<Backup> = rows::get(snapshot, &keys::backup(number)).await?;
            let mut backup = backup.ok_or_else(|| errors::damaged("export"))?;
            backup.table.unlocked = unlock_for_service(service, place, backup.table.encryption.as_ref()).await?;
            Ok(backup.complete.then_some(backup))
        };
        let Some(after) = read(export.backup).await? else { return Ok(None) };
        let before = match &export.window {
            None => None,
            Some(window) => match read(window.before).await? {
                Some(before) => Some(before),
                None => return Ok(None),
            },
        };
        Ok(Some(Sources { after, before }))
    }
}

/// Notes the keys of some items that were changed in the window, and when they last were.
async fn note_changes(service: &DynamoDb, place: &Place, export: &Export) -> Result<(), Error> {
    let Some(window) = export.window.clone() else { return Ok(()) };
    let number = export.number;
    service
        .transact(&place.partition, move |rows| {
            let Some(mut export) = rows::read::<Export>(rows, &keys::export(number))? else { return Ok(()) };
            note_some(rows, &mut export, &window)?;
            rows::put(rows, &keys::export(number), &export)
        })
        .await
}

fn note_some(rows: &mut dyn Transaction, export: &mut Export, window: &Window) -> Result<(), Abort<Error>> {
    let backup: Option<Backup> = rows::read(rows, &keys::backup(export.backup))?;
    let source = backup.ok_or_else(|| errors::damaged("export"))?.table.collection;
    let range = keys::formers_after(source, window.from.saturating_sub(1));
    let chunk = chunk(rows, range, Direction::Forward, export.after.as_deref())?;
    let mut past = false;
    for (key, row) in &chunk.rows {
        let (at, _) = rows::key_part(keys::read_former(key))?;
        if at >= window.to {
            past = true;
            break;
        }
        let (item_key, _) = crate::item::write::read_former(row).ok_or_else(|| errors::damaged("former state"))?;
        rows.put(&keys::item(export.number, &item_key), &at.to_be_bytes());
    }
    export.noted = past || !chunk.more;
    export.after = chunk.rows.last().filter(|_| !export.noted).map(|(last, _)| last.to_vec());
    Ok(())
}

/// Writes the next file; answers whether there was one to write.
async fn write_file(service: &DynamoDb, place: &Place, sources: &Sources, export: &Export) -> Result<bool, Failure> {
    let mut file = File::default();
    let mut after = export.after.clone();
    // Rows of the state itself, or the notes of which items were changed.
    let range = keys::items(export.window.as_ref().map_or(export.backup, |_| export.number));
    while file.bytes < EXPORT_FILE_BYTES {
        let rest = after.as_ref().map_or_else(|| range.clone(), |after| range.clone().after(after));
        let snapshot = service.snapshot(&place.partition).await.map_err(Failure::Here)?;
        let found =
            snapshot.scan(rest, Direction::Forward, PAGE_ROWS_FIRST).await.or_failure().map_err(Failure::Here)?;
        let Some((last, _)) = found.last() else { break };
        after = Some(last.to_vec());
        for (key, row) in &found {
            let line = match &export.window {
                None => sources.after.table.open_item(key, row).map(|item| json!({ "Item": item_json(&item) })),
                Some(window) => sources.change(&snapshot, key, row, window).await,
            };
            file.add(&line.map_err(Failure::Here)?);
        }
    }
    // At least one file is written, if only an empty one.
    if file.items == 0 && !export.files.is_empty() {
        return Ok(false);
    }
    let is_last = file.bytes < EXPORT_FILE_BYTES;
    let written = file.write(service, place, export).await?;
    let (number, key) = (export.number, after);
    let noted = service.transact(&place.partition, move |rows| {
        let Some(mut export) = rows::read::<Export>(rows, &keys::export(number))? else { return Ok(()) };
        export.files.push(written.clone());
        export.after.clone_from(&key);
        rows::put(rows, &keys::export(number), &export)
    });
    noted.await.map_err(Failure::Here)?;
    Ok(!is_last || export.files.is_empty())
}

impl Sources {
    /// What became of an item that was changed.
    async fn change(
        &self,
        snapshot: &store::Snapshot,
        note: &[u8],
        row: &Bytes,
        window: &Window,
    ) -> Result<Json, Error> {
        let at = row.first_chunk::<8>().map(|bytes| i64::from_be_bytes(*bytes)).unwrap_or_default();
        let key = &note[keys::ITEM_PREFIX_BYTES..];
        let read = async |backup: &Backup| -> Result<Option<Item>, Error> {
            let place = keys::item(backup.number, key);
            let row = snapshot.get(&place).await.or_failure()?;
            row.map(|row| backup.table.open_item(&place, &row)).transpose()
        };
        let new = read(&self.after).await?;
        let old = match &self.before {
            Some(before) => read(before).await?,
            None => None,
        };
        let table = &self.after.table;
        let keys = match new.as_ref().or(old.as_ref()) {
            Some(item) => table.key.of_item(item),
            // It came and went within the window.
            None => table.key.decode(key).unwrap_or_default(),
        };
        let mut line = json!({
            "Metadata": { "WriteTimestampMicros": { "N": (i128::from(at) * 1_000).to_string() } },
            "Keys": item_json(&keys),
        });
        if let Some(old) = old.as_ref().filter(|_| window.with_old) {
            line["OldImage"] = item_json(old);
        }
        if let Some(new) = &new {
            line["NewImage"] = item_json(new);
        }
        Ok(line)
    }
}

/// A file being made.
struct File {
    compressed: GzEncoder<Vec<u8>>,
    items: u64,
    bytes: usize,
}

impl Default for File {
    fn default() -> File {
        File { compressed: GzEncoder::new(Vec::new(), Compression::default()), items: 0, bytes: 0 }
    }
}

impl File {
    fn add(&mut self, line: &Json) {
        let mut text = line.to_string();
        text.push('\n');
        self.compressed.write_all(text.as_bytes()).expect("memory can be written to");
        self.items += 1;
        self.bytes += text.len();
    }

    async fn write(self, service: &DynamoDb, place: &Place, export: &Export) -> Result<DataFile, Failure> {
        let body = self.compressed.finish().expect("memory can be written to");
        let md5 = BASE64.encode(Md5::digest(&body));
        // The name of a file follows from its place, so that one written again after a restart is the same.
        let digest = Sha256::digest(format!("{}/{}", export.id, export.files.len()));
        let name: String = digest.iter().take(13).map(|byte| format!("{byte:02x}")).collect();
        let key = export.key(&format!("data/{name}.json.gz"));
        let request = put_request(export, key.clone(), body);
        let answer = call_for_account::<s3::PutObject>(service, place, request).await.map_err(Failure::Bucket)?;
        let etag = answer.etag.unwrap_or_default().trim_matches('"').to_owned();
        Ok(DataFile { key, items: self.items, bytes: self.bytes as u64, md5, etag })
    }
}

/// Writes the manifests.
async fn finish(service: &DynamoDb, place: &Place, work: &[u8], export: Export) -> Result<(), Error> {
    let now = service.now();
    let files: String = export
        .files
        .iter()
        .map(|file| {
            let line = json!({
                "itemCount": file.items, "md5Checksum": file.md5, "etag": file.etag, "dataFileS3Key": file.key,
            });
            format!("{line}\n")
        })
        .collect();
    let summary = summary(&export, now).to_string();
    let mut state = State::Completed;
    for (name, body) in [("manifest-files", files), ("manifest-summary", summary)] {
        let sum = BASE64.encode(Md5::digest(&body));
        for (name, body) in [(format!("{name}.json"), body), (format!("{name}.checksum"), sum)] {
            let request = put_request(&export, export.key(&name), body.into_bytes());
            if let Err(error) = call_for_account::<s3::PutObject>(service, place, request).await {
                state = State::failed(&error);
            }
        }
    }
    end(service, place, work, Some(Export { state, ended_at: Some(now), ..export })).await
}

fn summary(export: &Export, now: i64) -> Json {
    let time = |milliseconds: i64| {
        let mut text = String::new();
        wire::Timestamp::from_milliseconds(milliseconds).write(TimestampFormat::Iso8601, &mut text);
        let seconds = text.get(..19).unwrap_or(&text);
        format!("{seconds}.{:03}Z", milliseconds.rem_euclid(1_000))
    };
    let mut summary = json!({
        "version": "2020-06-30",
        "exportArn": export.arn(),
        "startTime": time(export.started_at),
        "endTime": time(now),
        "tableArn": export.table_arn,
        "tableId": export.table_id,
        "exportTime": time(export.time),
        "s3Bucket": export.bucket,
        "s3Prefix": export.prefix,
        "s3SseAlgorithm": export.sse,
        "s3SseKmsKeyId": export.kms_key,
        "manifestFilesS3Key": export.key("manifest-files.json"),
        "billedSizeBytes": export.bytes(),
        "itemCount": export.items(),
        "outputFormat": "DYNAMODB_JSON",
    });
    if let (Some(window), Some(members)) = (&export.window, summary.as_object_mut()) {
        members.remove("exportTime");
        members.insert("version".to_owned(), json!("2023-08-01"));
        members.insert("exportFromTime".to_owned(), json!(time(window.from)));
        members.insert("exportToTime".to_owned(), json!(time(window.to)));
        members.insert("outputView".to_owned(), json!(window.view()));
        members.insert("exportType".to_owned(), json!(export.kind()));
    }
    summary
}

/// Keeps how an export ended, and removes what it needed.
async fn end(service: &DynamoDb, place: &Place, work: &[u8], export: Option<Export>) -> Result<(), Error> {
    let work = work.to_vec();
    service
        .transact(&place.partition, move |rows| {
            rows.delete(&work);
            let Some(export) = &export else { return Ok(()) };
            let before = export.window.as_ref().map(|window| window.before);
            for number in [Some(export.backup), before].into_iter().flatten() {
                rows.delete(&keys::backup(number));
                table::remove::doom(rows, number);
            }
            table::remove::doom(rows, export.number);
            rows::put(rows, &keys::export(export.number), export)
        })
        .await?;
    service.work_soon();
    Ok(())
}
