//! Facts of particular operations that came all the way from the models.

use api::{Operation, lambda, logs, sts};
use traca_api as api;
use wire::codec::Structure;
use wire::schema::{Fault, Kind, Location, Protocol, QueryKey, Segment, ServiceDef, Validation};

fn service(id: &str) -> &'static ServiceDef {
    api::service(id).expect("it is in the catalogue")
}

#[test]
fn lambda_invoke_binds_its_input_to_path_headers_and_body() {
    let invoke = lambda::Invoke::definition();
    assert_eq!((invoke.http.method, invoke.http.status), ("POST", 200));
    assert_eq!(invoke.http.segments[2], Segment::Label("FunctionName"));
    assert_eq!(invoke.actions, ["lambda:InvokeFunction"]);
    let codec = invoke.codec.expect("it is built");
    let member =
        |name: &str| codec.input.members().iter().find(|member| member.name == name).expect("the model has it");
    assert_eq!(member("LogType").location, Location::Header);
    assert_eq!(member("LogType").wire_name, "X-Amz-Log-Type");
    assert_eq!(member("Qualifier").location, Location::Query);
    assert_eq!(member("Payload").location, Location::Payload);
    assert!(member("FunctionName").required);
    let status = codec.output.members().iter().find(|member| member.name == "StatusCode").expect("the model has it");
    assert_eq!(status.location, Location::Status);
}

#[test]
fn lambda_create_function_answers_201_and_knows_its_runtimes() {
    assert_eq!(lambda::CreateFunction::definition().http.status, 201);
    assert_eq!(lambda::enums::runtime::PYTHON3_13, "python3.13");
    let timeout = lambda::CreateFunctionRequest::default();
    let member = timeout.shape().members().iter().find(|member| member.name == "Timeout").expect("the model has it");
    assert_eq!(member.shape.constraints.min, Some(1.0));
}

#[test]
fn errors_keep_status_fault_and_further_members() {
    let conflict = &lambda::errors::RESOURCE_CONFLICT_EXCEPTION;
    assert_eq!((conflict.status, conflict.fault), (409, Fault::Client));
    assert!(conflict.members.iter().any(|member| member.name == "Type"));
    let broken = &lambda::errors::SERVICE_EXCEPTION;
    assert_eq!((broken.status, broken.fault), (500, Fault::Server));
    let error = logs::errors::resource_not_found_exception("The specified log group does not exist.");
    assert_eq!(error.to_string(), "ResourceNotFoundException: The specified log group does not exist.");
}

#[test]
fn query_errors_have_codes_of_their_own() {
    let error = service("sns").error("NotFoundException").expect("the model has it");
    assert_eq!((error.code, error.status), ("NotFound", 404));
    let error = service("sqs").error("QueueDoesNotExist").expect("the model has it");
    assert_eq!(error.code, "AWS.SimpleQueueService.NonExistentQueue");
}

#[test]
fn sts_wraps_its_results_and_takes_no_input() {
    assert_eq!(sts::GetCallerIdentity::definition().result_wrapper, Some("GetCallerIdentityResult"));
    assert!(sts::GetCallerIdentity::definition().always_allowed);
    assert_eq!(sts::GetCallerIdentity::service().id, "sts");
}

#[test]
fn operations_without_an_output_answer_an_empty_structure() {
    let codec = logs::CreateLogGroup::definition().codec.expect("it is built");
    assert!(codec.output.members().is_empty());
    let _: api::Empty = <logs::CreateLogGroup as Operation>::Output::default();
}

#[test]
fn secrets_do_not_show() {
    let code = lambda::FunctionCode { zip_file: Some("PK".into()), ..Default::default() };
    assert!(!format!("{code:?}").contains("PK"));
    let environment = lambda::Environment { variables: Some([("KEY".into(), "hunter2".into())].into()) };
    let request = lambda::CreateFunctionRequest { environment: Some(environment), ..Default::default() };
    assert!(!format!("{request:?}").contains("hunter2"));
    let credentials = sts::Credentials { secret_access_key: "s3cr3t".into(), ..Default::default() };
    assert!(!format!("{credentials:?}").contains("s3cr3t"));
}

#[test]
fn overlays_reach_the_definitions() {
    assert_eq!(service("sqs").protocols, [Protocol::Json, Protocol::Query]);
    assert_eq!(service("kinesis").protocols, [Protocol::Json, Protocol::CborTarget]);
    assert_eq!(service("dynamodb").error_namespace, "com.amazonaws.dynamodb.v20120810");
    assert_eq!(service("sqs").validation, Validation::MissingParameter);
    assert!(matches!(service("iam").validation, Validation::Generic { omit_value: true, .. }));
    let location = service("s3").operation("GetBucketLocation").expect("the model has it");
    assert_eq!(location.output_root, Some("LocationConstraint"));
    assert!(location.unwrapped_output);
    let denied = service("s3").error("AccessDenied").expect("the overlay has it");
    assert_eq!(denied.status, 403);
}

#[test]
fn rest_operations_that_share_a_path_carry_their_tie_breakers() {
    let s3 = service("s3");
    let list = s3.operation("ListObjectsV2").expect("the model has it");
    assert_eq!(list.http.query, [QueryKey { key: "list-type", value: Some("2") }]);
    let part = s3.operation("UploadPart").expect("the model has it");
    assert_eq!(part.http.required_query, ["partNumber", "uploadId"]);
    let copy = s3.operation("CopyObject").expect("the model has it");
    assert_eq!(copy.http.required_headers, ["x-amz-copy-source"]);
    assert_eq!(copy.http.segments, [Segment::Label("Bucket"), Segment::Greedy("Key")]);
}

#[test]
fn unsigned_operations_and_host_prefixes_are_known() {
    assert!(service("cognito-idp").operation("InitiateAuth").expect("the model has it").unsigned);
    assert!(!service("cognito-idp").operation("CreateUserPool").expect("the model has it").unsigned);
    let start = service("stepfunctions").operation("StartSyncExecution").expect("the model has it");
    assert_eq!(start.host_prefix, Some("sync-"));
    assert!(service("cloudwatch").operation("PutMetricData").expect("the model has it").compressed_requests);
}

#[test]
fn what_an_error_carries_may_be_deep() {
    let cancelled = service("dynamodb").error("TransactionCanceledException").expect("the model has it");
    assert_eq!(cancelled.message_member, "Message");
    let reasons =
        cancelled.members.iter().find(|member| member.name == "CancellationReasons").expect("the model has it");
    let Kind::List { member, .. } = &reasons.shape.kind else { panic!("a list") };
    assert!(member.shape.members().iter().any(|member| member.name == "Item"));
}
