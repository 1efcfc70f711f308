//! A browser's form upload (`POST Object` of S3): the form becomes a `PutObject`, signed by the form's policy.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use api::s3::{self, errors};
use bytes::Bytes;
use futures_core::Stream;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use platform::{Call, Ctx, Origin, SignatureFacts};
use wire::body::{ByteStream, Trailers};
use wire::error::Scalar;
use wire::form_upload::{FormDecoder, FormError, FormField, Head, Policy, PolicyError, field};
use wire::protocol::{self, AnswerContext, RequestView, ResponseParts};
use wire::router::Route;
use wire::schema::{Protocol, ServiceDef};
use wire::sigv4::{self, Credentials, Dialect, FormCredentials, SignatureError, SigningRules};
use wire::{Body, Error};

use crate::answer::Answer;
use crate::browser;
use crate::checked::Refusal;
use crate::failure;
use crate::identity::{Caller, Unidentified, identify_key};
use crate::limits;
use crate::pipeline::{Exchange, Refused, Stage, expected_region};

/// What a key is escaped with in an address: all but its slashes and RFC 3986's unreserved characters.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Fields that become headers of the object under their own name; so do those that begin with `x-amz-`.
const HEADERS: [&str; 6] =
    ["cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "expires"];

impl Exchange<'_> {
    /// Answers a form that was sent to a bucket.
    pub(crate) async fn form_upload(&self, service: &'static ServiceDef, bucket: String) -> Result<Answer, Refused> {
        let operation = service.operation("PutObject").filter(|operation| operation.codec.is_some());
        let unbuilt = || Refused(Stage::unknown(service), failure::form_upload());
        let operation = operation.ok_or_else(unbuilt)?;
        let stage = || Stage { service: Some(service), operation: Some(operation), protocol: Protocol::RestXml };
        let refused = |error| Refused(stage(), error);
        let (mut head, file) = self.read_head(limits::body_bytes(service, operation)).await.map_err(refused)?;
        let credentials = sigv4::parse_form_credentials(|name| field(&head.fields, name));
        let credentials = credentials.map_err(|error| refused(failure::s3_signature(&error.into())))?;
        let caller = self.form_caller(&credentials).await.map_err(refused)?;
        let key = key_of(&mut head).map_err(refused)?;
        let range = self.checked_policy(&credentials, &head, &bucket).map_err(refused)?;
        let labels = vec![("Bucket", bucket.clone()), ("Key", key.clone())];
        let route = Route { service, operation, protocol: Protocol::RestXml, labels, host_bucket: false };
        let headers = headers_of(service, &head).map_err(refused)?;
        let view = RequestView { method: &http::Method::PUT, labels: &route.labels, query: "", headers: &headers };
        let refusal = Refusal::default();
        let file = FormFile { range, refusal: refusal.clone(), ..file };
        let body = Body::Stream { stream: Box::pin(file), length: None, trailers: Trailers::default() };
        let input = protocol::read_input(service, operation, Protocol::RestXml, &view, body).map_err(refused)?;
        let cx = self.form_context(&route, &credentials, caller);
        let mut output = match cx.dispatch(input).await {
            Ok(output) => output,
            Err(error) => {
                let error = refusal.take().unwrap_or(error);
                return Ok(self.render_error(&stage(), &error).called_by(cx).named(Some(&route)));
            }
        };
        let host_id = platform::host_id(self.request_id);
        let context = AnswerContext::of(&view, self.request_id, &host_id);
        let parts = protocol::write_output(service, operation, Protocol::RestXml, output.as_mut(), &context);
        let parts = succeeded(parts, &head.fields, &cx.endpoint, &bucket, &key);
        Ok(Answer::new(parts, Some(cx)).named(Some(&route)))
    }

    /// Reads all that comes before the file.
    async fn read_head(&self, limit: u64) -> Result<(Head, FormFile), Error> {
        let content_type = self.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mut decoder = FormDecoder::new(content_type.unwrap_or_default()).map_err(form_error)?;
        let mut source: ByteStream = match self.body.stream(limit) {
            Body::Stream { stream, .. } => stream,
            Body::Empty | Body::Bytes(_) => return Err(form_error(FormError::Malformed)),
        };
        // Ends with the body, or where the decoder has enough.
        loop {
            if let Some(head) = decoder.head().map_err(form_error)? {
                let file = FormFile { source, decoder, range: None, length: 0, refusal: Refusal::default() };
                return Ok((head, file));
            }
            match std::future::poll_fn(|context| source.as_mut().poll_next(context)).await {
                Some(Ok(piece)) => decoder.feed(&piece),
                Some(Err(_)) | None => return Err(form_error(FormError::Malformed)),
            }
        }
    }

    async fn form_caller(&self, credentials: &FormCredentials) -> Result<Caller, Error> {
        let is_foreign = || browser::is_foreign(self.parts, &self.gateway.domains);
        let (key, token) = (credentials.access_key(), credentials.token());
        let caller = identify_key(&self.gateway.platform, key, token, &self.info.source, is_foreign).await;
        let caller = caller.map_err(|reason| match reason {
            Unidentified::Refused(error) => failure::s3_signature(&error),
            Unidentified::Failed(error) => error,
        })?;
        let Some(secret) = &caller.secret else { return Ok(caller) };
        let given = match credentials {
            FormCredentials::Version4 { credential, .. } => Some(credential),
            FormCredentials::Anonymous | FormCredentials::Version2 { .. } => None,
        };
        let own = &self.gateway.platform.config.region;
        let region = expected_region(self.host(), given.map(|credential| credential.region()), own);
        let rules = SigningRules { dialect: Dialect::S3, service: "s3", region, host_bucket: None };
        let now = self.gateway.platform.clock.now().seconds;
        sigv4::verify_form(credentials, &secret.0, &rules, &self.gateway.signing_keys, now)
            .map_err(|error: SignatureError| failure::s3_signature(&error))?;
        Ok(caller)
    }

    /// Decides whether the policy allows the form; answers how long the file may be.
    fn checked_policy(
        &self,
        credentials: &FormCredentials,
        head: &Head,
        bucket: &str,
    ) -> Result<Option<(u64, u64)>, Error> {
        let policy = match credentials {
            FormCredentials::Anonymous => return Ok(None),
            FormCredentials::Version4 { policy, .. } | FormCredentials::Version2 { policy, .. } => policy,
        };
        let refused = |error: PolicyError| match error {
            PolicyError::Malformed(_) => errors::invalid_policy_document(error.to_string()),
            PolicyError::Denied(_) => errors::access_denied(error.to_string()),
        };
        let policy = Policy::parse(policy).map_err(refused)?;
        policy.check(&head.fields, bucket, self.gateway.platform.clock.now()).map_err(refused)?;
        Ok(policy.length)
    }

    fn form_context(&self, route: &Route, credentials: &FormCredentials, caller: Caller) -> Ctx {
        let cx = self.context(route, &Credentials::Anonymous, caller);
        let (region, facts) = match credentials {
            FormCredentials::Anonymous => (None, None),
            FormCredentials::Version4 { credential, time, .. } => {
                (Some(credential.region()), Some(("AWS4-HMAC-SHA256", Some(time.unix_seconds))))
            }
            FormCredentials::Version2 { .. } => (None, Some(("AWS", None))),
        };
        let signature = facts.map(|(version, signed_at)| SignatureFacts {
            is_presigned: false,
            version,
            signed_at,
            content_hash: None,
        });
        let origin = Origin { signature, is_form: true, ..cx.origin.clone() };
        let region = region.filter(|region| crate::pipeline::is_region(region)).unwrap_or(&cx.region).to_owned();
        let access_key_id = credentials.access_key().map(str::to_owned);
        Ctx::new(Call { origin, region, access_key_id, ..(*cx).clone() })
    }
}

