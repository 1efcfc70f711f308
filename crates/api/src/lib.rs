//! The words of AWS: the operations, structures, errors and definitions of every service of the catalogue.
//!
//! Nearly all of it is generated from `models/` by `cargo xtask gen`. Every operation of every model has a definition,
//! by which it is routed, authorised and refused in its own words; structures exist for the operations that are built
//! (`models/built/<service>.txt`). Known values of enums are constants in each service's `enums`, because the sets are
//! open; a union is an enum; a required member is a plain field.
//!
//! One crate, so that a service can call another's operation without depending on that service.

mod catalogue;
mod operation;
#[allow(dead_code, unused_imports, reason = "which of it generated files use depends on the operations that are built")]
mod support;

pub mod apigateway;
pub mod apigatewayv2;
pub mod application_autoscaling;
pub mod cloudformation;
pub mod cloudwatch;
pub mod cognito_idp;
pub mod dynamodb;
pub mod dynamodbstreams;
pub mod ec2;
pub mod events;
pub mod iam;
pub mod kinesis;
pub mod kms;
pub mod lambda;
pub mod logs;
pub mod pipes;
pub mod s3;
pub mod scheduler;
pub mod secretsmanager;
pub mod sns;
pub mod sqs;
pub mod ssm;
pub mod stepfunctions;
pub mod sts;
pub mod xray;

pub use catalogue::SERVICES;
pub use operation::{Empty, Operation, ReadStructure, read_structure};

use wire::schema::ServiceDef;

/// The service of that id, for example `lambda`.
pub fn service(id: &str) -> Option<&'static ServiceDef> {
    SERVICES.binary_search_by(|service| service.id.cmp(id)).ok().map(|index| SERVICES[index])
}
