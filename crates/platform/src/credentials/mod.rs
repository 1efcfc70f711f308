//! Temporary credentials that need no memory: whoever holds the installation's key can tell from a session token whose
//! it is and until when it is valid, and can derive the secret from it.
//!
//! An access key id is spelled as AWS spells it and carries its account (`sts:GetAccessKeyInfo` reads it out). Its last
//! 16 bits are a tag under the installation's key, so that one of ours is recognised even without its token. The
//! session token holds the claims (principal and end) in a form anybody can read, followed by an HMAC-SHA256 over them
//! and the access key id. The secret access key is an HMAC over the same, so that two sessions never share one.

mod access_key;
pub mod authorization_message;
mod key_file;
mod role;
mod token;

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use wire::Timestamp;

use crate::clock::Clock;
use crate::ids::Ids;
use crate::principal::Principal;
use crate::sealing::Sealing;

pub use access_key::{LONG_TERM_PREFIX, TEMPORARY_PREFIX};
pub use key_file::{KEY_BYTES, KEY_FILE, KeyFileError};
pub use role::RoleArn;
pub use token::packed_bytes;
use token::{Claims, TOKEN_MAGIC};

/// Bytes of the token's seal.
const SEAL_BYTES: usize = 32;

/// Longest session token minted or looked at, in bytes of base 64: AWS's own are up to 4 KiB.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// Bytes of a secret before base 64 makes them the usual 40 characters.
const SECRET_BYTES: usize = 30;

/// Bits of an access key id that hold its tag.
const TAG_BITS: u32 = 16;

/// What a client needs to sign requests.
#[derive(Clone, PartialEq, Eq)]
pub struct TemporaryCredentials {
    /// `ASIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
    /// To be sent with every request.
    pub session_token: String,
    /// When they end; whole seconds.
    pub expiration: Timestamp,
}

impl std::fmt::Debug for TemporaryCredentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "TemporaryCredentials({})", self.access_key_id)
    }
}

/// Credentials of ours that hold, and the secret they are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose they are.
    pub principal: Principal,
    /// The secret access key.
    pub secret: String,
}

/// Why credentials do not name a principal of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Neither the key nor the token was minted here.
    #[error("unknown access key")]
    Unknown,
    /// Minted here, but the token is missing, altered or another key's.
    #[error("the session token is invalid")]
    InvalidToken,
    /// Valid once.
    #[error("the session token has expired")]
    ExpiredToken,
}

/// Why no credentials are minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// Nobody and the platform's own services hold none.
    #[error("this kind of principal cannot hold credentials")]
    NoHolder,
    /// What the session carries does not fit into a token of [`TOKEN_BYTES_MAX`].
    #[error("the session carries too much for its token")]
    TooLarge,
}

/// Mints and checks temporary credentials.
pub struct Issuer {
    /// An HMAC that has taken in the installation's key and nothing else.
    keyed: Hmac<Sha256>,
    clock: Clock,
    ids: Ids,
}

impl Issuer {
    /// Under the key of a data directory, which is made if it is not there yet.
    pub fn open(directory: &Path, clock: Clock, ids: Ids) -> Result<Issuer, KeyFileError> {
        let mut random = [0; KEY_BYTES];
        Ids::random().fill(&mut random);
        Ok(Issuer::with_key(&key_file::read_or_create(directory, random)?, clock, ids))
    }

    /// Under a key that is kept nowhere: the credentials end with the process.
    pub fn in_memory(clock: Clock, ids: Ids) -> Issuer {
        let mut key = [0; KEY_BYTES];
        Ids::random().fill(&mut key);
        Issuer::with_key(&key, clock, ids)
    }

    pub(crate) fn with_key(key: &[u8; KEY_BYTES], clock: Clock, ids: Ids) -> Issuer {
        let keyed = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Issuer { keyed, clock, ids }
    }

