//! Access logs: a line for each request on a bucket that has them, put into another bucket from time to time (S3 User
//! Guide, "Logging requests with server access logging").
//!
//! As at AWS, logs are best effort: lines wait in memory, for [`DELIVERY_DELAY`] at most, and those that nobody may put
//! where they are to go are dropped.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::s3::{LoggingEnabled, PutObject, PutObjectRequest, TargetGrant};
use http::header::{CONTENT_LENGTH, HOST, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, Method};
use percent_encoding::percent_decode_str;
use platform::{OrFailure, Principal, Served, Witness};
use store::{Direction, KeyRange};
use wire::{Body, Error, Timestamp};

use crate::access::LOG_DELIVERY;
use crate::bucket::canonical_id;
use crate::guard::bucket_arn;
use crate::keys;
use crate::limits::SCAN_ROWS;
use crate::names::listed;
use crate::rows;
use crate::service::S3;
use crate::settings::ONLY;

/// How long lines wait for others, so that they share an object.
pub const DELIVERY_DELAY: Duration = Duration::from_secs(60);

/// Most lines that wait, of all buckets; what comes on top of them is dropped. A line has about 500 bytes.
const LINES_MAX: usize = 20_000;

/// Random characters at the end of an object's name.
const NAME_CHARACTERS: usize = 16;

/// The lines that wait.
#[derive(Default)]
pub struct AccessLog(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The buckets that have logs: what the store says, held for every request to ask.
    logged: HashSet<String>,
    lines: HashMap<String, Vec<String>>,
    count: usize,
}

