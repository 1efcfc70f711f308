//! Hierarchies, filters and pages.

use api::ssm::{
    DescribeParametersRequest, GetParametersByPathRequest, LabelParameterVersionRequest, ParameterStringFilter, Tag,
};

use super::*;

async fn with_hierarchy() -> TestPlatform {
    let bench = bench();
    for name in ["/app/db/host", "/app/db/port", "/app/name", "/app2/x", "/top", "bare"] {
        let tag = Tag { key: "team".to_owned(), value: name.to_owned(), ..Default::default() };
        written(&bench, PutParameterRequest { tags: Some(vec![tag]), ..put(name, name) }).await;
    }
    let list = PutParameterRequest { r#type: Some("StringList".to_owned()), ..put("/app/list", "a,b") };
    written(&bench, list).await;
    bench
}

fn filter(key: &str, option: Option<&str>, values: &[&str]) -> ParameterStringFilter {
    ParameterStringFilter {
        key: key.to_owned(),
        option: option.map(str::to_owned),
        values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
        ..Default::default()
    }
}

fn path(path: &str, recursive: bool) -> GetParametersByPathRequest {
    GetParametersByPathRequest { path: path.to_owned(), recursive: Some(recursive), ..Default::default() }
}

async fn under(bench: &TestPlatform, request: GetParametersByPathRequest) -> Vec<String> {
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let request = GetParametersByPathRequest { next_token: token, ..request.clone() };
        let page = bench.call::<ssm::GetParametersByPath>(request).await.unwrap();
        let parameters = page.parameters.unwrap();
        assert!(parameters.len() <= 10);
        seen.extend(parameters.into_iter().filter_map(|parameter| parameter.name));
        token = page.next_token;
        if token.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn a_path_holds_one_level_or_all() {
    let bench = with_hierarchy().await;
    for (request, expected) in [
        (path("/app", false), vec!["/app/list", "/app/name"]),
        (path("/app/", true), vec!["/app/db/host", "/app/db/port", "/app/list", "/app/name"]),
        (path("/app/name", true), vec![]),
        (path("/", false), vec!["/top", "bare"]),
    ] {
        assert_eq!(under(&bench, request.clone()).await, expected, "{request:?}");
        for max_results in 1..=3 {
            let pages = GetParametersByPathRequest { max_results: Some(max_results), ..request.clone() };
            assert_eq!(under(&bench, pages).await, expected, "pages of {max_results}");
        }
    }
    assert_eq!(under(&bench, path("/", true)).await.len(), 7);
    let lists = GetParametersByPathRequest {
        parameter_filters: Some(vec![filter("Type", None, &["StringList"])]),
        ..path("/app", true)
    };
    assert_eq!(under(&bench, lists).await, ["/app/list"]);
    let refusal = refused::<ssm::GetParametersByPath>(&bench, path("app", true)).await;
    assert!(refusal.starts_with("ValidationException: The parameter doesn't meet the parameter name requirements."));
    let named = GetParametersByPathRequest {
        parameter_filters: Some(vec![filter("Name", None, &["x"])]),
        ..path("/app", true)
    };
    let text =
        "InvalidFilterKey: The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId].";
    assert_eq!(refused::<ssm::GetParametersByPath>(&bench, named).await, text);
}

#[tokio::test]
async fn a_label_in_a_path_chooses_the_version() {
    let bench = with_hierarchy().await;
    let label = LabelParameterVersionRequest {
        name: "/app/name".to_owned(),
        labels: vec!["live".to_owned()],
        ..Default::default()
    };
    bench.call::<ssm::LabelParameterVersion>(label).await.unwrap();
    written(&bench, overwrite("/app/name", "newer")).await;
    let request = GetParametersByPathRequest {
        parameter_filters: Some(vec![filter("Label", None, &["live"])]),
        ..path("/app", true)
    };
    let found = bench.call::<ssm::GetParametersByPath>(request).await.unwrap().parameters.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].value.as_deref(), found[0].version), (Some("/app/name"), Some(1)));
}

#[tokio::test]
async fn descriptions_are_filtered_as_aws_does() {
    let bench = with_hierarchy().await;
    let names = async |filters: Vec<ParameterStringFilter>| {
        let request = DescribeParametersRequest { parameter_filters: Some(filters), ..Default::default() };
        let found = bench.call::<ssm::DescribeParameters>(request).await.unwrap().parameters.unwrap();
        found.into_iter().filter_map(|parameter| parameter.name).collect::<Vec<_>>()
    };
    for (filters, expected) in [
        (vec![filter("Name", None, &["/top", "/bare"])], vec!["/top", "bare"]),
        (vec![filter("Name", Some("BeginsWith"), &["/app/d"])], vec!["/app/db/host", "/app/db/port"]),
        (vec![filter("Name", Some("Contains"), &["o"])], vec!["/app/db/host", "/app/db/port", "/top"]),
        (vec![filter("Path", None, &["/app"])], vec!["/app/list", "/app/name"]),
        (
            vec![filter("Path", Some("Recursive"), &["/app/db", "/app2"])],
            vec!["/app/db/host", "/app/db/port", "/app2/x"],
        ),
        (vec![filter("Type", None, &["StringList"])], vec!["/app/list"]),
        (vec![filter("tag:team", None, &["bare"])], vec!["bare"]),
        (vec![filter("tag:team", Some("BeginsWith"), &["/app2"])], vec!["/app2/x"]),
        (vec![filter("Tier", None, &["Advanced"])], vec![]),
        (vec![filter("KeyId", None, &["alias/aws/ssm"])], vec![]),
    ] {
        assert_eq!(names(filters.clone()).await, expected, "{filters:?}");
    }
    let refusal = async |filters: Vec<ParameterStringFilter>| {
        let request = DescribeParametersRequest { parameter_filters: Some(filters), ..Default::default() };
        refused::<ssm::DescribeParameters>(&bench, request).await
    };
    for (filters, text) in [
        (vec![filter("Label", None, &["x"])], "InvalidFilterKey: The following filter key is not valid: Label."),
        (vec![filter("Type", None, &["Text"])], "InvalidFilterOption: The following filter value is not valid: Text."),
        (vec![filter("Type", Some("Contains"), &["String"])], "InvalidFilterOption: The following filter option"),
        (vec![filter("Name", None, &[])], "InvalidFilterValue: The following filter values are missing"),
        (
            vec![filter("Name", None, &["a"]), filter("Name", None, &["b"])],
            "InvalidFilterKey: The following filter is dup",
        ),
        (
            vec![filter("Path", None, &["/aws/x"])],
            "ValidationException: Filters for common parameters can't be prefixed",
        ),
    ] {
        let refusal = refusal(filters.clone()).await;
        // A list without values is also refused by the model.
        assert!(refusal.starts_with(text) || refusal.contains("validation error"), "{filters:?}: {refusal}");
    }
    let page = DescribeParametersRequest { max_results: Some(4), ..Default::default() };
    let first = bench.call::<ssm::DescribeParameters>(page.clone()).await.unwrap();
    let rest = DescribeParametersRequest { next_token: first.next_token, ..page.clone() };
    let rest = bench.call::<ssm::DescribeParameters>(rest).await.unwrap();
    assert_eq!((first.parameters.unwrap().len(), rest.parameters.unwrap().len(), rest.next_token), (4, 3, None));
    let junk = DescribeParametersRequest { next_token: Some("ü".to_owned()), ..page };
    assert!(refused::<ssm::DescribeParameters>(&bench, junk).await.starts_with("InvalidNextToken"));
}
