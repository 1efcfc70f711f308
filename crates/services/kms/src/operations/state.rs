//! Enabling, disabling and describing keys.

use api::Empty;
use api::kms::{DisableKeyRequest, EnableKeyRequest, UpdateKeyDescriptionRequest};
use platform::Ctx;
use store::Abort;
use wire::Error;

use crate::names::KeyName;
use crate::operations::own_key;
use crate::records::{KeyRecord, KeyState};
use crate::resolve::{require_customers, require_kept};
use crate::service::Kms;
use crate::{errors, rows, timers};

/// Enables a key. A rotation that fell due while it was disabled takes place now.
pub async fn enable_key(kms: &Kms, cx: &Ctx, input: EnableKeyRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    let partition = timers::partition(kms, &cx.account).await?;
    let record = kms.find(&name).await?;
    let rotation = record.rotation.map(|rotation| timers::rotation(&partition, &record, rotation.next_at));
    let cx = cx.clone();
    kms.transact(&cx.account.clone(), move |rows| {
        let mut record = rows::key(rows, &name)?;
        set_state(&cx, &mut record, KeyState::Enabled)?;
        if let (Some(timer), true) = (&rotation, record.rotation.is_some()) {
            partition.set(rows, timer)?;
        }
        rows::put_key(rows, &record)
    })
    .await?;
    Ok(Empty {})
}

/// Disables a key.
pub async fn disable_key(kms: &Kms, cx: &Ctx, input: DisableKeyRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    change(kms, cx, name, |cx, record| set_state(cx, record, KeyState::Disabled)).await
}

/// Gives a key another description.
pub async fn update_key_description(kms: &Kms, cx: &Ctx, input: UpdateKeyDescriptionRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    change(kms, cx, name, move |cx, record| {
        require_customers(cx, record)?;
        require_kept(record)?;
        record.description.clone_from(&input.description);
        Ok(())
    })
    .await
}

fn set_state(cx: &Ctx, record: &mut KeyRecord, state: KeyState) -> Result<(), Error> {
    require_customers(cx, record)?;
    require_kept(record)?;
    if record.state == KeyState::PendingImport {
        return Err(errors::invalid_state(&record.arn(), "pending import"));
    }
    record.state = state;
    Ok(())
}

/// Changes a key's record in a transaction.
pub async fn change<F>(kms: &Kms, cx: &Ctx, name: KeyName, change: F) -> Result<Empty, Error>
where
    F: Fn(&Ctx, &mut KeyRecord) -> Result<(), Error> + Send + Sync + 'static,
{
    let cx = cx.clone();
    kms.transact(&name.account.clone(), move |rows| {
        let mut record = rows::key(rows, &name)?;
        change(&cx, &mut record).map_err(Abort::from)?;
        rows::put_key(rows, &record)
    })
    .await?;
    Ok(Empty {})
}
