//! Names in every form.

use api::Operation;
use api::lambda::{CreateFunction, DeleteFunction, GetFunction};
use platform::Call;
use proptest::prelude::*;

use super::*;
use crate::testing::{ACCOUNT, Bench, REGION, id, said};

fn parts<'a>(
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
) -> Option<Parts<'a>> {
    Some(Parts { region, account, name, qualifier })
}

#[test]
fn every_form_aws_takes_is_taken_apart() {
    let account = Some("111122223333");
    for (text, expected) in [
        ("greet", parts(None, None, "greet", None)),
        ("greet:PROD", parts(None, None, "greet", Some("PROD"))),
        ("greet:$LATEST", parts(None, None, "greet", Some("$LATEST"))),
        ("function:greet", parts(None, None, "greet", None)),
        ("function:greet:3", parts(None, None, "greet", Some("3"))),
        ("111122223333:greet", parts(None, account, "greet", None)),
        ("111122223333:function:greet:3", parts(None, account, "greet", Some("3"))),
        ("eu-west-1:111122223333:function:greet", parts(Some("eu-west-1"), account, "greet", None)),
        ("us-gov-west-1:greet", parts(Some("us-gov-west-1"), None, "greet", None)),
        ("arn:aws:lambda:eu-west-1:111122223333:function:greet", parts(Some("eu-west-1"), account, "greet", None)),
        ("arn:aws-cn:lambda:cn-north-1:111122223333:function:a:b", parts(Some("cn-north-1"), account, "a", Some("b"))),
        // What looks like an account, a region or the word itself can be a plain name.
        ("111122223333", parts(None, None, "111122223333", None)),
        ("function", parts(None, None, "function", None)),
        ("eu-west-1", parts(None, None, "eu-west-1", None)),
        ("function:function", parts(None, None, "function", None)),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
    for text in ["", ":", "a:", ":a", "a b", "a/b", "a:b:c:d", "arn:aws:sqs:eu-west-1:111122223333:q", "a\n", "ä"] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[tokio::test]
async fn names_lead_to_the_callers_own_functions_and_to_those_a_policy_may_open() {
    let cx = Bench::new().context(ACCOUNT);
    let full = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:greet:7");
    let expected = Target { function: id("greet"), qualifier: Some("7".to_owned()) };
    assert_eq!(target(&cx, &full, None).unwrap(), expected);
    assert_eq!(target(&cx, &full, Some("7")).unwrap(), expected);
    assert_eq!(target(&cx, "greet", Some("7")).unwrap(), expected);
    assert_eq!(
        said(target(&cx, &full, Some("8"))),
        "InvalidParameterValueException: \
         The derived qualifier from the function name does not match the specified qualifier."
    );
    assert_eq!(
        said(target(&cx, "us-east-2:111122223333:function:greet", None)),
        "ResourceNotFoundException: Functions from 'us-east-2' are not reachable in this region ('eu-west-1')"
    );
    let theirs = target(&cx, "999999999999:function:greet", None).unwrap().function;
    assert_eq!(theirs.account, "999999999999", "a policy may let others look at a function");
    let cx = Ctx::new(Call { operation: DeleteFunction::definition(), ..(*cx).clone() });
    assert_eq!(
        said(target(&cx, "999999999999:function:greet", None)),
        "AccessDeniedException: User: arn:aws:iam::111122223333:root is not authorized to perform: \
         lambda:DeleteFunction on resource: arn:aws:lambda:eu-west-1:999999999999:function:greet \
         because no resource-based policy allows the lambda:DeleteFunction action"
    );
    assert!(target(&cx, "no such name", None).unwrap_err().is("ValidationException"));
}

#[tokio::test]
async fn a_new_name_is_shorter_than_an_old_one_may_be() {
    let cx = Bench::new().context(ACCOUNT);
    let longest = "n".repeat(NAME_CHARACTERS_MAX);
    let prefix = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:");
    assert_eq!(new_function(&cx, &longest).unwrap(), id(&longest));
    assert_eq!(new_function(&cx, &format!("{prefix}{longest}")).unwrap(), id(&longest));
    let too_long = "n".repeat(NAME_CHARACTERS_MAX + 1);
    let text = format!(
        "1 validation error detected: Value '{too_long}' at 'functionName' failed to satisfy constraint: \
         Member must have length less than or equal to 64"
    );
    assert_eq!(said(new_function(&cx, &too_long)), format!("InvalidParameterValueException: {text}"));
    let arn = format!("{prefix}{}", "n".repeat(ARN_CHARACTERS_MAX));
    let error = new_function(&cx, &arn).unwrap_err();
    assert!(error.is("ValidationException"));
    assert!(error.to_string().ends_with("Member must have length less than or equal to 140"));
    for name in ["greet:PROD", "greet.v2", "", "a b"] {
        let text = said(new_function(&cx, name));
        assert!(text.starts_with("ValidationException: 1 validation error detected: Value "), "{text}");
        assert!(text.contains(NAME_PATTERN), "{text}");
    }
}

#[test]
fn qualifiers_are_versions_or_aliases() {
    assert_eq!(version("$LATEST"), Some(Version::Latest));
    assert_eq!(version("12"), Some(Version::Published(12)));
    assert_eq!(version("PROD"), None);
    // None of these was ever published.
    for absent in ["0", "01", "99999999999999999999999999"] {
        assert_eq!(version(absent), Some(Version::Published(u64::MAX)), "{absent}");
    }
}

/// The model's own pattern, which the generic validator checks before a handler sees the name.
fn is_admitted(name: &str) -> bool {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(&format!("^(?:{NAME_PATTERN})$")).unwrap());
    PATTERN.is_match(name)
}

proptest! {
    #[test]
    fn what_the_model_admits_is_understood_and_nothing_else_is(
        arn in prop::option::of(Just("arn:aws:lambda:")),
        region in prop::option::of("(us|eu|us-gov|eusc-de)-[a-z]{4}-[0-9]"),
        account in prop::option::of("[0-9]{12}"),
        word in prop::option::of(Just("function:")),
        name in "[a-zA-Z0-9_-]{1,20}",
        qualifier in prop::option::of("\\$LATEST|[a-zA-Z0-9_-]{1,8}"),
        junk in "[:/. $]{0,2}",
    ) {
        let join = |part: Option<String>| part.map(|part| format!("{part}:")).unwrap_or_default();
        let text = format!(
            "{}{}{}{}{name}{}{junk}",
            arn.unwrap_or_default(), join(region), join(account), word.unwrap_or_default(),
            qualifier.map(|qualifier| format!(":{qualifier}")).unwrap_or_default(),
        );
        let understood = parse(&text).filter(|parts| !parts.name.contains('.'));
        prop_assert_eq!(understood.is_some(), is_admitted(&text), "{}", text);
    }

    #[test]
    fn no_name_is_too_odd(name: String) {
        let _ = parse(&name);
        let _ = version(&name);
    }
}

#[test]
fn the_errors_name_the_action_of_the_operation() {
    assert_eq!(GetFunction::definition().actions, ["lambda:GetFunction"]);
    assert!(CreateFunction::definition().actions.contains(&"lambda:CreateFunction"));
}
