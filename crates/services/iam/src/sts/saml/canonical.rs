//! Exclusive XML canonicalization: the one spelling of an element that is digested and signed
//! (<https://www.w3.org/TR/xml-exc-c14n/>, on top of <https://www.w3.org/TR/xml-c14n>).

use roxmltree::{Attribute, Node};

/// The prefix in `InclusiveNamespaces` that stands for the default namespace.
const DEFAULT_PREFIX: &str = "#default";

/// How an element is spelled.
pub struct Canonical<'d> {
    /// Text of the document; prefixes are read from it, which the tree does not keep.
    source: &'d str,
    has_comments: bool,
    /// Prefixes whose declarations are written wherever they are in scope, used or not; "" is the default namespace.
    inclusive: Vec<&'d str>,
    /// An element that is left out.
    without: Option<Node<'d, 'd>>,
    /// Declarations in force in the output, the innermost last.
    declared: Vec<(&'d str, &'d str)>,
    out: String,
}

impl<'d> Canonical<'d> {
    /// A way to spell elements of the document with this text; `prefixes` is the `PrefixList` of `InclusiveNamespaces`.
    pub fn new(source: &'d str, has_comments: bool, prefixes: Option<&'d str>) -> Canonical<'d> {
        let named = |prefix: &'d str| if prefix == DEFAULT_PREFIX { "" } else { prefix };
        let inclusive = prefixes.unwrap_or_default().split_ascii_whitespace().map(named).collect();
        Canonical { source, has_comments, inclusive, without: None, declared: Vec::new(), out: String::new() }
    }

    /// Leaves an element out, as the transform of enveloped signatures does.
    pub fn without(mut self, left_out: Node<'d, 'd>) -> Canonical<'d> {
        self.without = Some(left_out);
        self
    }

    /// Spells an element with all that is in it. The nesting is bounded where documents are read.
    pub fn spell(mut self, element: Node<'d, 'd>) -> String {
        self.node(element);
        self.out
    }

    fn node(&mut self, node: Node<'d, 'd>) {
        if self.without == Some(node) {
            return;
        }
        if node.is_element() {
            self.element(node);
        } else if node.is_text() {
            escape_text(node.text().unwrap_or_default(), &mut self.out);
        } else if let Some(instruction) = node.pi() {
            let space = if instruction.value.is_some() { " " } else { "" };
            let parts = ["<?", instruction.target, space, instruction.value.unwrap_or_default(), "?>"];
            self.out.extend(parts);
        } else if node.is_comment() && self.has_comments {
            self.out.extend(["<!--", node.text().unwrap_or_default(), "-->"]);
        }
    }

    fn element(&mut self, element: Node<'d, 'd>) {
        let name = qualified_name(self.source, element.range().start + 1);
        let outer = self.declared.len();
        self.out.extend(["<", name]);
        self.declarations(element, name);
        let mut attributes: Vec<Attribute<'d, 'd>> = element.attributes().collect();
        attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
        for attribute in attributes {
            self.out.extend([" ", qualified_name(self.source, attribute.range().start), "=\""]);
            escape_value(attribute.value(), &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
        for child in element.children() {
            self.node(child);
        }
        self.out.extend(["</", name, ">"]);
        self.declared.truncate(outer);
    }

    /// Writes the declarations that the element's own names need, and those asked for, unless they are in force.
    fn declarations(&mut self, element: Node<'d, 'd>, name: &'d str) {
        let mut needed: Vec<&'d str> = vec![prefix(name)];
        // Attributes without a prefix are in no namespace, whatever the default is.
        let names = element.attributes().map(|attribute| qualified_name(self.source, attribute.range().start));
        needed.extend(names.map(prefix).filter(|prefix| !prefix.is_empty()));
        needed.extend(self.inclusive.iter().copied());
        needed.sort_unstable();
        needed.dedup();
        for prefix in needed.into_iter().filter(|prefix| *prefix != "xml") {
            let in_scope = element.namespaces().find(|namespace| namespace.name().unwrap_or_default() == prefix);
            let uri = in_scope.map_or("", |namespace| namespace.uri());
            let in_force = self.declared.iter().rev().find(|(declared, _)| *declared == prefix);
            if in_force.map_or("", |(_, uri)| *uri) == uri {
                continue;
            }
            self.declared.push((prefix, uri));
            self.out.push_str(" xmlns");
            if !prefix.is_empty() {
                self.out.extend([":", prefix]);
            }
            self.out.push_str("=\"");
            escape_value(uri, &mut self.out);
            self.out.push('"');
        }
    }
}

/// The name as it is written at a place of the document.
fn qualified_name(source: &str, start: usize) -> &str {
    let rest = source.get(start..).unwrap_or_default();
    let is_end = |character: char| character.is_ascii_whitespace() || matches!(character, '=' | '/' | '>');
    &rest[..rest.find(is_end).unwrap_or(rest.len())]
}

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn escape_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

fn escape_value(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    /// The element `e`, wherever it is.
    fn spelled(source: &str, has_comments: bool, prefixes: Option<&str>) -> String {
        let document = Document::parse(source).expect("XML");
        let element = document.descendants().find(|node| node.tag_name().name() == "e").expect("an element e");
        Canonical::new(source, has_comments, prefixes).spell(element)
    }

    #[test]
    fn only_namespaces_that_are_used_are_declared_where_they_are_used_first() {
        let source = r#"<a:r xmlns:a="A" xmlns:b="B" xmlns="D"><a:e x="1"><b:f b:y="2"/><g/><a:h/></a:e></a:r>"#;
        let expected = r#"<a:e xmlns:a="A" x="1"><b:f xmlns:b="B" b:y="2"></b:f><g xmlns="D"></g><a:h></a:h></a:e>"#;
        assert_eq!(spelled(source, false, None), expected);
        let inclusive = r#"<a:e xmlns="D" xmlns:a="A" xmlns:b="B" x="1"><b:f b:y="2"></b:f><g></g><a:h></a:h></a:e>"#;
        assert_eq!(spelled(source, false, Some("b #default none")), inclusive);
    }

    #[test]
    fn a_default_namespace_is_taken_back_only_where_one_was_given() {
        let source = r#"<e xmlns=""><f xmlns="D"><g xmlns=""><h/></g></f><i/></e>"#;
        assert_eq!(spelled(source, false, None), r#"<e><f xmlns="D"><g xmlns=""><h></h></g></f><i></i></e>"#);
    }

    #[test]
    fn a_prefix_that_means_something_else_is_declared_again() {
        let source = r#"<p:e xmlns:p="A"><p:f xmlns:p="B"><p:g/></p:f><p:h/></p:e>"#;
        let expected = r#"<p:e xmlns:p="A"><p:f xmlns:p="B"><p:g></p:g></p:f><p:h></p:h></p:e>"#;
        assert_eq!(spelled(source, false, None), expected);
    }

    #[test]
    fn attributes_are_in_order_of_namespace_and_name() {
        let source = r#"<e  z='1' xmlns:b="A" xmlns:a="B" a:c="2" b:d="3"   a='4' xml:lang="de"/>"#;
        let expected = r#"<e xmlns:a="B" xmlns:b="A" a="4" z="1" b:d="3" a:c="2" xml:lang="de"></e>"#;
        assert_eq!(spelled(source, false, None), expected);
    }

    #[test]
    fn characters_are_written_in_one_way() {
        let source = "<e a='\"&#9;&#10;&#13;&lt;&amp;>\t'>&#13;\r\n&gt;&lt;&amp;\"<![CDATA[<&>]]>&#x41;</e>";
        let expected = "<e a=\"&quot;&#x9;&#xA;&#xD;&lt;&amp;> \">&#xD;\n&gt;&lt;&amp;\"&lt;&amp;&gt;A</e>";
        assert_eq!(spelled(source, false, None), expected);
    }

    #[test]
    fn comments_are_kept_only_if_asked_for() {
        let source = "<e>a<!-- b -->c<?d  e ?><?f?></e>";
        assert_eq!(spelled(source, false, None), "<e>ac<?d e ?><?f?></e>");
        assert_eq!(spelled(source, true, None), "<e>a<!-- b -->c<?d e ?><?f?></e>");
    }

    #[test]
    fn an_element_can_be_left_out() {
        let source = "<e>a<s>b</s>c</e>";
        let document = Document::parse(source).expect("XML");
        let (element, left_out) = (document.root_element(), document.root_element().children().nth(1));
        let canonical = Canonical::new(source, false, None).without(left_out.expect("s"));
        assert_eq!(canonical.spell(element), "<e>ac</e>");
    }
}
