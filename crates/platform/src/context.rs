//! The context of one call.

use std::any::Any;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use api::Operation;
use parking_lot::Mutex;
use wire::Error;
use wire::codec::Structure;
use wire::codec::json::{JsonReader, Wording};
use wire::error::common;
use wire::protocol::not_implemented;
use wire::schema::{OperationDef, Protocol, ServiceDef};

use crate::authorise::authorise;
use crate::core::Platform;
use crate::guard::Need;
use crate::principal::Principal;

/// What a handler knows about the call it serves. Cheap to clone.
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

struct Inner {
    call: Call,
    kept: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The fields of a [`Ctx`].
#[derive(Clone)]
pub struct Call {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Account whose resources are meant: 12 digits.
    pub account: String,
    /// Region whose resources are meant.
    pub region: String,
    /// Who calls.
    pub principal: Principal,
    /// Id of the request, as the client sees it.
    pub request_id: String,
    /// The service called.
    pub service: &'static ServiceDef,
    /// The operation called.
    pub operation: &'static OperationDef,
    /// The protocol of the exchange; `None` for calls between services.
    pub protocol: Option<Protocol>,
    /// The client's address; `None` for calls between services.
    pub source_ip: Option<IpAddr>,
    /// Address under which this client reached the platform, without a trailing slash; links in answers start with it.
    pub endpoint: String,
    /// Access key id the request was signed with, if any.
    pub access_key_id: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The trace header (`X-Amzn-Trace-Id`) that came along.
    pub trace_header: Option<String>,
    /// How the request came here, as far as policies may ask.
    pub origin: Origin,
}

/// How a request came here, as far as policies may ask. The default is that of a call which no client made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The connection is encrypted (`aws:SecureTransport`).
    pub is_secure: bool,
    /// The client's `Referer` (`aws:Referer`).
    pub referer: Option<String>,
    /// What is known of its signature; `None` for unsigned requests.
    pub signature: Option<SignatureFacts>,
    /// It is the upload of a form, signed by the form's policy (`s3:authType`).
    pub is_form: bool,
    /// It came to an address of a data plane, where a policy may let in callers that nobody knows.
    pub is_data_plane: bool,
    /// The services that hand a client's call on with the client's own rights, the first one first, each as the first
    /// label of its host names (`secretsmanager`): `aws:CalledVia` and `kms:ViaService`.
    pub via: Vec<&'static str>,
}

/// What policies may ask of a signature (`s3:authType`, `s3:signatureversion`, `s3:signatureAge`,
/// `s3:x-amz-content-sha256`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFacts {
    /// It stands in the query string, not in the `Authorization` header.
    pub is_presigned: bool,
    /// `AWS`, `AWS4-HMAC-SHA256` or `AWS4-ECDSA-P256-SHA256`.
    pub version: &'static str,
    /// When it was made, in seconds since 1970; `None` where it does not tell.
    pub signed_at: Option<i64>,
    /// The value of `X-Amz-Content-Sha256`, if it was sent.
    pub content_hash: Option<String>,
}

impl SignatureFacts {
    /// Where it stands: `s3:authType`.
    pub fn kind(&self, is_form: bool) -> &'static str {
        match (is_form, self.is_presigned) {
            (true, _) => "POST",
            (false, true) => "REST-QUERY-STRING",
            (false, false) => "REST-HEADER",
        }
    }
}

impl Ctx {
    /// Wraps a call.
    pub fn new(call: Call) -> Ctx {
        Ctx(Arc::new(Inner { call, kept: Mutex::default() }))
    }

    /// Keeps what was read to decide about this call, so that its handler need not read it again. It takes the place of
    /// what was kept before; calls that are made from this one do not see it.
    pub fn keep<T: Any + Send>(&self, found: T) {
        *self.0.kept.lock() = Some(Box::new(found));
    }

    /// What was kept, once: whoever looks again wants to know what has changed.
    pub fn take_kept<T: Any + Send>(&self) -> Option<T> {
        let kept = self.0.kept.lock().take()?;
        kept.downcast().ok().map(|found| *found)
    }

    /// `arn:aws:{service}:{region}:{account}:{resource}` in this call's account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    /// The service that hands this call on with the caller's rights, as `kms:ViaService` spells it:
    /// `secretsmanager.eu-west-1.amazonaws.com`. `None` for calls of a client itself.
    pub fn via_service(&self) -> Option<String> {
        self.origin.via.last().map(|name| format!("{name}.{}.amazonaws.com", self.region))
    }

    /// The same call, as far as other services are called from it in another region.
    pub fn in_region(&self, region: &str) -> Ctx {
        Ctx::new(Call { region: region.to_owned(), ..(**self).clone() })
    }

