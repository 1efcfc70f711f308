//! An XML document in memory. Flat lists may have other elements between theirs, so a document has to be there as a
//! whole before it can be read by a schema.

use quick_xml::Reader as Parser;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::NESTING_LIMIT;
use crate::codec::{ReadError, ReadResult};

/// A parsed document.
#[derive(Debug)]
pub struct XmlTree {
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
}

/// Index of an element.
pub(super) type NodeId = u32;

/// The document's outermost element.
pub(super) const ROOT: NodeId = 0;

#[derive(Debug)]
pub(super) struct Node {
    /// Name without its prefix.
    pub(super) name: String,
    /// All text directly inside.
    pub(super) text: String,
    first_child: Option<NodeId>,
    last_child: Option<NodeId>,
    next_sibling: Option<NodeId>,
}

#[derive(Debug)]
struct Attribute {
    node: NodeId,
    name: String,
    value: String,
}

/// S3's text, the only one there is for XML input.
fn malformed() -> ReadError {
    ReadError::new("The XML you provided was not well-formed or did not validate against our published schema")
}

impl XmlTree {
    /// Parses a document with one outermost element. Document type declarations are refused, so no entity is ever
    /// expanded.
    pub fn parse(document: &[u8]) -> ReadResult<XmlTree> {
        let text = std::str::from_utf8(document).map_err(|_| malformed())?;
        let mut parser = Parser::from_str(text);
        let mut tree = XmlTree { nodes: Vec::new(), attributes: Vec::new() };
        let mut open: Vec<NodeId> = Vec::new();
        loop {
            match parser.read_event().map_err(|_| malformed())? {
                Event::Start(start) => {
                    let node = tree.add(&start, open.last().copied())?;
                    open.push(node);
                    if open.len() > NESTING_LIMIT {
                        return Err(malformed());
                    }
                }
                Event::Empty(start) => drop(tree.add(&start, open.last().copied())?),
                Event::End(_) => drop(open.pop()),
                Event::Text(text) => tree.append(&open, &text.xml10_content())?,
                Event::CData(text) => tree.append(&open, &text.xml10_content())?,
                Event::GeneralRef(reference) => tree.append(&open, &resolve(&reference)?)?,
                Event::DocType(_) => return Err(malformed()),
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
        if tree.nodes.is_empty() || !open.is_empty() { Err(malformed()) } else { Ok(tree) }
    }

    /// Name of the outermost element, without prefix.
    pub fn root_name(&self) -> &str {
        &self.nodes[ROOT as usize].name
    }

    fn add(&mut self, start: &BytesStart<'_>, parent: Option<NodeId>) -> ReadResult<NodeId> {
        let id = NodeId::try_from(self.nodes.len()).map_err(|_| malformed())?;
        let name = start.local_name().into_inner().to_owned();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| malformed())?;
            let name = attribute.key.into_inner().to_owned();
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| malformed())?.into_owned();
            self.attributes.push(Attribute { node: id, name, value });
        }
        self.nodes.push(Node { name, text: String::new(), first_child: None, last_child: None, next_sibling: None });
        match parent {
            None if id != ROOT => return Err(malformed()),
            None => {}
            Some(parent) => {
                let previous = self.nodes[parent as usize].last_child.replace(id);
                match previous {
                    Some(previous) => self.nodes[previous as usize].next_sibling = Some(id),
                    None => self.nodes[parent as usize].first_child = Some(id),
                }
            }
        }
        Ok(id)
    }

    fn append(&mut self, open: &[NodeId], text: &str) -> ReadResult<()> {
        match open.last() {
            Some(node) => self.nodes[*node as usize].text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(malformed()),
        }
        Ok(())
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn children(&self, parent: NodeId) -> impl Iterator<Item = NodeId> {
        self.with_siblings(self.node(parent).first_child)
    }

    /// The element and all that follow it in the same parent.
    pub(super) fn with_siblings(&self, first: Option<NodeId>) -> impl Iterator<Item = NodeId> {
        std::iter::successors(first, |id| self.node(*id).next_sibling)
    }

    pub(super) fn child(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        self.children(parent).find(|id| self.node(*id).name == name)
    }

    /// An attribute by its name, compared without prefixes.
    pub(super) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        let first = self.attributes.partition_point(|attribute| attribute.node < node);
        let of_node = self.attributes[first..].iter().take_while(|attribute| attribute.node == node);
        of_node
            .filter(|attribute| !attribute.name.starts_with("xmlns"))
            .find(|attribute| local(&attribute.name) == local(name))
            .map(|attribute| attribute.value.as_str())
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// `&amp;`, `&#10;` and their kind.
fn resolve(reference: &BytesRef<'_>) -> ReadResult<String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| malformed())? {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned).ok_or_else(malformed)
}
