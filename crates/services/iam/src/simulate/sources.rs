//! The policies of a simulation: whose they are, and how answers call them.

use api::iam::PolicyIdentifier;
use platform::Ctx;
use policy::{Kind as Purpose, Policy};
use store::Snapshot;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::names::{self, AWS};
use crate::records::{Group, Identity, Kind, Part, Role, User};
use crate::rows;
use crate::service::Iam;

/// A policy of a simulation.
pub struct Source {
    /// How answers call it.
    pub id: String,
    /// The document.
    pub text: String,
    /// The document, compiled.
    pub policy: Policy,
    origin: Origin,
}

/// Where a policy comes from.
enum Origin {
    /// The request.
    Request,
    /// A user, group or role.
    Inline { kind: Kind, owner: String, name: String },
    /// The managed policy of that ARN.
    Managed(String),
}

impl Source {
    /// A policy that the request holds.
    ///
    /// # Errors
    /// `InvalidInput` for a document that is no policy of that purpose.
    pub fn given(id: impl Into<String>, text: String, purpose: Purpose) -> Result<Source, Error> {
        Source::new(id.into(), text, purpose, Origin::Request)
    }

    fn new(id: String, text: String, purpose: Purpose, origin: Origin) -> Result<Source, Error> {
        match Policy::parse(&text, purpose) {
            Ok(policy) => Ok(Source { id, text, policy, origin }),
            Err(malformed) => Err(errors::invalid_input(malformed.message)),
        }
    }

    /// The condition keys it looks at. One may come more than once.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        self.policy.statements().iter().flat_map(policy::Statement::condition_keys)
    }

    fn is_excluded_by(&self, exclusion: &Exclusion) -> bool {
        match (&self.origin, exclusion) {
            (Origin::Managed(arn), Exclusion::Arn(excluded)) => arn == excluded,
            (Origin::Managed(arn), Exclusion::Managed { by_aws }) => {
                names::policy_arn(arn).is_ok_and(|(account, ..)| (account == AWS) == *by_aws)
            }
            (Origin::Inline { .. }, Exclusion::AllInline) => true,
            (Origin::Inline { kind, owner, name }, Exclusion::Inline(excluded_kind, excluded_owner, excluded_name)) => {
                kind.word() == excluded_kind && owner == excluded_owner && name == excluded_name
            }
            _ => false,
        }
    }
}

/// The policies of a parameter, called `PARAMETER.1` and so on.
///
/// # Errors
/// `InvalidInput` for a document that is no identity policy.
pub fn given(texts: Vec<String>, parameter: &str) -> Result<Vec<Source>, Error> {
    let numbered = texts.into_iter().enumerate();
    numbered.map(|(place, text)| Source::given(format!("{parameter}.{}", place + 1), text, Purpose::Session)).collect()
}

/// A user, group or role with its policies.
pub struct Entity {
    kind: Kind,
    /// Its ARN, path included.
    pub arn: String,
    /// Its unique id.
    pub id: String,
    /// Its own policies, and a user's groups'.
    pub policies: Vec<Source>,
    /// Its permissions boundary.
    pub boundary: Option<Source>,
}

impl Entity {
    /// Reads what an ARN names.
    ///
    /// # Errors
    /// `InvalidInput` for what is no ARN of a user, group or role; `NoSuchEntity`.
    pub async fn read(service: &Iam, cx: &Ctx, arn: &str) -> Result<Entity, Error> {
        let (account, kind, name) = parse_arn(arn).ok_or_else(|| undefined(arn))?;
        if account != cx.account {
            return Err(errors::identity_absent(kind, name));
        }
        let snapshot = service.snapshot().await?;
        match kind {
            Kind::User => {
                let user: User = rows::get_identity(&snapshot, account, name).await?;
                let mut entity = service.entity(&snapshot, account, &user).await?;
                for group in rows::groups_of(&snapshot, account, &user).await? {
                    entity.policies.extend(service.sources_of(&snapshot, account, &group).await?);
                }
                Ok(entity)
            }
            Kind::Group => {
                let group: Group = rows::get_identity(&snapshot, account, name).await?;
                service.entity(&snapshot, account, &group).await
            }
            Kind::Role => {
                let role: Role = rows::get_identity(&snapshot, account, name).await?;
                service.entity(&snapshot, account, &role).await
            }
        }
    }

