//! `DescribeParameters`.

use api::ssm::{DescribeParametersRequest, DescribeParametersResult, ParameterMetadata, ParameterStringFilter};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::{Error, Timestamp};

use crate::filters::{Filters, Scope};
use crate::limits::{PAGE, SCANNED_ROWS_MAX};
use crate::records::ParameterRecord;
use crate::service::ParameterStore;
use crate::{errors, keys, names, page, rows};

/// A page of the account's parameters in the region, without their values.
pub async fn describe_parameters(
    service: &ParameterStore,
    cx: &Ctx,
    input: DescribeParametersRequest,
) -> Result<DescribeParametersResult, Error> {
    let filters = Filters::parse(&filters_of(&input)?, Scope::Description)?;
    if input.shared == Some(true) {
        // Nothing is shared with this account: that takes AWS Resource Access Manager.
        return Ok(DescribeParametersResult { parameters: Some(Vec::new()), next_token: None });
    }
    let limit = input.max_results.map_or(PAGE, |limit| limit.max(1) as usize);
    let search = Search { start: String::new(), limit };
    let (records, next_token) =
        search.page(service, cx, input.next_token.as_deref(), |record| filters.match_record(record)).await?;
    let parameters = records.into_iter().map(|record| metadata(cx, record)).collect();
    Ok(DescribeParametersResult { parameters: Some(parameters), next_token })
}

/// The filters in their new form.
fn filters_of(input: &DescribeParametersRequest) -> Result<Vec<ParameterStringFilter>, Error> {
    match (&input.filters, &input.parameter_filters) {
        (Some(old), Some(new)) if !old.is_empty() && !new.is_empty() => {
            Err(errors::validation("You can use either Filters or ParameterFilters in a single request."))
        }
        (Some(old), _) if !old.is_empty() => Ok(old
            .iter()
            .map(|filter| ParameterStringFilter {
                // The old filter of names looks for beginnings.
                option: Some(if filter.key == "Name" { "BeginsWith" } else { "Equals" }.to_owned()),
                key: filter.key.clone(),
                values: Some(filter.values.clone()),
                ..Default::default()
            })
            .collect()),
        (_, new) => Ok(new.clone().unwrap_or_default()),
    }
}

fn metadata(cx: &Ctx, record: ParameterRecord) -> ParameterMetadata {
    let latest = record.latest;
    ParameterMetadata {
        arn: Some(names::arn(&cx.region, &cx.account, &record.name)),
        name: Some(record.name),
        r#type: Some(latest.kind),
        key_id: latest.key_id,
        last_modified_date: Some(Timestamp::from_milliseconds(latest.modified_at)),
        last_modified_user: Some(latest.modified_by),
        description: latest.description,
        allowed_pattern: latest.allowed_pattern,
        version: i64::try_from(latest.number).ok(),
        tier: Some(latest.tier),
        policies: Some(latest.policies.iter().map(|policy| policy.output()).collect()),
        data_type: Some(latest.data_type),
    }
}

/// A search through parameters in the order of their names.
pub struct Search {
    /// How their names begin.
    pub start: String,
    /// Most on a page.
    pub limit: usize,
}

impl Search {
    /// A page of those wanted, and the token of the next page. Looks at [`SCANNED_ROWS_MAX`] rows at most.
    pub async fn page(
        &self,
        service: &ParameterStore,
        cx: &Ctx,
        token: Option<&str>,
        is_wanted: impl Fn(&ParameterRecord) -> bool,
    ) -> Result<(Vec<ParameterRecord>, Option<String>), Error> {
        let mut range = keys::parameters_starting(&cx.region, &self.start);
        if let Some(last) = page::place(token)? {
            range = range.after(&keys::parameter(&cx.region, &last));
        }
        let snapshot = service.snapshot(&cx.account).await?;
        let scanned = snapshot.scan(range, Direction::Forward, SCANNED_ROWS_MAX).await.or_failure()?;
        drop(snapshot);
        let may_be_more = scanned.len() == SCANNED_ROWS_MAX;
        let (mut found, mut last) = (Vec::new(), None);
        for (_, row) in scanned {
            let record: ParameterRecord = rows::decode(&row)?;
            if is_wanted(&record) {
                if found.len() == self.limit {
                    return Ok((found, last.as_deref().map(page::token)));
                }
                last = Some(record.name.clone());
                found.push(record);
            } else {
                last = Some(record.name);
            }
        }
        Ok((found, last.filter(|_| may_be_more).as_deref().map(page::token)))
    }
}
