//! Roles for whoever a SAML provider vouches for. Documents are written in their canonical form, so that signing them
//! takes no canonicalization: that of the product is not its own judge.

use api::iam::{self, CreateSAMLProviderRequest};
use api::sts::{self, AssumeRoleWithSAMLRequest, AssumeRoleWithSAMLResponse};
use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use super::*;
use crate::operations::saml::create_provider;
use crate::sts::saml::assume_role_with_saml;

const ENTITY: &str = "https://idp.example.com/saml";
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const ENDPOINT: &str = "https://signin.aws.amazon.com/saml";

/// An identity provider.
struct Idp {
    key: EcdsaKeyPair,
    certificate: String,
}

impl Idp {
    fn new() -> Idp {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec!["idp.example.com".to_owned()]).expect("parameters");
        let certificate = STANDARD.encode(parameters.self_signed(&key).expect("a certificate").der());
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).expect("the key");
        Idp { key, certificate }
    }

    fn metadata(&self) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ENTITY}\">\
             <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
             </md:IDPSSODescriptor></md:EntityDescriptor>",
            self.certificate
        )
    }

    /// The signature over an element in canonical form.
    fn signature(&self, element: &str) -> String {
        let id = element.split("ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, element.as_bytes()));
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let value = self.key.sign(&SystemRandom::new(), info.as_bytes()).expect("signed");
        // Around it, the declaration is in force already.
        let info = info.replacen(" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", "", 1);
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}<ds:SignatureValue>{}\
             </ds:SignatureValue></ds:Signature>",
            STANDARD.encode(value.as_ref())
        )
    }

    /// The element with its signature behind its issuer.
    fn signed(&self, element: &str) -> String {
        with_signature(element, &self.signature(element))
    }
}

fn with_signature(element: &str, signature: &str) -> String {
    element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}

fn time(seconds: i64) -> String {
    let mut text = String::new();
    Timestamp { seconds, nanoseconds: 0 }.write(TimestampFormat::Iso8601, &mut text);
    text
}

fn attribute(name: &str, values: &[&str]) -> String {
    let values = values.iter().map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>"));
    let values: String = values.collect();
    let prefix = if name.contains(':') && !name.starts_with("PrincipalTag") {
        ""
    } else {
        "https://aws.amazon.com/SAML/Attributes/"
    };
    format!("<saml:Attribute Name=\"{prefix}{name}\">{values}</saml:Attribute>")
}

/// An assertion in canonical form that says what it has to, and more.
fn assertion(role: &str, more: &str) -> String {
    let (now, soon) = (time(START), time(START + 200));
    let attributes =
        [attribute("Role", &[&format!("{PROVIDER},{role}")]), attribute("RoleSessionName", &["alice@corp"])].concat();
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" IssueInstant=\"{now}\" \
         Version=\"2.0\"><saml:Issuer>{ENTITY}</saml:Issuer><saml:Subject>\
         <saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">alice</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData NotOnOrAfter=\"{soon}\" Recipient=\"{ENDPOINT}\"></saml:SubjectConfirmationData>\
         </saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{soon}\">\
         <saml:AudienceRestriction><saml:Audience>{ENDPOINT}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement SessionNotOnOrAfter=\"{end}\"></saml:AuthnStatement>\
         <saml:AttributeStatement>{attributes}{more}</saml:AttributeStatement></saml:Assertion>",
        end = time(START + 7_200),
    )
}

/// A response in canonical form.
fn response(content: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{ENTITY}</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
         </samlp:Status>{content}</samlp:Response>"
    )
}

/// A platform with a registered provider and a role that trusts it.
struct Saml {
    bench: Bench,
    idp: Idp,
    role: String,
}

impl Saml {
    async fn new() -> Saml {
        let (bench, idp) = (Bench::new(), Idp::new());
        let cx = bench.cx::<iam::CreateSAMLProvider>(root());
        let input = CreateSAMLProviderRequest {
            name: "corp".to_owned(),
            saml_metadata_document: idp.metadata(),
            ..Default::default()
        };
        create_provider(&bench.sts.iam, &cx, input).await.expect("registered");
        let role = bench.role("/", "federated", 43_200);
        let saml = Saml { bench, idp, role };
        saml.trust(&format!("{{\"StringEquals\":{{\"saml:aud\":\"{ENDPOINT}\"}}}}"));
        saml
    }

