//! Where a list goes on: opaque to callers, readable to us.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Error;

use crate::errors;
use crate::function::Version;
use crate::names;

/// Items of a page unless set, and most of them whatever is asked for. API reference, ListFunctions.
const PAGE_ITEMS_MAX: usize = 50;

/// Number of items of a page.
pub fn page_items(max_items: Option<i32>) -> usize {
    max_items.map_or(PAGE_ITEMS_MAX, |max| max.unsigned_abs() as usize).clamp(1, PAGE_ITEMS_MAX)
}

/// The marker behind a version of a function.
pub fn write(name: &str, version: Version) -> String {
    URL_SAFE_NO_PAD.encode(format!("{name}:{version}"))
}

/// The marker behind a name.
pub fn write_name(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

/// The name a marker stands behind.
pub fn read_name(marker: &str) -> Result<String, Error> {
    let text = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(invalid)
}

/// The answer to a marker that was not given out here.
pub fn invalid() -> Error {
    errors::invalid_parameter("The Marker provided is invalid.")
}

/// The function and version a marker stands behind.
pub fn read(marker: &str) -> Result<(String, Version), Error> {
    let text = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_deref().and_then(|text| text.split_once(':'));
    let parts = parts.and_then(|(name, version)| Some((name.to_owned(), names::version(version)?)));
    parts.ok_or_else(invalid)
}
