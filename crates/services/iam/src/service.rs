//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use platform::{Ctx, Lifecycle, OrFailure, Platform, Principal, Registration};
use store::{Abort, Partition, Snapshot, StoreError, Transaction};
use tokio::sync::oneshot;
use wire::Error;

use crate::cache::Cache;
use crate::errors;
use crate::guard::IamGuard;
use crate::keys;
use crate::operations::{
    access_keys, account, attached, authorization_details, boundaries, credential_report, entities, groups, inline,
    instance_profiles, login_profiles, membership, mfa, oidc, password_policy, policies, policy_versions, roles, saml,
    service_linked, tagging, users,
};
use crate::records::User;
use crate::rows;
use crate::simulate;
use crate::uses::Uses;

/// The service.
pub struct Iam {
    /// What all services share.
    pub platform: Arc<Platform>,
    partition: Partition,
    pub(crate) cache: Arc<Cache>,
    pub(crate) uses: Uses,
}

/// Who a request means that may leave out the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// The account's root.
    Root,
    /// The user of that name.
    User(String),
}

impl Iam {
    /// The service over the platform's store.
    pub fn new(platform: Arc<Platform>) -> Arc<Iam> {
        let partition = Partition::new(keys::PARTITION).expect("the name is short and not empty");
        Arc::new(Iam { platform, partition, cache: Arc::new(Cache::new()), uses: Uses::default() })
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::iam::SERVICE);
        self.add_identities(&mut registration);
        self.add_policies(&mut registration);
        self.add_credentials(&mut registration);
        self.add_tagging(&mut registration);
        self.add_account(&mut registration);
        self.add_simulation(&mut registration);
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(Arc::new(IamGuard::new(Arc::clone(self))))
    }

    fn add_identities(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, api::iam, {
            AddRoleToInstanceProfile => instance_profiles::add_role_to_instance_profile,
            AddUserToGroup => membership::add_user_to_group,
            CreateGroup => groups::create_group,
            CreateInstanceProfile => instance_profiles::create_instance_profile,
            CreateRole => roles::create_role,
            CreateServiceLinkedRole => service_linked::create_service_linked_role,
            CreateUser => users::create_user,
            DeleteGroup => groups::delete_group,
            DeleteInstanceProfile => instance_profiles::delete_instance_profile,
            DeleteRole => roles::delete_role,
            DeleteServiceLinkedRole => service_linked::delete_service_linked_role,
            DeleteUser => users::delete_user,
            GetGroup => groups::get_group,
            GetInstanceProfile => instance_profiles::get_instance_profile,
            GetRole => roles::get_role,
            GetServiceLinkedRoleDeletionStatus => service_linked::get_service_linked_role_deletion_status,
            GetUser => users::get_user,
            ListGroups => groups::list_groups,
            ListGroupsForUser => membership::list_groups_for_user,
            ListInstanceProfiles => instance_profiles::list_instance_profiles,
            ListInstanceProfilesForRole => instance_profiles::list_instance_profiles_for_role,
            ListRoles => roles::list_roles,
            ListUsers => users::list_users,
            RemoveRoleFromInstanceProfile => instance_profiles::remove_role_from_instance_profile,
            RemoveUserFromGroup => membership::remove_user_from_group,
            UpdateAssumeRolePolicy => roles::update_assume_role_policy,
            UpdateGroup => groups::update_group,
            UpdateRole => roles::update_role,
            UpdateRoleDescription => roles::update_role_description,
            UpdateUser => users::update_user,
        });
    }

    fn add_policies(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, api::iam, {
            AttachGroupPolicy => attached::attach_group_policy,
            AttachRolePolicy => attached::attach_role_policy,
            AttachUserPolicy => attached::attach_user_policy,
            CreatePolicy => policies::create_policy,
            CreatePolicyVersion => policy_versions::create_policy_version,
            DeleteGroupPolicy => inline::delete_group_policy,
            DeletePolicy => policies::delete_policy,
            DeletePolicyVersion => policy_versions::delete_policy_version,
            DeleteRolePermissionsBoundary => boundaries::delete_role_permissions_boundary,
            DeleteRolePolicy => inline::delete_role_policy,
            DeleteUserPermissionsBoundary => boundaries::delete_user_permissions_boundary,
            DeleteUserPolicy => inline::delete_user_policy,
            DetachGroupPolicy => attached::detach_group_policy,
            DetachRolePolicy => attached::detach_role_policy,
            DetachUserPolicy => attached::detach_user_policy,
            GetGroupPolicy => inline::get_group_policy,
            GetPolicy => policies::get_policy,
            GetPolicyVersion => policy_versions::get_policy_version,
            GetRolePolicy => inline::get_role_policy,
            GetUserPolicy => inline::get_user_policy,
            ListAttachedGroupPolicies => attached::list_attached_group_policies,
            ListAttachedRolePolicies => attached::list_attached_role_policies,
            ListAttachedUserPolicies => attached::list_attached_user_policies,
            ListEntitiesForPolicy => entities::list_entities_for_policy,
            ListGroupPolicies => inline::list_group_policies,
            ListPolicies => policies::list_policies,
            ListPolicyVersions => policy_versions::list_policy_versions,
            ListRolePolicies => inline::list_role_policies,
            ListUserPolicies => inline::list_user_policies,
            PutGroupPolicy => inline::put_group_policy,
            PutRolePermissionsBoundary => boundaries::put_role_permissions_boundary,
            PutRolePolicy => inline::put_role_policy,
            PutUserPermissionsBoundary => boundaries::put_user_permissions_boundary,
            PutUserPolicy => inline::put_user_policy,
            SetDefaultPolicyVersion => policy_versions::set_default_policy_version,
        });
    }

    fn add_credentials(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, api::iam, {
            AddClientIDToOpenIDConnectProvider => oidc::add_client_id,
            ChangePassword => login_profiles::change_password,
            CreateAccessKey => access_keys::create_access_key,
            CreateLoginProfile => login_profiles::create_login_profile,
            CreateOpenIDConnectProvider => oidc::create_provider,
            CreateSAMLProvider => saml::create_provider,
            CreateVirtualMFADevice => mfa::create_virtual_mfa_device,
            DeactivateMFADevice => mfa::deactivate_mfa_device,
            DeleteAccessKey => access_keys::delete_access_key,
            DeleteLoginProfile => login_profiles::delete_login_profile,
            DeleteOpenIDConnectProvider => oidc::delete_provider,
            DeleteSAMLProvider => saml::delete_provider,
            DeleteVirtualMFADevice => mfa::delete_virtual_mfa_device,
            EnableMFADevice => mfa::enable_mfa_device,
            GetAccessKeyLastUsed => access_keys::get_access_key_last_used,
            GetLoginProfile => login_profiles::get_login_profile,
            GetMFADevice => mfa::get_mfa_device,
            GetOpenIDConnectProvider => oidc::get_provider,
            GetSAMLProvider => saml::get_provider,
            ListAccessKeys => access_keys::list_access_keys,
            ListMFADevices => mfa::list_mfa_devices,
            ListOpenIDConnectProviders => oidc::list_providers,
            ListSAMLProviders => saml::list_providers,
            ListVirtualMFADevices => mfa::list_virtual_mfa_devices,
            RemoveClientIDFromOpenIDConnectProvider => oidc::remove_client_id,
            ResyncMFADevice => mfa::resync_mfa_device,
            UpdateAccessKey => access_keys::update_access_key,
            UpdateLoginProfile => login_profiles::update_login_profile,
            UpdateOpenIDConnectProviderThumbprint => oidc::update_thumbprints,
            UpdateSAMLProvider => saml::update_provider,
        });
    }

    fn add_tagging(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, api::iam, {
            ListInstanceProfileTags => tagging::list_instance_profile_tags,
            ListMFADeviceTags => tagging::list_mfa_device_tags,
            ListOpenIDConnectProviderTags => tagging::list_oidc_provider_tags,
            ListPolicyTags => tagging::list_policy_tags,
            ListRoleTags => tagging::list_role_tags,
            ListSAMLProviderTags => tagging::list_saml_provider_tags,
            ListUserTags => tagging::list_user_tags,
            TagInstanceProfile => tagging::tag_instance_profile,
            TagMFADevice => tagging::tag_mfa_device,
            TagOpenIDConnectProvider => tagging::tag_oidc_provider,
            TagPolicy => tagging::tag_policy,
            TagRole => tagging::tag_role,
            TagSAMLProvider => tagging::tag_saml_provider,
            TagUser => tagging::tag_user,
            UntagInstanceProfile => tagging::untag_instance_profile,
            UntagMFADevice => tagging::untag_mfa_device,
            UntagOpenIDConnectProvider => tagging::untag_oidc_provider,
            UntagPolicy => tagging::untag_policy,
            UntagRole => tagging::untag_role,
            UntagSAMLProvider => tagging::untag_saml_provider,
            UntagUser => tagging::untag_user,
        });
    }

    fn add_account(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, api::iam, {
            CreateAccountAlias => account::create_account_alias,
            DeleteAccountAlias => account::delete_account_alias,
            DeleteAccountPasswordPolicy => password_policy::delete_account_password_policy,
            GenerateCredentialReport => credential_report::generate_credential_report,
            GetAccountAuthorizationDetails => authorization_details::get_account_authorization_details,
            GetAccountPasswordPolicy => password_policy::get_account_password_policy,
            GetAccountSummary => account::get_account_summary,
            GetCredentialReport => credential_report::get_credential_report,
            ListAccountAliases => account::list_account_aliases,
            SetSecurityTokenServicePreferences => account::set_security_token_service_preferences,
            UpdateAccountPasswordPolicy => password_policy::update_account_password_policy,
        });
    }

    fn add_simulation(self: &Arc<Self>, registration: &mut Registration) {
        platform::operations!(registration, self, api::iam, {
            GetContextKeysForCustomPolicy => simulate::get_context_keys_for_custom_policy,
            GetContextKeysForPrincipalPolicy => simulate::get_context_keys_for_principal_policy,
            SimulateCustomPolicy => simulate::simulate_custom_policy,
            SimulatePrincipalPolicy => simulate::simulate_principal_policy,
        });
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.now().seconds
    }

    /// A unique id.
    pub(crate) fn unique_id(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.platform.ids.base32(UNIQUE_ID_CHARACTERS))
    }

    /// Who is meant by a request that may leave out the user.
    ///
    /// # Errors
    /// For callers who are neither a user nor the root.
    pub(crate) async fn meant(&self, cx: &Ctx, given: Option<String>) -> Result<Meant, Error> {
        if let Some(name) = given {
            return Ok(Meant::User(name));
        }
        match &cx.principal {
            Principal::User { account, name, user_id, .. } => {
                let snapshot = self.snapshot().await?;
                let renamed: Option<User> = rows::find_by_id(&snapshot, account, user_id).await?;
                Ok(Meant::User(renamed.map_or_else(|| name.clone(), |user| user.name)))
            }
            principal if principal.acts_as_root() => Ok(Meant::Root),
            _ => Err(errors::user_name_needed()),
        }
    }

    /// The user meant by a request that may leave it out, and not the root.
    ///
    /// # Errors
    /// As [`Iam::meant`], and for the root.
    pub(crate) async fn meant_user(&self, cx: &Ctx, given: Option<String>) -> Result<String, Error> {
        match self.meant(cx, given).await? {
            Meant::User(name) => Ok(name),
            Meant::Root => Err(errors::user_name_needed()),
        }
    }

    /// The rows as they are now.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.platform.store.snapshot(&self.partition).await.or_failure()
    }

    /// Runs a transaction that changes nothing the cache holds.
    pub(crate) async fn transact<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }

    /// Changes an account: what was read of it before is not used once this returns, nor when the caller does not wait
    /// for it any more.
    pub(crate) async fn change<R, F>(&self, account: &str, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let (store, partition) = (self.platform.store.clone(), self.partition.clone());
        let (cache, account) = (Arc::clone(&self.cache), account.to_owned());
        let (answer, answered) = oneshot::channel();
        let work = async move {
            let result = store.transact(&partition, closure).await.or_failure();
            cache.forget(&account);
            drop(answer.send(result));
        };
        self.platform.background.spawn("iam change", work).or_failure()?;
        let stopped = |_| StoreError::Read("a change ended without an answer".into());
        answered.await.map_err(stopped).or_failure()?
    }
}

/// Characters of a unique id behind its prefix.
const UNIQUE_ID_CHARACTERS: usize = 17;

impl Lifecycle for Iam {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            let background = self.platform.background.clone();
            background.spawn("iam uses", self.keep_writing_uses()).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // What was accepted is in the store; noted uses are written when the background work is told to stop.
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.uses.clear();
            self.cache.forget_all();
        })
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
