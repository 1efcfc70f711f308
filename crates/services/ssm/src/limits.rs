//! Every bound of the service, with its unit and its source. Lengths that the API's model knows are checked before.

/// Most parameters of the standard tier of an account in a region. Quotas of Systems Manager.
pub const STANDARD_MAX: u64 = 10_000;

/// Most parameters of the advanced tier of an account in a region. Quotas of Systems Manager.
pub const ADVANCED_MAX: u64 = 100_000;

/// Most bytes of a standard parameter's value. Quotas of Systems Manager.
pub const STANDARD_BYTES_MAX: usize = 4_096;

/// Most bytes of an advanced parameter's value. Quotas of Systems Manager.
pub const ADVANCED_BYTES_MAX: usize = 8_192;

/// Versions that a parameter keeps. Quotas of Systems Manager.
pub const VERSIONS_MAX: u64 = 100;

/// Most labels of a version. Quotas of Systems Manager.
pub const LABELS_MAX: usize = 10;

/// Most characters of a label. API reference of LabelParameterVersion.
pub const LABEL_CHARACTERS_MAX: usize = 100;

/// Most levels of a hierarchy. Quotas of Systems Manager.
pub const LEVELS_MAX: usize = 15;

/// Most characters of a parameter's ARN. User guide, "Requirements and constraints for parameter names".
pub const ARN_CHARACTERS_MAX: usize = 1_011;

/// Most policies of a parameter. User guide, "Assigning parameter policies".
pub const POLICIES_MAX: usize = 10;

/// Most tags of a parameter. API reference of AddTagsToResource.
pub const TAGS_MAX: usize = 50;

/// Most resource policies of a parameter. API reference of PutResourcePolicy.
pub const RESOURCE_POLICIES_MAX: usize = 1;

/// Parameters on a page of GetParametersByPath unless the caller says. API reference.
pub const PATH_PAGE: usize = 10;

/// Parameters on a page of DescribeParameters, and versions on one of GetParameterHistory, unless the caller says.
pub const PAGE: usize = 50;

/// Most rows that one page looks at: about 10 MiB of the largest.
pub const SCANNED_ROWS_MAX: usize = 1_000;

/// Steps that matching a value against a pattern may take, which is more than any sensible pattern needs.
pub const PATTERN_STEPS_MAX: usize = 100_000;
