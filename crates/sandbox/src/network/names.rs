//! Questions for names (RFC 1035), as far as they are answered here.

use std::net::Ipv4Addr;

/// Bytes of the header of a message.
const HEADER_BYTES: usize = 12;
/// Bytes of a name at most, with the lengths of its labels (RFC 1035).
const NAME_BYTES_MAX: usize = 255;
/// Bytes of a label at most (RFC 1035).
const LABEL_BYTES_MAX: u8 = 63;
/// How long an answer may be remembered, in seconds: it does not change as long as the environment lives.
const TTL_SECONDS: u32 = 60;

const IS_RESPONSE: u8 = 0x80;
const IS_AUTHORITATIVE: u8 = 0x04;
const OPCODE: u8 = 0x78;
const RECURSION_DESIRED: u8 = 0x01;
const RECURSION_AVAILABLE: u8 = 0x80;
const TYPE_A: u16 = 1;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot be read.
    Malformed = 1,
    /// Nobody can answer it now.
    Failed = 2,
    /// There is no such name.
    Unknown = 3,
    /// It is no question.
    NotImplemented = 4,
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// In lower case, without the last dot.
    pub(crate) name: String,
    kind: u16,
    class: u16,
    /// Bytes of the message up to the end of the question.
    end: usize,
}

/// Reads a message. `None`: it deserves no answer; an error: it gets one that says so.
pub(crate) fn read(message: &[u8]) -> Option<Result<Question, Refusal>> {
    let header: &[u8; HEADER_BYTES] = message.first_chunk()?;
    if header[2] & IS_RESPONSE != 0 {
        return None;
    }
    if header[2] & OPCODE != 0 {
        return Some(Err(Refusal::NotImplemented));
    }
    let one_question = header[4..6] == [0, 1];
    let question = one_question.then(|| question(message)).flatten();
    Some(question.ok_or(Refusal::Malformed))
}

fn question(message: &[u8]) -> Option<Question> {
    let mut at = HEADER_BYTES;
    let mut name = String::new();
    loop {
        let length = *message.get(at)?;
        at += 1;
        if length == 0 {
            break;
        }
        if length > LABEL_BYTES_MAX || at + usize::from(length) > HEADER_BYTES + NAME_BYTES_MAX {
            return None;
        }
        let label = message.get(at..at + usize::from(length))?;
        at += usize::from(length);
        if !name.is_empty() {
            name.push('.');
        }
        // What is not ASCII, or a dot within a label, is no name of ours; it is handed on as it came.
        name.extend(label.iter().map(|byte| match byte {
            b'.' => '\\',
            byte if byte.is_ascii() => char::from(byte.to_ascii_lowercase()),
            _ => '\u{fffd}',
        }));
    }
    let end = at + 4;
    let fields: &[u8; 4] = message.get(at..end)?.first_chunk()?;
    let number = |at: usize| u16::from_be_bytes([fields[at], fields[at + 1]]);
    Some(Question { name, kind: number(0), class: number(2), end })
}

impl Question {
    /// Whether the name is one of these domains or below one.
    pub(crate) fn is_under(&self, domains: &[String]) -> bool {
        let under = |domain: &str| match self.name.strip_suffix(domain) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        };
        domains.iter().any(|domain| under(domain))
    }

    /// Says that the name stands for an address. Other kinds of records it has none.
    pub(crate) fn answer(&self, message: &[u8], address: Ipv4Addr) -> Vec<u8> {
        /// Points to the name in the question, which follows the header.
        const NAME_OF_QUESTION: [u8; 2] = [0xc0, HEADER_BYTES as u8];
        let has_address = self.class == CLASS_IN && matches!(self.kind, TYPE_A | TYPE_ANY);
        let mut reply = reply(message, self.end, 0, u16::from(has_address));
        if has_address {
            reply.extend(NAME_OF_QUESTION);
            reply.extend(TYPE_A.to_be_bytes());
            reply.extend(CLASS_IN.to_be_bytes());
            reply.extend(TTL_SECONDS.to_be_bytes());
            reply.extend(4_u16.to_be_bytes());
            reply.extend(address.octets());
        }
        reply
    }

    /// Says why there is no answer.
    pub(crate) fn refuse(&self, message: &[u8], refusal: Refusal) -> Vec<u8> {
        reply(message, self.end, refusal as u8, 0)
    }

    /// Whether a message is an answer to this question, as it was asked in `message`.
    pub(crate) fn is_answered_by(&self, message: &[u8], answer: &[u8]) -> bool {
        let asked = message.get(HEADER_BYTES..self.end).unwrap_or_default();
        let is_response = answer.get(2).is_some_and(|flags| flags & IS_RESPONSE != 0);
        let repeated = answer.get(HEADER_BYTES..self.end);
        // Some servers leave the question out when they refuse it.
        let same =
            repeated.is_some_and(|repeated| repeated.eq_ignore_ascii_case(asked)) || answer.get(4..6) == Some(&[0, 0]);
        is_response && same && answer.get(..2) == message.get(..2)
    }
}

