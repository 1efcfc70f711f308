//! Every bound of the gateway, with its unit and where it comes from.

use std::time::Duration;

use wire::schema::{OperationDef, ServiceDef};

/// Connections open at once. Each holds one file descriptor and some 20 KiB; functions need descriptors, too.
pub const CONNECTIONS_MAX: usize = 4_096;

/// Longest head of a request in bytes. AWS's own front ends refuse heads beyond some 10 to 16 KB; a session token
/// (4 KiB), a client context (3,583 bytes) and S3 metadata (2 KB) fit with ample room.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Most header fields of a request.
pub const HEADERS_MAX: usize = 128;

/// Most requests at work on one HTTP/2 connection; further ones wait.
pub const STREAMS_MAX: u32 = 250;

/// How long a client may take to send a head, and how long a connection may lie idle.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may take to begin: the TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may pause within a body (S3 answers `RequestTimeout` after some 20 seconds).
pub const BODY_PAUSE_MAX: Duration = Duration::from_secs(20);

/// Interval of HTTP/2 pings to a silent client, and how long its answer may take.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How much of a refused body is read and dropped in bytes, so that the connection can be used again and the client,
/// which is still sending, sees the answer.
pub const DRAIN_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How long that may take.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// Memory for all bodies that are being collected, in bytes.
pub const BODY_MEMORY_MAX: u64 = 1024 * 1024 * 1024;

/// Granularity of that memory in bytes.
pub const BODY_MEMORY_UNIT: u64 = 1024;

/// How long a request waits for a share of it before it is told to come again.
pub const BODY_MEMORY_WAIT: Duration = Duration::from_secs(5);

/// Bodies up to this size are hashed and read by the thread that received them, in bytes: a fraction of a millisecond of
/// work. For larger ones it makes way for the other requests it serves.
pub const INLINE_BODY_BYTES_MAX: usize = 256 * 1024;

/// Largest body of a data-plane request in bytes: API Gateway takes 10 MB, a function's URL 6 MB.
pub const DATA_PLANE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Pause after the system refused to accept a connection (out of descriptors).
pub const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Largest body of an operation that the table does not name, in bytes. Above the largest documented request of every
/// such operation: a CloudFormation template (1 MB through S3, 51,200 bytes here), a state machine (1 MB).
pub const BODY_BYTES_DEFAULT: u64 = 1024 * 1024;

/// Larger (or smaller) bodies, in bytes, by service and, if given, operation; the first line that fits counts.
const BODY_BYTES: &[(&str, Option<&str>, u64)] = &[
    // 50 MB of zip in base 64: AWS answers "Request must be smaller than 69905067 bytes for the … operation".
    ("lambda", Some("CreateFunction"), 69_905_067),
    ("lambda", Some("UpdateFunctionCode"), 69_905_067),
    ("lambda", Some("PublishLayerVersion"), 69_905_067),
    // Payload quota of synchronous invocations: 6 MB.
    ("lambda", Some("Invoke"), 6_291_456),
    ("lambda", Some("InvokeAsync"), 6_291_456),
    ("lambda", Some("InvokeWithResponseStream"), 6_291_456),
    // BatchWriteItem and transactions: 16 MB, also the most any request may have.
    ("dynamodb", None, 16 * 1024 * 1024),
    // PutRecords takes 10 MiB of records, which base 64 makes a third larger.
    ("kinesis", None, 16 * 1024 * 1024),
    // 1 MiB of messages, each character of which JSON or a form may spell with six bytes.
    ("sqs", None, 8 * 1024 * 1024),
    // 1 MiB of events, likewise.
    ("logs", Some("PutLogEvents"), 8 * 1024 * 1024),
    // One put of 5 GiB, the largest that S3 takes.
    ("s3", Some("PutObject"), 5 * 1024 * 1024 * 1024),
    ("s3", Some("UploadPart"), 5 * 1024 * 1024 * 1024),
    // Lists of 10,000 parts or 1,000 keys of 1,024 bytes in XML.
    ("s3", None, 4 * 1024 * 1024),
    // API definitions: 6 MB.
    ("apigateway", None, 6 * 1024 * 1024),
    ("apigatewayv2", None, 6 * 1024 * 1024),
];

/// Largest body of an operation in bytes, as received.
pub fn body_bytes(service: &ServiceDef, operation: &OperationDef) -> u64 {
    let fits = |id: &str, name: Option<&str>| id == service.id && name.is_none_or(|name| name == operation.name);
    let line = BODY_BYTES.iter().find(|(id, name, _)| fits(id, *name));
    line.map_or(BODY_BYTES_DEFAULT, |(_, _, bytes)| *bytes)
}

/// Largest form that is read before its operation is known, in bytes: the largest of all query services (SQS).
pub const FORM_BYTES_MAX: u64 = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_names_something_that_exists() {
        for (id, name, _) in BODY_BYTES {
            let service = api::service(id).unwrap_or_else(|| panic!("no service {id}"));
            if let Some(name) = name {
                assert!(service.operation(name).is_some(), "{id} has no operation {name}");
            }
        }
    }
}
