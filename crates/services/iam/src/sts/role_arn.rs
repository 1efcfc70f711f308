//! Names of roles in requests.

use wire::Error;

use super::refusals::invalid;

/// The parts of a role's ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleArn<'a> {
    /// 12 digits.
    pub account: &'a str,
    /// The role's name, without its path.
    pub name: &'a str,
}

impl<'a> RoleArn<'a> {
    /// Reads an ARN. `None` for that of something else than a role.
    ///
    /// # Errors
    /// `ValidationError` for what is no ARN at all.
    pub fn parse(text: &'a str) -> Result<Option<RoleArn<'a>>, Error> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [scheme, partition, service, region, account, resource] = parts[..] else {
            return Err(invalid(format!("{text} is invalid")));
        };
        if scheme != "arn" || [partition, service, account, resource].iter().any(|part| part.is_empty()) {
            return Err(invalid(format!("{text} is invalid")));
        }
        let name = resource.strip_prefix("role/").map(|path| path.rsplit('/').next().unwrap_or(path));
        let is_iam = partition == platform::Config::PARTITION && service == "iam" && region.is_empty();
        Ok(name.filter(|name| is_iam && !name.is_empty()).map(|name| RoleArn { account, name }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_name_is_what_follows_its_path() {
        for arn in ["arn:aws:iam::123456789012:role/worker", "arn:aws:iam::123456789012:role/a/b/worker"] {
            let expected = RoleArn { account: "123456789012", name: "worker" };
            assert_eq!(RoleArn::parse(arn).expect("an ARN"), Some(expected));
        }
        for arn in [
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3::123456789012:role/worker",
            "arn:aws:iam:eu-west-1:123456789012:role/worker",
            "arn:aws:iam::123456789012:role",
        ] {
            assert_eq!(RoleArn::parse(arn).expect("an ARN"), None, "{arn}");
        }
    }

    #[test]
    fn what_is_no_arn_is_invalid() {
        for text in [
            "nothing-valid-in-here",
            "arn::b:::something/test-role",
            "arn:a::::something/test-role",
            "arn:a:::something/test-role",
            "arn:a:a::aaaaaaaaaa:",
        ] {
            let refused = RoleArn::parse(text).expect_err("no ARN");
            assert_eq!(refused.to_string(), format!("ValidationError: {text} is invalid"));
        }
    }
}
