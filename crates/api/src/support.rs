//! What generated files stand on. Everything here serves to keep them short.

pub use std::any::Any;
pub use std::borrow::Cow;
pub use std::collections::BTreeMap;
pub use std::fmt;

pub use bytes::Bytes;
pub use wire::codec::{Missing, ReadResult, ReadValue, Reader, Structure, WriteValue, Writer};
pub use wire::schema::{
    Constraints, ErrorDef, Fault, HttpBinding, Kind, Location, Member, OperationCodec, OperationDef, Protocol,
    QueryKey, Segment, ServiceDef, Shape, TimestampFormat, Validation, XmlNamespace,
};
pub use wire::{Body, Error, Timestamp};

pub use crate::operation::{ReadStructure, read_structure};

use wire::codec::ReadError;

/// A shape without constraints.
pub const fn shape(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, constraints: &Constraints::NONE, sensitive: false }
}

/// A plain body member.
pub const fn member(name: &'static str, shape: &'static Shape) -> Member {
    Member::new(name, shape)
}

/// A client's error with status 400, a `message` and nothing else.
pub const fn error(name: &'static str) -> ErrorDef {
    ErrorDef {
        name,
        code: name,
        status: 400,
        fault: Fault::Client,
        message_member: "message",
        members: &[],
        query_code: None,
    }
}

/// An operation that is signed, not REST, without any permission that would allow it to other callers than the account
/// root, and not built.
pub const fn operation(name: &'static str, index: u16) -> OperationDef {
    OperationDef {
        name,
        index,
        http: &HttpBinding::ROOT,
        unsigned: false,
        host_prefix: None,
        compressed_requests: false,
        result_wrapper: None,
        input_root: None,
        output_root: None,
        unwrapped_output: false,
        deprecated: false,
        validation_code: None,
        always_allowed: false,
        actions: &[],
        actions_by_content: &[],
        codec: None,
    }
}

/// The codec of an operation.
pub const fn codec<I: ReadStructure>(input: &'static Shape, output: &'static Shape) -> OperationCodec {
    OperationCodec { input, output, read_input: read_input::<I> }
}

/// Reads an input without knowing its type.
pub fn read_input<T: ReadStructure>(reader: &mut dyn Reader) -> ReadResult<Box<dyn Structure>> {
    Ok(Box::new(read_structure::<T>(reader)?))
}

/// Reads a union: `null` members count as absent, and more than one member is refused.
pub fn read_union<T: Default>(
    shape: &'static Shape,
    reader: &mut dyn Reader,
    read: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<T>,
) -> ReadResult<T> {
    let mut found = None;
    reader.structure(shape, &mut |index, reader| {
        if found.is_some() {
            return Err(ReadError::new(""));
        }
        found = Some(read(index, reader)?);
        Ok(())
    })?;
    Ok(found.unwrap_or_default())
}

/// Reads a union of which the service itself says that there may be only one member: more of them read as `several`.
pub fn read_lenient_union<T: Default>(
    shape: &'static Shape,
    reader: &mut dyn Reader,
    several: T,
    read: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<T>,
) -> ReadResult<T> {
    let (mut found, mut count) = (T::default(), 0);
    reader.structure(shape, &mut |index, reader| {
        found = read(index, reader)?;
        count += 1;
        Ok(())
    })?;
    Ok(if count > 1 { several } else { found })
}

/// Writes a structure as a member, element or value.
pub fn write_structure(structure: &dyn Structure, writer: &mut dyn Writer) {
    writer.begin_structure(structure.shape());
    structure.write_members(writer);
    writer.end_structure();
}

/// Writes a member that is always there.
pub fn put<T: WriteValue>(writer: &mut dyn Writer, member: &'static Member, value: &T) {
    writer.member(member);
    value.write(writer, member);
}

/// Writes a required member that a caller may have left out.
pub fn put_needed<T: WriteValue>(writer: &mut dyn Writer, member: &'static Member, value: &T, missing: bool) {
    if missing { writer.missing(member) } else { put(writer, member, value) }
}

