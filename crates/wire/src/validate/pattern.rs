//! Patterns of the models: Java regular expressions, which must match a whole string.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use fancy_regex::{Regex, RegexBuilder};

/// Most compiled patterns kept. All models together have about 1,000.
const MAX_CACHED_PATTERNS: usize = 4_096;

/// Most steps of backtracking for one string. Only patterns with look-around backtrack at all; a string that needs more
/// counts as no match.
const BACKTRACK_LIMIT: usize = 100_000;

/// Largest compiled form of a pattern, in bytes.
const COMPILED_SIZE_LIMIT: usize = 16 << 20;

/// From this many repetitions on, a counted class is checked by counting characters: the engine would unroll it.
const MAX_UNROLLED: usize = 500;

/// A pattern ready to be used.
#[derive(Debug)]
pub(super) struct Compiled {
    regex: Regex,
    /// Least and greatest number of characters, where the pattern is one class repeated very often.
    length: Option<(usize, usize)>,
}

/// Patterns by address; `None` for one that Rust's engine cannot express (there is none in the models), which everything
/// matches. Patterns are static texts, so address and length name one.
type Cache = RwLock<HashMap<(usize, usize), Option<Arc<Compiled>>>>;

fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(Cache::default)
}

/// Whether the whole string matches the pattern.
pub(super) fn matches(pattern: &'static str, value: &str) -> bool {
    let key = (pattern.as_ptr() as usize, pattern.len());
    let cached = cache().read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key).cloned();
    let compiled = cached.unwrap_or_else(|| {
        let compiled = compile(pattern).map(Arc::new);
        let mut cache = cache().write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if cache.len() < MAX_CACHED_PATTERNS {
            cache.insert(key, compiled.clone());
        }
        compiled
    });
    compiled.is_none_or(|compiled| compiled.matches(value))
}

impl Compiled {
    fn matches(&self, value: &str) -> bool {
        let count = || value.chars().count();
        self.length.is_none_or(|(least, most)| (least..=most).contains(&count()))
            && self.regex.is_match(value).unwrap_or(false)
    }
}

/// Compiles a pattern so that it must match from end to end.
pub(super) fn compile(pattern: &str) -> Option<Compiled> {
    let (translated, length) = match counted_class(pattern) {
        Some((class, least, most)) => (format!("(?:{})*", translate(class)), Some((least, most))),
        None => (translate(pattern), None),
    };
    let regex = RegexBuilder::new(&format!(r"\A(?:{translated})\z"))
        .backtrack_limit(BACKTRACK_LIMIT)
        .delegate_size_limit(COMPILED_SIZE_LIMIT)
        .build()
        .ok()?;
    Some(Compiled { regex, length })
}

/// The parts of `[class]{least,most}` with a great `most`, with or without anchors and a group around it.
fn counted_class(pattern: &str) -> Option<(&str, usize, usize)> {
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let inner = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(inner);
    let (class, bounds) = inner.strip_suffix('}')?.rsplit_once('{')?;
    let (least, most) = bounds.split_once(',')?;
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    let single = match class.as_bytes() {
        [b'.'] => true,
        [b'\\', escape] => b"dDwWsS".contains(escape),
        [b'[', inner @ .., b']'] => !inner.contains(&b']') && !inner.contains(&b'['),
        _ => false,
    };
    (single && most > MAX_UNROLLED).then_some((class, least, most))
}

/// From Java's syntax to Rust's: `\d`, `\w` and `\s` mean ASCII, astral characters are written as surrogate pairs, and
/// some classes have other names.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let astral = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\u{10000}-\u{10FFFF}");
    let mut rest = astral.as_str();
    // Whether the position is inside a class, so that a class escape needs no brackets of its own.
    let mut class_depth = 0_usize;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => {
                let Some(escaped) = rest.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = &rest[escaped.len_utf8()..];
                push_escape(escaped, &mut rest, class_depth > 0, &mut out);
            }
            '[' => {
                class_depth += 1;
                out.push('[');
            }
            ']' => {
                class_depth = class_depth.saturating_sub(1);
                out.push(']');
            }
            _ => out.push(character),
        }
    }
    out
}

fn push_escape(escaped: char, rest: &mut &str, in_class: bool, out: &mut String) {
    let class = match escaped {
        'd' | 'D' => "0-9",
        'w' | 'W' => "a-zA-Z0-9_",
        's' | 'S' => r" \t\n\x0B\f\r",
        'p' | 'P' => {
            push_property(escaped, rest, in_class, out);
            return;
        }
        'Z' => {
            out.push_str(r"\z");
            return;
        }
        _ => {
            out.push('\\');
            out.push(escaped);
            return;
        }
    };
    match (escaped.is_ascii_uppercase(), in_class) {
        (false, true) => {
            out.push_str(class);
            // A hyphen after a class is one, not a range.
            if let Some(after) = rest.strip_prefix('-') {
                *rest = after;
                out.push_str(r"\-");
            }
        }
        (false, false) => out.push_str(&format!("[{class}]")),
        (true, _) => out.push_str(&format!("[^{class}]")),
    }
}

/// A Unicode or POSIX property. Of the names that only Java has, AWS uses one.
fn push_property(kind: char, rest: &mut &str, in_class: bool, out: &mut String) {
    const PRINT: &str = "{Print}";
    match rest.strip_prefix(PRINT) {
        Some(after) if kind == 'p' => {
            *rest = after;
            out.push_str(if in_class { r"\x20-\x7E" } else { r"[\x20-\x7E]" });
        }
        _ => {
            out.push('\\');
            out.push(kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pattern of the models, so that none is silently without effect.
    #[test]
    fn every_pattern_of_the_models_compiles() {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
        let mut patterns = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(models).expect("the test data is valid") {
            let path = entry.expect("the test data is valid").path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let model: serde_json::Value =
                serde_json::from_slice(&std::fs::read(path).expect("the test data is valid"))
                    .expect("the test data is valid");
            for shape in model["shapes"].as_object().expect("the test data is valid").values() {
                patterns.extend(shape["pattern"].as_str().map(str::to_owned));
            }
        }
        assert!(patterns.len() > 300, "{} patterns", patterns.len());
        let failing: Vec<_> = patterns.iter().filter(|pattern| compile(pattern).is_none()).collect();
        assert!(failing.is_empty(), "{failing:#?}");
    }

    #[test]
    fn a_pattern_must_match_from_end_to_end() {
        assert!(matches("[a-z]+", "abc"));
        assert!(!matches("[a-z]+", "abc1"));
        assert!(!matches("a|b", "ab"));
        assert!(!matches("[a-z]+", "abc\n"));
    }

    #[test]
    fn a_class_repeated_very_often_is_counted() {
        let pattern = "^[a-z]{2,100000}$";
        assert!(matches(pattern, "ab"));
        assert!(!matches(pattern, "a"));
        assert!(!matches(pattern, "aB"));
        assert!(!matches(pattern, &"a".repeat(100_001)));
    }

    #[test]
    fn java_classes_are_ascii() {
        assert!(matches(r"[\w.-]+\d", "a_b-c.1"));
        assert!(!matches(r"[\w.-]+", "\u{e9}"));
        assert!(!matches(r"\d", "\u{0663}"));
        assert!(matches(r"[\S]+", "\u{e9}"));
        assert!(matches(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "\u{1F600}"));
    }

    #[test]
    fn hopeless_backtracking_is_no_match() {
        assert!(!matches(r"(?=(a+)+$)(a|a)*b", &"a".repeat(64)));
    }
}
