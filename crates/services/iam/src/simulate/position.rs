//! Where statements stand in their documents, as AWS counts.

use std::ops::Range;

use api::iam::Position;

/// The positions of a statement: its start is behind what opens it, which is the bracket of the list, the statement
/// before, or its own brace where it is no list; its end is behind its brace. `before` is where the statement before
/// ends, if there is one.
pub fn of(text: &str, span: &Range<usize>, before: Option<usize>) -> (Position, Position) {
    let opening = text[..span.start].trim_end();
    let start = match before {
        Some(end) => end,
        None if opening.ends_with('[') => opening.len(),
        None => span.start + 1,
    };
    (position(text, start), position(text, span.end))
}

/// Line and column behind the first `offset` bytes, both from 1; columns are characters, and lines end as they do in any
/// system.
fn position(text: &str, offset: usize) -> Position {
    let (mut line, mut column) = (1, 1);
    let mut characters = text[..offset].chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' | '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    Position { line: Some(line), column: Some(column) }
}
