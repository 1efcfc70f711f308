//! A platform with one function, for tests and for trying a machine out: reads a script, prints what happened.
//!
//! `sandbox-host run SCRIPT.json` initialises the function, gives it the script's events and prints one JSON document.
//! `sandbox-host hold SCRIPT.json` initialises it, prints the launcher's process id, and stays until it is killed.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sandbox::{Environment, EnvironmentSpec, Invocation, OutputLine, Sandbox, SandboxConfig};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Script {
    state_dir: PathBuf,
    spec: EnvironmentSpec,
    events: Vec<String>,
    timeout_ms: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    sandbox::launcher::run_if_requested();
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, path] = arguments.as_slice() else { return Err("usage: sandbox-host run|hold SCRIPT.json".into()) };
    let script: Script = serde_json::from_slice(&std::fs::read(path)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = runtime.block_on(play(script, mode == "hold"))?.to_string();
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(())
}

async fn play(script: Script, hold: bool) -> Result<Value, Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(SandboxConfig::new(&script.state_dir)).await?;
    let mut environment = sandbox.launch(script.spec).await?;
    let timeout = Duration::from_millis(script.timeout_ms);
    let mut output = Vec::new();
    let init = environment.init(timeout, &mut output).await?;
    if hold {
        let line = json!({ "launcher": sandbox.launcher_pid(), "init": format!("{:?}", init.outcome) });
        std::io::Write::write_all(&mut std::io::stdout(), format!("{line}\n").as_bytes())?;
        std::future::pending::<()>().await;
    }
    let mut outcomes = Vec::new();
    for (number, event) in script.events.into_iter().enumerate() {
        environment.freeze().await?;
        outcomes.push(invoke(&mut environment, &mut output, number, event, timeout).await?);
    }
    let usage = environment.usage()?;
    environment.shutdown(&mut output).await?;
    let lines: Vec<String> = output.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect();
    let capabilities = serde_json::to_value(sandbox.capabilities())?;
    sandbox.shutdown().await?;
    Ok(json!({
        "capabilities": capabilities,
        "init": format!("{:?}", init.outcome),
        "outcomes": outcomes,
        "lines": lines,
        "peak_bytes": usage.peak_bytes,
    }))
}

async fn invoke(
    environment: &mut Environment,
    output: &mut Vec<OutputLine>,
    number: usize,
    event: String,
    timeout: Duration,
) -> Result<String, Box<dyn std::error::Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let invocation = Invocation {
        request_id: format!("request-{number}"),
        payload: event.into(),
        timeout,
        deadline_ms: i64::try_from((now + timeout).as_millis())?,
        invoked_function_arn: "function".into(),
        trace_id: None,
        client_context: None,
        cognito_identity: None,
        stream: None,
    };
    Ok(format!("{:?}", environment.invoke(invocation, output).await?.outcome))
}
