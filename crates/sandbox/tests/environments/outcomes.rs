//! Every way in which an initialisation or an invocation can end.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::common::{Bench, PATIENCE, answer, event, invoke, output_of};
use sandbox::{InitOutcome, InvokeOutcome, ResponseMode, SandboxError, limits};

const ECHO: &str = "runtime.serve(lambda event: event)";

#[tokio::test]
async fn a_function_answers_again_and_again() {
    let bench = Bench::start().await;
    let mut environment = bench.ready(bench.function("f", ECHO)).await;
    for text in ["one", "two", ""] {
        assert_eq!(answer(&mut environment, text).await, text);
    }
    environment.shutdown().await.unwrap();
    bench.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_event_comes_with_the_headers_of_the_runtime_api() {
    let bench = Bench::start().await;
    let main = "import json\nruntime.serve(lambda event: json.dumps(runtime.headers).encode())";
    let mut environment = bench.ready(bench.function("f", main)).await;
    let mut invocation = event("8476a536-e9f4-11e8-9739-2dfe598c3fcd", "{}");
    invocation.deadline_ms = 1_542_409_706_888;
    invocation.trace_id = Some("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1".into());
    invocation.client_context = Some("{\"custom\":1}".into());
    invocation.cognito_identity = Some("{\"cognitoIdentityId\":\"x\"}".into());
    let report = environment.invoke(invocation).await.unwrap();
    let InvokeOutcome::Response { payload, .. } = report.outcome else { panic!("{report:?}") };
    let headers: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(headers["Lambda-Runtime-Aws-Request-Id"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    assert_eq!(headers["Lambda-Runtime-Deadline-Ms"], "1542409706888");
    assert_eq!(headers["Lambda-Runtime-Invoked-Function-Arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
    assert_eq!(headers["Lambda-Runtime-Trace-Id"], "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1");
    assert_eq!(headers["Lambda-Runtime-Client-Context"], "{\"custom\":1}");
    assert_eq!(headers["Lambda-Runtime-Cognito-Identity"], "{\"cognitoIdentityId\":\"x\"}");
    assert_eq!(headers["Content-Type"], "application/json");
}

#[tokio::test]
async fn a_function_error_is_handed_on_as_reported() {
    let bench = Bench::start().await;
    let main = r#"
runtime.next()
runtime.call("POST", f"invocation/{runtime.id}/error", b'{"errorMessage":"no"}', ["Lambda-Runtime-Function-Error-Type: App.No"])
runtime.serve(lambda event: b"still here")"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    let InvokeOutcome::FunctionError(error) = invoke(&mut environment, "{}").await.outcome else { panic!() };
    assert_eq!(error.payload, "{\"errorMessage\":\"no\"}");
    assert_eq!(error.error_type.as_deref(), Some("App.No"));
    assert_eq!(answer(&mut environment, "{}").await, "still here");
}

#[tokio::test]
async fn a_runtime_that_exits_or_is_killed_says_how() {
    let bench = Bench::start().await;
    for (statement, code, signal) in
        [("os._exit(3)", Some(3), None), ("os.kill(os.getpid(), 9)", None, Some(9)), ("os.abort()", None, Some(6))]
    {
        let main = format!("runtime.next()\nprint('bye', flush=True)\n{statement}");
        let mut environment = bench.ready(bench.function("f", &main)).await;
        let report = invoke(&mut environment, "{}").await;
        let InvokeOutcome::Exited(status) = report.outcome else { panic!("{report:?}") };
        assert_eq!((status.code(), status.signal()), (code, signal));
        let again = environment.invoke(event("again", "{}")).await;
        assert!(matches!(again, Err(sandbox::SandboxError::NotTaken)), "{again:?}");
        assert_eq!(output_of(environment).await, ["bye"]);
    }
}

#[tokio::test]
async fn a_function_that_loops_is_killed_at_its_timeout() {
    let bench = Bench::start().await;
    let main = "runtime.next()\nprint('spinning', flush=True)\nwhile True: pass";
    let mut environment = bench.ready(bench.function("f", main)).await;
    let mut invocation = event("request-1", "{}");
    invocation.timeout = Duration::from_millis(300);
    let report = environment.invoke(invocation).await.unwrap();
    assert!(matches!(report.outcome, InvokeOutcome::TimedOut), "{report:?}");
    assert!(report.duration >= Duration::from_millis(300));
    assert_eq!(output_of(environment).await, ["spinning"]);
}

#[tokio::test]
async fn a_function_without_end_to_its_memory_is_out_of_memory() {
    let bench = Bench::start().await;
    if !bench.sandbox.capabilities().memory_limit {
        return;
    }
    let main = "runtime.next()\nhoard = []\nwhile True: hoard.append(bytearray(1 << 20))";
    let mut spec = bench.function("f", main);
    spec.memory_mb = 128;
    let mut environment = bench.ready(spec).await;
    let report = invoke(&mut environment, "{}").await;
    assert!(matches!(report.outcome, InvokeOutcome::OutOfMemory), "{report:?}");
    let peak = environment.usage().unwrap().peak_bytes;
    assert!((100 << 20..=128 << 20).contains(&peak), "{peak}");
}

#[tokio::test]
async fn memory_without_end_during_initialisation_is_out_of_memory() {
    let bench = Bench::start().await;
    if !bench.sandbox.capabilities().memory_limit {
        return;
    }
    let mut spec = bench.function("f", "hoard = []\nwhile True: hoard.append(bytearray(1 << 20))");
    spec.memory_mb = 128;
    let mut environment = bench.launched(spec).await;
    let init = environment.init(PATIENCE).await.unwrap();
    assert!(matches!(init.outcome, InitOutcome::OutOfMemory), "{init:?}");
}

#[tokio::test]
async fn a_response_of_the_largest_size_passes_and_a_larger_one_does_not() {
    let bench = Bench::start().await;
    let main = r#"
while True:
    size = int(runtime.next())
    status, _, answer = runtime.respond(b"x" * size)
    print(status, answer.decode().strip(), flush=True)"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    let most = limits::RESPONSE_BYTES_MAX;
    assert_eq!(answer(&mut environment, &most.to_string()).await.len(), most);
    let report = invoke(&mut environment, &(most + 1).to_string()).await;
    assert!(matches!(report.outcome, InvokeOutcome::ResponseTooLarge { bytes } if bytes == most as u64 + 1));
    assert_eq!(answer(&mut environment, "1").await, "x", "the environment stays usable");
    let lines = output_of(environment).await;
    assert_eq!(
        lines[1],
        "413 {\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\",\
         \"errorType\":\"RequestEntityTooLarge\"}"
    );
}

#[tokio::test]
async fn a_streamed_response_says_that_it_was() {
    let bench = Bench::start().await;
    let main = r#"
runtime.next()
runtime.connection.sendall(f"POST /2018-06-01/runtime/invocation/{runtime.id}/response HTTP/1.1\r\nHost: r\r\nContent-Type: text/html\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
runtime.connection.sendall(b"3\r\nabc\r\n")
runtime.connection.sendall(b"3\r\ndef\r\n0\r\n\r\n")
runtime.connection.recv(1000)
runtime.next()
status, _, answer = runtime.call("POST", f"invocation/{runtime.id}/response", b"x", ["Lambda-Runtime-Function-Response-Mode: sideways"])
runtime.respond(answer)
runtime.next()"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    let report = invoke(&mut environment, "{}").await;
    let InvokeOutcome::Response { payload, content_type, mode } = report.outcome else { panic!("{report:?}") };
    assert_eq!((payload.as_ref(), mode), (b"abcdef".as_slice(), ResponseMode::Streaming));
    assert_eq!(content_type.as_deref(), Some("text/html"));
    assert!(answer(&mut environment, "{}").await.contains("InvalidFunctionResponseMode"));
}

#[tokio::test]
async fn a_streamed_response_that_is_broken_off_is_a_function_error() {
    let bench = Bench::start().await;
    let main = r#"
runtime.next()
runtime.connection.sendall(f"POST /2018-06-01/runtime/invocation/{runtime.id}/response HTTP/1.1\r\nHost: r\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n".encode())
runtime.connection.sendall(b"3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: App.Broke\r\nLambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJubyJ9\r\n\r\n")
runtime.connection.recv(1000)
runtime.serve(lambda event: event)"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    let report = invoke(&mut environment, "{}").await;
    let InvokeOutcome::FunctionError(error) = report.outcome else { panic!("{report:?}") };
    assert_eq!(error.error_type.as_deref(), Some("App.Broke"));
    assert_eq!(error.payload, "{\"errorMessage\":\"no\"}");
    assert_eq!(answer(&mut environment, "after").await, "after");
}

#[tokio::test]
async fn an_initialisation_error_is_handed_on_as_reported() {
    let bench = Bench::start().await;
    let main = r#"runtime.call("POST", "init/error", b'{"errorType":"Runtime.ImportModuleError"}', ["Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError"])"#;
    let mut environment = bench.launched(bench.function("f", main)).await;
    let InitOutcome::Failed(error) = environment.init(PATIENCE).await.unwrap().outcome else { panic!() };
    assert_eq!(error.error_type.as_deref(), Some("Runtime.ImportModuleError"));
    assert_eq!(error.payload, "{\"errorType\":\"Runtime.ImportModuleError\"}");
    let invoked = environment.invoke(event("request-1", "{}")).await;
    assert!(matches!(invoked, Err(SandboxError::NotReady)), "{invoked:?}");
}

#[tokio::test]
async fn an_initialisation_that_exits_hangs_or_cannot_start_says_so() {
    let bench = Bench::start().await;
    let mut exiting = bench.launched(bench.function("exits", "raise SystemExit(7)")).await;
    let outcome = exiting.init(PATIENCE).await.unwrap().outcome;
    assert!(matches!(outcome, InitOutcome::Exited(status) if status.code() == Some(7)), "{outcome:?}");

    let mut hanging = bench.launched(bench.function("hangs", "while True: pass")).await;
    let outcome = hanging.init(Duration::from_millis(200)).await.unwrap().outcome;
    assert!(matches!(outcome, InitOutcome::TimedOut), "{outcome:?}");
    hanging.shutdown().await.unwrap();

    let mut missing = bench.function("missing", ECHO);
    missing.command = vec!["/var/task/bootstrap".into()];
    for (content, errno) in [(None, libc::ENOENT), (Some("not a program"), libc::ENOEXEC)] {
        if let Some(content) = content {
            let path = missing.code_dir.join("bootstrap");
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let mut environment = bench.launched(missing.clone()).await;
        let outcome = environment.init(PATIENCE).await.unwrap().outcome;
        let InitOutcome::InvalidEntrypoint { path, errno: found } = outcome else { panic!("{outcome:?}") };
        assert_eq!((path.as_str(), found), ("/var/task/bootstrap", errno));
    }
}

#[tokio::test]
async fn what_cannot_be_launched_is_refused_and_leaves_the_sandbox_working() {
    let bench = Bench::start().await;
    let mut small = bench.function("f", ECHO);
    small.memory_mb = 1;
    assert!(matches!(bench.sandbox.launch(small).await, Err(SandboxError::InvalidSpec(_))));
    let mut greedy = bench.function("f", ECHO);
    greedy.env.push(("LARGE".into(), "x".repeat(limits::LAUNCHER_MESSAGE_BYTES_MAX)));
    assert!(matches!(bench.sandbox.launch(greedy).await, Err(SandboxError::InvalidSpec(_))));
    let mut nowhere = bench.function("f", ECHO);
    nowhere.code_dir = "/does/not/exist".into();
    let mut environment = bench.launched(nowhere).await;
    let error = environment.init(PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("/does/not/exist"), "{error}");
    let mut environment = bench.ready(bench.function("f", ECHO)).await;
    assert_eq!(answer(&mut environment, "fine").await, "fine");
}

#[tokio::test]
async fn requests_that_do_not_fit_are_refused_in_awss_words() {
    let bench = Bench::start().await;
    let main = r#"
import json
def refused(path, method="POST"):
    status, _, body = runtime.call(method, path, b"x")
    return [status, json.loads(body)["errorType"] if body[:1] == b"{" else body.decode().strip()]
early = [refused("invocation/none/response"), refused("nothing")]
runtime.next()
first = runtime.id
late = [refused("init/error"), refused("invocation/other/response"), refused("invocation/next", "POST")]
same = runtime.next()
runtime.respond(json.dumps(early + late).encode())
again = [refused(f"invocation/{first}/response")]
print("asked again", flush=True)
runtime.serve(lambda event: json.dumps(again).encode())"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    let report = environment.invoke(event("a", "same event")).await.unwrap();
    let InvokeOutcome::Response { payload, .. } = report.outcome else { panic!("{report:?}") };
    // What the runtime asks for between its answer and its wait for the next event is answered on the way to the freeze.
    environment.environment.freeze().await.unwrap();
    assert_eq!(environment.printed(), ["asked again"]);
    let refusals: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        refusals,
        serde_json::json!([
            [400, "InvalidRequestID"],
            [404, "404 page not found"],
            [403, "InvalidStateTransition"],
            [400, "InvalidRequestID"],
            [405, ""],
        ])
    );
    assert_eq!(answer(&mut environment, "{}").await, "[[403, \"InvalidStateTransition\"]]");
}

#[tokio::test]
async fn garbage_on_the_runtime_api_harms_only_its_own_connection() {
    let bench = Bench::start().await;
    let main = r#"
for garbage in [b"\x00" * 100000, b"GET\r\n\r\n", b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort", b""]:
    other = connect()
    try:
        other.sendall(garbage)
        other.shutdown(socket.SHUT_WR)
        other.recv(1000)
    except OSError:
        pass
runtime.next()
broken = connect()
broken.sendall(f"POST /2018-06-01/runtime/invocation/{runtime.id}/response HTTP/1.1\r\nHost: r\r\nContent-Length: 100\r\n\r\nhalf".encode())
broken.close()
while runtime.respond(b"whole")[0] != 202:
    pass
crowd = [connect() for _ in range(100)]
runtime.serve(lambda event: b"crowded")"#;
    let mut environment = bench.ready(bench.function("f", main)).await;
    assert_eq!(answer(&mut environment, "{}").await, "whole");
    assert_eq!(answer(&mut environment, "{}").await, "crowded");
}

#[tokio::test]
async fn a_closed_connection_is_taken_up_again() {
    let bench = Bench::start().await;
    let main = "runtime.next()\nruntime.connection.close()\nruntime = Runtime()\nruntime.serve(lambda event: event)";
    let mut environment = bench.ready(bench.function("f", main)).await;
    assert_eq!(answer(&mut environment, "same event").await, "same event");
    assert_eq!(answer(&mut environment, "next").await, "next");
}

#[tokio::test]
async fn an_invocation_that_is_given_up_ends_the_environment() {
    let bench = Bench::start().await;
    let mut environment = bench.ready(bench.function("f", "runtime.next()\nwhile True: pass")).await;
    let given_up = tokio::time::timeout(Duration::from_millis(50), environment.invoke(event("r", "{}"))).await;
    assert!(given_up.is_err());
    crate::common::eventually("the environment ends", || environment.has_ended()).await;
}
