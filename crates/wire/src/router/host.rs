//! What a host name says.

/// The host without `:port`. IPv6 addresses keep their brackets.
pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

/// Whether the host's first labels are `prefix`, compared without case.
pub(super) fn starts_with_labels(host: &str, prefix: &str) -> bool {
    let (host, prefix) = (host.as_bytes(), prefix.as_bytes());
    host.get(prefix.len()) == Some(&b'.') && host[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// The bucket that a host names (S3 virtual hosts): `{bucket}.s3.…`, `{bucket}.s3-{something}.…`, or `{bucket}.{domain}`
/// for one of `domains` (lower case).
pub fn virtual_host_bucket<'a>(host: &'a str, domains: &[String]) -> Option<&'a str> {
    let host = without_port(host);
    if !host.contains('.') {
        return None;
    }
    let lower = host.to_ascii_lowercase();
    if starts_with_labels(&lower, "s3") || lower.starts_with("s3-") {
        return None;
    }
    let at = lower.rfind(".s3.").or_else(|| lower.rfind(".s3-"));
    let end = at.or_else(|| {
        let fits = domains.iter().filter_map(|domain| lower.strip_suffix(domain.as_str())?.strip_suffix('.'));
        fits.map(str::len).min()
    })?;
    host.get(..end).filter(|bucket| !bucket.is_empty())
}
