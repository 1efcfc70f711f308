//! Which extensions an environment has, where each of them is, and what is to be told to them.
//!
//! The states and their names are those of AWS's own extensions interface, which shows them in logs and error messages.

use std::sync::Arc;

use super::super::answer::Refusal;
use crate::extension::{ExtensionEvents, ExtensionFailure, ExtensionStatus, ShutdownReason};
use crate::limits::EXTENSIONS_MAX;
use crate::outcome::Invocation;

/// Where an extension is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Started, has not registered yet.
    Started,
    Registered,
    /// Waits for an event.
    Ready,
    /// Has one.
    Running,
    InitError,
    ExitError,
    Exited,
    LaunchError,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Started => "Started",
            Phase::Registered => "Registered",
            Phase::Ready => "Ready",
            Phase::Running => "Running",
            Phase::InitError => "InitError",
            Phase::ExitError => "ExitError",
            Phase::Exited => "Exited",
            Phase::LaunchError => "LaunchError",
        }
    }
}

/// What an extension is told when it asks for an event.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Invoke(Arc<Invocation>),
    Shutdown { reason: ShutdownReason, deadline_ms: i64 },
}

/// One extension.
#[derive(Debug)]
struct Member {
    name: String,
    /// Its identifier, once it has registered.
    id: String,
    /// A process of its own, as opposed to a part of the runtime's.
    is_external: bool,
    phase: Phase,
    events: ExtensionEvents,
    error_type: Option<String>,
    /// What it gets when it asks.
    pending: Option<Event>,
}

/// The extensions of one environment.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    members: Vec<Member>,
    /// Nobody may register any more.
    is_closed: bool,
    /// What broke the environment first.
    failure: Option<&'static str>,
}

/// A request that was valid in form but comes at the wrong time.
fn not_allowed(from: Phase, to: &str, who: &str) -> Refusal {
    Refusal::extension(
        "Extension.InvalidExtensionState",
        format!(
            "State transition from {} to {to} failed for extension {who}. Error: State transition is not allowed",
            from.name()
        ),
    )
}

impl Registry {
    /// The extensions that are started as processes of their own.
    pub(crate) fn expecting(names: &[String]) -> Registry {
        let mut registry = Registry::default();
        for name in names {
            registry.members.push(Member {
                name: name.clone(),
                id: String::new(),
                is_external: true,
                phase: Phase::Started,
                events: ExtensionEvents::default(),
                error_type: None,
                pending: None,
            });
        }
        registry
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Registers the extension of that name, which is internal unless a process of that name was started.
    pub(crate) fn register(&mut self, name: &str, events: ExtensionEvents, id: String) -> Result<(), Refusal> {
        if let Some(member) = self.members.iter_mut().find(|member| member.is_external && member.name == name) {
            if member.phase != Phase::Started {
                return Err(not_allowed(member.phase, "Registered", name));
            }
            (member.phase, member.events, member.id) = (Phase::Registered, events, id);
            return Ok(());
        }
        if self.is_closed {
            return Err(Refusal::extension(
                "Extension.RegistrationClosed",
                "Extension registration closed already".to_owned(),
            ));
        }
        if self.members.len() >= EXTENSIONS_MAX {
            let text = format!("Extension limit ({EXTENSIONS_MAX}) reached");
            return Err(Refusal::extension("Extension.TooManyExtensions", text));
        }
        if self.members.iter().any(|member| member.name == name) {
            let text = "Extension with this name already registered".to_owned();
            return Err(Refusal::extension("Extension.InvalidExtensionState", text));
        }
        let (phase, name) = (Phase::Registered, name.to_owned());
        self.members.push(Member { name, id, is_external: false, phase, events, error_type: None, pending: None });
        Ok(())
    }

    /// Whether a process of this name was started as an extension.
    pub(crate) fn is_external(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.is_external && member.name == name)
    }

