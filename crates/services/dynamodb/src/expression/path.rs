//! Paths into items.

use std::collections::BTreeMap;
use std::fmt;

use crate::value::{Item, Value};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An attribute of an item or map.
    Attribute(String),
    /// An element of a list, from 0.
    Index(usize),
}

/// A path: the name of an attribute and steps into its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path of a top-level attribute.
    pub fn attribute(name: impl Into<String>) -> Path {
        Path(vec![Step::Attribute(name.into())])
    }

    /// The top-level attribute it begins with.
    pub fn head(&self) -> &str {
        match self.0.first() {
            Some(Step::Attribute(name)) => name,
            _ => "",
        }
    }

    /// Whether it goes into the value of its attribute.
    pub fn is_nested(&self) -> bool {
        self.0.len() > 1
    }

    /// What is there in an item.
    pub fn get<'a>(&self, item: &'a Item) -> Option<&'a Value> {
        let mut value = item.get(self.head())?;
        for step in &self.0[1..] {
            value = match (step, value) {
                (Step::Attribute(name), Value::M(map)) => map.get(name)?,
                (Step::Index(index), Value::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// `[a, [0], b]`, as AWS's messages show paths.
impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[")?;
        for (index, step) in self.0.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { ", " })?;
            match step {
                Step::Attribute(name) => formatter.write_str(name)?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        formatter.write_str("]")
    }
}

/// How two paths of one expression stand to each other when they must be apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// One is the other, or leads through it.
    Overlap,
    /// They need the same place to be a list and a map.
    Conflict,
}

/// Whether two paths clash.
pub fn clash(one: &Path, two: &Path) -> Option<Clash> {
    for pair in one.0.iter().zip(&two.0) {
        match pair {
            (Step::Attribute(one), Step::Attribute(two)) if one == two => {}
            (Step::Index(one), Step::Index(two)) if one == two => {}
            (Step::Attribute(_), Step::Attribute(_)) | (Step::Index(_), Step::Index(_)) => return None,
            _ => return Some(Clash::Conflict),
        }
    }
    Some(Clash::Overlap)
}

/// Paths as a tree, for taking the parts they name out of items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection(BTreeMap<Step, Node>);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Whole,
    Parts(Selection),
}

impl Selection {
    /// The parts that these paths name. They do not clash.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Selection {
        let mut selection = Selection::default();
        for path in paths {
            selection.add(&path.0);
        }
        selection
    }

    fn add(&mut self, steps: &[Step]) {
        let Some((first, rest)) = steps.split_first() else { return };
        if rest.is_empty() {
            self.0.insert(first.clone(), Node::Whole);
            return;
        }
        let node = self.0.entry(first.clone()).or_insert_with(|| Node::Parts(Selection::default()));
        if let Node::Parts(parts) = node {
            parts.add(rest);
        }
    }

    /// The named parts of an item; list elements close up, in order.
    pub fn of_item(&self, mut item: Item) -> Item {
        let mut selected = Item::new();
        for (step, node) in &self.0 {
            let Step::Attribute(name) = step else { continue };
            if let Some(value) = item.remove(name).and_then(|value| node.of_value(value)) {
                selected.insert(name.clone(), value);
            }
        }
        selected
    }

    fn of_list(&self, list: Vec<Value>) -> Vec<Value> {
        let selected = |(index, value)| self.0.get(&Step::Index(index)).and_then(|node: &Node| node.of_value(value));
        list.into_iter().enumerate().filter_map(selected).collect()
    }

    /// The names of the top-level attributes.
    pub fn heads(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|step| match step {
            Step::Attribute(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
    }
}

impl Node {
    fn of_value(&self, value: Value) -> Option<Value> {
        let Node::Parts(parts) = self else { return Some(value) };
        match value {
            Value::M(map) => Some(parts.of_item(map)).filter(|map| !map.is_empty()).map(Value::M),
            Value::L(list) => Some(parts.of_list(list)).filter(|list| !list.is_empty()).map(Value::L),
            _ => None,
        }
    }
}
