//! What clients do that a simple router gets wrong.

use wire::schema::Protocol;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_prefix_that_clients_put_before_the_host_does_not_disturb() {
    let headers = [
        ("host", "sync-localhost:4566"),
        ("x-amz-target", "AWSStepFunctions.StartSyncExecution"),
        ("authorization", &scope("states")),
    ];
    assert_eq!(told(&route("POST", "/", &headers)), "stepfunctions.StartSyncExecution");
}

#[test]
fn query_keys_that_sdks_add_do_not_disturb() {
    assert_eq!(told(&signed("s3", "PUT", "/bucket/key?x-id=PutObject")), "s3.PutObject");
    assert_eq!(told(&signed("s3", "GET", "/bucket?list-type=2&prefix=a&encoding-type=url")), "s3.ListObjectsV2");
    assert_eq!(told(&signed("s3", "GET", "/bucket?list-type=1")), "s3.ListObjects");
}

#[test]
fn content_types_may_be_upper_case_and_have_parameters() {
    let form = Some("Action=GetCallerIdentity&Version=2011-06-15");
    for content_type in ["application/x-www-form-urlencoded; charset=utf-8", "APPLICATION/X-WWW-FORM-URLENCODED"] {
        let parts = head("POST", "/", &[("content-type", content_type)]);
        assert_eq!(told(&route_form(&parts, form)), "sts.GetCallerIdentity");
    }
}

#[test]
fn a_path_is_matched_raw_and_each_label_decoded_once() {
    let arn = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations";
    let result = signed("lambda", "POST", arn);
    assert_eq!(told(&result), "lambda.Invoke");
    assert_eq!(labels(&result), [("FunctionName", "arn:aws:lambda:eu-west-1:123456789012:function:f")]);

    let slash = signed("apigateway", "GET", "/tags/arn:aws:apigateway:eu-west-1::%2Frestapis%2Fa");
    assert_eq!(labels(&slash), [("resource_arn", "arn:aws:apigateway:eu-west-1::/restapis/a")]);
    let twice = signed("s3", "GET", "/bucket/a%2520b");
    assert_eq!(labels(&twice), [("Bucket", "bucket"), ("Key", "a%20b")]);
}

#[test]
fn a_label_may_have_a_dash_in_its_name() {
    let result = signed("apigateway", "GET", "/v2/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2Fa");
    assert_eq!(told(&result), "apigatewayv2.GetTags");
    assert_eq!(labels(&result), [("resource-arn", "arn:aws:apigateway:eu-west-1::/apis/a")]);
}

#[test]
fn a_plus_in_a_path_is_a_plus() {
    assert_eq!(labels(&signed("s3", "GET", "/bucket/a+b")), [("Bucket", "bucket"), ("Key", "a+b")]);
}

#[test]
fn a_key_keeps_its_slashes() {
    for (path, key) in [("a//b", "a//b"), ("/a", "/a"), ("a/", "a/"), ("%C3%BC/%E4%B8%AD", "ü/中"), ("a%2Fb", "a/b")]
    {
        let result = signed("s3", "GET", &format!("/bucket/{path}"));
        assert_eq!(labels(&result), [("Bucket", "bucket"), ("Key", key)]);
    }
}

#[test]
fn a_trailing_slash_is_ignored_but_in_keys() {
    assert_eq!(told(&signed("lambda", "GET", "/2015-03-31/functions/")), "lambda.ListFunctions");
    let result = signed("lambda", "GET", "/2015-03-31/functions/name/");
    assert_eq!((told(&result), labels(&result)), ("lambda.GetFunction".to_owned(), vec![("FunctionName", "name")]));
    assert_eq!(told(&signed("s3", "GET", "/bucket/")), "s3.ListObjects");
    assert_eq!(told(&signed("s3", "GET", "/")), "s3.ListBuckets");
}

