//! IAM's policy language: documents, their compiled form, and the decision. No I/O.

/// A policy document, compiled.
#[derive(Debug, Clone)]
pub struct Policy;
