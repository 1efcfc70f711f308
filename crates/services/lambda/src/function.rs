//! What a function is: the records kept in the store and handed to whoever runs it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blob::Digest;
use platform::{Sealing, Unsealable};
use serde::{Deserialize, Serialize};

use crate::container::{ContainerImage, ImageOverrides};
use crate::layers::AttachedLayer;

/// Which function is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionId {
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// The plain name.
    pub name: String,
}

impl FunctionId {
    /// The function's ARN, without a version.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    /// The ARN of a version or an alias.
    pub fn qualified_arn(&self, qualifier: impl fmt::Display) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}:{qualifier}", self.region, self.account, self.name)
    }
}

/// A version's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// The unpublished version, which updates change.
    Latest,
    /// A published version; it never changes. The first one is 1.
    Published(u64),
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Latest => formatter.write_str("$LATEST"),
            Version::Published(number) => write!(formatter, "{number}"),
        }
    }
}

/// One version of a function: everything needed to run it and to describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionVersion {
    /// The function it belongs to.
    pub function: FunctionId,
    /// Its own name.
    pub version: Version,
    /// What the user has set.
    pub configuration: Configuration,
    /// What it runs.
    pub code: CodePackage,
    /// Changes with every change of code or configuration: an environment that was made for another deployment is stale.
    pub deployment: String,
    /// AWS's revision id: changes with every change of the record, its state included.
    pub revision_id: String,
    /// Milliseconds since 1970 of the last change of code or configuration.
    pub last_modified: i64,
    /// Whether it can be invoked.
    pub state: State,
    /// How the last update went; `None` as long as the version has never been ready.
    pub last_update: Option<LastUpdate>,
}

impl FunctionVersion {
    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`
    pub fn arn(&self) -> String {
        self.function.arn()
    }

    /// The packages it needs: its own first, then its layers'.
    pub fn packages(&self) -> impl Iterator<Item = &CodePackage> {
        std::iter::once(&self.code).chain(self.configuration.layers.iter().map(|layer| &layer.code))
    }

    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION`, where the version may be `$LATEST`.
    pub fn qualified_arn(&self) -> String {
        self.function.qualified_arn(self.version)
    }
}

/// What the user has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// At most 256 characters.
    pub description: String,
    /// Lambda's identifier, for example `python3.12`.
    pub runtime: String,
    /// For example `app.handler`.
    pub handler: String,
    /// ARN of the execution role.
    pub role: String,
    /// Whether there was such a role when the function was given it. In open mode there need not be.
    #[serde(default)]
    pub has_role: bool,
    /// Longest time of one invocation, in seconds.
    pub timeout_seconds: u32,
    /// Memory in MB.
    pub memory_mb: u32,
    /// Size of `/tmp` in MB.
    pub ephemeral_mb: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// An empty `VpcConfig` was given: it is answered back, and the function is in no VPC.
    pub empty_vpc_config: bool,
    /// The user's environment variables; `None` if none were ever given.
    pub environment: Option<EnvironmentVariables>,
    /// ARN of the key of KMS that they are encrypted under, if it is not the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Where and how it logs.
    pub logging: LoggingConfig,
    /// ARN of the queue or topic for events that could not be handled.
    #[serde(default)]
    pub dead_letter: Option<String>,
    /// `TracingConfig` is `Active`.
    #[serde(default)]
    pub is_traced: bool,
    /// What lies under `/opt`; a later layer covers an earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<AttachedLayer>,
    /// How its durable executions are kept, if its invocations are such.
    #[serde(default)]
    pub durable: Option<Durable>,
    /// What was set instead of what its container image says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageOverrides>,
}

/// Environment variables. They often hold secrets, so that they are sealed wherever they are kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EnvironmentVariables {
    /// Sealed under the installation's key.
    Sealed(SealedVariables),
    /// Encrypted by KMS under the function's own key.
    Keyed(KeyedVariables),
    /// As a request brings them, and as rows from before variables were sealed hold them.
    Clear(BTreeMap<String, String>),
}

/// Sealed variables; a list in JSON, so that they cannot be taken for a map of clear ones.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct SealedVariables {
    /// Base64 of the sealed JSON document.
    text: String,
    /// Base64 of the document's fingerprint: the same for the same variables of a function.
    fingerprint: String,
}

