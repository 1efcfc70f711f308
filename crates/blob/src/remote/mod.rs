//! Blobs in a bucket of any server that speaks S3's API.
//!
//! | Key, behind the prefix | What |
//! |---|---|
//! | `objects/ab/cd/abcd…` | a blob, named by its digest |
//! | `installation` | whose blobs they are: one installation's alone, since each removes what it does not name itself |
//!
//! A blob is collected in a file of the spool until its digest is known, and is there for others once the server has
//! said that it keeps it. Blobs that were wanted again lately are noted here rather than there: who sweeps is who wants.

mod listing;
mod request;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::digest::Digest;
use crate::directory::{Directory, TemporaryFile};
use crate::error::BlobError;
use crate::limits::{KEPT_MAX, PART_BYTES, SWEEP_GRACE, TRANSFERS_MAX};
use crate::store::{Swept, blocking};
use listing::{Listed, Page};

/// Where the blobs are, and who asks for them.
#[derive(Clone)]
pub struct RemoteConfig {
    /// `https://host` or `http://host:port`, without a slash at its end.
    pub endpoint: String,
    /// The bucket, which must exist.
    pub bucket: String,
    /// What all keys begin with; may be empty. Letters, digits and `-._/`, without a slash at either end.
    pub prefix: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret: String,
    /// Session token of temporary credentials.
    pub session_token: Option<String>,
    /// Tells this installation from all others: hexadecimal.
    pub installation: String,
}

/// A bucket of blobs.
pub(crate) struct Remote {
    config: RemoteConfig,
    spool: Arc<Directory>,
    kept: Mutex<Kept>,
    /// One permit for each part that is in memory.
    transfers: Semaphore,
}

/// The blobs that were written or wanted again within the grace period.
#[derive(Default)]
struct Kept {
    blobs: HashMap<Digest, Instant>,
    /// There were too many to note: until then nothing is swept.
    all_until: Option<Instant>,
}

impl Kept {
    fn note(&mut self, digest: Digest) {
        if self.blobs.len() >= KEPT_MAX {
            self.blobs.clear();
            self.all_until = Instant::now().checked_add(SWEEP_GRACE);
        }
        self.blobs.insert(digest, Instant::now());
    }

    /// Whether a blob may not be removed, given the age that others must have.
    fn holds(&self, digest: &Digest, older_than: Duration) -> bool {
        let is_new = self.blobs.get(digest).is_some_and(|noted| noted.elapsed() < older_than);
        is_new || self.all_until.is_some_and(|until| Instant::now() < until && !older_than.is_zero())
    }
}

impl Remote {
    /// The blobs of a bucket, if it can be reached and holds nobody else's. `spool` holds content until it was sent.
    pub(crate) async fn open(config: RemoteConfig, spool: Directory) -> Result<Remote, BlobError> {
        let remote =
            Remote { config, spool: Arc::new(spool), kept: Mutex::default(), transfers: Semaphore::new(TRANSFERS_MAX) };
        let own = remote.config.installation.clone();
        let key = remote.key("installation");
        let answer = remote.request(Method::GET, &key, "", Vec::new(), Bytes::new(), PART_BYTES).await?;
        match answer.status {
            200 if answer.body == own.as_bytes() => Ok(remote),
            200 => Err(BlobError::Remote("the prefix holds the blobs of another installation".to_owned())),
            404 => {
                remote.put(&key, own.into()).await?;
                Ok(remote)
            }
            _ => Err(request::refusal("read", &answer)),
        }
    }

