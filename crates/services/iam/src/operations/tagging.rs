//! Tags on whatever has them.

use api::Empty;
use api::iam::{
    ListInstanceProfileTagsRequest, ListInstanceProfileTagsResponse, ListMFADeviceTagsRequest,
    ListMFADeviceTagsResponse, ListOpenIDConnectProviderTagsRequest, ListOpenIDConnectProviderTagsResponse,
    ListPolicyTagsRequest, ListPolicyTagsResponse, ListRoleTagsRequest, ListRoleTagsResponse,
    ListSAMLProviderTagsRequest, ListSAMLProviderTagsResponse, ListUserTagsRequest, ListUserTagsResponse, Tag,
    TagInstanceProfileRequest, TagMFADeviceRequest, TagOpenIDConnectProviderRequest, TagPolicyRequest, TagRoleRequest,
    TagSAMLProviderRequest, TagUserRequest, UntagInstanceProfileRequest, UntagMFADeviceRequest,
    UntagOpenIDConnectProviderRequest, UntagPolicyRequest, UntagRoleRequest, UntagSAMLProviderRequest,
    UntagUserRequest,
};
use platform::Ctx;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::Key;
use wire::Error;

use super::{instance_profiles, mfa, oidc, policies, saml};
use crate::errors;
use crate::keys;
use crate::names;
use crate::paging::{Page, Paged};
use crate::records::{InstanceProfile, Kind, ManagedPolicy, MfaDevice, OidcProvider, Role, SamlProvider, User};
use crate::rows;
use crate::service::Iam;
use crate::tags::{Case, Tags};

/// A record with tags.
trait Tagged: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Whether keys that differ in case alone are one key.
    const CASE: Case;
    /// The tags.
    fn tags(&mut self) -> &mut Tags;
    /// Whether this is the record that a request called by this name or ARN, in this account.
    fn is_called(&self, account: &str, text: &str) -> bool;
    /// Refuses to change what only AWS may change.
    fn check_changeable(&self) -> Result<(), Error> {
        Ok(())
    }
}

macro_rules! tagged {
    ($($record:ty, $case:ident, |$this:ident, $account:ident, $text:ident| $called:expr;)*) => {$(
        impl Tagged for $record {
            const CASE: Case = Case::$case;
            fn tags(&mut self) -> &mut Tags {
                &mut self.tags
            }
            fn is_called(&self, $account: &str, $text: &str) -> bool {
                let $this = self;
                $called
            }
        }
    )*};
}

tagged! {
    User, Insensitive, |user, _account, text| user.name == text;
    InstanceProfile, Sensitive, |profile, _account, text| profile.name == text;
    ManagedPolicy, Sensitive, |policy, account, text| policy.arn(account) == text;
    MfaDevice, Sensitive, |device, _account, text| device.serial_number == text;
    OidcProvider, Sensitive, |provider, account, text| oidc::arn(account, provider) == text;
    SamlProvider, Sensitive, |provider, account, text| saml::arn(account, provider) == text;
}

impl Tagged for Role {
    const CASE: Case = Case::Insensitive;

    fn tags(&mut self) -> &mut Tags {
        &mut self.tags
    }

    fn is_called(&self, _: &str, text: &str) -> bool {
        self.name == text
    }

    fn check_changeable(&self) -> Result<(), Error> {
        super::roles::check_not_linked(self)
    }
}

/// Where a record is, and what is said when it is not there.
struct Place {
    key: Key,
    called: String,
    absent: fn(&str) -> Error,
}

impl Place {
    fn of_identity(cx: &Ctx, kind: Kind, name: String) -> Result<Place, Error> {
        names::check_name(kind.name_parameter(), &name)?;
        let absent: fn(&str) -> Error = match kind {
            Kind::User => |name| errors::identity_absent(Kind::User, name),
            Kind::Group => |name| errors::identity_absent(Kind::Group, name),
            Kind::Role => |name| errors::identity_absent(Kind::Role, name),
        };
        Ok(Place { key: keys::identity(&cx.account, kind, &name), called: name, absent })
    }

    fn of_instance_profile(cx: &Ctx, name: String) -> Result<Place, Error> {
        names::check_name("instanceProfileName", &name)?;
        let key = keys::instance_profile(&cx.account, &name);
        Ok(Place { key, called: name, absent: instance_profiles::absent })
    }

    fn of_policy(cx: &Ctx, arn: String) -> Result<Place, Error> {
        policies::check_own(cx, &arn)?;
        let (_, _, name) = names::policy_arn(&arn)?;
        Ok(Place { key: keys::policy(&cx.account, name), called: arn, absent: errors::policy_absent })
    }

    fn of_mfa_device(cx: &Ctx, serial_number: String) -> Result<Place, Error> {
        let key = keys::mfa_device(&cx.account, &serial_number);
        Ok(Place { key, called: serial_number, absent: mfa::absent })
    }

    fn of_oidc_provider(cx: &Ctx, arn: String) -> Result<Place, Error> {
        let key = keys::oidc_provider(&cx.account, oidc::url_of_arn(&arn)?);
        Ok(Place { key, called: arn, absent: oidc::absent })
    }

    fn of_saml_provider(cx: &Ctx, arn: String) -> Result<Place, Error> {
        let key = keys::saml_provider(&cx.account, saml::name_of_arn(&arn)?);
        Ok(Place { key, called: arn, absent: saml::absent })
    }
}

