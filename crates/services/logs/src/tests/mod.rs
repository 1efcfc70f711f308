//! What clients see, operation by operation.

mod filter;
