//! `GetParametersByPath`.

use api::ssm::{GetParametersByPathRequest, GetParametersByPathResult};
use platform::Ctx;
use wire::Error;

use super::describe::Search;
use super::get::{reveal, version};
use crate::filters::{Filters, Scope};
use crate::limits::PATH_PAGE;
use crate::names::{self, Reference};
use crate::service::ParameterStore;

/// A page of the parameters under a path.
pub async fn get_parameters_by_path(
    service: &ParameterStore,
    cx: &Ctx,
    input: GetParametersByPathRequest,
) -> Result<GetParametersByPathResult, Error> {
    names::check_path(&input.path)?;
    let filters = Filters::parse(input.parameter_filters.as_deref().unwrap_or_default(), Scope::Path)?;
    let path = format!("{}/", input.path.trim_end_matches('/'));
    let search = Search {
        // Also names without a slash are under the root.
        start: if path == "/" { String::new() } else { path.clone() },
        limit: input.max_results.map_or(PATH_PAGE, |limit| limit.max(1) as usize),
    };
    let recursive = input.recursive == Some(true);
    let is_under = |name: &str| {
        let rest = name.strip_prefix(&path).unwrap_or(name);
        recursive || !rest.contains('/')
    };
    let (records, next_token) = search
        .page(service, cx, input.next_token.as_deref(), |record| is_under(&record.name) && filters.match_record(record))
        .await?;
    let mut parameters = Vec::with_capacity(records.len());
    for record in records {
        let chosen = match filters.label().and_then(|label| record.labels.get(label)) {
            Some(number) => {
                let reference = Reference {
                    account: cx.account.clone(),
                    region: cx.region.clone(),
                    name: record.name.clone(),
                    by_arn: false,
                    selector: None,
                };
                version(service, &reference, &record, *number).await?
            }
            None => record.latest.clone(),
        };
        let decrypt = input.with_decryption == Some(true);
        parameters.push(reveal(cx, &cx.account, &record.name, &chosen, decrypt).await?);
    }
    Ok(GetParametersByPathResult { parameters: Some(parameters), next_token })
}
