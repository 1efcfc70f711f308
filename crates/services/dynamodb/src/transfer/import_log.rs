//! What CloudWatch Logs is told of records that could not be imported (Developer Guide, "Validating and troubleshooting
//! import"). An object that a restart has interrupted is read again, so its lines may be there twice.

use api::logs;
use serde_json::json;
use wire::Error;

use super::call_for_account as call;
use super::import::Import;
use crate::background::Place;
use crate::service::DynamoDb;

/// The group of the errors of all imports.
const GROUP: &str = "/aws-dynamodb/imports";

/// Lines in one call of `PutLogEvents`: with the longest keys and texts they stay under its limit of 1 MiB.
const LINES_MAX: usize = 250;

/// ARN of the group.
pub fn group_arn(region: &str, account: &str) -> String {
    format!("arn:aws:logs:{region}:{account}:log-group:{GROUP}:*")
}

/// Records of one object that are no items of the table: their place in it, and what is wrong. No more of them than an
/// import may have ([`IMPORT_ERRORS_MAX`](crate::limits::IMPORT_ERRORS_MAX)).
pub type Refused = Vec<(u64, String)>;

/// Writes what is wrong with records of an object. A log that cannot be written holds up no import.
pub async fn write(service: &DynamoDb, place: &Place, import: &Import, key: &str, refused: &Refused) {
    if let Err(error) = lines(service, place, import, key, refused).await {
        tracing::warn!(%error, import = import.id, "records that are not imported are not logged");
    }
}

async fn lines(service: &DynamoDb, place: &Place, import: &Import, key: &str, refused: &Refused) -> Result<(), Error> {
    let stream = format!("{}/error", import.id);
    for some in refused.chunks(LINES_MAX) {
        let group = logs::CreateLogGroupRequest { log_group_name: GROUP.to_owned(), ..Default::default() };
        unless_there(call::<logs::CreateLogGroup>(service, place, group).await)?;
        let made = logs::CreateLogStreamRequest {
            log_group_name: GROUP.to_owned(),
            log_stream_name: stream.clone(),
            ..Default::default()
        };
        unless_there(call::<logs::CreateLogStream>(service, place, made).await)?;
        let event = |(index, text): &(u64, String)| logs::InputLogEvent {
            timestamp: service.now(),
            message: json!({
                "itemS3Pointer": {"bucket": import.source.bucket, "key": key, "itemIndex": index},
                "importArn": import.arn(),
                "errorMessages": [text],
            })
            .to_string(),
            ..Default::default()
        };
        let put = logs::PutLogEventsRequest {
            log_group_name: GROUP.to_owned(),
            log_stream_name: stream.clone(),
            log_events: some.iter().map(event).collect(),
            ..Default::default()
        };
        call::<logs::PutLogEvents>(service, place, put).await?;
    }
    Ok(())
}

fn unless_there<T>(outcome: Result<T, Error>) -> Result<(), Error> {
    match outcome {
        Err(error) if !error.is("ResourceAlreadyExistsException") => Err(error),
        _ => Ok(()),
    }
}
