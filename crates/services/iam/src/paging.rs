//! Pages of a list, and the markers between them. A marker tells the last item that was seen, so that pages fit together
//! whatever was added or removed meanwhile.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Error;

use crate::errors;
use crate::limits::PAGE_ITEMS_DEFAULT;

/// First byte of every marker: the version of what follows.
const MARKER_VERSION: u8 = 1;

/// The page a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Key of the last item of the page before.
    pub after: Option<String>,
    /// Most items.
    pub items_max: usize,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// What the next page is asked with; `None` on the last one.
    pub marker: Option<String>,
}

impl Page {
    /// Reads what the caller gave; the model has checked the number's bounds.
    ///
    /// # Errors
    /// A marker that no answer of ours carried.
    pub fn of(marker: Option<&str>, max_items: Option<i32>) -> Result<Page, Error> {
        let after = marker.map(decode).transpose()?;
        let items_max = max_items.and_then(|items| usize::try_from(items).ok()).unwrap_or(PAGE_ITEMS_DEFAULT);
        Ok(Page { after, items_max: items_max.max(1) })
    }

    /// Cuts the page out of a whole list that is sorted by `key`, or at least always has the same order.
    pub fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> &str) -> Paged<T> {
        let start = self.after.as_deref().map_or(0, |after| {
            let seen = items.iter().position(|item| key(item) == after);
            let next = || items.iter().position(|item| key(item) > after).unwrap_or(items.len());
            seen.map_or_else(next, |seen| seen + 1)
        });
        let left = items.len() - start;
        let mut items: Vec<T> = items.into_iter().skip(start).take(self.items_max).collect();
        items.shrink_to_fit();
        let marker = (left > items.len()).then(|| items.last().map(|last| encode(key(last)))).flatten();
        Paged { items, marker }
    }
}

impl<T> Paged<T> {
    /// As answers say whether there is more.
    pub fn is_truncated(&self) -> Option<bool> {
        Some(self.marker.is_some())
    }
}

/// The marker behind the item with that key.
pub fn encode(key: &str) -> String {
    let mut bytes = vec![MARKER_VERSION];
    bytes.extend_from_slice(key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(marker: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    let key = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(&[MARKER_VERSION])).map(<[u8]>::to_vec);
    key.and_then(|key| String::from_utf8(key).ok()).ok_or_else(|| errors::invalid("Invalid Marker."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(items: &[&'static str], size: i32) -> Vec<Vec<&'static str>> {
        let (mut pages, mut marker) = (Vec::new(), None::<String>);
        loop {
            let page = Page::of(marker.as_deref(), Some(size)).unwrap().cut(items.to_vec(), |item| item);
            pages.push(page.items);
            marker = page.marker;
            if marker.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn pages_fit_together() {
        assert_eq!(walk(&["a", "b", "c"], 2), [vec!["a", "b"], vec!["c"]]);
        assert_eq!(walk(&["a", "b"], 2), [vec!["a", "b"]]);
        assert_eq!(walk(&[], 2), [Vec::<&str>::new()]);
    }

    #[test]
    fn a_marker_outlives_its_item() {
        let page = Page::of(Some(&encode("b")), None).unwrap();
        assert_eq!(page.cut(vec!["a", "c", "d"], |item| item).items, ["c", "d"]);
        assert_eq!(page.cut(vec!["a"], |item| item).items, Vec::<&str>::new());
    }

    #[test]
    fn foreign_markers_are_refused() {
        for marker in ["", "invalid", "AAAA", "~"] {
            let error = Page::of(Some(marker), None).unwrap_err().to_string();
            assert_eq!(error, "ValidationError: Invalid Marker.", "{marker}");
        }
    }

    proptest! {
        #[test]
        fn no_marker_breaks_the_reader(marker: String) {
            let _ = Page::of(Some(&marker), None);
        }
    }
}
