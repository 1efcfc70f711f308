//! Names of streams, shards and consumers, in all the forms in which callers give them.

use platform::Ctx;
use store::Partition;
use wire::Error;

use crate::errors::{invalid, no_consumer};
use crate::keys;

/// Which stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamName {
    /// 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Its name.
    pub name: String,
}

impl StreamName {
    /// The stream of that name in the caller's account.
    pub fn here(cx: &Ctx, name: &str) -> StreamName {
        StreamName { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() }
    }

    /// The stream that a call names by its name, its ARN or both.
    ///
    /// # Errors
    /// `InvalidArgumentException` when it names none, or two, or gives an id.
    pub fn new(cx: &Ctx, name: Option<&str>, arn: Option<&str>, id: Option<&str>) -> Result<StreamName, Error> {
        if id.is_some() {
            return Err(invalid("StreamId is not supported. Use StreamName or StreamARN."));
        }
        match (name, arn) {
            (_, Some(arn)) => {
                let named = StreamName::parse_arn(arn).ok_or_else(|| invalid(format!("Invalid StreamARN: {arn}")))?;
                if name.is_some_and(|name| name != named.name) {
                    return Err(invalid("StreamName and StreamARN do not name the same stream."));
                }
                Ok(named)
            }
            (Some(name), None) => Ok(StreamName::here(cx, name)),
            (None, None) => Err(invalid("Either StreamName or StreamARN must be provided.")),
        }
    }

    /// The stream of an ARN, or of the ARN of one of its consumers.
    pub fn parse_arn(arn: &str) -> Option<StreamName> {
        let mut parts = arn.splitn(6, ':');
        let head = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        if head.0 != "arn" || head.2 != "kinesis" || account.is_empty() {
            return None;
        }
        let name = resource.strip_prefix("stream/")?.split('/').next().filter(|name| !name.is_empty())?;
        Some(StreamName { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }

    /// The ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:kinesis:{}:{}:stream/{}", self.region, self.account, self.name)
    }

    /// Where its rows lie.
    pub fn partition(&self) -> Partition {
        keys::partition(&self.account, &self.region)
    }
}

/// Which consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerName {
    /// Its stream.
    pub stream: StreamName,
    /// Its name.
    pub name: String,
    /// When it was registered, in seconds since 1970, where the ARN was given.
    pub created: Option<i64>,
}

impl ConsumerName {
    /// The consumer of an ARN.
    pub fn parse_arn(arn: &str) -> Option<ConsumerName> {
        let stream = StreamName::parse_arn(arn)?;
        let (_, rest) = arn.split_once("/consumer/")?;
        let (name, created) = rest.rsplit_once(':')?;
        Some(ConsumerName { stream, name: name.to_owned(), created: Some(created.parse().ok()?) })
    }

    /// The consumer that a call names by its ARN, or by its name and its stream's ARN.
    ///
    /// # Errors
    /// `InvalidArgumentException`, and `ResourceNotFoundException` for an ARN of nothing.
    pub fn new(
        cx: &Ctx,
        arn: Option<&str>,
        stream_arn: Option<&str>,
        name: Option<&str>,
    ) -> Result<ConsumerName, Error> {
        match (arn, stream_arn, name) {
            (Some(arn), None, None) => ConsumerName::parse_arn(arn).ok_or_else(|| no_consumer(arn, &cx.account)),
            (None, Some(stream), Some(name)) => {
                let stream = StreamName::new(cx, None, Some(stream), None)?;
                Ok(ConsumerName { stream, name: name.to_owned(), created: None })
            }
            _ => Err(invalid("Either ConsumerARN or both StreamARN and ConsumerName must be provided.")),
        }
    }

    /// What errors call it: its ARN where that was given.
    pub fn shown(&self) -> String {
        match self.created {
            Some(created) => consumer_arn(&self.stream, &self.name, created),
            None => self.name.clone(),
        }
    }
}

/// ARN of a consumer; `created` is in seconds since 1970.
pub fn consumer_arn(stream: &StreamName, consumer: &str, created: i64) -> String {
    format!("{}/consumer/{consumer}:{created}", stream.arn())
}

/// The id of a shard.
pub fn shard_id(shard: u32) -> String {
    format!("shardId-{shard:012}")
}

/// The number in the id of a shard. As at AWS the number alone will do.
pub fn parse_shard_id(id: &str) -> Option<u32> {
    let number = id.strip_prefix("shardId-").unwrap_or(id);
    Some(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_as_they_are_written() {
        let stream = StreamName { account: "111122223333".into(), region: "eu-west-1".into(), name: "s.1".into() };
        assert_eq!(StreamName::parse_arn(&stream.arn()), Some(stream.clone()));
        let arn = consumer_arn(&stream, "c", 7);
        assert_eq!(StreamName::parse_arn(&arn), Some(stream.clone()));
        assert_eq!(ConsumerName::parse_arn(&arn), Some(ConsumerName { stream, name: "c".into(), created: Some(7) }));
        for text in ["", "arn:aws:kinesis:r:1:table/x", "arn:aws:sqs:r:1:stream/x", "arn:aws:kinesis:r:1:stream/"] {
            assert_eq!(StreamName::parse_arn(text), None, "{text}");
        }
    }

    #[test]
    fn shards_are_known_by_their_number() {
        assert_eq!(shard_id(12), "shardId-000000000012");
        assert_eq!(parse_shard_id(&shard_id(12)), Some(12));
        assert_eq!(parse_shard_id("5"), Some(5));
        for text in ["", "shardId-", "shardId--1", "shard-1", "shardId-99999999999"] {
            assert_eq!(parse_shard_id(text), None, "{text}");
        }
    }
}
