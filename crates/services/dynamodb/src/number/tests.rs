//! What AWS takes, refuses and answers, and laws that hold for all numbers.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn key(number: Number) -> Vec<u8> {
    let mut bytes = Vec::new();
    number.write_key(&mut bytes);
    bytes
}

#[test]
fn numbers_are_answered_in_plain_notation() {
    for (given, answered) in [
        ("0", "0"),
        ("-0", "0"),
        ("0e125", "0"),
        ("0001.230", "1.23"),
        ("+3", "3"),
        (".123", "0.123"),
        ("5.", "5"),
        ("1e+5", "100000"),
        ("1.0E2", "100"),
        ("-17.4E3", "-17400"),
        ("-0.0012e1", "-0.012"),
        ("100e-2", "1"),
        ("1e-3", "0.001"),
        ("3.1415926535897932384626433832795028841", "3.1415926535897932384626433832795028841"),
    ] {
        assert_eq!(parse(given).to_string(), answered, "{given}");
    }
    assert_eq!(parse("1e125").to_string().len(), 126);
    assert_eq!(parse("1e-130").to_string(), format!("0.{}1", "0".repeat(129)));
    assert_eq!(parse("9.9999999999999999999999999999999999999e125").digits(), 38);
}

#[test]
fn what_is_no_number_is_refused_in_aws_words() {
    let text = |given: &str| Number::parse(given).expect_err(given).to_string();
    for given in
        ["", "NaN", "Infinity", "-Infinity", "dog", "-dog", " 1", "1 ", "1e", "e1", "-", ".", "1.2.3", "0x1", "1_0"]
    {
        assert_eq!(text(given), format!("The parameter cannot be converted to a numeric value: {given}"));
    }
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    for given in ["1e126", "11e125", "-1e126", "1e99999999999", "1.0e100000000", "1e2147483647", "0e126"] {
        assert_eq!(text(given), overflow, "{given}");
    }
    let underflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    for given in ["1e-131", "0.9e-130", "-1e-99999999999", "0e-131"] {
        assert_eq!(text(given), underflow, "{given}");
    }
    let beyond = "1e9223372036854775808";
    assert_eq!(text(beyond), format!("The parameter cannot be converted to a numeric value: {beyond}"));
    let wrapping = |given: &str| Number::parse_wrapping(given).expect_err(given).to_string();
    assert_eq!(wrapping("1e2147483647"), underflow);
    assert_eq!(wrapping("1e2147483646"), overflow);
    let precise = "Attempting to store more than 38 significant digits in a Number";
    for given in [
        "3.14159265358979323846264338327950288419",
        "314159265358979323846264338327950288419e30",
        "100000000000000000000000000000000000001",
    ] {
        assert_eq!(text(given), precise, "{given}");
    }
    assert!(Number::parse("100000000000000000000000000000000000000000").is_ok(), "zeros behind are no precision");
}

#[test]
fn sums_are_exact_or_refused() {
    let add = |left: &str, right: &str| parse(left).plus(parse(right)).map(|sum| sum.to_string());
    let sum = |left, right| add(left, right).expect("a sum");
    assert_eq!(sum("1", "10000000000000000000000"), "10000000000000000000001");
    assert_eq!(sum("-1", "10000000000000000000000"), "9999999999999999999999");
    assert_eq!(sum("0.1", "0.2"), "0.3");
    assert_eq!(sum("5", "-5"), "0");
    assert_eq!(sum("1e38", "-1"), "9".repeat(38));
    assert_eq!(add("9e125", "9e125"), Err(NumberError::Overflow));
    assert_eq!(add("1e50", "1"), Err(NumberError::Overflow), "AWS's words for a sum of 51 digits");
    assert_eq!(add("1.1e-130", "-1e-130"), Err(NumberError::Underflow));
    assert_eq!(parse("9e125").minus(parse("-9e125")), Err(NumberError::Overflow));
    assert_eq!(parse("3").minus(parse("5")).map(|number| number.to_string()), Ok("-2".to_owned()));
}

#[test]
fn sizes_are_those_aws_counts() {
    for (given, bytes) in [("0", 1), ("1", 2), ("10", 2), ("12", 2), ("-1", 3), ("123", 3), ("1234", 3), ("0.12", 2)] {
        assert_eq!(parse(given).size(), bytes, "{given}");
    }
}

/// A number by its parts, which may be out of range.
fn parts() -> impl Strategy<Value = (bool, u128, i32)> {
    (any::<bool>(), prop_oneof![0..1000_u128, 0..10_u128.pow(38)], prop_oneof![-3..3, -168..126_i32])
}

fn numbers() -> impl Strategy<Value = Number> {
    parts().prop_filter_map("in range", |(negative, coefficient, exponent)| {
        Number::normalised(negative, coefficient, exponent).ok()
    })
}

/// Most bytes of a number in a key: kind, magnitude, 19 pairs, end.
const KEY_BYTES_MAX: usize = 22;

proptest! {
    #[test]
    fn a_number_is_read_as_it_was_written(number in numbers()) {
        prop_assert_eq!(Number::parse(&number.to_string()), Ok(number));
    }

    #[test]
    fn keys_are_read_back_and_stay_short(number in numbers(), behind: Vec<u8>) {
        let mut bytes = key(number);
        prop_assert!(bytes.len() <= KEY_BYTES_MAX);
        bytes.extend(&behind);
        prop_assert_eq!(Number::read_key(&bytes), Some((number, behind.as_slice())));
    }

    #[test]
    fn keys_are_ordered_as_numbers(left in numbers(), right in numbers()) {
        prop_assert_eq!(key(left).cmp(&key(right)), left.cmp(&right));
    }

    #[test]
    fn order_is_the_sign_of_the_difference(left in numbers(), right in numbers()) {
        if let Ok(difference) = left.minus(right) {
            prop_assert_eq!(difference.cmp(&Number::default()), left.cmp(&right));
        }
    }

    #[test]
    fn what_was_added_can_be_taken_away(left in numbers(), right in numbers()) {
        if let Ok(sum) = left.plus(right) {
            prop_assert_eq!(sum.minus(right), Ok(left));
            prop_assert_eq!(right.plus(left), Ok(sum));
        }
    }

    #[test]
    fn no_text_is_too_much(text: String) {
        let _ = Number::parse(&text);
    }

    #[test]
    fn no_bytes_are_too_much(bytes: Vec<u8>) {
        let _ = Number::read_key(&bytes);
    }
}
