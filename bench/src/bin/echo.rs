//! The native function of the measurements: answers its event, over the Runtime API, with nothing but the standard
//! library.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

fn main() -> std::io::Result<()> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_else(|_| "127.0.0.1:9001".to_owned());
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        writer.write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n\r\n")?;
        let (request_id, event) = read(&mut reader)?;
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nHost: r\r\nContent-Length: {}\r\n\r\n",
            event.len()
        );
        writer.write_all(&[head.as_bytes(), &event].concat())?;
        read(&mut reader)?;
    }
}

/// Reads an answer: the request id it names, if any, and its body.
fn read(reader: &mut impl BufRead) -> std::io::Result<(String, Vec<u8>)> {
    let (mut request_id, mut length) = (String::new(), 0);
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            "lambda-runtime-aws-request-id" => request_id = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((request_id, body))
}
