//! Environments made ahead of need: what they become is what an environment made at once is.

use std::time::Duration;

use sandbox::{Bind, EnvironmentSpec, HeadStart, ParkedProgram, RootSpec, Wanted};

use crate::common::{Bench, answer, event, eventually};

/// Says what it finds, and is told what it becomes if it was started ahead of need.
const PARKABLE: &str = r#"
import json, os, sys
os.environ["SEEN"] = "before"
parked = os.environ.pop("_TRACA_PARKED", None)
if parked:
    os.write(int(parked), b'"Parked"')
    told = json.loads(os.read(int(parked), 131072))
    os.close(int(parked))
    os.environ.clear()
    os.environ.update(told["env"])
    os.chdir("/var/task")
exec(open("/var/task/main.py").read())
"#;

/// Answers what belongs to the environment.
const LOOK: &str = r#"
def look(event):
    found = {
        "task": sorted(os.listdir("/var/task")), "opt": sorted(os.listdir("/opt")), "cwd": os.getcwd(),
        "name": os.environ.get("NAME"), "seen": os.environ.get("SEEN"),
        "descriptors": sorted(os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in os.listdir("/proc/self/fd")
                              if int(fd) > 2 and os.path.exists(f"/proc/self/fd/{fd}")),
        "writable": [path for path in ["/", "/var/task", "/opt", "/tmp"] if os.access(path, os.W_OK)],
        "status": [line for line in open("/proc/self/status") if line.startswith(("Cap", "Seccomp:", "NoNewPrivs"))],
        "uid": os.stat("/tmp").st_uid, "mine": os.getuid(),
        "memory": open("/proc/self/limits").read(),
    }
    import json
    return json.dumps(found, sort_keys=True).encode()
runtime.serve(look)"#;

impl Bench {
    /// A function, and the same with a head start.
    fn parkable(&self, name: &str, program: bool) -> (EnvironmentSpec, EnvironmentSpec) {
        let runtime = self.directory.path().join("runtime");
        std::fs::create_dir_all(&runtime).unwrap();
        std::fs::write(runtime.join("main.py"), PARKABLE).unwrap();
        let mut spec = self.function(name, LOOK);
        spec.root =
            RootSpec { binds: vec![Bind { host: runtime, inside: "/var/runtime".into() }], ..RootSpec::default() };
        spec.command = ["/usr/bin/python3", "-I", "-S", "-E", "/var/runtime/main.py"].map(String::from).to_vec();
        spec.env.push(("NAME".into(), name.into()));
        let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let parked = ParkedProgram { command: spec.command.clone(), env };
        let head_start = if program { HeadStart::Program(parked) } else { HeadStart::FileSystem };
        (spec.clone(), EnvironmentSpec { head_start, ..spec })
    }

    async fn until_ready(&self, spec: &EnvironmentSpec, count: usize) {
        self.sandbox.keep(&[Wanted { shape: spec.shape(), count }]).await.unwrap();
        eventually("they are ready", || self.sandbox.stock().iter().all(|shape| shape.ready == count)).await;
    }
}

#[tokio::test]
async fn one_made_ahead_is_like_one_made_at_once() {
    for program in [false, true] {
        let bench = Bench::start().await;
        let (plain, ahead) = bench.parkable("f", program);
        bench.until_ready(&ahead, 2).await;
        let mut direct = bench.ready(plain).await;
        assert!(!direct.environment.was_made_ahead());
        let expected =
            answer(&mut direct, "{}").await.replace("\"before\"", if program { "null" } else { "\"before\"" });
        for _ in 0..2 {
            let mut parked = bench.ready(ahead.clone()).await;
            assert!(parked.environment.was_made_ahead());
            assert_eq!(answer(&mut parked, "{}").await, expected);
            parked.environment.freeze().await.unwrap();
            assert_eq!(answer(&mut parked, "{}").await, expected);
        }
    }
}

#[tokio::test]
async fn each_is_used_once_and_made_again() {
    let bench = Bench::start().await;
    let (_, first) = bench.parkable("first", true);
    let (_, mut second) = bench.parkable("second", true);
    bench.until_ready(&first, 1).await;
    let mut one = bench.ready(first).await;
    assert!(one.environment.was_made_ahead() && answer(&mut one, "{}").await.contains("\"first\""));
    let layer = bench.directory.path().join("layer");
    std::fs::create_dir(&layer).unwrap();
    std::fs::write(layer.join("from-the-layer"), "x").unwrap();
    second.layer_dirs.push(layer);
    eventually("another is made", || bench.sandbox.stock()[0].ready == 1).await;
    let mut two = bench.ready(second).await;
    let seen = answer(&mut two, "{}").await;
    assert!(
        two.environment.was_made_ahead() && seen.contains("\"second\"") && seen.contains("from-the-layer"),
        "{seen}"
    );
    assert!(answer(&mut one, "{}").await.contains("\"first\""));
    assert!(bench.sandbox.stock()[0].making > Duration::ZERO);
}

#[tokio::test]
async fn what_is_not_wanted_any_more_ends_and_what_differs_starts_afresh() {
    let bench = Bench::start().await;
    let (_, ahead) = bench.parkable("f", true);
    bench.until_ready(&ahead, 3).await;
    let launcher = bench.sandbox.launcher_pid().unwrap();
    let programs = || {
        let children = std::fs::read_to_string(format!("/proc/{launcher}/task/{launcher}/children")).unwrap();
        let with_program = |pid: &&str| {
            let below = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            below.is_ok_and(|below| !below.trim().is_empty())
        };
        children.split_whitespace().filter(with_program).count()
    };
    assert_eq!(programs(), 3);
    let larger = EnvironmentSpec { tmp_mb: 1_024, ..ahead.clone() };
    let environment = bench.ready(larger).await;
    assert!(!environment.environment.was_made_ahead());
    drop(environment);
    bench.sandbox.keep(&[]).await.unwrap();
    eventually("they end", || programs() == 0).await;
    assert!(bench.sandbox.stock().is_empty());
    let environment = bench.ready(ahead).await;
    assert!(!environment.environment.was_made_ahead());
}

#[tokio::test]
async fn a_program_that_cannot_be_parked_is_given_up_and_functions_start_without_it() {
    let bench = Bench::start().await;
    let (_, mut ahead) = bench.parkable("f", true);
    let HeadStart::Program(program) = &mut ahead.head_start else { unreachable!() };
    program.command = vec!["/bin/false".into()];
    bench.sandbox.keep(&[Wanted { shape: ahead.shape(), count: 2 }]).await.unwrap();
    eventually("it is given up", || bench.sandbox.stock()[0].spoilt).await;
    assert_eq!(bench.sandbox.stock()[0].ready, 0);
    let mut environment = bench.ready(ahead).await;
    assert!(!environment.environment.was_made_ahead());
    environment.invoke(event("r", "{}")).await.unwrap();
}
