//! Documented when written.
