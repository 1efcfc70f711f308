//! Names of the model as Rust spells them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::model::Model;

/// Spellings whose capitals do not mark words, and what to read instead.
const ONE_WORD: [(&str, &str); 4] = [("IPv", "Ipv"), ("OAuth", "Oauth"), ("ETag", "Etag"), ("DynamoDB", "Dynamodb")];

const KEYWORDS: [&str; 45] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "use", "where", "while",
];

/// Keywords that cannot be written raw, and the generated structures' own field.
const TAKEN: [&str; 5] = ["self", "super", "crate", "_", "missing"];

/// Type names that generated files use themselves.
const RESERVED_TYPES: [&str; 20] = [
    "Any",
    "BTreeMap",
    "Body",
    "Box",
    "Bytes",
    "Default",
    "Hidden",
    "Member",
    "Missing",
    "Option",
    "ReadResult",
    "ReadStructure",
    "ReadValue",
    "Reader",
    "Shape",
    "String",
    "Structure",
    "Timestamp",
    "Vec",
    "Writer",
];

/// Splits a name into its words, lower case.
fn words(name: &str) -> Vec<String> {
    let mut name = name.to_owned();
    for (spelling, reading) in ONE_WORD {
        name = name.replace(spelling, reading);
    }
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if at > 0 && starts_word(&letters, at) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A capital starts a word after a small letter or digit, and at the end of an acronym (`KMSKey`), whose plural `s`
/// belongs to it (`ARNs`).
fn starts_word(letters: &[char], at: usize) -> bool {
    let before = letters[at - 1];
    if !letters[at].is_ascii_uppercase() || !before.is_ascii_alphanumeric() {
        return false;
    }
    if before.is_ascii_lowercase() || before.is_ascii_digit() {
        return true;
    }
    let Some(&after) = letters.get(at + 1) else { return false };
    let plural = after == 's' && letters.get(at + 2).is_none_or(|next| !next.is_ascii_lowercase());
    after.is_ascii_lowercase() && !plural
}

/// `CreateFunction` as `create_function`.
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `CreateFunction` as `CREATE_FUNCTION`.
pub fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// A field's name: snake case, escaped where Rust claims the word.
pub fn field(name: &str) -> String {
    let name = snake(name);
    if TAKEN.contains(&name.as_str()) {
        format!("{name}_")
    } else if KEYWORDS.contains(&name.as_str()) {
        format!("r#{name}")
    } else {
        name
    }
}

/// A variant's name: the member's own, with a capital.
pub fn variant(name: &str) -> String {
    capital(name.trim_start_matches('_'))
}

/// A service's module.
pub fn module(id: &str) -> String {
    id.replace('-', "_")
}

/// The constant of an enum's value, unique among those already `used`.
pub fn constant(value: &str, used: &mut HashSet<String>) -> String {
    let mut name = screaming(&value.replace('*', "_any"));
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name = format!("VALUE_{name}");
    }
    unique(name.trim_end_matches('_').to_owned(), used)
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn unique(name: String, used: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !used.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

/// The Rust names of a model's shapes. Given to all shapes at once, so that building one more operation renames nothing.
#[derive(Debug)]
pub struct ShapeNames(HashMap<String, ShapeName>);

/// The Rust names of one shape.
#[derive(Debug)]
pub struct ShapeName {
    /// Structures and unions: the type.
    pub type_name: String,
    /// The static schema.
    pub schema: String,
    /// Enums: the module of constants.
    pub enum_module: String,
}

impl ShapeNames {
    /// Names every shape of the model.
    pub fn of(model: &Model) -> ShapeNames {
        let mut types: HashSet<String> = model.operations.keys().cloned().collect();
        types.extend(RESERVED_TYPES.map(str::to_owned));
        let (mut schemas, mut modules) = (HashSet::new(), HashSet::new());
        let mut names = HashMap::new();
        for name in by_spelling(model) {
            let is_type = model.shape(name).kind == "structure";
            let plain = capital(name.trim_start_matches('_'));
            let type_name = if is_type { unique_type(plain, &mut types) } else { String::new() };
            let schema = unique(screaming(name), &mut schemas);
            let enum_module = unique(field(name), &mut modules);
            names.insert(name.clone(), ShapeName { type_name, schema, enum_module });
        }
        ShapeNames(names)
    }

    /// The names of that shape.
    pub fn get(&self, shape: &str) -> &ShapeName {
        self.0.get(shape).unwrap_or_else(|| panic!("every shape of the model is named, {shape} too"))
    }
}

/// Capitalised names first, so that `Tag` keeps its name and `__tag` gets the number.
fn by_spelling(model: &Model) -> impl Iterator<Item = &String> {
    let mut names: BTreeMap<(bool, &String), ()> = BTreeMap::new();
    for name in model.shapes.keys() {
        names.insert((!name.starts_with(|first: char| first.is_ascii_uppercase()), name), ());
    }
    names.into_keys().map(|(_, name)| name)
}

fn unique_type(name: String, used: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    while !used.insert(candidate.clone()) {
        candidate.push_str("Shape");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_a_reader_ends_them() {
        for (name, expected) in [
            ("FunctionName", "function_name"),
            ("KMSKeyArn", "kms_key_arn"),
            ("CodeSha256", "code_sha256"),
            ("AWSAccountIds", "aws_account_ids"),
            ("SubnetARNs", "subnet_arns"),
            ("EC2ThrottledException", "ec2_throttled_exception"),
            ("IPv6CidrBlock", "ipv6_cidr_block"),
            ("ETag", "etag"),
            ("x-amz-tagging", "x_amz_tagging"),
            ("__string", "string"),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
    }

    #[test]
    fn fields_never_clash_with_rust() {
        assert_eq!(field("Type"), "r#type");
        assert_eq!(field("Self"), "self_");
        assert_eq!(field("Missing"), "missing_");
    }

    #[test]
    fn constants_of_an_enum_are_distinct() {
        let mut used = HashSet::new();
        let names: Vec<_> = ["nodejs20.x", "s3:ObjectCreated:*", "*", "5", "a.b", "a-b"]
            .iter()
            .map(|v| constant(v, &mut used))
            .collect();
        assert_eq!(names, ["NODEJS20_X", "S3_OBJECT_CREATED_ANY", "ANY", "VALUE_5", "A_B", "A_B_2"]);
    }
}
