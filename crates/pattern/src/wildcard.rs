//! Texts in which `*` stands for any characters.

/// A compiled wildcard: the texts between its asterisks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    parts: Vec<String>,
}

impl Wildcard {
    /// Reads a wildcard. `\*` is an asterisk and `\\` a backslash.
    ///
    /// # Errors
    /// The reason, in AWS's words. Places count from the quote in front of the text.
    pub fn parse(text: &str) -> Result<Wildcard, String> {
        let mut parts = vec![String::new()];
        let mut characters = text.chars().enumerate().peekable();
        let mut after_asterisk = false;
        while let Some((place, character)) = characters.next() {
            match character {
                '*' if after_asterisk => return Err(format!("Consecutive wildcard characters at pos {place}")),
                '*' => parts.push(String::new()),
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => last(&mut parts).push(escaped),
                    _ => return Err(format!("Invalid escape character at pos {}", place + 1)),
                },
                _ => last(&mut parts).push(character),
            }
            after_asterisk = character == '*';
        }
        Ok(Wildcard { parts })
    }

    /// How many asterisks it has.
    pub fn asterisks(&self) -> usize {
        self.parts.len() - 1
    }

    /// Whether a text is of this form. Each part is looked for once, behind the one in front of it.
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.parts.split_first() else { return text.is_empty() };
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            match text.find(part.as_str()) {
                Some(found) => text = &text[found + part.len()..],
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

fn last(parts: &mut [String]) -> &mut String {
    parts.last_mut().expect("there is a part from the beginning")
}