/// The file's content while it arrives, held to the length that the policy allows.
struct FormFile {
    source: ByteStream,
    decoder: FormDecoder,
    range: Option<(u64, u64)>,
    length: u64,
    refusal: Refusal,
}

impl FormFile {
    fn refuse(&self, error: Error) -> io::Error {
        self.refusal.put(error);
        io::Error::other("the form's file was refused")
    }

    fn check_length(&self, is_whole: bool) -> Result<(), Error> {
        let Some((least, most)) = self.range else { return Ok(()) };
        if self.length > most {
            return Err(errors::entity_too_large("Your proposed upload exceeds the maximum allowed size")
                .with("ProposedSize", Scalar::from(self.length as i64))
                .with("MaxSizeAllowed", Scalar::from(most as i64)));
        }
        if is_whole && self.length < least {
            return Err(errors::entity_too_small("Your proposed upload is smaller than the minimum allowed size")
                .with("ProposedSize", Scalar::from(self.length as i64))
                .with("MinSizeAllowed", Scalar::from(least as i64)));
        }
        Ok(())
    }
}

impl Stream for FormFile {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Ends with the file, or with the body.
        loop {
            if let Some(piece) = self.decoder.file() {
                self.length += piece.len() as u64;
                let checked = self.check_length(false).map(|()| piece);
                return Poll::Ready(Some(checked.map_err(|error| self.refuse(error))));
            }
            if self.decoder.is_done() {
                let checked = self.check_length(true).map_err(|error| self.refuse(error));
                return Poll::Ready(checked.err().map(Err));
            }
            match ready!(self.source.as_mut().poll_next(context)) {
                Some(Ok(piece)) => self.decoder.feed(&piece),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let error = self.refuse(form_error(FormError::Malformed));
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

fn form_error(error: FormError) -> Error {
    match error {
        FormError::Malformed => {
            errors::malformed_post_request("The body of your POST request is not well-formed multipart/form-data.")
        }
        FormError::TooLarge => errors::max_post_pre_data_length_exceeded(
            "Your POST request fields preceding the upload file were too large.",
        ),
        FormError::NoFile => errors::invalid_argument("POST requires exactly one file upload per request.")
            .with("ArgumentName", Scalar::from("file"))
            .with("ArgumentValue", Scalar::from("0")),
    }
}

/// The key of the object, with the name of the file filled in; the form's own field then says the same.
fn key_of(head: &mut Head) -> Result<String, Error> {
    let found = head.fields.iter_mut().find(|field| field.name.eq_ignore_ascii_case("key"));
    let Some(found) = found else {
        let text =
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.";
        return Err(errors::invalid_argument(text)
            .with("ArgumentName", Scalar::from("key"))
            .with("ArgumentValue", Scalar::from("")));
    };
    found.value = found.value.replace("${filename}", &head.file_name);
    if found.value.is_empty() {
        return Err(errors::user_key_must_be_specified("User key must have a length greater than 0."));
    }
    Ok(found.value.clone())
}

/// The headers of a `PutObject` that says what the form does.
fn headers_of(service: &'static ServiceDef, head: &Head) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &str, value: &str| -> Result<(), Error> {
        let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (name, value) = parsed.ok_or_else(|| {
            errors::invalid_argument("Invalid field in the form")
                .with("ArgumentName", Scalar::from(name))
                .with("ArgumentValue", Scalar::from(value))
        })?;
        // Of several fields of a name, the first one counts.
        headers.entry(name).or_insert(value);
        Ok(())
    };
    for FormField { name, value } in &head.fields {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "acl" => set("x-amz-acl", value)?,
            "tagging" => set("x-amz-tagging", &tags_of(service, value)?)?,
            name if HEADERS.contains(&name) || name.starts_with("x-amz-") => set(name, value)?,
            _ => {}
        }
    }
    Ok(headers)
}

/// The tags of a form, a document in XML, as a header has them.
fn tags_of(service: &'static ServiceDef, document: &str) -> Result<String, Error> {
    let malformed = || {
        errors::malformed_xml(
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let operation = service.operation("PutObjectTagging").ok_or_else(malformed)?;
    let headers = HeaderMap::new();
    let view = RequestView { method: &http::Method::PUT, labels: &[], query: "", headers: &headers };
    let body = Body::from(Bytes::copy_from_slice(document.as_bytes()));
    let read = protocol::read_input(service, operation, Protocol::RestXml, &view, body)?;
    let read = read.into_any().downcast::<s3::PutObjectTaggingRequest>().map_err(|_| malformed())?;
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = read.tagging.tag_set.iter().map(|tag| format!("{}={}", escaped(&tag.key), escaped(&tag.value)));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

/// The answer that the form asks for: an address to go on to, or a status.
fn succeeded(mut parts: ResponseParts, fields: &[FormField], endpoint: &str, bucket: &str, key: &str) -> ResponseParts {
    let etag = parts.headers.get("etag").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let location = format!("{endpoint}/{bucket}/{}", utf8_percent_encode(key, KEY));
    let redirect = field(fields, "success_action_redirect").or_else(|| field(fields, "redirect"));
    if let Some(target) = redirect.and_then(|redirect| redirect_to(redirect, bucket, key, &etag)) {
        parts.status = StatusCode::SEE_OTHER;
        parts.headers.insert(LOCATION, target);
        return parts;
    }
    if let Ok(location) = HeaderValue::try_from(&location) {
        parts.headers.insert(LOCATION, location);
    }
    parts.status = match field(fields, "success_action_status") {
        Some("200") => StatusCode::OK,
        Some("201") => {
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            parts.body = Body::from(Bytes::from(document(&location, bucket, key, &etag)));
            StatusCode::CREATED
        }
        _ => StatusCode::NO_CONTENT,
    };
    parts
}

/// Where a browser is sent, with what was stored. An address that is none is left out, as S3 does.
fn redirect_to(redirect: &str, bucket: &str, key: &str, etag: &str) -> Option<HeaderValue> {
    let is_address = redirect.starts_with("http://") || redirect.starts_with("https://");
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let joint = if redirect.contains('?') { '&' } else { '?' };
    let (bucket, key, etag) = (escaped(bucket), escaped(key), escaped(etag));
    let target = format!("{redirect}{joint}bucket={bucket}&key={key}&etag={etag}");
    is_address.then(|| HeaderValue::try_from(target).ok())?
}

fn document(location: &str, bucket: &str, key: &str, etag: &str) -> String {
    let escaped =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let (location, bucket, key, etag) = (escaped(location), escaped(bucket), escaped(key), escaped(etag));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{location}</Location>\
         <Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag></PostResponse>"
    )
}
