//! What a registry asks for: `WWW-Authenticate`.

use http::{HeaderMap, header};

/// How a registry wants to be asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// With name and password.
    Basic,
    /// With a token that another server gives out.
    Bearer {
        /// The address of that server.
        realm: String,
        /// Names the registry there.
        service: Option<String>,
    },
}

/// The strongest challenge of an answer that is understood.
pub(crate) fn of(headers: &HeaderMap) -> Option<Challenge> {
    let challenges = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut found: Vec<Challenge> = challenges.filter_map(parse).collect();
    let bearer = found.iter().position(|challenge| matches!(challenge, Challenge::Bearer { .. }));
    match bearer {
        Some(at) => Some(found.swap_remove(at)),
        None => found.pop(),
    }
}

fn parse(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service) = (None, None);
    let mut rest = rest.trim_start();
    while let Some((name, value, after)) = parameter(rest) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            _ => {}
        }
        rest = after;
    }
    Some(Challenge::Bearer { realm: realm?, service })
}

/// The first parameter, `name="value"` or `name=value`, and what comes behind it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.find('"')?;
            (&quoted[..end], &quoted[end + 1..])
        }
        None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
    };
    Some((name.trim(), value.to_owned(), rest.trim_start_matches([',', ' '])))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn challenges_are_understood() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
            }
            super::of(&headers)
        };
        let bearer = Challenge::Bearer { realm: "https://auth/token?a=b".into(), service: Some("r".into()) };
        let text = r#"Bearer realm="https://auth/token?a=b", service="r",scope="repository:a:pull,push""#;
        assert_eq!(of(&["Basic realm=x", text]), Some(bearer));
        assert_eq!(of(&["basic"]), Some(Challenge::Basic));
        assert_eq!(of(&["Negotiate"]), None);
        assert_eq!(of(&["Bearer service=\"r"]), None);
        assert_eq!(of(&[]), None);
    }
}
