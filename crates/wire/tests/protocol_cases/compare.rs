//! Comparing documents by what they mean.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value as Json;

/// An XML element: name, attributes (sorted), text (trimmed), children.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

fn parse(document: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(document);
    let mut open =
        vec![Element { name: String::new(), attributes: Vec::new(), text: String::new(), children: Vec::new() }];
    let start = |start: &quick_xml::events::BytesStart<'_>| {
        let mut attributes: Vec<_> = start
            .attributes()
            .map(|attribute| {
                let attribute = attribute.expect("an attribute");
                (attribute.key.into_inner().to_owned(), attribute.value.into_owned())
            })
            .collect();
        attributes.sort();
        Element { name: start.name().into_inner().to_owned(), attributes, text: String::new(), children: Vec::new() }
    };
    let close = |open: &mut Vec<Element>| {
        let mut element = open.pop().expect("an open element");
        element.text = element.text.trim().to_owned();
        // Entries of maps have no order; that lists keep theirs shows when the document is read back.
        element.children.sort();
        open.last_mut().expect("the document").children.push(element);
    };
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(event) => open.push(start(&event)),
            Event::Empty(event) => {
                open.push(start(&event));
                close(&mut open);
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => open.last_mut().expect("the document").text.push_str(&text),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or_default().to_owned(),
                };
                open.last_mut().expect("the document").text.push_str(&resolved);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.pop().and_then(|mut document| document.children.pop()).ok_or_else(|| "no element".to_owned())
}

/// Compares two XML documents without regard to blanks between elements and the order of attributes.
pub fn xml(actual: &str, expected: &str) -> Result<(), String> {
    let (left, right) = (parse(actual)?, parse(expected)?);
    if left == right { Ok(()) } else { Err(format!("wrote {actual}\n  expected {expected}")) }
}

/// Compares two JSON documents.
pub fn json(actual: &str, expected: &str) -> Result<(), String> {
    let parse = |text: &str| serde_json::from_str::<Json>(text).map_err(|error| format!("{error} in {text}"));
    let (left, right) = (parse(actual)?, parse(expected)?);
    if super::values::same(&left, &right) { Ok(()) } else { Err(format!("wrote {actual}, expected {expected}")) }
}

/// The `Error` element of an answer, elements as members.
pub fn xml_as_json(document: &str) -> Result<Json, String> {
    fn find<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
        if element.name == name { Some(element) } else { element.children.iter().find_map(|child| find(child, name)) }
    }
    fn value(element: &Element) -> Json {
        if element.children.is_empty() {
            return Json::from(element.text.as_str());
        }
        element.children.iter().map(|child| (child.name.clone(), value(child))).collect()
    }
    let root = parse(document)?;
    find(&root, "Error").map(value).ok_or_else(|| "no error".to_owned())
}
