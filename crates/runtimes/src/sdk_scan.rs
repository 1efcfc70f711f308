//! Whether a function needs the AWS SDK that Lambda's runtimes include. A function that does not never waits for one.

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
    if roots().any(|root| names_sdk(root, language, 0, &mut budget)) { SdkNeed::Needed } else { SdkNeed::None }
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

/// Whether a source below the directory names the SDK. Running out of budget counts as yes: waiting for an SDK that is
/// not needed is a nuisance, missing one that is fails the function.
fn names_sdk(directory: &Path, language: Language, depth: usize, budget: &mut Budget) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let mut below = vec![];
    for entry in entries.flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() {
            below.push(path);
        } else if kind.is_file() && is_source(&path, language) {
            if budget.files == 0 || budget.bytes == 0 || file_names_sdk(&path, language, budget) {
                return true;
            }
            budget.files -= 1;
        }
    }
    depth < DEPTH_MAX && below.iter().any(|path| names_sdk(path, language, depth + 1, budget))
}

fn is_source(path: &Path, language: Language) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match language {
        Language::Node => matches!(extension, "js" | "mjs" | "cjs" | "ts" | "mts" | "cts"),
        Language::Python => extension == "py",
        Language::Custom => false,
    }
}

fn file_names_sdk(path: &Path, language: Language, budget: &mut Budget) -> bool {
    let mut contents = vec![];
    let read = fs::File::open(path).and_then(|file| file.take(budget.bytes).read_to_end(&mut contents));
    budget.bytes -= read.unwrap_or(0) as u64;
    let names: &[&str] = match language {
        Language::Node => &["@aws-sdk/", "@smithy/"],
        _ => &["boto3", "botocore", "s3transfer"],
    };
    names.iter().any(|name| memmem::find(&contents, name.as_bytes()).is_some())
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
}
