//! What a queue is called: its name, its ARN, and the forms its URL comes in.

use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::limits::NAME_CHARACTERS_MAX;

/// Ending of the names of FIFO queues.
pub const FIFO_SUFFIX: &str = ".fifo";

/// A queue's full name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueueName {
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// Unique within account and region.
    pub name: String,
}

impl QueueName {
    /// A queue of the caller's own account and region.
    pub fn own(cx: &Ctx, name: &str) -> QueueName {
        QueueName { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() }
    }

    /// The queue that a URL names. Clients use several forms: `http://host:port/account/name`, the regional
    /// `https://sqs.region.amazonaws.com/account/name`, the older `https://region.queue.amazonaws.com/account/name` and
    /// `https://queue.amazonaws.com/account/name`, and `http://host:port/queue/region/account/name`.
    ///
    /// # Errors
    /// `InvalidAddress` when it is no such URL, or one of another region.
    pub fn of_url(cx: &Ctx, url: &str) -> Result<QueueName, Error> {
        let parsed = parse_url(url).ok_or_else(|| errors::invalid_address(url))?;
        if parsed.region.is_some_and(|region| region != cx.region) {
            return Err(errors::invalid_address(url));
        }
        Ok(QueueName { account: parsed.account.to_owned(), region: cx.region.clone(), name: parsed.name.to_owned() })
    }

    /// As [`QueueName::of_url`], for calls that other accounts cannot be given the right to.
    ///
    /// # Errors
    /// `InvalidAddress`, and `AccessDenied` for the queue of another account.
    pub fn own_of_url(cx: &Ctx, url: &str) -> Result<QueueName, Error> {
        let queue = QueueName::of_url(cx, url)?;
        if queue.account == cx.account { Ok(queue) } else { Err(errors::not_the_owner(url)) }
    }

    /// The queue of an ARN.
    pub fn of_arn(arn: &str) -> Option<QueueName> {
        let mut parts = arn.strip_prefix("arn:aws:sqs:")?.splitn(3, ':');
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        let whole =
            !region.is_empty() && is_account(account) && is_name(name.strip_suffix(FIFO_SUFFIX).unwrap_or(name));
        whole.then(|| QueueName { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }

    /// `arn:aws:sqs:region:account:name`.
    pub fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }

    /// The URL under which the caller reaches the queue.
    pub fn url(&self, cx: &Ctx) -> String {
        format!("{}/{}/{}", cx.endpoint, self.account, self.name)
    }

    /// Whether it is a FIFO queue, which its name tells.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(FIFO_SUFFIX)
    }

    /// Another queue of the same account and region.
    pub fn sibling(&self, name: &str) -> QueueName {
        QueueName { name: name.to_owned(), ..self.clone() }
    }
}

struct ParsedUrl<'a> {
    region: Option<&'a str>,
    account: &'a str,
    name: &'a str,
}

fn parse_url(url: &str) -> Option<ParsedUrl<'_>> {
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => ("", url.strip_prefix('/')?),
    };
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let path = path.split(['?', '#']).next()?;
    let (in_path, path) = match path.strip_prefix("queue/").and_then(|rest| rest.split_once('/')) {
        Some((region, rest)) => (Some(region), rest),
        None => (None, path),
    };
    let (account, name) = path.trim_end_matches('/').split_once('/')?;
    let plausible = is_account(account) && !name.is_empty() && !name.contains('/');
    plausible.then_some(ParsedUrl { region: in_path.or_else(|| region_of_host(host)), account, name })
}

/// The region that a host of AWS's names; hosts of other forms name none.
fn region_of_host(host: &str) -> Option<&str> {
    if host == "queue.amazonaws.com" {
        return Some("us-east-1");
    }
    let regional = host.strip_prefix("sqs.").and_then(|rest| rest.strip_suffix(".amazonaws.com"));
    regional.or_else(|| host.strip_suffix(".queue.amazonaws.com"))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name, without the ending of FIFO queues, consists of what names consist of.
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Option<(Option<&str>, &str, &str)> {
        parse_url(url).map(|parsed| (parsed.region, parsed.account, parsed.name))
    }

    #[test]
    fn every_form_of_url_names_its_queue() {
        let account = "123456789012";
        for (url, region) in [
            ("http://127.0.0.1:4566/123456789012/jobs", None),
            ("http://localhost:4566/123456789012/jobs/", None),
            ("http://queue.localhost:4566/123456789012/jobs", None),
            ("/123456789012/jobs", None),
            ("http://localhost:4566/queue/eu-west-1/123456789012/jobs", Some("eu-west-1")),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", Some("eu-west-1")),
            ("https://eu-central-1.queue.amazonaws.com/123456789012/jobs", Some("eu-central-1")),
            ("https://queue.amazonaws.com/123456789012/jobs", Some("us-east-1")),
        ] {
            assert_eq!(parsed(url), Some((region, account, "jobs")), "{url}");
        }
    }

    #[test]
    fn what_is_no_queues_url_is_refused() {
        for url in ["", "jobs", "http://host", "http://host/jobs", "http://host/12/jobs", "/123456789012/a/b", "://"] {
            assert_eq!(parsed(url), None, "{url}");
        }
    }

    #[test]
    fn arns_read_back() {
        let arn = "arn:aws:sqs:eu-west-1:123456789012:jobs.fifo";
        let queue = QueueName::of_arn(arn).unwrap();
        assert!(queue.is_fifo());
        assert_eq!(queue.arn(), arn);
        for wrong in ["", "dummy", "arn:aws:sns:eu-west-1:123456789012:jobs", "arn:aws:sqs:eu-west-1:123:jobs"] {
            assert_eq!(QueueName::of_arn(wrong), None);
        }
    }
}
