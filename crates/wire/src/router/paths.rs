//! The paths of a REST service, as a tree of segments.

use std::borrow::Cow;

use http::request::Parts;

use crate::schema::{OperationDef, QueryKey, Segment, ServiceDef};
use crate::sigv4::encoding::{decode_query_text, percent_decode, query_pairs};

/// The paths of all operations of a service.
#[derive(Debug)]
pub(super) struct PathIndex {
    root: Node,
}

/// A place in the tree: where some segments have been read.
#[derive(Debug, Default)]
struct Node {
    /// Where fixed segments lead.
    literals: Vec<(&'static str, Node)>,
    /// Where any one segment leads.
    label: Option<Box<Node>>,
    /// Operations that take one or more segments here, perhaps followed by fixed ones.
    greedy: ByMethod,
    /// Operations whose path ends here.
    operations: ByMethod,
}

/// Operations of one place, by method.
type ByMethod = Vec<(&'static str, Vec<&'static OperationDef>)>;

fn insert(by_method: &mut ByMethod, operation: &'static OperationDef) {
    let method = operation.http.method;
    match by_method.iter_mut().find(|(known, _)| *known == method) {
        Some((_, operations)) => operations.push(operation),
        None => by_method.push((method, vec![operation])),
    }
}

/// What a look-up found.
pub(super) enum Found {
    /// The operation.
    Operation(&'static OperationDef),
    /// The path, but under other methods or query keys.
    OtherMethod,
    /// No such path.
    Nothing,
}

impl PathIndex {
    pub(super) fn new(service: &'static ServiceDef) -> PathIndex {
        let mut root = Node::default();
        for operation in service.operations {
            root.insert(operation, operation.http.segments);
        }
        PathIndex { root }
    }

    /// Finds the operation for a raw path. Fixed segments win over labels, labels over greedy ones.
    pub(super) fn find(&self, path: &str, parts: &Parts) -> Found {
        let mut search = Search { parts, query: None, path_exists: false };
        let rest = path.strip_prefix('/').unwrap_or(path);
        match self.root.find(rest, &mut search) {
            Some(operation) => Found::Operation(operation),
            None if search.path_exists => Found::OtherMethod,
            None => Found::Nothing,
        }
    }
}

impl Node {
    fn insert(&mut self, operation: &'static OperationDef, segments: &'static [Segment]) {
        match segments.split_first() {
            None => insert(&mut self.operations, operation),
            Some((Segment::Greedy(_), _)) => insert(&mut self.greedy, operation),
            Some((Segment::Label(_), rest)) => self.label.get_or_insert_default().insert(operation, rest),
            Some((Segment::Literal(text), rest)) => {
                let known = self.literals.iter().position(|(literal, _)| literal == text);
                let index = known.unwrap_or_else(|| {
                    self.literals.push((text, Node::default()));
                    self.literals.len() - 1
                });
                self.literals[index].1.insert(operation, rest);
            }
        }
    }

    /// `rest` is what follows the last slash read; empty at the end of the path and after a trailing slash.
    fn find(&self, rest: &str, search: &mut Search<'_>) -> Option<&'static OperationDef> {
        if rest.is_empty() {
            return search.best(&self.operations, "");
        }
        let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
        if let Some((_, node)) = self.literals.iter().find(|(literal, _)| *literal == segment)
            && let Some(operation) = node.find(after, search)
        {
            return Some(operation);
        }
        if let Some(node) = self.label.as_deref().filter(|_| !segment.is_empty())
            && let Some(operation) = node.find(after, search)
        {
            return Some(operation);
        }
        search.best(&self.greedy, rest)
    }
}

/// The segments after an operation's greedy one.
fn tail(operation: &OperationDef) -> &'static [Segment] {
    let segments = operation.http.segments;
    let greedy = segments.iter().position(|segment| matches!(segment, Segment::Greedy(_)));
    greedy.map_or(&[], |at| &segments[at + 1..])
}

/// How many bytes of `rest` a greedy label takes when `tail` must match what follows it.
fn greedy_length(tail: &[Segment], rest: &str) -> Option<usize> {
    let mut end = rest.len();
    for segment in tail.iter().rev() {
        let start = rest[..end].rfind('/')?;
        let text = &rest[start + 1..end];
        let fits = match segment {
            Segment::Literal(literal) => *literal == text,
            Segment::Label(_) | Segment::Greedy(_) => !text.is_empty(),
        };
        end = fits.then_some(start)?;
    }
    (end > 0).then_some(end)
}

/// A look-up under way.
struct Search<'a> {
    parts: &'a Parts,
    query: Option<Vec<(Cow<'a, str>, Cow<'a, str>)>>,
    path_exists: bool,
}

/// How well an operation fits; the greatest wins. Query keys of the template must be there, so more of them say more.
/// Required members break ties: an operation that lacks one is taken only if nothing else fits, so that its absence is
/// reported as such.
type Fitness = (usize, bool, usize, bool);

impl Search<'_> {
    /// The operation that fits best; `rest` is what its greedy label and the segments after it must take.
    fn best(&mut self, candidates: &ByMethod, rest: &str) -> Option<&'static OperationDef> {
        let fits = |operation: &OperationDef| rest.is_empty() || greedy_length(tail(operation), rest).is_some();
        let mut best: Option<(Fitness, &'static OperationDef)> = None;
        for (method, operations) in candidates {
            self.path_exists = self.path_exists || operations.iter().any(|operation| fits(operation));
            if self.parts.method.as_str() != *method {
                continue;
            }
            for &operation in operations.iter().filter(|operation| fits(operation)) {
                if let Some(fitness) = self.fitness(operation)
                    && best.is_none_or(|(best_fitness, _)| fitness > best_fitness)
                {
                    best = Some((fitness, operation));
                }
            }
        }
        best.map(|(_, operation)| operation)
    }

