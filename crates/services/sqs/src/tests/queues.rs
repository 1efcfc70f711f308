use api::sqs::{
    DeleteQueueRequest, GetQueueUrlRequest, ListQueueTagsRequest, ListQueuesRequest, PurgeQueueRequest,
    TagQueueRequest, UntagQueueRequest,
};
use platform::Principal;
use store::Direction;

use super::*;
use crate::keys;

#[tokio::test]
async fn making_the_same_queue_again_answers_it_and_another_is_refused() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("DelaySeconds", "1")]).await;
    assert_eq!(bench.queue("jobs", &[("DelaySeconds", "1")]).await, url);
    assert_eq!(bench.queue("jobs", &[]).await, url);
    let refused = bench.refused::<sqs::CreateQueue>(create("jobs", &[("DelaySeconds", "2")])).await;
    let text = "A queue already exists with the same name and a different value for attribute DelaySeconds";
    assert_eq!(refused, ("QueueAlreadyExists", text.to_owned()));
    assert!(url.ends_with("/111122223333/jobs"));
}

#[tokio::test]
async fn names_are_checked() {
    let bench = Bench::new();
    let long = "x".repeat(81);
    for (name, fifo) in [("a b", None), ("", None), (long.as_str(), None), ("a.fifo", None), ("a", Some("true"))] {
        let attributes: Vec<_> = fifo.map(|fifo| ("FifoQueue", fifo)).into_iter().collect();
        let refused = bench.call::<sqs::CreateQueue>(create(name, &attributes)).await;
        assert!(refused.is_err(), "{name}");
    }
    let refused = bench.refused::<sqs::CreateQueue>(create("a", &[("FifoQueue", "false")])).await;
    assert_eq!(refused, ("InvalidAttributeName", "Unknown Attribute FifoQueue.".to_owned()));
}

#[tokio::test]
async fn a_deleted_queue_is_gone_and_its_name_free_after_a_minute() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    bench.send(&url, "x").await;
    let delete = || DeleteQueueRequest { queue_url: url.clone(), ..Default::default() };
    bench.call::<sqs::DeleteQueue>(delete()).await.unwrap();
    assert_eq!(bench.refused::<sqs::DeleteQueue>(delete()).await.0, "AWS.SimpleQueueService.NonExistentQueue");
    let refused = bench.refused::<sqs::CreateQueue>(create("jobs", &[])).await;
    assert_eq!(refused.0, "AWS.SimpleQueueService.QueueDeletedRecently");
    bench.advance(60);
    let url = bench.queue("jobs", &[]).await;
    assert!(bench.receive(&url, 10).await.is_empty(), "nothing of the old one is left");
}

#[tokio::test]
async fn nothing_is_left_in_the_store_of_what_was_deleted() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[("FifoQueue", "true")]).await;
    for body in ["1", "2"] {
        bench.send_to(&url, "g", body).await;
    }
    bench.receive(&url, 1).await;
    bench.call::<sqs::DeleteQueue>(DeleteQueueRequest { queue_url: url, ..Default::default() }).await.unwrap();
    bench.advance(61);
    crate::sweep::sweep(&bench.sqs).await.unwrap();
    let partition = keys::partition(ACCOUNT, REGION);
    let rows = bench.sqs.store().scan(&partition, store::KeyRange::all(), Direction::Forward, 10).await.unwrap();
    let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, [bytes::Bytes::copy_from_slice(&crate::keys::next_number())]);
}

