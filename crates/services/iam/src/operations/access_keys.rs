//! Long-term access keys of users and of the root.

use api::Empty;
use api::iam::{
    AccessKey as Shown, AccessKeyLastUsed, AccessKeyMetadata, CreateAccessKeyRequest, CreateAccessKeyResponse,
    DeleteAccessKeyRequest, GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse, ListAccessKeysRequest,
    ListAccessKeysResponse, UpdateAccessKeyRequest,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use platform::credentials::LONG_TERM_PREFIX;
use store::Transaction;
use wire::Error;

use super::users::change_user;
use crate::directory::secret_purpose;
use crate::errors;
use crate::keys;
use crate::limits::ACCESS_KEYS_MAX;
use crate::paging::Page;
use crate::records::{AccessKey, KeyOwner, User, UserPart};
use crate::rows::{self, Outcome};
use crate::service::{Iam, Meant};
use crate::view;

/// Bytes of a secret before base 64 makes them the usual 40 characters.
const SECRET_BYTES: usize = 30;

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

/// What stands for a service or region where there is none. API reference of AccessKeyLastUsed.
const NOT_APPLICABLE: &str = "N/A";

/// Makes an access key. The secret is shown this once.
pub async fn create_access_key(
    service: &Iam,
    cx: &Ctx,
    input: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResponse, Error> {
    let meant = service.meant(cx, input.user_name).await?;
    let id = service.platform.issuer.access_key_id(LONG_TERM_PREFIX, &cx.account);
    let mut secret = [0; SECRET_BYTES];
    service.platform.ids.fill(&mut secret);
    let secret = STANDARD.encode(secret);
    let sealed_secret = service.seal(&secret_purpose(&id), secret.as_bytes());
    let now = service.now();
    let (account, key_id) = (cx.account.clone(), id.clone());
    let named = meant.clone();
    service
        .change(&cx.account, move |rows| {
            let owner = change_keys(rows, &account, &named, now, |keys| {
                if keys.len() >= ACCESS_KEYS_MAX {
                    return Err(errors::quota("AccessKeysPerUser", ACCESS_KEYS_MAX).into());
                }
                keys.push(key_id.clone());
                Ok(())
            })?;
            let (account, sealed_secret) = (account.clone(), sealed_secret.clone());
            let key = AccessKey { account, owner, active: true, created: now, sealed_secret };
            rows::put(rows, &keys::access_key(&key_id), &key)
        })
        .await?;
    let shown = Shown {
        user_name: owner_name(cx, &meant),
        access_key_id: id,
        status: ACTIVE.to_owned(),
        secret_access_key: secret,
        create_date: Some(view::at(now)),
    };
    Ok(CreateAccessKeyResponse { access_key: shown })
}

/// Lists access keys in the order in which they were made, without their secrets.
pub async fn list_access_keys(
    service: &Iam,
    cx: &Ctx,
    input: ListAccessKeysRequest,
) -> Result<ListAccessKeysResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let meant = service.meant(cx, input.user_name).await?;
    let snapshot = service.snapshot().await?;
    let ids = match &meant {
        Meant::User(name) => {
            let user: User = rows::get_identity(&snapshot, &cx.account, name).await?;
            user.part.access_keys
        }
        Meant::Root => {
            let record = rows::get(&snapshot, &keys::account(&cx.account)).await?;
            record.map(|record: crate::records::Account| record.root_access_keys).unwrap_or_default()
        }
    };
    let page = page.cut(ids, |id: &String| id.as_str());
    let mut listed = Vec::with_capacity(page.items.len());
    for id in &page.items {
        let key: Option<AccessKey> = rows::get(&snapshot, &keys::access_key(id)).await?;
        listed.extend(key.map(|key| AccessKeyMetadata {
            user_name: Some(owner_name(cx, &meant)),
            access_key_id: Some(id.clone()),
            status: Some(status(key.active).to_owned()),
            create_date: Some(view::at(key.created)),
        }));
    }
    Ok(ListAccessKeysResponse { access_key_metadata: listed, is_truncated: page.is_truncated(), marker: page.marker })
}

/// Turns an access key on or off.
pub async fn update_access_key(service: &Iam, cx: &Ctx, input: UpdateAccessKeyRequest) -> Result<Empty, Error> {
    let meant = service.meant(cx, input.user_name).await?;
    let active = match input.status.as_str() {
        ACTIVE => true,
        INACTIVE => false,
        _ => return Err(errors::invalid("Access Key status cannot be set to Expired")),
    };
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            check_owned(rows, &account, &meant, &input.access_key_id, now)?;
            let key = keys::access_key(&input.access_key_id);
            let mut record: AccessKey = rows::read(rows, &key)?.ok_or_else(|| absent(&input.access_key_id))?;
            record.active = active;
            rows::put(rows, &key, &record)
        })
        .await?;
    Ok(Empty)
}

