//! Who signed a request to a data plane.

use platform::DataCaller;
use wire::schema::Protocol;
use wire::sigv4::{self, BodyHash, Credentials, Dialect, SigningRules};
use wire::{Body, Error};

use crate::browser;
use crate::failure;
use crate::identity::{Unidentified, identify};
use crate::limits::DATA_PLANE_BYTES_MAX;
use crate::pipeline::{Exchange, expected_region};

/// The protocol in whose words signatures of data planes are refused.
const SPOKEN: Protocol = Protocol::RestJson;

impl Exchange<'_> {
    /// Who signed the request for the service of this name, and its body. A body that is signed is here in one piece, as
    /// the signature covers it; any other arrives as it is read.
    pub(crate) async fn signer(&self, service: &'static str) -> (Result<Option<DataCaller>, Error>, Body) {
        let stream = || self.body.stream(DATA_PLANE_BYTES_MAX);
        let credentials = match sigv4::parse_credentials(self.parts) {
            Ok(Credentials::Anonymous) => return (Ok(None), stream()),
            Ok(credentials) => credentials,
            // An `Authorization` header may be meant for whoever serves the address.
            Err(error) if error.is_of_another_scheme() => return (Ok(None), stream()),
            Err(error) => return (Err(failure::signature(&error, None, SPOKEN)), stream()),
        };
        let body = match self.body.collect(DATA_PLANE_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(fault) => return (Err(failure::body(fault, None, DATA_PLANE_BYTES_MAX)), Body::Empty),
        };
        let caller = self.signed_by(service, &credentials, &body).await;
        (caller.map(Some), Body::from(body))
    }

    async fn signed_by(
        &self,
        service: &'static str,
        credentials: &Credentials,
        body: &[u8],
    ) -> Result<DataCaller, Error> {
        let platform = &self.gateway.platform;
        let is_foreign = || browser::is_foreign(self.parts, &self.gateway.domains);
        let caller = identify(platform, credentials, &self.info.source, is_foreign).await;
        let caller = caller.map_err(|reason| match reason {
            Unidentified::Refused(error) => failure::signature(&error, None, SPOKEN),
            Unidentified::Failed(error) => error,
        })?;
        if let Some(secret) = &caller.secret {
            let region = expected_region(self.host(), credentials.region(), &platform.config.region);
            let rules = SigningRules { dialect: Dialect::of(SPOKEN), service, region, host_bucket: None };
            let (hash, now) = (BodyHash::Known(sigv4::sha256(body)), platform.clock.machine().seconds);
            sigv4::verify(self.parts, credentials, &secret.0, hash, &rules, &self.gateway.signing_keys, now)
                .map_err(|error| failure::signature(&error, None, SPOKEN))?;
        }
        let access_key_id = credentials.access_key().unwrap_or_default().to_owned();
        Ok(DataCaller { principal: caller.principal, access_key_id })
    }
}
