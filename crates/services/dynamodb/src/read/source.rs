//! What is read from: a table or one of its indexes, and which attributes of it.

use std::sync::Arc;

use wire::Error;

use crate::errors::{invalid, invalid_value, no_such_index};
use crate::expression::{Condition, Path};
use crate::table::{Index, KeySchema, Table};
use crate::value::Item;

/// A table, or an index of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The table.
    pub table: Arc<Table>,
    /// The index and whether it is local, if it is one.
    pub index: Option<(Index, bool)>,
}

impl Source {
    /// The source of a request.
    ///
    /// # Errors
    /// A `ValidationException` for an index that is not there or not ready.
    pub fn new(table: Arc<Table>, index: Option<&str>, consistent: bool) -> Result<Source, Error> {
        let Some(name) = index else { return Ok(Source { table, index: None }) };
        let (index, local) = table.index(name).ok_or_else(|| no_such_index(name))?;
        if !local && consistent {
            return Err(invalid("Consistent reads are not supported on global secondary indexes"));
        }
        if index.backfilling {
            return Err(invalid(format!("Cannot read from backfilling global secondary index: {name}")));
        }
        let index = index.clone();
        Ok(Source { table, index: Some((index, local)) })
    }

    /// The number on which the rows hang.
    pub fn collection(&self) -> u32 {
        self.index.as_ref().map_or(self.table.collection, |(index, _)| index.collection)
    }

    /// The key by which the rows are ordered.
    pub fn key(&self) -> &KeySchema {
        self.index.as_ref().map_or(&self.table.key, |(index, _)| &index.key)
    }

    /// The attributes that say where a page ended.
    pub fn position_of(&self, item: &Item) -> Item {
        match &self.index {
            Some((index, _)) => self.table.keys_of(index, item),
            None => self.table.key.of_item(item),
        }
    }

    /// How many attributes that is.
    pub fn position_len(&self) -> usize {
        let own = self.table.key.attributes().count();
        let of_index = |(index, _): &(Index, bool)| {
            index.key.attributes().filter(|attribute| !self.table.key.has(&attribute.name)).count()
        };
        own + self.index.as_ref().map_or(0, of_index)
    }

    /// Whether all attributes of these paths are in the rows.
    fn holds<'p>(&self, mut heads: impl Iterator<Item = &'p str>) -> bool {
        match &self.index {
            Some((index, _)) => heads.all(|head| self.table.projects(index, head)),
            None => true,
        }
    }

    /// Whether the items themselves have to be read besides the index, and whether that is allowed.
    ///
    /// # Errors
    /// A `ValidationException`: global indexes answer what they hold, and nothing else.
    pub fn needs_items(&self, whole: bool, paths: Option<&[Path]>, filter: Option<&Condition>) -> Result<bool, Error> {
        let Some((index, local)) = &self.index else { return Ok(false) };
        let all = matches!(index.projection, crate::table::Projection::All);
        if whole {
            if !all && !local {
                let name = &index.name;
                return Err(invalid_value(format!(
                    "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} because its \
                     projection type is not ALL"
                )));
            }
            return Ok(!all);
        }
        let selected = self.holds(paths.unwrap_or_default().iter().map(Path::head));
        let filter_paths = filter.map(Condition::paths).unwrap_or_default();
        let filtered = self.holds(filter_paths.iter().map(|path| path.head()));
        if !(*local || (selected && filtered)) {
            let missing: Vec<&str> = paths
                .unwrap_or_default()
                .iter()
                .map(Path::head)
                .chain(filter_paths.iter().map(|path| path.head()))
                .filter(|head| !self.table.projects(index, head))
                .collect();
            let (name, missing) = (&index.name, missing.join(", "));
            return Err(invalid_value(format!("Global secondary index {name} does not project [{missing}]")));
        }
        Ok(!(selected && filtered))
    }
}

/// How a request asks for attributes, for what is said of it.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The parameter that names them.
    parameter: &'static str,
    /// In front of complaints: AWS has one for queries alone.
    prefix: &'static str,
    /// Whether an index is read.
    has_index: bool,
}

impl Asked {
    /// By a query.
    pub fn by_query(by_expression: bool, has_index: bool) -> Asked {
        let prefix = if by_expression { "1 validation error detected: " } else { "" };
        Asked { prefix, ..Asked::by_scan(by_expression, has_index) }
    }

    /// By a scan.
    pub fn by_scan(by_expression: bool, has_index: bool) -> Asked {
        let parameter = if by_expression { "ProjectionExpression" } else { "AttributesToGet" };
        Asked { parameter, prefix: "", has_index }
    }
}

/// Which attributes are answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Attributes {
    /// All that the rows hold.
    Held,
    /// All of the items.
    All,
    /// These.
    Some(Vec<Path>),
    /// None: only the number of items is.
    Count,
}

impl Attributes {
    /// By `Select` and what names attributes.
    ///
    /// # Errors
    /// A `ValidationException` for what does not go together.
    pub fn new(select: Option<&str>, paths: Option<Vec<Path>>, asked: &Asked) -> Result<Attributes, Error> {
        let conflict = |select: &str| {
            let Asked { parameter, prefix, .. } = asked;
            Err(invalid(format!("{prefix}Cannot specify the {parameter} when choosing to get {select}")))
        };
        let has_index = asked.has_index;
        match (select, paths) {
            (None, None) => Ok(Attributes::Held),
            (None | Some("SPECIFIC_ATTRIBUTES"), Some(paths)) => Ok(Attributes::Some(paths)),
            (Some("SPECIFIC_ATTRIBUTES"), None) => Err(invalid(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
            )),
            (Some("ALL_ATTRIBUTES"), None) => Ok(Attributes::All),
            (Some("ALL_PROJECTED_ATTRIBUTES"), None) if has_index => Ok(Attributes::Held),
            (Some("ALL_PROJECTED_ATTRIBUTES"), None) => {
                Err(invalid_value("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"))
            }
            (Some("COUNT"), None) => Ok(Attributes::Count),
            (Some("ALL_ATTRIBUTES"), Some(_)) => conflict("ALL_ATTRIBUTES"),
            (Some("COUNT"), Some(_)) => conflict("only the Count"),
            (Some(select), _) => conflict(select),
        }
    }

    /// The paths, if it is some.
    pub fn paths(&self) -> Option<&[Path]> {
        match self {
            Attributes::Some(paths) => Some(paths),
            _ => None,
        }
    }
}