impl AccessLog {
    fn with<R>(&self, work: impl FnOnce(&mut Waiting) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes whether a bucket has logs.
    pub fn set(&self, bucket: &str, is_logged: bool) {
        self.with(|waiting| match is_logged {
            true => waiting.logged.insert(bucket.to_owned()),
            false => waiting.logged.remove(bucket),
        });
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.with(|waiting| *waiting = Waiting::default());
    }

    fn add(&self, bucket: String, line: String) {
        self.with(|waiting| {
            if waiting.count < LINES_MAX {
                waiting.count += 1;
                waiting.lines.entry(bucket).or_default().push(line);
            }
        });
    }

    fn take(&self) -> HashMap<String, Vec<String>> {
        self.with(|waiting| {
            waiting.count = 0;
            std::mem::take(&mut waiting.lines)
        })
    }
}

/// The service's part behind every answer.
pub struct Log(pub Arc<S3>);

impl Witness for Log {
    fn served(&self, served: &Served<'_>) {
        let path = served.path.strip_prefix('/').unwrap_or(&served.path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if !self.0.access_log.with(|waiting| waiting.logged.contains(bucket)) {
            return;
        }
        let now = self.0.platform.clock.now();
        self.0.access_log.add(bucket.to_owned(), line(served, bucket, key, now));
    }
}

/// A line, without its first field: the owner of the bucket, which is known when it is delivered.
fn line(served: &Served<'_>, bucket: &str, key: &str, now: Timestamp) -> String {
    let header = |name: &HeaderName| {
        let value = served.headers.get(name).and_then(|value| value.to_str().ok());
        value.map_or_else(|| "-".to_owned(), |value| value.replace('"', "'"))
    };
    let dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let key = percent_decode_str(key).decode_utf8_lossy();
    let key = if key.is_empty() { "-".to_owned() } else { listed(&key, true) };
    let milliseconds = served.duration.as_millis();
    let is_object = served.operation == "GetObject" || served.operation == "HeadObject";
    let size = match served.operation {
        "PutObject" | "UploadPart" => dash(Some(header(&CONTENT_LENGTH))),
        _ if is_object => dash(served.bytes.map(|bytes| bytes.to_string())),
        _ => "-".to_owned(),
    };
    let mut line = String::new();
    // Writing into a text cannot fail.
    let _ = write!(
        line,
        "{bucket} [{}] {} {} {} {} {key} \"{} {} HTTP/1.1\" {} {} {} {size} {milliseconds} {milliseconds} \"{}\" \"{}\" \
         {} {} {} - {} {} - - -",
        clock(now),
        dash(served.source_ip.map(|address| address.to_string())),
        served.caller.unwrap_or("-"),
        served.request_id,
        operation(served.method, served.query, key != "-"),
        served.method,
        served.target,
        served.status,
        served.error.unwrap_or("-"),
        dash(served.bytes.filter(|bytes| *bytes > 0).map(|bytes| bytes.to_string())),
        header(&REFERER),
        header(&USER_AGENT),
        dash(version_of(served.query)),
        platform::ids::host_id(served.request_id),
        signature(served.headers, served.query).0,
        signature(served.headers, served.query).1,
        header(&HOST),
    );
    line
}

/// The header that gives a permission to those whom the configuration names; a log has no use for `WRITE`.
fn grant_header(grants: &[TargetGrant], permission: &str) -> Option<String> {
    let named = grants.iter().filter(|grant| grant.permission.as_deref() == Some(permission));
    let grantees = named.filter_map(|grant| {
        let grantee = grant.grantee.as_ref()?;
        let id = grantee.id.as_ref().map(|id| format!("id=\"{id}\""));
        id.or_else(|| grantee.uri.as_ref().map(|uri| format!("uri=\"{uri}\"")))
    });
    let all: Vec<String> = grantees.collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// `06/Feb/2019:00:00:38 +0000`.
fn clock(now: Timestamp) -> String {
    let mut text = String::new();
    now.write(wire::schema::TimestampFormat::Rfc822, &mut text);
    // `Wed, 06 Feb 2019 00:00:38 GMT`.
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        [_, day, month, year, time, _] => {
            let time = time.split('.').next().unwrap_or_default();
            format!("{day}/{month}/{year}:{time} +0000")
        }
        _ => "-".to_owned(),
    }
}

fn version_of(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix("versionId=")).map(str::to_owned)
}

/// The version of the signature and how it was sent.
fn signature(headers: &HeaderMap, query: &str) -> (&'static str, &'static str) {
    let authorization = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match authorization {
        Some(value) if value.starts_with("AWS4-") => ("SigV4", "AuthHeader"),
        Some(_) => ("SigV2", "AuthHeader"),
        None if query.contains("X-Amz-Signature=") => ("SigV4", "QueryString"),
        None if query.contains("Signature=") => ("SigV2", "QueryString"),
        None => ("-", "-"),
    }
}

/// `REST.GET.OBJECT` and its like.
fn operation(method: &Method, query: &str, is_object: bool) -> String {
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    const KINDS: [(&str, &str); 17] = [
        ("acl", "ACL"),
        ("cors", "CORS"),
        ("delete", "MULTI_OBJECT_DELETE"),
        ("lifecycle", "LIFECYCLE"),
        ("location", "LOCATION"),
        ("logging", "LOGGING_STATUS"),
        ("notification", "NOTIFICATION"),
        ("object-lock", "OBJECT_LOCK_CONFIGURATION"),
        ("partNumber", "PART"),
        ("policy", "BUCKETPOLICY"),
        ("requestPayment", "REQUEST_PAYMENT"),
        ("tagging", "TAGGING"),
        ("uploadId", "UPLOAD"),
        ("uploads", "UPLOADS"),
        ("versioning", "VERSIONING"),
        ("versions", "BUCKETVERSIONS"),
        ("website", "WEBSITE"),
    ];
    let of_query = KINDS.iter().find(|(name, _)| has(name)).map(|(_, kind)| *kind);
    let kind = match of_query {
        Some("TAGGING") if is_object => "OBJECT_TAGGING",
        Some(kind) => kind,
        None if is_object => "OBJECT",
        None => "BUCKET",
    };
    format!("REST.{method}.{kind}")
}

impl S3 {
    /// Reads which buckets have logs.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn load_logged(&self) -> Result<(), Error> {
        let mut range = KeyRange::all();
        loop {
            let store = &self.platform.store;
            let found = store.scan(&keys::logged_index(), range.clone(), Direction::Forward, SCAN_ROWS).await;
            let found = found.or_failure()?;
            for (key, _) in &found {
                self.access_log.set(&rows::key_part(keys::read_logged(key))?, true);
            }
            match found.last() {
                Some((last, _)) if found.len() == SCAN_ROWS => range = range.after(last),
                _ => return Ok(()),
            }
        }
    }

