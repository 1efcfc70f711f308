//! Readers of documents that anybody can send.

use proptest::prelude::*;

use super::canonical::Canonical;
use super::provider::{self, Issuer};
use super::{response, xml};

/// Documents of names that the readers look for, well formed and not.
fn document() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Version=\"2.0\">",
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"a\" Version=\"2.0\">",
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
        "<Status xmlns=\"urn:oasis:names:tc:SAML:2.0:protocol\"><StatusCode Value=\"x\"/></Status>",
        "</samlp:Response>",
        "</saml:Assertion>",
        "</ds:Signature>",
        "<!-- -->",
        "<?a b?>",
        "<a xmlns=\"\" b:c='d'>",
        "</a>",
        "&amp;&#xD;",
        "\u{e9}",
        "<![CDATA[<]]>",
        "<!DOCTYPE a>",
    ]);
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_document_breaks_the_readers(text in prop_oneof![document(), ".{0,100}", "[<>/a-z\"=&;! :]{0,100}"]) {
        let issuer = Issuer { entity_id: "a".to_owned(), keys: vec![vec![4; 65]] };
        let _ = provider::read(&text);
        if let Some(document) = xml::parse(&text, xml::RESPONSE_NODES_MAX) {
            prop_assert!(response::verified(&text, &document, &issuer).is_err());
            let _ = response::read(document.root_element(), 0, "");
            let spelled = Canonical::new(&text, true, Some("#default saml")).spell(document.root_element());
            // What is spelled canonically stays as it is when it is spelled again.
            let again = xml::parse(&spelled, xml::RESPONSE_NODES_MAX).expect("still a document");
            prop_assert_eq!(&Canonical::new(&spelled, true, None).spell(again.root_element()).len(), &spelled.len());
        }
    }
}

#[test]
fn documents_have_bounds() {
    let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    assert!(xml::parse(&deep(xml::DEPTH_MAX), 1_000).is_some());
    assert!(xml::parse(&deep(xml::DEPTH_MAX + 1), 1_000).is_none());
    assert!(xml::parse(&deep(25_000), 100_000).is_none());
    assert!(xml::parse("<a><b/><b/></a>", 2).is_none());
    assert!(xml::parse("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", 1_000).is_none());
}
