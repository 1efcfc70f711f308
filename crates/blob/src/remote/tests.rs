//! Against a server of a few lines that answers as S3 does. A real one is asked in the end-to-end tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::limits::{PART_BYTES, SWEEP_GRACE};
use crate::{BlobError, BlobStore, Digest, RemoteConfig};

/// What the server holds: bodies by path, and the requests that it got.
#[derive(Default)]
struct Held {
    bodies: BTreeMap<String, Vec<u8>>,
    requests: Vec<String>,
}

type Shared = Arc<Mutex<Held>>;

async fn server() -> (String, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let held = Shared::default();
    let shared = held.clone();
    tokio::spawn(async move {
        // Ends with the test's runtime.
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, shared.clone()));
        }
    });
    (address, held)
}

async fn serve(mut stream: TcpStream, held: Shared) -> Option<()> {
    let mut request = Vec::new();
    let end = loop {
        stream.read_buf(&mut request).await.ok().filter(|read| *read > 0)?;
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(|value| value.trim().to_owned()))
    };
    let length = header("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
    while request.len() < end + length {
        stream.read_buf(&mut request).await.ok().filter(|read| *read > 0)?;
    }
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let (status, body) = held.lock().answer(&line, &request[end..], header("range:"));
    let length = if line.starts_with("HEAD") { held.lock().length(&line) } else { body.len() };
    let date = "Date: Thu, 01 Jan 2026 02:00:00 GMT\r\nETag: \"tag\"\r\nConnection: close";
    let head = format!("HTTP/1.1 {status} X\r\n{date}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()
}

impl Held {
    fn length(&self, line: &str) -> usize {
        line.split_once(' ').and_then(|(_, path)| self.bodies.get(path)).map_or(0, Vec::len)
    }

    fn answer(&mut self, line: &str, body: &[u8], range: Option<String>) -> (u16, Vec<u8>) {
        self.requests.push(line.to_owned());
        let (method, target) = line.split_once(' ').expect("a request line");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match (method, query) {
            ("GET", query) if query.starts_with("list-type=2") => {
                let row = |key: &String| {
                    let key = key.trim_start_matches("/bodies/");
                    format!("<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>")
                };
                let listed = self.bodies.keys().filter(|key| key.contains("/objects/")).map(row);
                (200, format!("<L>{}</L>", listed.collect::<String>()).into_bytes())
            }
            ("GET", query) if query.ends_with("uploads=") => {
                let upload = |id, hour| {
                    format!(
                        "<Upload><Key>k</Key><UploadId>{id}</UploadId><Initiated>2026-01-01T{hour}:59:00Z</Initiated></Upload>"
                    )
                };
                (200, format!("<L>{}{}</L>", upload("old", "00"), upload("new", "01")).into_bytes())
            }
            ("POST", "uploads=") => (200, b"<R><UploadId>id+/1</UploadId></R>".to_vec()),
            ("PUT", _) => {
                self.bodies.entry(path.to_owned()).or_default().extend_from_slice(body);
                (200, Vec::new())
            }
            ("POST", _) => (200, b"<R><ETag>x</ETag></R>".to_vec()),
            ("DELETE", "") => (if self.bodies.remove(path).is_some() { 204 } else { 404 }, Vec::new()),
            ("DELETE", _) => (204, Vec::new()),
            ("HEAD", _) => (if self.bodies.contains_key(path) { 200 } else { 404 }, Vec::new()),
            _ => match (self.bodies.get(path), range) {
                (None, _) => (404, Vec::new()),
                (Some(body), None) => (200, body.clone()),
                (Some(body), Some(range)) => {
                    let (first, last) = range.trim_start_matches("bytes=").split_once('-').expect("a range");
                    let (first, last): (usize, usize) = (first.parse().expect("first"), last.parse().expect("last"));
                    (206, body[first..=last].to_vec())
                }
            },
        }
    }
}

fn config(endpoint: &str, installation: &str) -> RemoteConfig {
    RemoteConfig {
        endpoint: endpoint.to_owned(),
        bucket: "bodies".to_owned(),
        prefix: "p".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "id".to_owned(),
        secret: "secret".to_owned(),
        session_token: Some("token".to_owned()),
        installation: installation.to_owned(),
    }
}

#[tokio::test]
async fn blobs_go_to_the_server_and_come_back() {
    let (endpoint, held) = server().await;
    let spool = tempfile::tempdir().expect("a directory");
    let store = BlobStore::open_remote(config(&endpoint, "a"), spool.path().join("s")).await.expect("opens");
    let large: Vec<u8> = (0..PART_BYTES + 5).map(|at| (at * 31 + at / 251) as u8).collect();
    for content in [b"small".to_vec(), large.clone()] {
        let mut writer = store.writer(u64::MAX).await.expect("begun");
        writer.write(&content).await.expect("written");
        let written = writer.finish().await.expect("sent");
        assert_eq!((written.digest, written.length), (Digest::of(&content), content.len() as u64));
        let reader = store.read(&written.digest).await.expect("there");
        assert_eq!(reader.length(), content.len() as u64);
        assert_eq!(reader.range(2, 3).await.expect("inside"), content[2..5]);
        assert!(store.keep(&written.digest).await.expect("answered"));
    }
    let put = store.put("small".into()).await.expect("there already");
    assert_eq!(store.get(&put).await.expect("whole"), "small");
    let puts = held.lock().requests.iter().filter(|line| line.starts_with("PUT /bodies/p/objects/")).count();
    assert_eq!(puts, 3, "one, and two parts; nothing is sent twice");
    assert_eq!(std::fs::read_dir(spool.path().join("s/temporary")).expect("there").count(), 0);
    assert!(matches!(store.get(&Digest::of(b"never")).await, Err(BlobError::NotFound(_))));
    let second = BlobStore::open_remote(config(&endpoint, "b"), spool.path().join("t")).await;
    assert!(matches!(second, Err(BlobError::Remote(text)) if text.contains("another installation")));
}

#[tokio::test]
async fn a_sweep_removes_what_is_old_and_not_wanted() {
    let (endpoint, held) = server().await;
    let spool = tempfile::tempdir().expect("a directory");
    let open = |name: &str| BlobStore::open_remote(config(&endpoint, "a"), spool.path().join(name));
    let before = open("before").await.expect("opens");
    let [live, dead, wanted] = ["live", "dead", "wanted"].map(|text| Digest::of(text.as_bytes()));
    for content in ["live", "dead", "wanted"] {
        before.put(content.into()).await.expect("sent");
    }
    let none = before.sweep(|_| false, SWEEP_GRACE).await.expect("swept");
    assert_eq!(none.blobs, 0, "all were written by this process just now");
    drop(before);
    let after = open("after").await.expect("opens");
    assert!(after.keep(&wanted).await.expect("answered"));
    let none = after.sweep(|_| false, Duration::from_secs(3 * 60 * 60)).await.expect("swept");
    assert_eq!(none.blobs, 0, "the server has had them for two hours");
    let swept = after.sweep(move |digest| *digest == live, SWEEP_GRACE).await.expect("swept");
    assert_eq!(swept.blobs, 1);
    assert!(after.get(&live).await.is_ok() && after.get(&wanted).await.is_ok() && after.get(&dead).await.is_err());
    let abandoned: Vec<_> = held.lock().requests.iter().filter(|line| line.contains("uploadId=")).cloned().collect();
    assert_eq!(abandoned.last().map(String::as_str), Some("DELETE /bodies/k?uploadId=old"));
    assert!(!abandoned.iter().any(|line| line.contains("uploadId=new")));
    after.clear().await.expect("cleared");
    assert!(!held.lock().bodies.keys().any(|key| key.contains("/objects/")));
}
