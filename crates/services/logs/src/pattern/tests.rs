//! The examples of AWS's user guide, and what must hold for any text.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn matching<'a>(pattern: &str, messages: &[&'a str]) -> Vec<&'a str> {
    let pattern = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    messages.iter().copied().filter(|message| pattern.matches(message)).collect()
}

fn matches(pattern: &str, message: &str) -> bool {
    !matching(pattern, &[message]).is_empty()
}

fn refusal(pattern: &str) -> String {
    Pattern::parse(pattern).expect_err(pattern).to_string()
}

const REQUESTS: [&str; 3] = ["[INFO] REQUEST FAILED", "[WARN] UNAUTHORIZED REQUEST", "[ERROR] 400 BAD REQUEST"];

#[test]
fn every_term_has_to_occur_somewhere() {
    assert_eq!(matching("", &REQUESTS), REQUESTS);
    assert_eq!(matching("   ", &REQUESTS), REQUESTS);
    assert_eq!(matching("REQUEST", &REQUESTS), REQUESTS);
    assert_eq!(matching("ERROR REQUEST", &REQUESTS), REQUESTS[2..]);
    assert_eq!(matching("AUTHORIZED", &REQUESTS), REQUESTS[1..2], "also inside of words");
    assert!(matching("request", &REQUESTS).is_empty(), "case matters");
}

#[test]
fn optional_terms_are_ignored_next_to_others() {
    assert_eq!(matching("?INFO ?WARN", &REQUESTS), REQUESTS[..2]);
    assert_eq!(matching("?INFO ?WARN REQUEST", &REQUESTS), REQUESTS);
    assert_eq!(matching("?INFO -FAILED", &REQUESTS), REQUESTS[1..]);
}

#[test]
fn excluded_terms_must_not_occur() {
    assert_eq!(matching("REQUEST -ERROR", &REQUESTS), REQUESTS[..2]);
    assert_eq!(matching("-\"400 BAD\" -WARN", &REQUESTS), REQUESTS[..1]);
    assert_eq!(matching("\"REQUEST\" - \"ERROR\"", &REQUESTS), REQUESTS[..2]);
}