/// Writes a member that need not be there.
pub fn put_optional<T: WriteValue>(writer: &mut dyn Writer, member: &'static Member, value: &Option<T>) {
    if let Some(value) = value {
        put(writer, member, value);
    }
}

/// Writes a streaming payload that is still there. Once a protocol has taken it, nothing of it belongs in a document.
pub fn put_body(writer: &mut dyn Writer, member: &'static Member, body: &Body) {
    if !matches!(body, Body::Empty) {
        put(writer, member, body);
    }
}

/// Stands for a value that must not be shown.
pub struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

/// Makes a structure a value that can be read and written.
macro_rules! structure_value {
    ($type:ident) => {
        impl ReadValue for $type {
            fn read(reader: &mut dyn Reader, _: &'static Member) -> ReadResult<Self> {
                read_structure(reader)
            }
        }
        impl WriteValue for $type {
            fn write(&self, writer: &mut dyn Writer, _: &'static Member) {
                write_structure(self, writer);
            }
        }
    };
}

/// Declares a built operation: its type, the name of its codec, its place in the table, its input and output.
macro_rules! built_operation {
    ($name:ident, $codec:ident, $index:literal, $input:path: $input_schema:path, $output:path: $output_schema:path) => {
        #[doc = concat!("`", stringify!($name), "`.")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl $crate::Operation for $name {
            type Input = $input;
            type Output = $output;
            fn definition() -> &'static wire::schema::OperationDef {
                &super::definition::OPERATIONS[$index]
            }
            fn service() -> &'static wire::schema::ServiceDef {
                &super::definition::SERVICE
            }
        }

        pub(super) static $codec: wire::schema::OperationCodec =
            $crate::support::codec::<$input>(&$input_schema, &$output_schema);
    };
}

pub(crate) use built_operation;
pub(crate) use structure_value;

#[cfg(test)]
mod tests {
    use super::*;
    use wire::codec::json::{JsonReader, Wording};

    static TEXT: Shape = shape("Text", Kind::String);
    static CHOICE: Shape = shape("Choice", Kind::Union { members: &CHOICES });
    static CHOICES: [Member; 2] = [member("S", &TEXT), member("N", &TEXT)];

    fn read(document: &str) -> ReadResult<Option<(usize, String)>> {
        let mut reader = JsonReader::new(document.as_bytes(), Wording::Token)?;
        read_union(&CHOICE, &mut reader, &mut |index, reader| {
            Ok(Some((index, ReadValue::read(reader, &CHOICES[index])?)))
        })
    }

    #[test]
    fn a_union_has_one_member_and_neither_its_type_nor_null_counts() {
        let second = Some((1, "1".to_owned()));
        assert_eq!(read(r#"{"N":"1"}"#), Ok(second.clone()));
        assert_eq!(read(r#"{"__type":"Choice","S":null,"N":"1"}"#), Ok(second));
        assert_eq!(read("{}"), Ok(None));
    }

    #[test]
    fn a_union_with_two_members_cannot_be_read_and_the_framework_says_no_more() {
        // What a service says instead (DynamoDB has a sentence for it) is up to the type it reads the union into.
        assert_eq!(read(r#"{"S":"a","N":"1"}"#), Err(ReadError::new("")));
    }

    #[test]
    fn a_lenient_union_tells_when_it_has_several_members() {
        let read = |document: &str| {
            let mut reader = JsonReader::new(document.as_bytes(), Wording::Token)?;
            read_lenient_union(&CHOICE, &mut reader, Some(9), &mut |index, reader| {
                String::read(reader, &CHOICES[index]).map(|_| Some(index))
            })
        };
        assert_eq!(read(r#"{"S":"a","N":"1"}"#), Ok(Some(9)));
        assert_eq!(read(r#"{"S":null,"N":"1"}"#), Ok(Some(1)));
        assert_eq!(read("{}"), Ok(None));
    }
}
