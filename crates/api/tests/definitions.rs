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
    assert_eq!(member("LogType").wire_name(), "X-Amz-Log-Type");
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
    let item = member.shape.members().iter().find(|member| member.name == "Item").expect("the model has it");
    let Kind::Map { value, .. } = &item.shape.kind else { panic!("a map") };
    assert!(matches!(value.shape.kind, Kind::Union { .. }), "the model does not say so, the overlay does");
}

#[test]
fn sqs_keeps_what_the_query_protocol_needs_of_it() {
    let sqs = service("sqs");
    assert!(sqs.query_compatible && sqs.query_member_names);
    assert_eq!(sqs.xml_namespace.map(|namespace| namespace.uri), Some("http://queue.amazonaws.com/doc/2012-11-05/"));
    let create = sqs.operation("CreateQueue").expect("the model has it");
    assert_eq!(create.result_wrapper, Some("CreateQueueResult"));
    let error = sqs.error("PurgeQueueInProgress").expect("the model has it");
    assert_eq!((error.code, error.status), ("AWS.SimpleQueueService.PurgeQueueInProgress", 403));
}

#[test]
fn s3_documents_have_roots_of_their_own() {
    let roots = [
        ("ListObjectsV2", "ListBucketResult"),
        ("ListBuckets", "ListAllMyBucketsResult"),
        ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
        ("DeleteObjects", "DeleteResult"),
        ("GetBucketAcl", "AccessControlPolicy"),
        ("UploadPartCopy", "CopyPartResult"),
    ];
    for (operation, root) in roots {
        let operation = service("s3").operation(operation).expect("the model has it");
        assert_eq!(operation.output_root, Some(root), "{}", operation.name);
    }
}

#[test]
fn only_metrics_come_packed() {
    let packed = api::SERVICES.iter().flat_map(|service| service.operations).filter(|known| known.compressed_requests);
    let packed: Vec<&str> = packed.map(|operation| operation.name).collect();
    assert_eq!(packed, ["PutMetricData"], "an object that is packed is stored as it is");
}

#[test]
fn some_operations_report_failed_validation_under_a_code_of_their_own() {
    let codes = api::SERVICES.iter().flat_map(|service| service.operations.iter().map(move |known| (service, known)));
    for (service, operation) in codes.filter(|(_, operation)| operation.validation_code.is_some()) {
        let code = operation.validation_code.expect("it was filtered for");
        let differs = !matches!(service.validation, Validation::Generic { code: common, .. } if common == code);
        assert!(differs, "{} {} repeats its service's code", service.id, operation.name);
    }
    let own = |id: &str, name: &str| service(id).operation(name).expect("the model has it").validation_code;
    assert_eq!(own("logs", "PutDeliverySource"), Some("ValidationException"));
    assert_eq!(own("logs", "CreateLogGroup"), None);
}