    /// Leaves out what the caller wants left out.
    ///
    /// # Errors
    /// `InvalidInput` for kinds of policies that are not simulated.
    pub fn exclude(&mut self, exclusions: &[PolicyIdentifier]) -> Result<(), Error> {
        for exclusion in exclusions {
            let exclusion = Exclusion::read(exclusion)?;
            self.policies.retain(|source| !source.is_excluded_by(&exclusion));
            let spared = |source: &Source| exclusion != Exclusion::Boundary && !source.is_excluded_by(&exclusion);
            self.boundary = self.boundary.take().filter(spared);
        }
        Ok(())
    }

    /// Whose calls are simulated unless the request says it: the user's.
    pub fn caller_arn(&self) -> Option<String> {
        (self.kind == Kind::User).then(|| self.arn.clone())
    }
}

/// What to leave out.
#[derive(Debug, PartialEq, Eq)]
enum Exclusion {
    AllInline,
    Inline(String, String, String),
    Managed { by_aws: bool },
    Arn(String),
    Boundary,
}

impl Exclusion {
    fn read(identifier: &PolicyIdentifier) -> Result<Exclusion, Error> {
        match identifier {
            PolicyIdentifier::PolicyArn(arn) => Ok(Exclusion::Arn(arn.clone())),
            PolicyIdentifier::InlinePolicyIdentifier(inline) => Ok(Exclusion::Inline(
                inline.attachment_type.clone(),
                inline.attachment_name.clone(),
                inline.policy_name.clone(),
            )),
            PolicyIdentifier::PolicyType(kind) => match kind.as_str() {
                "inline" => Ok(Exclusion::AllInline),
                "aws-managed" => Ok(Exclusion::Managed { by_aws: true }),
                "user-managed" => Ok(Exclusion::Managed { by_aws: false }),
                "permission-boundary" => Ok(Exclusion::Boundary),
                other => {
                    Err(errors::invalid_input(format!("PolicyExclusionList: {other} policies are not simulated.")))
                }
            },
            _ => Err(errors::invalid_input("PolicyExclusionList: the identifier is unknown.")),
        }
    }
}

impl Iam {
    async fn entity<P: Part>(
        &self,
        snapshot: &Snapshot,
        account: &str,
        identity: &Identity<P>,
    ) -> Result<Entity, Error> {
        let boundary = match &identity.boundary {
            Some(arn) => Some(self.managed_source(snapshot, account, arn).await?),
            None => None,
        };
        Ok(Entity {
            kind: P::KIND,
            arn: identity.arn(account),
            id: identity.id.clone(),
            policies: self.sources_of(snapshot, account, identity).await?,
            boundary,
        })
    }

    /// The inline and attached policies of a user, group or role.
    async fn sources_of<P: Part>(
        &self,
        snapshot: &Snapshot,
        account: &str,
        identity: &Identity<P>,
    ) -> Result<Vec<Source>, Error> {
        let mut sources = Vec::new();
        for name in identity.inline.keys() {
            let key = keys::inline(account, P::KIND, &identity.name, name);
            let text: Option<String> = rows::get(snapshot, &key).await?;
            let text = text.ok_or_else(|| errors::inline_policy_absent(P::KIND, name))?;
            let id = format!("{}_{}_{name}", P::KIND.word(), identity.name);
            let origin = Origin::Inline { kind: P::KIND, owner: identity.name.clone(), name: name.clone() };
            sources.push(Source::new(id, text, Purpose::Session, origin)?);
        }
        for arn in &identity.attached {
            sources.push(self.managed_source(snapshot, account, arn).await?);
        }
        Ok(sources)
    }

    async fn managed_source(&self, snapshot: &Snapshot, account: &str, arn: &str) -> Result<Source, Error> {
        let text = self.managed_document(snapshot, account, arn).await?.ok_or_else(|| errors::policy_absent(arn))?;
        let (_, _, name) = names::policy_arn(arn)?;
        Source::new(name.to_owned(), text, Purpose::Session, Origin::Managed(arn.to_owned()))
    }
}

/// Account, kind and name of a user, group or role.
pub fn parse_arn(arn: &str) -> Option<(&str, Kind, &str)> {
    let (account, resource) = names::split_arn(arn)?;
    let (word, path) = resource.split_once('/')?;
    let kind = [Kind::User, Kind::Group, Kind::Role].into_iter().find(|kind| kind.word() == word)?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((account, kind, name))
}

fn undefined(arn: &str) -> Error {
    errors::invalid_input(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."))
}
