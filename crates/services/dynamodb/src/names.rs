//! How requests name tables: by name or by ARN.

use platform::Ctx;
use store::Partition;
use wire::Error;

use crate::errors::{constraint, invalid};
use crate::keys;
use crate::limits::{NAME_BYTES_MAX, NAME_BYTES_MIN};

/// A table that a request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableName {
    /// The account whose table is meant.
    pub account: String,
    /// The region it is in.
    pub region: String,
    /// Its plain name.
    pub name: String,
    /// As the request has it: AWS answers it as it was given.
    pub given: String,
}

impl TableName {
    /// The table of a `TableName` parameter: a name in the caller's account and region, or an ARN.
    ///
    /// # Errors
    /// A `ValidationException` for what is neither.
    pub fn new(cx: &Ctx, given: &str) -> Result<TableName, Error> {
        let (account, region, name) = match given.strip_prefix("arn:") {
            Some(_) => parse_arn(given).ok_or_else(|| not_an_arn(given))?,
            None => (cx.account.as_str(), cx.region.as_str(), given),
        };
        check_length(given, name)?;
        if !name.bytes().all(is_name_byte) {
            let pattern = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
            return Err(constraint(given, "tableName", pattern));
        }
        Ok(TableName {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            given: given.to_owned(),
        })
    }

    /// As [`TableName::new`], for a table that is to be made: it must have a name and a proper one.
    ///
    /// # Errors
    /// A `ValidationException`.
    pub fn new_table(cx: &Ctx, given: &str) -> Result<TableName, Error> {
        if given.len() < NAME_BYTES_MIN {
            let bound = format!("Member must have length greater than or equal to {NAME_BYTES_MIN}");
            return Err(constraint(given, "tableName", &bound));
        }
        let table = TableName::new(cx, given)?;
        if given.starts_with("arn:") && (table.account != cx.account || table.region != cx.region) {
            return Err(not_an_arn(given));
        }
        Ok(table)
    }

    /// Where the table's rows are.
    pub fn partition(&self) -> Partition {
        keys::partition(&self.account, &self.region)
    }

    /// ARN of the table.
    pub fn arn(&self) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{}", self.region, self.account, self.name)
    }
}

fn check_length(given: &str, name: &str) -> Result<(), Error> {
    if name.len() > NAME_BYTES_MAX {
        let bound = format!("Member must have length less than or equal to {NAME_BYTES_MAX}");
        return Err(constraint(given, "tableName", &bound));
    }
    Ok(())
}

/// Whether a table's name may have it.
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

fn not_an_arn(given: &str) -> Error {
    invalid(format!("Invalid TableArn: Invalid ResourceArn provided as input {given}"))
}

/// Account, region and table of a table's ARN, or of one of what belongs to it.
fn parse_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let table = resource.strip_prefix("table/")?;
    let name = table.split('/').next()?;
    let valid = service == "dynamodb" && !region.is_empty() && account.len() == 12 && !name.is_empty();
    valid.then_some((account, region, name))
}

/// What a resource's ARN names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A table.
    Table(TableName),
    /// A stream of a table, by its label.
    Stream(TableName, String),
    /// A backup of a table, by its id.
    Backup(TableName, String),
    /// An export of a table, by its id.
    Export(TableName, String),
    /// An import of a table, by its id.
    Import(TableName, String),
}

impl Resource {
    /// What this ARN names.
    pub fn parse(arn: &str) -> Option<Resource> {
        let (account, region, name) = parse_arn(arn)?;
        let table = TableName {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            given: arn.to_owned(),
        };
        let rest = arn.splitn(6, ':').nth(5)?.strip_prefix("table/")?.strip_prefix(name)?;
        match rest.strip_prefix('/').map(|rest| rest.split_once('/')) {
            None if rest.is_empty() => Some(Resource::Table(table)),
            Some(Some(("stream", label))) if !label.is_empty() => Some(Resource::Stream(table, label.to_owned())),
            Some(Some(("backup", id))) if !id.is_empty() => Some(Resource::Backup(table, id.to_owned())),
            Some(Some(("export", id))) if !id.is_empty() => Some(Resource::Export(table, id.to_owned())),
            Some(Some(("import", id))) if !id.is_empty() => Some(Resource::Import(table, id.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_tables_streams_and_backups() {
        let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/people";
        let Some(Resource::Table(table)) = Resource::parse(arn) else { panic!("a table") };
        assert_eq!((table.name.as_str(), table.arn().as_str()), ("people", arn));
        let stream = Resource::parse(&format!("{arn}/stream/2026-01-01T00:00:00.000"));
        assert!(matches!(stream, Some(Resource::Stream(_, label)) if label == "2026-01-01T00:00:00.000"));
        let backup = Resource::parse(&format!("{arn}/backup/01"));
        assert!(matches!(backup, Some(Resource::Backup(_, id)) if id == "01"));
        for arn in ["", "arn", "arn:aws:s3:::b", "arn:aws:dynamodb:r:1:table/t", "arn:aws:dynamodb:r:111122223333:x/t"]
        {
            assert_eq!(Resource::parse(arn), None, "{arn}");
        }
        assert_eq!(Resource::parse(&format!("{arn}/stream/")), None);
    }
}
