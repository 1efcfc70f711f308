//! `ListShards`.

use api::kinesis::enums::shard_filter_type;
use api::kinesis::{ListShardsInput, ListShardsOutput, ShardFilter, errors};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors::{invalid, no_stream};
use crate::limits::TOKEN_MS;
use crate::names::{StreamName, parse_shard_id};
use crate::service::Kinesis;
use crate::shard::Shard;
use crate::stream::{Status, Stream};
use crate::{rows, token};

/// Shards that are listed unless the caller asks for another number (API reference).
const SHARDS_DEFAULT: usize = 1_000;

/// What tokens are made for.
const PURPOSE: &str = "kinesis/list-shards";

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
pub struct Token {
    /// ARN of the stream.
    pub arn: String,
    stream: u64,
    after: u32,
    wanted: Wanted,
    made_at: i64,
}

/// Which shards are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Wanted {
    /// All.
    All,
    /// Those after a shard.
    After(u32),
    /// Those that are open.
    Open,
    /// Those that were open at a time, in milliseconds since 1970.
    OpenAt(i64),
    /// Those that were open at a time or later, in milliseconds since 1970.
    OpenSince(i64),
}

/// Lists the shards of a stream, oldest first.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`, `ExpiredNextTokenException`.
pub async fn list_shards(service: &Kinesis, cx: &Ctx, input: ListShardsInput) -> Result<ListShardsOutput, Error> {
    let (name, token) = match &input.next_token {
        Some(text) => {
            let (name, token) = go_on(service, &input, text)?;
            (name, Some(token))
        }
        None => {
            let (name, arn, id) =
                (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
            (StreamName::new(cx, name, arn, id)?, None)
        }
    };
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name).await?;
    let is_another = token.as_ref().is_some_and(|token| token.stream != stream.number)
        || input.stream_creation_timestamp.is_some_and(|at| at.seconds != stream.created_at.div_euclid(1_000));
    if is_another {
        return Err(no_stream(&name));
    }
    let (wanted, after) = match token {
        Some(token) => (token.wanted, Some(token.after)),
        None => begin(&input, &stream, service.now())?,
    };
    let all = match stream.status {
        Status::Creating => Vec::new(),
        _ => rows::shards_of(&snapshot, stream.number).await?,
    };
    let most = input.max_results.map_or(SHARDS_DEFAULT, |most| usize::try_from(most).unwrap_or(SHARDS_DEFAULT));
    let is_listed = |shard: &&Shard| after.is_none_or(|after| shard.number > after) && wanted.has(shard);
    let mut shown: Vec<&Shard> = all.iter().filter(is_listed).take(most + 1).collect();
    let has_more = shown.len() > most;
    shown.truncate(most);
    let next_token = shown.last().filter(|_| has_more).map(|last| {
        let (arn, made_at) = (name.arn(), service.now());
        let token = Token { arn, stream: stream.number, after: last.number, wanted, made_at };
        token::text(&service.platform.sealing, PURPOSE, &token)
    });
    Ok(ListShardsOutput { shards: Some(shown.iter().map(|shard| shard.describe()).collect()), next_token })
}

fn go_on(service: &Kinesis, input: &ListShardsInput, text: &str) -> Result<(StreamName, Token), Error> {
    let others = [
        ("StreamName", input.stream_name.is_some()),
        ("StreamARN", input.stream_arn.is_some()),
        ("StreamCreationTimestamp", input.stream_creation_timestamp.is_some()),
        ("ExclusiveStartShardId", input.exclusive_start_shard_id.is_some()),
        ("ShardFilter", input.shard_filter.is_some()),
    ];
    if let Some((other, _)) = others.iter().find(|(_, is_given)| *is_given) {
        return Err(invalid(format!("NextToken and {other} cannot be provided together.")));
    }
    let token: Token =
        token::parse(&service.platform.sealing, PURPOSE, text).ok_or_else(|| invalid("NextToken is invalid."))?;
    if service.now() > token.made_at.saturating_add(TOKEN_MS) {
        return Err(errors::expired_next_token_exception("NextToken has expired."));
    }
    let name = StreamName::parse_arn(&token.arn).ok_or_else(|| invalid("NextToken is invalid."))?;
    Ok((name, token))
}

/// What a listing from the beginning shows, and after which shard it begins.
fn begin(input: &ListShardsInput, stream: &Stream, now: i64) -> Result<(Wanted, Option<u32>), Error> {
    let parse = |id: &str| parse_shard_id(id).ok_or_else(|| invalid(format!("Invalid shard id: {id}")));
    let after = input.exclusive_start_shard_id.as_deref().map(parse).transpose()?;
    let Some(filter) = &input.shard_filter else { return Ok((Wanted::All, after)) };
    if after.is_some() {
        return Err(invalid("ExclusiveStartShardId and ShardFilter cannot be provided together."));
    }
    Ok((wanted(filter, stream, now)?, None))
}

fn wanted(filter: &ShardFilter, stream: &Stream, now: i64) -> Result<Wanted, Error> {
    let kind = filter.r#type.as_str();
    let time = || {
        let at = filter.timestamp.ok_or_else(|| invalid(format!("Timestamp must be provided for {kind}.")))?;
        // A time before the stream, or before what it keeps, means its oldest records.
        Ok(at.milliseconds().max(stream.horizon(now)).max(stream.created_at))
    };
    match kind {
        shard_filter_type::AFTER_SHARD_ID => {
            let id = filter.shard_id.as_deref();
            let shard = id.and_then(parse_shard_id);
            shard.map(Wanted::After).ok_or_else(|| invalid(format!("ShardId must be provided for {kind}.")))
        }
        shard_filter_type::AT_LATEST => Ok(Wanted::Open),
        shard_filter_type::AT_TRIM_HORIZON => Ok(Wanted::OpenAt(stream.horizon(now).max(stream.created_at))),
        shard_filter_type::AT_TIMESTAMP => time().map(Wanted::OpenAt),
        shard_filter_type::FROM_TIMESTAMP => time().map(Wanted::OpenSince),
        _ => Ok(Wanted::OpenSince(stream.horizon(now))),
    }
}

impl Wanted {
    fn has(self, shard: &Shard) -> bool {
        match self {
            Wanted::All => true,
            Wanted::After(number) => shard.number > number,
            Wanted::Open => shard.is_open(),
            Wanted::OpenAt(time) => shard.opened_at <= time && shard.closed_at.is_none_or(|closed_at| time < closed_at),
            Wanted::OpenSince(time) => shard.closed_at.is_none_or(|closed_at| time < closed_at),
        }
    }
}