    fn key(&self, name: &str) -> String {
        if self.config.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.config.prefix) }
    }

    fn blob_key(&self, digest: &Digest) -> String {
        let name = digest.to_string();
        self.key(&format!("objects/{}/{}/{name}", &name[..2], &name[2..4]))
    }

    /// A file to collect content in.
    pub(crate) fn spool(&self) -> &Arc<Directory> {
        &self.spool
    }

    /// Keeps content under its digest, unless it is there already.
    pub(crate) async fn put_blob(&self, digest: &Digest, content: Bytes) -> Result<(), BlobError> {
        if self.length(digest).await? == Some(content.len() as u64) {
            self.kept.lock().note(*digest);
            return Ok(());
        }
        let _memory = self.permit().await?;
        self.put(&self.blob_key(digest), content).await?;
        self.kept.lock().note(*digest);
        Ok(())
    }

    /// Keeps what a file of the spool holds.
    pub(crate) async fn publish(&self, file: TemporaryFile, digest: &Digest, length: u64) -> Result<(), BlobError> {
        let key = self.blob_key(digest);
        let file = Arc::new(file);
        if length <= PART_BYTES as u64 {
            let _memory = self.permit().await?;
            let content = part(&file, 0, length).await?;
            self.put(&key, content).await?;
        } else {
            self.put_in_parts(&key, &file, length).await?;
        }
        self.kept.lock().note(*digest);
        Ok(())
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, BlobError> {
        self.transfers.acquire().await.map_err(|_| BlobError::Interrupted)
    }

    async fn put(&self, key: &str, content: Bytes) -> Result<(), BlobError> {
        let answer = self.request(Method::PUT, key, "", Vec::new(), content, PART_BYTES).await?;
        if answer.status == StatusCode::OK.as_u16() { Ok(()) } else { Err(request::refusal("write", &answer)) }
    }

    async fn put_in_parts(&self, key: &str, file: &Arc<TemporaryFile>, length: u64) -> Result<(), BlobError> {
        let begun = self.request(Method::POST, key, "uploads=", Vec::new(), Bytes::new(), PART_BYTES).await?;
        let upload = listing::element(&begun.body, "UploadId").filter(|_| begun.status == 200);
        let upload = request::encoded(&upload.ok_or_else(|| request::refusal("write", &begun))?);
        let sent = self.send_parts(key, &upload, file, length).await;
        if sent.is_err() {
            // What cannot be given up now is given up by a sweep.
            let query = format!("uploadId={upload}");
            let _ = self.request(Method::DELETE, key, &query, Vec::new(), Bytes::new(), PART_BYTES).await;
        }
        sent
    }

    async fn send_parts(
        &self,
        key: &str,
        upload: &str,
        file: &Arc<TemporaryFile>,
        length: u64,
    ) -> Result<(), BlobError> {
        let mut list = String::from("<CompleteMultipartUpload>");
        let (mut at, mut number) = (0, 0);
        while at < length {
            let _memory = self.permit().await?;
            number += 1;
            let content = part(file, at, (length - at).min(PART_BYTES as u64)).await?;
            at += content.len() as u64;
            let query = format!("partNumber={number}&uploadId={upload}");
            let answer = self.request(Method::PUT, key, &query, Vec::new(), content, PART_BYTES).await?;
            let etag = answer.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
            let etag = etag.filter(|_| answer.status == 200).ok_or_else(|| request::refusal("write", &answer))?;
            let etag = etag.trim_matches('"');
            list.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag></Part>"));
        }
        list.push_str("</CompleteMultipartUpload>");
        let query = format!("uploadId={upload}");
        let answer = self.request(Method::POST, key, &query, Vec::new(), list.into(), PART_BYTES).await?;
        // A completion that fails late answers 200 and an error in its document.
        let is_complete = answer.status == 200 && listing::element(&answer.body, "ETag").is_some();
        if is_complete { Ok(()) } else { Err(request::refusal("write", &answer)) }
    }

    /// Bytes of a blob, if it is there.
    pub(crate) async fn length(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        let key = self.blob_key(digest);
        let answer = self.request(Method::HEAD, &key, "", Vec::new(), Bytes::new(), PART_BYTES).await?;
        let length = answer.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        match (answer.status, length) {
            (200, Some(length)) => Ok(Some(length)),
            (404, _) => Ok(None),
            _ => Err(request::refusal("read", &answer)),
        }
    }

    /// Whether the blob is there; if so, it is as safe from sweeping as one just written.
    pub(crate) async fn keep(&self, digest: &Digest) -> Result<bool, BlobError> {
        // Noted first: a sweep that begins now passes over it.
        self.kept.lock().note(*digest);
        Ok(self.length(digest).await?.is_some())
    }

    /// A part of a blob.
    pub(crate) async fn read(&self, digest: &Digest, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let key = self.blob_key(digest);
        let range = HeaderValue::from_str(&format!("bytes={offset}-{}", offset + length - 1));
        let headers = vec![(header::RANGE, range.unwrap_or_else(|_| HeaderValue::from_static("bytes=0-0")))];
        let answer = self.request(Method::GET, &key, "", headers, Bytes::new(), length as usize).await?;
        match answer.status {
            206 | 200 if answer.body.len() as u64 == length => Ok(answer.body),
            404 => Err(BlobError::NotFound(*digest)),
            _ => Err(request::refusal("read", &answer)),
        }
    }

    /// Removes the blobs that are not `live` and were last written more than `older_than` ago, and uploads that ended
    /// in the middle.
    pub(crate) async fn sweep(
        &self,
        live: impl Fn(&Digest) -> bool + Send,
        older_than: Duration,
    ) -> Result<Swept, BlobError> {
        let mut swept = Swept::default();
        let mut after = None;
        loop {
            let page = self.page(after.as_deref()).await?;
            let dead = page.listed.iter().filter(|listed| {
                let digest = listed.key.rsplit('/').next().and_then(|name| name.parse().ok());
                let is_dead = |digest: Digest| !live(&digest) && !self.kept.lock().holds(&digest, older_than);
                digest.is_some_and(is_dead) && page.age(listed) >= older_than
            });
            for listed in dead.cloned().collect::<Vec<Listed>>() {
                self.remove(&listed.key, "").await?;
                swept.blobs += 1;
                swept.bytes += listed.size;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.kept.lock().blobs.retain(|_, noted| noted.elapsed() < SWEEP_GRACE);
        self.abandon(older_than).await?;
        Ok(swept)
    }

    /// Removes all blobs.
    pub(crate) async fn clear(&self) -> Result<(), BlobError> {
        // What is removed is not listed again, so the first page is always the next one.
        loop {
            let page = self.page(None).await?;
            if page.listed.is_empty() {
                return Ok(());
            }
            for listed in &page.listed {
                self.remove(&listed.key, "").await?;
            }
        }
    }

    async fn remove(&self, key: &str, query: &str) -> Result<(), BlobError> {
        let answer = self.request(Method::DELETE, key, query, Vec::new(), Bytes::new(), PART_BYTES).await?;
        if matches!(answer.status, 200 | 204 | 404) { Ok(()) } else { Err(request::refusal("remove", &answer)) }
    }

    /// A page of the blobs, from behind a token on.
    async fn page(&self, after: Option<&str>) -> Result<Page, BlobError> {
        let after = after.map(|token| format!("&continuation-token={}", request::encoded(token))).unwrap_or_default();
        let query = format!("list-type=2&prefix={}{after}", request::encoded(&self.key("objects/")));
        let answer = self.request(Method::GET, "", &query, Vec::new(), Bytes::new(), PART_BYTES).await?;
        if answer.status != 200 {
            return Err(request::refusal("list", &answer));
        }
        Page::read(&answer)
    }

    /// Gives up uploads that whoever began them will not complete any more.
    async fn abandon(&self, older_than: Duration) -> Result<(), BlobError> {
        let query = format!("prefix={}&uploads=", request::encoded(&self.key("objects/")));
        let answer = self.request(Method::GET, "", &query, Vec::new(), Bytes::new(), PART_BYTES).await?;
        if answer.status != 200 {
            return Err(request::refusal("list", &answer));
        }
        // What is on further pages is found by the next sweep.
        let page = Page::read(&answer)?;
        for upload in page.listed.iter().filter(|upload| page.age(upload) >= older_than) {
            if let Some(id) = &upload.upload {
                self.remove(&upload.key, &format!("uploadId={}", request::encoded(id))).await?;
            }
        }
        Ok(())
    }
}

/// A part of a file of the spool.
async fn part(file: &Arc<TemporaryFile>, offset: u64, length: u64) -> Result<Bytes, BlobError> {
    let file = Arc::clone(file);
    blocking(move || file.read(offset, length as usize)).await
}
