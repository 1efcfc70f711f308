//! Freezing, ending, and that nothing stays behind.

use std::io::BufRead;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Bench, answer, cgroups_of, event, eventually, write_function};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Counts in a thread, so that it goes on when nothing is asked of it.
const COUNTER: &str = r#"
import threading
count = 0
def run():
    global count
    while True:
        count += 1
threading.Thread(target=run, daemon=True).start()
runtime.serve(lambda event: str(count).encode())"#;

#[tokio::test]
async fn a_frozen_environment_does_not_run_and_the_next_event_wakes_it() {
    let bench = Bench::start().await;
    let mut environment = bench.ready(bench.function("f", COUNTER)).await;
    answer(&mut environment, "{}").await;
    environment.freeze().await.unwrap();
    let init = only_child(bench.sandbox.launcher_pid().unwrap());
    let mut last = None;
    eventually("the processes stop", || {
        let now = cpu_ticks(init);
        last.replace(now.clone()) == Some(now)
    })
    .await;
    let before = cpu_ticks(init);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(cpu_ticks(init), before, "no CPU time passes while frozen");
    let first: u64 = answer(&mut environment, "{}").await.parse().unwrap();
    let mut later = first;
    while later == first {
        later = answer(&mut environment, "{}").await.parse().unwrap();
    }
    environment.freeze().await.unwrap();
    environment.freeze().await.unwrap();
    environment.thaw().unwrap();
    environment.freeze().await.unwrap();
    environment.shutdown().await.unwrap();
}

#[tokio::test]
async fn ending_an_environment_ends_every_process_of_it() {
    let bench = Bench::start_with(|config| config.spare_environments = 0).await;
    let main = r#"
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        while True: pass
runtime.serve(lambda event: event)"#;
    let launcher = bench.sandbox.launcher_pid().unwrap();
    let environment = bench.ready(bench.function("f", main)).await;
    assert_eq!(descendants(launcher).len(), 5);
    environment.shutdown().await.unwrap();
    assert!(descendants(launcher).is_empty());

    let environment = bench.ready(bench.function("f", main)).await;
    drop(environment);
    eventually("a dropped environment ends", || descendants(launcher).is_empty()).await;
    bench.sandbox.shutdown().await.unwrap();
    assert!(!alive(launcher));
    let left: Vec<_> = std::fs::read_dir(bench.directory.path().join("state")).unwrap().flatten().collect();
    let names: Vec<_> = left.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("tmp-")), "{names:?}");
}

#[tokio::test]
async fn many_environments_live_at_once_and_answer() {
    let bench = Bench::start().await;
    let spec = bench.function("f", "runtime.serve(lambda event: event)");
    let launches = (0..30).map(|_| bench.launched(spec.clone()));
    let mut environments = Vec::new();
    environments.extend(futures(launches).await);
    for environment in &mut environments {
        environment.init(crate::common::PATIENCE).await.unwrap();
        environment.freeze().await.unwrap();
    }
    for (number, environment) in environments.iter_mut().enumerate() {
        assert_eq!(answer(environment, &number.to_string()).await, number.to_string());
    }
    drop(environments);
    bench.sandbox.shutdown().await.unwrap();
}

