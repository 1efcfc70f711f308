//! The functions that are measured: each answers its event.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::{Client, Form, Keys};

/// Memory of the measured functions, in MB: the size that comes with one whole virtual CPU.
const MEMORY_MB: u32 = 1_769;

/// How long a function may take to become active. The first that uses an SDK waits until it is installed.
const ACTIVE_TIMEOUT: Duration = Duration::from_secs(600);

/// A function.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    runtime: &'static str,
    handler: &'static str,
    file: &'static str,
    source: Vec<u8>,
}

/// The functions, with the native one's program next to this one.
pub fn all(programs: &Path) -> io::Result<Vec<Function>> {
    Ok(vec![
        Function {
            name: "native",
            runtime: "provided.al2023",
            handler: "bootstrap",
            file: "bootstrap",
            source: fs::read(programs.join("echo"))?,
        },
        Function {
            name: "node",
            runtime: "nodejs20.x",
            handler: "index.handler",
            file: "index.js",
            source: b"exports.handler = async (event) => event;\n".to_vec(),
        },
        Function {
            name: "python",
            runtime: "python3.12",
            handler: "app.handler",
            file: "app.py",
            source: b"def handler(event, context):\n    return event\n".to_vec(),
        },
    ])
}

/// Functions that make a client of the AWS SDK while they are initialised.
pub fn with_sdk() -> Vec<Function> {
    vec![
        Function {
            name: "python-boto3",
            runtime: "python3.12",
            handler: "app.handler",
            file: "app.py",
            source: b"import boto3\ns3 = boto3.client('s3')\ndef handler(event, context):\n    return event\n".to_vec(),
        },
        Function {
            name: "node-sdk",
            runtime: "nodejs20.x",
            handler: "index.handler",
            file: "index.js",
            source: b"const { S3Client } = require('@aws-sdk/client-s3');\nconst s3 = new S3Client({});\n\
                exports.handler = async (event) => event;\n"
                .to_vec(),
        },
    ]
}

/// Functions that take a second, and how many invocations of each to begin at the same time.
pub fn slow() -> Vec<(Function, &'static [usize])> {
    let python = Function {
        name: "python-second",
        runtime: "python3.12",
        handler: "app.handler",
        file: "app.py",
        source: b"import time\ndef handler(event, context):\n    time.sleep(1)\n    return event\n".to_vec(),
    };
    let node = Function {
        name: "node-second",
        runtime: "nodejs20.x",
        handler: "index.handler",
        file: "index.js",
        source: b"exports.handler = (event) => new Promise((done) => setTimeout(() => done(event), 1000));\n".to_vec(),
    };
    vec![(python, &[100, 1_000]), (node, &[100])]
}

impl Function {
    /// A function of Python.
    pub fn python(name: &'static str, source: &[u8]) -> Function {
        let (runtime, handler, file) = ("python3.12", "app.handler", "app.py");
        Function { name, runtime, handler, file, source: source.to_vec() }
    }

    /// Creates the function and waits until it is active.
    pub fn deploy(&self, client: &mut Client, keys: &Keys) -> io::Result<()> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive
            .start_file(self.file, SimpleFileOptions::default().unix_permissions(0o755))
            .map_err(io::Error::other)?;
        archive.write_all(&self.source)?;
        let package = archive.finish().map_err(io::Error::other)?.into_inner();
        let input = json!({
            "FunctionName": self.name, "Runtime": self.runtime, "Handler": self.handler, "MemorySize": MEMORY_MB,
            "Timeout": 30, "Role": "arn:aws:iam::000000000000:role/bench", "Code": {"ZipFile": STANDARD.encode(package)},
        });
        expect(client, keys, "POST", "/2015-03-31/functions", &input.to_string(), 201)?;
        self.until_active(client, keys)
    }

    /// Changes the function, so that its next invocation starts a new environment.
    pub fn change(&self, client: &mut Client, keys: &Keys, round: usize) -> io::Result<()> {
        let path = format!("/2015-03-31/functions/{}/configuration", self.name);
        let input = json!({"Description": format!("round {round}")});
        expect(client, keys, "PUT", &path, &input.to_string(), 200)?;
        self.until_active(client, keys)
    }

    /// Its invocation, signed.
    pub fn invocation(&self, client: &Client, keys: &Keys) -> Vec<u8> {
        let event = json!({"text": "x".repeat(89)}).to_string();
        let path = format!("/2015-03-31/functions/{}/invocations", self.name);
        client.sign(keys, "lambda", "POST", &path, Form::Rest(&event))
    }

    fn until_active(&self, client: &mut Client, keys: &Keys) -> io::Result<()> {
        let path = format!("/2015-03-31/functions/{}/configuration", self.name);
        let request = client.sign(keys, "lambda", "GET", &path, Form::Rest(""));
        let deadline = Instant::now() + ACTIVE_TIMEOUT;
        while Instant::now() < deadline {
            let state = client.send(&request)?.json();
            if state["State"] == "Active" && state["LastUpdateStatus"] == "Successful" {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(io::Error::other(format!("{} did not become active", self.name)))
    }
}

fn expect(client: &mut Client, keys: &Keys, method: &str, path: &str, body: &str, status: u16) -> io::Result<()> {
    let request = client.sign(keys, "lambda", method, path, Form::Rest(body));
    let answer = client.send(&request)?;
    if answer.status == status {
        return Ok(());
    }
    Err(io::Error::other(format!("{method} {path}: {}", String::from_utf8_lossy(&answer.body))))
}
