//! What policies mean, case by case. Each table names the section of the IAM User Guide that its cases come from.

mod actions_and_resources;
mod conditions;
mod evaluation;
mod examples;
mod malformed;
mod properties;
mod support;
mod variables;
