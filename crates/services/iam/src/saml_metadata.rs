//! Metadata documents of SAML identity providers: what IAM looks at in them.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use wire::Timestamp;

/// The namespace of SAML 2.0's metadata.
const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// Deepest nesting that is followed; metadata are about ten elements deep.
const DEPTH_MAX: usize = 64;

/// What a metadata document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Until when it holds, in seconds since 1970, if it says so.
    pub valid_until: Option<i64>,
}

/// Reads a document: one entity that is an identity provider.
///
/// `None` for what is no XML, has a document type (and so entities of its own), or describes no identity provider.
pub fn read(document: &str) -> Option<Metadata> {
    let mut reader = NsReader::from_str(document);
    let (mut depth, mut metadata, mut is_provider) = (0_usize, None, false);
    loop {
        let (namespace, event) = reader.read_resolved_event().ok()?;
        let is_metadata = matches!(namespace, ResolveResult::Bound(namespace) if namespace.as_ref() == METADATA);
        match event {
            Event::Start(start) => {
                note(&start, depth, is_metadata, &mut metadata, &mut is_provider)?;
                depth += 1;
                if depth > DEPTH_MAX {
                    return None;
                }
            }
            Event::Empty(start) => note(&start, depth, is_metadata, &mut metadata, &mut is_provider)?,
            Event::End(_) => depth = depth.checked_sub(1)?,
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
    }
    metadata.filter(|_| is_provider && depth == 0)
}

/// Looks at the beginning of an element.
fn note(
    start: &BytesStart<'_>,
    depth: usize,
    is_metadata: bool,
    metadata: &mut Option<Metadata>,
    is_provider: &mut bool,
) -> Option<()> {
    let name = start.local_name();
    if depth == 0 {
        if !is_metadata || name.as_ref() != "EntityDescriptor" || metadata.is_some() {
            return None;
        }
        attribute(start, "entityID").filter(|id| !id.is_empty())?;
        let valid_until = match attribute(start, "validUntil") {
            Some(text) => Some(Timestamp::parse(&text)?.seconds),
            None => None,
        };
        *metadata = Some(Metadata { valid_until });
    }
    *is_provider |= depth == 1 && is_metadata && name.as_ref() == "IDPSSODescriptor";
    Some(())
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?;
    Some(found.value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entity(attributes: &str, content: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>{content}</md:EntityDescriptor>"
        )
    }

    #[test]
    fn an_identity_provider_is_recognised() {
        let provider =
            "<md:IDPSSODescriptor protocolSupportEnumeration=\"x\"><md:KeyDescriptor/></md:IDPSSODescriptor>";
        assert_eq!(read(&entity("entityID=\"a\"", provider)), Some(Metadata { valid_until: None }));
        let until = entity("entityID=\"a\" validUntil=\"2030-01-01T00:00:00Z\"", provider);
        assert_eq!(read(&until), Some(Metadata { valid_until: Some(1_893_456_000) }));
    }

    #[test]
    fn anything_else_is_not() {
        let provider = "<md:IDPSSODescriptor/>";
        for other in [
            "no xml".to_owned(),
            entity("", provider),
            entity("entityID=\"a\"", "<md:SPSSODescriptor/>"),
            entity("entityID=\"a\" validUntil=\"soon\"", provider),
            format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", entity("entityID=\"a\"", provider)),
            entity("entityID=\"a\"", provider).replace("</md:EntityDescriptor>", ""),
            entity("entityID=\"a\"", provider).replace("SAML:2.0", "SAML:1.0"),
            "<a>".repeat(1_000),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,200}", tags in "[<>/a-z\"=&;! ]{0,200}") {
            let _ = (read(&text), read(&tags), read(&entity("entityID=\"a\"", &tags)));
        }
    }
}
