//! Many patterns at once. Each is filed under one leaf that wants particular values or beginnings of texts, so that an
//! event only meets the patterns that want something it has; patterns without such a leaf meet every event.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::operand::Operand;
use crate::{Fields, Node, Pattern};

/// Patterns and what they stand for.
#[derive(Debug, Clone)]
pub struct Index<T> {
    patterns: Vec<(Pattern, T)>,
    /// Numbers of patterns by path and what is wanted there, in a form that joins the two.
    filed: HashMap<String, Vec<usize>>,
    /// How long the beginnings are that are wanted of texts, by path, in bytes.
    beginnings: HashMap<String, BTreeSet<usize>>,
    /// Numbers of patterns that meet every event.
    unfiled: Vec<usize>,
}

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index { patterns: Vec::new(), filed: HashMap::new(), beginnings: HashMap::new(), unfiled: Vec::new() }
    }
}

impl<T> Index<T> {
    /// Adds a pattern. Of the leaves it can be filed under, the one is taken under which fewest others are.
    pub fn insert(&mut self, pattern: Pattern, value: T) {
        let number = self.patterns.len();
        let mut leaves = Vec::new();
        fileable_leaves(&pattern.root, "", &mut leaves);
        let load = |files: &Vec<File>| -> usize {
            files.iter().map(|file| self.filed.get(&file.key).map_or(0, Vec::len)).sum()
        };
        match leaves.into_iter().min_by_key(load) {
            Some(files) => {
                for File { key, beginning } in files {
                    if let Some((path, length)) = beginning {
                        self.beginnings.entry(path).or_default().insert(length);
                    }
                    self.filed.entry(key).or_default().push(number);
                }
            }
            None => self.unfiled.push(number),
        }
        self.patterns.push((pattern, value));
    }

    /// What the patterns stand for that match an event, in the order in which they were added.
    pub fn matching(&self, event: &Value) -> Vec<&T> {
        let mut candidates = self.unfiled.clone();
        let mut path = String::new();
        self.collect(event, &mut path, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        let matching = candidates.into_iter().map(|number| &self.patterns[number]);
        matching.filter(|(pattern, _)| pattern.matches(event)).map(|(_, value)| value).collect()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    fn collect(&self, value: &Value, path: &mut String, candidates: &mut Vec<usize>) {
        let length = path.len();
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    step(path, name);
                    self.collect(value, path, candidates);
                    path.truncate(length);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element, path, candidates)),
            scalar => self.collect_scalar(scalar, path, candidates),
        }
    }

    fn collect_scalar(&self, value: &Value, path: &mut String, candidates: &mut Vec<usize>) {
        let length = path.len();
        if let Value::String(text) = value
            && let Some(lengths) = self.beginnings.get(path.as_str())
        {
            for beginning in lengths.range(..=text.len()).filter_map(|length| text.get(..*length)) {
                finish(path, BEGINNING, beginning);
                candidates.extend(self.filed.get(path.as_str()).into_iter().flatten());
                path.truncate(length);
            }
        }
        finish_value(path, value);
        candidates.extend(self.filed.get(path.as_str()).into_iter().flatten());
        path.truncate(length);
    }
}

/// Where a pattern is filed for one of a leaf's alternatives.
struct File {
    key: String,
    /// For the beginning of a text: the path, and the beginning's length in bytes.
    beginning: Option<(String, usize)>,
}

/// The places of each leaf that wants particular values or beginnings of texts, and nothing else.
fn fileable_leaves(fields: &Fields, path: &str, leaves: &mut Vec<Vec<File>>) {
    for (name, node) in &fields.fields {
        let mut below = path.to_owned();
        step(&mut below, name);
        match node {
            Node::Object(inner) => fileable_leaves(inner, &below, leaves),
            Node::Leaf(operands) => {
                let file = |operand: &Operand| {
                    let mut key = below.clone();
                    let mut beginning = None;
                    match operand {
                        Operand::Equal(value) => finish_value(&mut key, value),
                        Operand::Prefix(text) => {
                            beginning = Some((below.clone(), text.len()));
                            finish(&mut key, BEGINNING, text);
                        }
                        _ => return None,
                    }
                    Some(File { key, beginning })
                };
                leaves.extend(operands.iter().map(file).collect::<Option<Vec<File>>>());
            }
        }
    }
}

const TEXT: char = '\u{2}';
const BEGINNING: char = '\u{3}';
const NUMBER: char = '\u{4}';
const WORD: char = '\u{5}';

/// Names are ended by a byte that may be in them too: then two paths may look alike, and a pattern meets an event in vain.
fn step(path: &mut String, name: &str) {
    path.push('\u{1}');
    path.push_str(name);
}

fn finish(path: &mut String, kind: char, text: &str) {
    path.push(kind);
    path.push_str(text);
}

/// Numbers that are equal look alike; of those too large for a floating-point number, some others do too.
fn finish_value(path: &mut String, value: &Value) {
    match value {
        Value::String(text) => finish(path, TEXT, text),
        // Zero has two signs.
        Value::Number(number) => finish(path, NUMBER, &(number.as_f64().unwrap_or_default() + 0.0).to_string()),
        other => finish(path, WORD, &other.to_string()),
    }
}
