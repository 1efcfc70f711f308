//! `TestMetricFilter`.

use api::logs::{MetricFilterMatchRecord, TestMetricFilterRequest, TestMetricFilterResponse};
use platform::Ctx;
use wire::Error;

use crate::pattern::Pattern;
use crate::service::Logs;

/// Tells which messages a filter pattern matches, and what it takes out of them.
pub async fn test_metric_filter(
    _: &Logs,
    _: &Ctx,
    input: TestMetricFilterRequest,
) -> Result<TestMetricFilterResponse, Error> {
    let pattern = Pattern::parse(&input.filter_pattern)?;
    let numbered = (1..).zip(input.log_event_messages);
    let matches = numbered.filter_map(|(number, message)| {
        let values = pattern.extract(&message)?;
        Some(MetricFilterMatchRecord {
            event_number: Some(number),
            event_message: Some(message),
            extracted_values: Some(values),
        })
    });
    Ok(TestMetricFilterResponse { matches: Some(matches.collect()) })
}
