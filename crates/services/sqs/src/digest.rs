//! The MD5 digests by which clients check what arrived.

use md5::{Digest, Md5};

use crate::payload::{Attribute, AttributeValue};

/// MD5 of a text, in hexadecimal digits.
pub fn of_text(text: &str) -> String {
    hexadecimal(&Md5::digest(text.as_bytes()))
}

/// MD5 of attributes: in the order of their names, each part with its length in front, and a byte that tells texts from
/// bytes. `None` if there are none, because AWS then sends none.
pub fn of_attributes<'a>(attributes: impl IntoIterator<Item = &'a Attribute>) -> Option<String> {
    let mut sorted: Vec<&Attribute> = attributes.into_iter().collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let mut digest = Md5::new();
    for attribute in sorted {
        add(&mut digest, attribute.name.as_bytes());
        add(&mut digest, attribute.data_type.as_bytes());
        match &attribute.value {
            AttributeValue::Text(text) => {
                digest.update([1]);
                add(&mut digest, text.as_bytes());
            }
            AttributeValue::Binary(bytes) => {
                digest.update([2]);
                add(&mut digest, bytes);
            }
        }
    }
    Some(hexadecimal(&digest.finalize()))
}

fn add(digest: &mut Md5, part: &[u8]) {
    // Parts are parts of a message, which is shorter than 4 GiB by far.
    digest.update((part.len() as u32).to_be_bytes());
    digest.update(part);
}

/// Lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, value: &str) -> Attribute {
        let value = AttributeValue::Text(value.to_owned());
        Attribute { name: name.to_owned(), data_type: "String".to_owned(), value }
    }

    /// Digests that AWS answered for these contents.
    #[test]
    fn digests_are_those_of_aws() {
        assert_eq!(of_text("msg"), "6e2baaf3b97dbeef01c0043275f9a0e7");
        let all = [text("Help.Me", "Me"), text("Hello", "There"), text("General", "Kenobi")];
        assert_eq!(of_attributes(&all).unwrap(), "4c360f3fdafd970e05fae2f149d997f5");
        assert_eq!(of_attributes(&all[1..2]).unwrap(), "a311262e065454b75da111d535b8dacd");
        let bytes = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01";
        let value = AttributeValue::Binary(bytes.to_vec());
        let binary = Attribute { name: "attr1".to_owned(), data_type: "Binary".to_owned(), value };
        assert_eq!(of_attributes([&binary]).unwrap(), "8cbe4db156db8a94db8b801b7addb984");
        assert_eq!(of_attributes([]), None);
    }
}
