//! `ListTables`.

use api::dynamodb::{ListTablesInput, ListTablesOutput};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use crate::limits::LIST_TABLES_MAX;
use crate::service::DynamoDb;
use crate::{keys, rows};

/// Lists the names of the caller's tables, in order.
///
/// # Errors
/// None of its own.
pub async fn list_tables(service: &DynamoDb, cx: &Ctx, input: ListTablesInput) -> Result<ListTablesOutput, Error> {
    let limit = input.limit.map_or(LIST_TABLES_MAX, |limit| limit.max(1) as usize);
    let mut range = keys::tables();
    if let Some(start) = &input.exclusive_start_table_name {
        range = range.after(&keys::table(start));
    }
    let snapshot = service.snapshot(&keys::partition(&cx.account, &cx.region)).await?;
    let found = snapshot.scan(range, Direction::Forward, limit + 1).await.or_failure()?;
    let names = found.iter().take(limit).map(|(key, _)| rows::key_part(keys::read_table(key)));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let last = (found.len() > limit).then(|| names.last().cloned()).flatten();
    Ok(ListTablesOutput { table_names: Some(names), last_evaluated_table_name: last })
}