    /// Whether an extension with this identifier has registered.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.members.iter().any(|member| member.id == id)
    }

    fn member(&mut self, id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.id == id)
    }

    /// An extension asks for an event.
    pub(crate) fn begin_waiting(&mut self, id: &str) -> Result<(), Refusal> {
        let Some(member) = self.member(id) else {
            let text = format!("Unknown extension {id}");
            return Err(Refusal::extension("Extension.UnknownExtensionIdentifier", text));
        };
        match member.phase {
            Phase::Registered | Phase::Running => {
                member.phase = Phase::Ready;
                Ok(())
            }
            from => Err(not_allowed(from, "Ready", id)),
        }
    }

    /// What an extension that waits is to be told, if there is something.
    pub(crate) fn take_event(&mut self, id: &str) -> Option<Event> {
        let member = self.member(id)?;
        let event = member.pending.take()?;
        member.phase = Phase::Running;
        Some(event)
    }

    /// An extension that waited has gone away, and may ask again.
    pub(crate) fn end_waiting(&mut self, id: &str) {
        if let Some(member) = self.member(id)
            && member.phase == Phase::Ready
        {
            member.phase = Phase::Running;
        }
    }

    /// An extension reports that it cannot be initialised (`InitError`) or that it is about to end (`ExitError`).
    pub(crate) fn report(&mut self, id: &str, to: Phase, error_type: String) -> Result<(), Refusal> {
        let Some(member) = self.member(id) else {
            let text = "Unknown Lambda-Extension-Identifier".to_owned();
            return Err(Refusal::extension("Extension.UnknownExtensionIdentifier", text));
        };
        let allowed = match (member.phase, to) {
            // Told again: the first error counts.
            (from, to) if from == to => return Ok(()),
            (Phase::Registered, _) => true,
            (Phase::Ready | Phase::Running, Phase::ExitError) => true,
            _ => false,
        };
        if !allowed {
            let to = if to == Phase::ExitError { "Exited" } else { to.name() };
            return Err(not_allowed(member.phase, to, id));
        }
        (member.phase, member.error_type) = (to, Some(error_type));
        self.fail(if to == Phase::InitError { "Extension.InitError" } else { "Extension.ExitError" });
        Ok(())
    }

    /// Remembers what went wrong first.
    pub(crate) fn fail(&mut self, error_type: &'static str) {
        self.failure.get_or_insert(error_type);
    }

    /// A process could not be started.
    pub(crate) fn not_launched(&mut self, name: &str, error_type: &'static str, reason: String) -> ExtensionFailure {
        for member in self.members.iter_mut().filter(|member| member.is_external && member.name == name) {
            (member.phase, member.error_type) = (Phase::LaunchError, Some(error_type.to_owned()));
        }
        self.fail("Extension.LaunchError");
        self.failed(reason)
    }

    /// A process has ended. What that means when nobody has asked it to.
    pub(crate) fn ended(&mut self, name: &str, reason: String) -> ExtensionFailure {
        for member in self.members.iter_mut().filter(|member| member.is_external && member.name == name) {
            if !matches!(member.phase, Phase::InitError | Phase::ExitError) {
                member.phase = Phase::Exited;
            }
            member.pending = None;
        }
        self.fail("Extension.Crash");
        self.failed(reason)
    }

    fn failed(&self, reason: String) -> ExtensionFailure {
        ExtensionFailure { error_type: self.failure.unwrap_or("Extension.Crash").to_owned(), reason }
    }

    /// What an extension has reported, if one has: it counts for more than how a process ends after it.
    pub(crate) fn reported(&self) -> Option<&'static str> {
        self.failure
    }

    /// Whether every process that was started as an extension has registered.
    pub(crate) fn all_registered(&self) -> bool {
        self.members.iter().all(|member| !matches!(member.phase, Phase::Started | Phase::LaunchError | Phase::Exited))
    }

    /// No more extensions register.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether every extension waits for an event.
    pub(crate) fn all_ready(&self) -> bool {
        self.members.iter().all(|member| member.phase == Phase::Ready)
    }

    /// Whether every extension that is told of invocations is done with the last one.
    pub(crate) fn are_idle(&self) -> bool {
        let concerned = self.members.iter().filter(|member| member.events.invoke);
        concerned.into_iter().all(|member| member.phase == Phase::Ready && member.pending.is_none())
    }

    /// Tells those who want to know of an invocation.
    pub(crate) fn announce(&mut self, invocation: &Arc<Invocation>) {
        for member in self.members.iter_mut().filter(|member| member.events.invoke) {
            member.pending = Some(Event::Invoke(Arc::clone(invocation)));
        }
    }

    /// Tells those who want to know of the end, and answers the external ones that do not.
    pub(crate) fn announce_end(&mut self, reason: ShutdownReason, deadline_ms: i64) -> Vec<String> {
        let mut others = Vec::new();
        for member in self.members.iter_mut().filter(|member| member.is_external && member.is_alive()) {
            if member.events.shutdown {
                member.pending = Some(Event::Shutdown { reason, deadline_ms });
            } else {
                others.push(member.name.clone());
            }
        }
        others
    }

    /// Processes of extensions that run.
    pub(crate) fn alive(&self) -> Vec<String> {
        let alive = self.members.iter().filter(|member| member.is_external && member.is_alive());
        alive.map(|member| member.name.clone()).collect()
    }

    /// What is to be said of each extension.
    pub(crate) fn statuses(&self) -> Vec<ExtensionStatus> {
        let status = |member: &Member| ExtensionStatus {
            name: member.name.clone(),
            state: member.phase.name(),
            events: member.events,
            error_type: member.error_type.clone(),
        };
        self.members.iter().map(status).collect()
    }
}

