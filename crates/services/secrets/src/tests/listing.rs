//! Lists, filters and batches.

use api::secretsmanager::{
    self as sm, BatchGetSecretValueRequest, CreateSecretRequest, Filter, ListSecretsRequest, Tag,
};

use super::*;

async fn with_secrets() -> TestPlatform {
    let bench = bench();
    let secret = |name: &str, description: &str, key: &str, value: &str| CreateSecretRequest {
        description: Some(description.to_owned()),
        tags: (!key.is_empty()).then(|| vec![Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) }]),
        ..create(name, "1", name)
    };
    for request in [
        secret("foo", "one two", "right", "right"),
        secret("bar", "one and two", "right", "wrong"),
        secret("baz", "Foo", "", ""),
        secret("qux/foo", "unrelated", "Foo", "x"),
    ] {
        bench.clock.advance(std::time::Duration::from_secs(1));
        bench.call::<sm::CreateSecret>(request).await.unwrap();
    }
    bench
}

fn filter(key: &str, values: &[&str]) -> Filter {
    Filter { key: Some(key.to_owned()), values: Some(values.iter().map(|value| (*value).to_owned()).collect()) }
}

async fn names(bench: &TestPlatform, filters: &[Filter]) -> Vec<String> {
    let request = ListSecretsRequest { filters: Some(filters.to_vec()), ..Default::default() };
    let listed = bench.call::<sm::ListSecrets>(request).await.unwrap();
    listed.secret_list.unwrap().into_iter().filter_map(|entry| entry.name).collect()
}

#[tokio::test]
async fn filters_mean_what_awss_mean() {
    let bench = with_secrets().await;
    for (filters, expected) in [
        (vec![filter("name", &["foo"])], vec!["foo"]),
        (vec![filter("name", &["b"])], vec!["bar", "baz"]),
        (vec![filter("name", &["!b"])], vec!["foo", "qux/foo"]),
        (vec![filter("name", &["Foo"])], vec![]),
        (vec![filter("name", &["foo", "bar"])], vec!["foo", "bar"]),
        (vec![filter("description", &["one two"])], vec!["foo", "bar"]),
        (vec![filter("description", &["ONE"]), filter("description", &["and"])], vec!["bar"]),
        (vec![filter("tag-key", &["right"])], vec!["foo", "bar"]),
        (vec![filter("tag-key", &["right"]), filter("tag-value", &["right"])], vec!["foo"]),
        (vec![filter("all", &["foo"])], vec!["foo", "baz", "qux/foo"]),
        (vec![filter("owning-service", &["rds"])], vec![]),
    ] {
        assert_eq!(names(&bench, &filters).await, expected, "{filters:?}");
    }
    let request =
        ListSecretsRequest { filters: Some(vec![Filter { key: None, ..filter("", &["x"]) }]), ..Default::default() };
    let text = "InvalidParameterException: Invalid filter key";
    assert_eq!(refused::<sm::ListSecrets>(&bench, request).await, text);
}

#[tokio::test]
async fn any_order_can_be_had_page_by_page() {
    let bench = with_secrets().await;
    for (by, descending, expected) in [
        ("created-date", false, ["foo", "bar", "baz", "qux/foo"]),
        ("created-date", true, ["qux/foo", "baz", "bar", "foo"]),
        ("name", false, ["bar", "baz", "foo", "qux/foo"]),
        ("name", true, ["qux/foo", "foo", "baz", "bar"]),
    ] {
        for limit in 1..=5 {
            let (mut seen, mut token, mut pages) = (Vec::new(), None, 0);
            loop {
                let request = ListSecretsRequest {
                    sort_by: Some(by.to_owned()),
                    sort_order: Some(if descending { "desc" } else { "asc" }.to_owned()),
                    max_results: Some(limit),
                    next_token: token,
                    ..Default::default()
                };
                let page = bench.call::<sm::ListSecrets>(request).await.unwrap();
                seen.extend(page.secret_list.unwrap().into_iter().filter_map(|entry| entry.name));
                pages += 1;
                token = page.next_token;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{by} {descending} {limit}");
            assert_eq!(pages, (expected.len() as i32 + limit - 1) / limit);
        }
    }
}

#[tokio::test]
async fn deleted_secrets_are_listed_only_if_asked_for() {
    let bench = with_secrets().await;
    let delete = sm::DeleteSecretRequest { secret_id: "bar".to_owned(), ..Default::default() };
    bench.call::<sm::DeleteSecret>(delete).await.unwrap();
    assert_eq!(names(&bench, &[]).await, ["foo", "baz", "qux/foo"]);
    let request = ListSecretsRequest { include_planned_deletion: Some(true), ..Default::default() };
    let listed = bench.call::<sm::ListSecrets>(request).await.unwrap().secret_list.unwrap();
    let deleted: Vec<_> = listed.iter().filter(|entry| entry.deleted_date.is_some()).map(|entry| &entry.name).collect();
    assert_eq!((listed.len(), deleted), (4, vec![&Some("bar".to_owned())]));
}

#[tokio::test]
async fn a_batch_tells_what_it_could_not_read() {
    let bench = with_secrets().await;
    let ids = ["foo", "none", "bar"].map(str::to_owned).to_vec();
    let request = BatchGetSecretValueRequest { secret_id_list: Some(ids), ..Default::default() };
    let answer = bench.call::<sm::BatchGetSecretValue>(request).await.unwrap();
    let values: Vec<_> = answer.secret_values.unwrap().into_iter().filter_map(|entry| entry.secret_string).collect();
    assert_eq!(values, ["foo", "bar"]);
    let errors = answer.errors.unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].secret_id.as_deref(), Some("none"));
    assert_eq!(errors[0].error_code.as_deref(), Some("ResourceNotFoundException"));
    let request = BatchGetSecretValueRequest {
        filters: Some(vec![filter("name", &["ba"])]),
        max_results: Some(1),
        ..Default::default()
    };
    let page = bench.call::<sm::BatchGetSecretValue>(request.clone()).await.unwrap();
    assert_eq!(page.secret_values.as_ref().map(Vec::len), Some(1));
    let next = BatchGetSecretValueRequest { next_token: page.next_token, ..request };
    let page = bench.call::<sm::BatchGetSecretValue>(next).await.unwrap();
    assert_eq!(page.secret_values.unwrap()[0].name.as_deref(), Some("baz"));
    assert_eq!(page.next_token, None);
    let neither = "InvalidParameterException: Either 'SecretIdList' or 'Filters' must be provided, but not both.";
    assert_eq!(refused::<sm::BatchGetSecretValue>(&bench, Default::default()).await, neither);
}
