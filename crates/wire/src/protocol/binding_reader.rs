//! The HTTP binding of REST protocols, reading: each member of the root structure from where it travels.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::payload::{PayloadReader, refuse_scalars};
use crate::body::Body;
use crate::codec::query::Form;
use crate::codec::text::TextReader;
use crate::codec::{ReadResult, Reader};
use crate::schema::{Kind, Location, Member, Shape};
use crate::timestamp::Timestamp;

/// Reads the document part of a REST message. The flag says whether the document is the whole structure, of which some
/// members travel elsewhere, or the value of the payload member alone.
pub(super) type ReadDocument<'a> =
    dyn FnMut(&[u8], bool, &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> + 'a;

/// A REST message: where the parts of a structure are taken from.
pub(super) struct BindingReader<'a> {
    /// Decoded path labels.
    pub(super) labels: &'a [(&'static str, String)],
    /// Decoded query parameters.
    pub(super) query: &'a Form<'a>,
    /// Headers.
    pub(super) headers: &'a HeaderMap,
    /// Status of an answer; 0 in a request.
    pub(super) status: u16,
    /// The body, taken when it is read.
    pub(super) body: Body,
    /// Reads a document.
    pub(super) document: &'a mut ReadDocument<'a>,
    /// The member that an error is about, if it does not travel in the document.
    pub(super) failed_member: Option<&'static Member>,
}

impl BindingReader<'_> {
    fn header(&self, index: usize, member: &'static Member, each: EachMember<'_>) -> ReadResult<()> {
        let mut values = self.headers.get_all(member.wire_name()).iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let joined = values.map(header_text).collect::<Vec<_>>().join(", ");
        if joined.is_empty() && is_empty_scalar(member) {
            return Ok(());
        }
        each(index, &mut HeaderReader { text: &joined })
    }

    fn headers_map(&self, index: usize, member: &'static Member, each: EachMember<'_>) -> ReadResult<()> {
        let mut reader = PrefixReader { headers: self.headers, prefix: member.wire_name() };
        if reader.keys().next().is_none() { Ok(()) } else { each(index, &mut reader) }
    }

    fn query(&self, index: usize, member: &'static Member, each: EachMember<'_>) -> ReadResult<()> {
        if matches!(member.shape.kind, Kind::Map { .. }) {
            let mut reader = QueryMapReader { query: self.query };
            return if reader.keys().next().is_none() { Ok(()) } else { each(index, &mut reader) };
        }
        match self.query.get(member.wire_name()) {
            None => Ok(()),
            Some("") if is_empty_scalar(member) => Ok(()),
            Some(_) => each(index, &mut QueryValueReader { query: self.query, key: member.wire_name() }),
        }
    }

    fn label(&self, index: usize, member: &'static Member, each: EachMember<'_>) -> ReadResult<()> {
        match self.labels.iter().find(|(name, _)| *name == member.wire_name()) {
            Some((_, value)) => each(index, &mut TextReader::new(value)),
            None => Ok(()),
        }
    }

    fn payload(&mut self, index: usize, member: &'static Member, each: EachMember<'_>) -> ReadResult<()> {
        let body = std::mem::take(&mut self.body);
        if member.streaming || member.event_stream {
            return each(index, &mut PayloadReader { body });
        }
        // A blob or text of length zero counts as absent, as does an empty document.
        let Body::Bytes(bytes) = body else { return Ok(()) };
        match member.shape.kind {
            Kind::Blob | Kind::String | Kind::JsonValue => each(index, &mut PayloadReader { body: Body::Bytes(bytes) }),
            _ => (self.document)(&bytes, false, &mut |reader| each(index, reader)),
        }
    }
}

/// Called with the index of a member and a reader that stands at its value.
type EachMember<'a> = &'a mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>;

/// A number, boolean or time that is given as nothing is not given (`max-keys=`).
fn is_empty_scalar(member: &Member) -> bool {
    matches!(
        member.shape.kind,
        Kind::Boolean | Kind::Integer | Kind::Long | Kind::Float | Kind::Double | Kind::Timestamp(_)
    )
}

/// A header's value as text: UTF-8 if it is that, else each byte a character (Latin-1).
pub(super) fn header_text(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}

impl Reader for BindingReader<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let mut document = false;
        for (index, member) in shape.members().iter().enumerate() {
            let outcome = match member.location {
                Location::Body => {
                    document = true;
                    continue;
                }
                Location::Payload => {
                    self.payload(index, member, each)?;
                    continue;
                }
                Location::Header => self.header(index, member, each),
                Location::Headers => self.headers_map(index, member, each),
                Location::Query => self.query(index, member, each),
                Location::Uri => self.label(index, member, each),
                Location::Status if self.status == 0 => Ok(()),
                Location::Status => each(index, &mut TextReader::new(&self.status.to_string())),
            };
            if outcome.is_err() {
                self.failed_member = Some(member);
                return outcome;
            }
        }
        if !document || shape.payload().is_some() {
            return Ok(());
        }
        match std::mem::take(&mut self.body) {
            Body::Bytes(bytes) => (self.document)(&bytes, true, &mut |reader| reader.structure(shape, each)),
            _ => Ok(()),
        }
    }

    refuse_scalars!(list map string integer float boolean blob timestamp document);
}

