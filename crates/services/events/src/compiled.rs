//! The rules and archives of a bus in compiled form, kept as long as they do not change.

use std::sync::Arc;

use pattern::{Index, Pattern};
use platform::OrFailure;
use serde_json::Value;
use store::{Direction, KeyRange};
use wire::Error;

use crate::event::{Audience, Event};
use crate::keys;
use crate::limits::RULES_READ;
use crate::names::BusId;
use crate::records::{Archive, Rule, RulesState};
use crate::rows;
use crate::service::Events;

/// The rules and archives of a bus.
#[derive(Default)]
pub struct Compiled {
    version: u64,
    rules: Index<Arc<Rule>>,
    archives: Vec<(Option<Pattern>, Archive)>,
}

impl Compiled {
    /// The archives that keep an event.
    pub fn archives(&self, event: &Event) -> Vec<&Archive> {
        if event.audience != Audience::Bus {
            return Vec::new();
        }
        let document = Value::Object(event.document.clone());
        let keeps = |pattern: &Option<Pattern>| pattern.as_ref().is_none_or(|pattern| pattern.matches(&document));
        self.archives.iter().filter(|(pattern, _)| keeps(pattern)).map(|(_, archive)| archive).collect()
    }

    /// The rules that match an event.
    pub fn matching(&self, event: &Event) -> Vec<Arc<Rule>> {
        let found = self.rules.matching(&Value::Object(event.document.clone())).into_iter().cloned();
        match &event.audience {
            Audience::Replay(arns) if !arns.is_empty() => {
                found.filter(|rule| arns.contains(&event.bus.rule_arn(&rule.name))).collect()
            }
            _ => found.collect(),
        }
    }
}

impl Events {
    /// The rules that an event goes to, with their bus in compiled form.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn rules_for(&self, event: &Event) -> Result<(Arc<Compiled>, Vec<Arc<Rule>>), Error> {
        let Audience::Schedule(name) = &event.audience else {
            let compiled = self.compiled(&event.bus).await?;
            let rules = compiled.matching(event);
            return Ok((compiled, rules));
        };
        let rule = self.rule(&event.bus, name).await?;
        Ok((Arc::default(), rule.filter(Rule::is_enabled).map(Arc::new).into_iter().collect()))
    }

    async fn compiled(&self, bus: &BusId) -> Result<Arc<Compiled>, Error> {
        let state = self.store().get(&keys::partition(), &keys::rules_state(bus)).await.or_failure()?;
        let version = state.map(|row| rows::decode::<RulesState>(&row)).transpose()?.unwrap_or_default().version;
        let known = self.compiled.lock().get(bus).cloned();
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(known);
        }
        let compiled = Arc::new(self.compile(bus).await?);
        self.compiled.lock().put(bus.clone(), Arc::clone(&compiled));
        Ok(compiled)
    }

    async fn compile(&self, bus: &BusId) -> Result<Compiled, Error> {
        let snapshot = self.store().snapshot(&keys::partition()).await.or_failure()?;
        let state = snapshot.get(&keys::rules_state(bus)).await.or_failure()?;
        let state = state.map(|row| rows::decode::<RulesState>(&row)).transpose()?.unwrap_or_default();
        let mut compiled = Compiled { version: state.version, ..Compiled::default() };
        let mut range = keys::rules(bus).range();
        // Every round goes on behind the last row of the one before.
        loop {
            let page = snapshot.scan(range.clone(), Direction::Forward, RULES_READ).await.or_failure()?;
            for (_, row) in &page {
                let rule: Rule = rows::decode(row)?;
                // A pattern was checked when it was set.
                let pattern = rule.pattern.as_deref().and_then(|text| Pattern::parse(text).ok());
                if let Some(pattern) = pattern.filter(|_| rule.is_enabled()) {
                    compiled.rules.insert(pattern, Arc::new(rule));
                }
            }
            match next_page(&page, range) {
                Some(next) => range = next,
                None => break,
            }
        }
        let mut range = keys::archives(&bus.account, &bus.region).range();
        let source = bus.arn();
        loop {
            let page = snapshot.scan(range.clone(), Direction::Forward, RULES_READ).await.or_failure()?;
            for (_, row) in &page {
                let archive: Archive = rows::decode(row)?;
                if archive.source == source {
                    let pattern = archive.pattern.as_deref().and_then(|text| Pattern::parse(text).ok());
                    compiled.archives.push((pattern, archive));
                }
            }
            match next_page(&page, range) {
                Some(next) => range = next,
                None => return Ok(compiled),
            }
        }
    }
}

fn next_page(page: &[(bytes::Bytes, bytes::Bytes)], range: KeyRange) -> Option<KeyRange> {
    page.last().filter(|_| page.len() == RULES_READ).map(|(last, _)| range.after(last))
}
