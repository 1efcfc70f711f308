//! Names, as functions ask for them.

use std::net::SocketAddr;
use std::sync::Arc;

use sandbox::{Network, Outside};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::common::{Bench, answer};

/// Answers expressions.
const EVALUATE: &str = r#"
def found(name):
    try:
        return socket.gethostbyname(name)
    except OSError as error:
        return type(error).__name__, error.errno
runtime.serve(lambda event: repr(eval(event)).encode())
"#;

/// The answer of a server that knows every name: 192.0.2.9. Of long names it says over UDP that TCP has to be asked.
fn answered(question: &[u8], is_stream: bool) -> Vec<u8> {
    let mut answer = question.to_vec();
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    answer.truncate(end);
    (answer[2], answer[3]) = (0x81, 0x80);
    answer[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
    if end > 60 && !is_stream {
        answer[2] |= 2;
        answer[7] = 0;
        return answer;
    }
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 9]);
    answer
}

/// A server of names, over UDP and TCP. Before each answer it sends one to a question that nobody asked.
async fn server() -> SocketAddr {
    let streams = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = streams.local_addr().unwrap();
    let datagrams = UdpSocket::bind(address).await.unwrap();
    tokio::spawn(async move {
        let mut question = [0; 512];
        loop {
            let (length, from) = datagrams.recv_from(&mut question).await.unwrap();
            let answer = answered(&question[..length], false);
            let mut forged = answer.clone();
            forged[1] ^= 1;
            for answer in [forged, answer] {
                datagrams.send_to(&answer, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = streams.accept().await.unwrap();
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let answer = answered(&question, true);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    address
}

async fn bench(nameservers: Option<Vec<SocketAddr>>) -> Bench {
    Bench::start_with(|config| {
        config.network = Network {
            own_domains: vec!["own.test".to_owned()],
            authority: None,
            outside: nameservers
                .map(|nameservers| Outside { may_reach: Arc::new(|_| false), nameservers: Some(nameservers) }),
        };
    })
    .await
}

#[tokio::test]
async fn names_are_the_platforms_own_or_those_of_the_resolvers_outside() {
    let bench = bench(Some(vec![server().await])).await;
    let mut environment = bench.ready(bench.function("names", EVALUATE)).await;
    let long = format!("found('{}.{}.test')", "x".repeat(60), "y".repeat(60));
    for (expression, expected) in [
        ("found('a.own.test')", "'127.0.0.1'"),
        ("found('OWN.test')", "'127.0.0.1'"),
        ("found('example.test')", "'192.0.2.9'"),
        (long.as_str(), "'192.0.2.9'"),
    ] {
        assert_eq!(answer(&mut environment, expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn without_resolvers_a_name_fails_at_once() {
    let closed = bench(None).await;
    let mut environment = closed.ready(closed.function("names", EVALUATE)).await;
    assert_eq!(answer(&mut environment, "found('example.test')").await, "('gaierror', -2)", "no such name");
    // Nobody listens there.
    let silent = bench(Some(vec!["127.0.0.1:1".parse().unwrap()])).await;
    let mut environment = silent.ready(silent.function("names", EVALUATE)).await;
    assert_eq!(answer(&mut environment, "found('example.test')").await, "('gaierror', -3)", "try again");
}
