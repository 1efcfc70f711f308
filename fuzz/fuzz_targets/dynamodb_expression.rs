#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use service_dynamodb::expression::condition::{self, Use};
use service_dynamodb::expression::{Context, projection, update};
use service_dynamodb::number::Number;
use service_dynamodb::value::{Item, Value, Wording, decode_item, encode_item};

fn context() -> Context {
    let names = BTreeMap::from([("#a".to_owned(), "a".to_owned()), ("#b".to_owned(), "b.c".to_owned())]);
    Context::new(Some(names), None, Wording::Current).expect("valid names")
}

fn item() -> Item {
    let number = |value: u64| Value::N(Number::from_u64(value));
    Item::from([
        ("a".to_owned(), Value::L(vec![number(1), Value::S("x".to_owned()), Value::Ss(vec!["y".to_owned()])])),
        ("b".to_owned(), Value::M(Item::from([("c".to_owned(), number(2))]))),
        ("n".to_owned(), number(3)),
        ("s".to_owned(), Value::S("text".to_owned())),
    ])
}

fuzz_target!(|text: &str| {
    let item = item();
    for used_as in [Use::Condition, Use::Filter, Use::Key] {
        if let Ok(condition) = condition::parse(used_as, text, &context()) {
            assert_eq!(condition.holds(&item), condition.holds(&item));
            condition.paths().iter().for_each(|path| assert!(!path.head().is_empty()));
        }
    }
    if let Ok(paths) = projection::parse(text, &context()) {
        assert!(paths.iter().all(|path| !path.to_string().is_empty()));
    }
    if let Ok(update) = update::parse(text, &context()) {
        let mut changed = item.clone();
        if update.apply(&mut changed).is_ok() {
            assert_eq!(decode_item(&encode_item(&changed).into()), Some(changed));
        }
    }
});
