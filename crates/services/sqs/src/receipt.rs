//! Receipt handles: texts that mean nothing to clients and lead back to a message without an index.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::binary::{Input, Output};
use crate::limits::RECEIPT_CHARACTERS_MAX;

/// Version of the form. Together with the byte behind it, it makes handles begin as AWS's do.
const VERSION: [u8; 2] = [1, 1];

/// What a handle says. It is only believed as far as the message it leads to agrees: its id and receive count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the queue.
    pub queue: u64,
    /// Number of the message.
    pub sequence: u64,
    /// Until when the message was to stay invisible, in milliseconds since 1970.
    pub until: i64,
    /// How often the message had been received, this time included.
    pub receive_count: u32,
    /// Id of the message.
    pub id: Uuid,
    /// Its group, in FIFO queues.
    pub group: Option<String>,
}

impl Receipt {
    /// The handle.
    pub fn encode(&self) -> String {
        let mut output = Output(VERSION.to_vec());
        output.number(self.queue);
        output.number(self.sequence);
        output.signed(self.until);
        output.number(u64::from(self.receive_count));
        output.0.extend(self.id.as_bytes());
        output.optional(self.group.as_deref());
        STANDARD.encode(output.0)
    }

    /// What a handle says; `None` if it is none.
    pub fn decode(handle: &str) -> Option<Receipt> {
        if handle.len() > RECEIPT_CHARACTERS_MAX {
            return None;
        }
        let bytes = STANDARD.decode(handle).ok()?;
        let mut input = Input(bytes.strip_prefix(&VERSION)?);
        let (queue, sequence, until) = (input.number()?, input.number()?, input.signed()?);
        let receive_count = u32::try_from(input.number()?).ok()?;
        let id = Uuid::from_slice(input.take(16)?).ok()?;
        let group = input.optional()?;
        input.0.is_empty().then_some(Receipt { queue, sequence, until, receive_count, id, group })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn handles_read_back(numbers in any::<(u64, u64, i64, u32, u128)>(), group in proptest::option::of("[!-~]{1,128}")) {
            let (queue, sequence, until, receive_count, id) = numbers;
            let receipt = Receipt { queue, sequence, until, receive_count, id: Uuid::from_u128(id), group };
            let handle = receipt.encode();
            prop_assert!(handle.len() <= RECEIPT_CHARACTERS_MAX && handle.starts_with("AQ"));
            prop_assert_eq!(Receipt::decode(&handle), Some(receipt));
        }

        #[test]
        fn other_texts_are_refused(text in ".{0,80}") {
            prop_assert!(Receipt::decode(&text).is_none_or(|receipt| receipt.encode() == text));
        }
    }
}