#[tokio::test]
async fn a_purge_removes_all_and_needs_a_minute() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    for body in ["1", "2", "3"] {
        bench.send(&url, body).await;
    }
    let old = bench.receive(&url, 1).await.remove(0);
    let purge = || PurgeQueueRequest { queue_url: url.clone(), ..Default::default() };
    bench.call::<sqs::PurgeQueue>(purge()).await.unwrap();
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
    bench.delete(&url, &old).await;
    bench.send(&url, "new").await;
    let refused = bench.refused::<sqs::PurgeQueue>(purge()).await;
    let text = "Only one PurgeQueue operation on jobs is allowed every 60 seconds.";
    assert_eq!(refused, ("AWS.SimpleQueueService.PurgeQueueInProgress", text.to_owned()));
    assert_eq!(bench.bodies(&url, 10).await, ["new"]);
    bench.advance(60);
    bench.call::<sqs::PurgeQueue>(purge()).await.unwrap();
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn lists_have_pages_and_prefixes() {
    let bench = Bench::new();
    for name in ["a-1", "a-2", "b-1"] {
        bench.queue(name, &[]).await;
    }
    let list = async |input: ListQueuesRequest| {
        let output = bench.call::<sqs::ListQueues>(input).await.unwrap();
        let name = |url: String| url.rsplit('/').next().unwrap_or_default().to_owned();
        (output.queue_urls.unwrap_or_default().into_iter().map(name).collect::<Vec<_>>(), output.next_token)
    };
    assert_eq!(list(ListQueuesRequest::default()).await, (vec!["a-1".into(), "a-2".into(), "b-1".into()], None));
    let prefix = ListQueuesRequest { queue_name_prefix: Some("a".to_owned()), ..Default::default() };
    assert_eq!(list(prefix.clone()).await.0, ["a-1", "a-2"]);
    let paged = ListQueuesRequest { max_results: Some(1), ..prefix };
    let (first, token) = list(paged.clone()).await;
    assert_eq!(first, ["a-1"]);
    let (second, end) = list(ListQueuesRequest { next_token: token, ..paged }).await;
    assert_eq!((second, end), (vec!["a-2".to_owned()], None));
    let nothing = ListQueuesRequest { queue_name_prefix: Some("z".to_owned()), ..Default::default() };
    assert_eq!(bench.call::<sqs::ListQueues>(nothing).await.unwrap().queue_urls, None);
}

#[tokio::test]
async fn urls_are_found_by_name_and_owner() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let input = GetQueueUrlRequest { queue_name: "jobs".to_owned(), ..Default::default() };
    assert_eq!(bench.call::<sqs::GetQueueUrl>(input.clone()).await.unwrap().queue_url, Some(url));
    let other = GetQueueUrlRequest { queue_owner_aws_account_id: Some("444455556666".to_owned()), ..input };
    let refused = bench.call::<sqs::GetQueueUrl>(other).await.expect_err("denied");
    assert!(refused.is("AccessDeniedException"), "no policy of theirs lets us in");
    let missing = GetQueueUrlRequest { queue_name: "none".to_owned(), ..Default::default() };
    assert_eq!(bench.refused::<sqs::GetQueueUrl>(missing).await.1, "The specified queue does not exist.");
}

#[tokio::test]
async fn tags_come_and_go() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let tag = |pairs: &[(&str, &str)]| TagQueueRequest {
        queue_url: url.clone(),
        tags: create("", pairs).attributes.unwrap_or_default(),
        ..Default::default()
    };
    bench.call::<sqs::TagQueue>(tag(&[("a", "1"), ("b", "")])).await.unwrap();
    let untag =
        UntagQueueRequest { queue_url: url.clone(), tag_keys: vec!["a".into(), "z".into()], ..Default::default() };
    bench.call::<sqs::UntagQueue>(untag).await.unwrap();
    let list = ListQueueTagsRequest { queue_url: url.clone(), ..Default::default() };
    let tags = bench.call::<sqs::ListQueueTags>(list).await.unwrap().tags;
    assert_eq!(tags, Some(BTreeMap::from([("b".to_owned(), String::new())])));
    let many: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let many: Vec<_> = many.iter().map(|key| (key.as_str(), "")).collect();
    let refused = bench.refused::<sqs::TagQueue>(tag(&many)).await;
    assert_eq!(refused.1, "Too many tags added for queue jobs.");
}

#[tokio::test]
async fn what_cannot_be_given_to_other_accounts_is_refused_to_them() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let stranger = Principal::Root { account: "444455556666".to_owned() };
    let input = DeleteQueueRequest { queue_url: url.clone(), ..Default::default() };
    let error = bench.platform.call_as::<sqs::DeleteQueue>(stranger, input).await.expect_err("denied");
    assert!(error.is("AccessDeniedException"));
    bench.send(&url, "still there").await;
}
