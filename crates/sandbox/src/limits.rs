//! Every bound this crate enforces, with its unit and where it comes from.

use std::time::Duration;

/// Largest response a function may give, in bytes: 6 MiB and 100 bytes, the figure AWS names in its error message.
pub const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;
/// Largest error document accepted from a runtime, in bytes. AWS cuts what it shows; we refuse to hold more than a response.
pub const ERROR_BODY_BYTES_MAX: usize = RESPONSE_BYTES_MAX;
/// Smallest and largest memory size of a function, in MB (AWS: 128 to 10,240).
pub const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;
/// Smallest and largest ephemeral storage of a function, in MB (AWS: 512 to 10,240).
pub const TMP_MB: std::ops::RangeInclusive<u32> = 512..=10_240;
/// Memory that buys one whole virtual CPU, in MB (AWS's documentation).
pub const MEMORY_MB_PER_CPU: u32 = 1_769;
/// Most virtual CPUs a function can have (AWS: 6, at 10,240 MB).
pub const CPUS_MAX: u32 = 6;
/// Processes and threads a function may have (AWS's documented quota).
pub const PROCESSES_MAX: u32 = 1_024;
/// Open file descriptors of a function (AWS's documented quota).
pub const FILES_MAX: u64 = 1_024;
/// Largest streamed answer, in bytes (AWS: 200 MB).
pub const STREAM_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Bytes of a streamed answer that go out as fast as they come (AWS: the first 6 MB).
pub const STREAM_UNPACED_BYTES: u64 = 6 * 1024 * 1024;
/// Bytes a second of a streamed answer beyond those (AWS: 2 MB/s).
pub const STREAM_BYTES_PER_SECOND: u64 = 2 * 1024 * 1024;
/// Layers an environment may have (AWS: 5).
pub const LAYERS_MAX: usize = 5;
/// Longest output line kept whole, in bytes; longer ones are cut in pieces (CloudWatch Logs: 256 KiB per event).
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Bytes read from a function's output at once.
pub const OUTPUT_READ_BYTES: usize = 64 * 1024;
/// Connections to the Runtime API that one environment may hold open. A runtime uses one.
pub const RUNTIME_API_CONNECTIONS_MAX: usize = 64;
/// Largest head of a Runtime API request, in bytes. The X-Ray cause header may carry 1 MB on AWS; we accept 64 KiB.
pub const RUNTIME_API_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Environments created ahead of need, at most.
pub const SPARE_ENVIRONMENTS_MAX: usize = 64;
/// Distinct root file systems the launcher keeps assembled; the least recently used is let go beyond it.
pub const TEMPLATES_MAX: usize = 16;
/// Largest message to or from the launcher, in bytes; an environment's variables (AWS: 4 KB) are the bulk of it.
pub const LAUNCHER_MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Launches that the launcher is asked for at the same time: what it makes at once, and as many waiting. Others wait here,
/// in the order they came, and the time for an answer does not run for them.
pub const LAUNCHES_MAX: usize = 32;
/// How long the launcher may take to answer. It does some milliseconds of work per request.
pub const LAUNCHER_ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a killed environment may take to disappear before [`crate::Environment::shutdown`] reports it.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections to hosts outside that one environment may have: as many as descriptors ([`FILES_MAX`]).
pub const CONNECTIONS_OUTSIDE_MAX: usize = 1_024;
/// Hosts outside that one environment may await answers of, of those it sends datagrams to.
pub const DATAGRAM_PEERS_MAX: usize = 256;
/// Connections and datagram sockets to hosts outside that all environments together may have: descriptors of this process.
pub const FLOWS_MAX: usize = 4_096;
/// Extensions that an environment may have (AWS: 10).
pub const EXTENSIONS_MAX: usize = 10;
/// How long an environment with extensions of their own processes may take to end (AWS: 2,000 ms).
pub const SHUTDOWN_WITH_EXTERNAL: Duration = Duration::from_millis(2_000);
/// The same, with extensions inside the runtime's process only (AWS: 500 ms).
pub const SHUTDOWN_WITH_INTERNAL: Duration = Duration::from_millis(500);
/// Part of [`SHUTDOWN_WITH_EXTERNAL`] that the runtime has, in percent, before the extensions are told.
pub const SHUTDOWN_RUNTIME_PERCENT: u32 = 30;
/// Largest body of a request to the Extensions API, in bytes. Registrations are some hundred.
pub const EXTENSION_BODY_BYTES_MAX: usize = 64 * 1024;
/// Port of the Runtime API inside every environment, on 127.0.0.1 (as in AWS's own environments).
pub const RUNTIME_API_PORT: u16 = 9_001;
