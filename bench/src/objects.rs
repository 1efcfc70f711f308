//! Objects: durable puts and gets of 1 KB by one client and by many, one of 1 GB against what the disk gives, and pages of
//! 1,000 keys of a large bucket.

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::{Client, Form, Keys, together};
use crate::figures::Figures;

/// The bucket that is measured.
const BUCKET: &str = "/measured";

/// Bytes of a small object.
const SMALL_BYTES: usize = 1_000;

/// Small objects that are read and replaced.
const OBJECTS: usize = 10_000;

/// Bytes that are written at once of a large object.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Clients that fill a bucket.
const FILLERS: usize = 64;

/// Pages whose time is taken, spread over the bucket.
const PAGES: usize = 100;

/// A bucket on a platform, or on a peer that speaks the same API.
pub struct Objects {
    address: SocketAddr,
    keys: Keys,
}

/// What a large object took, each way.
pub struct Large {
    /// Putting it, to the answer.
    pub put: Duration,
    /// Getting it, to the last byte.
    pub get: Duration,
}

impl Objects {
    /// Makes the bucket.
    pub fn create(address: SocketAddr, keys: &Keys) -> io::Result<Objects> {
        let mut client = Client::connect(address)?;
        let request = client.sign(keys, "s3", "PUT", BUCKET, Form::Object(b""));
        expect(client.send(&request)?.status)?;
        Ok(Objects { address, keys: keys.clone() })
    }

    /// Puts so many objects at once.
    fn fill(&self, objects: usize, body: &[u8], key: fn(usize) -> String) -> io::Result<()> {
        let next = AtomicUsize::new(0);
        let filled = together(self.address, FILLERS, |client| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= objects {
                    return Ok(Figures::default());
                }
                let path = format!("{BUCKET}/{}", key(number));
                let request = client.sign(&self.keys, "s3", "PUT", &path, Form::Object(body));
                expect(client.send(&request)?.status)?;
            }
        });
        filled.map(|_| ())
    }

    /// Puts the small objects that are replaced and read.
    pub fn fill_small(&self) -> io::Result<()> {
        self.fill(OBJECTS, &[b'x'; SMALL_BYTES], small_key)
    }

    /// Puts of small objects, or gets, by so many clients for a time: how many in a second.
    pub fn small(&self, method: &str, clients: usize, time: Duration) -> io::Result<(f64, Figures)> {
        let next = AtomicUsize::new(0);
        let body = vec![b'x'; SMALL_BYTES];
        let body: &[u8] = if method == "PUT" { &body } else { b"" };
        let signer = Client::connect(self.address)?;
        let signed = |number| {
            let path = format!("{BUCKET}/{}", small_key(number));
            signer.sign(&self.keys, "s3", method, &path, Form::Object(body))
        };
        // Signed before, so that what is measured is the server.
        let requests: Vec<Vec<u8>> = (0..OBJECTS).map(signed).collect();
        let begin = Instant::now();
        let figures = together(self.address, clients, |client| {
            let mut figures = Figures::default();
            while begin.elapsed() < time {
                let number = next.fetch_add(1, Ordering::Relaxed) % OBJECTS;
                let started = Instant::now();
                expect(client.send(&requests[number])?.status)?;
                figures.add(started.elapsed());
            }
            Ok(figures)
        })?;
        Ok((figures.count() as f64 / begin.elapsed().as_secs_f64(), figures))
    }

    /// A large object, put and got once.
    pub fn large(&self, bytes: usize) -> io::Result<Large> {
        let mut client = Client::connect(self.address)?;
        let path = format!("{BUCKET}/large");
        let started = Instant::now();
        let head = client.sign(&self.keys, "s3", "PUT", &path, Form::Stream(bytes));
        expect(client.upload(&head, bytes, &vec![b'y'; CHUNK_BYTES])?.status)?;
        let put = started.elapsed();
        let request = client.sign(&self.keys, "s3", "GET", &path, Form::Object(b""));
        let started = Instant::now();
        match client.drain(&request)? {
            length if length == bytes => Ok(Large { put, get: started.elapsed() }),
            length => Err(io::Error::other(format!("{length} bytes came back of {bytes}"))),
        }
    }

    /// Fills the bucket with so many empty objects, then takes the time of pages from all over it.
    pub fn pages(&self, objects: usize) -> io::Result<Figures> {
        self.fill(objects, b"", listed_key)?;
        let mut client = Client::connect(self.address)?;
        let mut figures = Figures::default();
        for page in 0..PAGES {
            let after = listed_key(objects.saturating_sub(2 * CHUNK_KEYS) / PAGES * page).replace('/', "%2F");
            let path = format!("{BUCKET}?list-type=2&prefix=listed%2F&start-after={after}");
            let request = client.sign(&self.keys, "s3", "GET", &path, Form::Object(b""));
            let started = Instant::now();
            expect(client.send_whole(&request)?)?;
            figures.add(started.elapsed());
        }
        Ok(figures)
    }
}

/// Keys of a page.
const CHUNK_KEYS: usize = 1_000;

fn small_key(number: usize) -> String {
    format!("small/{number:06}")
}

fn listed_key(number: usize) -> String {
    format!("listed/{number:08}")
}

/// What the disk gives: how long so many bytes take to be written to a file and synced.
pub fn disk(directory: &Path, bytes: usize) -> io::Result<Duration> {
    let path = directory.join("disk");
    let chunk = vec![b'z'; CHUNK_BYTES];
    let started = Instant::now();
    let mut file = File::create(&path)?;
    for _ in 0..bytes / CHUNK_BYTES {
        file.write_all(&chunk)?;
    }
    file.sync_all()?;
    let took = started.elapsed();
    std::fs::remove_file(path)?;
    Ok(took)
}

fn expect(status: u16) -> io::Result<()> {
    if status == 200 { Ok(()) } else { Err(io::Error::other(format!("answered with {status}"))) }
}