    /// Tells this installation from all others, and nothing of its key: 64 hexadecimal digits.
    pub fn installation(&self) -> String {
        self.mac("installation", &[]).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals secrets at rest under a key derived from the installation's.
    pub(crate) fn sealing(&self) -> Sealing {
        let key = self.mac("sealing", &[]);
        Sealing::new(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"), self.ids.clone())
    }

    /// Temporary credentials of a principal, valid from now for `lifetime`.
    pub fn mint(&self, principal: &Principal, lifetime: Duration) -> Result<TemporaryCredentials, MintError> {
        let expires = self.clock.now().seconds.saturating_add(lifetime.as_secs().min(i64::MAX as u64) as i64);
        let account = principal.account().ok_or(MintError::NoHolder)?;
        let access_key_id = self.access_key_id(TEMPORARY_PREFIX, account);
        let mut token = Claims::of(principal, expires).ok_or(MintError::NoHolder)?.encode();
        let secret_access_key = self.secret(&access_key_id, &token);
        let seal = self.mac("session token", &[access_key_id.as_bytes(), &token]);
        token.extend_from_slice(&seal);
        let session_token = STANDARD.encode(&token);
        if session_token.len() > TOKEN_BYTES_MAX {
            return Err(MintError::TooLarge);
        }
        let expiration = Timestamp { seconds: expires, nanoseconds: 0 };
        Ok(TemporaryCredentials { access_key_id, secret_access_key, session_token, expiration })
    }

    /// Whose credentials these are at `now`, and the secret that their signatures are made with.
    pub fn check(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
        now: Timestamp,
    ) -> Result<Verified, CredentialError> {
        let token = session_token.and_then(decode_token);
        let Some(token) = token else {
            let ours = self.is_ours(access_key_id);
            return Err(if ours { CredentialError::InvalidToken } else { CredentialError::Unknown });
        };
        let (claims, seal) = token.split_at_checked(token.len().saturating_sub(SEAL_BYTES)).unwrap_or_default();
        let expected = self.mac("session token", &[access_key_id.as_bytes(), claims]);
        if !bool::from(expected.as_slice().ct_eq(seal)) {
            return Err(CredentialError::InvalidToken);
        }
        let parsed = Claims::decode(claims).ok_or(CredentialError::InvalidToken)?;
        if parsed.expires <= now.seconds {
            return Err(CredentialError::ExpiredToken);
        }
        Ok(Verified { principal: parsed.into_principal(), secret: self.secret(access_key_id, claims) })
    }

    /// A new access key id of an account: [`LONG_TERM_PREFIX`] or [`TEMPORARY_PREFIX`].
    pub fn access_key_id(&self, prefix: &str, account: &str) -> String {
        let random = self.ids.below(1 << (39 - TAG_BITS)) << TAG_BITS;
        let tag = self.tag(account, random);
        access_key::encode(prefix, account, random | u64::from(tag))
    }

    /// The account that an access key id carries, wherever it was minted: 12 digits. `None` for ids that carry none.
    pub fn account_of(access_key_id: &str) -> Option<String> {
        access_key::decode(access_key_id).map(|(account, _)| account)
    }

    fn is_ours(&self, access_key_id: &str) -> bool {
        access_key::decode(access_key_id).is_some_and(|(account, rest)| {
            let tag = self.tag(&account, rest >> TAG_BITS << TAG_BITS);
            rest as u16 == tag
        })
    }

    fn tag(&self, account: &str, random: u64) -> u16 {
        let mac = self.mac("access key id", &[account.as_bytes(), &random.to_be_bytes()]);
        u16::from_be_bytes([mac[0], mac[1]])
    }

    fn secret(&self, access_key_id: &str, claims: &[u8]) -> String {
        STANDARD.encode(&self.mac("secret access key", &[access_key_id.as_bytes(), claims])[..SECRET_BYTES])
    }

    /// HMAC under the installation's key; lengths go in too, so that no two lists of parts are alike.
    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        let mut mac = self.keyed.clone();
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The bytes of a token that looks like one of ours.
fn decode_token(token: &str) -> Option<Vec<u8>> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    STANDARD.decode(token).ok().filter(|bytes| bytes.starts_with(TOKEN_MAGIC))
}

#[cfg(test)]
mod tests;
