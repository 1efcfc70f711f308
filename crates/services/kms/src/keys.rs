//! The keys of the service's rows. An account's rows lie in a partition of its own, those of all regions together, so
//! that a multi-Region key changes everywhere at once.

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition, StoreError};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const KEY: u8 = 1;
const MATERIAL: u8 = 2;
const ALIAS: u8 = 3;
const ALIAS_OF_KEY: u8 = 4;
const GRANT: u8 = 5;
const GRANT_OF_GRANTEE: u8 = 6;
const GRANT_OF_RETIRER: u8 = 7;
const GRANT_NAME: u8 = 8;
const MULTI_REGION: u8 = 9;
const COUNT: u8 = 10;

/// The partition of an account's rows.
///
/// # Errors
/// [`StoreError`] for an account that is no account.
pub fn partition(account: &str) -> Result<Partition, StoreError> {
    Partition::new(format!("kms/{account}"))
}

/// A key.
pub fn key(region: &str, id: &str) -> Key {
    Key::new().u8(KEY).text(region).text(id)
}

/// All keys of a region, in the order of their ids.
pub fn keys_of(region: &str) -> KeyRange {
    Key::new().u8(KEY).text(region).range()
}

/// One generation of a key's material.
pub fn material(region: &str, id: &str, generation: u32) -> Key {
    Key::new().u8(MATERIAL).text(region).text(id).u32(generation)
}

/// All generations of a key's material, oldest first.
pub fn materials_of(region: &str, id: &str) -> KeyRange {
    Key::new().u8(MATERIAL).text(region).text(id).range()
}

/// An alias; the name begins with `alias/`.
pub fn alias(region: &str, name: &str) -> Key {
    Key::new().u8(ALIAS).text(region).text(name)
}

/// All aliases of a region, in the order of their names.
pub fn aliases_of(region: &str) -> KeyRange {
    Key::new().u8(ALIAS).text(region).range()
}

/// The mark that an alias is of this key.
pub fn alias_of_key(region: &str, id: &str, name: &str) -> Key {
    Key::new().u8(ALIAS_OF_KEY).text(region).text(id).text(name)
}

/// The marks of all aliases of a key.
pub fn aliases_of_key(region: &str, id: &str) -> KeyRange {
    Key::new().u8(ALIAS_OF_KEY).text(region).text(id).range()
}

/// The alias in a mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_alias_of_key(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    reader.text()
}

/// A grant.
pub fn grant(region: &str, key: &str, id: &str) -> Key {
    Key::new().u8(GRANT).text(region).text(key).text(id)
}

/// All grants of a key.
pub fn grants_of(region: &str, key: &str) -> KeyRange {
    Key::new().u8(GRANT).text(region).text(key).range()
}

/// The mark that a grant on this key is for that grantee.
pub fn grant_of_grantee(region: &str, key: &str, grantee: &str, id: &str) -> Key {
    Key::new().u8(GRANT_OF_GRANTEE).text(region).text(key).text(grantee).text(id)
}

/// The marks of all grants on a key for a grantee.
pub fn grants_of_grantee(region: &str, key: &str, grantee: &str) -> KeyRange {
    Key::new().u8(GRANT_OF_GRANTEE).text(region).text(key).text(grantee).range()
}

/// The grant in a grantee's mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_grant_of_grantee(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    reader.text()?;
    reader.text()
}

/// The mark that this principal may retire a grant.
pub fn grant_of_retirer(region: &str, retirer: &str, key: &str, id: &str) -> Key {
    Key::new().u8(GRANT_OF_RETIRER).text(region).text(retirer).text(key).text(id)
}

/// The marks of all grants that a principal may retire.
pub fn grants_of_retirer(region: &str, retirer: &str) -> KeyRange {
    Key::new().u8(GRANT_OF_RETIRER).text(region).text(retirer).range()
}

/// The key and the grant in a retirer's mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_grant_of_retirer(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    Ok((reader.text()?, reader.text()?))
}

/// The grant on a key that was made under a name for a grantee: its id.
pub fn grant_name(region: &str, key: &str, name: &str, grantee: &str) -> Key {
    Key::new().u8(GRANT_NAME).text(region).text(key).text(name).text(grantee)
}

/// The names of all grants on a key.
pub fn grant_names_of(region: &str, key: &str) -> KeyRange {
    Key::new().u8(GRANT_NAME).text(region).text(key).range()
}

/// Where a multi-Region key is.
pub fn multi_region(id: &str) -> Key {
    Key::new().u8(MULTI_REGION).text(id)
}

/// How many customer keys a region holds.
pub fn count(region: &str) -> Key {
    Key::new().u8(COUNT).text(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_back() {
        assert_eq!(read_alias_of_key(&alias_of_key("r", "k", "alias/a")), Ok("alias/a".to_owned()));
        assert_eq!(read_grant_of_grantee(&grant_of_grantee("r", "k", "arn", "g")), Ok("g".to_owned()));
        let mark = grant_of_retirer("r", "arn", "k", "g");
        assert_eq!(read_grant_of_retirer(&mark), Ok(("k".to_owned(), "g".to_owned())));
    }

    #[test]
    fn a_key_whose_id_begins_anothers_has_its_own_rows() {
        assert!(materials_of("r", "a").contains(&material("r", "a", 7)));
        assert!(!materials_of("r", "a").contains(&material("r", "ab", 7)));
        assert!(material("r", "a", 2) < material("r", "a", 10));
        assert!(!grants_of_grantee("r", "k", "x").contains(&grant_of_grantee("r", "k", "xy", "g")));
    }
}
