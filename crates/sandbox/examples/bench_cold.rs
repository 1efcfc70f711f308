//! Measures cold and warm invocations of a native bootstrap (this program itself, inside the environment).
//!
//! `cargo run --release -p traca-sandbox --example bench_cold [cold runs] [warm runs]`

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sandbox::{Bind, EnvironmentSpec, HeadStart, Invocation, RootSpec, Sandbox, SandboxConfig};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    sandbox::launcher::run_if_requested();
    if let Ok(address) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
        return serve(&address);
    }
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let cold_runs = arguments.next().transpose()?.unwrap_or(100);
    let warm_runs = arguments.next().transpose()?.unwrap_or(5_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(measure(cold_runs, warm_runs)).await? })
}

async fn measure(cold_runs: usize, warm_runs: usize) -> Result<(), Failure> {
    let directory = std::env::temp_dir().join(format!("bench-cold-{}", std::process::id()));
    let code_dir = directory.join("code");
    std::fs::create_dir_all(&code_dir)?;
    std::fs::copy(std::env::current_exe()?, code_dir.join("bootstrap"))?;
    let start = Instant::now();
    let sandbox = Sandbox::start(SandboxConfig::new(directory.join("state"))).await?;
    report("start of the sandbox", vec![start.elapsed()])?;
    let spec = EnvironmentSpec {
        root: RootSpec { binds: Vec::<Bind>::new(), ..RootSpec::default() },
        command: vec!["/var/task/bootstrap".into()],
        working_directory: sandbox::TASK_ROOT.to_owned(),
        code_dir,
        layer_dirs: Vec::new(),
        env: vec![("AWS_LAMBDA_RUNTIME_API".into(), "127.0.0.1:9001".into())],
        memory_mb: 1769,
        tmp_mb: 512,
        head_start: HeadStart::None,
        extensions: None,
    };
    let (mut cold, mut warm, mut thawed) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..cold_runs {
        // Time for the launcher to make its spare environments again, as there is between real cold starts.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        let mut environment = sandbox.launch(spec.clone()).await?;
        let mut output = Vec::new();
        environment.init(Duration::from_secs(10), &mut output).await?;
        environment.invoke(event(), &mut output).await?;
        cold.push(start.elapsed());
        if run == 0 {
            for _ in 0..warm_runs {
                let start = Instant::now();
                environment.invoke(event(), &mut output).await?;
                warm.push(start.elapsed());
            }
            for _ in 0..warm_runs / 10 {
                environment.freeze().await?;
                let start = Instant::now();
                environment.invoke(event(), &mut output).await?;
                thawed.push(start.elapsed());
            }
        }
        environment.shutdown(&mut output).await?;
    }
    report("cold: launch to first answer", cold)?;
    report("warm: one invocation", warm)?;
    report("warm, thawed for it", thawed)?;
    sandbox.shutdown().await?;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}

fn event() -> Invocation {
    Invocation {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into(),
        payload: "{\"name\":\"bob\"}".into(),
        timeout: Duration::from_secs(3),
        deadline_ms: 0,
        invoked_function_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
        trace_id: None,
        client_context: None,
        cognito_identity: None,
        stream: None,
    }
}

fn report(name: &str, mut times: Vec<Duration>) -> Result<(), Failure> {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e6;
    writeln!(
        std::io::stdout(),
        "{name:30} min {:9.1} us   p50 {:9.1} us   p99 {:9.1} us   n={}",
        at(0),
        at(50),
        at(99),
        times.len()
    )?;
    Ok(())
}

/// The function: echoes every event.
fn serve(address: &str) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    loop {
        stream.write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n\r\n")?;
        let (head, body) = message(&mut stream)?;
        let id = head.lines().find_map(|line| line.strip_prefix("Lambda-Runtime-Aws-Request-Id: ")).unwrap_or_default();
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: r\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), &body].concat())?;
        message(&mut stream)?;
    }
}

/// One HTTP message: head and body.
fn message(stream: &mut TcpStream) -> Result<(String, Vec<u8>), Failure> {
    let mut data = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err("the runtime API hung up".into());
        }
        data.extend_from_slice(&buffer[..count]);
        let Some(end) = data.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&data[..end]).into_owned();
        let length =
            head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap_or("0").parse::<usize>()?;
        if data.len() >= end + 4 + length {
            return Ok((head, data[end + 4..].to_vec()));
        }
    }
}
