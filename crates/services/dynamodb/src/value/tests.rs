//! Storing, measuring and checking values.

use api::dynamodb::AttributeValue;
use proptest::prelude::*;

use super::*;

/// Any value that can be stored.
pub fn values() -> impl Strategy<Value = Value> {
    let number = (any::<bool>(), 0..1_000_000_u64).prop_map(|(negative, value)| {
        let sign = if negative { "-" } else { "" };
        Number::parse(&format!("{sign}{value}e-2")).expect("in range")
    });
    let leaf = prop_oneof![
        "[a-c]{0,3}".prop_map(Value::S),
        number.clone().prop_map(Value::N),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Value::B(bytes.into())),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        proptest::collection::btree_set("[a-c]{0,2}", 1..4).prop_map(|set| Value::Ss(set.into_iter().collect())),
        proptest::collection::btree_set(number, 1..4).prop_map(|set| Value::Ns(set.into_iter().collect())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::L),
            proptest::collection::btree_map("[a-c]", inner, 0..4).prop_map(Value::M),
        ]
    })
}

proptest! {
    #[test]
    fn an_item_is_stored_and_answered_as_it_is(item in proptest::collection::btree_map("[a-z]{1,3}", values(), 0..6)) {
        let row = Bytes::from(encode_item(&item));
        prop_assert_eq!(decode_item(&row), Some(item.clone()));
        prop_assert_eq!(read_item(write_item(item.clone()), Wording::Current), Ok(item));
    }

    #[test]
    fn damage_is_noticed_or_harmless(row: Vec<u8>) {
        let mut row = row;
        row.insert(0, 1);
        let _ = decode_item(&Bytes::from(row));
    }
}

#[test]
fn damaged_rows_are_no_items() {
    let item = Item::from([("a".to_owned(), Value::S("text".into()))]);
    let row = encode_item(&item);
    assert!(decode_item(&Bytes::from(row.clone())).is_some());
    assert_eq!(decode_item(&Bytes::copy_from_slice(&row[..row.len() - 1])), None, "too short");
    assert_eq!(decode_item(&Bytes::from([row.clone(), vec![0]].concat())), None, "too long");
    let deep = [vec![1, 1, 1, b'a'], [10, 1].repeat(10_000)].concat();
    assert_eq!(decode_item(&Bytes::from(deep)), None, "too deep");
}

fn refused(value: AttributeValue) -> String {
    read_value(value, Wording::Older).expect_err("refused")
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

#[test]
fn values_are_refused_in_aws_words() {
    // Texts recorded from AWS in dynalite's test/putItem.js.
    let empty = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
    assert_eq!(refused(AttributeValue::Unset), empty);
    assert_eq!(refused(AttributeValue::L(vec![AttributeValue::Unset])), empty);
    let several = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
                   datatypes";
    assert_eq!(refused(AttributeValue::Several), several);
    let invalid = "One or more parameter values were invalid:";
    assert_eq!(refused(AttributeValue::SS(vec![])), format!("{invalid} An string set  may not be empty"));
    assert_eq!(refused(AttributeValue::NS(vec![])), format!("{invalid} An number set  may not be empty"));
    assert_eq!(refused(AttributeValue::BS(vec![])), format!("{invalid} Binary sets should not be empty"));
    let duplicates = format!("{invalid} Input collection [a, b, a] contains duplicates.");
    assert_eq!(refused(AttributeValue::SS(texts(&["a", "b", "a"]))), duplicates);
    assert_eq!(refused(AttributeValue::NS(texts(&["1", "1.0"]))), "Input collection contains duplicates");
    let binaries = vec![Bytes::from_static(b"\x01"), Bytes::from_static(b"\x01")];
    let duplicates = format!("{invalid} Input collection [AQ==, AQ==]of type BS contains duplicates.");
    assert_eq!(refused(AttributeValue::BS(binaries)), duplicates);
    assert_eq!(refused(AttributeValue::N(String::new())), "The parameter cannot be converted to a numeric value");
}

#[test]
fn nesting_has_a_limit_and_null_is_always_true() {
    let nest = |levels| (0..levels).fold(AttributeValue::BOOL(true), |inner, _| AttributeValue::L(vec![inner]));
    assert!(read_value(nest(DEPTH_MAX - 1), Wording::Older).is_ok());
    assert!(refused(nest(DEPTH_MAX)).starts_with("Nesting Levels have exceeded supported limits"));
    let text = "One or more parameter values were invalid: Null attribute value types must have the value of true";
    assert_eq!(read_value(AttributeValue::NULL(false), Wording::Current), Err(text.to_owned()));
}

#[test]
fn sizes_are_those_aws_counts() {
    let size = |value| value_size(&value);
    assert_eq!(size(Value::S("é".into())), 2);
    assert_eq!(size(Value::Bool(true)) + size(Value::Null), 2);
    assert_eq!(size(Value::L(vec![])), 3);
    assert_eq!(size(Value::L(vec![Value::S("ab".into()), Value::Null])), 3 + 3 + 2);
    assert_eq!(size(Value::M(Item::from([("k".into(), Value::S("v".into()))]))), 3 + 1 + 2);
    assert_eq!(size(Value::Ss(texts(&["a", "bc"]))), 3);
    assert_eq!(item_size(&Item::from([("name".into(), Value::S("v".into()))])), 5);
}
