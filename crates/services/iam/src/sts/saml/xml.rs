//! Documents of SAML as trees: what is taken at all, and how elements are looked up in them.

use std::collections::HashSet;

use roxmltree::{Document, Node, ParsingOptions};

/// Namespace of assertions.
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Namespace of responses.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// Namespace of the metadata of identity providers.
pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// Namespace of signatures.
pub const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Namespace of exclusive canonicalization: its algorithm, and `InclusiveNamespaces`.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Deepest nesting that is taken, in elements; responses are about ten deep.
pub const DEPTH_MAX: usize = 64;

/// Most nodes of a response: more than a request's 100,000 characters can say in earnest.
pub const RESPONSE_NODES_MAX: u32 = 20_000;

/// Attributes that may be what a signature refers to.
const ID_ATTRIBUTES: [&str; 3] = ["ID", "Id", "id"];

/// Reads a document without a document type, and so without entities of its own. `None` for anything else, and for one
/// that is too deep or has too many nodes.
pub fn parse(text: &str, nodes_max: u32) -> Option<Document<'_>> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: nodes_max, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    is_shallow(document.root_element()).then_some(document)
}

/// Whether the nesting below an element is within the bound; walks without recursion.
fn is_shallow(root: Node<'_, '_>) -> bool {
    let (mut node, mut depth) = (root, 1_usize);
    loop {
        if let Some(child) = node.first_child() {
            node = child;
            depth += 1;
            if depth > DEPTH_MAX {
                return false;
            }
            continue;
        }
        loop {
            if node == root {
                return true;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else { return true };
            node = parent;
            depth -= 1;
        }
    }
}

/// Whether no two elements of a document have the same id.
pub fn has_unique_ids(document: &Document<'_>) -> bool {
    let mut seen = HashSet::new();
    let mut ids = document.descendants().flat_map(|node| node.attributes()).filter(|attribute| {
        let is_xml_id = attribute.namespace() == Some(roxmltree::NS_XML_URI) && attribute.name() == "id";
        is_xml_id || attribute.namespace().is_none() && ID_ATTRIBUTES.contains(&attribute.name())
    });
    ids.all(|attribute| seen.insert(attribute.value()))
}

/// Whether an element has that name.
pub fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name && node.tag_name().namespace() == Some(namespace)
}

/// The elements of a name that an element holds immediately.
pub fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| is(*child, namespace, name))
}

/// The only element of a name that an element holds immediately; `None` if there is none or more than one.
pub fn only<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> Option<Node<'a, 'input>> {
    let mut found = children(node, namespace, name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The text of an element that holds nothing else. A comment inside would let two readers see two texts: `None`.
pub fn text<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (None, _) => Some(""),
        (Some(only), None) if only.is_text() => only.text().map(str::trim),
        _ => None,
    }
}
