//! Keeps web pages out of a platform that trusts its own machine.
//!
//! In open mode whoever can reach the loopback address may act as an account root. A page in the user's browser can
//! reach it, too: by a form or script that posts across sites, or by a name of its own that resolves to 127.0.0.1. So
//! credentials that nothing verifies count only if the request shows no sign of coming from a foreign page.

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;

/// What browsers say about where a request comes from; a script cannot forge it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Domains whose hosts are this machine, or names that only a function or a resolver of ours maps here.
const LOCAL_DOMAINS: [&str; 3] = ["localhost", "amazonaws.com", "amazonaws.com.cn"];

/// Whether a request may have been made by a web page that is not served from this machine. `domains` are further
/// names of the platform.
pub(crate) fn is_foreign(parts: &Parts, domains: &[String]) -> bool {
    let host = text(&parts.headers, &HOST).or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    if !is_local(host.unwrap_or_default(), domains) {
        return true;
    }
    match text(&parts.headers, &ORIGIN) {
        Some(origin) => !origin.split_once("://").is_some_and(|(_, host)| is_local(host, domains)),
        // Without an origin: a link, an image, a script element. Some of them cross sites.
        None => text(&parts.headers, &SEC_FETCH_SITE).is_some_and(|site| site == "cross-site"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a host, perhaps with a port, cannot belong to a page out there: a loopback or other literal address, a
/// single label (public names have two), or a name under one of the domains.
fn is_local(host: &str, domains: &[String]) -> bool {
    if host.starts_with('[') {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.');
    if name.parse::<std::net::Ipv4Addr>().is_ok() || !name.contains('.') {
        return true;
    }
    let name = name.to_ascii_lowercase();
    let under = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    LOCAL_DOMAINS.iter().any(|domain| under(domain)) || domains.iter().any(|domain| under(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::new(());
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).unwrap();
            request.headers_mut().insert(name, http::HeaderValue::try_from(*value).unwrap());
        }
        is_foreign(&request.into_parts().0, &["cloud.example".to_owned()])
    }

    #[test]
    fn tools_and_local_pages_pass() {
        for host in [
            "127.0.0.1:4566",
            "localhost:4566",
            "[::1]:4566",
            "traca:4566",
            "sync-localhost:4566",
            "bucket.s3.localhost:4566",
            "sts.us-east-1.amazonaws.com",
            "10.0.0.7:4566",
            "bucket.cloud.example",
        ] {
            assert!(!foreign(&[("host", host)]), "{host}");
        }
        let page = [("host", "127.0.0.1:4566"), ("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")];
        assert!(!foreign(&page));
        assert!(!foreign(&[("host", "localhost:4566"), ("sec-fetch-site", "none")]));
    }

    #[test]
    fn foreign_pages_and_names_that_merely_resolve_here_do_not() {
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example"]
        {
            assert!(foreign(&[("host", "localhost:4566"), ("origin", origin)]), "{origin}");
        }
        assert!(foreign(&[("host", "evil.example:4566")]));
        assert!(foreign(&[("host", "notlocalhost.example")]));
        assert!(foreign(&[("host", "xamazonaws.com")]));
        assert!(foreign(&[("host", "localhost:4566"), ("sec-fetch-site", "cross-site")]));
    }
}
