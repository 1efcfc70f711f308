//! Reading XML.

use bytes::Bytes;

use super::tree::{NodeId, ROOT, XmlTree};
use crate::codec::query::{element_name, is_flat, own_name};
use crate::codec::text::TextReader;
use crate::codec::{ReadError, ReadResult, Reader};
use crate::schema::{Kind, Location, Member, Shape};
use crate::timestamp::Timestamp;

/// Reads values out of an XML document. It stands at an element (of a flat list or map: at the first one) or at an
/// attribute.
pub struct XmlReader<'a> {
    tree: &'a XmlTree,
    node: NodeId,
    attribute: Option<&'a str>,
    /// The root is a REST document: its structure has members that travel elsewhere.
    rest_root: bool,
    /// Element names are those of a query protocol.
    query: bool,
    /// The root's text is the structure's one member.
    text_root: bool,
}

impl<'a> XmlReader<'a> {
    /// A reader at the document's outermost element.
    pub fn new(tree: &'a XmlTree) -> XmlReader<'a> {
        XmlReader { tree, node: ROOT, attribute: None, rest_root: false, query: false, text_root: false }
    }

    /// The document of a REST operation: members that travel in headers, path or query are not looked for in it.
    pub fn for_rest(tree: &'a XmlTree) -> XmlReader<'a> {
        XmlReader { rest_root: true, ..XmlReader::new(tree) }
    }

    /// A document whose root element's text is the one member of the structure (S3's GetBucketLocation).
    pub fn for_text_root(tree: &'a XmlTree) -> XmlReader<'a> {
        XmlReader { text_root: true, ..XmlReader::new(tree) }
    }

    /// The answer of a query protocol: a reader at the result's element, which is the root if there is no wrapper.
    pub fn for_query(tree: &'a XmlTree, wrapper: Option<&str>) -> XmlReader<'a> {
        let node = wrapper.and_then(|name| tree.child(ROOT, name)).unwrap_or(ROOT);
        XmlReader { node, query: true, ..XmlReader::new(tree) }
    }

    fn at(&self, node: NodeId) -> XmlReader<'a> {
        XmlReader { tree: self.tree, node, attribute: None, rest_root: false, query: self.query, text_root: false }
    }

    fn text(&self) -> TextReader<'a> {
        TextReader::new(self.attribute.unwrap_or(&self.tree.node(self.node).text))
    }

    /// The elements of a list or entries of a map that the reader stands at.
    fn elements(&self, flat: bool, name: &'a str) -> impl Iterator<Item = NodeId> + use<'a> {
        let tree = self.tree;
        let first = if flat { Some(self.node) } else { tree.children(self.node).next() };
        let name = if flat { tree.node(self.node).name.as_str() } else { name };
        tree.with_siblings(first).filter(move |id| tree.node(*id).name == name)
    }
}

impl Reader for XmlReader<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        if self.text_root {
            let empty = self.tree.node(self.node).text.is_empty();
            return if empty { Ok(()) } else { each(0, &mut self.at(self.node)) };
        }
        let rest_root = std::mem::take(&mut self.rest_root);
        for (index, member) in shape.members().iter().enumerate() {
            if rest_root && member.location != Location::Body {
                continue;
            }
            if member.xml_attribute {
                if let Some(value) = self.tree.attribute(self.node, member.wire_name()) {
                    each(index, &mut XmlReader { attribute: Some(value), ..self.at(self.node) })?;
                }
            } else if let Some(child) = self.tree.child(self.node, element_name(member, self.query)) {
                each(index, &mut self.at(child))?;
            }
        }
        Ok(())
    }

    fn list(&mut self, at: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        let Kind::List { member, .. } = &at.shape.kind else { return Err(ReadError::new("Unexpected list")) };
        for element in self.elements(is_flat(at), member.wire_name()) {
            each(&mut self.at(element))?;
        }
        Ok(())
    }

    fn map(
        &mut self,
        at: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let Kind::Map { key, value, .. } = &at.shape.kind else { return Err(ReadError::new("Unexpected map")) };
        for entry in self.elements(is_flat(at), "entry") {
            let key = self.tree.child(entry, own_name(key, self.query));
            let value = self.tree.child(entry, own_name(value, self.query));
            if let (Some(key), Some(value)) = (key, value) {
                each(self.tree.node(key).text.clone(), &mut self.at(value))?;
            }
        }
        Ok(())
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        self.text().string(at)
    }

    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        self.text().integer(at)
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        self.text().float(at)
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        self.text().boolean(at)
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        self.text().blob(at)
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        self.text().timestamp(at)
    }

    fn document(&mut self, at: &'static Member) -> ReadResult<serde_json::Value> {
        self.text().document(at)
    }
}