/// Runs futures at once on this task and gives their results in order.
async fn futures<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in &mut pending {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if pending.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(pending.iter_mut().filter_map(|(_, output)| output.take()).collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn killing_the_platform_leaves_no_process_and_the_next_start_leaves_no_trace() {
    for frozen_by_kill_of_both in [false, true] {
        let directory = tempfile::Builder::new().prefix("sandbox-test").tempdir().unwrap();
        let state = directory.path().join("state");
        let script = serde_json::json!({
            "state_dir": state,
            "spec": write_function(&directory.path().join("code"), COUNTER),
            "timeout_ms": 60_000,
            "events": [],
        });
        let path = directory.path().join("script.json");
        std::fs::write(&path, script.to_string()).unwrap();
        let mut platform = Command::new(env!("CARGO_BIN_EXE_sandbox-host"))
            .arg("hold")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(platform.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["init"], "Ready");
        let launcher = told["launcher"].as_u64().unwrap() as u32;
        let processes = descendants(launcher);
        assert!(processes.len() >= 2, "{processes:?}");
        platform.kill().unwrap();
        if frozen_by_kill_of_both {
            // One that has ended meanwhile is what was wanted.
            let _ = kill(Pid::from_raw(launcher as i32), Signal::SIGKILL);
        }
        platform.wait().unwrap();
        eventually("every process ends", || !alive(launcher) && !processes.iter().any(|pid| alive(*pid))).await;
        assert_next_start_cleans(&state, platform.id()).await;
    }
}

async fn assert_next_start_cleans(state: &Path, dead: u32) {
    let mut config = sandbox::SandboxConfig::new(state);
    config.launcher_program = env!("CARGO_BIN_EXE_sandbox-host").into();
    let sandbox = sandbox::Sandbox::start(config).await.unwrap();
    let left = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&format!("traca.{dead}."));
    assert!(!std::fs::read_dir(state).unwrap().flatten().any(|entry| left(&entry)));
    assert_eq!(cgroups_of(dead), Vec::<std::path::PathBuf>::new());
    sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_sandboxes_of_one_process_and_directory_do_not_disturb_each_other() {
    let echo = "runtime.serve(lambda event: event)";
    let bench = Bench::start().await;
    let mut environment = bench.ready(bench.function("f", echo)).await;
    let second = Bench::start_with(|config| config.state_dir = bench.directory.path().join("state")).await;
    let mut other = second.ready(second.function("g", echo)).await;
    assert_eq!(answer(&mut other, "1").await, "1");
    other.environment.shutdown(&mut other.output).await.unwrap();
    second.sandbox.shutdown().await.unwrap();
    assert_eq!(answer(&mut environment, "2").await, "2");
}

#[tokio::test]
async fn a_launcher_that_is_killed_takes_its_environments_along_and_is_reported() {
    let bench = Bench::start().await;
    let launcher = bench.sandbox.launcher_pid().unwrap();
    let mut environment = bench.ready(bench.function("f", COUNTER)).await;
    let processes = descendants(launcher);
    kill(Pid::from_raw(launcher as i32), Signal::SIGKILL).unwrap();
    eventually("every process ends", || !processes.iter().any(|pid| alive(*pid))).await;
    let ended = environment.invoke(event("r", "{}")).await;
    assert!(matches!(ended, Err(sandbox::SandboxError::NotTaken)), "{ended:?}");
    let refused = bench.sandbox.launch(bench.function("f", COUNTER)).await;
    assert!(matches!(refused, Err(sandbox::SandboxError::LauncherGone(_))));
}

#[tokio::test]
async fn a_program_that_does_not_forward_to_the_launcher_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = sandbox::SandboxConfig::new(directory.path());
    config.launcher_program = "/bin/true".into();
    let started = sandbox::Sandbox::start(config).await;
    assert!(matches!(started.err(), Some(sandbox::SandboxError::LauncherGone(text)) if text.contains("forward")));
}

fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

fn descendants(pid: u32) -> Vec<u32> {
    children(pid).into_iter().flat_map(|child| std::iter::once(child).chain(descendants(child))).collect()
}

/// The environment with a program in it, among the launcher's children.
fn only_child(launcher: u32) -> u32 {
    let with_program: Vec<u32> = children(launcher).into_iter().filter(|pid| !children(*pid).is_empty()).collect();
    assert_eq!(with_program.len(), 1);
    with_program[0]
}

/// User and system time of a process and its descendants.
fn cpu_ticks(pid: u32) -> Vec<String> {
    let of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        format!("{} {}", fields[11], fields[12])
    };
    std::iter::once(pid).chain(descendants(pid)).map(of).collect()
}

/// Running, and not a zombie that waits to be collected.
fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}