/// Changes the tags of a record.
async fn change<R: Tagged>(
    service: &Iam,
    cx: &Ctx,
    place: Place,
    edit: impl Fn(&mut Tags) -> Result<(), Error> + Send + Sync + 'static,
) -> Result<Empty, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let record: Option<R> = rows::read(rows, &place.key)?;
            let record = record.filter(|record| record.is_called(&account, &place.called));
            let mut record = record.ok_or_else(|| (place.absent)(&place.called))?;
            record.check_changeable()?;
            edit(record.tags())?;
            rows::put(rows, &place.key, &record)
        })
        .await?;
    Ok(Empty)
}

async fn tag<R: Tagged>(service: &Iam, cx: &Ctx, place: Place, tags: Vec<Tag>) -> Result<Empty, Error> {
    change::<R>(service, cx, place, move |held| held.merge(&tags, R::CASE)).await
}

async fn untag<R: Tagged>(service: &Iam, cx: &Ctx, place: Place, keys: Vec<String>) -> Result<Empty, Error> {
    let edit = move |held: &mut Tags| {
        held.remove(&keys, R::CASE);
        Ok(())
    };
    change::<R>(service, cx, place, edit).await
}

async fn list<R: Tagged>(
    service: &Iam,
    cx: &Ctx,
    place: Place,
    marker: Option<String>,
    max_items: Option<i32>,
) -> Result<Paged<Tag>, Error> {
    let page = Page::of(marker.as_deref(), max_items)?;
    let record: Option<R> = rows::get(&service.snapshot().await?, &place.key).await?;
    let record = record.filter(|record| record.is_called(&cx.account, &place.called));
    let mut record = record.ok_or_else(|| (place.absent)(&place.called))?;
    Ok(page.cut(record.tags().list(), |tag| tag.key.as_str()))
}

/// The operations on the tags of one kind of resource.
macro_rules! tag_operations {
    ($($record:ty, $member:ident, |$cx:ident, $named:ident| $place:expr;
       $tag:ident($tag_input:ident), $untag:ident($untag_input:ident), $list:ident($list_input:ident) -> $answer:ident;
    )*) => {$(
        #[doc = concat!("Sets tags, as `", stringify!($tag_input), "` says.")]
        pub async fn $tag(service: &Iam, $cx: &Ctx, input: $tag_input) -> Result<Empty, Error> {
            let $named = input.$member;
            tag::<$record>(service, $cx, $place?, input.tags).await
        }

        #[doc = concat!("Removes tags, as `", stringify!($untag_input), "` says.")]
        pub async fn $untag(service: &Iam, $cx: &Ctx, input: $untag_input) -> Result<Empty, Error> {
            let $named = input.$member;
            untag::<$record>(service, $cx, $place?, input.tag_keys).await
        }

        #[doc = concat!("Lists tags by key, as `", stringify!($list_input), "` says.")]
        pub async fn $list(service: &Iam, $cx: &Ctx, input: $list_input) -> Result<$answer, Error> {
            let $named = input.$member;
            let page = list::<$record>(service, $cx, $place?, input.marker, input.max_items).await?;
            let is_truncated = page.is_truncated();
            Ok($answer { tags: page.items, is_truncated, marker: page.marker })
        }
    )*};
}

tag_operations! {
    User, user_name, |cx, name| Place::of_identity(cx, Kind::User, name);
    tag_user(TagUserRequest), untag_user(UntagUserRequest),
    list_user_tags(ListUserTagsRequest) -> ListUserTagsResponse;

    Role, role_name, |cx, name| Place::of_identity(cx, Kind::Role, name);
    tag_role(TagRoleRequest), untag_role(UntagRoleRequest),
    list_role_tags(ListRoleTagsRequest) -> ListRoleTagsResponse;

    InstanceProfile, instance_profile_name, |cx, name| Place::of_instance_profile(cx, name);
    tag_instance_profile(TagInstanceProfileRequest), untag_instance_profile(UntagInstanceProfileRequest),
    list_instance_profile_tags(ListInstanceProfileTagsRequest) -> ListInstanceProfileTagsResponse;

    ManagedPolicy, policy_arn, |cx, arn| Place::of_policy(cx, arn);
    tag_policy(TagPolicyRequest), untag_policy(UntagPolicyRequest),
    list_policy_tags(ListPolicyTagsRequest) -> ListPolicyTagsResponse;

    MfaDevice, serial_number, |cx, serial_number| Place::of_mfa_device(cx, serial_number);
    tag_mfa_device(TagMFADeviceRequest), untag_mfa_device(UntagMFADeviceRequest),
    list_mfa_device_tags(ListMFADeviceTagsRequest) -> ListMFADeviceTagsResponse;

    OidcProvider, open_id_connect_provider_arn, |cx, arn| Place::of_oidc_provider(cx, arn);
    tag_oidc_provider(TagOpenIDConnectProviderRequest), untag_oidc_provider(UntagOpenIDConnectProviderRequest),
    list_oidc_provider_tags(ListOpenIDConnectProviderTagsRequest) -> ListOpenIDConnectProviderTagsResponse;

    SamlProvider, saml_provider_arn, |cx, arn| Place::of_saml_provider(cx, arn);
    tag_saml_provider(TagSAMLProviderRequest), untag_saml_provider(UntagSAMLProviderRequest),
    list_saml_provider_tags(ListSAMLProviderTagsRequest) -> ListSAMLProviderTagsResponse;
}