    fn fitness(&mut self, operation: &OperationDef) -> Option<Fitness> {
        let http = &operation.http;
        if !http.query.iter().all(|key| self.has_query(key)) {
            return None;
        }
        let has_query = http.required_query.iter().all(|key| self.has_query(&QueryKey { key, value: None }));
        let has_headers = http.required_headers.iter().all(|name| self.parts.headers.contains_key(*name));
        let required = http.required_query.len() + http.required_headers.len();
        Some((http.query.len(), has_query && has_headers, required, !operation.deprecated))
    }

    fn has_query(&mut self, wanted: &QueryKey) -> bool {
        let raw = self.parts.uri.query().unwrap_or("");
        let query = self.query.get_or_insert_with(|| {
            query_pairs(raw).map(|(key, value)| (decode_query_text(key), decode_query_text(value))).collect()
        });
        query.iter().any(|(key, value)| key == wanted.key && wanted.value.is_none_or(|wanted| wanted == value))
    }
}

/// The values of an operation's labels in a path that it matches; `None` if one is no percent-encoded UTF-8.
pub(super) fn labels(operation: &OperationDef, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    let mut labels = Vec::new();
    for segment in operation.http.segments {
        let length = match segment {
            Segment::Greedy(_) => greedy_length(tail(operation), rest).unwrap_or(rest.len()),
            Segment::Literal(_) | Segment::Label(_) => rest.find('/').unwrap_or(rest.len()),
        };
        let (text, after) = rest.split_at(length);
        rest = after.strip_prefix('/').unwrap_or(after);
        if let Segment::Label(name) | Segment::Greedy(name) = segment {
            labels.push((*name, decode_label(text)?));
        }
    }
    Some(labels)
}

/// Decodes a label once; a `+` is a plus in a path.
fn decode_label(text: &str) -> Option<String> {
    let escapes = text.bytes().enumerate().filter(|(_, byte)| *byte == b'%');
    let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    for (at, _) in escapes {
        if !is_hex(at + 1) || !is_hex(at + 2) {
            return None;
        }
    }
    String::from_utf8(percent_decode(text, false).into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greedy_label_leaves_the_segments_after_it() {
        let tail = [Segment::Literal("versions"), Segment::Label("Version")];
        assert_eq!(greedy_length(&tail, "a/b/versions/3"), Some(3));
        assert_eq!(greedy_length(&tail, "versions/3"), None);
        assert_eq!(greedy_length(&tail, "a/versions/"), None);
        assert_eq!(greedy_length(&tail, "a/other/3"), None);
        assert_eq!(greedy_length(&[], "a//b/"), Some(5));
        assert_eq!(greedy_length(&[], ""), None);
    }

    #[test]
    fn a_label_is_decoded_once_or_not_at_all() {
        assert_eq!(decode_label("a%2Fb+%25").as_deref(), Some("a/b+%"));
        assert_eq!(decode_label("%2"), None);
        assert_eq!(decode_label("%C3"), None);
    }
}
