//! Which interpreter runs a runtime.

use crate::catalog::{Language, Runtime};
use crate::interpreter::{Interpreter, Interpreters};

/// The interpreter a runtime runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The runtime asked for.
    pub runtime: Runtime,
    /// The interpreter; none for custom runtimes, which bring their own program.
    pub interpreter: Option<Interpreter>,
    /// Whether its version is the runtime's own.
    pub exact: bool,
    /// What to tell the user when it is not.
    pub notice: Option<String>,
}

/// No interpreter of this machine may run the runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeUnavailable {
    /// The machine has no interpreter of the language.
    #[error("{runtime} needs {needed}, and no {language} was found on this machine; install it and start again")]
    NoInterpreter {
        /// The runtime's identifier.
        runtime: &'static str,
        /// The version it needs, such as `Python 3.12`.
        needed: String,
        /// The language, such as `Python`.
        language: &'static str,
    },
    /// The machine has other versions only, and none may stand in.
    #[error("{runtime} needs {needed}, and this machine's nearest is {nearest}, which strict runtimes do not accept")]
    NotExact {
        /// The runtime's identifier.
        runtime: &'static str,
        /// The version it needs.
        needed: String,
        /// The nearest interpreter, such as `Python 3.13.0`.
        nearest: String,
    },
}

/// Chooses the interpreter for a runtime: its own version, else the nearest unless `strict`.
pub(crate) fn resolve(
    interpreters: &Interpreters,
    runtime: &Runtime,
    strict: bool,
) -> Result<Resolved, RuntimeUnavailable> {
    if runtime.language == Language::Custom {
        return Ok(Resolved { runtime: *runtime, interpreter: None, exact: true, notice: None });
    }
    if let Some(exact) = interpreters.exact(runtime) {
        return Ok(Resolved { runtime: *runtime, interpreter: Some(exact.clone()), exact: true, notice: None });
    }
    let needed = needed_version(runtime);
    let Some(nearest) = interpreters.nearest(runtime) else {
        let language = if runtime.language == Language::Node { "Node.js" } else { "Python 3" };
        return Err(RuntimeUnavailable::NoInterpreter { runtime: runtime.id, needed, language });
    };
    if strict {
        return Err(RuntimeUnavailable::NotExact { runtime: runtime.id, needed, nearest: nearest.describe() });
    }
    let notice = format!(
        "{} runs on {} because {needed} is not installed on this machine; behaviour may differ from Lambda's",
        runtime.id,
        nearest.describe()
    );
    Ok(Resolved { runtime: *runtime, interpreter: Some(nearest.clone()), exact: false, notice: Some(notice) })
}

fn needed_version(runtime: &Runtime) -> String {
    match runtime.language {
        Language::Node => format!("Node.js {}", runtime.major),
        _ => format!("Python {}.{}", runtime.major, runtime.minor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::tests::{interpreter, runtime};

    #[test]
    fn another_version_stands_in_and_says_so_unless_strict() {
        let found = Interpreters::new(vec![interpreter(Language::Python, "3.13.0", "/b")]);
        let resolved = resolve(&found, &runtime("python3.12"), false).expect("3.13 stands in");
        assert!(!resolved.exact);
        assert_eq!(
            resolved.notice.as_deref(),
            Some(
                "python3.12 runs on Python 3.13.0 because Python 3.12 is not installed on this machine; behaviour may \
                 differ from Lambda's"
            )
        );
        let error = resolve(&found, &runtime("python3.12"), true).expect_err("strict refuses");
        assert_eq!(
            error.to_string(),
            "python3.12 needs Python 3.12, and this machine's nearest is Python 3.13.0, which strict runtimes do not \
             accept"
        );
        assert!(resolve(&found, &runtime("python3.13"), true).expect("exact").notice.is_none());
    }

    #[test]
    fn a_missing_language_is_an_error_and_custom_runtimes_need_none() {
        let none = Interpreters::default();
        let error = resolve(&none, &runtime("nodejs22.x"), false).expect_err("nothing runs it");
        assert_eq!(
            error.to_string(),
            "nodejs22.x needs Node.js 22, and no Node.js was found on this machine; install it and start again"
        );
        let custom = resolve(&none, &runtime("provided.al2023"), true).expect("custom runtimes bring their program");
        assert_eq!((custom.interpreter, custom.exact), (None, true));
    }
}
