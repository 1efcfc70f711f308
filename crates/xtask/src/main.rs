//! Documented when written.

fn main() {}