    /// Calls an operation of any service, with this call's own principal, through authorisation and validation.
    pub async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        let mut via = self.origin.via.clone();
        via.push(self.service.endpoint_prefix);
        self.inner::<O>(self.principal.clone(), via).dispatch_typed::<O>(input).await
    }

    /// Calls an operation as a service of the platform that acts for a resource of this call's account.
    pub async fn call_as_service<O: Operation>(
        &self,
        name: &'static str,
        source_arn: Option<String>,
        input: O::Input,
    ) -> Result<O::Output, Error> {
        let account = self.account.clone();
        self.call_as::<O>(Principal::Service { name, account, source_arn }, input).await
    }

    /// Calls an operation as somebody else: a service that acts under a role it was given.
    pub async fn call_as<O: Operation>(&self, principal: Principal, input: O::Input) -> Result<O::Output, Error> {
        self.inner::<O>(principal, Vec::new()).dispatch_typed::<O>(input).await
    }

    /// The context of a call that is part of this one.
    fn inner<O: Operation>(&self, principal: Principal, via: Vec<&'static str>) -> Ctx {
        Ctx::new(Call {
            platform: self.platform.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            principal,
            request_id: self.platform.ids.uuid(),
            service: O::service(),
            operation: O::definition(),
            protocol: None,
            source_ip: None,
            endpoint: self.endpoint.clone(),
            access_key_id: None,
            user_agent: None,
            trace_header: self.trace_header.clone(),
            origin: Origin { via, ..Origin::default() },
        })
    }
}

impl Platform {
    /// Calls an operation as a service of the platform, on its own account: there is no call that it is part of.
    pub async fn call_as_service<O: Operation>(
        self: &Arc<Platform>,
        name: &'static str,
        account: &str,
        region: &str,
        input: O::Input,
    ) -> Result<O::Output, Error> {
        let principal = Principal::Service { name, account: account.to_owned(), source_arn: None };
        self.call_as::<O>(principal, account, region, input).await
    }

    /// Calls an operation as somebody, outside any other call: a service that acts under a role it was given, or for a
    /// resource.
    pub async fn call_as<O: Operation>(
        self: &Arc<Platform>,
        principal: Principal,
        account: &str,
        region: &str,
        input: O::Input,
    ) -> Result<O::Output, Error> {
        self.call_traced::<O>(principal, account, region, None, input).await
    }

    /// The same, with the trace header of what led to the call.
    pub async fn call_traced<O: Operation>(
        self: &Arc<Platform>,
        principal: Principal,
        account: &str,
        region: &str,
        trace_header: Option<String>,
        input: O::Input,
    ) -> Result<O::Output, Error> {
        let operation = (O::service(), O::definition());
        self.outside(principal, account, region, trace_header, operation).dispatch_typed::<O>(input).await
    }

    /// As [`Platform::call_as`], for an operation that is only known by name. The input is read from a JSON document with
    /// the members' names of the API.
    ///
    /// # Errors
    /// `SerializationException` for a document that is no input, and those of the call.
    pub async fn call_by_name_as(
        self: &Arc<Platform>,
        principal: Principal,
        account: &str,
        region: &str,
        (service, operation): (&'static ServiceDef, &'static OperationDef),
        document: &str,
    ) -> Result<Box<dyn Structure>, Error> {
        let codec = operation.codec.ok_or_else(|| not_implemented(service, operation))?;
        let refused = |error: &dyn std::fmt::Display| Error::new(&common::SERIALIZATION, error.to_string());
        let mut reader = JsonReader::new(document.as_bytes(), Wording::Token).map_err(|error| refused(&error))?;
        let input = (codec.read_input)(&mut reader).map_err(|error| refused(&error))?;
        self.outside(principal, account, region, None, (service, operation)).dispatch(input).await
    }

    /// Lets somebody use a resource for which the API has an action and no operation, or refuses it. The operation is one of
    /// the service whose resource it is.
    ///
    /// # Errors
    /// The denial, in the words and codes of the service.
    pub async fn allow_as<O: Operation>(
        self: &Arc<Platform>,
        principal: Principal,
        account: &str,
        region: &str,
        need: Need,
    ) -> Result<(), Error> {
        let operation = (O::service(), O::definition());
        authorise(&self.outside(principal, account, region, None, operation), vec![need]).await
    }

    /// The context of a call that is part of no other.
    fn outside(
        self: &Arc<Platform>,
        principal: Principal,
        account: &str,
        region: &str,
        trace_header: Option<String>,
        (service, operation): (&'static ServiceDef, &'static OperationDef),
    ) -> Ctx {
        Ctx::new(Call {
            platform: Arc::clone(self),
            account: account.to_owned(),
            region: region.to_owned(),
            principal,
            request_id: self.ids.uuid(),
            service,
            operation,
            protocol: None,
            source_ip: None,
            endpoint: self.config.endpoint.clone(),
            access_key_id: None,
            user_agent: None,
            trace_header,
            origin: Origin::default(),
        })
    }
}

impl Deref for Ctx {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.0.call
    }
}
