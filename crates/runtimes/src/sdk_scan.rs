//! Whether a function needs the AWS SDK that Lambda's runtimes include. A function that does not never waits for one.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::catalog::Language;

/// Source files looked at before a package counts as too large to tell.
const FILES_MAX: usize = 4_000;

/// Bytes of sources looked at before a package counts as too large to tell.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Directories deep. Deeper ones are not looked into: packages do not nest so far, loops of links would.
const DEPTH_MAX: usize = 24;

/// What a function needs of the runtime's AWS SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdkNeed {
    /// Nothing in it names the SDK.
    None,
    /// It brings its own, which comes before the runtime's.
    Vendored,
    /// It names the SDK and does not bring it, or is too large to tell.
    Needed,
}

/// How a function uses the runtime's AWS SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkUse {
    /// What it needs.
    pub need: SdkNeed,
    /// What of it is worth being loaded ahead of need: packages of Node.js, or `boto3` followed by names of services.
    pub parts: Vec<String>,
}

/// Most parts of the SDK worth being loaded ahead: each takes some megabytes of every environment.
const PARTS_MAX: usize = 6;

/// Modules the Python SDK consists of or loads. A function that brings one of them must find its own.
const PYTHON_SDK_MODULES: [&str; 7] = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"];

/// Looks through a function's package and its layers, unpacked, for uses of the AWS SDK.
pub fn needs_sdk(package: &Path, layers: &[PathBuf], language: Language) -> SdkNeed {
    let roots = || std::iter::once(package).chain(layers.iter().map(PathBuf::as_path));
    if language == Language::Custom {
        return SdkNeed::None;
    }
    if roots().any(|root| brings_sdk(root, language)) {
        return SdkNeed::Vendored;
    }
    let mut budget = Budget { files: FILES_MAX, bytes: BYTES_MAX };
    let mut names = |contents: &[u8]| names_sdk(contents, language);
    let named = roots().any(|root| search(root, language, 0, &mut budget, &mut names));
    if named { SdkNeed::Needed } else { SdkNeed::None }
}

/// Looks through a function's package and its layers, unpacked, for how the AWS SDK is used.
pub fn uses_of_sdk(package: &Path, layers: &[PathBuf], language: Language) -> SdkUse {
    let need = needs_sdk(package, layers, language);
    let roots = || std::iter::once(package).chain(layers.iter().map(PathBuf::as_path));
    if need != SdkNeed::Needed || (language == Language::Python && roots().any(brings_python_sdk_module)) {
        return SdkUse { need, parts: Vec::new() };
    }
    let mut budget = Budget { files: FILES_MAX, bytes: BYTES_MAX };
    let mut parts = BTreeSet::new();
    for root in roots() {
        search(root, language, 0, &mut budget, &mut |contents| {
            match language {
                Language::Node => parts.extend(node_packages(contents)),
                _ => parts.extend(python_services(contents)),
            }
            false
        });
    }
    let first = (language == Language::Python).then(|| "boto3".to_owned());
    SdkUse { need, parts: first.into_iter().chain(parts.into_iter().take(PARTS_MAX)).collect() }
}

struct Budget {
    files: usize,
    bytes: u64,
}

/// Whether the SDK is among a root's packages: where a function's own packages are, and where a layer's are.
fn brings_sdk(root: &Path, language: Language) -> bool {
    match language {
        Language::Node => ["", "nodejs"].iter().any(|place| root.join(place).join("node_modules/@aws-sdk").is_dir()),
        Language::Python => {
            let in_version = fs::read_dir(root.join("python/lib")).is_ok_and(|versions| {
                versions.flatten().any(|version| version.path().join("site-packages/boto3").is_dir())
            });
            in_version || ["", "python"].iter().any(|place| root.join(place).join("boto3").is_dir())
        }
        Language::Custom => false,
    }
}

/// Whether a root has one of the modules of the Python SDK, where modules are found.
fn brings_python_sdk_module(root: &Path) -> bool {
    let has = |place: &Path| {
        let module = |name: &str| place.join(name).is_dir() || place.join(format!("{name}.py")).is_file();
        PYTHON_SDK_MODULES.iter().any(|name| module(name))
    };
    let versions = fs::read_dir(root.join("python/lib")).into_iter().flatten().flatten();
    let in_versions = versions.map(|version| version.path().join("site-packages"));
    [root.to_path_buf(), root.join("python")].into_iter().chain(in_versions).any(|place| has(&place))
}

/// Whether something is found in a source below the directory. Running out of budget counts as yes: waiting for an SDK
/// that is not needed is a nuisance, missing one that is fails the function.
fn search(
    directory: &Path,
    language: Language,
    depth: usize,
    budget: &mut Budget,
    found: &mut impl FnMut(&[u8]) -> bool,
) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let mut below = vec![];
    for entry in entries.flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() {
            below.push(path);
        } else if kind.is_file() && is_source(&path, language) {
            if budget.files == 0 || budget.bytes == 0 || found(&contents(&path, budget)) {
                return true;
            }
            budget.files -= 1;
        }
    }
    depth < DEPTH_MAX && below.iter().any(|path| search(path, language, depth + 1, budget, found))
}

