//! What the commands print: lines for people, or one JSON document a line for machines. Standard output carries
//! results, standard error carries logs.

use std::io::{self, Write};

use serde_json::Value;

/// Prints in the chosen form.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON lines, or lines for people.
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// Prints a result. `event` names it to machines.
    pub fn result(&self, event: &str, fields: Value, text: &str) {
        let line = if self.json {
            let mut document = serde_json::json!({"event": event});
            if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), fields) {
                document.extend(fields);
            }
            document.to_string()
        } else {
            text.to_owned()
        };
        // Whoever reads may have gone, which is no reason to stop serving.
        let _ = writeln!(io::stdout().lock(), "{line}");
    }

    /// Prints lines for people only.
    pub fn text(&self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stdout().lock(), "{text}");
        }
    }
}

/// Sends the process's own log to standard error. `TRACA_LOG` sets what is shown, for example
/// `TRACA_LOG=traca::access=info`.
pub fn start_logging(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TRACA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,traca::access=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.with_target(false).init();
    }
}
