//! What a function may use, and that taking more harms nobody else.

use std::future::Future;

use crate::common::{Bench, answer, cgroups_of, event, invoke};
use sandbox::{InvokeOutcome, OutputLine, OutputSink, TmpKind, limits};

#[tokio::test]
async fn writing_a_gigabyte_to_tmp_is_no_space_left_and_not_out_of_memory() {
    let bench = Bench::start().await;
    if bench.sandbox.capabilities().tmp != TmpKind::Disk {
        return;
    }
    let main = r#"
held = b"x" * (80 << 20)
def fill(event):
    written = 0
    block = b"x" * (1 << 20)
    try:
        with open("/tmp/large", "wb", buffering=0) as file:
            for _ in range(1024):
                written += file.write(block)
    except OSError as error:
        return f"{error.errno} {written >> 20}".encode()
    finally:
        os.unlink("/tmp/large")
    return b"it fitted"
runtime.serve(fill)"#;
    let mut spec = bench.function("f", main);
    spec.memory_mb = 128;
    let mut environment = bench.ready(spec).await;
    for _ in 0..2 {
        let answered = answer(&mut environment, "{}").await;
        let (errno, written_mb) = answered.split_once(' ').unwrap();
        assert_eq!(errno, libc::ENOSPC.to_string());
        assert!((512..540).contains(&written_mb.parse::<i32>().unwrap()), "{answered}");
    }
    let peak = environment.usage().unwrap().peak_bytes;
    assert!((80 << 20..110 << 20).contains(&peak), "files are not the function's memory: {peak}");
    environment.shutdown().await.unwrap();
    bench.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn tmp_is_of_the_configured_size_private_and_empty() {
    let bench = Bench::start().await;
    let main = r#"
def look(event):
    stat = os.statvfs("/tmp")
    found = os.listdir("/tmp")
    open("/tmp/mine", "w").close()
    return f"{stat.f_bavail * stat.f_frsize >> 20} {found} {oct(os.stat('/tmp').st_mode)}".encode()
runtime.serve(look)"#;
    let mut first = bench.ready(bench.function("f", main)).await;
    let mut large = bench.function("f", main);
    large.tmp_mb = 2048;
    let mut second = bench.ready(large).await;
    for (environment, size) in [(&mut first, 512), (&mut second, 2048)] {
        let answered = answer(environment, "{}").await;
        let (free_mb, rest) = answered.split_once(' ').unwrap();
        assert_eq!(rest, "[] 0o41777");
        assert!((size..=size + size / 20).contains(&free_mb.parse::<i32>().unwrap()), "{answered}");
        assert!(answer(environment, "{}").await.contains("['mine']"), "kept between invocations");
    }
}

#[tokio::test]
async fn a_fork_bomb_stops_at_the_process_limit_and_harms_no_neighbour() {
    let bench = Bench::start().await;
    let mut neighbour = bench.ready(bench.function("neighbour", "runtime.serve(lambda event: event)")).await;
    let main = r#"
import time
def bomb(event):
    children = 0
    while True:
        try:
            if os.fork() == 0:
                time.sleep(1000)
        except OSError as error:
            return f"{error.errno} {children}".encode()
        children += 1
runtime.serve(bomb)"#;
    let mut spec = bench.function("f", main);
    spec.memory_mb = 2048;
    let mut environment = bench.ready(spec).await;
    let answered = answer(&mut environment, "{}").await;
    let (errno, children) = answered.split_once(' ').unwrap();
    assert_eq!(errno, libc::EAGAIN.to_string());
    assert!((900..=limits::PROCESSES_MAX).contains(&children.parse::<u32>().unwrap()), "{answered}");
    assert_eq!(answer(&mut neighbour, "alive").await, "alive");
    environment.shutdown().await.unwrap();
}

#[tokio::test]
async fn descriptors_and_core_files_are_limited() {
    let bench = Bench::start().await;
    let main = r#"
import resource
limits = [resource.getrlimit(name) for name in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE)]
runtime.serve(lambda event: str(limits).encode())"#;
    let mut spec = bench.function("f", main);
    // The module is a compiled one, outside what `-S` finds without the standard paths.
    spec.command.retain(|word| word != "-S");
    let mut environment = bench.ready(spec).await;
    assert_eq!(answer(&mut environment, "{}").await, "[(1024, 1024), (1024, 1024), (0, 0)]");
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_arrive_whole_through_a_slow_reader() {
    let bench = Bench::start().await;
    let main = r#"
def chatter(event):
    line = b"x" * 1023 + b"\n"
    for _ in range(100 * 1024):
        os.write(1, line)
    return b"done"
runtime.serve(chatter)"#;
    let mut environment = bench.ready(bench.function("f", main)).await.environment;
    let mut reader = SlowReader::default();
    let report = environment.invoke(event("request-1", "{}"), &mut reader).await.unwrap();
    assert!(matches!(report.outcome, InvokeOutcome::Response { .. }), "{report:?}");
    environment.drain(&mut reader);
    assert_eq!(reader.lines, 100 * 1024);
}

/// Counts lines, and lets others run before it takes more.
#[derive(Default)]
struct SlowReader {
    lines: u64,
}

impl OutputSink for SlowReader {
    fn print(&mut self, lines: Vec<OutputLine>) {
        assert!(lines.len() <= limits::OUTPUT_READ_BYTES);
        assert!(lines.iter().all(|line| line.text.len() == 1023));
        self.lines += lines.len() as u64;
    }

    fn room(&mut self) -> impl Future<Output = ()> + Send {
        tokio::task::yield_now()
    }
}

/// Has never room for more.
struct FullReader;

impl OutputSink for FullReader {
    fn print(&mut self, _: Vec<OutputLine>) {}

    fn room(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

#[tokio::test]
async fn output_nobody_reads_blocks_the_function_until_its_timeout() {
    let bench = Bench::start().await;
    let main = r#"
def chatter(event):
    for _ in range(10 * 1024):
        os.write(1, b"x" * 1023 + b"\n")
    return b"done"
runtime.serve(chatter)"#;
    let mut kept = bench.ready(bench.function("f", main)).await.environment;
    let mut invocation = event("request-1", "{}");
    invocation.timeout = std::time::Duration::from_millis(500);
    let report = kept.invoke(invocation, &mut FullReader).await.unwrap();
    assert!(matches!(report.outcome, InvokeOutcome::TimedOut), "{report:?}");
}

#[tokio::test]
async fn output_before_the_answer_is_there_when_the_invocation_has_ended() {
    let bench = Bench::start().await;
    let main = r#"
def talk(event):
    os.write(1, b"out " + event + b"\n")
    os.write(2, b"err " + event + b"\nunfinished")
    return event
runtime.serve(talk)"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    for number in 0..50 {
        let text = number.to_string();
        environment.invoke(event(&text, text.clone())).await.unwrap();
        let lines = environment.printed();
        assert_eq!(lines, [format!("out {number}"), format!("err {number}"), "unfinished".to_owned()]);
    }
}

#[tokio::test]
async fn a_small_function_gets_a_small_share_of_cpu_after_its_initialisation() {
    let bench = Bench::start().await;
    if !bench.sandbox.capabilities().cpu_limit {
        return;
    }
    // CPU time used over wall time: the quota bounds it from above however busy the machine is.
    let main = r#"
import time
def work(event):
    wall, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - wall < 1: pass
    return str((time.process_time() - cpu) / (time.monotonic() - wall)).encode()
runtime.serve(work)"#;
    let mut spec = bench.function("f", main);
    spec.memory_mb = 442;
    let mut environment = bench.ready(spec).await;
    let share: f64 = answer(&mut environment, "{}").await.parse().unwrap();
    assert!(share < 0.35, "a quarter of a CPU, not {share}");
}

#[tokio::test]
async fn without_a_quota_a_small_function_may_use_an_idle_processor() {
    let bench = Bench::start_with(|config| config.cpu_quota = false).await;
    if !bench.sandbox.capabilities().cpu_limit {
        return;
    }
    // A quota of 128 MB would stop the function in every period of 20 ms it wants to run through.
    let main = r#"
import time
def work(event):
    start = time.process_time()
    while time.process_time() - start < 0.5: pass
    return open("/proc/self/cgroup").read().encode()
runtime.serve(work)"#;
    let mut spec = bench.function("f", main);
    spec.memory_mb = 128;
    let mut environment = bench.ready(spec).await;
    answer(&mut environment, "{}").await;
    let throttled: Vec<String> = cgroups_of(std::process::id())
        .into_iter()
        .flat_map(std::fs::read_dir)
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cpu.stat")).ok())
        .filter(|stat| stat.contains("nr_throttled"))
        .collect();
    assert!(!throttled.is_empty());
    assert!(throttled.iter().all(|stat| stat.contains("nr_throttled 0")), "{throttled:?}");
}

#[tokio::test]
async fn memory_usage_is_that_of_the_function() {
    let bench = Bench::start().await;
    let main = "hoard = []\nruntime.serve(lambda event: hoard.append(b'x' * (60 << 20)) or b'ok')";
    let mut environment = bench.ready(bench.function("f", main)).await;
    let before = environment.usage().unwrap().peak_bytes;
    assert!((1 << 20..60 << 20).contains(&before), "{before}");
    invoke(&mut environment, "{}").await;
    let after = environment.usage().unwrap().peak_bytes;
    assert!((60 << 20..120 << 20).contains(&after), "{after}");
}
