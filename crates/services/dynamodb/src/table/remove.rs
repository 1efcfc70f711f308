//! `DeleteTable`.

use api::dynamodb::{DeleteTableInput, DeleteTableOutput, TableDescription};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::describe;
use super::record::Table;
use crate::encryption::change;
use crate::errors::{self, invalid};
use crate::rows;
use crate::service::{DynamoDb, given, named};
use crate::{destination, keys, stream};

/// Deletes a table. Its name is free at once; its rows are removed in the background.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, and a `ValidationException` for protected tables.
pub async fn delete_table(service: &DynamoDb, cx: &Ctx, input: DeleteTableInput) -> Result<DeleteTableOutput, Error> {
    let name = named(cx, given(input.table_name.as_deref())?)?;
    let plain = name.name.clone();
    let now = service.now();
    let table = service
        .transact(&name.partition(), move |rows| {
            let found = rows::table(rows, &plain, None)?.ok_or_else(|| errors::table_not_found(&plain))?;
            delete(rows, &found.table, now)?;
            Ok(found.table)
        })
        .await?;
    service.forget(&name);
    if let Some(encryption) = &table.encryption {
        change::retire_if_unused(service, &name, encryption).await?;
    }
    service.work_soon();
    let full = describe::describe(&table, &rows::Figures::default());
    let description = TableDescription {
        table_name: full.table_name,
        table_status: Some("DELETING".to_owned()),
        provisioned_throughput: full.provisioned_throughput,
        table_size_bytes: Some(0),
        item_count: Some(0),
        table_arn: full.table_arn,
        table_id: full.table_id,
        billing_mode_summary: full.billing_mode_summary,
        deletion_protection_enabled: full.deletion_protection_enabled,
        ..Default::default()
    };
    Ok(DeleteTableOutput { table_description: Some(description) })
}

fn delete(rows: &mut dyn Transaction, table: &Table, now: i64) -> Result<(), Abort<Error>> {
    if table.deletion_protection {
        let text = "Resource cannot be deleted as it is currently protected against deletion. \
                    Disable deletion protection first.";
        return Err(invalid(text).into());
    }
    let in_use = |what: &str| {
        let text = format!("Attempt to change a resource which is still in use: Table is being {what}: {}", table.name);
        api::dynamodb::errors::resource_in_use_exception(text)
    };
    if table.is_restoring() {
        return Err(in_use("created").into());
    }
    if table.copies > 0 {
        return Err(in_use("backed up").into());
    }
    rows.delete(&keys::table(&table.name));
    rows.delete(&keys::figures(table.collection));
    doom(rows, table.collection);
    for index in table.indexes() {
        doom(rows, index.collection);
    }
    if let Some(settings) = table.stream.as_ref().filter(|settings| settings.enabled) {
        stream::close(rows, settings.number, now)?;
    }
    for destination in &table.destinations {
        destination::close(rows, destination.number)?;
    }
    Ok(())
}

/// Marks everything that hangs on a number to be removed.
pub fn doom(rows: &mut dyn Transaction, number: u32) {
    rows.put(&keys::doomed(number), &[]);
}