/// Says why a message that could not be read has no answer. The message has at least a header.
pub(crate) fn refuse(message: &[u8], refusal: Refusal) -> Vec<u8> {
    reply(message, HEADER_BYTES, refusal as u8, 0)
}

fn reply(message: &[u8], end: usize, code: u8, answers: u16) -> Vec<u8> {
    let mut reply = message.get(..end).unwrap_or_default().to_vec();
    reply.resize(end.max(HEADER_BYTES), 0);
    reply[2] = IS_RESPONSE | IS_AUTHORITATIVE | (reply[2] & (OPCODE | RECURSION_DESIRED));
    reply[3] = RECURSION_AVAILABLE | code;
    reply[4..6].copy_from_slice(&u16::from(end > HEADER_BYTES).to_be_bytes());
    reply[6..8].copy_from_slice(&answers.to_be_bytes());
    reply[8..HEADER_BYTES].fill(0);
    reply
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.').filter(|label| !label.is_empty()) {
            message.push(label.len() as u8);
            message.extend(label.bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend(CLASS_IN.to_be_bytes());
        message
    }

    fn read_one(message: &[u8]) -> Question {
        read(message).unwrap().unwrap()
    }

    #[test]
    fn a_name_is_answered_with_its_address_and_other_records_with_none() {
        let message = ask("STS.us-east-1.amazonaws.com", TYPE_A);
        let question = read_one(&message);
        assert_eq!(question.name, "sts.us-east-1.amazonaws.com");
        let reply = question.answer(&message, Ipv4Addr::LOCALHOST);
        assert_eq!(reply[..8], [0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1]);
        assert_eq!(reply[12..message.len()], message[12..]);
        assert_eq!(reply[message.len()..], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        let message = ask("sts.amazonaws.com", 28);
        let reply = read_one(&message).answer(&message, Ipv4Addr::LOCALHOST);
        assert_eq!((reply.len(), reply[3] & 15, reply[7]), (message.len(), 0, 0));
    }

    #[test]
    fn domains_end_at_dots() {
        let domains = ["amazonaws.com".to_owned(), "on.aws".to_owned()];
        for (name, expected) in [
            ("amazonaws.com", true),
            ("bucket.s3.eu-west-1.amazonaws.com", true),
            ("x.lambda-url.eu-west-1.on.aws", true),
            ("notamazonaws.com", false),
            ("amazonaws.com.example.org", false),
            ("example.org", false),
            ("", false),
        ] {
            assert_eq!(read_one(&ask(name, TYPE_A)).is_under(&domains), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_question_is_refused_or_ignored() {
        let message = ask("example.org", TYPE_A);
        let refused = read_one(&message).refuse(&message, Refusal::Unknown);
        assert_eq!((refused.len(), refused[3] & 15), (message.len(), 3));
        assert_eq!(read(&message[..11]), None, "no header");
        assert_eq!(read(&message[..20]), Some(Err(Refusal::Malformed)), "it breaks off");
        let mut changed = message.clone();
        changed[2] = 0x80;
        assert_eq!(read(&changed), None, "an answer");
        changed[2] = 0x28;
        assert_eq!(read(&changed), Some(Err(Refusal::NotImplemented)), "an update");
        let mut two = message.clone();
        two[5] = 2;
        assert_eq!(read(&two), Some(Err(Refusal::Malformed)));
        let mut compressed = message[..12].to_vec();
        compressed.extend([0xc0, 12, 0, 1, 0, 1]);
        assert_eq!(read(&compressed), Some(Err(Refusal::Malformed)), "a name that points to itself");
        assert_eq!(refuse(&message, Refusal::Malformed).len(), HEADER_BYTES);
    }

    #[test]
    fn only_an_answer_to_the_question_is_one() {
        let message = ask("example.org", TYPE_A);
        let question = read_one(&message);
        let answer = question.answer(&message, Ipv4Addr::new(192, 0, 2, 1));
        assert!(question.is_answered_by(&message, &answer));
        let other = ask("example.com", TYPE_A);
        assert!(!question.is_answered_by(&message, &read_one(&other).answer(&other, Ipv4Addr::LOCALHOST)));
        let mut of_another = answer.clone();
        of_another[0] ^= 1;
        assert!(!question.is_answered_by(&message, &of_another));
        assert!(!question.is_answered_by(&message, &message));
        assert!(!question.is_answered_by(&message, &[]));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read_and_refused(message in proptest::collection::vec(any::<u8>(), 0..400)) {
            match read(&message) {
                None => {}
                Some(Err(refusal)) => prop_assert_eq!(refuse(&message, refusal).len(), HEADER_BYTES),
                Some(Ok(question)) => {
                    prop_assert!(question.end <= message.len());
                    prop_assert!(question.answer(&message, Ipv4Addr::LOCALHOST).len() <= message.len() + 16);
                    prop_assert!(!question.is_answered_by(&message, &[]));
                }
            }
        }
    }
}