    /// Delivers lines until the platform stops.
    pub(crate) async fn deliver_logs(self: Arc<Self>) {
        loop {
            self.platform.clock.sleep(DELIVERY_DELAY).await;
            self.flush_logs().await;
        }
    }

    /// Delivers all lines that wait.
    pub(crate) async fn flush_logs(&self) {
        for (bucket, lines) in self.access_log.take() {
            if let Err(error) = self.deliver_lines(&bucket, &lines).await {
                tracing::warn!(bucket, lines = lines.len(), %error, "access logs could not be delivered");
            }
        }
    }

    async fn deliver_lines(&self, name: &str, lines: &[String]) -> Result<(), Error> {
        let Some(bucket) = self.find_bucket(name).await? else { return Ok(()) };
        let Some(logging) = self.setting::<LoggingEnabled>(name, ONLY).await? else { return Ok(()) };
        let owner = canonical_id(&bucket.owner);
        let mut body = String::new();
        for line in lines {
            let _ = writeln!(body, "{owner} {line}");
        }
        let grants = logging.target_grants.as_deref().unwrap_or_default();
        let granted = |permission| grant_header(grants, permission);
        let input = PutObjectRequest {
            grant_full_control: granted("FULL_CONTROL"),
            grant_read: granted("READ"),
            bucket: logging.target_bucket.clone(),
            key: self.log_key(&logging, name, (&bucket.owner, &bucket.region)),
            content_type: Some("text/plain".to_owned()),
            body: Body::from(bytes::Bytes::from(body)),
            ..PutObjectRequest::default()
        };
        let principal = Principal::Service {
            name: LOG_DELIVERY,
            account: bucket.owner.clone(),
            source_arn: Some(bucket_arn(name)),
        };
        self.platform.call_as::<PutObject>(principal, &bucket.owner, &bucket.region, input).await.map(|_| ())
    }

    /// `{prefix}2019-02-06-00-00-38-79D1F5A3…`, below the bucket and the day where that was asked for.
    fn log_key(&self, logging: &LoggingEnabled, bucket: &str, (owner, region): (&str, &str)) -> String {
        let mut now = String::new();
        self.platform.clock.now().write_iso8601_milliseconds(&mut now);
        let stamp: String = now.chars().take(19).map(|sign| if sign.is_ascii_digit() { sign } else { '-' }).collect();
        let unique = self.platform.ids.hex(NAME_CHARACTERS).to_ascii_uppercase();
        let is_partitioned =
            logging.target_object_key_format.as_ref().is_some_and(|format| format.partitioned_prefix.is_some());
        let folder = match (is_partitioned, stamp.get(..10)) {
            (true, Some(day)) => format!("{owner}/{region}/{bucket}/{}/", day.replace('-', "/")),
            _ => String::new(),
        };
        format!("{}{folder}{stamp}-{unique}", logging.target_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of "Amazon S3 server access log format".
    #[test]
    fn fields_are_as_s3_writes_them() {
        assert_eq!(clock(Timestamp { seconds: 1_549_411_238, nanoseconds: 5_000_000 }), "06/Feb/2019:00:00:38 +0000");
        assert_eq!(operation(&Method::GET, "versioning", false), "REST.GET.VERSIONING");
        assert_eq!(operation(&Method::GET, "logging", false), "REST.GET.LOGGING_STATUS");
        assert_eq!(operation(&Method::GET, "policy", false), "REST.GET.BUCKETPOLICY");
        assert_eq!(operation(&Method::PUT, "x-id=PutObject", true), "REST.PUT.OBJECT");
        assert_eq!(operation(&Method::POST, "uploads", true), "REST.POST.UPLOADS");
    }

    #[test]
    fn lines_wait_within_bounds() {
        let log = AccessLog::default();
        for _ in 0..LINES_MAX + 5 {
            log.add("b".to_owned(), "line".to_owned());
        }
        assert_eq!(log.take()["b"].len(), LINES_MAX);
        assert!(log.take().is_empty());
    }
}
