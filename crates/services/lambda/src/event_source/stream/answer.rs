//! What a function answers about the records of a stream.

use serde_json::Value;
use serde_json::value::RawValue;

use super::lane::Tracked;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All records are done with; the new state, if there is a window.
    Handled(Option<String>),
    /// Those before this one are done with; the new state, if there is a window.
    Until(usize, Option<String>),
    /// None is.
    Failed,
}

/// Reads an answer. `reports` says whether failures are looked for, `has_window` whether there must be a state.
/// Developer guide, "Implementing partial batch responses": the lowest sequence number counts, and an answer that makes no
/// sense fails all.
pub fn read(answer: &[u8], records: &[Tracked], reports: bool, has_window: bool) -> Verdict {
    let state = has_window.then(|| state(answer)).flatten();
    if has_window && state.is_none() {
        return Verdict::Failed;
    }
    if !reports {
        return Verdict::Handled(state);
    }
    match first_failure(answer, records) {
        Some(None) => Verdict::Handled(state),
        Some(Some(place)) => Verdict::Until(place, state),
        None => Verdict::Failed,
    }
}

fn state(answer: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        state: &'a RawValue,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer).ok()?;
    let state = answer.state.get();
    state.starts_with('{').then(|| state.to_owned())
}

/// The first record that is said to have failed, if any; `None` if the answer makes no sense.
fn first_failure(answer: &[u8], records: &[Tracked]) -> Option<Option<usize>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let reported = match &answer {
        Value::Null => return Some(None),
        Value::Object(members) => members.get("batchItemFailures").unwrap_or(&Value::Null),
        Value::String(text) if text.is_empty() => return Some(None),
        _ => return None,
    };
    let reported = match reported {
        Value::Null => return Some(None),
        Value::Array(reported) => reported,
        _ => return None,
    };
    let place = |item: &Value| {
        let id = item.get("itemIdentifier")?.as_str()?;
        records.iter().position(|tracked| tracked.record.sequence == id)
    };
    let places: Option<Vec<usize>> = reported.iter().map(place).collect();
    Some(places?.into_iter().min())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_source::stream::record::Record;

    fn records() -> Vec<Tracked> {
        let record = |number: u64| Record {
            sequence: (number + 10).to_string(),
            arrived_at: 0,
            key: String::new(),
            json: "{}".to_owned(),
        };
        (0..3).map(|number| Tracked { number, record: record(number) }).collect()
    }

    #[test]
    fn the_lowest_failure_counts() {
        let verdict = |answer: &str| read(answer.as_bytes(), &records(), true, false);
        assert_eq!(verdict("null"), Verdict::Handled(None));
        assert_eq!(verdict(r#"{"batchItemFailures":[]}"#), Verdict::Handled(None));
        let both = r#"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]}"#;
        assert_eq!(verdict(both), Verdict::Until(1, None));
        for broken in ["7", r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, r#"{"batchItemFailures":[{}]}"#] {
            assert_eq!(verdict(broken), Verdict::Failed, "{broken}");
        }
        assert_eq!(read(b"7", &records(), false, false), Verdict::Handled(None));
    }

    #[test]
    fn a_window_needs_a_state() {
        let verdict = |answer: &str| read(answer.as_bytes(), &records(), true, true);
        assert_eq!(verdict(r#"{"state":{"a": 1}}"#), Verdict::Handled(Some(r#"{"a": 1}"#.to_owned())));
        assert_eq!(verdict("{}"), Verdict::Failed);
        assert_eq!(verdict(r#"{"state":7}"#), Verdict::Failed);
    }
}