#[test]
fn a_path_that_is_no_text_is_refused() {
    for path in ["/bucket/%ff", "/bucket/%zz", "/bucket/%e4%b8", "/%2/key"] {
        let result = signed("s3", "GET", path);
        assert!(matches!(result, Err(RouteError::InvalidUri { .. })), "{path}: {}", told(&result));
    }
}

#[test]
fn head_is_an_operation_of_its_own() {
    assert_eq!(told(&signed("s3", "HEAD", "/bucket")), "s3.HeadBucket");
    assert_eq!(told(&signed("s3", "HEAD", "/bucket/key?versionId=1")), "s3.HeadObject");
    let result = signed("lambda", "HEAD", "/2015-03-31/functions/name");
    assert!(matches!(result, Err(RouteError::MethodNotAllowed { .. })), "{}", told(&result));
}

#[test]
fn options_is_no_operation() {
    for (uri, host) in [("/bucket/key", "localhost"), ("/key", "bucket.s3.amazonaws.com"), ("*", "localhost")] {
        let result = route("OPTIONS", uri, &[("host", host)]);
        assert!(matches!(&result, Err(RouteError::Preflight { service }) if service.id == "s3"), "{}", told(&result));
    }
}

#[test]
fn a_host_may_name_the_bucket() {
    let hosts = [
        ("bucket.s3.amazonaws.com", "bucket"),
        ("bucket.s3.eu-west-1.amazonaws.com", "bucket"),
        ("bucket.s3-eu-west-1.amazonaws.com", "bucket"),
        ("bucket.s3.dualstack.eu-west-1.amazonaws.com", "bucket"),
        ("bucket.s3.localhost:4566", "bucket"),
        ("bucket.localhost:4566", "bucket"),
        ("my.dotted.bucket.s3.localhost", "my.dotted.bucket"),
        ("lambda.s3.amazonaws.com", "lambda"),
    ];
    for (host, bucket) in hosts {
        for authorization in [scope("s3"), String::new()] {
            let headers = [("host", host), ("authorization", &authorization)];
            let result = route("GET", "/a/b?x-id=GetObject", &headers);
            assert_eq!(told(&result), "s3.GetObject", "{host}");
            assert_eq!(labels(&result), [("Bucket", bucket), ("Key", "a/b")]);
            assert!(result.expect("it was compared above").host_bucket);
            let result = route("PUT", "/", &headers);
            assert_eq!((told(&result), labels(&result)), ("s3.CreateBucket".to_owned(), vec![("Bucket", bucket)]));
        }
    }
    for host in ["s3.amazonaws.com", "s3-eu-west-1.amazonaws.com", "s3.localhost:4566", "127.0.0.1:4566", "[::1]:4566"]
    {
        let headers = [("host", host), ("authorization", &scope("s3"))];
        assert_eq!(labels(&route("GET", "/bucket/key", &headers)), [("Bucket", "bucket"), ("Key", "key")], "{host}");
    }
    let router = Router::new(&SERVICES).with_bucket_domain("Cloud.Example");
    let parts = head("GET", "/key", &[("host", "bucket.cloud.example")]);
    let result = router.route(&parts, &Credentials::Anonymous, None);
    assert_eq!(labels(&result), [("Bucket", "bucket"), ("Key", "key")]);
}

#[test]
fn query_parameters_may_be_in_the_url_the_body_or_both() {
    let no_type = head("POST", "/?Action=GetCallerIdentity&Version=2011-06-15", &[]);
    assert_eq!(told(&route_form(&no_type, None)), "sts.GetCallerIdentity");
    assert_eq!(told(&route("GET", "/?Action=ListTopics&Version=2010-03-31", &[])), "sns.ListTopics");
    let split = head("POST", "/?Version=2010-08-01", &[("content-type", FORM)]);
    assert_eq!(told(&route_form(&split, Some("Action=ListTagsForResource"))), "cloudwatch.ListTagsForResource");
    let encoded = head("POST", "/", &[("authorization", &scope("ec2"))]);
    assert_eq!(told(&route_form(&encoded, Some("Version=2016-11-15&Action=Describe%56pcs"))), "ec2.DescribeVpcs");
}

