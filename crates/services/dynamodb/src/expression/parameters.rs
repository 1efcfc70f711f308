//! Which parameters go together.

use crate::value::Wording;

/// Parameters by name, and whether they are given.
pub type Given<'a> = [(&'a str, bool)];

/// Checks that expressions are not mixed with the parameters they replaced, and that placeholders come with an
/// expression that may use them.
///
/// # Errors
/// AWS's text. That values have no expression is told with the names of the expressions in the older wording only.
pub fn check(
    expressions: &Given<'_>,
    older: &Given<'_>,
    names: bool,
    values: bool,
    wording: Wording,
) -> Result<(), String> {
    let given = |parameters: &Given<'_>| -> Vec<String> {
        parameters.iter().filter(|(_, given)| *given).map(|(name, _)| (*name).to_owned()).collect()
    };
    let (new, old) = (given(expressions), given(older));
    if !new.is_empty() && !old.is_empty() {
        return Err(format!(
            "Can not use both expression and non-expression parameters in the same request: \
             Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
            old.join(", "),
            new.join(", ")
        ));
    }
    if names && new.is_empty() {
        return Err("ExpressionAttributeNames can only be specified when using expressions".to_owned());
    }
    let with_values: Vec<(&str, bool)> =
        expressions.iter().filter(|(name, _)| *name != "ProjectionExpression").copied().collect();
    if values && !with_values.is_empty() && with_values.iter().all(|(_, given)| !given) {
        let text = "ExpressionAttributeValues can only be specified when using expressions";
        if wording == Wording::Current {
            return Err(text.to_owned());
        }
        let names: Vec<&str> = with_values.iter().map(|(name, _)| *name).collect();
        let verb = if names.len() > 1 { "are" } else { "is" };
        return Err(format!("{text}: {} {verb} null", names.join(" and ")));
    }
    Ok(())
}