    /// Has the role trust the provider under a condition.
    fn trust(&self, condition: &str) {
        let document = format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":{{\"Effect\":\"Allow\",\"Principal\":{{\"Federated\":\"{PROVIDER}\"}},\
             \"Action\":[\"sts:AssumeRoleWithSAML\",\"sts:TagSession\",\"sts:SetSourceIdentity\"],\
             \"Condition\":{condition}}}}}"
        );
        self.bench.roles.0.lock()[0].trust = document.as_str().into();
    }

    async fn assume(&self, document: &str) -> Result<AssumeRoleWithSAMLResponse, Error> {
        let asked = AssumeRoleWithSAMLRequest {
            role_arn: self.role.clone(),
            principal_arn: PROVIDER.to_owned(),
            saml_assertion: STANDARD.encode(document),
            ..Default::default()
        };
        self.ask(asked).await
    }

    async fn ask(&self, asked: AssumeRoleWithSAMLRequest) -> Result<AssumeRoleWithSAMLResponse, Error> {
        let cx = self.bench.cx::<sts::AssumeRoleWithSAML>(Principal::Anonymous);
        assume_role_with_saml(&self.bench.sts, &cx, asked).await
    }

    async fn refused(&self, document: &str) -> String {
        self.assume(document).await.expect_err(document).to_string()
    }

    /// A response whose assertion the provider has signed.
    fn good(&self) -> String {
        response(&self.idp.signed(&assertion(&self.role, "")))
    }
}

#[tokio::test]
async fn a_signed_assertion_becomes_a_session() {
    let saml = Saml::new().await;
    let more = [
        attribute("PrincipalTag:team", &["blue"]),
        attribute("TransitiveTagKeys", &["team"]),
        attribute("SourceIdentity", &["alice"]),
        attribute("SessionDuration", &["1800"]),
        attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", &["staff", "member"]),
    ];
    saml.trust(
        "{\"StringEquals\":{\"saml:sub\":\"alice\",\"saml:sub_type\":\"persistent\",\
         \"saml:iss\":\"https://idp.example.com/saml\",\"saml:doc\":\"111122223333/corp\",\
         \"saml:namequalifier\":\"cM/HA6DPUlPQkIDXfpN9IYMNa2k=\"},\
         \"ForAnyValue:StringEquals\":{\"saml:edupersonaffiliation\":\"staff\"}}"
            .replace("cM/HA6DPUlPQkIDXfpN9IYMNa2k=", &qualifier())
            .as_str(),
    );
    let answer = saml.assume(&response(&saml.idp.signed(&assertion(&saml.role, &more.concat())))).await;
    let answer = answer.expect("assumed");
    assert_eq!(answer.subject.as_deref(), Some("alice"));
    assert_eq!(answer.subject_type.as_deref(), Some("persistent"));
    assert_eq!(answer.issuer.as_deref(), Some(ENTITY));
    assert_eq!(answer.audience.as_deref(), Some(ENDPOINT));
    assert_eq!(answer.source_identity.as_deref(), Some("alice"));
    assert_eq!(answer.name_qualifier, Some(qualifier()));
    let user = answer.assumed_role_user.expect("named");
    assert_eq!(user.arn, "arn:aws:sts::111122223333:assumed-role/federated/alice@corp");
    let credentials = answer.credentials.expect("given");
    assert_eq!(credentials.expiration.seconds, START + 1_800);
    let holder = saml.bench.holder(&credentials);
    let facts = holder.facts().expect("a session");
    assert_eq!(facts.tags, [("team".to_owned(), "blue".to_owned())]);
    assert_eq!(facts.transitive_tag_keys, ["team"]);
    assert_eq!(facts.federated_provider.as_deref(), Some(PROVIDER));
    let keys: Vec<&str> = facts.federated_claims.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["saml:sub", "saml:sub_type", "saml:namequalifier"]);
}