/// Variables that KMS has encrypted; a list in JSON, of another length than that of sealed ones.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String, String)", into = "(String, String, String)")]
pub struct KeyedVariables {
    /// ARN of the key.
    pub key: String,
    /// Base64 of the encrypted JSON document.
    pub text: String,
    /// Base64 of the document's fingerprint: the same for the same variables of a function under the same key.
    pub fingerprint: String,
}

impl From<(String, String, String)> for KeyedVariables {
    fn from((key, text, fingerprint): (String, String, String)) -> KeyedVariables {
        KeyedVariables { key, text, fingerprint }
    }
}

impl From<KeyedVariables> for (String, String, String) {
    fn from(keyed: KeyedVariables) -> (String, String, String) {
        (keyed.key, keyed.text, keyed.fingerprint)
    }
}

impl From<(String, String)> for SealedVariables {
    fn from((text, fingerprint): (String, String)) -> SealedVariables {
        SealedVariables { text, fingerprint }
    }
}

impl From<SealedVariables> for (String, String) {
    fn from(sealed: SealedVariables) -> (String, String) {
        (sealed.text, sealed.fingerprint)
    }
}

impl EnvironmentVariables {
    /// Seals them for a function, unless they are sealed.
    pub fn seal(self, sealing: &Sealing, function: &FunctionId) -> EnvironmentVariables {
        let EnvironmentVariables::Clear(variables) = self else { return self };
        let context = seal_context(function);
        let document = serde_json::to_vec(&variables).expect("a map of texts always has a JSON form");
        EnvironmentVariables::Sealed(SealedVariables {
            fingerprint: STANDARD.encode(sealing.fingerprint(&context, &document)),
            text: STANDARD.encode(sealing.seal(&context, &document)),
        })
    }

    /// The variables.
    ///
    /// # Errors
    /// [`Unsealable`] if they were sealed by another installation, for another function or by KMS.
    pub fn open(&self, sealing: &Sealing, function: &FunctionId) -> Result<BTreeMap<String, String>, Unsealable> {
        match self {
            EnvironmentVariables::Clear(variables) => Ok(variables.clone()),
            EnvironmentVariables::Keyed(_) => Err(Unsealable),
            EnvironmentVariables::Sealed(sealed) => {
                let text = STANDARD.decode(&sealed.text).map_err(|_| Unsealable)?;
                let document = sealing.open(&seal_context(function), &text)?;
                serde_json::from_slice(&document).map_err(|_| Unsealable)
            }
        }
    }

    /// The same for the same variables, however often they were sealed.
    pub fn identity(&self) -> EnvironmentVariables {
        match self {
            EnvironmentVariables::Clear(_) => self.clone(),
            EnvironmentVariables::Sealed(sealed) => {
                EnvironmentVariables::Sealed(SealedVariables { text: String::new(), ..sealed.clone() })
            }
            EnvironmentVariables::Keyed(keyed) => {
                EnvironmentVariables::Keyed(KeyedVariables { text: String::new(), ..keyed.clone() })
            }
        }
    }
}

fn seal_context(function: &FunctionId) -> String {
    format!("lambda/environment/{}", function.arn())
}

impl fmt::Debug for EnvironmentVariables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvironmentVariables::Clear(variables) => formatter.debug_set().entries(variables.keys()).finish(),
            EnvironmentVariables::Sealed(_) | EnvironmentVariables::Keyed(_) => formatter.write_str("sealed"),
        }
    }
}

/// Where and how a function logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggingConfig {
    /// The log group's name.
    pub log_group: String,
    /// The lines' format, with the levels that only JSON has.
    pub format: LogFormat,
}

