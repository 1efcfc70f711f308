//! What a function can see and reach: itself, and nothing of the machine or of other functions.

use std::io::{Read, Write};
use std::path::Path;

use crate::common::{Bench, Watched, answer, write_function};
use sandbox::Bind;

/// A function that evaluates its event.
const EVALUATE: &str = r#"
import ctypes, errno, traceback
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else result
def attempt(function, *arguments):
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
def evaluate(event):
    try:
        return repr(eval(event)).encode()
    except Exception:
        return traceback.format_exc().encode()
runtime.serve(evaluate)"#;

async fn evaluator(bench: &Bench) -> Watched {
    let mut spec = bench.function("evaluator", EVALUATE);
    spec.command.retain(|word| word != "-S");
    bench.ready(spec).await
}

async fn check(environment: &mut Watched, cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(&answer(environment, expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn a_function_is_an_ordinary_user_without_any_privilege() {
    let bench = Bench::start().await;
    let mut environment = evaluator(&bench).await;
    let status = |field: &str| format!("[l.split()[1] for l in open('/proc/self/status') if l.startswith('{field}:')]");
    check(
        &mut environment,
        &[
            ("(os.getuid(), os.geteuid(), os.getgid(), os.getgroups())", "(993, 993, 990, [])"),
            ("__import__('pwd').getpwuid(os.getuid()).pw_name", "'sbx_user1051'"),
            (&status("CapEff"), "['0000000000000000']"),
            (&status("CapPrm"), "['0000000000000000']"),
            (&status("CapBnd"), "['0000000000000000']"),
            (&status("NoNewPrivs"), "['1']"),
            (&status("Seccomp"), "['2']"),
            ("os.getcwd()", "'/var/task'"),
            ("socket.gethostname()", "'lambda'"),
        ],
    )
    .await;
}

#[tokio::test]
async fn system_calls_that_lead_out_are_refused() {
    let bench = Bench::start().await;
    let mut environment = evaluator(&bench).await;
    let cases: Vec<(String, &str)> = [
        (format!("call({}, b'none', b'/tmp', b'tmpfs', 0, None)", libc::SYS_mount), "'EPERM'"),
        (format!("call({}, 0x10000000)", libc::SYS_unshare), "'EPERM'"),
        (format!("call({}, 0, 0)", libc::SYS_setns), "'EPERM'"),
        (format!("call({}, 0, 1, 0, 0)", libc::SYS_ptrace), "'EPERM'"),
        (format!("call({}, 0, 0, 0)", libc::SYS_bpf), "'EPERM'"),
        (format!("call({}, 1, 0)", libc::SYS_io_uring_setup), "'EPERM'"),
        (format!("call({}, b'/tmp')", libc::SYS_chroot), "'EPERM'"),
        (format!("call({}, 0x10000000 | 17, 0, 0, 0, 0)", libc::SYS_clone), "'EPERM'"),
        (format!("call({}, 0, 0)", libc::SYS_clone3), "'ENOSYS'"),
        // The same `mount`, by its x32 number.
        (format!("call({}, 0, 0, 0, 0, 0)", 0x4000_0000 + libc::SYS_mount), "'ENOSYS'"),
        (format!("attempt(socket.socket, {})", libc::AF_ALG), "'EPERM'"),
        (format!("attempt(socket.socket, {})", libc::AF_VSOCK), "'EPERM'"),
    ]
    .into();
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(expression, expected)| (expression.as_str(), *expected)).collect();
    check(&mut environment, &cases).await;
    // Threads, processes and ordinary sockets still work.
    check(
        &mut environment,
        &[
            ("__import__('subprocess').run(['/bin/echo', 'hi'], capture_output=True).stdout", "b'hi\\n'"),
            ("[t.start() or t.join() for t in [__import__('threading').Thread(target=print)]]", "[None]"),
            ("socket.socket().close()", "None"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_file_system_is_the_functions_own_and_read_only() {
    let bench = Bench::start().await;
    std::fs::write(bench.directory.path().join("secret"), "host").unwrap();
    let mut environment = evaluator(&bench).await;
    let secret = format!("os.path.exists({:?})", bench.directory.path().join("secret").to_str().unwrap());
    check(
        &mut environment,
        &[
            (
                "sorted(set(os.listdir('/')) - {'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'usr', 'nix', 'gnu'})",
                "['dev', 'etc', 'home', 'opt', 'proc', 'run', 'tmp', 'var']",
            ),
            (&secret, "False"),
            ("os.path.exists('/root') or os.path.exists('/var/lib') or os.path.exists('/sys')", "False"),
            ("attempt(open, '/var/task/new', 'w')", "'EROFS'"),
            ("attempt(open, '/usr/new', 'w')", "'EROFS'"),
            ("attempt(open, '/new', 'w')", "'EROFS'"),
            ("attempt(open, '/etc/passwd', 'a') in ('EACCES', 'EROFS')", "True"),
            ("attempt(os.mkdir, '/opt/new')", "'EROFS'"),
            ("attempt(open, '/proc/sys/kernel/hostname', 'w') in ('EACCES', 'EROFS')", "True"),
            ("open('/dev/null', 'w').write('x')", "1"),
            ("len(open('/dev/urandom', 'rb').read(8))", "8"),
            ("sorted(os.listdir('/dev'))", "['fd', 'full', 'null', 'random', 'stderr', 'stdin', 'stdout', 'urandom', 'zero']"),
            ("sorted(os.listdir('/proc/self/fd'))", "['0', '1', '2', '3', '4']"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_function_sees_no_other_process_and_cannot_touch_its_init() {
    let bench = Bench::start().await;
    let mut other = bench.function("other", "runtime.serve(lambda event: event)");
    other.env.push(("SECRET".into(), "of another".into()));
    let _other = bench.ready(other).await;
    let mut environment = evaluator(&bench).await;
    check(
        &mut environment,
        &[
            ("[p for p in os.listdir('/proc') if p.isdigit()]", "['1', '2']"),
            ("attempt(open, '/proc/1/environ')", "'EACCES'"),
            ("attempt(open, '/proc/1/mem')", "'EACCES'"),
            ("attempt(os.listdir, '/proc/1/fd')", "'EACCES'"),
            ("attempt(os.readlink, '/proc/1/root')", "'EACCES'"),
            ("attempt(os.kill, 1, 9) in (None, 'EPERM')", "True"),
            ("os.getpid()", "2"),
        ],
    )
    .await;
}

#[tokio::test]
async fn another_environments_files_are_out_of_sight() {
    let bench = Bench::start().await;
    let main = "open('/tmp/secret', 'w').write('x')\nruntime.serve(lambda event: event)";
    let _other = bench.ready(bench.function("other", main)).await;
    let mut environment = evaluator(&bench).await;
    check(&mut environment, &[("os.listdir('/tmp')", "[]"), ("os.listdir('/var/task')", "['main.py']")]).await;
    let mountinfo = answer(&mut environment, "open('/proc/self/mountinfo').read()").await;
    assert!(!mountinfo.contains("/other"), "{mountinfo}");
}

#[tokio::test]
async fn the_machines_loopback_and_network_are_out_of_reach() {
    let bench = Bench::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut environment = evaluator(&bench).await;
    let host = format!("attempt(socket.create_connection, ('127.0.0.1', {port}))");
    check(
        &mut environment,
        &[
            (&host, "'ECONNREFUSED'"),
            ("attempt(socket.create_connection, ('192.0.2.1', 80), 5)", "'ENETUNREACH'"),
            ("[name for _, name in socket.if_nameindex()]", "['lo']"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_platforms_endpoint_is_reached_through_the_listener_it_holds() {
    let bench = Bench::start_with(|config| config.endpoint_port = 4599).await;
    let mut environment = evaluator(&bench).await;
    let listener = environment.take_listeners().unwrap().endpoint;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        tokio::task::spawn_blocking(move || {
            let mut said = [0; 5];
            stream.read_exact(&mut said).unwrap();
            stream.write_all(b"world").unwrap();
            said
        })
        .await
        .unwrap()
    });
    let talk = "(lambda c: (c.sendall(b'hello'), c.recv(5))[1])(socket.create_connection(('127.0.0.1', 4599)))";
    check(&mut environment, &[(talk, "b'world'")]).await;
    assert_eq!(&server.await.unwrap(), b"hello");
}

#[tokio::test]
async fn layers_are_merged_the_later_one_on_top_and_binds_are_shown() {
    let bench = Bench::start().await;
    let put = |path: &str, text: &str| {
        let path = bench.directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("one/python/a", "first");
    put("one/b", "first");
    put("two/python/a", "second");
    put("lang/bin/tool", "tool");
    let at = |name: &str| bench.directory.path().join(name);
    let mut spec = bench.function("evaluator", EVALUATE);
    spec.command.retain(|word| word != "-S");
    spec.layer_dirs = vec![at("one"), at("two")];
    spec.root.binds = vec![Bind { host: at("lang"), inside: Path::new("/var/lang").into() }];
    let mut environment = bench.ready(spec.clone()).await;
    check(
        &mut environment,
        &[
            ("open('/opt/python/a').read() + open('/opt/b').read()", "'secondfirst'"),
            ("attempt(open, '/opt/b', 'w')", "'EROFS'"),
            ("open('/var/lang/bin/tool').read()", "'tool'"),
            ("attempt(open, '/var/lang/new', 'w')", "'EROFS'"),
        ],
    )
    .await;
    spec.layer_dirs.truncate(1);
    let mut environment = bench.ready(spec).await;
    check(&mut environment, &[("open('/opt/python/a').read()", "'first'")]).await;
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_given() {
    let bench = Bench::start().await;
    let mut environment = evaluator(&bench).await;
    check(
        &mut environment,
        &[(
            // Not `os.environ`, to which the interpreter adds.
            "open('/proc/self/environ').read()",
            "'AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001\\x00PATH=/usr/bin:/bin\\x00'",
        )],
    )
    .await;
}

#[tokio::test]
async fn an_ordinary_user_gets_the_same_isolation() {
    let directory = tempfile::Builder::new().prefix("sandbox-test").tempdir().unwrap();
    let code = directory.path().join("code");
    let mut spec = write_function(&code, EVALUATE);
    spec.command.retain(|word| word != "-S");
    let script = serde_json::json!({
        "state_dir": directory.path().join("state"),
        "spec": spec,
        "timeout_ms": 60_000,
        "events": [
            "(os.getuid(), os.getpid(), [l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')])",
            "[name for _, name in socket.if_nameindex()]",
            "attempt(open, '/usr/new', 'w')",
            "os.path.exists('/root')",
            "attempt(open, '/proc/1/environ')",
            "call(165, b'none', b'/tmp', b'tmpfs', 0, None)",
            "open('/tmp/x', 'w').write('works')",
        ],
    });
    let path = directory.path().join("script.json");
    std::fs::write(&path, script.to_string()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(directory.path(), mode).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sandbox-host"));
    command.arg("run").arg(&path);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, 65_534);
        std::os::unix::process::CommandExt::gid(&mut command, 65_534);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let played: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(played["capabilities"]["privileged"], false);
    assert!(!played["capabilities"]["missing"].as_array().unwrap().is_empty());
    let expected = ["(993, 2, ['0000000000000000'])", "['lo']", "'EROFS'", "False", "'EACCES'", "'EPERM'", "5"];
    for (outcome, expected) in played["outcomes"].as_array().unwrap().iter().zip(expected) {
        let answered = format!("Response {{ payload: b{expected:?}");
        assert!(outcome.as_str().unwrap().starts_with(&answered), "{outcome} is not {expected}");
    }
    assert!(played["peak_bytes"].as_u64().unwrap() > 1 << 20);
}