/// Base 64 of the SHA-1 of issuer, account and name, as the API reference has it.
fn qualifier() -> String {
    let text = format!("{ENTITY}111122223333/corp");
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

#[tokio::test]
async fn the_response_may_be_signed_instead_or_as_well() {
    let saml = Saml::new().await;
    let plain = assertion(&saml.role, "");
    saml.assume(&saml.idp.signed(&response(&plain))).await.expect("the response is signed");
    // The digest of the response is over the assertion with its signature.
    let both = saml.idp.signed(&response(&saml.idp.signed(&plain)));
    saml.assume(&both).await.expect("both are signed");
    let stranger = Idp::new();
    let mixed = saml.idp.signed(&response(&stranger.signed(&plain)));
    assert_eq!(saml.refused(&mixed).await, SIGNATURE_INVALID);
}

const SIGNATURE_INVALID: &str = "InvalidIdentityTokenException: Response signature invalid";

#[tokio::test]
async fn what_was_changed_or_signed_by_somebody_else_is_refused() {
    let saml = Saml::new().await;
    let good = saml.good();
    saml.assume(&good).await.expect("as it was signed");
    for (from, to) in [
        (">alice<", ">mallory<"),
        ("alice@corp", "mallory@corp"),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        ("<saml:Conditions ", "<saml:Conditions xmlns:other=\"a\" other:b=\"c\" "),
        ("#ecdsa-sha256", "#rsa-sha1"),
        ("#ecdsa-sha256", "#hmac-sha256"),
        ("#ecdsa-sha256", "#ecdsa-sha1"),
        ("xmlenc#sha256", "xmldsig#sha1"),
        ("URI=\"#_a\"", "URI=\"\""),
        ("URI=\"#_a\"", "URI=\"#_r\""),
        ("#enveloped-signature", "#base64"),
        (
            "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
            "Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"",
        ),
        ("</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>"),
        ("</saml:AttributeStatement>", "<saml:Attribute Name=\"x\"></saml:Attribute></saml:AttributeStatement>"),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(changed, good, "{from}");
        assert_eq!(saml.refused(&changed).await, SIGNATURE_INVALID, "{from} {to}");
    }
    let unsigned = response(&assertion(&saml.role, ""));
    let stranger = response(&Idp::new().signed(&assertion(&saml.role, "")));
    for document in [unsigned, stranger] {
        assert_eq!(saml.refused(&document).await, SIGNATURE_INVALID);
    }
}

#[tokio::test]
async fn nothing_is_read_but_what_was_signed() {
    let saml = Saml::new().await;
    let plain = assertion(&saml.role, "");
    let (signature, signed) = (saml.idp.signature(&plain), saml.idp.signed(&plain));
    let evil = plain.replace("\"_a\"", "\"_evil\"").replace("alice", "mallory");
    let inside = |outer: &str, inner: &str, tag: &str| outer.replacen(tag, &format!("{inner}{tag}"), 1);
    let around_assertion = inside(&signature, &plain, "</ds:Signature>");
    let in_object = inside(&signature, &format!("<ds:Object>{plain}</ds:Object>"), "</ds:Signature>");
    let whole = response(&plain);
    let whole_signature = saml.idp.signature(&whole);
    let evil_whole = response(&evil).replace("\"_r\"", "\"_evil_r\"");
    for (at, wrapped) in [
        with_signature(&evil_whole, &inside(&whole_signature, &whole, "</ds:Signature>")),
        with_signature(&evil_whole, &format!("{whole_signature}{whole}")),
        response(&format!("{evil}{signed}")),
        response(&inside(&evil, &signed, "</saml:Assertion>")),
        response(&format!("{}{plain}", with_signature(&evil, &signature))),
        response(&with_signature(&evil, &around_assertion)),
        response(&format!("<samlp:Extensions>{evil}</samlp:Extensions>{signed}")),
        response(&with_signature(&evil, &in_object)),
        response(&format!("{signed}{evil}")),
        response(&with_signature(&evil.replace("_evil", "_a"), &signature)),
        response(&with_signature(&evil, &signature)),
        response(&format!("{evil}<samlp:Extensions>{signature}</samlp:Extensions>")),
    ]
    .iter()
    .enumerate()
    {
        let refused = saml.refused(wrapped).await;
        assert!(refused.starts_with("InvalidIdentityTokenException: "), "{at}: {refused}");
    }
}

#[tokio::test]
async fn documents_that_two_readers_may_understand_differently_are_refused() {
    let saml = Saml::new().await;
    let good = saml.good();
    let invalid = "InvalidIdentityTokenException: Your request included an invalid SAML response";
    for document in [
        format!("<!DOCTYPE samlp:Response [<!ENTITY a \"b\">]>{good}"),
        good.replace("<samlp:Status>", "<samlp:Status ID=\"_a\">"),
        good.replace("<samlp:Status>", "<samlp:Status id=\"_r\">"),
        good.replace("samlp:Response", "samlp:Answer"),
        good.replace("</samlp:Response>", ""),
        "no document".to_owned(),
    ] {
        assert_eq!(saml.refused(&document).await, invalid);
    }
    let asked = |assertion: &str| AssumeRoleWithSAMLRequest {
        role_arn: saml.role.clone(),
        principal_arn: PROVIDER.to_owned(),
        saml_assertion: assertion.to_owned(),
        ..Default::default()
    };
    let refused = saml.ask(asked("not base 64!")).await.expect_err("refused").to_string();
    assert_eq!(refused, "InvalidIdentityTokenException: Invalid base64 SAMLResponse");
    // A comment beside the values changes nothing that anybody reads.
    saml.assume(&good.replace("<saml:AuthnStatement", "<!-- --><saml:AuthnStatement")).await.expect("the same");
    // Inside a value, even one of the provider's own is refused.
    let commented = assertion(&saml.role, "").replace(">alice<", ">alice<!-- -->.example<");
    let signature = saml.idp.signature(&commented.replace("<!-- -->", ""));
    let refused = saml.refused(&response(&with_signature(&commented, &signature))).await;
    assert_eq!(refused, "InvalidIdentityTokenException: NameID is required in AuthnResponse");
}

#[tokio::test]
async fn what_the_provider_has_signed_has_to_hold_here_and_now() {
    let saml = Saml::new().await;
    let plain = assertion(&saml.role, "");
    let (now, soon) = (time(START), time(START + 200));
    let past = time(START - 1);
    let issued = format!("IssueInstant=\"{now}\"");
    let early = format!("IssueInstant=\"{}\"", time(START - 300));
    let ends = format!("NotOnOrAfter=\"{soon}\" Recipient");
    let session = attribute("RoleSessionName", &["alice@corp"]);
    for (from, to, expected) in [
        (issued.as_str(), early.as_str(), "ExpiredTokenException: Token must be redeemed within 5 minutes of issuance"),
        (&soon, &past, "ExpiredTokenException: The SAML assertion has expired"),
        (&ends, &format!("NotOnOrAfter=\"{past}\" Recipient"), "ExpiredTokenException: The SAML assertion has expired"),
        (&time(START + 7_200), &past, "ExpiredTokenException: The session with the identity provider has ended"),
        (&format!("NotBefore=\"{now}\""), &format!("NotBefore=\"{}\"", time(START + 301)), "not valid yet"),
        (&ends, "Recipient", "NotOnOrAfter is required in AuthnResponse"),
        (&soon, "soon", "NotOnOrAfter in AuthnResponse is not a valid time"),
        (
            "com/saml</saml:Audience>",
            "com/saml/other</saml:Audience>",
            "Response does not contain the required audience.",
        ),
        ("Recipient=\"https://", "Recipient=\"https://evil.example/", "is not an AWS sign-in endpoint"),
        ("cm:bearer", "cm:sender-vouches", "SubjectConfirmationData is required"),
        (&session, "", "RoleSessionName is required in AuthnResponse"),
        (">alice@corp<", ">alice corp<", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"),
        ("Attributes/Role\"", "Attributes/Rolle\"", "Role is required in AuthnResponse"),
        (":role/federated<", ":role/other<", "AccessDeniedException: Not authorized to perform sts:AssumeRoleWithSAML"),
        (ENTITY, "https://other.example.com", "Issuer not present in specified provider"),
    ] {
        let changed = plain.replace(from, to);
        assert_ne!(changed, plain, "{from}");
        let refused = saml.refused(&response(&saml.idp.signed(&changed))).await;
        assert!(refused.contains(expected), "{from} {to}: {refused}");
    }
    let failed = saml.good().replace("status:Success", "status:Responder");
    assert!(saml.refused(&failed).await.starts_with("IDPRejectedClaimException: "));
    for audience in ["urn:amazon:webservices", "https://eu-west-1.signin.aws.amazon.com/saml"] {
        let changed = plain.replace(&format!("<saml:Audience>{ENDPOINT}"), &format!("<saml:Audience>{audience}"));
        saml.assume(&response(&saml.idp.signed(&changed))).await.expect(audience);
    }
}

#[tokio::test]
async fn requests_ask_for_what_is_there_and_no_more() {
    let saml = Saml::new().await;
    let asked = AssumeRoleWithSAMLRequest {
        role_arn: saml.role.clone(),
        principal_arn: PROVIDER.to_owned(),
        saml_assertion: STANDARD.encode(saml.good()),
        duration_seconds: Some(43_200),
        ..Default::default()
    };
    // The session ends with the one that the identity provider tells of.
    let answer = saml.ask(asked.clone()).await.expect("assumed");
    assert_eq!(answer.credentials.expect("given").expiration.seconds, START + 7_200);
    let absent = AssumeRoleWithSAMLRequest { principal_arn: format!("{PROVIDER}-absent"), ..asked.clone() };
    let refused = saml.ask(absent).await.expect_err("refused").to_string();
    assert_eq!(refused, "InvalidIdentityTokenException: Specified provider doesn't exist");
    for malformed in ["arn:aws:iam::111122223333:role/not-a-provider", "no arn at all, but long"] {
        let asked = AssumeRoleWithSAMLRequest { principal_arn: malformed.to_owned(), ..asked.clone() };
        let refused = saml.ask(asked).await.expect_err("refused").to_string();
        assert_eq!(refused, "ValidationError: Request ARN is invalid");
    }
    saml.trust("{\"StringEquals\":{\"saml:sub\":\"bob\"}}");
    let refused = saml.ask(asked).await.expect_err("refused").to_string();
    assert!(refused.contains("Not authorized to perform sts:AssumeRoleWithSAML"), "{refused}");
}