/// The format of a function's log lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFormat {
    /// Plain lines.
    Text,
    /// One JSON document a line.
    Json {
        /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`.
        application_level: String,
        /// `DEBUG`, `INFO` or `WARN`.
        system_level: String,
    },
}

/// A deployment package, or a container image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodePackage {
    /// SHA-256 of the zip file, or of an image's manifest: its name in the blob store.
    pub digest: Digest,
    /// Size of the zip file.
    pub size_bytes: u64,
    /// Size of its files together; 0 for packages taken before it was kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unzipped_bytes: u64,
    /// Set if it is a container image: then the digest is that of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ContainerImage>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

impl CodePackage {
    /// `CodeSha256` as AWS writes it: base64, or hexadecimal digits for an image.
    pub fn sha256(&self) -> String {
        match self.image {
            Some(_) => self.digest.to_string(),
            None => STANDARD.encode(self.digest.as_bytes()),
        }
    }

    /// The blobs that it is made of.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        let layers = self.image.iter().flat_map(|image| &image.layers);
        std::iter::once(&self.digest).chain(layers.map(|layer| &layer.digest))
    }
}

/// Whether a version can be invoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It is being made ready.
    Pending,
    /// It can be invoked.
    Active,
    /// It could not be made ready.
    Failed(Failure),
}

/// How the last update went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LastUpdate {
    /// Invocations still run the version before the update.
    InProgress,
    /// Invocations run what is described.
    Successful,
    /// Invocations still run the version before the update.
    Failed(Failure),
}

/// Why a version could not be made ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One of AWS's reason codes, for example `InvalidZipFileException`.
    pub code: String,
    /// In words.
    pub reason: String,
}

/// What belongs to a function as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRecord {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Number of the version published last; 0 if none ever was. Numbers are never used again.
    pub last_published: u64,
    /// What `$LATEST` was when that version was published; another one is only published once something has changed.
    pub published_content: Option<String>,
    /// Whether it may be invoked in a loop with other resources.
    #[serde(default)]
    pub allows_loops: bool,
}

/// How durable executions are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durable {
    /// Longest time an execution may take, in seconds.
    pub timeout_seconds: u32,
    /// How long an execution is kept after its end, in days.
    pub retention_days: u32,
}

/// A name for a version, or for two of which each is given a share of the invocations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// Its name.
    pub name: String,
    /// The version it stands for.
    pub version: Version,
    /// At most 256 characters.
    pub description: String,
    /// Another version and its share of the invocations, from 0 to 1.
    pub second: Option<(Version, f64)>,
    /// Changes with every change.
    pub revision_id: String,
}

impl Alias {
    /// Whether invocations may run this version.
    pub fn refers_to(&self, version: Version) -> bool {
        self.version == version || self.second.is_some_and(|(second, _)| second == version)
    }

    /// The version of an invocation for which `share` was drawn evenly from 0 (inclusive) to 1 (exclusive).
    pub fn pick(&self, share: f64) -> Version {
        match self.second {
            Some((second, weight)) if share < weight => second,
            Some(_) | None => self.version,
        }
    }
}

/// How asynchronous invocations are treated; what is absent has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventInvokeConfig {
    /// Further attempts after the function has failed: 0 to 2.
    pub retries: Option<u32>,
    /// Greatest age of an event that is still tried, in seconds: 60 to 21,600.
    pub age_seconds: Option<u32>,
    /// ARN of where records of successes go.
    pub on_success: Option<String>,
    /// ARN of where records of failures go.
    pub on_failure: Option<String>,
    /// Milliseconds since 1970.
    pub last_modified: i64,
}

/// Environments that a version or an alias is to have initialised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedConcurrency {
    /// How many.
    pub requested: u32,
    /// Milliseconds since 1970.
    pub last_modified: i64,
}

/// How the runtime of a version is kept current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeManagement {
    /// `Auto`, `FunctionUpdate` or `Manual`.
    pub update_on: String,
    /// The runtime version that `Manual` pins.
    pub runtime_version: Option<String>,
}

/// The stored row of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// As it is described.
    pub described: FunctionVersion,
    /// What invocations run while an update is under way or after it failed; otherwise they run what is described.
    pub serving: Option<FunctionVersion>,
}

impl VersionRecord {
    /// A version that runs what it describes.
    pub fn new(described: FunctionVersion) -> VersionRecord {
        VersionRecord { described, serving: None }
    }

    /// The packages it needs, layers included: of what it describes and of what invocations run.
    pub fn packages(&self) -> impl Iterator<Item = &CodePackage> {
        std::iter::once(&self.described).chain(&self.serving).flat_map(FunctionVersion::packages)
    }

    /// What invocations run.
    pub fn runnable(self) -> FunctionVersion {
        self.serving.unwrap_or(self.described)
    }
}

/// What an account uses in a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Functions, whatever the number of their versions.
    pub functions: u64,
    /// Zipped size of the packages of all versions.
    pub code_bytes: u64,
}
