//! Items as they are stored: a format number, then attributes in order of their names. Lengths and counts are variable
//! (seven bits a byte, the lowest first), numbers are as in keys.

use bytes::Bytes;

use super::{DEPTH_MAX, Item, Value};
use crate::number::Number;

/// First byte of a stored item.
const FORMAT: u8 = 1;

const STRING: u8 = 1;
const NUMBER: u8 = 2;
const BINARY: u8 = 3;
const TRUE: u8 = 4;
const FALSE: u8 = 5;
const NULL: u8 = 6;
const STRINGS: u8 = 7;
const NUMBERS: u8 = 8;
const BINARIES: u8 = 9;
const LIST: u8 = 10;
const MAP: u8 = 11;

/// The stored form of an item.
pub fn encode_item(item: &Item) -> Vec<u8> {
    let mut out = Vec::with_capacity(super::item_size(item) + 4 * item.len() + 2);
    out.push(FORMAT);
    write_map(item, &mut out);
    out
}

/// The stored form of one value, without a format number: part of another row.
pub fn encode_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::S(text) => write_bytes(STRING, text.as_bytes(), out),
        Value::N(number) => {
            out.push(NUMBER);
            number.write_key(out);
        }
        Value::B(bytes) => write_bytes(BINARY, bytes, out),
        Value::Bool(true) => out.push(TRUE),
        Value::Bool(false) => out.push(FALSE),
        Value::Null => out.push(NULL),
        Value::Ss(set) => {
            out.push(STRINGS);
            write_length(set.len(), out);
            set.iter().for_each(|text| write_plain(text.as_bytes(), out));
        }
        Value::Ns(set) => {
            out.push(NUMBERS);
            write_length(set.len(), out);
            set.iter().for_each(|number| number.write_key(out));
        }
        Value::Bs(set) => {
            out.push(BINARIES);
            write_length(set.len(), out);
            set.iter().for_each(|bytes| write_plain(bytes, out));
        }
        Value::L(list) => {
            out.push(LIST);
            write_length(list.len(), out);
            list.iter().for_each(|value| encode_value(value, out));
        }
        Value::M(map) => {
            out.push(MAP);
            write_map(map, out);
        }
    }
}

fn write_map(map: &Item, out: &mut Vec<u8>) {
    write_length(map.len(), out);
    for (name, value) in map {
        write_plain(name.as_bytes(), out);
        encode_value(value, out);
    }
}

fn write_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    write_plain(bytes, out);
}

fn write_plain(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length > 0x7F {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// The item of a row; `None` if the row is damaged or of another format. Binary values share the row's memory.
pub fn decode_item(row: &Bytes) -> Option<Item> {
    let mut reader = Reader { row, position: 0 };
    if reader.byte()? != FORMAT {
        return None;
    }
    let item = reader.map(0)?;
    (reader.position == row.len()).then_some(item)
}

/// The value at the front of the bytes, and how many bytes it takes.
pub fn decode_value(row: &Bytes) -> Option<(Value, usize)> {
    let mut reader = Reader { row, position: 0 };
    let value = reader.value(0)?;
    Some((value, reader.position))
}

struct Reader<'a> {
    row: &'a Bytes,
    position: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.row.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    fn length(&mut self) -> Option<usize> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                // Nothing in a row is longer than the row.
                return (length <= self.row.len()).then_some(length);
            }
            shift += 7;
        }
    }

    fn range(&mut self) -> Option<std::ops::Range<usize>> {
        let length = self.length()?;
        let range = self.position..self.position.checked_add(length)?;
        self.row.get(range.clone())?;
        self.position = range.end;
        Some(range)
    }

    fn text(&mut self) -> Option<String> {
        let range = self.range()?;
        std::str::from_utf8(&self.row[range]).ok().map(str::to_owned)
    }

    fn binary(&mut self) -> Option<Bytes> {
        let range = self.range()?;
        Some(self.row.slice(range))
    }

    fn number(&mut self) -> Option<Number> {
        let (number, rest) = Number::read_key(&self.row[self.position..])?;
        self.position = self.row.len() - rest.len();
        Some(number)
    }

    fn many<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.length()?;
        (0..count).map(|_| read(self)).collect()
    }

    fn map(&mut self, depth: usize) -> Option<Item> {
        let entries = self.many(|reader| Some((reader.text()?, reader.value(depth)?)))?;
        Some(entries.into_iter().collect())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        // What is stored was checked; this only keeps damage from exhausting the stack.
        if depth > DEPTH_MAX + 1 {
            return None;
        }
        Some(match self.byte()? {
            STRING => Value::S(self.text()?),
            NUMBER => Value::N(self.number()?),
            BINARY => Value::B(self.binary()?),
            TRUE => Value::Bool(true),
            FALSE => Value::Bool(false),
            NULL => Value::Null,
            STRINGS => Value::Ss(self.many(Self::text)?),
            NUMBERS => Value::Ns(self.many(Self::number)?),
            BINARIES => Value::Bs(self.many(Self::binary)?),
            LIST => Value::L(self.many(|reader| reader.value(depth + 1))?),
            MAP => Value::M(self.map(depth + 1)?),
            _ => return None,
        })
    }
}
