//! Traces and loops of functions: whether an invocation is traced, and how often each function of a chain was invoked is told along with the trace header.
//!
//! `Root=1-…;Parent=…;Sampled=0;Lineage=1:a87bd80c:3|68fd508a:2` says that the function with the hash `a87bd80c` was
//! invoked three times before. SDKs inside functions send the header on to queues, topics, buckets and functions.
//! Developer guide, "Use Lambda recursive loop detection to prevent infinite loops".

use platform::Ids;
use sha2::{Digest, Sha256};

use crate::FunctionId;

/// Invocations of a function in one chain before the next one is stopped. The same page: approximately 16.
pub const HOPS_MAX: u32 = 16;

/// Most functions of one chain that are remembered; the oldest is forgotten first. Bounds the header.
const FUNCTIONS_MAX: usize = 32;

/// Longest header that is looked into, in bytes.
const HEADER_BYTES_MAX: usize = 2_048;

/// Marks the part of the header, and its version.
const MARK: &str = "Lineage=1:";

/// The header of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The header to hand on.
    pub header: String,
    /// How often the function was invoked before in this chain.
    pub hops: u32,
}

/// The header for an invocation of a function that was asked for with this one, if any. A function whose tracing is
/// active is traced unless whoever began the trace decided otherwise, and is a segment of its own in it.
pub fn extend(header: Option<&str>, function: &FunctionId, is_traced: bool, seconds: i64, ids: &Ids) -> Trace {
    let header = header.filter(|header| header.len() <= HEADER_BYTES_MAX).unwrap_or_default();
    let mut parts: Vec<&str> = header.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
    let lineage = parts.iter().find_map(|part| part.strip_prefix(MARK)).unwrap_or_default();
    let mut functions: Vec<(&str, u32)> = lineage.split('|').filter_map(read).collect();
    parts.retain(|part| !part.starts_with("Lineage="));
    let own = hash(function);
    let hops = match functions.iter_mut().find(|(name, _)| *name == own) {
        Some((_, count)) => {
            *count = count.saturating_add(1);
            *count
        }
        None => 0,
    };
    if !functions.iter().any(|(name, _)| *name == own) {
        functions.push((&own, 0));
    }
    let oldest = functions.len().saturating_sub(FUNCTIONS_MAX);
    let is_traced = is_traced && !parts.contains(&"Sampled=0");
    let mut text = match parts.iter().find(|part| part.starts_with("Root=")) {
        Some(root) if is_traced => format!("{root};Parent={};Sampled=1", ids.hex(16)),
        Some(_) => parts.join(";"),
        None => {
            format!("Root=1-{seconds:08x}-{};Parent={};Sampled={}", ids.hex(24), ids.hex(16), u8::from(is_traced))
        }
    };
    text.push(';');
    text.push_str(MARK);
    for (place, (name, count)) in functions.iter().skip(oldest).enumerate() {
        let separator = if place == 0 { "" } else { "|" };
        text.push_str(&format!("{separator}{name}:{count}"));
    }
    Trace { header: text, hops }
}

/// The place of a traced invocation in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// `1-` and so on.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub id: String,
}

impl Segment {
    /// What the header of an invocation says, if the invocation is traced.
    pub fn of(header: &str) -> Option<Segment> {
        let part = |name: &str| header.split(';').find_map(|part| part.strip_prefix(name)).map(str::to_owned);
        let is_sampled = part("Sampled=").is_some_and(|sampled| sampled == "1");
        is_sampled.then_some(Segment { trace_id: part("Root=")?, id: part("Parent=")? })
    }
}

/// Of several headers the one in whose chain the function was invoked most often.
pub fn longest<'a>(headers: impl Iterator<Item = &'a str>, function: &FunctionId) -> Option<&'a str> {
    let own = hash(function);
    let hops = |header: &&str| {
        let lineage = header.split(';').find_map(|part| part.trim().strip_prefix(MARK)).unwrap_or_default();
        lineage
            .split('|')
            .filter_map(read)
            .find(|(name, _)| *name == own)
            .map_or(0, |(_, count)| count.saturating_add(1))
    };
    headers.max_by_key(hops)
}

fn read(entry: &str) -> Option<(&str, u32)> {
    let (name, count) = entry.split_once(':')?;
    Some((name, count.parse().ok()?))
}

/// Eight digits that stand for a function.
fn hash(function: &FunctionId) -> String {
    let digest = Sha256::digest(function.arn().as_bytes());
    digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    fn next(header: Option<&str>, name: &str) -> Trace {
        extend(header, &id(name), false, 1_704_067_200, &Ids::seeded(7))
    }

    #[test]
    fn a_function_with_active_tracing_is_a_segment_unless_the_trace_is_not_sampled() {
        let traced = |header: Option<&str>| extend(header, &id("f"), true, 1_704_067_200, &Ids::seeded(7)).header;
        let own = Segment::of(&traced(None)).expect("a trace of its own");
        assert!(own.trace_id.starts_with("1-65920080-") && own.id.len() == 16, "{own:?}");
        let root = "1-5759e988-bd862e3fe1be46a994272793";
        for begun in [format!("Root={root}"), format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1")] {
            let segment = Segment::of(&traced(Some(&begun))).expect("goes on");
            assert_eq!(segment.trace_id, root);
            assert_ne!(segment.id, "53995c3f42cd8ad8");
        }
        assert_eq!(Segment::of(&traced(Some(&format!("Root={root};Sampled=0")))), None);
        assert_eq!(Segment::of(&next(None, "f").header), None);
    }

    #[test]
    fn a_chain_counts_each_of_its_functions() {
        let first = next(None, "f");
        assert!(first.header.starts_with("Root=1-65920080-") && first.hops == 0, "{first:?}");
        let other = next(Some(&first.header), "g");
        assert_eq!(other.hops, 0);
        let mut trace = other;
        for hops in 1..=HOPS_MAX {
            trace = next(Some(&trace.header), "f");
            assert_eq!(trace.hops, hops);
        }
        assert!(trace.header.ends_with(&format!("{}:16|{}:0", hash(&id("f")), hash(&id("g")))));
    }

    #[test]
    fn what_a_client_sent_is_kept_and_nonsense_is_not() {
        let trace = next(Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=x"), "f");
        assert_eq!(
            trace.header,
            format!("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=1:{}:0", hash(&id("f")))
        );
        assert!(next(Some("nonsense"), "f").header.starts_with("Root=1-"));
        let mut header = String::new();
        for number in 0..100 {
            header = next(Some(&header), &format!("f{number}")).header;
        }
        assert!(header.len() < HEADER_BYTES_MAX);
    }
}
