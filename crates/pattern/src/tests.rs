//! AWS's documented and recorded cases, and a naive matcher that has to agree on random ones.

mod cases;
mod naive;
mod texts;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[test]
fn combinations_are_counted_as_sns_counts_them() {
    let count = |pattern: Value| Pattern::parse(&pattern.to_string()).unwrap().combinations();
    assert_eq!(count(json!({"a": ["1", "2", "3"], "b": ["4", "5"]})), 6);
    let nested = json!({"key_a": {"key_b": {"key_c": ["1", "2", "3", "4"]}}, "key_d": {"key_e": ["1", "2", "3"]}});
    assert_eq!(count(nested), 72);
    assert_eq!(count(json!({"$or": [{"a": ["1", "2"]}, {"b": ["3"]}], "c": ["4", "5"]})), 6);
}

#[test]
fn an_index_finds_what_each_pattern_finds_alone() {
    let mut index = Index::default();
    let mut patterns = Vec::new();
    for number in 0..200 {
        let pattern = match number % 4 {
            0 => json!({"source": ["aws.s3"], "detail": {"bucket": [format!("bucket-{number}")]}}),
            1 => json!({"source": ["aws.s3", "aws.sqs"]}),
            2 => json!({"detail": {"size": [{"numeric": [">", number]}]}}),
            _ => json!({"$or": [{"source": ["own"]}, {"detail": {"bucket": ["bucket-4"]}}]}),
        };
        let pattern = Pattern::parse(&pattern.to_string()).unwrap();
        index.insert(pattern.clone(), number);
        patterns.push(pattern);
    }
    for event in [
        json!({"source": "aws.s3", "detail": {"bucket": "bucket-4", "size": 100}}),
        json!({"source": ["own", "aws.sqs"], "detail": [{"bucket": "bucket-8"}]}),
        json!({}),
    ] {
        let alone: Vec<i32> = (0..200).filter(|number| patterns[*number as usize].matches(&event)).collect();
        assert_eq!(index.matching(&event).into_iter().copied().collect::<Vec<_>>(), alone);
    }
    assert!(index.len() == 200 && !index.is_empty());
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{}[1]{}", r#"{"a":"#.repeat(DEPTH_MAX + 1), "}".repeat(DEPTH_MAX + 1));
    assert_eq!(Pattern::parse(&deep).unwrap_err().reason, "Rule is nested too deep");
    let endless = r#"{"a":"#.repeat(100_000);
    assert!(Pattern::parse(&endless).is_err());
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ab]{0,3}".prop_map(Value::from),
        (-2i64..4).prop_map(Value::from),
        (0i32..4).prop_map(|half| Value::from(f64::from(half) / 2.0)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!("10.0.0.1")),
    ]
}

fn event() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![4 => scalar(), 1 => proptest::collection::vec(scalar(), 0..3).prop_map(Value::from)];
    let nested = leaf.prop_recursive(3, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::hash_map("[xyz]", inner.clone(), 0..3).prop_map(|map| json!(map)),
            proptest::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    });
    proptest::collection::hash_map("[xyz]", nested, 0..4).prop_map(|map| json!(map))
}

fn operand() -> impl Strategy<Value = Value> {
    let text = || "[aAb]{1,2}";
    prop_oneof![
        scalar(),
        text().prop_map(|text| json!({"prefix": text})),
        text().prop_map(|text| json!({"suffix": text})),
        text().prop_map(|text| json!({"prefix": {"equals-ignore-case": text}})),
        text().prop_map(|text| json!({"suffix": {"equals-ignore-case": text}})),
        text().prop_map(|text| json!({"equals-ignore-case": text})),
        "[ab]?\\*[ab]?\\*?"
            .prop_filter("no two in a row", |text| !text.contains("**"))
            .prop_map(|text| json!({"wildcard": text})),
        text().prop_map(|text| json!({"anything-but": text})),
        (0i64..3).prop_map(|number| json!({"anything-but": [number, 1]})),
        text().prop_map(|text| json!({"anything-but": {"prefix": text}})),
        text().prop_map(|text| json!({"anything-but": {"wildcard": format!("*{text}")}})),
        (0i64..3).prop_map(|number| json!({"numeric": [">=", number]})),
        (0i64..3).prop_map(|number| json!({"numeric": [">", number - 1, "<", number + 1]})),
        any::<bool>().prop_map(|present| json!({"exists": present})),
        Just(json!({"cidr": "10.0.0.0/24"})),
    ]
}

fn pattern() -> impl Strategy<Value = Value> {
    let leaf = proptest::collection::vec(operand(), 1..3).prop_map(Value::from);
    let nested = leaf.prop_recursive(3, 12, 2, |inner| {
        let fields = || proptest::collection::hash_map("[xyz]", inner.clone(), 1..3).prop_map(|map| json!(map));
        prop_oneof![fields(), (fields(), fields()).prop_map(|(one, other)| json!({"$or": [one, other]}))]
    });
    proptest::collection::hash_map("[xyz]", nested, 1..3).prop_map(|map| json!(map))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_agrees_with_a_naive_one(pattern in pattern(), event in event()) {
        let compiled = Pattern::parse(&pattern.to_string());
        // `$or` under a field may be a leaf's expression, which is refused; the rest is valid.
        if let Ok(compiled) = compiled {
            prop_assert_eq!(compiled.matches(&event), naive::matches(&pattern, &event));
        }
    }

    #[test]
    fn an_index_finds_whatever_its_patterns_match(patterns in proptest::collection::vec(pattern(), 1..5), event in event()) {
        let mut index = Index::default();
        let read = |pattern: &Value| Pattern::parse(&pattern.to_string()).ok();
        let patterns: Vec<Pattern> = patterns.iter().filter_map(read).collect();
        for (number, pattern) in patterns.iter().enumerate() {
            index.insert(pattern.clone(), number);
        }
        let alone: Vec<usize> = (0..patterns.len()).filter(|number| patterns[*number].matches(&event)).collect();
        prop_assert_eq!(index.matching(&event).into_iter().copied().collect::<Vec<_>>(), alone);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        let _ = Pattern::parse(&text);
    }

    #[test]
    fn almost_patterns_are_read_or_refused(pattern in pattern(), cut in any::<prop::sample::Index>()) {
        let text = pattern.to_string();
        let characters: Vec<char> = text.chars().collect();
        let end = cut.index(characters.len());
        let cut: String = characters[..end].iter().collect();
        prop_assert!(Pattern::parse(&cut).is_err());
    }
}
