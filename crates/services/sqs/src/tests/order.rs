//! A FIFO queue against a model of it: whatever receivers do, the messages of a group are first seen in the order in which
//! they were sent, each is deleted once, and the counts are those of the model.

use std::collections::HashMap;

use api::sqs::ChangeMessageVisibilityRequest;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Send { group: u8 },
    Receive { count: i32 },
    Delete { which: usize },
    Show { which: usize },
    Advance { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..3).prop_map(|group| Step::Send { group }),
        3 => (1i32..=10).prop_map(|count| Step::Receive { count }),
        3 => any::<usize>().prop_map(|which| Step::Delete { which }),
        1 => any::<usize>().prop_map(|which| Step::Show { which }),
        1 => (1u64..40).prop_map(|seconds| Step::Advance { seconds }),
    ]
}

/// The queue as it has to be.
#[derive(Default)]
struct Model {
    /// Bodies of each group that are not deleted, in order.
    groups: HashMap<u8, Vec<String>>,
    /// Received messages: until when (seconds), group, message.
    held: Vec<(u64, u8, Message)>,
    now: u64,
}

impl Model {
    fn in_flight(&self, group: u8) -> usize {
        self.held.iter().filter(|(until, of, _)| *of == group && *until > self.now).count()
    }

    /// Forgets what is visible again.
    fn expire(&mut self) {
        let now = self.now;
        self.held.retain(|(until, _, _)| *until > now);
    }
}

async fn run(steps: Vec<Step>) {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[("FifoQueue", "true")]).await;
    let mut model = Model::default();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Send { group } => {
                let body = number.to_string();
                bench.send_to(&url, &group.to_string(), &body).await;
                model.groups.entry(group).or_default().push(body);
            }
            Step::Receive { count } => received(&bench, &url, &mut model, count).await,
            Step::Delete { which } if !model.held.is_empty() => {
                let (_, group, message) = model.held.remove(which % model.held.len());
                bench.delete(&url, &message).await;
                let left = model.groups.get_mut(&group).expect("known");
                left.retain(|body| Some(body) != message.body.as_ref());
            }
            Step::Show { which } if !model.held.is_empty() => {
                let (_, _, message) = model.held.remove(which % model.held.len());
                let input = ChangeMessageVisibilityRequest {
                    queue_url: url.clone(),
                    receipt_handle: message.receipt_handle.expect("a handle"),
                    visibility_timeout: 0,
                    ..Default::default()
                };
                bench.call::<sqs::ChangeMessageVisibility>(input).await.expect("in flight");
            }
            Step::Delete { .. } | Step::Show { .. } => {}
            Step::Advance { seconds } => {
                bench.advance(seconds);
                model.now += seconds;
                model.expire();
            }
        }
        let total: usize = model.groups.values().map(Vec::len).sum();
        let in_flight = model.held.len();
        assert_eq!(bench.counts(&url).await, [(total - in_flight) as u64, in_flight as u64, 0]);
    }
}

async fn received(bench: &Bench, url: &str, model: &mut Model, count: i32) {
    let free: Vec<u8> = (0..3).filter(|group| model.in_flight(*group) == 0).collect();
    let available: usize = free.iter().filter_map(|group| model.groups.get(group)).map(Vec::len).sum();
    let messages = bench.receive(url, count).await;
    assert_eq!(messages.len(), available.min(count as usize), "all that is free is received");
    let mut seen: HashMap<u8, Vec<String>> = HashMap::new();
    for message in messages {
        let body = message.body.clone().expect("a body");
        let group =
            *free.iter().find(|group| model.groups.get(group).is_some_and(|all| all.contains(&body))).expect("free");
        seen.entry(group).or_default().push(body);
        model.held.push((model.now + 30, group, message));
    }
    for (group, bodies) in seen {
        assert!(model.groups[&group].starts_with(&bodies), "a group's first messages, in order");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_fifo_queue_is_as_its_model(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(steps));
    }
}
