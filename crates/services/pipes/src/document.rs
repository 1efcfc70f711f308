//! Structures of the API as JSON: how parameters are kept, and how records of streams become events.

use serde_json::Value;
use wire::codec::json::{JsonReader, JsonWriter, Wording};
use wire::codec::{Structure, Writer};

/// A structure as JSON.
pub fn text(structure: &dyn Structure) -> String {
    let mut writer = JsonWriter::new();
    writer.begin_structure(structure.shape());
    structure.write_members(&mut writer);
    writer.end_structure();
    writer.finish()
}

/// A structure as a JSON value.
pub fn value(structure: &dyn Structure) -> Value {
    serde_json::from_str(&text(structure)).unwrap_or_default()
}

/// Reads a structure that was kept as JSON; one that cannot be read is empty.
pub fn read<T: api::ReadStructure + Default>(text: &str) -> T {
    let reader = JsonReader::new(text.as_bytes(), Wording::Token);
    reader.ok().and_then(|mut reader| api::read_structure(&mut reader).ok()).unwrap_or_default()
}
