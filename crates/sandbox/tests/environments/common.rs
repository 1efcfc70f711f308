//! What the tests share: a sandbox in a directory of its own, and functions as small Python programs.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sandbox::{
    Environment, EnvironmentSpec, HeadStart, InitOutcome, InitReport, Invocation, InvokeOutcome, InvokeReport,
    OutputLine, RootSpec, Sandbox, SandboxConfig, SandboxError,
};
use tempfile::TempDir;

/// Longer than anything takes on the slowest machine; only failures wait for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A client of the Runtime API in a few lines. A function's `main.py` follows it.
const CLIENT: &str = r#"
import os, socket, sys
def connect():
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    return socket.create_connection((host, int(port)))
class Runtime:
    def __init__(self):
        self.connection = connect()
    def call(self, method, path, body=b"", headers=()):
        head = [f"{method} /2018-06-01/runtime/{path} HTTP/1.1", "Host: runtime", f"Content-Length: {len(body)}", *headers]
        self.connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        while len(body) < int(headers.get("Content-Length", 0)):
            body += self.receive()
        return int(lines[0].split(" ")[1]), headers, body
    def receive(self):
        data = self.connection.recv(65536)
        if not data:
            raise SystemExit("the runtime API hung up")
        return data
    def next(self):
        status, headers, body = self.call("GET", "invocation/next")
        assert status == 200, (status, body)
        self.id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.headers = headers
        return body
    def respond(self, body):
        return self.call("POST", f"invocation/{self.id}/response", body)
    def serve(self, handler):
        while True:
            event = self.next()
            status, _, answer = self.respond(handler(event))
            assert status == 202, (status, answer)
runtime = Runtime()
"#;

/// A sandbox and the directories of its functions.
pub struct Bench {
    pub sandbox: Sandbox,
    pub directory: TempDir,
}

impl Bench {
    pub async fn start() -> Bench {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut SandboxConfig)) -> Bench {
        let directory = tempfile::Builder::new().prefix("sandbox-test").tempdir().unwrap();
        let mut config = SandboxConfig::new(directory.path().join("state"));
        config.launcher_program = PathBuf::from(env!("CARGO_BIN_EXE_sandbox-host"));
        config.spare_environments = 1;
        change(&mut config);
        Bench { sandbox: Sandbox::start(config).await.unwrap(), directory }
    }

    /// A specification for a Python function.
    pub fn function(&self, name: &str, main: &str) -> EnvironmentSpec {
        write_function(&self.directory.path().join(name), main)
    }

    /// Launches a function and initialises it.
    pub async fn ready(&self, spec: EnvironmentSpec) -> Watched {
        let mut environment = self.launched(spec).await;
        let init = environment.init(PATIENCE).await.unwrap();
        if !matches!(init.outcome, InitOutcome::Ready) {
            panic!("{:?}; output: {:?}", init.outcome, output_of(environment).await);
        }
        environment
    }

    /// Launches a function.
    pub async fn launched(&self, spec: EnvironmentSpec) -> Watched {
        Watched { environment: self.sandbox.launch(spec).await.unwrap(), output: Vec::new() }
    }
}

/// An environment whose output is kept.
pub struct Watched {
    pub environment: Environment,
    pub output: Vec<OutputLine>,
}

impl Watched {
    pub async fn init(&mut self, timeout: Duration) -> Result<InitReport, SandboxError> {
        self.environment.init(timeout, &mut self.output).await
    }

    pub async fn invoke(&mut self, invocation: Invocation) -> Result<InvokeReport, SandboxError> {
        self.environment.invoke(invocation, &mut self.output).await
    }

    pub async fn shutdown(mut self) -> Result<(), SandboxError> {
        self.environment.shutdown(&mut self.output).await
    }

    /// What was printed since this was asked last.
    pub fn printed(&mut self) -> Vec<String> {
        self.environment.drain(&mut self.output);
        texts(&std::mem::take(&mut self.output))
    }
}

impl Deref for Watched {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.environment
    }
}

impl DerefMut for Watched {
    fn deref_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }
}

fn texts(lines: &[OutputLine]) -> Vec<String> {
    lines.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect()
}

/// Writes a function and describes it.
pub fn write_function(code_dir: &Path, main: &str) -> EnvironmentSpec {
    std::fs::create_dir_all(code_dir).unwrap();
    std::fs::write(code_dir.join("main.py"), format!("{CLIENT}\n{main}")).unwrap();
    EnvironmentSpec {
        root: RootSpec::default(),
        command: ["/usr/bin/python3", "-I", "-S", "-E", "/var/task/main.py"].map(String::from).to_vec(),
        working_directory: sandbox::TASK_ROOT.to_owned(),
        code_dir: code_dir.to_owned(),
        layer_dirs: Vec::new(),
        env: vec![("AWS_LAMBDA_RUNTIME_API".into(), "127.0.0.1:9001".into()), ("PATH".into(), "/usr/bin:/bin".into())],
        memory_mb: 256,
        tmp_mb: 512,
        head_start: HeadStart::None,
        extensions: None,
    }
}

pub fn event(request_id: &str, payload: impl Into<Bytes>) -> Invocation {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Invocation {
        request_id: request_id.into(),
        payload: payload.into(),
        timeout: PATIENCE,
        deadline_ms: (now + PATIENCE).as_millis() as i64,
        invoked_function_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
        trace_id: None,
        client_context: None,
        cognito_identity: None,
        stream: None,
    }
}

pub async fn invoke(environment: &mut Watched, payload: &str) -> InvokeReport {
    environment.invoke(event("request-1", payload.to_owned())).await.unwrap()
}

/// The text a function answered.
pub async fn answer(environment: &mut Watched, payload: &str) -> String {
    match invoke(environment, payload).await.outcome {
        InvokeOutcome::Response { payload, .. } => String::from_utf8(payload.to_vec()).unwrap(),
        other => panic!("no response but {other:?}"),
    }
}

/// Everything a function has printed, once it has ended.
pub async fn output_of(watched: Watched) -> Vec<String> {
    let Watched { environment, mut output } = watched;
    environment.shutdown(&mut output).await.unwrap();
    texts(&output)
}

/// Waits until something holds, for as long as [`PATIENCE`].
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The directories, in every cgroup hierarchy, of the sandboxes of one platform process.
pub fn cgroups_of(platform: u32) -> Vec<PathBuf> {
    let below = |directory: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let root = Path::new("/sys/fs/cgroup");
    let owned = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("traca.{platform}.")))
    };
    std::iter::once(root.to_owned()).chain(below(root)).flat_map(|path| below(&path)).filter(owned).collect()
}
