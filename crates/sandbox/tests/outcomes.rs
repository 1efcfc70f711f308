//! Every way in which an initialisation or an invocation can end.

mod common;

use std::time::Duration;

use common::{Bench, PATIENCE, answer, event, invoke, output_of};
use sandbox::{InitOutcome, InvokeOutcome, ResponseMode, limits};

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