#[test]
fn only_form_posts_are_read_before_routing() {
    let router = Router::new(&SERVICES);
    let needs = |method: &str, headers: &[(&str, &str)]| {
        let parts = head(method, "/", &[&[("x-amz-date", "20240229T123456Z")], headers].concat());
        router.needs_form_body(&parts, &parse_credentials(&parts).expect("well formed"))
    };
    assert!(needs("POST", &[("content-type", FORM)]));
    assert!(needs("POST", &[("authorization", &scope("sts"))]));
    assert!(!needs("GET", &[("authorization", &scope("sts"))]));
    assert!(!needs("POST", &[("authorization", &scope("s3")), ("content-type", FORM)]));
    assert!(!needs("POST", &[("authorization", &scope("monitoring")), ("x-amz-target", "a.b")]));
    assert!(!needs("POST", &[("authorization", &scope("monitoring")), ("smithy-protocol", "rpc-v2-cbor")]));
    assert!(!needs("POST", &[("authorization", &scope("lambda"))]));
}

#[test]
fn actions_that_several_services_have_are_told_apart() {
    let by = |uri: &str, host: &str, form: &str| {
        let parts = head("POST", uri, &[("content-type", FORM), ("host", host)]);
        told(&route_form(&parts, Some(form)))
    };
    assert_eq!(by("/", "localhost", "Action=AddPermission&Version=2010-03-31"), "sns.AddPermission");
    assert_eq!(by("/", "localhost", "Action=AddPermission&Version=2012-11-05"), "sqs.AddPermission");
    assert_eq!(by("/", "sns.eu-west-1.amazonaws.com", "Action=AddPermission"), "sns.AddPermission");
    assert_eq!(by("/", "monitoring.localhost", "Action=TagResource"), "cloudwatch.TagResource");
    assert_eq!(by("/123456789012/queue", "localhost", "Action=AddPermission"), "sqs.AddPermission");
}

#[test]
fn a_queue_url_takes_query_requests_without_a_signature() {
    let parts = head("POST", "/123456789012/queue", &[("content-type", FORM)]);
    let result = route_form(&parts, Some("Action=SendMessage&MessageBody=x"));
    assert_eq!(told(&result), "sqs.SendMessage");
    assert_eq!(result.expect("it was compared above").protocol, Protocol::Query);
    let get = route("GET", "/123456789012/queue?Action=ReceiveMessage", &[]);
    assert_eq!(told(&get), "sqs.ReceiveMessage");
}

