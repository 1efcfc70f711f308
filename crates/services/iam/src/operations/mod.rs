//! The operations, by noun.

pub mod access_keys;
pub mod account;
pub mod attached;
pub mod authorization_details;
pub mod boundaries;
pub mod credential_report;
pub mod entities;
pub mod groups;
pub mod identities;
pub mod inline;
pub mod instance_profiles;
pub mod login_profiles;
pub mod membership;
pub mod mfa;
pub mod oidc;
pub mod password_policy;
pub mod policies;
pub mod policy_versions;
pub mod roles;
pub mod saml;
pub mod service_linked;
pub mod tagging;
pub mod users;
