//! Names, paths and ARNs: what they may be, and what they say.

use wire::Error;

use crate::errors;

/// What stands in front of every ARN of IAM; the account follows.
const ARN_PREFIX: &str = "arn:aws:iam::";

/// The account in the ARNs of AWS's own policies.
pub const AWS: &str = "aws";

/// Path of the roles that services made for themselves.
pub const SERVICE_ROLE_PATH: &str = "/aws-service-role/";

/// Checks a name.
///
/// # Errors
/// AWS's text for characters that must not be there. Lengths are the model's.
pub fn check_name(parameter: &str, name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if !name.is_empty() && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(errors::invalid(format!(
        "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the \
         following: +=,.@_-"
    )))
}

/// The path that was given, or `/`.
///
/// # Errors
/// AWS's text for a path that does not begin and end with `/`, or holds what is no printable ASCII character.
pub fn path(parameter: &str, given: Option<String>) -> Result<String, Error> {
    let Some(path) = given else { return Ok("/".to_owned()) };
    let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
    if printable && path.starts_with('/') && path.ends_with('/') {
        return Ok(path);
    }
    Err(errors::invalid(format!(
        "The specified value for {parameter} is invalid. It must begin and end with / and contain only alphanumeric \
         characters and/or / characters."
    )))
}

/// The path of something that users make: not the one of service-linked roles.
///
/// # Errors
/// As [`path`].
pub fn own_path(parameter: &str, given: Option<String>) -> Result<String, Error> {
    let path = path(parameter, given)?;
    if path.starts_with(SERVICE_ROLE_PATH) {
        return Err(errors::invalid_input(format!(
            "The specified value for {parameter} is invalid. {SERVICE_ROLE_PATH} is reserved for service-linked roles."
        )));
    }
    Ok(path)
}

/// `arn:aws:iam::ACCOUNT:{resource}{path}{name}`; `resource` is `user`, `role`, `policy`, …
pub fn arn(account: &str, resource: &str, path: &str, name: &str) -> String {
    format!("{ARN_PREFIX}{account}:{resource}{path}{name}")
}

/// The account and the rest behind it of an ARN of IAM.
pub fn split_arn(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix(ARN_PREFIX)?.split_once(':')
}

/// Whose a managed policy is, and what it is called: `(account, path, name)`; the account of AWS's own is [`AWS`].
///
/// # Errors
/// AWS's texts for what is no ARN, and for what is the ARN of something else.
pub fn policy_arn(arn: &str) -> Result<(&str, &str, &str), Error> {
    let refuse = || format!("ARN {arn} is not valid.");
    if arn.splitn(6, ':').count() < 6 || !arn.starts_with("arn:") {
        return Err(errors::invalid(refuse()));
    }
    let parsed = split_arn(arn).and_then(|(account, resource)| {
        let resource = resource.strip_prefix("policy")?;
        let name = resource.rfind('/')? + 1;
        let (path, name) = resource.split_at(name);
        let owned = account == AWS || account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (path.starts_with('/') && !name.is_empty() && owned).then_some((account, path, name))
    });
    parsed.ok_or_else(|| errors::invalid_input(refuse()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_have_letters_digits_and_a_few_signs() {
        for name in ["a", "A.b@c-d_e=f,g+h", "0"] {
            assert!(check_name("userName", name).is_ok(), "{name}");
        }
        let text = "ValidationError: The specified value for userName is invalid. It must contain only alphanumeric \
                    characters and/or the following: +=,.@_-";
        for name in ["a b", "ä", "a/b", "a:b", "a*"] {
            assert_eq!(check_name("userName", name).unwrap_err().to_string(), text, "{name}");
        }
    }

    #[test]
    fn paths_begin_and_end_with_a_slash() {
        assert_eq!(path("path", None).unwrap(), "/");
        for good in ["/", "/a/", "/a//b/", "/!~/"] {
            assert_eq!(path("path", Some(good.to_owned())).unwrap(), good);
        }
        for bad in ["a/", "/a", "", "/a b/", "/ä/"] {
            assert!(path("path", Some(bad.to_owned())).unwrap_err().is("ValidationError"), "{bad}");
        }
        assert!(own_path("path", Some("/aws-service-role/x/".to_owned())).is_err());
    }

    #[test]
    fn a_policys_arn_names_its_owner_path_and_name() {
        let own = "arn:aws:iam::123456789012:policy/a/b/Name";
        assert_eq!(policy_arn(own).unwrap(), ("123456789012", "/a/b/", "Name"));
        let aws = "arn:aws:iam::aws:policy/service-role/AWSLambdaRole";
        assert_eq!(policy_arn(aws).unwrap(), ("aws", "/service-role/", "AWSLambdaRole"));
        assert!(policy_arn("longpolicynamebutnoarn").unwrap_err().is("ValidationError"));
        for other in ["arn:aws:iam::123456789012:not_a_policy/invalid", "arn:aws:iam::1:policy/", "arn:aws:s3:::a"] {
            assert_eq!(policy_arn(other).unwrap_err().message.unwrap(), format!("ARN {other} is not valid."));
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = policy_arn(&text);
            let _ = split_arn(&text);
        }
    }
}
