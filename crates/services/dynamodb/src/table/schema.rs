//! Checking how requests describe keys, indexes and throughput.

use api::dynamodb::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex, OnDemandThroughput,
    Projection as ApiProjection, ProvisionedThroughput, WarmThroughput,
};
use wire::Error;

use super::key::{KeyAttribute, KeySchema};
use super::record::{Index, Projection, Throughput};
use crate::errors::{invalid, invalid_value};
use crate::limits::{
    CAPACITY_UNITS_MAX, GLOBAL_INDEXES_MAX, KEY_PARTS_MAX, LOCAL_INDEXES_MAX, PROJECTED_ATTRIBUTES_MAX,
};
use crate::value::Kind;

/// The attributes that a request defines.
pub fn read_definitions(definitions: &[AttributeDefinition]) -> Vec<KeyAttribute> {
    let read = |definition: &AttributeDefinition| KeyAttribute {
        name: definition.attribute_name.clone(),
        kind: Kind::named(&definition.attribute_type).unwrap_or(Kind::S),
    };
    definitions.iter().map(read).collect()
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", names.collect::<Vec<_>>().join(", "))
}

fn check_defined(elements: &[KeySchemaElement], defined: &[KeyAttribute]) -> Result<(), Error> {
    let is_defined =
        |element: &KeySchemaElement| defined.iter().any(|attribute| attribute.name == element.attribute_name);
    if elements.iter().all(is_defined) {
        return Ok(());
    }
    let keys = listed(elements.iter().map(|element| element.attribute_name.as_str()));
    let defined = listed(defined.iter().map(|attribute| attribute.name.as_str()));
    Err(invalid_value(format!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: {keys}, \
         AttributeDefinitions: {defined}"
    )))
}

fn attribute(element: &KeySchemaElement, defined: &[KeyAttribute]) -> KeyAttribute {
    let found = defined.iter().find(|attribute| attribute.name == element.attribute_name);
    found.cloned().unwrap_or_else(|| KeyAttribute { name: element.attribute_name.clone(), kind: Kind::S })
}

