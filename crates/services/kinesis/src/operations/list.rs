//! `ListStreams`.

use api::kinesis::{ListStreamsInput, ListStreamsOutput, StreamSummary, errors};
use platform::{Ctx, OrFailure};
use serde::{Deserialize, Serialize};
use store::Direction;
use wire::Error;

use crate::errors::invalid;
use crate::limits::TOKEN_MS;
use crate::names::StreamName;
use crate::service::Kinesis;
use crate::stream::{Stream, seconds};
use crate::{keys, rows, token};

/// Streams that are listed unless the caller asks for another number (API reference).
const STREAMS_DEFAULT: usize = 100;

/// What tokens are made for.
const PURPOSE: &str = "kinesis/list-streams";

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
struct Token {
    after: String,
    made_at: i64,
}

/// Lists the streams of the account by name.
///
/// # Errors
/// `InvalidArgumentException`, `ExpiredNextTokenException`.
pub async fn list_streams(service: &Kinesis, cx: &Ctx, input: ListStreamsInput) -> Result<ListStreamsOutput, Error> {
    let sealing = &service.platform.sealing;
    let after = match &input.next_token {
        Some(text) => {
            let token: Token = token::parse(sealing, PURPOSE, text).ok_or_else(|| invalid("NextToken is invalid."))?;
            if service.now() > token.made_at.saturating_add(TOKEN_MS) {
                return Err(errors::expired_next_token_exception("NextToken has expired."));
            }
            Some(token.after)
        }
        None => input.exclusive_start_stream_name.clone(),
    };
    let most = input.limit.map_or(STREAMS_DEFAULT, |limit| usize::try_from(limit).unwrap_or(STREAMS_DEFAULT));
    let range = match &after {
        Some(after) => keys::streams().after(&keys::stream(after)),
        None => keys::streams(),
    };
    let partition = keys::partition(&cx.account, &cx.region);
    let snapshot = service.snapshot(&partition).await?;
    let found =
        snapshot.scan(range, Direction::Forward, most.min(crate::limits::STREAMS_MAX) + 1).await.or_failure()?;
    let mut streams = found.iter().map(|(_, row)| rows::decode::<Stream>(row)).collect::<Result<Vec<_>, _>>()?;
    let has_more_streams = streams.len() > most;
    streams.truncate(most);
    let last = streams.last().filter(|_| has_more_streams);
    let next_token =
        last.map(|last| token::text(sealing, PURPOSE, &Token { after: last.name.clone(), made_at: service.now() }));
    Ok(ListStreamsOutput {
        stream_names: streams.iter().map(|stream| stream.name.clone()).collect(),
        has_more_streams,
        next_token,
        stream_summaries: Some(streams.iter().map(|stream| summary(cx, stream)).collect()),
    })
}

fn summary(cx: &Ctx, stream: &Stream) -> StreamSummary {
    StreamSummary {
        stream_name: stream.name.clone(),
        stream_arn: StreamName::here(cx, &stream.name).arn(),
        stream_status: stream.status.text().to_owned(),
        stream_mode_details: Some(stream.mode()),
        stream_creation_timestamp: Some(seconds(stream.created_at)),
    }
}
