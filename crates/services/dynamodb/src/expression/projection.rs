//! `ProjectionExpression`.

use super::context::Context;
use super::parser::Parser;
use super::path::Path;

/// Parses and checks a projection.
///
/// # Errors
/// AWS's text.
pub fn parse(text: &str, context: &Context) -> Result<Vec<Path>, String> {
    Parser::run("ProjectionExpression", text, context, |parser| {
        let mut paths = Vec::new();
        loop {
            let path = parser.path()?;
            parser.check_clashes(&paths, &path);
            paths.push(path);
            if !parser.tokens.take_symbol(",") {
                return Ok(paths);
            }
        }
    })
}