impl Member {
    fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Exited | Phase::LaunchError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: ExtensionEvents = ExtensionEvents { invoke: true, shutdown: true };
    const INVOKE: ExtensionEvents = ExtensionEvents { invoke: true, shutdown: false };

    fn message(refusal: Result<(), Refusal>) -> String {
        match refusal.unwrap_err() {
            Refusal::Extension { error_type, message } => format!("{error_type}: {message}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_extension_goes_from_registration_to_its_events() {
        let mut registry = Registry::expecting(&["agent".to_owned()]);
        assert!(!registry.all_registered());
        registry.register("agent", BOTH, "id".into()).unwrap();
        assert!(registry.all_registered() && !registry.all_ready());
        assert_eq!(
            message(registry.register("agent", BOTH, "other".into())),
            "Extension.InvalidExtensionState: State transition from Registered to Registered failed for extension \
             agent. Error: State transition is not allowed"
        );
        registry.begin_waiting("id").unwrap();
        assert!(registry.all_ready() && registry.take_event("id").is_none());
        assert!(registry.announce_end(ShutdownReason::Spindown, 1).is_empty());
        assert!(matches!(registry.take_event("id"), Some(Event::Shutdown { deadline_ms: 1, .. })));
        assert_eq!(
            message(registry.begin_waiting("none")),
            "Extension.UnknownExtensionIdentifier: Unknown extension none"
        );
    }

    #[test]
    fn who_registers_late_or_too_often_is_refused() {
        let mut registry = Registry::default();
        for number in 0..EXTENSIONS_MAX {
            registry.register(&format!("e{number}"), INVOKE, number.to_string()).unwrap();
        }
        assert_eq!(
            message(registry.register("more", INVOKE, "x".into())),
            "Extension.TooManyExtensions: Extension limit (10) reached"
        );
        registry.close();
        assert_eq!(
            message(registry.register("late", INVOKE, "x".into())),
            "Extension.RegistrationClosed: Extension registration closed already"
        );
    }

    #[test]
    fn what_is_reported_counts_for_more_than_how_the_process_ends() {
        let mut registry = Registry::expecting(&["agent".to_owned()]);
        registry.register("agent", BOTH, "id".into()).unwrap();
        registry.report("id", Phase::InitError, "Extension.NoConfig".into()).unwrap();
        let failure = registry.ended("agent", "exit status 1".into());
        assert_eq!((failure.error_type.as_str(), failure.reason.as_str()), ("Extension.InitError", "exit status 1"));
        let status = registry.statuses().remove(0);
        assert_eq!((status.state, status.error_type.as_deref()), ("InitError", Some("Extension.NoConfig")));
        assert!(registry.report("id", Phase::ExitError, "x".into()).is_err());
    }

    #[test]
    fn an_extension_that_is_not_told_of_invocations_does_not_hold_them_up() {
        let mut registry = Registry::expecting(&["agent".to_owned(), "quiet".to_owned()]);
        registry.register("agent", BOTH, "1".into()).unwrap();
        registry.register("quiet", ExtensionEvents { invoke: false, shutdown: false }, "2".into()).unwrap();
        registry.begin_waiting("1").unwrap();
        assert!(registry.are_idle() && !registry.all_ready());
        assert_eq!(registry.announce_end(ShutdownReason::Failure, 1), ["quiet"]);
    }
}