/// Removes an access key.
pub async fn delete_access_key(service: &Iam, cx: &Ctx, input: DeleteAccessKeyRequest) -> Result<Empty, Error> {
    let meant = service.meant(cx, input.user_name).await?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            check_owned(rows, &account, &meant, &input.access_key_id, now)?;
            change_keys(rows, &account, &meant, now, |keys| {
                keys.retain(|id| *id != input.access_key_id);
                Ok(())
            })?;
            rows.delete(&keys::key_use(&input.access_key_id));
            rows.delete(&keys::access_key(&input.access_key_id));
            Ok(())
        })
        .await?;
    Ok(Empty)
}

/// Tells when an access key was last used, and for what.
pub async fn get_access_key_last_used(
    service: &Iam,
    cx: &Ctx,
    input: GetAccessKeyLastUsedRequest,
) -> Result<GetAccessKeyLastUsedResponse, Error> {
    let id = &input.access_key_id;
    let snapshot = service.snapshot().await?;
    let key: Option<AccessKey> = rows::get(&snapshot, &keys::access_key(id)).await?;
    let key = key.filter(|key| key.account == cx.account);
    let key = key.ok_or_else(|| errors::key_not_visible(&cx.principal.arn(), id))?;
    let user = match view::owner_id(&key.owner) {
        Some(user_id) => rows::find_by_id::<UserPart>(&snapshot, &cx.account, user_id).await?,
        None => None,
    };
    let used = service.last_use(&keys::key_use(id)).await?;
    let last_used = AccessKeyLastUsed {
        last_used_date: used.as_ref().map(|used| view::at(used.at)),
        service_name: used.as_ref().map_or_else(|| NOT_APPLICABLE.to_owned(), |used| used.service.clone()),
        region: used.map_or_else(|| NOT_APPLICABLE.to_owned(), |used| used.region),
    };
    Ok(GetAccessKeyLastUsedResponse { user_name: user.map(|user| user.name), access_key_last_used: Some(last_used) })
}

/// `Active` or `Inactive`.
pub fn status(active: bool) -> &'static str {
    if active { ACTIVE } else { INACTIVE }
}

/// How answers call the owner of a key.
fn owner_name(cx: &Ctx, meant: &Meant) -> String {
    match meant {
        Meant::User(name) => name.clone(),
        Meant::Root => cx.account.clone(),
    }
}

fn absent(id: &str) -> Error {
    errors::no_such_entity(format!("The Access Key with id {id} cannot be found."))
}

/// Refuses a key that is not of the one who is meant.
fn check_owned(rows: &mut dyn Transaction, account: &str, meant: &Meant, id: &str, now: i64) -> Outcome<()> {
    let mut owned = false;
    change_keys(rows, account, meant, now, |keys| {
        owned = keys.iter().any(|key| key == id);
        Ok(())
    })?;
    if owned { Ok(()) } else { Err(absent(id).into()) }
}

/// Changes the list of keys of a user or of the root, and tells whose they are.
fn change_keys(
    rows: &mut dyn Transaction,
    account: &str,
    meant: &Meant,
    now: i64,
    change: impl FnOnce(&mut Vec<String>) -> Outcome<()>,
) -> Outcome<KeyOwner> {
    match meant {
        Meant::User(name) => change_user(rows, account, name, |_, user| {
            change(&mut user.part.access_keys)?;
            Ok(KeyOwner::User(user.id.clone()))
        }),
        Meant::Root => rows::change_account(rows, account, now, |record| {
            change(&mut record.root_access_keys)?;
            Ok(KeyOwner::Root)
        }),
    }
}
