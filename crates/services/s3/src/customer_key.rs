//! The keys that customers bring along (SSE-C): three headers that must agree.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use wire::Error;
use wire::error::Scalar;
use zeroize::Zeroizing;

use crate::cipher::KEY_BYTES;
use crate::errors::argument;

/// A customer's key. It lives as long as the request.
pub struct CustomerKey {
    /// The key.
    pub secret: Zeroizing<Vec<u8>>,
    /// Its MD5 in base64.
    pub md5: String,
}

/// The argument that S3 names in all of these errors.
const ARGUMENT: &str = "x-amz-server-side-encryption";

impl CustomerKey {
    /// Of the three headers: algorithm, key in base64, MD5 of the key in base64. `None` if there are none.
    ///
    /// # Errors
    /// `InvalidArgument`, `InvalidEncryptionAlgorithmError`.
    pub fn of(algorithm: Option<&str>, key: Option<&str>, md5: Option<&str>) -> Result<Option<CustomerKey>, Error> {
        let lacks = |what: &str| {
            let text = "Requests specifying Server Side Encryption with Customer provided keys must provide ";
            argument(format!("{text}{what}."), ARGUMENT, "null")
        };
        let (algorithm, key) = match (algorithm, key) {
            (None, None) if md5.is_none() => return Ok(None),
            (None, _) => return Err(lacks("a valid encryption algorithm")),
            (Some(_), None) => return Err(lacks("an appropriate secret key")),
            (Some(algorithm), Some(key)) => (algorithm, key),
        };
        if algorithm != "AES256" {
            let text = "The Encryption request you specified is not valid. Supported value: AES256.";
            return Err(api::s3::errors::invalid_encryption_algorithm_error(text)
                .with("ArgumentName", Scalar::from(ARGUMENT))
                .with("ArgumentValue", Scalar::from(algorithm)));
        }
        let secret = Zeroizing::new(STANDARD.decode(key).unwrap_or_default());
        if secret.len() != KEY_BYTES {
            return Err(argument("The secret key was invalid for the specified algorithm.", ARGUMENT, "null"));
        }
        let md5 = md5.ok_or_else(|| lacks("the client calculated MD5 of the secret key"))?;
        if STANDARD.encode(Md5::digest(&secret)) != md5 {
            let text = "The calculated MD5 hash of the key did not match the hash that was provided.";
            return Err(argument(text, ARGUMENT, "null"));
        }
        Ok(Some(CustomerKey { secret, md5: md5.to_owned() }))
    }
}

/// The customer's key of a request.
macro_rules! customer_key {
    ($input:expr) => {
        $crate::customer_key::CustomerKey::of(
            $input.sse_customer_algorithm.as_deref(),
            $input.sse_customer_key.as_deref(),
            $input.sse_customer_key_md5.as_deref(),
        )
    };
}

/// The customer's key of the source of a copy.
macro_rules! source_key {
    ($input:expr) => {
        $crate::customer_key::CustomerKey::of(
            $input.copy_source_sse_customer_algorithm.as_deref(),
            $input.copy_source_sse_customer_key.as_deref(),
            $input.copy_source_sse_customer_key_md5.as_deref(),
        )
    };
}

pub(crate) use {customer_key, source_key};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_headers_must_agree() {
        let key = STANDARD.encode([7; 32]);
        let md5 = STANDARD.encode(Md5::digest([7; 32]));
        let read = |algorithm, key, md5| CustomerKey::of(algorithm, key, md5);
        assert!(read(None, None, None).unwrap().is_none());
        assert!(read(Some("AES256"), Some(&key), Some(&md5)).unwrap().is_some());
        let algorithm = read(Some("AES128"), Some(&key), Some(&md5));
        assert!(algorithm.err().is_some_and(|error| error.is("InvalidEncryptionAlgorithmError")));
        let other = STANDARD.encode(Md5::digest([8; 32]));
        for (algorithm, key, md5) in [
            (None, Some(key.as_str()), Some(md5.as_str())),
            (None, None, Some(&md5)),
            (Some("AES256"), None, Some(&md5)),
            (Some("AES256"), Some("AAAA"), Some(&md5)),
            (Some("AES256"), Some("?"), Some(&md5)),
            (Some("AES256"), Some(&key), None),
            (Some("AES256"), Some(&key), Some(&other)),
        ] {
            assert!(read(algorithm, key, md5).err().is_some_and(|error| error.is("InvalidArgument")));
        }
    }
}
