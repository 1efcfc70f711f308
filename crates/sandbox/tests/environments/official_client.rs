//! AWS's own runtime interface client for Python, as its package registry has it, unmodified.

use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::{Bind, EnvironmentSpec, InvokeOutcome, RootSpec};

use crate::common::{Bench, answer, invoke, output_of};

const APP: &str = r#"
import os
def handler(event, context):
    print("handling", event["name"])
    if event["name"] == "trouble":
        raise ValueError("no trouble please")
    left = context.get_remaining_time_in_millis()
    return {"hello": event["name"], "id": context.aws_request_id, "arn": context.invoked_function_arn, "left": left > 0}
"#;

/// The installed client, or `None` where the package registry cannot be reached.
fn installed() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("awslambdaric");
    if !target.join("awslambdaric").exists() {
        let unfinished = target.with_extension(std::process::id().to_string());
        let installed = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
            .arg(&unfinished)
            .arg("awslambdaric==4.2.2")
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            return None;
        }
        std::fs::rename(unfinished, &target).unwrap();
    }
    Some(target)
}

/// The interpreter's prefix on this machine and its version, e.g. `/root/.pyenv/versions/3.11.7` and `3.11`.
fn interpreter() -> (PathBuf, String) {
    let ask = "import sys; print(sys.base_prefix, '%d.%d' % sys.version_info[:2])";
    let output = Command::new("python3").args(["-c", ask]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (prefix, version) = text.trim().split_once(' ').unwrap();
    (prefix.into(), version.into())
}

#[tokio::test]
async fn awslambdaric_runs_unmodified() {
    let Some(packages) = installed() else { return };
    let bench = Bench::start().await;
    let code_dir = bench.directory.path().join("app");
    std::fs::create_dir_all(&code_dir).unwrap();
    std::fs::write(code_dir.join("app.py"), APP).unwrap();
    let (host, version) = interpreter();
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("PYTHONPATH", "/opt"),
    ];
    let mut environment = bench
        .ready(EnvironmentSpec {
            root: RootSpec { binds: vec![Bind { host, inside: "/var/lang".into() }], ..RootSpec::default() },
            command: vec![
                format!("/var/lang/bin/python{version}"),
                "-m".into(),
                "awslambdaric".into(),
                "app.handler".into(),
            ],
            working_directory: sandbox::TASK_ROOT.to_owned(),
            code_dir,
            layer_dirs: vec![packages],
            env: variables.map(|(name, value)| (name.into(), value.into())).to_vec(),
            memory_mb: 256,
            tmp_mb: 512,
            head_start: sandbox::HeadStart::None,
            extensions: None,
        })
        .await;
    for _ in 0..3 {
        environment.freeze().await.unwrap();
        let answered: serde_json::Value =
            serde_json::from_str(&answer(&mut environment, "{\"name\": \"bob\"}").await).unwrap();
        assert_eq!(
            answered,
            serde_json::json!({
                "hello": "bob", "id": "request-1", "left": true,
                "arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            })
        );
    }
    let report = invoke(&mut environment, "{\"name\": \"trouble\"}").await;
    let InvokeOutcome::FunctionError(error) = report.outcome else { panic!("{report:?}") };
    let document: serde_json::Value = serde_json::from_slice(&error.payload).unwrap();
    assert_eq!(document["errorType"], "ValueError");
    assert_eq!(document["errorMessage"], "no trouble please");
    let lines = output_of(environment).await;
    assert_eq!(lines.iter().filter(|line| *line == "handling bob").count(), 3, "{lines:?}");
}
