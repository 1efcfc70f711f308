//! What users see, through authorisation and validation.

use api::s3;
use bytes::Bytes;
use futures_util::TryStreamExt;
use platform::testing::TestPlatform;
use wire::{Body, Error};

const BUCKET: &str = "a-bucket";

async fn with_bucket() -> TestPlatform {
    let test = TestPlatform::new(|platform| vec![crate::registration(platform)]);
    let location = s3::CreateBucketConfiguration {
        location_constraint: Some(platform::testing::REGION.to_owned()),
        ..Default::default()
    };
    let input = s3::CreateBucketRequest {
        bucket: BUCKET.to_owned(),
        create_bucket_configuration: Some(location),
        ..Default::default()
    };
    test.call::<s3::CreateBucket>(input).await.unwrap();
    test
}

async fn put(test: &TestPlatform, key: &str, body: impl Into<Bytes>) -> Result<s3::PutObjectOutput, Error> {
    let input = s3::PutObjectRequest {
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
        body: Body::from(body.into()),
        ..Default::default()
    };
    test.call::<s3::PutObject>(input).await
}

async fn get(test: &TestPlatform, input: s3::GetObjectRequest) -> Result<(s3::GetObjectOutput, Vec<u8>), Error> {
    let mut output = test.call::<s3::GetObject>(input).await?;
    let bytes = match std::mem::take(&mut output.body) {
        Body::Empty => Vec::new(),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Stream { stream, .. } => stream.try_collect::<Vec<_>>().await.unwrap().concat(),
    };
    Ok((output, bytes))
}

fn of(key: &str) -> s3::GetObjectRequest {
    s3::GetObjectRequest { bucket: BUCKET.to_owned(), key: key.to_owned(), ..Default::default() }
}

async fn keys(test: &TestPlatform) -> Vec<String> {
    let input = s3::ListObjectsV2Request { bucket: BUCKET.to_owned(), ..Default::default() };
    let listed = test.call::<s3::ListObjectsV2>(input).await.unwrap();
    listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect()
}

#[tokio::test]
async fn small_and_large_bodies_come_back() {
    let test = with_bucket().await;
    for size in [0, 1, crate::limits::INLINE_BYTES_MAX, crate::limits::INLINE_BYTES_MAX + 1, 300_000] {
        let body = vec![7; size];
        put(&test, "k", body.clone()).await.unwrap();
        let (output, read) = get(&test, of("k")).await.unwrap();
        assert_eq!(read, body);
        assert_eq!(output.content_length, Some(size as i64));
    }
}

#[tokio::test]
async fn a_range_is_a_part_of_the_body() {
    let test = with_bucket().await;
    put(&test, "k", "0123456789").await.unwrap();
    let (output, read) = get(&test, s3::GetObjectRequest { range: Some("bytes=2-4".into()), ..of("k") }).await.unwrap();
    assert_eq!((read.as_slice(), output.content_range.as_deref()), (&b"234"[..], Some("bytes 2-4/10")));
    let outside = get(&test, s3::GetObjectRequest { range: Some("bytes=10-".into()), ..of("k") }).await;
    assert!(outside.unwrap_err().is("InvalidRange"));
}

#[tokio::test]
async fn a_wrong_checksum_leaves_nothing() {
    let test = with_bucket().await;
    let input = s3::PutObjectRequest {
        bucket: BUCKET.to_owned(),
        key: "k".to_owned(),
        body: Body::from(Bytes::from_static(b"hello")),
        checksum_crc32: Some("AAAAAA==".to_owned()),
        ..Default::default()
    };
    assert!(test.call::<s3::PutObject>(input).await.unwrap_err().is("BadDigest"));
    assert!(keys(&test).await.is_empty());
}

#[tokio::test]
async fn versions_and_markers_follow_each_other() {
    let test = with_bucket().await;
    let versioning =
        s3::VersioningConfiguration { status: Some("Enabled".to_owned()), ..s3::VersioningConfiguration::default() };
    let input = s3::PutBucketVersioningRequest {
        bucket: BUCKET.to_owned(),
        versioning_configuration: versioning,
        ..Default::default()
    };
    test.call::<s3::PutBucketVersioning>(input).await.unwrap();
    let first = put(&test, "k", "1").await.unwrap().version_id.unwrap();
    let second = put(&test, "k", "2").await.unwrap().version_id.unwrap();
    assert_eq!(get(&test, of("k")).await.unwrap().1, b"2");
    let one = s3::GetObjectRequest { version_id: Some(first.clone()), ..of("k") };
    assert_eq!(get(&test, one).await.unwrap().1, b"1");
    let delete = |version_id| s3::DeleteObjectRequest {
        bucket: BUCKET.to_owned(),
        key: "k".to_owned(),
        version_id,
        ..Default::default()
    };
    let marker = test.call::<s3::DeleteObject>(delete(None)).await.unwrap();
    assert_eq!(marker.delete_marker, Some(true));
    assert!(get(&test, of("k")).await.unwrap_err().is("NoSuchKey"));
    assert!(keys(&test).await.is_empty());
    let input = s3::ListObjectVersionsRequest { bucket: BUCKET.to_owned(), ..Default::default() };
    let listed = test.call::<s3::ListObjectVersions>(input).await.unwrap();
    let ids: Vec<_> = listed.versions.unwrap().into_iter().map(|version| version.version_id.unwrap()).collect();
    assert_eq!(ids, [second, first.clone()]);
    test.call::<s3::DeleteObject>(delete(marker.version_id)).await.unwrap();
    assert_eq!(keys(&test).await, ["k"]);
}