/// The value of a header. Lists are separated by commas; an element with a comma inside is quoted, a time has one.
struct HeaderReader<'a> {
    text: &'a str,
}

impl HeaderReader<'_> {
    fn scalar(&self) -> TextReader<'_> {
        TextReader::header(self.text)
    }
}

/// Splits a header's list. `a, "b, c"` has two elements.
fn split_list(text: &str, element: &Member) -> Vec<String> {
    let times = matches!(element.shape.kind, Kind::Timestamp(_));
    let mut elements = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for character in text.chars() {
        let Some(current) = elements.last_mut() else { break };
        match character {
            _ if escaped => {
                current.push(character);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            // The comma after the weekday belongs to the time.
            ',' if !(quoted || times && current.trim_start().chars().count() == 3) => elements.push(String::new()),
            _ => current.push(character),
        }
    }
    elements.iter().map(|element| element.trim().to_owned()).collect()
}

impl Reader for HeaderReader<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        self.scalar().structure(shape, each)
    }

    fn list(&mut self, at: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        let Kind::List { member, .. } = &at.shape.kind else { return self.scalar().list(at, each) };
        if self.text.is_empty() {
            return Ok(());
        }
        for element in split_list(self.text, member) {
            each(&mut TextReader::header(&element))?;
        }
        Ok(())
    }

    fn map(
        &mut self,
        at: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        self.scalar().map(at, each)
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        self.scalar().string(at)
    }

    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        self.scalar().integer(at)
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        self.scalar().float(at)
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        self.scalar().boolean(at)
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        self.scalar().blob(at)
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        self.scalar().timestamp(at)
    }

    fn document(&mut self, at: &'static Member) -> ReadResult<serde_json::Value> {
        self.scalar().document(at)
    }
}

/// Every header that begins with a prefix, as a map (`x-amz-meta-…`).
struct PrefixReader<'a> {
    headers: &'a HeaderMap,
    /// As the model spells it; names in the header map are lower case.
    prefix: &'static str,
}

impl<'a> PrefixReader<'a> {
    /// Names of the headers and what follows the prefix in each.
    fn keys(&self) -> impl Iterator<Item = (&'a http::HeaderName, &'a str)> + use<'a> {
        let prefix = self.prefix.to_ascii_lowercase();
        let headers = self.headers;
        headers.keys().filter_map(move |name| Some((name, name.as_str().strip_prefix(prefix.as_str())?)))
    }
}

impl Reader for PrefixReader<'_> {
    fn map(
        &mut self,
        _: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        for (name, key) in self.keys() {
            let value = self.headers.get_all(name).iter().map(header_text).collect::<Vec<_>>().join(",");
            each(key.to_owned(), &mut TextReader::new(&value))?;
        }
        Ok(())
    }

    refuse_scalars!(structure list string integer float boolean blob timestamp document);
}

/// All values of one query parameter.
struct QueryValueReader<'a> {
    query: &'a Form<'a>,
    key: &'a str,
}

impl QueryValueReader<'_> {
    fn first(&self) -> TextReader<'_> {
        TextReader::new(self.query.get(self.key).unwrap_or_default())
    }
}

impl Reader for QueryValueReader<'_> {
    fn list(&mut self, _: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        self.query.all(self.key).try_for_each(|value| each(&mut TextReader::new(value)))
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        self.first().string(at)
    }

    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        self.first().integer(at)
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        self.first().float(at)
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        self.first().boolean(at)
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        self.first().blob(at)
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        self.first().timestamp(at)
    }

    refuse_scalars!(structure map document);
}

/// All query parameters as a map of text or of lists, those included that are members of their own.
struct QueryMapReader<'a> {
    query: &'a Form<'a>,
}

impl<'a> QueryMapReader<'a> {
    fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut last = None;
        self.query.iter().map(|(key, _)| key).filter(move |key| last.replace(*key) != Some(*key))
    }
}

impl Reader for QueryMapReader<'_> {
    fn map(
        &mut self,
        _: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        for key in self.keys() {
            each(key.to_owned(), &mut QueryValueReader { query: self.query, key })?;
        }
        Ok(())
    }

    refuse_scalars!(structure list string integer float boolean blob timestamp document);
}
