//! Conditions joined by `&&`, `||` and parentheses.

use super::PatternError;
use super::scanner::Scanner;

/// Deepest nesting of parentheses.
const DEPTH_MAX: usize = 64;

/// Conditions and how they are joined.
#[derive(Debug)]
pub enum Expression<C> {
    /// One condition.
    One(C),
    /// All have to hold.
    All(Vec<Expression<C>>),
    /// One has to hold.
    Any(Vec<Expression<C>>),
}

impl<C> Expression<C> {
    /// Reads an expression, its conditions with `condition`. `&&` binds more tightly than `||`.
    pub fn parse<'a>(
        scanner: &mut Scanner<'a>,
        condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<C, PatternError>,
    ) -> Result<Expression<C>, PatternError> {
        any(scanner, condition, 0)
    }

    /// Whether it holds, given what tells whether a condition does.
    pub fn holds(&self, condition: &impl Fn(&C) -> bool) -> bool {
        match self {
            Expression::One(one) => condition(one),
            Expression::All(parts) => parts.iter().all(|part| part.holds(condition)),
            Expression::Any(parts) => parts.iter().any(|part| part.holds(condition)),
        }
    }
}

fn any<'a, C>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<C, PatternError>,
    depth: usize,
) -> Result<Expression<C>, PatternError> {
    let mut parts = vec![all(scanner, condition, depth)?];
    while scanner.take("||") {
        parts.push(all(scanner, condition, depth)?);
    }
    Ok(joined(parts, Expression::Any))
}

fn all<'a, C>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<C, PatternError>,
    depth: usize,
) -> Result<Expression<C>, PatternError> {
    let mut parts = vec![part(scanner, condition, depth)?];
    while scanner.take("&&") {
        parts.push(part(scanner, condition, depth)?);
    }
    Ok(joined(parts, Expression::All))
}

fn part<'a, C>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<C, PatternError>,
    depth: usize,
) -> Result<Expression<C>, PatternError> {
    if !scanner.take("(") {
        return Ok(Expression::One(condition(scanner)?));
    }
    if depth == DEPTH_MAX {
        return Err(PatternError::Invalid);
    }
    let inner = any(scanner, condition, depth + 1)?;
    scanner.expect(")")?;
    Ok(inner)
}

fn joined<C>(mut parts: Vec<Expression<C>>, join: fn(Vec<Expression<C>>) -> Expression<C>) -> Expression<C> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
