//! Looking at grants.

use api::kms::{GrantConstraints, GrantListEntry, ListGrantsRequest, ListGrantsResponse, ListRetirableGrantsRequest};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::names::KeyName;
use crate::paging::{self, Page};
use crate::records::GrantRecord;
use crate::service::{Kms, timestamp};
use crate::{errors, keys, rows};

/// Lists the grants of a key, or those of a grantee on it.
pub async fn list_grants(kms: &Kms, cx: &Ctx, input: ListGrantsRequest) -> Result<ListGrantsResponse, Error> {
    let name = KeyName::parse(cx, &input.key_id)?;
    kms.find(&name).await?;
    let limit = paging::limit(input.limit, PAGE_DEFAULT, PAGE_MAX)?;
    let last = paging::read_marker(input.marker.as_deref())?;
    let grants = match (&input.grant_id, input.grantee_principal.or(input.grantee_service_principal)) {
        (Some(id), grantee) => {
            let grant = kms.find_grant(&name, id).await?;
            let is_wanted = |grant: &GrantRecord| {
                grantee.as_ref().is_none_or(|grantee| grant.grantee_text() == grantee)
                    && last.as_ref().is_none_or(|last| grant.id > *last)
            };
            grant.into_iter().filter(is_wanted).collect()
        }
        (None, Some(grantee)) => kms.grants_of_grantee(&name, &grantee, last.as_deref(), limit + 1).await?,
        (None, None) => of_key(kms, &name, last, limit + 1).await?,
    };
    Ok(answer(&name.account, &name.region, Page::of(grants, limit, |grant| grant.id.clone())))
}

/// Lists the grants that a principal may retire.
pub async fn list_retirable_grants(
    kms: &Kms,
    cx: &Ctx,
    input: ListRetirableGrantsRequest,
) -> Result<ListGrantsResponse, Error> {
    let limit = paging::limit(input.limit, PAGE_DEFAULT, PAGE_MAX)?;
    let retirer = input.retiring_principal.or(input.retiring_service_principal);
    let retirer = retirer.ok_or_else(|| errors::invalid("RetiringPrincipal must be specified."))?;
    let mut range = keys::grants_of_retirer(&cx.region, &retirer);
    if let Some(last) = paging::read_marker(input.marker.as_deref())? {
        let (key, grant) = last.split_once('/').unwrap_or_default();
        range = range.after(&keys::grant_of_retirer(&cx.region, &retirer, key, grant));
    }
    let snapshot = kms.snapshot(&cx.account).await?;
    let mut grants: Vec<GrantRecord> = Vec::new();
    for (mark, _) in snapshot.scan(range, Direction::Forward, limit + 1).await.or_failure()? {
        let (key, grant) = rows::key_part(keys::read_grant_of_retirer(&mark))?;
        grants.extend(rows::get(&snapshot, &keys::grant(&cx.region, &key, &grant)).await?);
    }
    let page = Page::of(grants, limit, |grant| format!("{}/{}", grant.key, grant.id));
    Ok(answer(&cx.account, &cx.region, page))
}

async fn of_key(kms: &Kms, name: &KeyName, last: Option<String>, limit: usize) -> Result<Vec<GrantRecord>, Error> {
    let mut range = keys::grants_of(&name.region, &name.id);
    if let Some(last) = last {
        range = range.after(&keys::grant(&name.region, &name.id, &last));
    }
    let partition = keys::partition(&name.account).or_failure()?;
    let found = kms.platform.store.scan(&partition, range, Direction::Forward, limit).await.or_failure()?;
    found.iter().map(|(_, row)| rows::decode(row)).collect()
}

impl Kms {
    /// A grant, if there is one of that id.
    pub(crate) async fn find_grant(&self, name: &KeyName, id: &str) -> Result<Option<GrantRecord>, Error> {
        let partition = keys::partition(&name.account).or_failure()?;
        let row = self.platform.store.get(&partition, &keys::grant(&name.region, &name.id, id)).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// The grants of a grantee on a key, in the order of their ids, behind `last`.
    pub(crate) async fn grants_of_grantee(
        &self,
        name: &KeyName,
        grantee: &str,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Vec<GrantRecord>, Error> {
        let mut range = keys::grants_of_grantee(&name.region, &name.id, grantee);
        if let Some(last) = last {
            range = range.after(&keys::grant_of_grantee(&name.region, &name.id, grantee, last));
        }
        let snapshot = self.snapshot(&name.account).await?;
        let mut grants = Vec::new();
        for (mark, _) in snapshot.scan(range, Direction::Forward, limit).await.or_failure()? {
            let id = rows::key_part(keys::read_grant_of_grantee(&mark))?;
            grants.extend(rows::get(&snapshot, &keys::grant(&name.region, &name.id, &id)).await?);
        }
        Ok(grants)
    }
}

fn answer(account: &str, region: &str, page: Page<GrantRecord>) -> ListGrantsResponse {
    let page = page.map(|grant| entry(account, region, grant));
    ListGrantsResponse { truncated: page.truncated(), grants: Some(page.entries), next_marker: page.next_marker }
}

fn entry(account: &str, region: &str, grant: GrantRecord) -> GrantListEntry {
    let key = KeyName { account: account.to_owned(), region: region.to_owned(), id: grant.key };
    let constraints = GrantConstraints {
        encryption_context_subset: grant.constraints.subset,
        encryption_context_equals: grant.constraints.equals,
        source_arn: grant.constraints.source_arn,
    };
    GrantListEntry {
        key_id: Some(key.arn()),
        grant_id: Some(grant.id),
        name: Some(grant.name.unwrap_or_default()),
        creation_date: Some(timestamp(grant.created_at)),
        grantee_principal: grant.grantee,
        retiring_principal: grant.retirer,
        issuing_account: Some(format!("arn:aws:iam::{}:root", grant.issuer)),
        operations: Some(grant.operations.into_iter().collect()),
        constraints: (constraints != GrantConstraints::default()).then_some(constraints),
        grantee_service_principal: grant.grantee_service,
        retiring_service_principal: grant.retirer_service,
    }
}
