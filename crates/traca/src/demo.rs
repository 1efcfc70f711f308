//! `traca demo`: two functions, deployed and invoked through the public API as any client would.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::assemble::Running;
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::http::Client;
use crate::output::{Output, start_logging};
use crate::up::{self, Signals};

/// A function of the demo.
struct Example {
    name: &'static str,
    runtime: &'static str,
    handler: &'static str,
    file: &'static str,
    source: &'static str,
}

const EXAMPLES: [Example; 2] = [
    Example {
        name: "hello-node",
        runtime: "nodejs22.x",
        handler: "index.handler",
        file: "index.mjs",
        source: include_str!("../../../examples/hello/node/index.mjs"),
    },
    Example {
        name: "hello-python",
        runtime: "python3.12",
        handler: "app.handler",
        file: "app.py",
        source: include_str!("../../../examples/hello/python/app.py"),
    },
];

/// Name of the role that the functions run under.
const ROLE: &str = "traca-demo";

/// Lets Lambda assume it.
const TRUST_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// Lets the functions write their logs.
const LOGGING_POLICY: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

/// How long a function may take to become active.
const ACTIVE_TIMEOUT: Duration = Duration::from_secs(120);

/// How often its state is asked for.
const STATE_INTERVAL: Duration = Duration::from_millis(5);

/// Runs the command.
pub async fn run(args: &DemoArgs) -> Result<(), Failure> {
    start_logging(args.json);
    let started = Instant::now();
    let mut signals = Signals::listen()?;
    let running = Running::start(&args.platform).await?;
    let output = Output::new(args.json);
    up::announce(&running, &args.platform, output);
    let ready = milliseconds(started.elapsed());
    output.result("ready", json!({"milliseconds": ready}), &format!("  ready    after {ready} ms\n"));
    tokio::select! {
        shown = show_all(&running, args, output) => shown?,
        () = signals.next() => {
            running.stop().await;
            return Ok(());
        }
    }
    if args.once {
        running.stop().await;
        return Ok(());
    }
    output.text("The platform stays up; stop it with Ctrl-C.");
    up::stay(running, signals).await
}

async fn show_all(running: &Running, args: &DemoArgs, output: Output) -> Result<(), Failure> {
    let platform = &args.platform;
    let mut client =
        Client::connect(running.address, running.root_key.as_ref(), &platform.account, &platform.region).await?;
    let role = make_role(&mut client, &platform.account).await?;
    for example in &EXAMPLES {
        show(&mut client, example, &role, output).await?;
    }
    Ok(())
}

/// Makes the role that the functions run under, and tells its ARN.
async fn make_role(client: &mut Client, account: &str) -> Result<String, Failure> {
    let trust = utf8_percent_encode(TRUST_POLICY, NON_ALPHANUMERIC);
    let policy = utf8_percent_encode(LOGGING_POLICY, NON_ALPHANUMERIC);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let create = format!("Action=CreateRole&Version=2010-05-08&RoleName={ROLE}&AssumeRolePolicyDocument={trust}");
    match client.rest("iam", "POST", "/", &form, create).await {
        // An earlier demo in the same data directory may have left it.
        Err(failure) if !failure.to_string().contains("EntityAlreadyExists") => return Err(failure),
        Ok(_) | Err(_) => {}
    }
    let attach = format!("Action=AttachRolePolicy&Version=2010-05-08&RoleName={ROLE}&PolicyArn={policy}");
    client.rest("iam", "POST", "/", &form, attach).await?;
    Ok(format!("arn:aws:iam::{account}:role/{ROLE}"))
}

async fn show(client: &mut Client, example: &Example, role: &str, output: Output) -> Result<(), Failure> {
    let started = Instant::now();
    deploy(client, example, role).await?;
    let deployed = milliseconds(started.elapsed());
    let text = format!("{} ({}) deployed in {deployed} ms", example.name, example.runtime);
    output.result("deployed", json!({"function": example.name, "milliseconds": deployed}), &text);
    for (round, name) in [("cold", "Ada"), ("warm", "Grace")] {
        let started = Instant::now();
        let path = format!("/2015-03-31/functions/{}/invocations", example.name);
        let event = json!({ "name": name }).to_string();
        let reply = client.rest("lambda", "POST", &path, &[("x-amz-log-type", "Tail")], event).await?;
        let took = milliseconds(started.elapsed());
        if reply.header("x-amz-function-error").is_some() {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            return Err(Failure::new(Failure::GENERAL, format!("{} failed: {text}", example.name)));
        }
        let log = STANDARD.decode(reply.header("x-amz-log-result").unwrap_or_default()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let text = format!("  {round} invoke in {took} ms: {}\n{}", reply.json(), indent(&log));
        let fields = json!({
            "function": example.name, "round": round, "milliseconds": took, "answer": reply.json(), "log": log,
        });
        output.result("invoked", fields, &text);
    }
    Ok(())
}

/// Creates the function anew and waits until it is active.
async fn deploy(client: &mut Client, example: &Example, role: &str) -> Result<(), Failure> {
    let path = format!("/2015-03-31/functions/{}", example.name);
    // An earlier demo in the same data directory may have left it.
    let _ = client.rest("lambda", "DELETE", &path, &[], "").await;
    let input = json!({
        "FunctionName": example.name,
        "Runtime": example.runtime,
        "Handler": example.handler,
        "Role": role,
        "Code": {"ZipFile": STANDARD.encode(package(example)?)},
    });
    client.rest("lambda", "POST", "/2015-03-31/functions", &[], input.to_string()).await?;
    let deadline = Instant::now() + ACTIVE_TIMEOUT;
    loop {
        let reply = client.rest("lambda", "GET", &format!("{path}/configuration"), &[], "").await?;
        match reply.json()["State"].as_str() {
            Some("Active") => return Ok(()),
            Some("Pending") if Instant::now() < deadline => tokio::time::sleep(STATE_INTERVAL).await,
            _ => return Err(Failure::new(Failure::GENERAL, not_active(example, &reply.json()))),
        }
    }
}

fn not_active(example: &Example, configuration: &Value) -> String {
    let reason = configuration["StateReason"].as_str().unwrap_or("it is still pending");
    format!("{} did not become active: {reason}", example.name)
}

fn package(example: &Example) -> Result<Vec<u8>, Failure> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(example.file, SimpleFileOptions::default())?;
    archive.write_all(example.source.as_bytes())?;
    Ok(archive.finish()?.into_inner())
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Milliseconds with two decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}