fn is_source(path: &Path, language: Language) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match language {
        Language::Node => matches!(extension, "js" | "mjs" | "cjs" | "ts" | "mts" | "cts"),
        Language::Python => extension == "py",
        Language::Custom => false,
    }
}

fn contents(path: &Path, budget: &mut Budget) -> Vec<u8> {
    let mut contents = vec![];
    let read = fs::File::open(path).and_then(|file| file.take(budget.bytes).read_to_end(&mut contents));
    budget.bytes -= read.unwrap_or(0) as u64;
    contents
}

fn names_sdk(contents: &[u8], language: Language) -> bool {
    let names: &[&str] = match language {
        Language::Node => &["@aws-sdk/", "@smithy/"],
        _ => &["boto3", "botocore", "s3transfer"],
    };
    names.iter().any(|name| memmem::find(contents, name.as_bytes()).is_some())
}

/// The packages of clients that a source of Node.js names.
fn node_packages(contents: &[u8]) -> Vec<String> {
    const SCOPE: &[u8] = b"@aws-sdk/";
    let names = memmem::find_iter(contents, SCOPE).map(|at| name_at(&contents[at + SCOPE.len()..]));
    let clients = names.filter(|name| name.starts_with("client-") || name.starts_with("lib-"));
    clients.map(|name| format!("@aws-sdk/{name}")).collect()
}

/// The services for which a source of Python makes a client or a resource.
fn python_services(contents: &[u8]) -> Vec<String> {
    let after = |call: &'static [u8]| memmem::find_iter(contents, call).map(move |at| &contents[at + call.len()..]);
    let arguments = after(b"client(").chain(after(b"resource(")).map(<[u8]>::trim_ascii_start);
    let quoted = arguments.filter_map(|text| text.strip_prefix(b"'").or_else(|| text.strip_prefix(b"\"")));
    quoted.map(name_at).filter(|name| !name.is_empty()).collect()
}

/// The name of a service or package that a text begins with.
fn name_at(text: &[u8]) -> String {
    let part = |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'-';
    text.iter().take_while(part).map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary directory");
        for (path, contents) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("created");
            fs::write(path, contents).expect("written");
        }
        root
    }

    fn need(files: &[(&str, &str)], language: Language) -> SdkNeed {
        needs_sdk(package(files).path(), &[], language)
    }

    #[test]
    fn plain_functions_need_nothing() {
        assert_eq!(need(&[("app.py", "import json\n"), ("notes.txt", "boto3")], Language::Python), SdkNeed::None);
        assert_eq!(need(&[("index.mjs", "export const handler = 1")], Language::Node), SdkNeed::None);
        assert_eq!(need(&[("app.py", "import boto3")], Language::Custom), SdkNeed::None);
        assert_eq!(needs_sdk(Path::new("/nonexistent"), &[], Language::Python), SdkNeed::None);
    }

    #[test]
    fn functions_that_import_the_sdk_need_it() {
        assert_eq!(
            need(&[("pkg/deep/app.py", "from botocore.config import Config")], Language::Python),
            SdkNeed::Needed
        );
        assert_eq!(need(&[("src/a.cjs", "require('@aws-sdk/client-s3')")], Language::Node), SdkNeed::Needed);
    }

    #[test]
    fn functions_and_layers_that_bring_the_sdk_use_their_own() {
        let python = [("app.py", "import boto3"), ("boto3/__init__.py", "")];
        assert_eq!(need(&python, Language::Python), SdkNeed::Vendored);
        let node = [("index.js", "require('@aws-sdk/client-s3')"), ("node_modules/@aws-sdk/client-s3/index.js", "")];
        assert_eq!(need(&node, Language::Node), SdkNeed::Vendored);
        let own = package(&[("app.py", "import boto3")]);
        for place in ["python/boto3/__init__.py", "python/lib/python3.12/site-packages/boto3/__init__.py"] {
            let layer = package(&[(place, "")]);
            assert_eq!(needs_sdk(own.path(), &[layer.path().to_path_buf()], Language::Python), SdkNeed::Vendored);
        }
        let user = package(&[("python/helper.py", "import boto3")]);
        let plain = package(&[("app.py", "import helper")]);
        assert_eq!(needs_sdk(plain.path(), &[user.path().to_path_buf()], Language::Python), SdkNeed::Needed);
    }

    #[test]
    fn the_parts_of_the_sdk_that_a_function_uses_are_named() {
        let parts = |files: &[(&str, &str)], language| uses_of_sdk(package(files).path(), &[], language).parts;
        let python = "import boto3\nboto3.client('s3'); boto3.resource( \"dynamodb\" ); session.client(name)";
        assert_eq!(parts(&[("app.py", python)], Language::Python), ["boto3", "dynamodb", "s3"]);
        assert_eq!(parts(&[("app.py", python), ("urllib3/__init__.py", "")], Language::Python), [""; 0]);
        let node = "require('@aws-sdk/client-s3'); import x from \"@aws-sdk/lib-dynamodb\"; require('@aws-sdk/types')";
        let packages = ["@aws-sdk/client-s3", "@aws-sdk/lib-dynamodb"];
        assert_eq!(parts(&[("src/a.mjs", node)], Language::Node), packages);
        assert_eq!(parts(&[("app.py", "import json")], Language::Python), [""; 0]);
    }
}
