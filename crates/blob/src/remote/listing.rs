//! What the server's documents say.

use std::time::Duration;

use http::header;
use outbound::Answer;
use quick_xml::Reader;
use quick_xml::events::Event;
use wire::Timestamp;

use crate::error::BlobError;

/// A page of blobs or of uploads.
pub(super) struct Page {
    pub listed: Vec<Listed>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The server's time, in seconds since 1970.
    now: i64,
}

/// A blob or an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub key: String,
    pub size: u64,
    /// The id of an upload.
    pub upload: Option<String>,
    /// When it was last written, or begun, in seconds since 1970; `None` is taken for now.
    written: Option<i64>,
}

impl Page {
    /// Reads the answer to a listing.
    pub(super) fn read(answer: &Answer) -> Result<Page, BlobError> {
        let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let now = date.and_then(Timestamp::parse).ok_or_else(|| BlobError::Remote("list: no date".to_owned()))?;
        let mut page = Page { listed: Vec::new(), next: None, now: now.seconds };
        let mut open = None;
        elements(&answer.body, |name, text| match (name, text) {
            ("Contents" | "Upload", None) => page.listed.extend(open.replace(Listed::default())),
            ("NextContinuationToken", Some(text)) => page.next = Some(text.to_owned()),
            (name, Some(text)) => {
                if let Some(listed) = &mut open {
                    match name {
                        "Key" => text.clone_into(&mut listed.key),
                        "Size" => listed.size = text.parse().unwrap_or_default(),
                        "UploadId" => listed.upload = Some(text.to_owned()),
                        "LastModified" | "Initiated" => {
                            listed.written = Timestamp::parse(text).map(|time| time.seconds);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        })?;
        page.listed.extend(open);
        Ok(page)
    }

    /// How long ago it was written.
    pub(super) fn age(&self, listed: &Listed) -> Duration {
        let age = self.now - listed.written.unwrap_or(self.now);
        Duration::from_secs(age.try_into().unwrap_or_default())
    }
}

/// The text of the first element of that name.
pub(super) fn element(document: &[u8], name: &str) -> Option<String> {
    let mut found = None;
    let read = elements(document, |element, text| {
        if let (true, None, Some(text)) = (element == name, &found, text) {
            found = Some(text.to_owned());
        }
    });
    read.ok().and(found)
}

/// Tells of every element: when it begins, and when it ends with the text that was last in it.
fn elements(document: &[u8], mut each: impl FnMut(&str, Option<&str>)) -> Result<(), BlobError> {
    let unreadable = |reason: String| BlobError::Remote(format!("the server's document: {reason}"));
    let text = std::str::from_utf8(document).map_err(|error| unreadable(error.to_string()))?;
    let mut reader = Reader::from_str(text);
    let mut value = String::new();
    loop {
        match reader.read_event().map_err(|error| unreadable(error.to_string()))? {
            Event::Start(start) => {
                value.clear();
                each(start.local_name().as_ref(), None);
            }
            Event::Text(text) => value.push_str(&text),
            Event::GeneralRef(reference) => {
                let escaped = format!("&{};", &*reference);
                let resolved = quick_xml::escape::unescape(&escaped);
                value.push_str(&resolved.map_err(|error| unreadable(error.to_string()))?);
            }
            Event::End(end) => {
                each(end.local_name().as_ref(), Some(&value));
                value.clear();
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use outbound::Whole;

    use super::*;

    fn answer(body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, "Thu, 01 Jan 2026 00:01:00 GMT".parse().expect("a date"));
        Answer { status: 200, headers, body: Bytes::from_static(body.as_bytes()), is_whole: Whole::Yes }
    }

    #[test]
    fn a_page_of_blobs_is_read() {
        let page = Page::read(&answer(
            "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><IsTruncated>true</IsTruncated><Contents>\
             <Key>p/objects/a&amp;b</Key><LastModified>2026-01-01T00:00:30.000Z</LastModified><Size>7</Size></Contents>\
             <Contents><Key>c</Key></Contents><NextContinuationToken>a+/=</NextContinuationToken></ListBucketResult>",
        ))
        .expect("readable");
        assert_eq!(page.next.as_deref(), Some("a+/="));
        let found: Vec<_> = page.listed.iter().map(|listed| (listed.key.as_str(), listed.size)).collect();
        assert_eq!(found, [("p/objects/a&b", 7), ("c", 0)]);
        assert_eq!(page.age(&page.listed[0]), Duration::from_secs(30));
        assert_eq!(page.age(&page.listed[1]), Duration::ZERO);
    }

    #[test]
    fn uploads_and_errors_are_read() {
        let document =
            "<R><Upload><Key>k</Key><UploadId>u</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload></R>";
        let page = Page::read(&answer(document)).expect("readable");
        assert_eq!(page.listed[0].upload.as_deref(), Some("u"));
        assert_eq!(page.age(&page.listed[0]), Duration::from_secs(60));
        assert_eq!(element(b"<Error><Code>AccessDenied</Code></Error>", "Code").as_deref(), Some("AccessDenied"));
        assert_eq!(element(b"not xml <", "Code"), None);
        assert!(Page::read(&answer("<a></b>")).is_err());
    }
}
