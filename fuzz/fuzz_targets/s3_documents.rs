//! XML documents of S3: any bytes are read or refused by every operation that takes one; what is read is checked
//! against the model.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::codec::xml::{XmlReader, XmlTree};

fuzz_target!(|bytes: &[u8]| {
    let Ok(tree) = XmlTree::parse(bytes) else { return };
    for operation in api::s3::SERVICE.operations {
        let Some(codec) = &operation.codec else { continue };
        let mut reader = XmlReader::for_rest(&tree);
        let Ok(input) = (codec.read_input)(&mut reader) else { continue };
        let _ = wire::validate::validate(&api::s3::SERVICE, operation, input.as_ref());
    }
});