#[test]
fn a_service_keeps_every_protocol_that_its_clients_speak() {
    let target = [("x-amz-target", "AmazonSQS.SendMessage"), ("content-type", "application/x-amz-json-1.0")];
    assert_eq!(route("POST", "/", &target).expect("a route").protocol, Protocol::Json);
    let cbor = [("x-amz-target", "Kinesis_20131202.PutRecord"), ("content-type", "application/x-amz-cbor-1.1")];
    assert_eq!(route("POST", "/", &cbor).expect("a route").protocol, Protocol::CborTarget);
    let smithy = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
    let uri = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    assert_eq!(route("POST", uri, &smithy).expect("a route").protocol, Protocol::Cbor);
    let both = [("smithy-protocol", "rpc-v2-cbor"), ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData")];
    assert!(matches!(route("POST", uri, &both), Err(RouteError::ConflictingProtocols)));
    let not_spoken = "/service/AmazonSQS/operation/SendMessage";
    let error = route("POST", not_spoken, &smithy).expect_err("SQS does not speak it");
    assert!(matches!(error, RouteError::UnknownOperation { protocol: Protocol::Cbor, .. }), "{error}");
}

#[test]
fn two_services_under_one_scope_are_told_apart() {
    assert_eq!(told(&signed("apigateway", "GET", "/restapis")), "apigateway.GetRestApis");
    assert_eq!(told(&signed("apigateway", "GET", "/v2/apis")), "apigatewayv2.GetApis");
    for (prefix, service) in [("DynamoDB_20120810", "dynamodb"), ("DynamoDBStreams_20120810", "dynamodbstreams")] {
        let operation = if service == "dynamodb" { "ListTables" } else { "ListStreams" };
        let target = format!("{prefix}.{operation}");
        let headers = [("authorization", scope("dynamodb")), ("x-amz-target", target)];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(told(&route("POST", "/", &headers)), format!("{service}.{operation}"));
    }
}

#[test]
fn one_scope_may_belong_to_a_service_that_is_not_here() {
    let control = [("authorization", scope("s3")), ("x-amz-account-id", "123456789012".to_owned())];
    let control = control.each_ref().map(|(name, value)| (*name, value.as_str()));
    let error = route("GET", "/v20180820/accesspoint", &control).expect_err("S3 Control is another service");
    assert!(matches!(&error, RouteError::UnknownService { signing_name, .. } if signing_name == "s3-control"));
    let error = signed("athena", "POST", "/").expect_err("not in the catalogue");
    assert!(matches!(&error, RouteError::UnknownService { signing_name, .. } if signing_name == "athena"));
}

#[test]
fn targets_may_have_a_namespace_but_not_an_old_version() {
    let target = |target| route("POST", "/", &[("x-amz-target", target), ("authorization", &scope("dynamodb"))]);
    assert_eq!(told(&target("com.amazonaws.dynamodb.v20120810#DynamoDB_20120810.GetItem")), "dynamodb.GetItem");
    assert_eq!(told(&target("com.amazonaws.DynamoDB_20120810.GetItem")), "dynamodb.GetItem");
    let old = target("DynamoDB_20111205.GetItem").expect_err("an old version");
    let RouteError::UnknownOperation { service: Some(service), protocol, operation, .. } = old else { panic!("{old}") };
    assert_eq!((service.id, protocol, operation.as_str()), ("dynamodb", Protocol::Json, "GetItem"));
    for nonsense in ["", ".", "GetItem", "DynamoDB_20120810.", "DynamoDB_20120810.Nothing"] {
        assert!(matches!(target(nonsense), Err(RouteError::UnknownOperation { .. })), "{nonsense}");
    }
}

#[test]
fn unsigned_operations_are_named_by_their_target() {
    let target = "AWSCognitoIdentityProviderService.InitiateAuth";
    assert_eq!(told(&route("POST", "/", &[("x-amz-target", target)])), "cognito-idp.InitiateAuth");
    let bearer = [("x-amz-target", "AWSCognitoIdentityProviderService.GetUser"), ("authorization", "Bearer token")];
    assert_eq!(told(&route("POST", "/", &bearer)), "cognito-idp.GetUser");
}

#[test]
fn required_members_decide_between_operations_that_share_a_path() {
    let cases = [
        ("GET", "/bucket/key", "GetObject"),
        ("GET", "/bucket/key?uploadId=1", "ListParts"),
        ("PUT", "/bucket/key?uploadId=1&partNumber=2", "UploadPart"),
        ("DELETE", "/bucket/key?uploadId=1", "AbortMultipartUpload"),
        ("POST", "/bucket/key?uploads", "CreateMultipartUpload"),
        ("POST", "/bucket/key?uploads=", "CreateMultipartUpload"),
        ("GET", "/bucket?analytics", "ListBucketAnalyticsConfigurations"),
        ("GET", "/bucket?analytics&id=1", "GetBucketAnalyticsConfiguration"),
        ("GET", "/bucket/key?attributes", "GetObjectAttributes"),
        ("GET", "/bucket?lifecycle", "GetBucketLifecycleConfiguration"),
    ];
    for (method, uri, operation) in cases {
        assert_eq!(told(&signed("s3", method, uri)), format!("s3.{operation}"));
    }
    let copy = |uri| {
        let headers = [("authorization", scope("s3")), ("x-amz-copy-source", "/a/b".to_owned())];
        told(&route("PUT", uri, &headers.each_ref().map(|(name, value)| (*name, value.as_str()))))
    };
    assert_eq!(copy("/bucket/key"), "s3.CopyObject");
    assert_eq!(copy("/bucket/key?uploadId=1&partNumber=2"), "s3.UploadPartCopy");
    let concurrency = "/2019-09-30/functions/f/provisioned-concurrency";
    assert_eq!(
        told(&signed("lambda", "GET", &format!("{concurrency}?List=ALL"))),
        "lambda.ListProvisionedConcurrencyConfigs"
    );
    assert_eq!(
        told(&signed("lambda", "GET", &format!("{concurrency}?Qualifier=1"))),
        "lambda.GetProvisionedConcurrencyConfig"
    );
    assert_eq!(told(&signed("apigateway", "POST", "/restapis?mode=import")), "apigateway.ImportRestApi");
}

#[test]
fn presigned_urls_are_routed_by_their_scope() {
    let presigned = |path: &str, service: &str| {
        let uri = format!(
            "{path}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20240229%2Feu-west-1%2F{service}%2F\
             aws4_request&X-Amz-Date=20240229T123456Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        );
        told(&route("GET", &uri, &[("host", "localhost")]))
    };
    assert_eq!(presigned("/bucket/key?", "s3"), "s3.GetObject");
    assert_eq!(presigned("/?Action=GetCallerIdentity&Version=2011-06-15&", "sts"), "sts.GetCallerIdentity");
    let version2 = "/2015-03-31/functions?AWSAccessKeyId=A&Signature=s&Expires=1";
    assert_eq!(told(&route("GET", version2, &[("host", "lambda.localhost")])), "s3.GetObject");
}

#[test]
fn what_is_left_is_s3() {
    assert_eq!(told(&route("GET", "/bucket/key", &[("host", "localhost")])), "s3.GetObject");
    assert_eq!(told(&route("GET", "/bucket/key?Action=Publish", &[])), "s3.GetObject");
    assert_eq!(told(&route("GET", "/2015-03-31/functions", &[])), "lambda.ListFunctions");
    assert_eq!(told(&route("GET", "/2015-03-31/nothing", &[])), "s3.GetObject");
    let upload = route("POST", "/bucket", &[("content-type", "multipart/form-data; boundary=x")]);
    assert!(matches!(&upload, Err(RouteError::FormUpload { bucket, .. }) if bucket == "bucket"), "{}", told(&upload));
    let patch = route("PATCH", "/bucket/key", &[]);
    assert!(matches!(patch, Err(RouteError::MethodNotAllowed { .. })), "{}", told(&patch));
}

#[test]
fn requests_that_name_nothing_say_what_they_lack() {
    let error = |signing_name, method, uri| signed(signing_name, method, uri).expect_err("no such operation");
    assert!(
        matches!(error("dynamodb", "POST", "/"), RouteError::MissingTarget { service } if service.id == "dynamodb")
    );
    assert!(matches!(error("monitoring", "POST", "/"), RouteError::MissingTarget { .. }));
    assert!(matches!(error("iam", "POST", "/"), RouteError::MissingAction { protocol: Protocol::Query, .. }));
    assert!(matches!(error("ec2", "GET", "/"), RouteError::MissingAction { protocol: Protocol::Ec2, .. }));
    assert!(
        matches!(error("lambda", "GET", "/nothing"), RouteError::UnknownPath { service, .. } if service.id == "lambda")
    );
    let unknown = error("iam", "GET", "/?Action=Nothing&Version=2010-05-08");
    let RouteError::UnknownOperation { operation, version, .. } = &unknown else { panic!("{unknown}") };
    assert_eq!((operation.as_str(), version.as_deref()), ("Nothing", Some("2010-05-08")));
    let unsigned = route("GET", "/?Action=Nothing", &[]).expect_err("no such action");
    assert!(matches!(unsigned, RouteError::UnknownOperation { service: None, protocol: Protocol::Query, .. }));
}
