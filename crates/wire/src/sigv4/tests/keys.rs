//! The cache of signing keys.

use std::num::NonZeroUsize;

use super::*;

fn credential(access_key: &str) -> Credential {
    Credential::parse(&format!("{access_key}/20150830/us-east-1/iam/aws4_request"), Mechanism::Header).unwrap()
}

#[test]
fn the_published_signing_key_is_derived() {
    let keys = SigningKeys::default();
    let key = keys.signing_key(&credential("AKIDEXAMPLE"), "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

#[test]
fn a_replaced_secret_is_never_served_from_the_cache() {
    let keys = SigningKeys::default();
    let old = keys.signing_key(&credential("AKID"), "old");
    let new = keys.signing_key(&credential("AKID"), "new");
    assert_ne!(old, new);
    assert_eq!(new, SigningKeys::default().signing_key(&credential("AKID"), "new"));
    assert_eq!(keys.len(), 1);
}

#[test]
fn the_cache_is_bounded_and_drops_what_was_used_longest_ago() {
    let keys = SigningKeys::with_capacity(NonZeroUsize::new(2).unwrap());
    for access_key in ["A", "B", "C", "D"] {
        keys.signing_key(&credential(access_key), "secret");
    }
    assert_eq!(keys.len(), 2);
}