/// Checks a key of one or two attributes: a table's or a local index's.
pub fn read_key(elements: &[KeySchemaElement], defined: &[KeyAttribute]) -> Result<KeySchema, Error> {
    check_defined(elements, defined)?;
    if let [hash, range] = elements
        && hash.attribute_name == range.attribute_name
    {
        return Err(invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name"));
    }
    if elements[0].key_type != "HASH" {
        return Err(invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
    }
    if elements.get(1).is_some_and(|element| element.key_type != "RANGE") {
        return Err(invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"));
    }
    if elements.len() > 2 {
        return Err(too_long("keySchema", elements, 2));
    }
    let range = elements.get(1).map(|element| attribute(element, defined));
    Ok(KeySchema { hash: vec![attribute(&elements[0], defined)], range: range.into_iter().collect() })
}

/// A key schema that is longer than its place allows, as AWS's framework words it.
pub fn too_long(at: &str, elements: &[KeySchemaElement], max: usize) -> Error {
    let shown = |element: &KeySchemaElement| {
        format!("KeySchemaElement(attributeName={}, keyType={})", element.attribute_name, element.key_type)
    };
    let value = elements.iter().map(shown).collect::<Vec<_>>().join(", ");
    let bound = format!("Member must have length less than or equal to {max}");
    crate::errors::constraint(&format!("[{value}]"), at, &bound)
}

/// Checks a key of a global index: up to four attributes in each part.
fn read_global_key(elements: &[KeySchemaElement], defined: &[KeyAttribute]) -> Result<KeySchema, Error> {
    if elements.len() <= 2 && elements.get(1).is_none_or(|second| second.key_type != "HASH") {
        return read_key(elements, defined);
    }
    check_defined(elements, defined)?;
    for (index, element) in elements.iter().enumerate() {
        if elements[..index].iter().any(|before| before.attribute_name == element.attribute_name) {
            return Err(invalid("The KeySchema contains multiple key attributes with the same name"));
        }
    }
    let hashes = elements.iter().take_while(|element| element.key_type == "HASH").count();
    if hashes == 0 {
        return Err(invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
    }
    let (hash, range) = elements.split_at(hashes);
    if range.iter().any(|element| element.key_type != "RANGE") {
        return Err(invalid_value("All HASH key attributes must precede RANGE key attributes in the KeySchema"));
    }
    for (part, kind) in [(hash, "HASH"), (range, "RANGE")] {
        if part.len() > KEY_PARTS_MAX {
            let text = format!("The KeySchema exceeds the maximum allowed number of {kind} key attributes");
            return Err(invalid_value(text));
        }
    }
    let read = |elements: &[KeySchemaElement]| elements.iter().map(|element| attribute(element, defined)).collect();
    Ok(KeySchema { hash: read(hash), range: read(range) })
}

/// Checks a projection.
pub fn read_projection(projection: &ApiProjection) -> Result<Projection, Error> {
    let names = projection.non_key_attributes.as_ref();
    for (at, name) in names.into_iter().flatten().enumerate() {
        if names.is_some_and(|names| names[..at].contains(name)) {
            return Err(invalid_value(format!("Duplicate element in NonKeyAttributes: {name}")));
        }
    }
    match (projection.projection_type.as_deref(), names) {
        (None, _) => Err(invalid_value("Unknown ProjectionType: null")),
        (Some("INCLUDE"), Some(names)) => Ok(Projection::Include(names.clone())),
        (Some("INCLUDE"), None) => {
            Err(invalid_value("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"))
        }
        (Some(kind), Some(_)) => {
            Err(invalid_value(format!("ProjectionType is {kind}, but NonKeyAttributes is specified")))
        }
        (Some("KEYS_ONLY"), None) => Ok(Projection::KeysOnly),
        (Some(_), None) => Ok(Projection::All),
    }
}

/// Checks the local indexes of a table that is to be made.
pub fn read_locals(
    indexes: Option<&[LocalSecondaryIndex]>,
    key: &KeySchema,
    defined: &[KeyAttribute],
) -> Result<Vec<Index>, Error> {
    let Some(indexes) = indexes else { return Ok(Vec::new()) };
    if indexes.is_empty() {
        return Err(invalid_value("List of LocalSecondaryIndexes is empty"));
    }
    if key.range.is_empty() {
        let text = "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex";
        return Err(invalid_value(text));
    }
    let mut read: Vec<Index> = Vec::new();
    for index in indexes {
        let index = read_local(index, key, defined)?;
        check_name_free(&index.name, &read)?;
        read.push(index);
    }
    if read.len() > LOCAL_INDEXES_MAX {
        let text = format!("Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}");
        return Err(invalid_value(text));
    }
    Ok(read)
}

fn read_local(index: &LocalSecondaryIndex, key: &KeySchema, defined: &[KeyAttribute]) -> Result<Index, Error> {
    let name = index.index_name.clone();
    let own = read_key(&index.key_schema, defined)?;
    if own.range.is_empty() {
        return Err(invalid_value(format!("Index KeySchema does not have a range key for index: {name}")));
    }
    let (hash, table_hash) = (&own.hash[0].name, &key.hash[0].name);
    if hash != table_hash {
        return Err(invalid_value(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. \
             index hash key: {hash}, table hash key: {table_hash}"
        )));
    }
    let projection = read_projection(&index.projection)?;
    let throughput = Throughput::default();
    Ok(Index { name, collection: 0, key: own, projection, throughput, backfilling: false })
}

/// Refuses a name that another index has.
pub fn check_name_free(name: &str, others: &[Index]) -> Result<(), Error> {
    if others.iter().any(|other| other.name == name) {
        return Err(invalid_value(format!("Duplicate index name: {name}")));
    }
    Ok(())
}

/// Checks the global indexes of a table that is to be made.
pub fn read_globals(
    indexes: Option<&[GlobalSecondaryIndex]>,
    locals: &[Index],
    defined: &[KeyAttribute],
    on_demand: bool,
) -> Result<Vec<Index>, Error> {
    let Some(indexes) = indexes else { return Ok(Vec::new()) };
    if indexes.is_empty() {
        return Err(invalid_value("List of GlobalSecondaryIndexes is empty"));
    }
    let mut read: Vec<Index> = Vec::new();
    for index in indexes {
        let index = read_global(index, defined, on_demand)?;
        check_name_free(&index.name, locals)?;
        check_name_free(&index.name, &read)?;
        read.push(index);
    }
    if read.len() > GLOBAL_INDEXES_MAX {
        let text = format!("GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}");
        return Err(invalid_value(text));
    }
    Ok(read)
}

/// Checks a global index.
pub fn read_global(index: &GlobalSecondaryIndex, defined: &[KeyAttribute], on_demand: bool) -> Result<Index, Error> {
    let key = read_global_key(&index.key_schema, defined)?;
    let projection = read_projection(&index.projection)?;
    let name = index.index_name.clone();
    let given = index.provisioned_throughput.as_ref();
    if on_demand && given.is_some() {
        return Err(invalid_value(format!(
            "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )));
    }
    if !on_demand && given.is_none() {
        return Err(invalid_value(format!("ProvisionedThroughput must be specified for index: {name}")));
    }
    let mut throughput = given.map(read_throughput).transpose()?.unwrap_or_default();
    let (limits, warm) = (index.on_demand_throughput.as_ref(), index.warm_throughput.as_ref());
    set_limits(&mut throughput, limits, warm, (Some(&name), on_demand))?;
    Ok(Index { name, collection: 0, key, projection, throughput, backfilling: false })
}

/// Checks provisioned throughput.
pub fn read_throughput(given: &ProvisionedThroughput) -> Result<Throughput, Error> {
    for (units, name) in
        [(given.read_capacity_units, "ReadCapacityUnits"), (given.write_capacity_units, "WriteCapacityUnits")]
    {
        if units > CAPACITY_UNITS_MAX {
            return Err(invalid(format!("Given value {units} for {name} is out of bounds")));
        }
    }
    let (read, write) = (given.read_capacity_units, given.write_capacity_units);
    Ok(Throughput { read, write, ..Throughput::default() })
}

/// Takes over what else is said of throughput, of a table or of the index that is named.
///
/// # Errors
/// A `ValidationException` for limits of what is provisioned, and for those that are no limits.
pub fn set_limits(
    throughput: &mut Throughput,
    on_demand: Option<&OnDemandThroughput>,
    warm: Option<&WarmThroughput>,
    (index, is_on_demand): (Option<&str>, bool),
) -> Result<(), Error> {
    if let Some(limits) = on_demand {
        let given = [
            ("MaxReadRequestUnits", limits.max_read_request_units),
            ("MaxWriteRequestUnits", limits.max_write_request_units),
        ];
        let of_index = index.map(|name| format!(" for index : {name}")).unwrap_or_default();
        for (name, units) in given {
            let Some(units) = units else { continue };
            if !is_on_demand {
                return Err(invalid_value(format!(
                    "{name} for OnDemandThroughput{of_index} cannot be specified when the table BillingMode is PROVISIONED"
                )));
            }
            // -1 takes a limit away.
            if units < 1 && units != -1 {
                let place = if index.is_some() { of_index.as_str() } else { " for table" };
                return Err(invalid_value(format!(
                    "Requested {name} for OnDemandThroughput{place} is outside of valid range"
                )));
            }
        }
        throughput.on_demand_read_max = limits.max_read_request_units.filter(|units| *units >= 0);
        throughput.on_demand_write_max = limits.max_write_request_units.filter(|units| *units >= 0);
    }
    if let Some(warm) = warm {
        let of = index.map_or_else(|| "table".to_owned(), |name| format!("index {name}"));
        for (name, units, current) in [
            ("ReadUnitsPerSecond", warm.read_units_per_second, throughput.warm_read),
            ("WriteUnitsPerSecond", warm.write_units_per_second, throughput.warm_write),
        ] {
            if units.zip(current).is_some_and(|(units, current)| units < current) {
                return Err(invalid_value(format!(
                    "Requested {name} for WarmThroughput for {of} is lower than current WarmThroughput, decreasing \
                     WarmThroughput is not supported"
                )));
            }
        }
        throughput.warm_read = warm.read_units_per_second.or(throughput.warm_read);
        throughput.warm_write = warm.write_units_per_second.or(throughput.warm_write);
    }
    Ok(())
}

/// Refuses attributes that are defined twice.
pub fn check_defined_once(attributes: &[KeyAttribute]) -> Result<(), Error> {
    for (at, attribute) in attributes.iter().enumerate() {
        if attributes[..at].iter().any(|before| before.name == attribute.name) {
            return Err(invalid(format!("Attribute Name is duplicated: {}", attribute.name)));
        }
    }
    Ok(())
}

/// Checks that every defined attribute is in a key, and that indexes do not project too many attributes by name.
pub fn check_whole(key: &KeySchema, indexes: &[&Index], defined: &[KeyAttribute]) -> Result<(), Error> {
    let mut used: Vec<&str> = Vec::new();
    for attribute in key.attributes().chain(indexes.iter().flat_map(|index| index.key.attributes())) {
        if !used.contains(&attribute.name.as_str()) {
            used.push(&attribute.name);
        }
    }
    if used.len() != defined.len() {
        if indexes.is_empty() {
            let text = "Number of attributes in KeySchema does not exactly match number of attributes defined in \
                        AttributeDefinitions";
            return Err(invalid_value(text));
        }
        return Err(invalid_value(format!(
            "Some AttributeDefinitions are not used. AttributeDefinitions: {}, keys used: {}",
            listed(defined.iter().map(|attribute| attribute.name.as_str())),
            listed(used.into_iter())
        )));
    }
    let projected: usize = indexes
        .iter()
        .map(|index| match &index.projection {
            Projection::Include(names) => names.len(),
            _ => 0,
        })
        .sum();
    if projected > PROJECTED_ATTRIBUTES_MAX {
        return Err(invalid_value(format!(
            "Number of NonKeyAttributes projected into all indexes exceeds the limit of {PROJECTED_ATTRIBUTES_MAX}"
        )));
    }
    Ok(())
}
