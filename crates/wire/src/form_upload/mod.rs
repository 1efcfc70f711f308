//! A browser's form upload to S3 (`POST Object`): the fields and the file of a `multipart/form-data` body, and the policy
//! that says which fields whoever signed it allows.

mod decoder;
mod policy;

pub use decoder::{FormDecoder, FormError, FormField, Head};
pub use policy::{Policy, PolicyError};

/// The value of a field, whose name is compared without case. Of several, the first one counts.
pub fn field<'a>(fields: &'a [FormField], name: &str) -> Option<&'a str> {
    fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_str())
}
