//! What every operation and every structure of an API has in common.

use std::any::Any;

use wire::codec::{ReadResult, Reader, Structure, Writer};
use wire::schema::{Constraints, Kind, OperationDef, ServiceDef, Shape};

/// A built operation, named by a type without values: `lambda::CreateFunction`.
pub trait Operation: Send + Sync + 'static {
    /// What a caller gives; [`Empty`] if the model has no input.
    type Input: ReadStructure;
    /// What it answers; [`Empty`] if the model has no output.
    type Output: ReadStructure;
    /// Its static definition.
    fn definition() -> &'static OperationDef;
    /// The service it belongs to.
    fn service() -> &'static ServiceDef;
}

/// A structure that a reader can fill.
pub trait ReadStructure: Structure + Default {
    /// Its shape.
    fn schema() -> &'static Shape;
    /// The structure before anything is read: all that is required is missing.
    fn unread() -> Self {
        Self::default()
    }
    /// Reads the member of that index, at which the reader stands.
    fn read_member(&mut self, index: usize, reader: &mut dyn Reader) -> ReadResult<()>;
}

/// Reads a whole structure.
pub fn read_structure<T: ReadStructure>(reader: &mut dyn Reader) -> ReadResult<T> {
    let mut structure = T::unread();
    reader.structure(T::schema(), &mut |index, reader| structure.read_member(index, reader))?;
    Ok(structure)
}

/// The input or output of an operation for which the model has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty;

/// The shape of [`Empty`].
pub(crate) static EMPTY: Shape =
    Shape { name: "Unit", kind: Kind::Structure { members: &[] }, constraints: &Constraints::NONE, sensitive: false };

impl Structure for Empty {
    fn shape(&self) -> &'static Shape {
        &EMPTY
    }
    fn write_members(&self, _writer: &mut dyn Writer) {}
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl ReadStructure for Empty {
    fn schema() -> &'static Shape {
        &EMPTY
    }
    fn read_member(&mut self, _index: usize, _reader: &mut dyn Reader) -> ReadResult<()> {
        Ok(())
    }
}
