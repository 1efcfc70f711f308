//! What the objects of an import hold: records of DynamoDB's JSON, or of CSV.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::Table;
use crate::value::{Item, Kind, Value, Wording, item_of_json, read_item};

/// The form of an import's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// A JSON object `{"Item": …}` in each line.
    Json,
    /// Comma-separated values (RFC 4180).
    Csv {
        /// What is between fields.
        delimiter: u8,
        /// The names of the fields, if the first line does not hold them.
        header: Option<Vec<String>>,
    },
}

/// Splits a stream of bytes into records: lines, but for those inside quotes.
#[derive(Debug, Default)]
pub struct Splitter {
    quotes: bool,
    quoted: bool,
    pending: Vec<u8>,
}

impl Splitter {
    /// For objects of a format.
    pub fn new(format: &Format) -> Splitter {
        Splitter { quotes: matches!(format, Format::Csv { .. }), ..Splitter::default() }
    }

    /// The records that some more bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        for byte in bytes {
            if self.quotes && *byte == b'"' {
                self.quoted = !self.quoted;
            }
            if *byte == b'\n' && !self.quoted {
                records.push(std::mem::take(&mut self.pending));
            } else {
                self.pending.push(*byte);
            }
        }
        records
    }

    /// Bytes of a record that is not complete.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What is left at the end.
    pub fn rest(self) -> Option<Vec<u8>> {
        (!self.pending.is_empty()).then_some(self.pending)
    }
}

/// Reads the records of one object.
#[derive(Debug)]
pub struct Records<'t> {
    table: &'t Table,
    format: &'t Format,
    header: Option<Vec<String>>,
}

impl<'t> Records<'t> {
    /// For a table.
    pub fn new(table: &'t Table, format: &'t Format) -> Records<'t> {
        let header = match format {
            Format::Json => None,
            Format::Csv { header, .. } => header.clone(),
        };
        Records { table, format, header }
    }

    /// The item of a record, or what is wrong with it; nothing for a header and for empty lines.
    pub fn item(&mut self, record: &[u8]) -> Option<Result<Item, String>> {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if record.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let Ok(text) = std::str::from_utf8(record) else { return Some(Err("not UTF-8".to_owned())) };
        match self.format {
            Format::Json => Some(json_item(text)),
            Format::Csv { delimiter, .. } => {
                let fields = csv_fields(text, char::from(*delimiter));
                match &self.header {
                    None => {
                        self.header = Some(fields);
                        None
                    }
                    Some(header) => Some(csv_item(self.table, header, fields)),
                }
            }
        }
    }
}

fn json_item(text: &str) -> Result<Item, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let item = json.get("Item").and_then(item_of_json).ok_or_else(|| "no Item in DynamoDB's JSON".to_owned())?;
    read_item(item, Wording::Older)
}

/// The fields of a record.
pub fn csv_fields(text: &str, delimiter: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields[last].push('"');
            }
            '"' => quoted = !quoted,
            other if other == delimiter && !quoted => fields.push(String::new()),
            other => fields[last].push(other),
        }
    }
    fields
}

/// Attributes are strings, but for keys, which have their types.
fn csv_item(table: &Table, header: &[String], fields: Vec<String>) -> Result<Item, String> {
    if fields.len() > header.len() {
        return Err("more fields than the header names".to_owned());
    }
    let mut attributes = BTreeMap::new();
    for (name, field) in header.iter().zip(fields) {
        let value = match table.kind_of(name) {
            Some(Kind::N) => api::dynamodb::AttributeValue::N(field),
            Some(Kind::B) => api::dynamodb::AttributeValue::B(field.into_bytes().into()),
            _ => api::dynamodb::AttributeValue::S(field),
        };
        attributes.insert(name.clone(), value);
    }
    let item = read_item(attributes, Wording::Older)?;
    // An empty field in the place of an index's key leaves the item out of the index.
    let is_empty = |value: &Value| matches!(value, Value::S(text) if text.is_empty());
    let keeps = |name: &String, value: &Value| !is_empty(value) || table.kind_of(name).is_none() || table.key.has(name);
    Ok(item.into_iter().filter(|(name, value)| keeps(name, value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_with_lines_but_not_inside_quotes() {
        let csv = Format::Csv { delimiter: b',', header: None };
        let mut splitter = Splitter::new(&csv);
        let mut records = splitter.feed(b"a,\"b\nc\",");
        records.extend(splitter.feed(b"d\nnext\nlast"));
        assert_eq!(records, [b"a,\"b\nc\",d".to_vec(), b"next".to_vec()]);
        assert_eq!((splitter.pending(), splitter.rest()), (4, Some(b"last".to_vec())));
        let mut splitter = Splitter::new(&Format::Json);
        assert_eq!(splitter.feed(b"\"a\nb\"\n").len(), 2);
    }

    #[test]
    fn fields_are_those_of_rfc_4180() {
        for (text, delimiter, expected) in [
            ("a,b,c", ',', &["a", "b", "c"][..]),
            ("", ',', &[""]),
            ("a,,", ',', &["a", "", ""]),
            ("\"a,b\",c", ',', &["a,b", "c"]),
            ("\"say \"\"hi\"\"\",x", ',', &["say \"hi\"", "x"]),
            ("a;b,c", ';', &["a", "b,c"]),
            ("a\tb", '\t', &["a", "b"]),
        ] {
            assert_eq!(csv_fields(text, delimiter), expected, "{text}");
        }
    }
}
