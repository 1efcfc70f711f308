//! What a session token says, and how it is written: a mark, how the rest is packed, and the claims as JSON.

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::principal::{Principal, SessionFacts};

/// First bytes of every session token: ours, and the version of what follows. Tokens of another version are invalid; they
/// are as short-lived as any.
pub(super) const TOKEN_MAGIC: &[u8] = b"traca\x02";

/// The claims follow as they are.
const PLAIN: u8 = 0;

/// The claims follow deflated.
const DEFLATED: u8 = 1;

/// Claims up to this size are not worth deflating, in bytes: they fit easily, and are read on every request.
const PLAIN_BYTES_MAX: usize = 1_024;

/// Most bytes that deflated claims unpack to; far more than a request to STS may carry.
const CLAIMS_BYTES_MAX: u64 = 256 * 1_024;

/// What a session token says.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    /// 12 digits.
    account: String,
    holder: Holder,
    /// End, in seconds since 1970.
    pub expires: i64,
}

#[derive(Serialize, Deserialize)]
enum Holder {
    Root,
    User { name: String, path: String, user_id: String, facts: Option<SessionFacts> },
    Session { role: String, role_id: String, session: String, facts: SessionFacts },
    FederatedUser { name: String, creator: Box<Holder>, facts: SessionFacts },
}

impl Claims {
    /// `None` for principals that hold no credentials.
    pub fn of(principal: &Principal, expires: i64) -> Option<Claims> {
        let account = principal.account()?.to_owned();
        Some(Claims { account, holder: Holder::of(principal)?, expires })
    }

    /// Whose credentials they are.
    pub fn into_principal(self) -> Principal {
        self.holder.into_principal(self.account)
    }

    /// The mark and the claims.
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("claims are plain text and numbers");
        let (form, packed) = if json.len() > PLAIN_BYTES_MAX { (DEFLATED, deflate(&json)) } else { (PLAIN, json) };
        let mut token = TOKEN_MAGIC.to_vec();
        token.push(form);
        token.extend_from_slice(&packed);
        token
    }

    /// Reads what [`Claims::encode`] wrote.
    pub fn decode(token: &[u8]) -> Option<Claims> {
        let (form, packed) = token.strip_prefix(TOKEN_MAGIC)?.split_first()?;
        match *form {
            PLAIN => serde_json::from_slice(packed).ok(),
            DEFLATED => {
                let mut json = Vec::new();
                DeflateDecoder::new(packed).take(CLAIMS_BYTES_MAX).read_to_end(&mut json).ok()?;
                serde_json::from_slice(&json).ok()
            }
            _ => None,
        }
    }
}

impl Holder {
    fn of(principal: &Principal) -> Option<Holder> {
        match principal.clone() {
            Principal::Root { .. } => Some(Holder::Root),
            Principal::User { name, path, user_id, facts, .. } => {
                Some(Holder::User { name, path, user_id, facts: facts.map(Arc::unwrap_or_clone) })
            }
            Principal::Session { role, role_id, session, facts, .. } => {
                Some(Holder::Session { role, role_id, session, facts: Arc::unwrap_or_clone(facts) })
            }
            Principal::FederatedUser { name, creator, facts, .. } => {
                let creator = Box::new(Holder::of(&creator)?);
                Some(Holder::FederatedUser { name, creator, facts: Arc::unwrap_or_clone(facts) })
            }
            Principal::Anonymous | Principal::Service { .. } => None,
        }
    }

    fn into_principal(self, account: String) -> Principal {
        match self {
            Holder::Root => Principal::Root { account },
            Holder::User { name, path, user_id, facts } => {
                Principal::User { account, name, path, user_id, facts: facts.map(Arc::new) }
            }
            Holder::Session { role, role_id, session, facts } => {
                Principal::Session { account, role, role_id, session, facts: Arc::new(facts) }
            }
            Holder::FederatedUser { name, creator, facts } => {
                let creator = Arc::new(creator.into_principal(account.clone()));
                Principal::FederatedUser { account, name, creator, facts: Arc::new(facts) }
            }
        }
    }
}

/// Bytes that the policies and tags of a session take in a token once they are packed, as `PackedPolicySize` measures
/// them.
pub fn packed_bytes(facts: &SessionFacts) -> usize {
    if facts.policy.is_none() && facts.policy_arns.is_empty() && facts.tags.is_empty() {
        return 0;
    }
    let carried = (&facts.policy, &facts.policy_arns, &facts.tags, &facts.transitive_tag_keys);
    deflate(&serde_json::to_vec(&carried).expect("policies and tags are plain text")).len()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}
