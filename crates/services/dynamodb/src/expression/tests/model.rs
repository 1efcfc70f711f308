//! Random conditions, beside a reading of them that knows no parser.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::condition::{Use, parse};
use super::{context, item};

/// The places that conditions ask for.
const PATHS: [&str; 5] = ["n", "s", "m.k", "l[0]", "l[1].x"];

#[derive(Debug, Clone, PartialEq)]
enum Simple {
    Number(u8),
    Text(String),
}

impl Simple {
    fn json(&self) -> Json {
        match self {
            Simple::Number(number) => json!({"N": number.to_string()}),
            Simple::Text(text) => json!({"S": text}),
        }
    }

    fn order(&self, other: &Simple) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Simple::Number(one), Simple::Number(two)) => Some(one.cmp(two)),
            (Simple::Text(one), Simple::Text(two)) => Some(one.cmp(two)),
            _ => None,
        }
    }
}

/// What is at each path.
type World = BTreeMap<&'static str, Simple>;

#[derive(Debug, Clone)]
enum Test {
    Compare(&'static str, &'static str, Simple),
    Between(&'static str, Simple, Simple),
    In(&'static str, Vec<Simple>),
    Exists(&'static str, bool),
    Begins(&'static str, String),
    Contains(&'static str, String),
    Size(&'static str, &'static str, u8),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Not(Box<Test>),
}

fn ordered(comparator: &str, order: Option<std::cmp::Ordering>) -> bool {
    match comparator {
        "=" => order.is_some_and(std::cmp::Ordering::is_eq),
        "<>" => !order.is_some_and(std::cmp::Ordering::is_eq),
        "<" => order.is_some_and(std::cmp::Ordering::is_lt),
        "<=" => order.is_some_and(std::cmp::Ordering::is_le),
        ">" => order.is_some_and(std::cmp::Ordering::is_gt),
        _ => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

impl Test {
    fn holds(&self, world: &World) -> bool {
        let at = |path: &str| world.get(path);
        let text = |path: &str| match world.get(path) {
            Some(Simple::Text(text)) => Some(text.clone()),
            _ => None,
        };
        match self {
            Test::Compare(path, comparator, value) => {
                ordered(comparator, at(path).and_then(|found| found.order(value)))
            }
            Test::Between(path, low, high) => {
                at(path).is_some_and(|found| ordered(">=", found.order(low)) && ordered("<=", found.order(high)))
            }
            Test::In(path, values) => at(path).is_some_and(|found| values.contains(found)),
            Test::Exists(path, expected) => at(path).is_some() == *expected,
            Test::Begins(path, start) => text(path).is_some_and(|found| found.starts_with(start.as_str())),
            Test::Contains(path, part) => text(path).is_some_and(|found| found.contains(part.as_str())),
            Test::Size(path, comparator, size) => {
                // What has no size is different from every number.
                ordered(comparator, text(path).map(|found| found.len().cmp(&usize::from(*size))))
            }
            Test::And(one, two) => one.holds(world) && two.holds(world),
            Test::Or(one, two) => one.holds(world) || two.holds(world),
            Test::Not(test) => !test.holds(world),
        }
    }

    /// The expression, with parentheses only where they are needed or harmless.
    fn text(&self, values: &mut Vec<Simple>) -> String {
        let mut place = |value: &Simple| {
            values.push(value.clone());
            format!(":v{}", values.len() - 1)
        };
        match self {
            Test::Compare(path, comparator, value) => format!("{path} {comparator} {}", place(value)),
            Test::Between(path, low, high) => format!("{path} BETWEEN {} and {}", place(low), place(high)),
            Test::In(path, all) => format!("{path} IN ({})", all.iter().map(place).collect::<Vec<_>>().join(", ")),
            Test::Exists(path, true) => format!("attribute_exists({path})"),
            Test::Exists(path, false) => format!("attribute_not_exists({path})"),
            Test::Begins(path, start) => format!("begins_with({path}, {})", place(&Simple::Text(start.clone()))),
            Test::Contains(path, part) => format!("contains({path},{})", place(&Simple::Text(part.clone()))),
            Test::Size(path, comparator, size) => {
                format!("size({path}) {comparator} {}", place(&Simple::Number(*size)))
            }
            Test::And(one, two) => format!("{} AND {}", one.operand(false, values), two.operand(false, values)),
            Test::Or(one, two) => format!("{} or {}", one.operand(true, values), two.operand(true, values)),
            Test::Not(test) => match **test {
                Test::And(..) | Test::Or(..) => format!("NOT ({})", test.text(values)),
                _ => format!("NOT {}", test.text(values)),
            },
        }
    }

    /// As part of `OR`, which binds looser than everything, or of `AND`.
    fn operand(&self, of_or: bool, values: &mut Vec<Simple>) -> String {
        match self {
            Test::Or(..) if !of_or => format!("({})", self.text(values)),
            _ => self.text(values),
        }
    }
}

fn simple() -> impl Strategy<Value = Simple> {
    prop_oneof![(0..4_u8).prop_map(Simple::Number), "[ab]{1,2}".prop_map(Simple::Text)]
}

fn test() -> impl Strategy<Value = Test> {
    let path = || prop::sample::select(PATHS.to_vec());
    let comparator = || prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (path(), comparator(), simple()).prop_map(|(path, comparator, value)| Test::Compare(path, comparator, value)),
        (path(), 0..4_u8, 0..4_u8).prop_map(|(path, one, two)| {
            Test::Between(path, Simple::Number(one.min(two)), Simple::Number(one.max(two)))
        }),
        (path(), prop::collection::vec(simple(), 1..4)).prop_map(|(path, values)| Test::In(path, values)),
        (path(), any::<bool>()).prop_map(|(path, expected)| Test::Exists(path, expected)),
        (path(), "[ab]{1,2}").prop_map(|(path, start)| Test::Begins(path, start)),
        (path(), "[ab]{1,2}").prop_map(|(path, part)| Test::Contains(path, part)),
        (path(), comparator(), 0..4_u8).prop_map(|(path, comparator, size)| Test::Size(path, comparator, size)),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let pair = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            pair().prop_map(|(one, two)| Test::And(one, two)),
            pair().prop_map(|(one, two)| Test::Or(one, two)),
            inner.clone().prop_map(|test| Test::Not(Box::new(test))),
        ]
    })
}

fn world() -> impl Strategy<Value = World> {
    prop::collection::vec(prop::option::of(simple()), PATHS.len()).prop_map(|values| {
        let present = PATHS.into_iter().zip(values);
        present.filter_map(|(path, value)| Some((path, value?))).collect()
    })
}

/// The item in which these values are at these paths.
fn item_json(world: &World) -> Json {
    let value = |path: &str| world.get(path).map(Simple::json);
    let mut item = json!({});
    for name in ["n", "s"] {
        if let Some(value) = value(name) {
            item[name] = value;
        }
    }
    let inner = value("m.k").map_or_else(|| json!({}), |value| json!({"k": value}));
    item["m"] = json!({ "M": inner });
    let nested = value("l[1].x").map_or_else(|| json!({}), |value| json!({"x": value}));
    // A list has no holes: without a first element there is no second.
    let list: Vec<Json> = value("l[0]").into_iter().collect();
    item["l"] = if list.is_empty() { json!({"L": []}) } else { json!({"L": [list[0], {"M": nested}]}) };
    item
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_condition_means_what_its_parts_mean(test in test(), world in world()) {
        let mut world = world;
        if !world.contains_key("l[0]") {
            world.remove("l[1].x");
        }
        let mut values = Vec::new();
        let text = test.text(&mut values);
        let named: serde_json::Map<String, Json> =
            values.iter().enumerate().map(|(number, value)| (format!(":v{number}"), value.json())).collect();
        let context = context(&json!({}), &Json::Object(named));
        let parsed = parse(Use::Condition, &text, &context).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(parsed.holds(&item(&item_json(&world))), test.holds(&world), "{}", text);
    }
}
