//! Limits of expressions, and that no text is too much.

use proptest::prelude::*;

use super::super::condition::{Use, parse};
use super::super::{projection, update};
use super::usual;

fn reason(text: &str) -> String {
    let error = parse(Use::Condition, text, &usual()).expect_err("refused");
    error.strip_prefix("Invalid ConditionExpression: ").expect("the prefix").to_owned()
}

#[test]
fn expressions_have_a_size() {
    let fits = format!("a = :n{}", " ".repeat(4096 - 6));
    assert!(parse(Use::Condition, &fits, &usual()).is_ok());
    let text = format!("{fits} ");
    assert_eq!(reason(&text), "Expression size has exceeded the maximum allowed size; expression size: 4097");
}

#[test]
fn expressions_have_so_many_operators() {
    // ScyllaDB's test_limits.py: 299 operators in 150 levels are taken, 301 are not; parentheses do not count.
    let nested = |depth: usize| format!("a<b {}{}", "or (a<b ".repeat(depth), ")".repeat(depth));
    assert!(parse(Use::Condition, &nested(149), &usual()).is_ok());
    assert_eq!(reason(&nested(150)), "The expression contains too many operators; operator count: 301");
    let choices = |count: usize| format!("a IN ({})", vec![":n"; count].join(","));
    assert!(parse(Use::Condition, &choices(100), &usual()).is_ok());
    assert_eq!(reason(&choices(101)), "The IN operator is provided with too many operands; number of operands: 101");
}

#[test]
fn deep_nesting_is_an_error_and_no_more() {
    let redundant = "The expression has redundant parentheses;";
    assert_eq!(reason(&format!("{}a<b{}", "(".repeat(2046), ")".repeat(2046))), redundant);
    let unknown = reason(&format!("a < {}b{}", "f(".repeat(1355), ")".repeat(1355)));
    assert_eq!(unknown, "Invalid function name; function: f");
    assert!(parse(Use::Condition, &format!("a < {}b{}", "size(".repeat(680), ")".repeat(680)), &usual()).is_err());
    assert!(parse(Use::Condition, &format!("{}a<b", "not ".repeat(1000)), &usual()).is_err());
    let path = |steps: usize| format!("a{}", ".a".repeat(steps - 1));
    assert!(projection::parse(&path(32), &usual()).is_ok());
    let error = projection::parse(&path(33), &usual()).expect_err("too deep");
    assert!(error.ends_with("The document path has too many nesting elements; nesting elements: 33"), "{error}");
}

/// Texts made of the pieces expressions are made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b.c",
        "l[0]",
        "#a",
        ":n",
        ":s",
        "(",
        ")",
        ",",
        "=",
        "<",
        "<>",
        ">=",
        "+",
        "-",
        " AND ",
        " OR ",
        " NOT ",
        " BETWEEN ",
        " IN ",
        "SET ",
        "REMOVE ",
        "ADD ",
        "DELETE ",
        "size(",
        "attribute_exists(",
        "if_not_exists(",
        "list_append(",
        "contains(",
        " ",
        "#",
        ":",
        "[",
        "]",
        "é",
        "\u{0}",
    ]);
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_parsed_or_refused(text in prop_oneof![pieces(), any::<String>()]) {
        let context = usual();
        for used_as in [Use::Condition, Use::Filter, Use::Key] {
            if let Ok(condition) = parse(used_as, &text, &context) {
                condition.holds(&Default::default());
                let _ = super::super::key_condition::from_expression(&condition);
            }
        }
        let _ = projection::parse(&text, &context);
        if let Ok(update) = update::parse(&text, &context) {
            let _ = update.apply(&mut Default::default());
        }
    }
}
