//! A function without a runtime of ours: speaks the Runtime API with the standard library alone.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

const VERSION: &str = "2018-06-01";

fn main() {
    let address = env::var("AWS_LAMBDA_RUNTIME_API").expect("the Runtime API's address");
    let mut stream = BufReader::new(TcpStream::connect(&address).expect("the Runtime API"));
    let mut served = 0;
    loop {
        let (id, event) = exchange(&mut stream, "GET", "/runtime/invocation/next", "");
        served += 1;
        println!("event number {served}");
        let handler = env::var("_HANDLER").unwrap_or_default();
        let answer = format!(r#"{{"event":{event},"served":{served},"handler":"{handler}"}}"#);
        exchange(&mut stream, "POST", &format!("/runtime/invocation/{id}/response"), &answer);
    }
}

/// Sends a request and reads the answer's request id and body.
fn exchange(stream: &mut BufReader<TcpStream>, method: &str, path: &str, body: &str) -> (String, String) {
    let request =
        format!("{method} /{VERSION}{path} HTTP/1.1\r\nHost: runtime\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.get_mut().write_all(request.as_bytes()).expect("the request is sent");
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("the answer's head");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => id = value.to_owned(),
            "content-length" => length = value.parse().expect("a length"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the answer's body");
    (id, String::from_utf8(body).expect("UTF-8"))
}
