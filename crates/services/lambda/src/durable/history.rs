//! Events of an execution's history.

use super::record::{HistoryEvent, Operation};

/// An event about an operation.
pub fn about(operation: &Operation, event: HistoryEvent) -> HistoryEvent {
    HistoryEvent {
        id: Some(operation.id.clone()),
        name: operation.name.clone(),
        parent: operation.parent.clone(),
        sub_kind: operation.sub_kind.clone(),
        ..event
    }
}

/// The beginning of the name of an operation's events.
pub fn prefix(kind: &str) -> &'static str {
    match kind {
        "STEP" => "Step",
        "WAIT" => "Wait",
        "CALLBACK" => "Callback",
        "CHAINED_INVOKE" => "ChainedInvoke",
        "CONTEXT" => "Context",
        _ => "Execution",
    }
}
