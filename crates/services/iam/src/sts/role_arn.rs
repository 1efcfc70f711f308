//! Names of roles in requests.

use platform::credentials::RoleArn;
use wire::Error;

use super::refusals::invalid;

/// Reads an ARN. `None` for that of something else than a role.
///
/// # Errors
/// `ValidationError` for what is no ARN at all.
pub fn parse(text: &str) -> Result<Option<RoleArn<'_>>, Error> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_arn = match parts[..] {
        ["arn", partition, service, _, account, resource] => {
            [partition, service, account, resource].iter().all(|part| !part.is_empty())
        }
        _ => false,
    };
    if is_arn { Ok(RoleArn::parse(text)) } else { Err(invalid(format!("{text} is invalid"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_arn_is_invalid() {
        for text in [
            "nothing-valid-in-here",
            "arn::b:::something/test-role",
            "arn:a::::something/test-role",
            "arn:a:::something/test-role",
            "arn:a:a::aaaaaaaaaa:",
        ] {
            let refused = parse(text).expect_err("no ARN");
            assert_eq!(refused.to_string(), format!("ValidationError: {text} is invalid"));
        }
        assert_eq!(parse("arn:aws:iam::123456789012:user/alice").expect("an ARN"), None);
    }
}