#[tokio::test]
async fn pages_go_on_behind_what_they_rolled_up() {
    let test = with_bucket().await;
    for key in ["a", "d/1", "d/2", "e", "f"] {
        put(&test, key, "x").await.unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let input = s3::ListObjectsV2Request {
            bucket: BUCKET.to_owned(),
            delimiter: Some("/".to_owned()),
            max_keys: Some(1),
            continuation_token: token,
            ..Default::default()
        };
        let page = test.call::<s3::ListObjectsV2>(input).await.unwrap();
        seen.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        seen.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|prefix| prefix.prefix));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "d/", "e", "f"]);
}

#[tokio::test]
async fn parts_are_joined_in_their_order() {
    let test = with_bucket().await;
    let (bucket, key) = (BUCKET.to_owned(), "big".to_owned());
    let begin = s3::CreateMultipartUploadRequest { bucket, key, ..Default::default() };
    let id = test.call::<s3::CreateMultipartUpload>(begin).await.unwrap().upload_id.unwrap();
    let bodies = [vec![1; crate::limits::PART_BYTES_MIN as usize], vec![2; 10]];
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        let input = s3::UploadPartRequest {
            bucket: BUCKET.to_owned(),
            key: "big".to_owned(),
            upload_id: id.clone(),
            part_number: number,
            body: Body::from(Bytes::from(body.clone())),
            ..Default::default()
        };
        let etag = test.call::<s3::UploadPart>(input).await.unwrap().etag;
        parts.push(s3::CompletedPart { etag, part_number: Some(number), ..Default::default() });
    }
    let complete = |parts| s3::CompleteMultipartUploadRequest {
        bucket: BUCKET.to_owned(),
        key: "big".to_owned(),
        upload_id: id.clone(),
        multipart_upload: Some(s3::CompletedMultipartUpload { parts: Some(parts) }),
        ..Default::default()
    };
    let reversed: Vec<_> = parts.iter().rev().cloned().collect();
    let refused = test.call::<s3::CompleteMultipartUpload>(complete(reversed)).await;
    assert!(refused.unwrap_err().is("InvalidPartOrder"));
    let done = test.call::<s3::CompleteMultipartUpload>(complete(parts)).await.unwrap();
    assert!(done.etag.unwrap().ends_with("-2\""));
    assert_eq!(done.checksum_crc64_nvme, Some(crate::checksum::Algorithm::Crc64Nvme.of(&bodies.concat())));
    assert_eq!(get(&test, of("big")).await.unwrap().1, bodies.concat());
    let last = s3::GetObjectRequest { part_number: Some(2), ..of("big") };
    assert_eq!(get(&test, last).await.unwrap().1, bodies[1]);
}

#[tokio::test]
async fn a_write_may_ask_for_nothing_to_be_there() {
    let test = with_bucket().await;
    let input = || s3::PutObjectRequest {
        bucket: BUCKET.to_owned(),
        key: "k".to_owned(),
        if_none_match: Some("*".to_owned()),
        ..Default::default()
    };
    test.call::<s3::PutObject>(input()).await.unwrap();
    assert!(test.call::<s3::PutObject>(input()).await.unwrap_err().is("PreconditionFailed"));
}

#[tokio::test]
async fn a_bucket_with_objects_stays() {
    let test = with_bucket().await;
    put(&test, "k", "x").await.unwrap();
    let delete = || s3::DeleteBucketRequest { bucket: BUCKET.to_owned(), ..Default::default() };
    assert!(test.call::<s3::DeleteBucket>(delete()).await.unwrap_err().is("BucketNotEmpty"));
    let object = s3::DeleteObjectRequest { bucket: BUCKET.to_owned(), key: "k".to_owned(), ..Default::default() };
    test.call::<s3::DeleteObject>(object).await.unwrap();
    test.call::<s3::DeleteBucket>(delete()).await.unwrap();
    assert!(get(&test, of("k")).await.unwrap_err().is("NoSuchBucket"));
}
