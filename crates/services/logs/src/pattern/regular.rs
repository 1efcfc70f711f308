//! Regular expressions, of which AWS allows a part.

use regex::bytes::{Regex, RegexBuilder};

use super::PatternError;

/// Largest compiled form of an expression, in bytes: counted repetitions are written out.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Characters that may stand in an expression besides letters and digits: symbols, operators, and the space that the
/// conditions on JSON need.
const ALLOWED: &str = ":_#=@/;,-^$?[]{}|\\*+. ";

/// Classes that a backslash introduces.
const CLASSES: &str = "dDsSwW";

/// An expression that is searched for anywhere in a text, byte by byte.
pub fn compile(expression: &str) -> Result<Regex, PatternError> {
    let refused = || PatternError::Term(format!("%{expression}%"));
    if expression.is_empty() {
        return Err(refused());
    }
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        let allowed = match character {
            '\\' => escape_holds(&mut characters),
            other => other.is_ascii_alphanumeric() || ALLOWED.contains(other),
        };
        if !allowed {
            return Err(refused());
        }
    }
    let mut builder = RegexBuilder::new(expression);
    builder.unicode(false).size_limit(COMPILED_BYTES_MAX).build().map_err(|_| refused())
}

/// Reads what follows a backslash: a class, a code of two hexadecimal digits, or a character that is meant literally.
fn escape_holds(characters: &mut std::str::Chars<'_>) -> bool {
    match characters.next() {
        Some('x') => [characters.next(), characters.next()]
            .iter()
            .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
        Some(class) if class.is_ascii_alphanumeric() => CLASSES.contains(class),
        Some(literal) => literal.is_ascii_punctuation() && !matches!(literal, '<' | '>'),
        None => false,
    }
}