#[test]
fn phrases_are_exact_and_a_blank_one_is_everything() {
    assert_eq!(matching("\"BAD REQUEST\"", &REQUESTS), REQUESTS[2..]);
    assert_eq!(matching("\"[WARN]\"", &REQUESTS), REQUESTS[1..2]);
    assert_eq!(matching("\" \"", &["one", "two words"]), ["one", "two words"]);
    assert!(matches(r#""a \"b\"""#, r#"say a "b" now"#));
}

#[test]
fn special_characters_need_quotation_marks() {
    assert_eq!(refusal("email@domain.com"), "Invalid character(s) in term 'email@domain.com'");
    assert_eq!(refusal("ok !("), "Invalid character(s) in term '!('");
    assert_eq!(refusal("\"\""), "Invalid character(s) in term '\"\"'");
    assert_eq!(refusal("\"open"), "Invalid character(s) in term '\"open'");
    assert_eq!(refusal("one -"), "Invalid filter pattern");
    assert_eq!(refusal("one-two"), "Invalid character(s) in term 'one-two'");
    assert!(matches("snake_case", "a snake_case name"));
}

#[test]
fn brackets_have_to_be_closed_at_the_end() {
    assert_eq!(refusal("{ $.a = 1"), "If a filter pattern starts with '{' it must end with '}'");
    assert_eq!(refusal("[a, b] c"), "If a filter pattern starts with '[' it must end with ']'");
}

#[test]
fn regular_expressions_are_searched_for_anywhere() {
    let lines = ["[ERROR 401] UNAUTHORIZED REQUEST", "[SUCCESS 200] AUTHORIZED REQUEST", "color", "colour"];
    assert_eq!(matching("%AUTHORIZED%", &lines), lines[..2]);
    assert_eq!(matching(r"%\[ERROR [45]\d{2}\]%", &lines), lines[..1]);
    assert_eq!(matching("%^colou?r$%", &lines), lines[2..]);
    assert_eq!(matching("%40[0-9]|colour%", &lines), [lines[0], lines[3]]);
    assert_eq!(matching(r"-%\x5b%", &lines), lines[2..], "a code of two digits");
    assert!(matches(r"%10\.10\.0\.\d+%", "from 10.10.0.7"));
}

#[test]
fn of_regular_expressions_only_a_part_is_allowed() {
    for pattern in
        ["%(a)%", "%something!%", "%größe%", r"%\p{L}%", r"%\bword%", "%[a%", "%%", "%a{9999}{9999}%", r"%\x2%"]
    {
        let text = refusal(pattern);
        assert!(text.starts_with("Invalid character(s) in term '%"), "{pattern}: {text}");
    }
    assert_eq!(refusal("%open"), "Invalid filter pattern");
    assert_eq!(refusal("%a% %b% %c%"), "Invalid filter pattern", "three are too many");
    assert_eq!(refusal("{ $.a = %a% || $.b = %b% || $.c = %c% }"), "Invalid filter pattern");
}

const EVENT: &str = r#"{
    "eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": null, "cluster.name": "c", "ThisFlag": true, "latency": 512.5, "errorCode": 400
}"#;

#[test]
fn conditions_on_json_as_in_the_user_guide() {
    for pattern in [
        r#"{ $.eventType = "UpdateTrail" }"#,
        r#"{ $.eventType = UpdateTrail }"#,
        r#"{$.eventType="Update*"}"#,
        r#"{ $.eventType = *Trail }"#,
        r#"{ $.eventType = *date* }"#,
        r#"{ $.sourceIPAddress != 123.123.* }"#,
        r#"{ $.arrayKey[0] = "value" }"#,
        r#"{ $.arrayKey[*] = "another value" }"#,
        r#"{ $.objectList[1].id = 2 }"#,
        r#"{ $.objectList[*].name = b }"#,
        r#"{ $.SomeObject IS NULL }"#,
        r#"{ $.SomeOtherObject NOT EXISTS }"#,
        r#"{ $.ThisFlag IS TRUE }"#,
        r#"{ $.['cluster.name'] = "c" }"#,
        r#"{ $.["cluster.name"] = "c" }"#,
        r#"{ $['cluster.name'] = "c" }"#,
        r#"{ $.* = 111.111.111.111 }"#,
        r#"{ $.latency >= 500 }"#,
        r#"{ $.latency < 10e3 }"#,
        r#"{ $.latency > 10e-3 }"#,
        r#"{ $.latency <= +512.50 }"#,
        r#"{ $.errorCode = 400 }"#,
        r#"{ $.errorCode = 4e2 }"#,
        r#"{ $.errorCode = 4* }"#,
        r#"{ $.errorCode != 500 }"#,
        r#"{ $.latency = * }"#,
        r#"{ $.eventType = %^Update[A-Z]% }"#,
        r#"{ $.eventType != %Delete% }"#,
    ] {
        assert!(matches(pattern, EVENT), "{pattern}");
    }
}

#[test]
fn conditions_on_json_that_do_not_hold() {
    for pattern in [
        r#"{ $.eventType = "updatetrail" }"#,
        r#"{ $.eventType = Update }"#,
        r#"{ $.eventType = "Up*Trail" }"#,
        r#"{ $.arrayKey = "value" }"#,
        r#"{ $.arrayKey != "value" }"#,
        r#"{ $.arrayKey[2] = * }"#,
        r#"{ $.eventType[0] = "U" }"#,
        r#"{ $.missing != 1 }"#,
        r#"{ $.missing IS NULL }"#,
        r#"{ $.SomeObject NOT EXISTS }"#,
        r#"{ $.ThisFlag IS FALSE }"#,
        r#"{ $.eventType > 1 }"#,
        r#"{ $.latency < 500 }"#,
        r#"{ $.errorCode != 4e2 }"#,
    ] {
        assert!(!matches(pattern, EVENT), "{pattern}");
    }
    assert!(!matches("{ $.a NOT EXISTS }", "plain text"), "what is no JSON never matches");
    assert!(!matches("{ $.a NOT EXISTS }", "{ \"b\": 1"), "nor what is half of it");
}

#[test]
fn and_binds_more_tightly_than_or() {
    let event = r#"{
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]
    }"#;
    for (pattern, expected) in [
        (r#"{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }"#, true),
        (r#"{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }"#, false),
        (
            r#"{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }"#,
            true,
        ),
        (
            r#"{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }"#,
            false,
        ),
    ] {
        assert_eq!(matches(pattern, event), expected, "{pattern}");
    }
}

#[test]
fn conditions_on_json_that_are_none() {
    for pattern in [
        "{}",
        "{ }",
        "{ $ = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = a b }",
        "{ a = 1 }",
        "{ status = \"401\" }",
        "{ $.a > \"1\" }",
        "{ $.a > x }",
        "{ $.a IS MAYBE }",
        "{ $.a ISTRUE }",
        "{ $.a NOT NULL }",
        "{ $.a == 1 }",
        "{ $.a = a@b }",
        "{ ($.a = 1 }",
        "{ $.a = 1 && }",
        "{ $.a[x] = 1 }",
        "{ $.a[99999999999999999999999] = 1 }",
        "{ $.a[*].b[*] = 1 }",
        "{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }",
    ] {
        assert_eq!(refusal(pattern), "Invalid filter pattern", "{pattern}");
    }
}

const ACCESS: [&str; 3] = [
    r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534"#,
    r#"127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /apache_pb.gif HTTP/1.0" 500 5324"#,
    r#"127.0.0.1 - frank [10/Oct/2000:13:50:35 -0700] "GET /index.html HTTP/1.0" 404 4355"#,
];

#[test]
fn conditions_on_fields_as_in_the_user_guide() {
    assert_eq!(matching("[ip, user, username, timestamp, request, status_code, bytes]", &ACCESS), ACCESS);
    assert_eq!(matching("[ip, user, username, timestamp, request, status_code, bytes > 5000]", &ACCESS), ACCESS[1..2]);
    assert_eq!(matching("[ip, user, username, timestamp, request, status_code = 200, bytes]", &ACCESS), ACCESS[..1]);
    assert_eq!(matching("[ip, user, username, timestamp, request, status_code = 4*, bytes]", &ACCESS), ACCESS[2..]);
    assert_eq!(matching("[..., request = *html*, status_code, bytes]", &ACCESS), ACCESS[2..]);
    assert_eq!(matching("[..., status_code = 4* || status_code = 5*, bytes]", &ACCESS), ACCESS[1..]);
    assert_eq!(
        matching("[..., (status_code = 4* && status_code != 404) || status_code = 5*, bytes]", &ACCESS),
        ACCESS[1..2]
    );
    assert_eq!(matching("[ip = %127\\.0%, user, ...]", &ACCESS), ACCESS);
    assert_eq!(matching("[ip, user, ...]", &["one", "one two", "one two three"]), ["one two", "one two three"]);
    assert_eq!(matching("[...]", &["", "one"]), ["", "one"]);
}

#[test]
fn without_dots_the_number_of_fields_is_exact() {
    let lines = ["ERROR WARN message", "ERROR message", "WARN message"];
    assert_eq!(matching("[w1=ERROR, w2]", &lines), lines[1..2]);
    assert_eq!(matching("[w1=ERROR || w1=WARN, w2]", &lines), lines[1..]);
    assert_eq!(matching("[w1!=ERROR&&w1!=INFO, w2]", &lines), lines[2..]);
}

#[test]
fn fields_are_taken_out_under_their_names_or_numbers() {
    let pattern = Pattern::parse("[..., request=*.html*, status_code=4*,]").expect("valid");
    let line = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    let expected = [
        ("$1", "127.0.0.1"),
        ("$2", "-"),
        ("$3", "frank"),
        ("$4", "10/Oct/2000:13:25:15 -0700"),
        ("$7", "1534"),
        ("$request", "GET /index.html HTTP/1.0"),
        ("$status_code", "404"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(pattern.extract(line), Some(BTreeMap::from(expected)));
    assert_eq!(pattern.extract("something else"), None);
    let json = Pattern::parse("{ $.a = 1 }").expect("valid");
    assert_eq!(json.extract(r#"{"a": 1}"#), Some(BTreeMap::new()), "other patterns take nothing out");
}

#[test]
fn open_brackets_and_quotation_marks_do_not_end_a_line() {
    let pattern = Pattern::parse("[a, b, c]").expect("valid");
    let values = pattern.extract("[x \"y z").expect("three fields");
    assert_eq!(values.into_values().collect::<Vec<_>>(), ["[x", "\"y", "z"]);
}

#[test]
fn conditions_on_fields_that_are_none() {
    for pattern in [
        "[ip, user, status_code = 4* && bytes > 1000]",
        "[..., a, ...]",
        "[a b]",
        "[a =]",
        "[a, = 1]",
        "[a > x]",
        "[(a = 1]",
        "[a = 1 ||]",
        "[timestamp=*Z && id=“*“]",
    ] {
        assert_eq!(refusal(pattern), "Invalid filter pattern", "{pattern}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{{ {}$.a = 1{} }}", "(".repeat(depth), ")".repeat(depth));
    assert!(matches(&nested(64), r#"{"a": 1}"#));
    assert_eq!(refusal(&nested(65)), "Invalid filter pattern");
    assert_eq!(refusal(&nested(100_000)), "Invalid filter pattern");
}

#[test]
fn hostile_lines_take_linear_time() {
    let message = "[ \" ".repeat(250_000);
    let deep = "[".repeat(1_000_000);
    let start = Instant::now();
    assert!(!matches("[a, b]", &message));
    assert!(!matches("{ $.a = 1 }", &deep));
    assert!(!matches("%a*a*a*a*b%", &"a".repeat(1_000_000)));
    // Quadratic time would be hours.
    assert!(start.elapsed() < Duration::from_secs(120));
}

proptest! {
    #[test]
    fn no_text_makes_reading_or_matching_panic(pattern: String, message: String) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            prop_assert_eq!(pattern.matches(&message), pattern.extract(&message).is_some());
        }
    }

    #[test]
    fn nor_do_texts_that_look_like_patterns(
        pattern in r#"[\[{]?[ $.a\[\]0*'"=!<>&|()?%,\\-]{0,40}(IS NULL|NOT EXISTS|\.\.\.)?[\]}]?"#,
        message in r#"[\[\]{}" a:1,]{0,40}"#,
    ) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            prop_assert_eq!(pattern.matches(&message), pattern.extract(&message).is_some());
        }
    }

    #[test]
    fn every_phrase_finds_itself(before: String, phrase in "[^\"\\\\]*[a-z][^\"\\\\]*", after: String) {
        let pattern = format!("\"{phrase}\"");
        let message = format!("{before}{phrase}{after}");
        prop_assert!(matches(&pattern, &message));
    }
}
