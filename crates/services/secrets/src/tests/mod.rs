//! The service as its callers see it, over a real KMS.
