//! A client that costs as little as possible: blocking, one connection, requests signed once and sent many times.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use serde_json::Value;
use wire::sigv4::{Dialect, Signer};

use crate::figures::Figures;

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// With whose keys requests are signed.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret: String,
    /// Session token; empty for none.
    pub token: String,
}

/// A connection to the platform.
pub struct Client {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
    /// Whether the other side ends the connection behind its last answer.
    ended: bool,
}

/// An answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Head, in lower case.
    pub head: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = Client::open(address)?;
        Ok(Client { stream, address, buffer: Vec::with_capacity(64 * 1024), ended: false })
    }

    fn open(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(stream)
    }

    /// A signed request as it goes over the wire.
    pub fn sign(&self, keys: &Keys, service: &str, method: &str, path: &str, form: Form<'_>) -> Vec<u8> {
        let (dialect, content_type, body) = match form {
            Form::Json { body, .. } => (Dialect::Json, "application/x-amz-json-1.0", body.as_bytes()),
            Form::Rest(body) => (Dialect::RestJson, "application/json", body.as_bytes()),
            Form::Query(body) => (Dialect::Query, "application/x-www-form-urlencoded", body.as_bytes()),
            Form::Object(body) => (Dialect::S3, "application/octet-stream", body),
            Form::Stream(_) => (Dialect::S3, "application/octet-stream", &b""[..]),
        };
        let length = if let Form::Stream(length) = form { length } else { body.len() };
        let mut request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        request = request.header("content-type", content_type);
        if let Form::Json { target, .. } = form {
            request = request.header("x-amz-target", target);
        }
        if !keys.token.is_empty() {
            request = request.header("x-amz-security-token", &keys.token);
        }
        let (mut parts, ()) = request.body(()).expect("the bench's own requests are well formed").into_parts();
        let signer = Signer { access_key: &keys.access_key, secret: &keys.secret, region: "us-east-1", service };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        signer.sign(&mut parts, dialect, body, now as i64);
        if let Form::Stream(_) = form {
            // Only keys that nobody checks sign this.
            parts.headers.insert("x-amz-content-sha256", http::HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        }
        let mut wire = format!("{method} {path} HTTP/1.1\r\nContent-Length: {length}\r\n").into_bytes();
        for (name, value) in &parts.headers {
            wire.extend_from_slice(name.as_str().as_bytes());
            wire.extend_from_slice(b": ");
            wire.extend_from_slice(value.as_bytes());
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(body);
        wire
    }

    /// Sends a head and so many bytes behind it, and reads the answer.
    pub fn upload(&mut self, head: &[u8], bytes: usize, chunk: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(head)?;
        let mut left = bytes;
        while left > 0 {
            let length = left.min(chunk.len());
            self.stream.write_all(&chunk[..length])?;
            left -= length;
        }
        self.send(b"")
    }

    /// Sends a request whose answer's body is only counted.
    pub fn drain(&mut self, request: &[u8]) -> io::Result<usize> {
        let (head, head_end) = self.exchange(request)?;
        let length = length_of(&head).ok_or(io::ErrorKind::InvalidData)?;
        let mut count = self.buffer.len() - head_end;
        let mut chunk = vec![0; 1024 * 1024];
        while count < length {
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => count += read,
            }
        }
        Ok(count)
    }

    /// Sends a request whose answer may come in chunks, and reads it to its end; answers the status.
    pub fn send_whole(&mut self, request: &[u8]) -> io::Result<u16> {
        let answer = self.send(request)?;
        if answer.head.contains("transfer-encoding: chunked") {
            while !self.buffer.ends_with(b"0\r\n\r\n") {
                self.fill()?;
            }
        }
        Ok(answer.status)
    }

    /// Sends a request and reads the head of its answer, in small letters; answers where in the buffer the body begins.
    fn exchange(&mut self, request: &[u8]) -> io::Result<(String, usize)> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.fill()?;
        };
        Ok((String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase(), end))
    }

    /// Sends a request and reads its answer.
    pub fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        if self.ended {
            self.stream = Client::open(self.address)?;
        }
        let (head, head_end) = self.exchange(request)?;
        let length = length_of(&head).unwrap_or_default();
        while self.buffer.len() < head_end + length {
            self.fill()?;
        }
        self.ended = head.contains("\r\nconnection: close");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Ok(Answer { status, head, body: self.buffer[head_end..head_end + length].to_vec() })
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.buffer.extend_from_slice(&chunk[..length]);
                Ok(())
            }
        }
    }
}

/// The body of a request, by how its service is spoken to.
pub enum Form<'a> {
    /// REST with JSON.
    Rest(&'a str),
    /// JSON, with the operation's name in a header.
    Json {
        /// The service's own prefix and the operation.
        target: &'a str,
        /// The document.
        body: &'a str,
    },
    /// A query string.
    Query(&'a str),
    /// An object of S3.
    Object(&'a [u8]),
    /// As many bytes of an object of S3, sent behind the head and not hashed.
    Stream(usize),
}

/// Lets clients of a server work at the same time.
pub fn together(
    address: SocketAddr,
    clients: usize,
    work: impl Fn(&mut Client) -> io::Result<Figures> + Sync,
) -> io::Result<Figures> {
    let outcomes: Vec<io::Result<Figures>> = thread::scope(|scope| {
        let one = || work(&mut Client::connect(address)?);
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        let lost = || Err(io::Error::other("a client panicked"));
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| lost())).collect()
    });
    let mut all = Figures::default();
    for outcome in outcomes {
        all.append(outcome?);
    }
    Ok(all)
}

/// The length of the body that a head announces.
fn length_of(head: &str) -> Option<usize> {
    head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
