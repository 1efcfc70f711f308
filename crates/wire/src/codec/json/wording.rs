//! What AWS says about a JSON value of the wrong type. Two generations of its framework are in use.

use crate::codec::ReadError;
use crate::schema::{Kind, Member, Shape};

/// The generation of texts a service uses for values of the wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// `NUMBER_VALUE cannot be converted to String`: services of JSON 1.0, DynamoDB first of all.
    Token,
    /// `class java.lang.Boolean can not be converted to an String`: JSON 1.1 and REST services.
    Class,
}

/// The kind of value that stands in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    String,
    Number,
    Decimal,
    True,
    False,
    List,
    Object,
    Nothing,
}

impl Found {
    fn token(self) -> &'static str {
        match self {
            Found::String => "STRING_VALUE",
            Found::Number => "NUMBER_VALUE",
            Found::Decimal => "DECIMAL_VALUE",
            Found::True => "TRUE_VALUE",
            Found::False => "FALSE_VALUE",
            Found::List | Found::Object | Found::Nothing => "",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Found::String => "java.lang.String",
            Found::True | Found::False => "java.lang.Boolean",
            _ => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
        }
    }
}

fn type_name(shape: &Shape) -> &'static str {
    match shape.kind {
        Kind::Boolean => "Boolean",
        Kind::Integer => "Integer",
        Kind::Long => "Long",
        Kind::Float => "Float",
        Kind::Double => "Double",
        Kind::Timestamp(_) => "Date",
        _ => "String",
    }
}

impl Wording {
    /// A scalar was expected.
    pub(super) fn scalar(self, at: &Member, found: Found) -> ReadError {
        let wanted = type_name(at.shape);
        ReadError::new(match (self, found) {
            (_, Found::Nothing) => String::new(),
            (Wording::Token, Found::Object) => "Start of structure or map found where not expected".to_owned(),
            (Wording::Token, Found::List) => format!("Unrecognized collection type class java.lang.{wanted}"),
            (Wording::Token, _) => format!("{} cannot be converted to {wanted}", found.token()),
            (Wording::Class, Found::Object) => "Start of structure or map found where not expected.".to_owned(),
            (Wording::Class, Found::List) => "Start of list found where not expected".to_owned(),
            (Wording::Class, _) => format!("class {} can not be converted to an {wanted}", found.class()),
        })
    }

    /// A blob was expected.
    pub(super) fn blob(self, found: Found) -> ReadError {
        ReadError::new(match (self, found) {
            (_, Found::Nothing) => String::new(),
            (Wording::Token, Found::Object) => "Start of structure or map found where not expected".to_owned(),
            (Wording::Token, Found::List) => "Unrecognized collection type class java.nio.ByteBuffer".to_owned(),
            (Wording::Token, _) => "only base-64-encoded strings are convertible to bytes".to_owned(),
            (Wording::Class, Found::Object) => "Start of structure or map found where not expected.".to_owned(),
            (Wording::Class, Found::List) => "Start of list found where not expected".to_owned(),
            (Wording::Class, _) => format!("class {} can not be converted to a Blob", found.class()),
        })
    }

    /// A blob's text is not base64.
    pub(super) fn base64(self, text: &str, sensitive: bool) -> ReadError {
        let stray = text.chars().find(|&c| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')));
        let reason = match stray {
            _ if !text.len().is_multiple_of(4) => {
                format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len())
            }
            Some(stray) => format!("Invalid Base64 character: '{stray}'"),
            // AWS's own spelling.
            None => "Invalid last non-pad Base64 character dectected".to_owned(),
        };
        ReadError::new(match self {
            Wording::Token => reason,
            Wording::Class if sensitive => format!("Can not be converted to a Blob: {reason}"),
            Wording::Class => format!("'{text}' can not be converted to a Blob: {reason}"),
        })
    }

    /// A list was expected.
    pub(super) fn list(self, found: Found) -> ReadError {
        ReadError::new(match (self, found) {
            (_, Found::Nothing) => "",
            (Wording::Token, Found::Object) => "Start of structure or map found where not expected",
            (Wording::Token, _) => "Unexpected field type",
            (Wording::Class, Found::Object) => "Start of structure or map found where not expected.",
            (Wording::Class, _) => "Expected list or null",
        })
    }

    /// A map was expected.
    pub(super) fn map(self, found: Found) -> ReadError {
        ReadError::new(match (self, found) {
            (_, Found::Nothing) => "",
            (Wording::Token, Found::List) => "Unrecognized collection type java.util.Map",
            (Wording::Token, _) => "Unexpected field type",
            (Wording::Class, Found::List) => "Start of list found where not expected",
            (Wording::Class, _) => "Expected map or null",
        })
    }

    /// A structure was expected.
    pub(super) fn structure(self, found: Found, shape: &Shape) -> ReadError {
        ReadError::new(match (self, found) {
            (_, Found::Nothing) => String::new(),
            (Wording::Token, Found::List) => format!("Unrecognized collection type class {}", shape.name),
            (Wording::Token, _) => "Unexpected value type in payload".to_owned(),
            (Wording::Class, Found::List) => "Start of list found where not expected".to_owned(),
            (Wording::Class, _) => "Expected null".to_owned(),
        })
    }
}
